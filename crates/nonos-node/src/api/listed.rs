use nonos_types::{ByteLen, CapsuleHash, Timestamp};
use serde::{Deserialize, Serialize};

use super::JobView;

/// The newest jobs, without inputs and results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobList {
    /// How many are known.
    pub total: usize,
    /// The newest of them, newest first.
    pub jobs: Vec<JobView>,
}

/// The capsules that are kept here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CapsuleList {
    /// How many are here.
    pub total: usize,
    /// Those that came last, newest first.
    pub capsules: Vec<CapsuleView>,
}

/// A capsule that is kept here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapsuleView {
    /// Its name.
    pub capsule: CapsuleHash,
    /// The name in its manifest, which its author chose. None if the file is damaged.
    pub name: Option<String>,
    /// The version there.
    pub version: Option<String>,
    /// The author there.
    pub author: Option<String>,
    /// Was it published here, or is it needed by one that was? Else it is dropped when room is wanted.
    pub own: bool,
    /// Length of the package.
    pub bytes: ByteLen,
    /// When it came.
    pub since: Timestamp,
}
