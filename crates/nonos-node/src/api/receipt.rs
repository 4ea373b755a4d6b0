use nonos_types::{CapsuleHash, NodeId, ReceiptId};
use serde::{Deserialize, Serialize};

/// Which receipt to write where.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptExport {
    /// Its name.
    pub receipt: ReceiptId,
    /// The file, by its absolute path.
    pub path: String,
    /// May one that is there be written over?
    #[serde(default)]
    pub replace: bool,
    /// Does the capsule go with it? Whoever has none of their own needs it.
    #[serde(default = "with")]
    pub with_capsule: bool,
}

fn with() -> bool {
    true
}

/// A receipt that was written to a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptExported {
    /// Its name.
    pub receipt: ReceiptId,
    /// Who signed it.
    pub executor: NodeId,
    /// What was run.
    pub capsule: CapsuleHash,
    /// Is the capsule in the file?
    pub with_capsule: bool,
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
}
