use crate::{commands::Context, failure::Failure, files};
use nonos_node::api::EvidenceView;
use nonos_trust::Judgement;
use nonos_types::{EvidenceId, NodeId};
use serde::Serialize;
use std::path::PathBuf;

/// Longest file of evidence: a package and an accusation, in hexadecimal.
const MAX_BYTES: u64 = 256 << 20;

/// Judges exported evidence, offline: no node is asked, and nobody's word is taken.
///
/// Succeeds only if the evidence shows the fault.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// What `operator trust evidence --export` wrote ("-" for stdin).
    evidence: PathBuf,
    /// The capsule's package, if it is not in the evidence.
    #[arg(long, value_name = "FILE")]
    capsule: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(tag = "judgement", rename_all = "kebab-case")]
enum Shown {
    Guilty { subject: NodeId, evidence: EvidenceId },
    Innocent,
    Indeterminate { reason: String },
}

impl Check {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let view = self.read()?;
        let accusation = hex::decode(&view.accusation_hex).map_err(|_| Failure::BadEvidence {
            field: "accusation_hex",
        })?;
        let package = self.package(&view)?;
        let judgement = nonos_node::check_accusation(&accusation, package.as_deref(), &context.params()?)?;
        match judgement {
            Judgement::Guilty { subject, evidence } => {
                let shown = Shown::Guilty { subject, evidence };
                context.output.show(&shown, || {
                    vec![
                        ("judgement", "guilty".to_owned()),
                        ("node", subject.to_string()),
                        ("evidence", evidence.to_string()),
                    ]
                })
            }
            Judgement::Innocent => {
                let table = || vec![("judgement", "innocent".to_owned())];
                context.output.show(&Shown::Innocent, table)?;
                Err(Failure::NotGuilty)
            }
            // Two things that contradict each other need nothing else; a proof needs what it is of.
            Judgement::Indeterminate { .. } if package.is_none() => Err(Failure::NoPackage),
            Judgement::Indeterminate { reason } => {
                let shown = Shown::Indeterminate {
                    reason: reason.clone(),
                };
                context
                    .output
                    .show(&shown, || vec![("judgement", "indeterminate".to_owned())])?;
                Err(Failure::Indeterminate { reason })
            }
        }
    }

    fn read(&self) -> Result<EvidenceView, Failure> {
        let text = files::read(&self.evidence, MAX_BYTES)?;
        serde_json::from_slice(&text).map_err(|source| Failure::NotEvidence {
            path: self.evidence.clone(),
            source,
        })
    }

    fn package(&self, view: &EvidenceView) -> Result<Option<Vec<u8>>, Failure> {
        match (&self.capsule, &view.package_hex) {
            (Some(path), _) => crate::commands::capsule::read(path).map(Some),
            (None, Some(text)) => {
                let package = hex::decode(text);
                package
                    .map(Some)
                    .map_err(|_| Failure::BadEvidence { field: "package_hex" })
            }
            (None, None) => Ok(None),
        }
    }
}
