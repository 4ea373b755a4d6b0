//! Chunks to lie about, and the checker.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use ed25519_dalek::SigningKey;
use nonos_depin::rollup::{ChunkWitness, Made, RollupStatement, SUMS, State};
use nonos_depin::{Body, Entry, EntryDigest, MAX_AMOUNT};
use nonos_types::*;
use pasta_curves::Fp;

use crate::expr::Cell;
use crate::gates::gates;
use crate::layout::*;
use crate::trace::{Trace, publics};

pub(super) const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);

pub(super) type Chunk = (RollupStatement, ChunkWitness);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn id(seed: u8) -> NodeId {
    NodeId::from_bytes(key(seed).verifying_key().to_bytes())
}

/// A voucher of node 7 to a peer, or of the peer to node 7.
pub(super) fn voucher(paid: bool, peer: u8, sequence: u64, total: u128, lines: &[u128]) -> Body {
    let line = |(job, atto): (u8, &u128)| Line {
        job: JobId::from_bytes([job; 32]),
        slot: Slot::new(sequence as u16),
        kind: FeeKind::ALL[usize::from(job) % FeeKind::ALL.len()],
        receipt: ReceiptId::ZERO,
        amount: Amount::from_atto(*atto),
    };
    let voucher = |payee| Voucher {
        network: NETWORK,
        payee,
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(sequence),
        total: Amount::from_atto(total),
        lines: (0..).zip(lines).map(line).collect(),
        at: Timestamp::new(1_800_000_000),
    };
    if paid {
        let voucher = Box::new(Signed::new(voucher(id(peer)), &key(7)));
        Body::Paid { voucher }
    } else {
        let voucher = Box::new(Signed::new(voucher(id(7)), &key(peer)));
        Body::Received { voucher }
    }
}

/// The first batch of node 7, of these entries.
pub(super) fn batch(bodies: &[Body], limit: Amount) -> Made {
    let mut prev = EntryDigest::ZERO;
    let mut entries = vec![];
    for (body, sequence) in bodies.iter().zip(1..) {
        let entry = Entry {
            network: NETWORK,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(sequence),
            prev,
            body: body.clone(),
            at: Timestamp::new(1_800_000_000),
        };
        prev = entry.digest(id(7));
        entries.push(Signed::new(entry, &key(7)));
    }
    State::new(NETWORK, id(7))
        .batch(&entries, limit)
        .expect("a batch")
}

fn bodies() -> Vec<Body> {
    vec![
        voucher(true, 8, 1, 30, &[10, 20]),
        voucher(false, 9, 1, 15, &[15]),
        voucher(true, 8, 2, 60, &[10, 20]),
        voucher(false, 8, 1, 10, &[1, 2, 3, 4]),
        voucher(true, 10, 1, 6, &[1, 2, 3]),
    ]
}

/// Twelve postings: a full chunk, whose last posting opens an account, and one of two.
pub(super) fn two_chunks() -> Made {
    batch(&bodies(), MAX_AMOUNT)
}

/// Ten postings; the last one is the first line of a voucher to a peer without an account.
pub(super) fn full() -> Chunk {
    two_chunks().chunks[0].clone()
}

/// One posting, the second line of a voucher, and nine times padding.
pub(super) fn single() -> Chunk {
    let mut bodies = bodies();
    bodies[4] = voucher(true, 10, 1, 3, &[1, 2]);
    batch(&bodies, MAX_AMOUNT).chunks[1].clone()
}

/// The very first posting of an author.
pub(super) fn opening() -> Chunk {
    batch(&bodies()[1..2], MAX_AMOUNT).chunks[0].clone()
}

/// First row of a posting.
pub(super) fn row(posting: usize) -> usize {
    posting * ROWS
}

/// The public columns in which the row behind the postings is the trace's own: what a prover would claim.
pub(super) fn claimed(statement: &RollupStatement, trace: &Trace) -> Vec<Vec<Fp>> {
    let mut columns = publics(statement);
    for (column, own) in [
        (public::ROOT, ROOT),
        (public::CHAIN, CHAIN),
        (public::SEQUENCE, SEQUENCE),
        (public::LINE, LINE),
        (public::COUNT, COUNT),
    ]
    .into_iter()
    .chain((0..SUMS).map(|sum| (public::SUM + sum, SUM + sum)))
    {
        columns[column][END] = trace.at(END, own);
    }
    columns
}

/// A trace and the public columns that it is of.
type Columns = (Trace, Vec<Vec<Fp>>);

/// The honest trace of the chunk that a statement is of, or was before a lie.
fn honest(statement: &RollupStatement) -> Option<&'static Columns> {
    static HONEST: [OnceLock<Columns>; 4] = [const { OnceLock::new() }; 4];
    let of = |(statement, witness): &Chunk| (Trace::new(statement, witness), publics(statement));
    HONEST
        .iter()
        .zip(honest_chunks())
        .find(|(_, (own, _))| (own.batch, own.index) == (statement.batch, statement.index))
        .map(|(columns, chunk)| columns.get_or_init(|| of(&chunk)))
}

/// Every honest chunk that there is here.
pub(super) fn honest_chunks() -> [Chunk; 4] {
    [full(), two_chunks().chunks[1].clone(), single(), opening()]
}

/// Ids of the constraints that do not hold. A constraint reads its row and the next: where both are as the honest
/// trace has them it holds, which is a test of its own.
pub(super) fn broken(
    statement: &RollupStatement,
    trace: &Trace,
    publics: &[Vec<Fp>],
) -> BTreeSet<&'static str> {
    let public = |publics: &[Vec<Fp>], row: usize| -> Vec<Fp> {
        let value = |column: &Vec<Fp>| column.get(row).copied().unwrap_or_default();
        publics.iter().map(value).collect()
    };
    let honest = honest(statement).expect("a chunk of these");
    let same = |row: usize| {
        let rows = row..(row + 2).min(END + 1);
        let cells = (0..COLUMNS)
            .all(|column| trace.columns[column][rows.clone()] == honest.0.columns[column][rows.clone()]);
        cells && public(publics, row) == public(&honest.1, row)
    };
    let suspect: BTreeSet<_> = (0..=END).filter(|row| !same(*row)).collect();
    broken_on(trace, publics, |row| suspect.contains(&row))
}

/// Ids of the constraints that do not hold on some of the rows.
pub(super) fn broken_on(
    trace: &Trace,
    publics: &[Vec<Fp>],
    rows: impl Fn(usize) -> bool,
) -> BTreeSet<&'static str> {
    let value = |row: usize| {
        move |cell| match cell {
            Cell::Cur(column) => trace.at(row, column),
            Cell::Next(column) => trace.at(row + 1, column),
            Cell::Public(column) => publics[column].get(row).copied().unwrap_or_default(),
            Cell::Index => Fp::from((row / ROWS) as u64),
        }
    };
    let mut broken = BTreeSet::new();
    for gate in gates() {
        let mut found = gate.on.all_rows().into_iter().filter(|row| rows(*row));
        if found.any(|row| gate.zero.eval(&value(row)) != Fp::zero()) {
            broken.insert(gate.id);
        }
    }
    broken
}
