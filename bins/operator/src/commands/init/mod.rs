//! `operator init`: a new node.

mod questions;
mod wizard;

use self::{
    questions::{Given, Settings, Topic},
    wizard::{Console, Terminal},
};
use super::{Context, doctor};
use crate::{datadir::DataArgs, failure::Failure, output::say, passphrase::PassphraseArgs};
use nonos_node::Config;
use nonos_trust::keystore::{Cost, Passphrase};
use nonos_types::{NetworkId, NodeId};
use serde::Serialize;
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

/// Makes a new node: its data directory, its key under a passphrase, and its configuration.
///
/// On a terminal it asks for what no flag gives. It never writes over a directory that is not empty.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    given: Given,
    /// Asks nothing but a passphrase that no file gives: what no flag gives has its default.
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Made {
    id: NodeId,
    network: NetworkId,
    data_dir: PathBuf,
}

impl Init {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let (data_dir, settings, passphrase) = if self.yes {
            (self.data.path()?, self.settings(None)?, self.passphrase.chosen()?)
        } else if io::stdin().is_terminal() {
            self.ask(&mut Terminal)?
        } else {
            let flags = ["--data", "--passphrase-file"]
                .into_iter()
                .chain(Topic::ALL.iter().map(|it| it.flag()));
            let flags: Vec<&str> = flags.collect();
            return Err(Failure::NobodyToAsk {
                flags: flags.join(", "),
            });
        };
        let text = Config::default_text_with(&settings);
        let config = Config::parse(&text)?;
        let id = nonos_node::init(&data_dir, &passphrase, Cost::DEFAULT, &text)?;
        let made = Made {
            id,
            network: NetworkId::named(&config.network),
            data_dir,
        };
        context.output.show(&made, || {
            vec![
                ("node", made.id.to_string()),
                ("network", format!("{} ({})", config.network, made.network)),
                ("data directory", made.data_dir.display().to_string()),
            ]
        })?;
        let findings = doctor::examine(&made.data_dir, context.params.as_deref(), None);
        for it in findings.wrong() {
            let remedy = it.remedy.as_deref().unwrap_or_default();
            say(&format!("{}: {}; {remedy}", it.name, it.reason));
        }
        say(&format!(
            "next: `operator run{0}`, and `operator key backup{0} -o FILE`: a lost key is a lost node",
            self.where_it_is(&made.data_dir)
        ));
        Ok(())
    }

    /// What `operator run` needs to be told of it.
    fn where_it_is(&self, data_dir: &Path) -> String {
        match self.data.usual() {
            Ok(usual) if usual == data_dir => String::new(),
            _ => format!(" --data {}", data_dir.display()),
        }
    }

    /// Asks for what is not given.
    fn ask(&self, console: &mut dyn Console) -> Result<(PathBuf, Settings, Passphrase), Failure> {
        console.say("A new node. Enter takes what stands in brackets; everything can be changed later.");
        let usual = self.data.path()?;
        let data_dir = if self.data.is_named() {
            usual
        } else {
            wizard::data_dir(console, &usual)?
        };
        let settings = self.settings(Some(console))?;
        let passphrase = match self.passphrase.given()? {
            Some(passphrase) => passphrase,
            None => wizard::passphrase(console)?,
        };
        Ok((data_dir, settings, passphrase))
    }

    /// What the flags say, and the answers where there is somebody to ask.
    fn settings(&self, mut console: Option<&mut dyn Console>) -> Result<Settings, Failure> {
        let mut settings = Settings::new();
        for topic in Topic::ALL {
            if let Some(given) = self.given.of(topic) {
                let more = topic.settings(&given, &settings);
                settings.extend(more.map_err(|reason| Failure::BadSetting {
                    flag: topic.flag(),
                    reason,
                })?);
            } else if let Some(console) = console.as_deref_mut()
                && !topic.is_settled(&settings)
            {
                let more = wizard::settings(console, topic, &settings)?;
                settings.extend(more);
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use nonos_node::Pin;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        init: Init,
    }

    fn text(arguments: &[&str]) -> Result<String, Failure> {
        let all = [&["init"], arguments].concat();
        let init = Cli::try_parse_from(all).expect("arguments").init;
        init.settings(None).map(|it| Config::default_text_with(&it))
    }

    fn config(arguments: &[&str]) -> Config {
        Config::parse(&text(arguments).expect("good flags")).expect("a configuration")
    }

    #[test]
    fn the_configuration_has_what_was_named_and_else_the_defaults() {
        assert_eq!(text(&[]).ok().as_deref(), Some(Config::DEFAULT_TEXT));
        let named = config(&[
            "--network",
            "a \"b\"\\",
            "--listen",
            "/ip4/1.2.3.4/tcp/1",
            "--peer",
            "/ip4/1.2.3.4/tcp/2",
            "--peer",
            "/ip4/1.2.3.4/tcp/3",
        ]);
        let expected = Config {
            network: "a \"b\"\\".to_owned(),
            listen: vec!["/ip4/1.2.3.4/tcp/1".to_owned()],
            peers: vec!["/ip4/1.2.3.4/tcp/2".to_owned(), "/ip4/1.2.3.4/tcp/3".to_owned()],
            ..Config::default()
        };
        assert_eq!(named, expected);
    }

    #[test]
    fn every_question_has_a_flag() {
        let given = config(&[
            "--cpu",
            "50",
            "--memory",
            "1GiB",
            "--disk",
            "20GB",
            "--monthly",
            "1TB",
            "--upload",
            "600",
            "--roles",
            "seeder,verifier",
        ]);
        let expected = "[limits]\ncpu = 50\nmemory = \"1GiB\"\ndisk = \"20GB\"\nmonthly = \"1TB\"\nupload_kbit_s = 600\n\
                        [roles]\nexecutor = \"off\"\nbroadcaster = \"off\"\n";
        assert_eq!(Config::parse(expected), Ok(given));
        assert_eq!(config(&["--roles", "none"]).roles.seeder, Pin::Off);
        let invited = config(&[
            "--invitation",
            "nonos:a test@/ip4/1.2.3.4/tcp/1,/ip4/1.2.3.4/tcp/2",
        ]);
        assert_eq!((invited.network.as_str(), invited.peers.len()), ("a test", 2));
    }

    #[test]
    fn a_bad_flag_is_told_with_its_reason() {
        for (flag, value, words) in [
            ("--cpu", "0", "from 1 to 100"),
            ("--cpu", "half", "whole number"),
            ("--memory", "1MiB", "too little"),
            ("--disk", "much", "20GB"),
            ("--upload", "5", "too slow"),
            ("--roles", "miner", "seeder"),
            ("--listen", "example.org", "multiaddr"),
            ("--peer", "/dns4/example.org/tcp/1", "DNS"),
            ("--invitation", "hello", "nonos:"),
            ("--network", " ", "name"),
        ] {
            let error = text(&[flag, value]).expect_err(value).to_string();
            assert!(
                error.contains(flag) && error.contains(words),
                "{flag} {value}: {error}"
            );
        }
    }
}
