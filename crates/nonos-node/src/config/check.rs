//! Reads a configuration and finds all that is wrong with it, each with its place and what to do.

use std::ops::Range;

use nonos_mesh::{Multiaddr, Protocol};
use nonos_types::Fault;
use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Config, HttpListen, Pin};

/// Mistakes that are told of one text: whoever has made more has given another file.
const MOST: usize = 100;

/// What is wrong with a text that should be a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config.toml, line {line}, column {column}: {}{message}; {remedy}", key.as_ref().map(|it| format!("{it}: ")).unwrap_or_default())]
pub struct ConfigError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The key it is about, with its table, if it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl ConfigError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        Fault::Caller
    }
}

/// A value that is none alone, or not beside another one.
pub(super) struct Conflict {
    pub(super) key: &'static str,
    pub(super) message: String,
    pub(super) remedy: String,
}

impl Config {
    /// Reads `config.toml`. What it does not set has its default; what is not known is refused.
    ///
    /// ```
    /// use nonos_node::Config;
    ///
    /// assert_eq!(Config::parse(Config::DEFAULT_TEXT)?, Config::default());
    /// let error = Config::parse("network = \"mine\"\nlisten_on = []\n").unwrap_err();
    /// assert_eq!((error.line, error.column), (2, 1));
    /// # Ok::<_, nonos_node::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// The first [`ConfigError`], with its place.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::check(text).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Reads `config.toml` as [`Config::parse`] does, and says all that is wrong with it.
    ///
    /// ```
    /// use nonos_node::Config;
    ///
    /// let errors = Config::check("[limits]\ncpu = 0\ndisc = \"20GB\"\n").unwrap_err();
    /// assert_eq!(errors.len(), 2);
    /// assert_eq!(errors[0].key.as_deref(), Some("limits.cpu"));
    /// assert!(errors[1].remedy.contains("did you mean `disk`?"));
    /// ```
    ///
    /// # Errors
    /// All [`ConfigError`]s, in the order of their places, but at most a hundred; at least one.
    pub fn check(text: &str) -> Result<Self, Vec<ConfigError>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let whole = Text(text);
        if !errors.is_empty() {
            let errors = &errors[..errors.len().min(MOST)];
            let syntax = |error: &toml::de::Error| {
                let remedy =
                    "a line is `key = value`, a table's head `[table]`; a string stands in quotes".to_owned();
                whole.error(error.span(), None, error.message().to_owned(), remedy)
            };
            return Err(sorted(errors.iter().map(syntax).collect()));
        }
        let mut left = table.clone();
        let mut found = Vec::new();
        let config = loop {
            // One mistake at a time is told: what it is about is taken out, and the rest looked at again.
            let error = match Self::deserialize(toml::de::Deserializer::from(left.clone())) {
                Ok(config) => break config,
                Err(error) => error,
            };
            let path = error.span().and_then(|span| entry(left.get_ref(), span.start));
            found.push(whole.refused(&error, path.as_deref()));
            match path.filter(|_| found.len() < MOST) {
                Some(path) => remove(left.get_mut(), &path),
                None => return Err(sorted(found)),
            }
        };
        for conflict in config.conflicts() {
            let at = place(table.get_ref(), conflict.key);
            found.push(whole.error(
                at,
                Some(conflict.key.to_owned()),
                conflict.message,
                conflict.remedy,
            ));
        }
        if found.is_empty() {
            Ok(config)
        } else {
            Err(sorted(found))
        }
    }

    /// What each value alone does not show.
    fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        let mut conflict = |key, message: String, remedy: &str| {
            found.push(Conflict {
                key,
                message,
                remedy: remedy.to_owned(),
            });
        };
        if self.network.trim().is_empty() {
            conflict(
                "network",
                "a network has a name".to_owned(),
                "give it one, such as `network = \"nonos-main\"`",
            );
        }
        for (key, addresses) in [("listen", &self.listen), ("peers", &self.peers)] {
            for (at, address) in addresses.iter().enumerate() {
                if let Some(why) = unreachable(address) {
                    conflict(
                        key,
                        format!("`{address}` {why}"),
                        "write it as /ip4/192.0.2.7/tcp/4710 or /ip4/192.0.2.7/udp/4710/quic-v1",
                    );
                } else if addresses[..at].contains(address) {
                    conflict(
                        key,
                        format!("`{address}` is named twice"),
                        "remove one of the two",
                    );
                }
            }
        }
        if let HttpListen::At(page) = self.http.listen
            && let Some(address) = self.listen.iter().find(|it| takes(it, page))
        {
            conflict(
                "http.listen",
                format!("the page cannot be at {page}, where peers connect (`{address}` in `listen`)"),
                "give one of the two another port",
            );
        }
        if self.roles.executor == Pin::On && !self.executor.enabled {
            conflict(
                "roles.executor",
                "`executor = \"on\"` under [roles] contradicts `enabled = false` under [executor]".to_owned(),
                "remove one of the two",
            );
        }
        for (key, value) in [
            ("award_timeout_s", self.award_timeout_s),
            ("directory.most", self.directory.most as u64),
            ("directory.of_prefix", self.directory.of_prefix as u64),
            ("verifier.queue", self.verifier.queue as u64),
        ] {
            if value == 0 {
                conflict(
                    key,
                    "0 is too little: at least 1".to_owned(),
                    "remove it, and the default holds",
                );
            }
        }
        found.extend(self.settlement.conflict());
        found
    }
}

