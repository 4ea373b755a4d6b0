use nonos_types::{Amount, FeedHead, Incarnation, NodeId};
use serde::{Deserialize, Serialize};

/// What it means to go on with books that were put back to an older state, or whose key was used elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// Was it done? If not, this says what it would mean.
    pub done: bool,
    /// How far the books go.
    pub head: FeedHead,
    /// The newest entry that this node is known to have signed: what is between the two is lost.
    pub known: FeedHead,
    /// The incarnation in which they go on.
    pub incarnation: Incarnation,
    /// Peers that have given all they have of this node since it started.
    pub asked: Vec<NodeId>,
    /// Vouchers of this node that came back from them, or will be booked.
    pub own_vouchers: usize,
    /// What they come to.
    pub owed: Amount,
    /// Vouchers to this node that are not booked yet.
    pub vouchers: usize,
    /// What they come to.
    pub earned: Amount,
    /// What is to be known before it is done.
    pub warnings: Vec<String>,
}
