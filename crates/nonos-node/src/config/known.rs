//! The keys that there are, as the commented default configuration names them: so whoever writes a new one there has it in
//! what is checked, shown and suggested, too.

use super::Config;

/// A key of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its table, such as `limits`; empty for none.
    pub table: &'static str,
    /// Its name in it.
    pub name: &'static str,
    /// A value that it can have, as TOML.
    pub sample: &'static str,
    /// Has it that value where it is not set? Else it has none then.
    pub is_default: bool,
}

impl Known {
    /// As it is written on one line, such as `limits.cpu`.
    pub fn path(&self) -> String {
        match self.table {
            "" => self.name.to_owned(),
            table => format!("{table}.{}", self.name),
        }
    }
}

/// A line of the commented default.
enum Line {
    Table(&'static str),
    Key(&'static str, &'static str),
    Other,
}

fn read(line: &'static str) -> Line {
    let bare = line.strip_prefix('#').unwrap_or(line);
    if let Some(table) = bare.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return Line::Table(table);
    }
    match bare.split_once(" = ") {
        Some((name, value)) if name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_') => {
            Line::Key(name, value)
        }
        _ => Line::Other,
    }
}

impl Config {
    /// Every key, in the order of the commented default.
    pub fn known() -> Vec<Known> {
        let mut keys = Vec::new();
        let mut table = "";
        for line in Self::DEFAULT_TEXT.lines() {
            match read(line) {
                Line::Table(name) => table = name,
                Line::Key(name, sample) => keys.push((table, name, sample)),
                Line::Other => {}
            }
        }
        let all = sampled(&keys);
        (keys.iter().enumerate())
            .map(|(at, (table, name, sample))| {
                let without = [&keys[..at], &keys[at + 1..]].concat();
                Known {
                    table,
                    name,
                    sample,
                    is_default: all.is_some() && sampled(&without) == all,
                }
            })
            .collect()
    }

    /// The commented default with these values in it, which are TOML: each table, name and value; those of a table that
    /// the default has as a comment make it one. What is not a key that there is, is left out.
    ///
    /// ```
    /// use nonos_node::Config;
    ///
    /// let text = Config::default_text_with(&[("limits", "cpu", "50".to_owned())]);
    /// assert_eq!(Config::parse(&text)?, Config::parse("[limits]\ncpu = 50\n")?);
    /// # Ok::<_, nonos_node::ConfigError>(())
    /// ```
    pub fn default_text_with(settings: &[(&str, &str, String)]) -> String {
        let mut text = String::new();
        let mut table = "";
        for line in Self::DEFAULT_TEXT.lines() {
            let line = match read(line) {
                Line::Table(name) => {
                    table = name;
                    let is_set = settings.iter().any(|(of, ..)| *of == table);
                    if is_set {
                        format!("[{name}]")
                    } else {
                        line.to_owned()
                    }
                }
                Line::Key(name, _) => {
                    let value = settings.iter().find(|(of, it, _)| (*of, *it) == (table, name));
                    value.map_or_else(|| line.to_owned(), |(_, _, value)| format!("{name} = {value}"))
                }
                Line::Other => line.to_owned(),
            };
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// What comes of these keys with their samples, if anything does.
fn sampled(keys: &[(&str, &str, &str)]) -> Option<Config> {
    let mut text = String::new();
    let mut table = "";
    for (of, name, sample) in keys {
        if *of != table {
            table = of;
            text.push_str(&format!("[{table}]\n"));
        }
        text.push_str(&format!("{name} = {sample}\n"));
    }
    // As it is read first of all: what is wrong is told with the keys that there are.
    toml::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The keys of a table, as those say who read it.
    fn read_by_serde(table: &str) -> BTreeSet<String> {
        let text = match table {
            "" => "no_such_key = 1\n".to_owned(),
            table => format!("[{table}]\nno_such_key = 1\n"),
        };
        let error = toml::from_str::<Config>(&text).expect_err(table);
        let (_, expected) = error.message().split_once(", expected ").expect("a list");
        let names = expected.split('`').skip(1).step_by(2);
        names.map(str::to_owned).collect()
    }

    #[test]
    fn the_commented_default_has_every_key_and_no_other() {
        let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for key in Config::known() {
            named.entry(key.table).or_default().insert(key.name.to_owned());
        }
        for table in named.keys().copied().collect::<Vec<_>>() {
            let (outer, name) = table.rsplit_once('.').unwrap_or(("", table));
            if !table.is_empty() {
                named.entry(outer).or_default().insert(name.to_owned());
            }
        }
        assert!(named.len() > 12, "{named:?}");
        for (table, names) in named {
            assert_eq!(names, read_by_serde(table), "[{table}]");
        }
    }

    #[test]
    fn what_it_says_is_the_default_is_it() {
        let known = Config::known();
        let of = |path: &str| known.iter().find(|it| it.path() == path).expect(path).is_default;
        for path in [
            "network",
            "limits.cpu",
            "onion.hops",
            "settlement.evm.patience_s",
            "settlement.witnesses",
        ] {
            assert!(of(path), "{path}");
        }
        for path in [
            "peers",
            "limits.disk",
            "onion.family",
            "settlement.evm.rpc",
            "settlement.evm.contract",
        ] {
            assert!(!of(path), "{path}");
        }
        let set: Vec<(&str, &str, String)> = (known
            .iter()
            .filter(|it| it.is_default && it.table != "settlement.evm"))
        .map(|it| (it.table, it.name, it.sample.to_owned()))
        .collect();
        assert_eq!(
            Config::parse(&Config::default_text_with(&set)),
            Ok(Config::default())
        );
    }

    #[test]
    fn a_value_is_set_in_its_own_table() {
        let text = Config::default_text_with(&[
            ("settlement.evm", "rpc", "\"http://127.0.0.1:1\"".to_owned()),
            ("settlement.evm", "chain_id", "7".to_owned()),
            ("onion", "policy", "\"off\"".to_owned()),
            ("limits", "no_such_key", "1".to_owned()),
        ]);
        let config = Config::parse(&text).expect("a configuration");
        assert_eq!(config.settlement.evm.expect("it is set").chain_id, 7);
        assert_eq!(config.onion.policy, crate::Policy::Off);
        assert_eq!(text.lines().count(), Config::DEFAULT_TEXT.lines().count());
    }
}
