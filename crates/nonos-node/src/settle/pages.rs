//! What can be asked.

use nonos_depin::{
    Batch, Body, Entry,
    anchor::State,
    settlement::{Settlement, Stage, Standing},
};
use nonos_types::{Amount, Sequence};

use super::{Error, Settler, lock};
use crate::{
    api::{BatchView, EntryView, LineView, PlaceView, SettleStatus, StageView},
    config::AnchorName,
};

/// Most batches or entries in an answer.
const MOST: u32 = 1000;

impl Settler {
    pub(super) fn batches(&self, after: u64, limit: u32) -> Result<Vec<BatchView>, Error> {
        let limit = limit.min(MOST) as usize;
        self.read(|settlement, _| Ok(settlement.standings(after, limit)?.iter().map(view).collect()))
    }

    pub(super) fn entries(&self, after: u64, limit: u32) -> Result<Vec<EntryView>, Error> {
        let limit = limit.min(MOST) as usize;
        self.read(|settlement, ledger| {
            let entries = ledger.feed(Sequence::new(after), limit)?;
            let mut current = None;
            let mut views = Vec::with_capacity(entries.len());
            for entry in &entries {
                let (stage, batch) = stage(settlement, entry.sequence, &mut current)?;
                views.push(entry_view(entry, stage, batch));
            }
            Ok(views)
        })
    }

    pub(super) fn status(&self) -> Result<SettleStatus, Error> {
        let place = self.place();
        let anchor = self.parts.config.anchor;
        let (anchor, place) = match (anchor, place) {
            (AnchorName::None, _) => ("none", None),
            (AnchorName::File, place) => ("file", place.ok()),
            (AnchorName::Witness, place) => ("witness", place.ok()),
            (AnchorName::Evm, place) => ("evm", place.ok()),
        };
        let mut status = self.read(|settlement, ledger| {
            let mut stages = [StageView::default(); 3];
            let (mut unproved, mut after) = (0, 0);
            // By pages, so that no more is held than a page.
            loop {
                let page = settlement.standings(after, MOST as usize)?;
                let Some(last) = page.last() else { break };
                after = last.batch.number;
                for standing in &page {
                    unproved += u64::from(!standing.is_proved());
                    add(&mut stages[standing.stage() as usize], standing.batch.value());
                }
            }
            let [mut pending, submitted, settled] = stages;
            let unbatched = settlement.newest_entry()?.get() - settlement.last()?.get();
            pending.entries += unbatched;
            // What is in no batch is what the books have beyond the batches.
            let books = ledger.balance()?;
            let earned = [
                books.earned.execute,
                books.earned.seed,
                books.earned.verify,
                books.earned.prove,
            ];
            let spent = [
                books.spent.execute,
                books.spent.seed,
                books.spent.verify,
                books.spent.prove,
            ];
            let sum = |parts: [Amount; 4]| parts.iter().fold(0_u128, |sum, it| sum.saturating_add(it.atto()));
            let rest = |all: u128, others: [Amount; 2]| {
                let others = others
                    .iter()
                    .fold(0_u128, |sum, it| sum.saturating_add(it.atto()));
                Amount::from_atto(all.saturating_sub(others))
            };
            pending.received = rest(sum(earned), [submitted.received, settled.received]);
            pending.paid = rest(sum(spent), [submitted.paid, settled.paid]);
            Ok(SettleStatus {
                anchor: anchor.to_owned(),
                place,
                key_open: None,
                batches: settlement.count(),
                unproved,
                unbatched,
                pending,
                submitted,
                settled,
                trouble: None,
            })
        })?;
        status.key_open = self.key_open();
        status.trouble = lock(&self.trouble).clone();
        Ok(status)
    }
}

