//! Attacks that were made on other systems, made on this one.

use std::collections::BTreeSet;

use ff::Field;
use halo2_proofs::plonk::{Circuit as _, ConstraintSystem};
use nonos_depin::rollup::{CHUNK, SUMS};
use nonos_types::{Amount, Sequence};
use pasta_curves::Fp;

use super::support::*;
use crate::circuit;
use crate::expr::{Cell, power};
use crate::gates::gates;
use crate::layout::*;
use crate::trace::{Lies, Trace, publics};

fn broken_by(chunk: &Chunk, cells: &[((usize, usize), Fp)]) -> BTreeSet<&'static str> {
    let cells: Lies = cells.iter().copied().collect();
    let trace = Trace::with_lies(&chunk.0, &chunk.1, cells);
    broken(&chunk.0, &trace, &claimed(&chunk.0, &trace))
}

const END_OF_DIGITS: [&str; 1] = ["digits-end"];

#[test]
fn a_negative_amount_is_out_of_range() {
    // The author would owe 5 less than nothing.
    let negative = [((row(9), AMOUNT), -Fp::from(5))];
    assert_eq!(broken_by(&full(), &negative), END_OF_DIGITS.into());
}

#[test]
fn an_amount_that_wraps_around_the_field_is_out_of_range() {
    for amount in [power(96) + Fp::ONE, power(98), power(253), -Fp::ONE] {
        assert_eq!(
            broken_by(&full(), &[((row(9), AMOUNT), amount)]),
            END_OF_DIGITS.into(),
            "{amount:?}"
        );
    }
    // The most there may be is taken.
    assert_eq!(
        broken_by(&full(), &[((row(9), AMOUNT), power(96))]),
        BTreeSet::new()
    );
}

#[test]
fn a_balance_below_nothing_is_not_made_good() {
    // A tree with a total of -1, which no batch leads to; a posting of 2 makes it 1.
    let chunk = single();
    let mut cells = vec![((1, C), -Fp::ONE)];
    cells.extend((1..CHUNK).map(|posting| ((row(posting) + 1, C), Fp::ONE)));
    let trace = Trace::with_lies(&chunk.0, &chunk.1, cells.iter().copied().collect());
    let root = OLD.output(0).eval(&|cell| match cell {
        Cell::Cur(column) => trace.at(ROWS - 1, column),
        _ => panic!("of this row only"),
    });
    cells.push(((0, ROOT), root));
    let trace = Trace::with_lies(&chunk.0, &chunk.1, cells.into_iter().collect());
    let mut columns = claimed(&chunk.0, &trace);
    columns[public::ROOT][0] = root;
    assert_eq!(broken(&chunk.0, &trace, &columns), END_OF_DIGITS.into());
}

#[test]
fn an_author_over_the_limit_has_no_proof() {
    let mut chunk = full();
    chunk.0.limit = Amount::from_atto(10);
    assert_eq!(broken_by(&chunk, &[]), END_OF_DIGITS.into());
}

#[test]
fn a_posting_twice_is_refused() {
    let (statement, mut witness) = full();
    // The first line again, from where it led to.
    let after = witness.steps[0].after(statement.limit).expect("it holds");
    witness.steps[1].posting = witness.steps[0].posting;
    witness.steps[1].before = Some(after);
    witness.steps.truncate(2);
    let broken = broken_by(&(statement, witness), &[]);
    assert_eq!(broken, END_OF_DIGITS.into());
}

#[test]
fn a_posting_of_an_earlier_entry_is_refused() {
    let (statement, mut witness) = full();
    witness.steps[9].posting.sequence = Sequence::new(1);
    assert_eq!(broken_by(&(statement, witness), &[]), END_OF_DIGITS.into());
}

#[test]
fn a_leaf_that_is_there_is_not_taken_for_absent() {
    let (statement, mut witness) = single();
    witness.steps[0].before = None;
    // Padding is filled from what the posting leads to.
    let broken = broken_by(&(statement, witness), &[]);
    assert_eq!(broken, BTreeSet::from(["root-before"]));
}

#[test]
fn an_account_has_one_place_only() {
    // The posting goes to the place beside its own; the rest of its name makes up for it.
    let chunk = full();
    let honest = Trace::new(&chunk.0, &chunk.1);
    let at = row(9) + 2;
    let other = honest.at(at, POSITION) + Fp::ONE;
    let rest = (honest.at(at, A) - other) * power(96).invert().expect("not zero");
    let moved = [((at, POSITION), other)];
    let trace = Trace::with_lies(&chunk.0, &chunk.1, moved.into_iter().collect());
    assert_eq!(trace.at(at, RANGE + 10), rest);
    let broken = broken(&chunk.0, &trace, &claimed(&chunk.0, &trace));
    assert!(broken.contains("digits-end"), "{broken:?}");
}

#[test]
fn no_constraint_reads_blinding_rows() {
    let mut system = ConstraintSystem::default();
    circuit::Chunk::configure(&mut system);
    let usable = (1 << K) - (system.blinding_factors() + 1);
    let last = On::ALL.iter().flat_map(|on| on.all_rows()).max();
    assert_eq!(last, Some(END));
    // Constraints of the row before it read it as their next; nothing on it has a next.
    assert!(END < usable, "{END} of {usable}");
    let next = |on: On| gates().iter().any(|gate| gate.on == on && reads_next(&gate.zero));
    assert!(!next(On::End));
}

fn reads_next(expr: &crate::expr::Expr) -> bool {
    let found = std::cell::Cell::new(false);
    expr.eval(&|cell| {
        if matches!(cell, Cell::Next(_)) {
            found.set(true);
        }
        Fp::ZERO
    });
    found.get()
}

/// Cells of a posting's rows that mean nothing: what is on them is never read.
fn is_idle(row: usize, column: usize) -> bool {
    match column {
        A..=D => row > 2,
        _ if (KIND..KIND + SUMS).contains(&column) => row > 2,
        FIRST | FRESH | AMOUNT => row > 2,
        LEAF => row != 2,
        RECEIVED | ISSUED => row != 1 && row != 2,
        POSITION => row < 2,
        BIT => row < 3,
        _ if column >= RANGE => {
            let range = &crate::gates::ranges()[column - RANGE];
            let rows = range.first.all_rows()[0]..=range.end.all_rows()[0];
            !rows.contains(&row)
        }
        _ => false,
    }
}

#[test]
fn no_cell_that_is_read_is_free() {
    let (statement, witness) = full();
    let honest = Trace::new(&statement, &witness);
    let publics = publics(&statement);
    let gates = gates();
    // On rows of the last posting, so that nothing later depends on them but the end.
    for offset in [0, 1, 2, 3, 4, 20, 60, ROWS - 2, ROWS - 1] {
        let at = row(9) + offset;
        for column in 0..COLUMNS {
            let mut trace = honest.clone();
            trace.columns[column][at] += Fp::ONE;
            let killed = gates.iter().any(|gate| {
                let rows = gate.on.all_rows();
                [at - 1, at].iter().any(|row| {
                    rows.contains(row)
                        && gate.zero.eval(&|cell| match cell {
                            Cell::Cur(column) => trace.at(*row, column),
                            Cell::Next(column) => trace.at(row + 1, column),
                            Cell::Public(column) => publics[column].get(*row).copied().unwrap_or_default(),
                            Cell::Index => Fp::from((row / ROWS) as u64),
                        }) != Fp::ZERO
                })
            });
            assert_ne!(killed, is_idle(offset, column), "row {offset}, column {column}");
        }
    }
}
