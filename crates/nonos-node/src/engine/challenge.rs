//! Whether those who have given a capsule keep it: now and then one of them is asked for a part of it that it cannot foresee.

use std::collections::{BTreeMap, BTreeSet};

use nonos_trust::{Cause, ChallengeId, Context, Deed};
use nonos_types::{CapsuleHash, NodeId, Role, Timestamp, Transfer};

use super::{Effect, Engine, Error};

/// Who has given what, that is remembered, and of one peer.
const SERVED: usize = 256;
const SERVED_BY_ONE: usize = 16;
/// Milliseconds between two questions, whoever they go to.
const PACE_MS: u64 = 60_000;
/// Seconds between two questions to one peer; and if it could not be told what came of one.
const DAY_S: u64 = 24 * 60 * 60;
const AGAIN_S: u64 = 60 * 60;
/// Questions without an answer, one after another, that are held against a peer: a line may be slow.
const SILENCES: u32 = 3;

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// It gave the part.
    Gave,
    /// It gave something else.
    Other,
    /// It did not answer in time.
    Silent,
    /// It says that it does not have it any more: whoever keeps what others want may make room.
    Absent,
    /// It could not be asked, or is busy; or the capsule is gone from here.
    Unclear,
}

/// Who has given what, and when they are asked.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    served: BTreeSet<(NodeId, CapsuleHash)>,
    /// Not before then.
    due: BTreeMap<NodeId, Timestamp>,
    /// What is being asked, how often it was, and whether an answer is awaited.
    open: Option<(NodeId, CapsuleHash, u64, u32, bool)>,
    asked_ms: u64,
    count: u64,
}

impl Challenges {
    /// Whoever gave a capsule has it, and may be asked for it.
    fn serve(&mut self, capsule: CapsuleHash, by: NodeId) {
        let of_one = self.served.iter().filter(|(node, _)| *node == by).count();
        if self.served.len() < SERVED && of_one < SERVED_BY_ONE {
            self.served.insert((by, capsule));
        }
    }
}

impl Engine {
    pub(super) fn note_served(&mut self, capsule: CapsuleHash, from: &[Transfer]) {
        for transfer in from {
            self.challenges.serve(capsule, transfer.seeder);
        }
    }

    /// Asks one, if that is due.
    pub(super) fn tick_challenges(&mut self) {
        if self.now.millis < self.challenges.asked_ms.saturating_add(PACE_MS) || self.is_spent() {
            return;
        }
        let next = match self.challenges.open {
            Some((.., true)) => return,
            Some((peer, capsule, lot, silences, false)) if self.connected.contains_key(&peer) => {
                Some((peer, capsule, lot, silences))
            }
            _ => self.draw_challenge(),
        };
        self.challenges.open =
            next.map(|(peer, capsule, lot, silences)| (peer, capsule, lot, silences, true));
        let Some((peer, capsule, lot, _)) = next else {
            return;
        };
        self.challenges.asked_ms = self.now.millis;
        self.effects.push(Effect::Challenge { peer, capsule, lot });
    }

    /// One of those who may be asked, by a lot that nobody else knows.
    fn draw_challenge(&mut self) -> Option<(NodeId, CapsuleHash, u64, u32)> {
        let now = self.now.time;
        self.challenges.due.retain(|_, due| *due > now);
        let may_be_asked = |(peer, _): &&(NodeId, CapsuleHash)| {
            self.connected.contains_key(peer)
                && !self.challenges.due.contains_key(peer)
                && (self.directory.get(*peer)).is_some_and(|it| it.roles.contains(Role::Seeder))
        };
        let all: Vec<_> = self
            .challenges
            .served
            .iter()
            .filter(may_be_asked)
            .copied()
            .collect();
        if all.is_empty() {
            return None;
        }
        self.challenges.count += 1;
        let key = self.identity.signing_key().to_bytes();
        let (at, count) = (self.now.millis.to_le_bytes(), self.challenges.count.to_le_bytes());
        let drawn = ChallengeId::hash(&[&key, &at, &count]);
        let number = |at: usize| {
            let bytes = drawn.as_bytes()[at..at + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        let (peer, capsule) = all[(number(0) % all.len() as u64) as usize];
        Some((peer, capsule, number(8), 0))
    }

    /// It has answered, or has not.
    pub(super) fn challenged(
        &mut self,
        peer: NodeId,
        capsule: CapsuleHash,
        kept: Storage,
    ) -> Result<(), Error> {
        let Some((of, what, lot, silences, true)) = self.challenges.open else {
            return Ok(());
        };
        if (of, what) != (peer, capsule) {
            return Ok(());
        }
        if kept == Storage::Silent && silences + 1 < SILENCES {
            self.challenges.open = Some((of, what, lot, silences + 1, false));
            return Ok(());
        }
        self.challenges.open = None;
        let wait = if kept == Storage::Unclear { AGAIN_S } else { DAY_S };
        let due = self.now.time.get().saturating_add(wait);
        self.challenges.due.insert(peer, Timestamp::new(due));
        let deed = match kept {
            Storage::Gave => Deed::Good,
            Storage::Other | Storage::Silent => Deed::Bad,
            Storage::Absent => {
                self.challenges.served.remove(&(peer, capsule));
                return Ok(());
            }
            Storage::Unclear => return Ok(()),
        };
        let at = self.now.time.get().to_le_bytes();
        let name = ChallengeId::hash(&[peer.as_bytes(), capsule.as_bytes(), &at]);
        self.observe(peer, Context::Seed, deed, Cause::Challenge(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(n: u8) -> NodeId {
        NodeId::from_bytes([n; 32])
    }

    #[test]
    fn what_is_remembered_of_who_gave_what_is_bounded() {
        let mut challenges = Challenges::default();
        for capsule in 0..40_u8 {
            challenges.serve(CapsuleHash::hash(&[&[capsule]]), node(1));
        }
        assert_eq!(challenges.served.len(), SERVED_BY_ONE);
        for of in 2..200 {
            for capsule in 0..4_u8 {
                challenges.serve(CapsuleHash::hash(&[&[capsule]]), node(of));
            }
        }
        assert_eq!(challenges.served.len(), SERVED);
    }
}
