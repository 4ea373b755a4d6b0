//! What an operator says of settling the books.

use nonos_depin::{MAX_AMOUNT, anchor::Quorum, settlement::SettlementFile};
use nonos_depin_evm::Address;
use nonos_types::{Amount, NodeId};
use serde::{Deserialize, Deserializer, de};

use super::check::Conflict;

/// How the books are batched, and where batches are anchored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settlement {
    /// Where.
    pub anchor: AnchorName,
    /// What a batch shows that this node owes no peer more than, net.
    pub limit: Amount,
    /// Who is asked to countersign.
    pub witnesses: Vec<NodeId>,
    /// How many of them must have; 0 for more than half.
    pub threshold: usize,
    /// Whose commitments this node countersigns when it is asked over the mesh.
    pub witness_for: Vec<NodeId>,
    /// The contract on a chain.
    pub evm: Option<Evm>,
}

/// The anchors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorName {
    /// Batches stay pending.
    #[default]
    None,
    /// A file, that a person carries to the witnesses.
    File,
    /// The same file; the witnesses are asked over the mesh.
    Witness,
    /// A contract on an EVM chain.
    Evm,
}

/// A contract on an EVM chain, and what may be spent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evm {
    /// A node of the chain, `http://…`.
    pub rpc: String,
    /// The chain's id.
    pub chain_id: u64,
    /// The contract; none before there is one (`operator settle deploy`).
    #[serde(default, deserialize_with = "contract")]
    pub contract: Option<Address>,
    /// Most for a unit of gas, in 10⁹ of the chain's smallest unit.
    #[serde(default = "fifty")]
    pub max_fee_gwei: u64,
    /// Seconds after which more is offered for a transaction that is in no block.
    #[serde(default = "five_minutes")]
    pub patience_s: u64,
    /// Blocks, the batch's own included, that make a batch final.
    #[serde(default = "twelve")]
    pub confirmations: u64,
}

fn fifty() -> u64 {
    50
}

fn five_minutes() -> u64 {
    300
}

fn twelve() -> u64 {
    12
}

fn contract<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

impl Default for Settlement {
    fn default() -> Self {
        Self {
            anchor: AnchorName::None,
            limit: MAX_AMOUNT,
            witnesses: Vec::new(),
            threshold: 0,
            witness_for: Vec::new(),
            evm: None,
        }
    }
}

impl Settlement {
    /// Most nodes whose commitments are countersigned: a row is kept of each.
    const MOST_WITNESSED: usize = 1024;

    /// Whose signatures make a batch final.
    pub(crate) fn quorum(&self) -> Quorum {
        if self.witnesses.is_empty() {
            return Quorum::NOBODY;
        }
        Quorum::new(self.witnesses.iter().copied(), self.needed()).expect("checked when it was read")
    }

    fn needed(&self) -> usize {
        match self.threshold {
            0 => self.witnesses.len() / 2 + 1,
            some => some,
        }
    }

    /// What of it cannot be, if anything.
    pub(super) fn conflict(&self) -> Option<Conflict> {
        let mut names = self.witnesses.clone();
        names.sort_unstable();
        names.dedup();
        let (key, message, remedy) = if names.len() != self.witnesses.len() {
            let message = "`witnesses` under [settlement] names a node twice".to_owned();
            ("settlement.witnesses", message, "remove one of the two")
        } else if self.witnesses.len() > SettlementFile::MAX_COUNTERSIGNATURES {
            let most = SettlementFile::MAX_COUNTERSIGNATURES;
            let message = format!("more than {most} `witnesses` under [settlement]");
            ("settlement.witnesses", message, "name fewer")
        } else if self.witness_for.len() > Self::MOST_WITNESSED {
            let most = Self::MOST_WITNESSED;
            let message = format!("more than {most} nodes in `witness_for` under [settlement]");
            ("settlement.witness_for", message, "name fewer")
        } else if self.threshold > self.witnesses.len() {
            let message = "`threshold` under [settlement] is more than there are `witnesses`".to_owned();
            (
                "settlement.threshold",
                message,
                "name more witnesses, or want fewer; 0 is more than half",
            )
        } else if self.anchor == AnchorName::Witness && self.witnesses.is_empty() {
            let message = "`anchor = \"witness\"` under [settlement] needs `witnesses`".to_owned();
            (
                "settlement.anchor",
                message,
                "name their node ids, or set `anchor = \"none\"`",
            )
        } else if self.anchor == AnchorName::Evm && self.evm.is_none() {
            let message = "`anchor = \"evm\"` under [settlement] needs [settlement.evm]".to_owned();
            (
                "settlement.anchor",
                message,
                "set `rpc` and `chain_id` there, or `anchor = \"none\"` here",
            )
        } else if self.limit > MAX_AMOUNT {
            let message = "`limit` under [settlement] is above 2^96 atto-NONOS, the most there is".to_owned();
            ("settlement.limit", message, "remove it, and the most holds")
        } else {
            return None;
        };
        Some(Conflict {
            key,
            message,
            remedy: remedy.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, config::AnchorName};

    const NODES: [&str; 2] = [
        "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
        "1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca",
    ];

    fn read(text: &str) -> Result<Config, String> {
        let text = format!("[settlement]\n{text}");
        let text = text.replace("ONE", NODES[0]).replace("TWO", NODES[1]);
        Config::parse(&text).map_err(|error| error.message)
    }

    #[test]
    fn an_anchor_has_what_it_needs() {
        let evm = "anchor = \"evm\"\n[settlement.evm]\nrpc = \"http://127.0.0.1:8545\"\nchain_id = 31337\n";
        let config = read(evm).expect("a configuration");
        assert_eq!(config.settlement.anchor, AnchorName::Evm);
        let settings = config.settlement.evm.expect("it is set");
        assert_eq!((settings.confirmations, settings.contract), (12, None));
        let witness = "anchor = \"witness\"\nwitnesses = [\"ONE\", \"TWO\"]";
        assert_eq!(read(witness).expect("a configuration").settlement.needed(), 2);
        for (text, why) in [
            ("anchor = \"chain\"", "unknown variant"),
            ("anchor = \"evm\"", "needs [settlement.evm]"),
            ("anchor = \"witness\"", "needs `witnesses`"),
            ("witnesses = [\"ONE\", \"ONE\"]", "names a node twice"),
            ("witnesses = [\"ONE\"]\nthreshold = 2", "more than there are"),
            ("limit = \"79228162514264337593543950337\"", "above 2^96"),
            (&format!("{evm}contract = \"0x12\""), "0x12"),
            (&format!("{evm}gas = 1"), "unknown field"),
        ] {
            let refused = read(text).expect_err("it is refused");
            assert!(refused.contains(why), "{text}: {refused}");
        }
        read("limit = \"79228162514264337593543950336\"").expect("the most");
        let many = |name: &str, count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("\"{number:064x}\"")).collect();
            read(&format!("{name} = [{}]", names.join(", ")))
        };
        many("witnesses", 256).expect("the most");
        assert!(
            many("witnesses", 257)
                .expect_err("too many")
                .contains("more than 256")
        );
        many("witness_for", 1024).expect("the most");
        assert!(
            many("witness_for", 1025)
                .expect_err("too many")
                .contains("more than 1024")
        );
    }
}
