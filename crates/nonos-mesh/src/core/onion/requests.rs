//! Questions of this node that wait for answers.

use std::collections::{BTreeMap, BTreeSet};

use nonos_types::NodeId;
use sphinx_packet::{SurbReplyRecovery, payload::Payload};

use super::{
    fragment::{Assembler, Content, Fragment},
    frame::Head,
    packet::{Identifier, SURB, SURB_LEN},
};

/// Names a question of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever the route happens to end at, another one at each attempt.
    Any,
    /// One of these, in this order, and again from the start.
    Of(Vec<NodeId>),
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who is asked.
    pub to: Target,
    /// What.
    pub body: Vec<u8>,
    /// Longest answer, in bytes.
    pub longest_answer: usize,
    /// Fewest nodes on a route, the one it ends at included; with less, it is not asked.
    pub least_hops: usize,
}

/// Why something cannot be asked without being seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotHidden {
    /// Too few nodes.
    #[error(
        "{known} nodes can be hops of a route, {needed} are needed: connect to more, or wait until they are known long enough"
    )]
    TooFewMixes {
        /// Nodes that may be hops.
        known: usize,
        /// That many are needed.
        needed: usize,
    },
    /// No neighbour that may be the first hop is connected.
    #[error("no guard is connected")]
    NoGuard,
    /// Nobody of whom it is to be asked has a key, or may be where a route ends.
    #[error("none of those to be asked takes onion packets")]
    NoTarget,
    /// Too long for the fragments there may be.
    #[error("question and reply blocks have {len} bytes, the limit is {most}")]
    TooLong {
        /// Its bytes.
        len: usize,
        /// Most.
        most: usize,
    },
    /// Too much waits to be sent.
    #[error("too much waits to be sent")]
    Congested,
}

/// Reply blocks for an answer.
pub struct Reply {
    pub(super) head: Head,
    pub(super) blocks: Vec<SURB>,
}

impl Reply {
    /// Longest answer that they have room for, in bytes.
    pub fn room(&self) -> usize {
        self.blocks.len() * Fragment::DATA
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({} blocks)", self.blocks.len())
    }
}

/// A question with reply blocks before it, as it travels.
pub(super) fn join(blocks: &[SURB], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(blocks.len()).expect("at most 25")];
    for block in blocks {
        bytes.extend_from_slice(&block.to_bytes());
    }
    bytes.extend_from_slice(body);
    bytes
}

/// How long that is.
pub(super) fn joined_len(blocks: usize, body: usize) -> usize {
    1 + blocks * SURB_LEN + body
}

/// Reads what [`join`] wrote.
pub(super) fn split(head: Head, bytes: &[u8]) -> Option<(Reply, Vec<u8>)> {
    let (&count, mut rest) = bytes.split_first()?;
    if usize::from(count) > Fragment::MOST {
        return None;
    }
    let mut blocks = Vec::with_capacity(count.into());
    for _ in 0..count {
        let (block, after) = rest.split_first_chunk::<SURB_LEN>()?;
        blocks.push(SURB::from_bytes(block).ok()?);
        rest = after;
    }
    Some((Reply { head, blocks }, rest.to_vec()))
}

pub(super) struct Request {
    pub(super) ask: Ask,
    pub(super) attempts: u32,
    /// Who was asked at each attempt.
    pub(super) asked: Vec<NodeId>,
    /// By whom the last attempt goes, and its answer.
    pub(super) nodes: BTreeSet<NodeId>,
    /// Reply blocks of all attempts.
    blocks: BTreeSet<Identifier>,
    parts: Assembler,
    /// Frames of the last attempt that wait to be sent.
    pub(super) unsent: usize,
    /// When the answer should have come, in milliseconds; while frames wait, there is no such time.
    pub(super) until: Option<u64>,
}

/// Reply blocks that are out, and what reads an answer in them.
#[derive(Default)]
pub(super) struct Requests {
    waiting: BTreeMap<RequestId, Request>,
    blocks: BTreeMap<Identifier, (RequestId, NodeId, SurbReplyRecovery)>,
    number: u64,
}

impl Requests {
    pub(super) fn begin(&mut self, ask: Ask, attempts: u32) -> RequestId {
        self.number += 1;
        let id = RequestId(self.number);
        let request = Request {
            ask,
            attempts,
            asked: vec![],
            nodes: BTreeSet::new(),
            blocks: BTreeSet::new(),
            parts: Assembler::new(usize::try_from(attempts).unwrap_or(usize::MAX)),
            unsent: 0,
            until: None,
        };
        self.waiting.insert(id, request);
        id
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.waiting.get_mut(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Remembers what reads an answer of `from`.
    pub(super) fn expect(
        &mut self,
        id: RequestId,
        from: NodeId,
        identifier: Identifier,
        recovery: SurbReplyRecovery,
    ) {
        if let Some(request) = self.waiting.get_mut(&id) {
            request.blocks.insert(identifier);
            self.blocks.insert(identifier, (id, from, recovery));
        }
    }

    /// Takes a piece of an answer. `None` if it is of no use; the inner value is the answer, once it is whole, and whose it is:
    /// then the question is to be ended.
    pub(super) fn take(
        &mut self,
        identifier: Identifier,
        payload: Payload,
        now: u64,
    ) -> Option<Option<(RequestId, NodeId, Vec<u8>)>> {
        let (id, from, recovery) = self.blocks.get(&identifier)?;
        let (id, from) = (*id, *from);
        // A block that a damaged answer came in is of no use for another: its header was taken once.
        let plaintext = recovery.recover_plaintext(payload).ok()?;
        let Some(Content::Fragment(fragment)) = Content::read(&plaintext) else {
            return None;
        };
        self.blocks.remove(&identifier);
        let request = self.waiting.get_mut(&id)?;
        let answer = request.parts.take(fragment, now);
        Some(answer.map(|answer| (id, from, answer)))
    }

    /// Forgets a question.
    pub(super) fn end(&mut self, id: RequestId) -> Option<Request> {
        let request = self.waiting.remove(&id)?;
        for identifier in &request.blocks {
            self.blocks.remove(identifier);
        }
        Some(request)
    }

    /// Those whose answer should have come.
    pub(super) fn overdue(&self, now: u64) -> Vec<RequestId> {
        (self.waiting.iter())
            .filter(|(_, it)| it.until.is_some_and(|until| until <= now))
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn due(&self) -> Option<u64> {
        self.waiting.values().filter_map(|it| it.until).min()
    }
}
