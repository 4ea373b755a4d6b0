//! What relays say they have accepted. This node signs for what it accepted; what others sign is passed on, and
//! compared with what the same relay said before.

use std::collections::BTreeSet;

use nonos_mesh::core::journal::{Journal, Seen};
use nonos_trust::{Conviction, Judgement};
use nonos_types::{Accusation, Epoch, Evidence, Kind, MessageId, RelayHead, Signed, Timestamp};

use super::{Decision, Engine, Error};

/// Seconds for which heads are kept: as long as they are reconciled, and as the logs they are of can be asked for.
const KEPT_S: u64 = Journal::KEPT * Epoch::SECONDS;
/// Heads of others that are kept.
const KEPT: usize = 1 << 16;

/// The heads in the journal, those of this node apart.
#[derive(Debug, Default)]
pub(super) struct Kept {
    others: BTreeSet<(Timestamp, MessageId)>,
    own: BTreeSet<(Timestamp, MessageId)>,
    /// Up to when those of others were dropped before their time, being too many.
    floor: Timestamp,
    /// The last that this node has signed.
    last: Option<Signed<RelayHead>>,
}

impl Kept {
    /// The oldest one that is to be forgotten now.
    fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, MessageId)> {
        let is_past = |it: Option<&(Timestamp, MessageId)>| it.is_some_and(|(at, _)| is_past(*at, now));
        if self.others.len() > KEPT || is_past(self.others.first()) {
            let oldest = self.others.pop_first()?;
            if !is_past(Some(&oldest)) {
                self.floor = self.floor.max(oldest.0);
            }
            return Some(oldest);
        }
        // The last one says where to go on, however old it is.
        let goes = self.own.len() > 1 && is_past(self.own.first());
        goes.then(|| self.own.pop_first())?
    }
}

fn is_past(at: Timestamp, now: Timestamp) -> bool {
    at.get().saturating_add(KEPT_S) < now.get()
}

impl Engine {
    pub(super) fn judge_head(&mut self, it: &Signed<RelayHead>) -> Result<Decision, Error> {
        let dropped = self.is_old_head(it) || it.at <= self.kept_heads.floor;
        if dropped || self.trust.is_blacklisted(it.signer())? {
            return Ok(Decision::Ignore);
        }
        Ok(match self.heads.see(it) {
            Seen::New | Seen::Known => Decision::Accept,
            Seen::TooMany => Decision::Ignore,
            Seen::Fork(fork) => {
                let evidence = Evidence::ForkedHead(fork);
                if !self.is_cheap(&evidence) {
                    self.accuse_at_once(evidence)?;
                }
                Decision::Ignore
            }
        })
    }

    /// Is it one that is forgotten, whoever signed it?
    pub(super) fn is_old_head(&self, it: &Signed<RelayHead>) -> bool {
        is_past(it.at, self.now.time)
    }

    pub(super) fn apply_head(&mut self, it: &Signed<RelayHead>) {
        let name = (it.at, it.id());
        if it.signer() == self.me {
            self.kept_heads.own.insert(name);
            self.kept_heads.last = Some(it.clone());
        } else {
            self.kept_heads.others.insert(name);
        }
        // Seen already, unless it was read from the journal.
        self.heads.see(it);
    }

    /// Begins to write down what is accepted, from the next hour on.
    pub(super) fn open_relay(&mut self) {
        let last = self.kept_heads.last.as_ref();
        let journal = Journal::resume(self.network, last, self.now.time);
        self.relay.open(journal);
    }

    pub(super) fn tick_heads(&mut self) -> Result<(), Error> {
        self.sign_head()?;
        while let Some((at, id)) = self.kept_heads.pop(self.now.time) {
            self.journal.forget(Kind::RelayHead, at, id)?;
        }
        Ok(())
    }

    /// Signs for what was accepted, if that is due.
    fn sign_head(&mut self) -> Result<(), Error> {
        // Another node with this key keeps another log.
        if self.doubled {
            return Ok(());
        }
        if let Some(head) = self.relay.due(self.now.time) {
            let signed = self.say(head)?;
            self.relay.signed(&signed);
        }
        Ok(())
    }

    /// Convicts and accuses on evidence that needs no proof to be checked any more.
    pub(super) fn accuse_at_once(&mut self, evidence: Evidence) -> Result<(), Error> {
        let (subject, id) = (evidence.subject(), evidence.id());
        if !self.may_accuse(subject)? {
            return Ok(());
        }
        let guilty = Judgement::Guilty {
            subject,
            evidence: id,
        };
        let accusation = Accusation {
            network: self.network,
            evidence,
            at: self.now.time,
        };
        let signed = Signed::new(accusation, self.identity.signing_key());
        if self.convict(&signed, &guilty)? == Conviction::Known {
            return Ok(());
        }
        if Self::fits(&signed) {
            self.tell(signed)?;
        } else {
            tracing::warn!(%subject, "evidence too long to be sent; it is kept for export");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: usize) -> Timestamp {
        Timestamp::new(1_800_000_000 + seconds as u64)
    }

    #[test]
    fn the_oldest_heads_make_room_and_do_not_come_back() {
        let mut kept = Kept::default();
        for n in 0..KEPT + 2 {
            let id = MessageId::hash(&[&n.to_le_bytes()]);
            kept.others.insert((at(n), id));
            kept.own.insert((at(n), id));
        }
        let now = at(KEPT);
        assert_eq!(
            [kept.pop(now), kept.pop(now)].map(|it| it.map(|it| it.0)),
            [Some(at(0)), Some(at(1))]
        );
        assert_eq!(kept.pop(now), None);
        assert_eq!((kept.others.len(), kept.own.len()), (KEPT, KEPT + 2));
        assert_eq!(kept.floor, at(1));
    }

    #[test]
    fn heads_are_forgotten_after_a_week_but_for_the_last_own_one() {
        let mut kept = Kept::default();
        for n in 0..3_usize {
            let id = MessageId::hash(&[&n.to_le_bytes()]);
            kept.others.insert((at(n), id));
            kept.own.insert((at(n), id));
        }
        let now = at(KEPT_S as usize);
        assert_eq!(kept.pop(now), None);
        let now = at(KEPT_S as usize + 10);
        let popped = std::iter::from_fn(|| kept.pop(now)).count();
        assert_eq!((popped, kept.others.len(), kept.own.len()), (5, 0, 1));
        assert_eq!(kept.floor, Timestamp::ZERO);
    }
}
