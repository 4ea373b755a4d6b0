//! Who is paid for having verified: verifiers commit to what only a verification comes to, and say it later, when nobody can
//! use it any more. `docs/spec/job.md`, "Bounties".

use std::collections::BTreeMap;

use nonos_store::{Batch, Durability, Table};
use nonos_types::{JobId, NodeId, ReceiptId, Signed, TranscriptDigest, Verdict, VerdictCommitment, Work};

use super::{Decision, Engine, Error};

/// Milliseconds for which a requester takes commitments, after the first.
pub(super) const TAKES_MS: u64 = 6_000;
/// Milliseconds after its own commitment that a verifier says what it has committed to: commitments are over by then, however
/// long a message is on its way.
pub(super) const SHOWS_MS: u64 = 10_000;
/// Milliseconds after the first commitment for which who has committed goes before those after him, though he has said nothing.
pub(super) const WAITS_MS: u64 = 20_000;

/// What this node's own verifications came to: to commit to, and to hold what others say against.
const VALUES: Table<ReceiptId, Vec<u8>> = Table::new("transcript-value");

/// Commitments of verifiers, and what this node has to say itself.
#[derive(Debug, Default)]
pub(super) struct Bounties {
    of: BTreeMap<ReceiptId, Window>,
    /// When this node says what it has committed to.
    due: BTreeMap<ReceiptId, u64>,
}

/// Those to one receipt, in the order in which they came; as many as verdicts are kept.
#[derive(Debug)]
struct Window {
    since_ms: u64,
    /// Somebody has said the value.
    said: bool,
    commitments: Vec<Commitment>,
}

#[derive(Clone, Copy, Debug)]
struct Commitment {
    by: NodeId,
    to: VerdictCommitment,
    in_time: bool,
    shown: bool,
}

impl Bounties {
    /// The first verdict of a verifier commits it.
    pub(super) fn committed(&mut self, receipt: ReceiptId, by: NodeId, to: VerdictCommitment, now_ms: u64) {
        let window = self.of.entry(receipt).or_insert(Window {
            since_ms: now_ms,
            said: false,
            commitments: Vec::new(),
        });
        let in_time = !window.said && now_ms < window.since_ms + TAKES_MS;
        window.commitments.push(Commitment {
            by,
            to,
            in_time,
            shown: false,
        });
    }

    /// Does a value open what somebody has committed to, for the first time?
    fn opens(&self, receipt: ReceiptId, by: NodeId, value: TranscriptDigest) -> bool {
        let window = self.of.get(&receipt).into_iter();
        let mut of_it = window.flat_map(|it| &it.commitments).filter(|it| it.by == by);
        of_it.any(|it| !it.shown && it.to == VerdictCommitment::to(by, receipt, value))
    }

    /// Somebody who had committed has said the value: nobody's commitment is worth anything from here on.
    pub(super) fn shown(&mut self, receipt: ReceiptId, by: NodeId) {
        let Some(window) = self.of.get_mut(&receipt) else {
            return;
        };
        window.said = true;
        for it in window.commitments.iter_mut().filter(|it| it.by == by) {
            it.shown = true;
        }
    }

    /// Verifiers that have shown that they know the value, in the order of their commitments. Nobody of whom this may
    /// still come is passed over, unless he may not be paid.
    pub(super) fn earned(
        &self,
        receipt: ReceiptId,
        value: TranscriptDigest,
        now_ms: u64,
        may: impl Fn(NodeId) -> bool,
    ) -> Vec<NodeId> {
        let Some(window) = self.of.get(&receipt) else {
            return Vec::new();
        };
        let waits = now_ms < window.since_ms + WAITS_MS;
        let mut earned = Vec::new();
        for it in window.commitments.iter().filter(|it| it.in_time && may(it.by)) {
            if it.shown && it.to == VerdictCommitment::to(it.by, receipt, value) {
                earned.push(it.by);
            } else if waits && !it.shown {
                break;
            }
        }
        earned
    }

    pub(super) fn forget(&mut self, receipt: ReceiptId) {
        self.of.remove(&receipt);
        self.due.remove(&receipt);
    }
}

