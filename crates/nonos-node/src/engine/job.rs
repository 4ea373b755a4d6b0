use std::{collections::BTreeSet, sync::Arc};

use nonos_types::{Award, FeeKind, Line, NodeId, Offer, Receipt, ReceiptId, Signed, Slot, Voucher};

use super::{Facts, Moment};
use crate::api::Booked;

/// The slot of jobs that have one executor: there are no others yet.
pub(super) const SLOT: Slot = Slot::ZERO;

/// A job, as this node has seen it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) offer: Signed<Offer>,
    /// When this node saw the offer.
    pub(super) seen_ms: u64,
    /// Who would run it, in the order of their claims.
    pub(super) claims: Vec<NodeId>,
    pub(super) award: Option<Signed<Award>>,
    /// Everyone it was ever awarded to.
    pub(super) awarded: BTreeSet<NodeId>,
    /// The first receipt that verifies, of one it was awarded to if there is one.
    pub(super) good: Option<ReceiptId>,
    pub(super) good_ms: Option<u64>,
    pub(super) booked: Vec<(NodeId, Booked)>,
    pub(super) facts: Option<Arc<Facts>>,
    pub(super) preparing: bool,
    /// Why this node does not run it.
    pub(super) refused: Option<String>,
    pub(super) mine: Mine,
}

/// What this node does for a job as an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mine {
    Nothing { failures: u8, not_before_ms: u64 },
    Claimed { at_ms: u64 },
    Running,
    Done,
}

impl Mine {
    pub(super) const NEW: Self = Self::Nothing {
        failures: 0,
        not_before_ms: 0,
    };
}

impl Job {
    pub(super) fn new(offer: Signed<Offer>, now: Moment) -> Self {
        Self {
            offer,
            seen_ms: now.millis,
            claims: Vec::new(),
            award: None,
            awarded: BTreeSet::new(),
            good: None,
            good_ms: None,
            booked: Vec::new(),
            facts: None,
            preparing: false,
            refused: None,
            mine: Mine::NEW,
        }
    }

    pub(super) fn claim(&mut self, executor: NodeId) {
        const MOST: usize = 64;
        if self.claims.len() < MOST && !self.claims.contains(&executor) {
            self.claims.push(executor);
        }
    }

    /// The latest award counts; of two of the same second the one that came last.
    pub(super) fn award(&mut self, award: &Signed<Award>) {
        self.awarded.insert(award.executor);
        if self.award.as_ref().is_none_or(|old| award.at >= old.at) {
            self.award = Some(award.clone());
        }
    }

    pub(super) fn is_awarded_to(&self, node: NodeId) -> bool {
        self.award.as_ref().is_some_and(|award| award.executor == node)
    }

    /// Why a receipt cannot be of this job.
    pub(super) fn contradicts(&self, receipt: &Receipt) -> Option<&'static str> {
        let (offer, proven) = (&self.offer, &receipt.record.proven);
        let checks = [
            ("network", proven.network == offer.network),
            ("slot", proven.slot == SLOT),
            ("capsule", proven.capsule == offer.capsule),
            ("entry", proven.entry == offer.entry),
            ("arguments", proven.arguments == offer.arguments),
            ("input", proven.input == offer.input),
            ("sealed input", proven.sealed_input.is_none()),
            ("backend", receipt.backend == offer.backend),
            ("fee", receipt.fee <= offer.max_fee),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
    }

    pub(super) fn booked(&mut self, voucher: &Signed<Voucher>, line: &Line) {
        let booked = Booked {
            kind: line.kind,
            peer: voucher.payee,
            paid: true,
            amount: line.amount,
        };
        self.booked.push((voucher.signer(), booked));
    }

    /// Has the requester paid for the run?
    pub(super) fn is_paid(&self) -> bool {
        let requester = self.offer.signer();
        (self.booked.iter()).any(|(payer, it)| *payer == requester && it.kind == FeeKind::Execute)
    }
}
