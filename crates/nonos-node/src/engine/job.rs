use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use nonos_types::{Award, FeeKind, Line, NodeId, Offer, Output, Receipt, ReceiptId, Signed, Slot, Voucher};

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
    /// How many awards there were.
    pub(super) awards: usize,
    /// Receipts that verify, in the order in which they came.
    pub(super) receipts: Vec<ReceiptId>,
    pub(super) good_ms: Option<u64>,
    /// Receipts that were let in to be checked, and whose they are.
    pub(super) tried: BTreeMap<ReceiptId, NodeId>,
    pub(super) booked: Vec<(NodeId, Booked)>,
    /// The receipt that the requester pays: once it has paid one, it pays for no other.
    pub(super) paid: Option<ReceiptId>,
    /// Nothing is left to pay.
    pub(super) settled: bool,
    pub(super) facts: Option<Arc<Facts>>,
    /// How often its capsule and input could not be had, and when to try again.
    pub(super) unprepared: u32,
    pub(super) not_before_ms: u64,
    /// Why this node does not run it.
    pub(super) refused: Option<String>,
    pub(super) mine: Mine,
}

/// What this node does for a job as an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mine {
    Nothing,
    Claimed {
        at_ms: u64,
    },
    /// A run failed.
    Failed {
        at_ms: u64,
    },
    Running,
    Done,
    /// It failed too often.
    GivenUp,
}

impl Job {
    /// Most claims. Those who are not connected here are taken only up to [`Job::STRANGERS`], so that keys that
    /// cost nothing cannot keep peers from claiming: there are fewer connections than what is left.
    pub(super) const CLAIMS: usize = 192;
    pub(super) const STRANGERS: usize = 64;
    /// Most awards that are followed.
    pub(super) const AWARDS: usize = 256;
    /// Most receipts that are checked of one executor with the award.
    const TRIES: usize = 4;
    /// Most receipts that are checked of executors without it, all together.
    const UNAWARDED: usize = 8;
    /// Most bookings that are shown.
    const BOOKED: usize = 256;

    pub(super) fn new(offer: Signed<Offer>, now: Moment) -> Self {
        Self {
            offer,
            seen_ms: now.millis,
            claims: Vec::new(),
            award: None,
            awarded: BTreeSet::new(),
            awards: 0,
            receipts: Vec::new(),
            good_ms: None,
            tried: BTreeMap::new(),
            booked: Vec::new(),
            paid: None,
            settled: false,
            facts: None,
            unprepared: 0,
            not_before_ms: 0,
            refused: None,
            mine: Mine::Nothing,
        }
    }

    pub(super) fn claim(&mut self, executor: NodeId) {
        if self.claims.len() < Self::CLAIMS && !self.claims.contains(&executor) {
            self.claims.push(executor);
        }
    }

    /// The latest award counts; of two of the same second the one with the higher name, whichever came first.
    pub(super) fn award(&mut self, award: &Signed<Award>) {
        self.awarded.insert(award.executor);
        self.awards += 1;
        if self
            .award
            .as_ref()
            .is_none_or(|old| (award.at, award.id()) > (old.at, old.id()))
        {
            self.award = Some(award.clone());
        }
    }

    pub(super) fn is_awarded_to(&self, node: NodeId) -> bool {
        self.award.as_ref().is_some_and(|award| award.executor == node)
    }

    /// May one more receipt of this executor be checked? Checking costs more than signing.
    pub(super) fn may_try(&self, receipt: ReceiptId, executor: NodeId) -> bool {
        if self.tried.contains_key(&receipt) {
            return true;
        }
        if self.awarded.contains(&executor) {
            self.tried.values().filter(|it| **it == executor).count() < Self::TRIES
        } else {
            let strangers = self
                .tried
                .values()
                .filter(|it| !self.awarded.contains(it))
                .count();
            strangers < Self::UNAWARDED && !self.tried.values().any(|it| *it == executor)
        }
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
            ("sealed output", matches!(proven.output, Output::Digest(_))),
            ("backend", receipt.backend == offer.backend),
            ("fee", receipt.fee <= offer.max_fee),
        ];
        checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
    }

    /// A line of a voucher of the requester.
    pub(super) fn booked(&mut self, voucher: &Signed<Voucher>, line: &Line) {
        self.paid.get_or_insert(line.receipt);
        let booked = Booked {
            kind: line.kind,
            peer: voucher.payee,
            paid: true,
            amount: line.amount,
        };
        if self.booked.len() < Self::BOOKED {
            self.booked.push((voucher.signer(), booked));
        }
    }

    /// Has the requester paid this already?
    pub(super) fn has_booked(&self, payee: NodeId, kind: FeeKind) -> bool {
        (self.booked.iter()).any(|(_, it)| it.peer == payee && it.kind == kind)
    }

    /// Has the requester paid for the run?
    pub(super) fn is_paid(&self) -> bool {
        self.booked.iter().any(|(_, it)| it.kind == FeeKind::Execute)
    }
}