/// An entry's stage; those of one batch are looked up once.
fn stage(
    settlement: &Settlement,
    entry: Sequence,
    current: &mut Option<(std::ops::RangeInclusive<Sequence>, Stage, u64)>,
) -> Result<(Stage, Option<u64>), nonos_depin::settlement::Error> {
    if let Some((range, stage, number)) = current
        && range.contains(&entry)
    {
        return Ok((*stage, Some(*number)));
    }
    let (stage, number) = settlement.stage(entry)?;
    if let Some(number) = number {
        let batch = settlement.signed(number)?;
        *current = Some((batch.first..=batch.last, stage, number));
    }
    Ok((stage, number))
}

fn name(stage: Stage) -> String {
    match stage {
        Stage::Pending => "pending",
        Stage::Submitted => "submitted",
        Stage::Final => "final",
    }
    .to_owned()
}

/// What a batch says was received, and paid.
fn sums(batch: &Batch) -> [Amount; 2] {
    let all = batch.sums.amounts();
    let sum = |part: &[Amount]| {
        let sum = part.iter().fold(0_u128, |sum, it| sum.saturating_add(it.atto()));
        Amount::from_atto(sum)
    };
    [sum(&all[..4]), sum(&all[4..])]
}

fn add(to: &mut StageView, batch: &Batch) {
    let [received, paid] = sums(batch);
    let more = |sum: Amount, it: Amount| Amount::from_atto(sum.atto().saturating_add(it.atto()));
    to.entries += batch.last.get() - batch.first.get() + 1;
    to.received = more(to.received, received);
    to.paid = more(to.paid, paid);
}

pub(super) fn view(standing: &Standing) -> BatchView {
    let batch = standing.batch.value();
    let [received, paid] = sums(batch);
    BatchView {
        number: batch.number,
        batch: batch.id().to_string(),
        root: batch.new_root.to_string(),
        first: batch.first.get(),
        last: batch.last.get(),
        postings: batch.postings,
        received,
        paid,
        chunks: batch.chunks(),
        proved: standing.proved,
        stage: name(standing.stage()),
        places: standing.places.iter().map(place_view).collect(),
    }
}

fn place_view((place, state): &(String, State)) -> PlaceView {
    let (source, reference, at) = match state {
        State::Pending => (None, String::new(), None),
        State::Submitted { reference } => (None, reference.clone(), None),
        State::Final(evidence) => (
            Some(evidence.source.clone()),
            evidence.reference.clone(),
            Some(evidence.at),
        ),
    };
    PlaceView {
        place: place.clone(),
        stage: name(Stage::of(state)),
        source,
        reference,
        at,
    }
}

fn entry_view(entry: &Entry, stage: Stage, batch: Option<u64>) -> EntryView {
    let (kind, lines) = match &entry.body {
        Body::Hold { job, amount } => (
            "hold",
            vec![LineView {
                job: Some(*job),
                amount: Some(*amount),
                ..LineView::default()
            }],
        ),
        Body::Release { job } => (
            "release",
            vec![LineView {
                job: Some(*job),
                ..LineView::default()
            }],
        ),
        Body::Claimed(claim) => (
            "claimed",
            vec![LineView {
                peer: Some(claim.requester),
                job: Some(claim.job),
                slot: Some(claim.slot),
                amount: Some(claim.amount),
                receipt: Some(claim.receipt),
                ..LineView::default()
            }],
        ),
        Body::Paid { voucher } => ("paid", lines(voucher, voucher.payee)),
        Body::Received { voucher } => ("received", lines(voucher, voucher.signer())),
    };
    EntryView {
        sequence: entry.sequence.get(),
        at: entry.at,
        kind: kind.to_owned(),
        stage: name(stage),
        batch,
        lines,
    }
}

fn lines(voucher: &nonos_types::Voucher, peer: nonos_types::NodeId) -> Vec<LineView> {
    let line = |it: &nonos_types::Line| LineView {
        peer: Some(peer),
        job: Some(it.job),
        slot: Some(it.slot),
        fee: Some(it.kind),
        amount: Some(it.amount),
        receipt: Some(it.receipt),
    };
    voucher.lines.iter().map(line).collect()
}