/// Why nobody can be reached there, or listen.
fn unreachable(address: &str) -> Option<&'static str> {
    let Ok(parsed) = address.parse::<Multiaddr>() else {
        return Some("is not a multiaddr");
    };
    let parts: Vec<Protocol<'_>> = parsed.iter().collect();
    let (name, way) = match &parts[..] {
        [Protocol::Ip4(_) | Protocol::Ip6(_), way @ ..] => match way {
            [Protocol::Tcp(_), rest @ ..] | [Protocol::Udp(_), Protocol::QuicV1, rest @ ..] => (rest, true),
            _ => (&[][..], false),
        },
        [
            Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_),
            ..,
        ] => {
            return Some("has a name, and a node asks no DNS: its IP address is wanted");
        }
        _ => (&[][..], false),
    };
    match name {
        _ if !way => Some("is no way to a node: it has an IP address, and tcp or udp with quic-v1"),
        [] | [Protocol::P2p(_)] => None,
        _ => Some("goes on where a node's address ends"),
    }
}

/// Is it the same TCP port, on an address that both have?
fn takes(address: &str, page: std::net::SocketAddr) -> bool {
    let Ok(parsed) = address.parse::<Multiaddr>() else {
        return false;
    };
    let mut parts = parsed.iter();
    let ip: std::net::IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return false,
    };
    let port = match parts.next() {
        Some(Protocol::Tcp(port)) => port,
        _ => return false,
    };
    port != 0
        && port == page.port()
        && (ip == page.ip() || (ip.is_unspecified() && ip.is_ipv4() == page.is_ipv4()))
}

fn sorted(mut errors: Vec<ConfigError>) -> Vec<ConfigError> {
    errors.sort_by_key(|it| (it.line, it.column));
    errors
}

struct Text<'a>(&'a str);

impl Text<'_> {
    fn error(
        &self,
        at: Option<Range<usize>>,
        key: Option<String>,
        message: String,
        remedy: String,
    ) -> ConfigError {
        let start = at.map_or(0, |at| at.start).min(self.0.len());
        let before = self.0.get(..start).unwrap_or_default();
        ConfigError {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            key,
            message,
            remedy,
        }
    }

    fn refused(&self, error: &toml::de::Error, path: Option<&[String]>) -> ConfigError {
        let known = Config::known();
        let path = path.map(|it| it.join(".")).unwrap_or_default();
        let (table, name) = path.rsplit_once('.').unwrap_or(("", &path));
        // Those that could be meant come with the remedy.
        let message = error.message();
        let message = match message.split_once(", expected") {
            Some((what, _)) if what.starts_with("unknown field") => what,
            _ => message,
        };
        let remedy = if message.starts_with("unknown field") {
            unknown(&known, table, name)
        } else if let Some(key) = known.iter().find(|it| it.path() == path) {
            format!("write it as in `{} = {}`", key.name, key.sample)
        } else {
            "`operator config default` shows all keys".to_owned()
        };
        let key = (!path.is_empty()).then_some(path.clone());
        self.error(error.span(), key, message.to_owned(), remedy)
    }
}

/// What to do about a key that there is not.
fn unknown(known: &[super::Known], table: &str, name: &str) -> String {
    let mut tables: Vec<&str> = known
        .iter()
        .map(|it| it.table)
        .filter(|it| !it.is_empty())
        .collect();
    tables.dedup();
    let here = known.iter().filter(|it| it.table == table).map(|it| it.name);
    let inner = tables.iter().filter(|_| table.is_empty()).copied();
    if let Some(near) = nearest(name, here.chain(inner)) {
        return format!("did you mean `{near}`?");
    }
    match known.iter().find(|it| it.name == name) {
        Some(elsewhere) if elsewhere.table.is_empty() => {
            format!("`{name}` stands above the first table")
        }
        Some(elsewhere) => format!("`{name}` is a key under [{}]", elsewhere.table),
        None => "remove it; `operator config default` shows all keys".to_owned(),
    }
}

/// The name that is meant, if one is near enough.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = |it: &&str| strsim::jaro_winkler(name, it);
    let best = names.max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) >= 0.85).then_some(best)
}

/// The innermost entry there, by the names on the way to it.
fn entry(table: &DeTable<'_>, at: usize) -> Option<Vec<String>> {
    let within = |span: Range<usize>| span.contains(&at);
    let inner = table.iter().find_map(|(key, value)| {
        let DeValue::Table(table) = value.get_ref() else {
            return None;
        };
        let mut path = entry(table, at)?;
        path.insert(0, key.get_ref().to_string());
        Some(path)
    });
    inner.or_else(|| {
        let mut entries = table.iter();
        let (key, _) = entries.find(|(key, value)| within(key.span()) || within(value.span()))?;
        Some(vec![key.get_ref().to_string()])
    })
}

fn remove(table: &mut DeTable<'_>, path: &[String]) {
    let Some((last, outer)) = path.split_last() else {
        return;
    };
    let mut table = table;
    for name in outer {
        match table.get_mut(name.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(inner)) => table = inner,
            _ => return,
        }
    }
    table.remove(last.as_str());
}

/// Where the value of a key stands, or else its table, if either does.
fn place(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let value = table.get(name)?;
    match (value.get_ref(), rest) {
        (DeValue::Table(inner), Some(rest)) => place(inner, rest).or_else(|| Some(value.span())),
        _ => Some(value.span()),
    }
}

#[cfg(test)]
mod tests;
