use nonos_types::{NodeId, Timestamp};

use super::{Answer, Ask, Journal};
use crate::core::{Rate, Recent, budget::Bucket};

/// Answers peers out of a journal, each of them so often and no oftener.
///
/// ```
/// use nonos_mesh::core::journal::{Answer, Ask, Journal, Serve};
/// use nonos_types::{Epoch, MessageId, NetworkId, NodeId, Timestamp};
///
/// let (now, peer) = (Timestamp::new(1_800_000_000), NodeId::from_bytes([2; 32]));
/// let journal = Journal::new(NetworkId::named("example"), None);
/// let [message, head] = [b"message", b"a head!"].map(|it| MessageId::hash(&[it]));
/// let ask = Ask::Include { epoch: Epoch::of(now), message, head };
///
/// let mut serve = Serve::new();
/// assert_eq!(serve.answer(&journal, peer, &ask, now), Some(Answer::Absent));
/// let answered = (0..100).filter_map(|_| serve.answer(&journal, peer, &ask, now));
/// assert_eq!(answered.count(), 31);
/// ```
#[derive(Debug)]
pub struct Serve {
    asked: Recent<NodeId, Bucket>,
}

impl Serve {
    /// Questions of one peer. One that found something asks a few times in two minutes.
    pub const RATE: Rate = Rate {
        per_second: 2,
        burst: 32,
    };
    /// Peers told apart at least; there are fewer connections.
    const PEERS: usize = 256;

    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self {
            asked: Recent::new(Self::PEERS),
        }
    }

    /// The answer; none if the peer asks too often.
    pub fn answer(&mut self, journal: &Journal, from: NodeId, ask: &Ask, now: Timestamp) -> Option<Answer> {
        let bucket = self.asked.entry(from, || Bucket::new(Self::RATE, now));
        bucket.take_pieces(1, now).then(|| journal.answer(ask))
    }
}

impl Default for Serve {
    fn default() -> Self {
        Self::new()
    }
}
