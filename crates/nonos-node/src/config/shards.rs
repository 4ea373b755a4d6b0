//! What an operator says of the part of the mesh that a node hears.

use nonos_types::{Shard, Shards};
use serde::{Deserialize, Deserializer, de::Error as _};

/// The part of the mesh that a node hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mesh {
    /// The shards of whose capsules it hears what becomes of their jobs; of its own jobs it always does.
    #[serde(deserialize_with = "shards")]
    pub shards: Shards,
}

impl Default for Mesh {
    fn default() -> Self {
        Self { shards: Shards::ALL }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Word(String),
    Numbers(Vec<u32>),
}

fn shards<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Shards, D::Error> {
    let last = Shard::COUNT - 1;
    let bad = || {
        D::Error::custom(format!(
            "shards are \"all\" or a list of numbers from 0 to {last}"
        ))
    };
    let shards: Shards = match Said::deserialize(deserializer).map_err(|_| bad())? {
        Said::Word(word) if word == "all" => Shards::ALL,
        Said::Word(_) => return Err(bad()),
        Said::Numbers(numbers) => {
            let shards = numbers.into_iter().map(Shard::new).collect::<Option<Shards>>();
            shards.ok_or_else(bad)?
        }
    };
    if shards.is_empty() {
        return Err(D::Error::custom("a node hears of one shard at least"));
    }
    Ok(shards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn read(text: &str) -> Result<Shards, String> {
        let config = Config::parse(&format!("[mesh]\nshards = {text}\n"));
        config.map(|it| it.mesh.shards).map_err(|error| error.message)
    }

    #[test]
    fn shards_are_all_or_some() {
        assert_eq!(read("\"all\""), Ok(Shards::ALL));
        assert_eq!(read("[0, 2]").map(Shards::bits), Ok(0b101));
        assert_eq!(read("[3, 3]").map(Shards::bits), Ok(0b1000));
        assert_eq!(Config::default().mesh.shards, Shards::ALL);
    }

    #[test]
    fn refuses_what_is_no_shard_and_none() {
        for text in ["[4]", "\"some\"", "7", "[-1]"] {
            let error = read(text).expect_err(text);
            assert!(error.contains("0 to 3"), "{text}: {error}");
        }
        let error = read("[]").expect_err("none");
        assert!(error.contains("one shard at least"), "{error}");
    }
}