impl Engine {
    /// What this node's verification of a receipt came to, if it has verified it.
    pub(super) fn value_of(&self, receipt: ReceiptId) -> Result<Option<TranscriptDigest>, Error> {
        let bytes = VALUES.get(&*self.store, &receipt)?;
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        Ok(bytes.map(TranscriptDigest::from_bytes))
    }

    /// A verification came to this. What is lost of it with a crash is a bounty at most.
    pub(super) fn note_value(&self, receipt: ReceiptId, value: TranscriptDigest) -> Result<(), Error> {
        let mut batch = Batch::new();
        VALUES.put(&mut batch, &receipt, &value.as_bytes().to_vec());
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    /// Drops what is kept of receipts.
    pub(super) fn forget_values(&mut self, receipts: &[ReceiptId]) -> Result<(), Error> {
        if receipts.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for receipt in receipts {
            self.bounties.forget(*receipt);
            VALUES.delete(&mut batch, receipt);
        }
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    /// What this node's verdict on a receipt shows: a commitment if there is a bounty that it may get. Its own jobs' values it
    /// tells nobody.
    pub(super) fn commit(&mut self, receipt: ReceiptId, job: JobId) -> Result<Option<Work>, Error> {
        let pays =
            (self.jobs.get(&job)).is_some_and(|job| job.offer.verifiers > 0 && job.offer.signer() != self.me);
        let Some(value) = self.value_of(receipt)?.filter(|_| pays) else {
            return Ok(None);
        };
        self.bounties.due.insert(receipt, self.now.millis + SHOWS_MS);
        Ok(Some(Work::Committed(VerdictCommitment::to(
            self.me, receipt, value,
        ))))
    }

    /// A verifier says what it has committed to.
    pub(super) fn judge_showing(
        &self,
        it: &Signed<Verdict>,
        value: TranscriptDigest,
    ) -> Result<Decision, Error> {
        let right = self.value_of(it.receipt)?.is_none_or(|mine| mine == value);
        Ok(if right && self.bounties.opens(it.receipt, it.signer(), value) {
            Decision::Accept
        } else {
            Decision::Ignore
        })
    }

    /// Says what this node has committed to, where it is time.
    pub(super) fn show_values(&mut self) -> Result<(), Error> {
        let now = self.now.millis;
        let due = self.bounties.due.iter().filter(|(_, at)| **at <= now);
        for receipt in due.map(|(receipt, _)| *receipt).collect::<Vec<_>>() {
            self.bounties.due.remove(&receipt);
            let (Some(value), Some(shard)) = (self.value_of(receipt)?, self.shard_of_receipt(receipt)) else {
                continue;
            };
            self.say(Verdict {
                network: self.network,
                receipt,
                valid: true,
                at: self.now.time,
                shard: Some(shard),
                work: Some(Work::Shown(value)),
            })?;
        }
        Ok(())
    }

    /// After a restart: what this node has committed to, and not said.
    pub(super) fn show_after_restart(&mut self) {
        let (me, at) = (self.me, self.now.millis + SHOWS_MS);
        let open = self.bounties.of.iter().filter(|(receipt, window)| {
            let own = window.commitments.iter().any(|it| it.by == me && !it.shown);
            own && self.receipts.contains_key(receipt)
        });
        let open: Vec<ReceiptId> = open.map(|(receipt, _)| *receipt).collect();
        self.bounties.due.extend(open.into_iter().map(|it| (it, at)));
    }

    /// Who is to be paid for having verified a receipt of this node's job, in order.
    pub(super) fn verifiers_of(&self, receipt: ReceiptId, executor: NodeId) -> Result<Vec<NodeId>, Error> {
        let Some(value) = self.value_of(receipt)? else {
            return Ok(Vec::new());
        };
        let mut barred = vec![self.me, executor];
        for (node, _) in self.verdicts.get(&receipt).into_iter().flatten() {
            if self.trust.is_blacklisted(*node)? {
                barred.push(*node);
            }
        }
        let may = |node| !barred.contains(&node);
        Ok(self.bounties.earned(receipt, value, self.now.millis, may))
    }
}
