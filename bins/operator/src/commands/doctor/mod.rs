//! `operator doctor`: is all there that a node needs?

mod home;
mod machine;
mod reach;

use super::Context;
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::{Grid, or_dash},
    passphrase::PassphraseArgs,
};
use nonos_node::{
    Client, Config,
    api::{PeerView, Request, Status},
};
use nonos_trust::keystore::Passphrase;
use nonos_types::Fault;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Checks that all is there that a node needs, and says what to do where it is not. It changes nothing.
///
/// The exit code is that of the worst: 0 if nothing failed, warnings included; 1 if something of this machine did; 2 if
/// config.toml or the command line did.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// It cannot be told now.
    Unknown,
    /// A node runs, but not as well as it could.
    Warning,
    /// A node does not run, or not for long.
    Failed,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    /// Why it is said to be so.
    pub(crate) reason: String,
    /// What to do, where something is.
    pub(crate) remedy: Option<String>,
    #[serde(skip)]
    fault: Fault,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            name,
            verdict,
            reason: reason.into(),
            remedy: None,
            fault: Fault::Environment,
        }
    }

    fn ok(name: &'static str, reason: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, reason)
    }

    fn unknown(name: &'static str, reason: impl Into<String>) -> Self {
        Self::new(name, Verdict::Unknown, reason)
    }

    fn warning(name: &'static str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::new(name, Verdict::Warning, reason)
        }
    }

    fn failed(name: &'static str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::new(name, Verdict::Failed, reason)
        }
    }

    /// What the command line or the configuration is to blame for.
    fn by_caller(self) -> Self {
        Self {
            fault: Fault::Caller,
            ..self
        }
    }
}

/// All that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) data_dir: PathBuf,
    /// Does a node run there that answers?
    pub(crate) running: bool,
    pub(crate) checks: Vec<Check>,
}

impl Findings {
    /// Those that are not as they should be.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|it| it.verdict >= Verdict::Warning)
    }

    fn failure(&self) -> Option<Failure> {
        let failed: Vec<&Check> = self
            .checks
            .iter()
            .filter(|it| it.verdict == Verdict::Failed)
            .collect();
        let of_machine = failed.iter().any(|it| it.fault == Fault::Environment);
        (!failed.is_empty()).then(|| Failure::Unwell {
            failed: failed.len(),
            checks: self.checks.len(),
            fault: if of_machine {
                Fault::Environment
            } else {
                Fault::Caller
            },
        })
    }
}

impl Doctor {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let path = self.data.path()?;
        let passphrase = self.passphrase.given().transpose();
        let findings = examine(&path, context.params.as_deref(), passphrase);
        context
            .output
            .print(&findings, || grid(&findings.checks).lines())?;
        findings.failure().map_or(Ok(()), Err)
    }
}

fn grid(checks: &[Check]) -> Grid {
    Grid {
        head: &["check", "", "reason", "what to do"],
        rows: (checks.iter())
            .map(|it| {
                vec![
                    it.name.to_owned(),
                    it.verdict.name().to_owned(),
                    it.reason.clone(),
                    or_dash(it.remedy.clone()),
                ]
            })
            .collect(),
    }
}

/// What a node that runs says of itself.
struct Running {
    status: Status,
    peers: Vec<PeerView>,
}

impl Running {
    fn ask(path: &Path) -> Option<Self> {
        let mut client = Client::connect(path).ok()?;
        Some(Self {
            status: client.call(&Request::Status).ok()?,
            peers: client.call(&Request::Peers).ok()?,
        })
    }
}

/// Looks at everything. `passphrase` opens the keystore.
pub(crate) fn examine(
    path: &Path,
    params: Option<&Path>,
    passphrase: Option<Result<Passphrase, Failure>>,
) -> Findings {
    let running = Running::ask(path);
    let running = running.as_ref();
    let (config, config_check) = home::config(path);
    let params = params.map_or_else(|| path.join("params"), Path::to_owned);
    let mut checks = vec![
        home::data_directory(path, running.is_some()),
        home::parts(path),
        home::rights(path),
        home::keystore(&path.join("keys/node.key"), passphrase),
        config_check,
    ];
    checks.extend(machine(&config, path, &params, running));
    checks.extend(reach(&config, path, running));
    Findings {
        data_dir: path.to_owned(),
        running: running.is_some(),
        checks,
    }
}

fn machine(config: &Config, path: &Path, params: &Path, running: Option<&Running>) -> Vec<Check> {
    let limits = machine::nofile(running.is_some().then_some(path));
    vec![
        machine::disk(machine::disk_facts(config, path)),
        machine::memory(config.limits.memory.map(|it| it.get()), machine::memory_facts()),
        machine::files(limits),
        machine::sandbox(config, running.map(|it| it.status.sandbox)),
        machine::parameters(params),
    ]
}

fn reach(config: &Config, path: &Path, running: Option<&Running>) -> Vec<Check> {
    let listens = running.map(|it| &it.status.addresses[..]);
    vec![
        reach::clock(running.map(|it| &it.status.clock)),
        reach::ports(&config.listen, listens),
        reach::page(config.http.listen, path, running.is_some()),
        reach::reachability(running.map(|it| &it.peers[..])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(checks: Vec<Check>) -> Findings {
        Findings {
            data_dir: "x".into(),
            running: false,
            checks,
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        let ok = Check::ok("a", "it is");
        let warning = Check::warning("b", "not quite", "do it");
        let caller = Check::failed("c", "no", "do it").by_caller();
        let machine = Check::failed("d", "no", "do it");
        let fault = |checks: &[&Check]| {
            let failure = findings(checks.iter().map(|it| (*it).clone()).collect()).failure();
            failure.map(|it| it.fault())
        };
        assert_eq!(fault(&[&ok, &warning]), None);
        assert_eq!(fault(&[&ok, &caller]), Some(Fault::Caller));
        assert_eq!(fault(&[&caller, &machine]), Some(Fault::Environment));
        let wrong = findings(vec![ok, warning, machine]);
        assert_eq!(wrong.wrong().map(|it| it.name).collect::<Vec<_>>(), ["b", "d"]);
    }
}
