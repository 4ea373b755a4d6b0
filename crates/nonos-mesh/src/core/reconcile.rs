//! Which messages two nodes do not share, found in a few frames: range-based set reconciliation of the names of the
//! messages each has, one kind after the other. What is found is then fetched by name and let in like anything else.

mod error;
mod frame;
mod initiator;
mod pace;
mod responder;
mod round;
mod summary;
mod wire;

use nonos_types::{ByteLen, Kind};

pub use self::{
    error::Unsound,
    initiator::{Found, Initiator, Step},
    pace::Pace,
    responder::{Responder, Serve},
    round::{Heard, Round, Scope},
    summary::{Summary, Window},
    wire::{Answer, Ask, Said},
};

/// What bounds the reconciliation of one kind with one peer.
#[derive(Clone, Copy, Debug)]
pub enum Limits {}

impl Limits {
    /// Most bytes of a frame.
    pub const FRAME: ByteLen = ByteLen::new(256 << 10);
    /// Most bytes of an ask or an answer: a frame, and what is around it.
    pub const MESSAGE: ByteLen = ByteLen::new((256 << 10) + 128);
    /// Most bytes of all asks and answers of a round, in both directions. What does not fit is for the next round.
    pub const ROUND: ByteLen = ByteLen::new(4 << 20);
    /// Most asks of one kind. Full frames reach [`Limits::ROUND`] long before; only a peer that answers in drops
    /// comes to this.
    pub const ASKS: u32 = 64;
    /// Most answers in a row that name nothing new. Each ask and answer cut the first range in which the sets differ
    /// into sixteen, so that as many as this are never needed for sets that fit a memory.
    pub const IDLE: u32 = 8;
}

/// The kinds that are reconciled, in their order: what must be known before more harm is done, where the others are,
/// what relays have signed for; then jobs as they go, so that each message finds there what it is about. Claims are not:
/// they are worth nothing when they are late.
pub const ORDER: [Kind; 9] = [
    Kind::Accusation,
    Kind::Descriptor,
    Kind::RelayHead,
    Kind::Offer,
    Kind::Award,
    Kind::Cancel,
    Kind::Receipt,
    Kind::Voucher,
    Kind::Verdict,
];
