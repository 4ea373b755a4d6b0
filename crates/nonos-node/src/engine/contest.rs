//! What this node finds to be false itself: verdicts that say of a proof the contrary of what is so, vouchers of which both
//! cannot be, accusations that show nothing. And how many accusations of others it looks at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nonos_trust::{Cause, Context, Deed, ProofVerdict, State};
use nonos_types::{
    Accusation, Evidence, EvidenceId, FalseAccusation, FalseVerdict, InvalidProof, MessageId, NodeId,
    Receipt, Sequence, Signed, Timestamp, Verdict, Voucher, VoucherConflict,
};

use super::{Effect, Engine, Error};

const HOUR: u64 = 60 * 60;
/// Accusations of one accuser that are looked at within an hour, and of all those together of whom little is known.
const OF_ONE: usize = 10;
const OF_STRANGERS: usize = 60;
/// False accusations that this node shows to others within an hour: each may be as long as a message can be.
const SHOWN: usize = 10;
/// Verdicts that are held against their proofs at a time.
const CONTESTED: usize = 8;
/// Accusations of strangers that are judged at a time: there is always room for others.
const STRANGERS_JUDGED: usize = 8;

/// What is being looked at, and how much was within the last hour.
#[derive(Debug, Default)]
pub(super) struct Contest {
    verdicts: BTreeSet<MessageId>,
    admitted: BTreeMap<NodeId, VecDeque<Timestamp>>,
    strangers: VecDeque<Timestamp>,
    judged: BTreeSet<EvidenceId>,
    shown: VecDeque<Timestamp>,
}

/// What is an hour old is forgotten.
fn forget(times: &mut VecDeque<Timestamp>, now: Timestamp) {
    while times
        .front()
        .is_some_and(|at| at.get().saturating_add(HOUR) <= now.get())
    {
        times.pop_front();
    }
}

/// Has it room for one more?
fn has_room(times: &mut VecDeque<Timestamp>, most: usize, now: Timestamp) -> bool {
    forget(times, now);
    times.len() < most
}

impl Contest {
    /// May one more accusation of this accuser be looked at? If so, it is counted.
    fn admit(&mut self, accuser: NodeId, stranger: bool, now: Timestamp) -> bool {
        self.admitted.retain(|_, times| {
            forget(times, now);
            !times.is_empty()
        });
        let times = self.admitted.entry(accuser).or_default();
        let room =
            has_room(times, OF_ONE, now) && (!stranger || has_room(&mut self.strangers, OF_STRANGERS, now));
        if room {
            times.push_back(now);
            if stranger {
                self.strangers.push_back(now);
            }
        } else if times.is_empty() {
            self.admitted.remove(&accuser);
        }
        room
    }
}

impl Engine {
    /// Is this node neither listed nor connected? What anyone can make against such names costs nothing.
    pub(super) fn is_nobody(&self, node: NodeId) -> bool {
        self.directory.get(node).is_none() && !self.connected.contains_key(&node)
    }

    /// May an accusation be looked at? It is counted if so. Those of whom something is known have room of their own.
    pub(super) fn admits(&mut self, it: &Signed<Accusation>) -> Result<bool, Error> {
        let stranger = self.is_stranger(it.signer())?;
        if stranger && self.contest.judged.len() >= STRANGERS_JUDGED {
            return Ok(false);
        }
        Ok(self.contest.admit(it.signer(), stranger, self.now.time))
    }

    fn is_stranger(&self, accuser: NodeId) -> Result<bool, Error> {
        let state = self.trust.standing(accuser, self.now.time)?.state;
        Ok(!matches!(state, State::Known | State::Trusted))
    }

    /// It is being judged.
    pub(super) fn note_judging(&mut self, it: &Signed<Accusation>) -> Result<(), Error> {
        if self.is_stranger(it.signer())? {
            self.contest.judged.insert(it.evidence.id());
        }
        Ok(())
    }

    /// It was judged.
    pub(super) fn note_judged(&mut self, id: EvidenceId) {
        self.contest.judged.remove(&id);
    }

    /// Who is accused of what is not so has the accusation against himself, if everyone can see that.
    pub(super) fn accused_wrongly(&mut self, it: &Signed<Accusation>) -> Result<(), Error> {
        self.observe(it.signer(), Context::Verify, Deed::Bad, Cause::Message(it.id()))?;
        // This node has not verified its own receipts, but made them.
        let own = (it.evidence.item()).is_some_and(|item| item.receipt.signer() == self.me);
        if own || self.is_nobody(it.signer()) || self.trust.is_blacklisted(it.signer())? {
            return Ok(());
        }
        let Some(evidence) = FalseAccusation::of(it) else {
            return Ok(());
        };
        let now = self.now.time;
        if !has_room(&mut self.contest.shown, SHOWN, now) {
            return Ok(());
        }
        self.contest.shown.push_back(now);
        self.accuse_at_once(Evidence::FalseAccusation(Box::new(evidence)))
    }

