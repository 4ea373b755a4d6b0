//! Is it the proof that is wrong, or this node's verifier? While it finds proofs of the same kind by others right, it is the
//! proof: then a conviction needs no brake.

use std::collections::BTreeMap;

use nonos_trust::{Judgement, State};
use nonos_types::{BackendId, CapsuleHash, Evidence, Message, NodeId, Receipt, Signed, VkDigest};

use super::{Engine, Error, Need};

/// Milliseconds for which a proof that was found right says that the verifier works: a fault of memory may begin at any time.
pub(super) const FRESH_MS: u64 = 60_000;
/// Kinds of proofs of which is remembered when one was found right.
pub(super) const KINDS: usize = 1024;
/// Milliseconds between two looks at those who were found guilty while convictions were frozen.
const AGAIN_MS: u64 = 5_000;

/// What a verifier might be wrong about all at once.
type Kind = (CapsuleHash, BackendId, VkDigest);

/// Proofs that were found right of late.
#[derive(Debug, Default)]
pub(super) struct Controls {
    /// Of each kind the last by two executors: of one of them another can be accused.
    right: BTreeMap<Kind, [Option<(NodeId, u64)>; 2]>,
    news: bool,
    looked_ms: u64,
}

fn kind(receipt: &Receipt) -> Kind {
    let capsule = receipt.record.proven.capsule;
    (capsule, receipt.backend.clone(), receipt.verifying_key)
}

impl Controls {
    pub(super) fn right(&mut self, receipt: &Signed<Receipt>, now: u64) {
        let (kind, executor) = (kind(receipt), receipt.signer());
        if self.right.len() >= KINDS && !self.right.contains_key(&kind) {
            let at = |last: &[Option<(NodeId, u64)>; 2]| last[0].map(|(_, at)| at);
            let oldest = self.right.iter().min_by_key(|(_, last)| at(last));
            if let Some(oldest) = oldest.map(|(kind, _)| kind.clone()) {
                self.right.remove(&oldest);
            }
        }
        let last = self.right.entry(kind).or_default();
        if last[0].is_none_or(|(by, _)| by != executor) {
            last[1] = last[0];
        }
        last[0] = Some((executor, now));
        self.news = true;
    }

    /// Was such a proof, by none of these, found right of late?
    pub(super) fn has(&self, receipt: &Receipt, not_by: &[NodeId], now: u64) -> bool {
        let last = self.right.get(&kind(receipt)).into_iter().flatten().flatten();
        let mut fresh = last.filter(|(_, at)| at + FRESH_MS >= now);
        fresh.any(|(by, _)| !not_by.contains(by))
    }
}

impl Engine {
    /// A proof was found right.
    pub(super) fn found_right(&mut self, receipt: &Signed<Receipt>) {
        self.controls.right(receipt, self.now.millis);
    }

    /// Is this no fault of this node's verifier? It must find such proofs of others right, and nobody who is known must have
    /// found this one right.
    pub(super) fn is_controlled(&self, evidence: &Evidence) -> Result<bool, Error> {
        let Some(item) = evidence.item() else {
            return Ok(false);
        };
        let (subject, executor) = (evidence.subject(), item.receipt.signer());
        if !self
            .controls
            .has(&item.receipt, &[subject, executor], self.now.millis)
        {
            return Ok(false);
        }
        for message in self.parked.waiting(Need::Receipt(item.receipt.receipt_id())) {
            let Message::Verdict(verdict) = message else {
                continue;
            };
            let by = verdict.signer();
            let state = self.trust.standing(by, self.now.time)?.state;
            let is_known = matches!(state, State::Known | State::Trusted);
            if verdict.valid && is_known && by != subject && by != executor {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Convicts those who were found guilty while convictions were frozen, if by now it is sure that they are.
    pub(super) fn reconsider(&mut self) -> Result<(), Error> {
        let now = self.now.millis;
        if !self.controls.news || now < self.controls.looked_ms + AGAIN_MS {
            return Ok(());
        }
        (self.controls.news, self.controls.looked_ms) = (false, now);
        for (subject, id) in self.trust.held()? {
            if self.trust.is_blacklisted(subject)? {
                continue;
            }
            let Some(accusation) = self.trust.evidence(id)? else {
                continue;
            };
            if self.is_controlled(&accusation.evidence)? {
                // Nothing is held but what was judged.
                let evidence = id;
                self.convict(&accusation, &Judgement::Guilty { subject, evidence })?;
            }
        }
        Ok(())
    }
}
