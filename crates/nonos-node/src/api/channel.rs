use nonos_types::{CapsuleHash, JobId, NodeId, ReceiptId, Timestamp};
use serde::{Deserialize, Serialize};

/// Messages of a channel, in the order in which their receipts came to be known here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessagePage {
    /// Ask for the next ones with this; where nothing is behind, it is what was asked with.
    pub next: u64,
    /// Messages; of some receipts it is seen only now that they have none, so that a page may be short.
    pub messages: Vec<MessageView>,
}

/// A message of a channel: the outbound tape of a receipt that verifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageView {
    /// The receipt, which names the message.
    pub receipt: ReceiptId,
    /// The capsule, which names the channel.
    pub capsule: CapsuleHash,
    /// The job of the run.
    pub job: JobId,
    /// Who ran it.
    pub executor: NodeId,
    /// When it was proved.
    pub at: Timestamp,
    /// How long it is, if its bytes are here.
    pub bytes: Option<u64>,
    /// Its bytes, if they were asked for and are here.
    pub bytes_hex: Option<String>,
}
