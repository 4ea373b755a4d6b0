use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RequestError;

/// A bundle is being written or taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleBegun {
    /// To ask how far it is.
    pub number: u64,
}

/// How far a bundle is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BundleView {
    /// Messages written, or offered to the node; those that wait for others are offered again.
    pub messages: u64,
    /// Objects written, or looked at.
    pub objects: u64,
    /// What became of it, once it is over.
    pub outcome: Option<BundleOutcome>,
}

/// What became of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BundleOutcome {
    /// It is written, and on the disk.
    Exported(Exported),
    /// It was read as far as it goes.
    Imported(Imported),
    /// The node cannot write it, or cannot keep what is in it.
    Failed(RequestError),
}

/// What is in a bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Its file.
    pub path: String,
    /// Length of that.
    pub bytes: u64,
    /// Messages in it.
    pub messages: u64,
    /// Objects in it.
    pub objects: u64,
    /// Objects that its messages name, and that this node does not have or that are too long for a bundle.
    pub missing: u64,
}

/// What became of what was in a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Imported {
    /// Of its messages.
    pub messages: Tally,
    /// Of its objects.
    pub objects: Tally,
    /// Why it was not read to its end; what came before was.
    pub damage: Option<RequestError>,
}

/// Counts; together, how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Now here, and not before.
    pub taken: u64,
    /// Here before.
    pub known: u64,
    /// Not believed yet, by what they wait for.
    pub waiting: BTreeMap<String, u64>,
    /// Not let in, by reason.
    pub refused: BTreeMap<String, u64>,
}
