use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use nonos_mesh::core::Schedule;
use nonos_package::dependencies;
use nonos_types::{
    Award, BoxKey, Claim, Fault, FeeKind, Line, NodeId, Offer, Receipt, ReceiptId, Signed, Slot, Voucher,
};

use super::{Facts, Moment, sealed::Delivery};
use crate::{
    api::{Booked, RequestError, SegmentsView},
    channel::Unreadable,
    sealed,
};

/// A job, as this node has seen it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) offer: Signed<Offer>,
    /// When this node saw the offer.
    pub(super) seen_ms: u64,
    /// Its slots, in order.
    pub(super) seats: Vec<Seat>,
    /// The requester wants no further executor.
    pub(super) cancelled: bool,
    pub(super) good_ms: Option<u64>,
    /// Receipts that were let in to be checked, and whose they are.
    pub(super) tried: BTreeMap<ReceiptId, NodeId>,
    pub(super) booked: Vec<(NodeId, Booked)>,
    /// Nothing is left to pay.
    pub(super) settled: bool,
    /// In which order executors claim, and when that was reckoned.
    pub(super) schedule: Option<(u64, Schedule)>,
    pub(super) facts: Option<Arc<Facts>>,
    /// The messages it names may be read, as far as is known without their bytes.
    pub(super) may_read: bool,
    /// How often its capsule and input could not be had, and when to try again.
    pub(super) unprepared: u32,
    pub(super) not_before_ms: u64,
    /// Why this node does not run it.
    pub(super) refused: Option<Refused>,
    pub(super) mine: Mine,
    /// The slot that this is about.
    pub(super) my_slot: Slot,
    /// How often this node has claimed a slot, since it was started.
    pub(super) my_claims: u32,
    /// If it is this node's own: sealed results that were asked for.
    pub(super) results: BTreeMap<ReceiptId, Delivery>,
    /// The segments of this node's run, if it was cut.
    pub(super) segments: Option<SegmentsView>,
}

/// A slot of a job: who would run it, who may, and who has.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// Who would, in the order of their claims.
    pub(super) claims: Vec<NodeId>,
    /// What the key of a sealed input would be encrypted to.
    pub(super) boxes: BTreeMap<NodeId, BoxKey>,
    pub(super) award: Option<Signed<Award>>,
    /// Everyone it was ever awarded to.
    pub(super) awarded: BTreeSet<NodeId>,
    /// How many awards there were.
    pub(super) awards: usize,
    /// Receipts that verify, in the order in which they came.
    pub(super) receipts: Vec<ReceiptId>,
    /// The receipt that the requester pays: once it has paid one, it pays for no other.
    pub(super) paid: Option<ReceiptId>,
}

impl Seat {
    /// The latest award counts; of two of the same second the one with the higher name, whichever came first.
    fn award(&mut self, award: &Signed<Award>) {
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

    /// Who may run it now.
    pub(super) fn executor(&self) -> Option<NodeId> {
        self.award.as_ref().map(|award| award.executor)
    }
}

/// Why a node does not run a job: for programs, and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl From<String> for Refused {
    /// What a job is prepared with cannot be had.
    fn from(reason: String) -> Self {
        let code = "preparation";
        Self { code, reason }
    }
}

impl From<Unreadable> for Refused {
    fn from(error: Unreadable) -> Self {
        Self {
            code: error.code(),
            reason: RequestError::new(&error, Fault::Peer).message,
        }
    }
}

impl From<dependencies::Error> for Refused {
    fn from(error: dependencies::Error) -> Self {
        let code = match &error {
            dependencies::Error::Cycle { .. } => "dependencies.cycle",
            dependencies::Error::Missing { .. } => Self::MISSING,
            _ => "dependencies.bounds",
        };
        let reason = error.to_string();
        Self { code, reason }
    }
}

