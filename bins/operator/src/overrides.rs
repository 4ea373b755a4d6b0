//! What of the configuration is set by flags or by the environment, for a start of the node.

use clap::{ArgMatches, FromArgMatches, parser::ValueSource};
use nonos_node::{Config, HttpListen, Overridden};
use serde::Serialize;

/// Where a setting's value comes from; each goes before those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Source {
    /// The command line.
    Flag,
    /// A `NONOS_…` variable.
    Environment,
    /// `config.toml`.
    File,
    /// None of these.
    Default,
}

/// Settings that go before those of `config.toml`.
#[derive(Debug)]
pub(crate) struct Overrides {
    given: Given,
    from: Vec<(&'static str, Source)>,
}

#[derive(Debug, clap::Args)]
struct Given {
    /// Multiaddr to listen on, instead of the configuration's; may be given again.
    #[arg(long, value_name = "ADDR", env = "NONOS_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Multiaddr of a peer to keep connected to, instead of the configuration's; may be given again.
    #[arg(long, value_name = "ADDR", env = "NONOS_PEERS", value_delimiter = ',')]
    peer: Vec<String>,
    /// Where the node's page is, instead of the configuration's: an address of this machine alone, `auto` or `off`.
    #[arg(long, value_name = "ADDR", env = "NONOS_HTTP")]
    http: Option<HttpListen>,
}

/// The flags' names, and the keys whose place they take.
const KEYS: [(&str, &str); 3] = [("listen", "listen"), ("peer", "peers"), ("http", "http.listen")];

impl Overrides {
    /// Puts them in the place of what the file says.
    pub(crate) fn apply(&self, config: &mut Config) {
        let is_set = |key: &str| self.of(key).is_some();
        config.overridden = Overridden {
            listen: is_set("listen"),
            peers: is_set("peers"),
            http: is_set("http.listen"),
        };
        if !self.given.listen.is_empty() {
            config.listen.clone_from(&self.given.listen);
        }
        if !self.given.peer.is_empty() {
            config.peers.clone_from(&self.given.peer);
        }
        if let Some(http) = self.given.http {
            config.http.listen = http;
        }
    }

    /// The value of a key that is set so, and by what.
    pub(crate) fn of(&self, key: &str) -> Option<(serde_json::Value, Source)> {
        let (_, source) = self.from.iter().find(|(it, _)| *it == key)?;
        let value = match key {
            "listen" => self.given.listen.clone().into(),
            "peers" => self.given.peer.clone().into(),
            _ => self.given.http?.to_string().into(),
        };
        Some((value, *source))
    }
}

// By hand, since only the matches say whether a value is the command line's or the environment's.
impl FromArgMatches for Overrides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let from = KEYS
            .into_iter()
            .filter_map(|(flag, key)| match matches.value_source(flag)? {
                ValueSource::CommandLine => Some((key, Source::Flag)),
                ValueSource::EnvVariable => Some((key, Source::Environment)),
                _ => None,
            });
        Ok(Self {
            from: from.collect(),
            given: Given::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Overrides {
    fn augment_args(command: clap::Command) -> clap::Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Given::augment_args_for_update(command)
    }
}
