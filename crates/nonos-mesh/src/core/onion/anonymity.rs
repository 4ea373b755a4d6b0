use std::collections::BTreeMap;

use super::{NotHidden, Refused};

/// How far a node's questions are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hiding {
    /// As far as it was set.
    Full,
    /// By fewer hops than that.
    Fewer {
        /// Nodes on a route, the one it ends at included.
        hops: usize,
    },
    /// Not at all: there is no route.
    Not(NotHidden),
}

/// How well a node is hidden, as far as it can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymity {
    /// How far.
    pub hiding: Hiding,
    /// Nodes that frames may go through: among so many it hides.
    pub mixes: usize,
    /// Of these, those that fewer than two neighbours have shown: more than none if the constraint cannot hold.
    pub unconfirmed: usize,
    /// Are no two hops of a route told of by the same neighbour, where another route is left?
    pub introducers_apart: bool,
    /// Guards that are connected.
    pub guards: usize,
    /// Is there cover? Without it, it can be seen when something is said.
    pub cover: bool,
    /// Of the last frames that went around: how many were sent, and how many came back.
    pub around: (u32, u32),
    /// What was counted since the start.
    pub counts: Counts,
}

/// What was counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames of neighbours.
    pub received: u64,
    /// Of these, those that were not taken, and why.
    pub refused: BTreeMap<Refused, u64>,
    /// Frames of others that were passed on.
    pub forwarded: u64,
    /// Frames that ended here, cover included.
    pub ended: u64,
    /// Frames of this node that said something.
    pub own: u64,
    /// Frames of this node that said nothing.
    pub cover: u64,
    /// Frames that were lost here: their next hop is unknown or cannot be reached, or there was no room.
    pub lost: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that were given up.
    pub failed: u64,
}
