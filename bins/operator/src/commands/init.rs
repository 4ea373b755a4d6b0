//! `operator init`: a new node.

use super::Context;
use crate::{datadir::DataArgs, failure::Failure, output::say, passphrase::PassphraseArgs};
use nonos_node::Config;
use nonos_trust::keystore::Cost;
use nonos_types::{NetworkId, NodeId};
use serde::Serialize;
use std::path::PathBuf;

/// Makes a new node: its data directory, its key under a passphrase, and its configuration.
///
/// It never writes over a directory that is not empty.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Name of the network: nodes of different networks do not speak to each other [default: nonos-main].
    #[arg(long, value_name = "NAME", env = "NONOS_NETWORK")]
    network: Option<String>,
    /// Multiaddr to listen on; may be given again [default: port 4710 of every interface].
    #[arg(long, value_name = "ADDR", env = "NONOS_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Multiaddr of a peer to keep connected to; may be given again.
    #[arg(long, value_name = "ADDR", env = "NONOS_PEERS", value_delimiter = ',')]
    peer: Vec<String>,
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
        let data_dir = self.data.path()?;
        let text = self.config_text();
        let config = Config::parse(&text)?;
        let id = nonos_node::init(&data_dir, &self.passphrase.chosen()?, Cost::DEFAULT, &text)?;
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
        say(
            "next: `operator run` with the same --data, and `operator key backup`: a lost key is a lost node",
        );
        Ok(())
    }

    fn config_text(&self) -> String {
        config_text(self.network.as_deref(), &self.listen, &self.peer)
    }
}

/// The commented default configuration, with what was named in it.
pub(super) fn config_text(network: Option<&str>, listen: &[String], peers: &[String]) -> String {
    let mut text = Config::DEFAULT_TEXT.to_owned();
    if let Some(network) = network {
        set(&mut text, "network", network.into());
    }
    if !listen.is_empty() {
        set(&mut text, "listen", listen.to_vec().into());
    }
    if !peers.is_empty() {
        set(&mut text, "peers", peers.to_vec().into());
    }
    text
}

/// Puts a setting in the place of the comment with its default: the first one, since those of the tables come after.
fn set(text: &mut String, key: &str, value: toml::Value) {
    let comment = format!("#{key} = ");
    let mut value = Some(value);
    let lines = text.lines().map(|line| {
        if line.starts_with(&comment)
            && let Some(value) = value.take()
        {
            format!("{key} = {value}\n")
        } else {
            format!("{line}\n")
        }
    });
    *text = lines.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(Debug, clap::Parser)]
    struct Cli {
        #[command(flatten)]
        init: Init,
    }

    fn config(arguments: &[&str]) -> Config {
        let all = [&["init"], arguments].concat();
        let text = Cli::try_parse_from(all).expect("arguments").init.config_text();
        Config::parse(&text).expect("a configuration")
    }

    #[test]
    fn the_configuration_has_what_was_named_and_else_the_defaults() {
        assert_eq!(config(&[]), Config::default());
        let named = config(&[
            "--network",
            "a \"b\"\\",
            "--listen",
            "/ip4/1.2.3.4/tcp/1",
            "--peer",
            "x",
            "--peer",
            "y",
        ]);
        let expected = Config {
            network: "a \"b\"\\".to_owned(),
            listen: vec!["/ip4/1.2.3.4/tcp/1".to_owned()],
            peers: vec!["x".to_owned(), "y".to_owned()],
            ..Config::default()
        };
        assert_eq!(named, expected);
    }
}