impl Refused {
    /// Code for a dependency that cannot be had.
    pub(crate) const MISSING: &'static str = "dependencies.missing";
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
            seen_ms: now.millis,
            seats: offer.slots().map(|_| Seat::default()).collect(),
            offer,
            cancelled: false,
            good_ms: None,
            tried: BTreeMap::new(),
            booked: Vec::new(),
            settled: false,
            schedule: None,
            facts: None,
            may_read: false,
            unprepared: 0,
            not_before_ms: 0,
            refused: None,
            mine: Mine::Nothing,
            my_slot: Slot::ZERO,
            my_claims: 0,
            results: BTreeMap::new(),
            segments: None,
        }
    }

    pub(super) fn seat(&self, slot: Slot) -> Option<&Seat> {
        self.seats.get(usize::from(slot.get()))
    }

    pub(super) fn seat_mut(&mut self, slot: Slot) -> Option<&mut Seat> {
        self.seats.get_mut(usize::from(slot.get()))
    }

    /// Its slots, with their names.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, &Seat)> {
        self.offer.slots().zip(&self.seats)
    }

    pub(super) fn claim(&mut self, claim: &Signed<Claim>) {
        if let Some(seat) = self.seat_mut(claim.slot)
            && seat.claims.len() < Self::CLAIMS
            && !seat.claims.contains(&claim.signer())
        {
            seat.claims.push(claim.signer());
            if let Some(key) = claim.box_key {
                seat.boxes.insert(claim.signer(), key);
            }
        }
    }

    pub(super) fn award(&mut self, award: &Signed<Award>) {
        if let Some(seat) = self.seat_mut(award.slot) {
            seat.award(award);
        }
    }

    /// The slot that this node may run.
    pub(super) fn slot_of(&self, node: NodeId) -> Option<Slot> {
        let of_node = |(_, seat): &(Slot, &Seat)| seat.executor() == Some(node);
        self.slots().find(of_node).map(|(slot, _)| slot)
    }

    /// Was any slot ever awarded to it?
    pub(super) fn was_awarded_to(&self, node: NodeId) -> bool {
        self.seats.iter().any(|seat| seat.awarded.contains(&node))
    }

    /// Receipts that verify, by slot.
    pub(super) fn receipts(&self) -> impl Iterator<Item = ReceiptId> {
        self.seats.iter().flat_map(|seat| seat.receipts.iter().copied())
    }

    /// May one more receipt of this executor be checked? Checking costs more than signing.
    pub(super) fn may_try(&self, receipt: ReceiptId, executor: NodeId) -> bool {
        if self.tried.contains_key(&receipt) {
            return true;
        }
        if self.was_awarded_to(executor) {
            self.tried.values().filter(|it| **it == executor).count() < Self::TRIES
        } else {
            let strangers = self
                .tried
                .values()
                .filter(|it| !self.was_awarded_to(**it))
                .count();
            strangers < Self::UNAWARDED && !self.tried.values().any(|it| *it == executor)
        }
    }

    /// Why a receipt cannot be of this job.
    pub(super) fn contradicts(&self, receipt: &Receipt) -> Option<&'static str> {
        let (offer, proven) = (&self.offer, &receipt.record.proven);
        let checks = [
            ("network", proven.network == offer.network),
            ("slot", self.seat(proven.slot).is_some()),
            ("capsule", proven.capsule == offer.capsule),
            ("entry", proven.entry == offer.entry),
            ("arguments", proven.arguments == offer.arguments),
            ("input", proven.input == offer.input),
            ("inbound", proven.inbound == offer.inbound_digest()),
            ("backend", receipt.backend == offer.backend),
            ("fee", receipt.fee <= offer.max_fee),
        ];
        let fault = checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name);
        fault.or_else(|| sealed::fault_of_receipt(offer, receipt))
    }

    /// A line of a voucher of the requester, or of an executor for his helpers.
    pub(super) fn booked(&mut self, voucher: &Signed<Voucher>, line: &Line) {
        let Some(seat) = self.seat_mut(line.slot) else {
            return;
        };
        // What an executor pays is not what the requester pays him.
        if line.kind != FeeKind::Prove {
            seat.paid.get_or_insert(line.receipt);
        }
        let booked = Booked {
            slot: line.slot,
            kind: line.kind,
            peer: voucher.payee,
            paid: true,
            amount: line.amount,
        };
        // A payer that lost its books may have signed for it twice; it counts once.
        let known = |it: &&(NodeId, Booked)| {
            (it.0, it.1.slot, it.1.kind, it.1.peer) == (voucher.signer(), line.slot, line.kind, voucher.payee)
        };
        if self.booked.iter().find(known).is_none() && self.booked.len() < Self::BOOKED {
            self.booked.push((voucher.signer(), booked));
        }
    }

    /// Has the requester paid this already?
    pub(super) fn has_booked(&self, slot: Slot, payee: NodeId, kind: FeeKind) -> bool {
        (self.booked.iter()).any(|(_, it)| (it.slot, it.peer, it.kind) == (slot, payee, kind))
    }

    /// Has the requester paid for every run?
    pub(super) fn is_paid(&self) -> bool {
        let paid = |slot| (self.booked.iter()).any(|(_, it)| it.slot == slot && it.kind == FeeKind::Execute);
        self.offer.slots().all(paid)
    }
}
