use crate::{
    commands::Context,
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{or_dash, say},
};
use nonos_node::api::{EvidenceView, Request};
use nonos_types::{Accusation, EvidenceId, Signed};
use std::path::PathBuf;

/// Shows or exports evidence against a peer.
#[derive(Debug, clap::Args)]
pub(crate) struct Evidence {
    /// Its name, as `trust list` shows it.
    evidence: EvidenceId,
    #[command(flatten)]
    data: DataArgs,
    /// Writes it to a file that anyone can judge by `operator trust check`.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

impl Evidence {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let request = Request::Evidence {
            evidence: self.evidence,
        };
        let view: EvidenceView = self.data.client()?.call(&request)?;
        if let Some(path) = &self.export {
            let text = serde_json::to_string(&view).expect("plain data");
            files::write(path, format!("{text}\n").as_bytes())?;
            say(&format!("evidence written to {}", path.display()));
        }
        let bytes = |hex: &String| format!("{} bytes", hex.len() / 2);
        let accusation = hex::decode(&view.accusation_hex).ok();
        let accusation = accusation.and_then(|it| Signed::<Accusation>::from_bytes(&it).ok());
        let kind = accusation.map(|it| it.evidence.kind().to_owned());
        context.output.show(&view, || {
            vec![
                ("evidence", view.evidence.to_string()),
                ("kind", or_dash(kind)),
                ("against", view.subject.to_string()),
                ("accusation", bytes(&view.accusation_hex)),
                ("capsule's package", or_dash(view.package_hex.as_ref().map(bytes))),
            ]
        })
    }
}