    /// A verdict says the contrary of what this node has found.
    pub(super) fn contest(&mut self, it: &Signed<Verdict>) -> Result<(), Error> {
        let verifier = it.signer();
        if self.is_nobody(verifier) || self.trust.is_blacklisted(verifier)? {
            return Ok(());
        }
        if let Some(item) = self.shown_bad(it.receipt) {
            self.observe(verifier, Context::Verify, Deed::Bad, Cause::Receipt(it.receipt))?;
            return self.accuse_verifier(it.clone(), item);
        }
        let Some(receipt) = self.receipts.get(&it.receipt) else {
            return Ok(());
        };
        if self.contest.verdicts.len() < CONTESTED && self.contest.verdicts.insert(it.id()) {
            let receipt = receipt.clone();
            let sources = self.sources(&[receipt.signer()], None);
            self.effects.push(Effect::Contest {
                verdict: Box::new(it.clone()),
                receipt: Box::new(receipt),
                sources,
            });
        }
        Ok(())
    }

    /// The proof that a verdict is about was checked again, and here is what it commits to.
    pub(super) fn contested(
        &mut self,
        verdict: Signed<Verdict>,
        receipt: Signed<Receipt>,
        found: &ProofVerdict,
        shown: Option<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), Error> {
        self.contest.verdicts.remove(&verdict.id());
        let is_false = match found {
            ProofVerdict::Valid => !verdict.valid,
            ProofVerdict::Invalid => verdict.valid,
            ProofVerdict::Unknown { .. } => false,
        };
        let Some((tapes, proof)) = shown.filter(|_| is_false) else {
            return Ok(());
        };
        let item = InvalidProof {
            receipt,
            tapes,
            proof,
        };
        self.accuse_verifier(verdict, item)
    }

    fn accuse_verifier(&mut self, verdict: Signed<Verdict>, item: InvalidProof) -> Result<(), Error> {
        let evidence = FalseVerdict { verdict, item };
        if evidence.is_about() && !self.trust.is_blacklisted(evidence.subject())? {
            self.accuse_at_once(Evidence::FalseVerdict(Box::new(evidence)))?;
        }
        Ok(())
    }

    /// A voucher to this node was not booked: does it contradict one that was?
    pub(super) fn saw_voucher_conflict(
        &mut self,
        it: &Signed<Voucher>,
        have: Option<Sequence>,
    ) -> Result<bool, Error> {
        let before = Sequence::new(it.sequence.get().saturating_sub(1));
        for sequence in [Some(it.sequence), Some(before), have].into_iter().flatten() {
            if sequence == Sequence::ZERO {
                continue;
            }
            let Some(known) = self.ledger.received(it.signer(), it.incarnation, sequence)? else {
                continue;
            };
            if let Some(conflict) = VoucherConflict::of(&known, it) {
                let payer = conflict.subject();
                if !self.is_nobody(payer) && !self.trust.is_blacklisted(payer)? {
                    self.accuse_at_once(Evidence::VoucherConflict(Box::new(conflict)))?;
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(1_800_000_000 + seconds)
    }

    fn node(n: u64) -> NodeId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        NodeId::from_bytes(bytes)
    }

    #[test]
    fn of_one_accuser_ten_are_looked_at_within_an_hour() {
        for stranger in [false, true] {
            let mut contest = Contest::default();
            let admitted =
                |contest: &mut Contest, at| (0..20).filter(|_| contest.admit(node(1), stranger, at)).count();
            assert_eq!(admitted(&mut contest, at(0)), 10);
            assert_eq!(admitted(&mut contest, at(HOUR - 1)), 0);
            assert!(contest.admit(node(2), stranger, at(HOUR - 1)), "another one");
            assert_eq!(admitted(&mut contest, at(HOUR)), 10);
        }
    }

    #[test]
    fn strangers_together_do_not_shut_out_who_is_known() {
        let mut contest = Contest::default();
        let strangers = (0..1000)
            .filter(|it| contest.admit(node(*it), true, at(0)))
            .count();
        assert_eq!(strangers, OF_STRANGERS);
        assert_eq!(
            contest.admitted.len(),
            OF_STRANGERS,
            "what is refused is not remembered"
        );
        assert!(contest.admit(node(5000), false, at(1)));
        assert!(!contest.admit(node(5001), true, at(1)));
        assert!(contest.admit(node(5001), true, at(HOUR)));
        assert_eq!(contest.admitted.len(), 2, "what is an hour old is forgotten");
    }
}
