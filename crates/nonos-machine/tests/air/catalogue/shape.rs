//! Rows about what every table must have, read off the tables.

use std::collections::BTreeSet;

use nonos_machine::air::{Bus, Col, Direction, Expr, Range, System, TableShape};
use nonos_machine::check::messages;
use nonos_machine::tables::{MAX_ROWS, STEP, system};

use crate::mutate::KOALA_BEAR;
use crate::mutate::runs::runs;

fn reads(expr: &Expr, col: Col) -> bool {
    let mut found = false;
    expr.cells(&mut |other, _| found |= other == col);
    found
}

fn columns(system: &System) -> impl Iterator<Item = (&TableShape, Col, Range)> {
    system.tables.iter().flat_map(|table| {
        let with_col = table.columns.iter().zip(0..);
        with_col.map(move |(column, i)| (table, Col(i), column.range))
    })
}

#[test]
fn catalogue_08_no_sum_of_limbs_wraps_a_31_bit_field() {
    let system = system();
    let mut wide = BTreeSet::new();
    for table in &system.tables {
        for constraint in &table.constraints {
            let interval = constraint.expr.interval(&|col| table.interval(col));
            let fits = interval.is_none_or(|it| it.hi.max(-it.lo) < i128::from(KOALA_BEAR));
            if !fits {
                wide.insert(format!("{}/{}", table.name, constraint.id));
            }
        }
    }
    // Keys have 29 bits by `key13` and `gap13`; a committed length 27 by `high`; `pc` and `fp` are what the program and
    // its link words say, and end at keys that CELLS has.
    let known = [
        "CELLS/order",
        "HOST/length",
        "STEP/fp-next",
        "STEP/fp-first",
        "STEP/pc-next",
        "STEP/pc-first",
        "STEP/pc-last",
    ];
    let known: BTreeSet<String> = known.map(str::to_owned).into();
    assert!(wide.is_subset(&known), "{wide:?}");
    for needed in ["CELLS/order", "HOST/length"] {
        assert!(
            wide.contains(needed),
            "{needed} is no longer wide: take it out of the list"
        );
    }
}

#[test]
fn catalogue_10_carries_are_ranges_not_quotients() {
    // No carry is a difference scaled by an inverse: every column but two hints has a range of its own.
    let system = system();
    let inverses = columns(&system).filter(|(_, _, range)| *range == Range::Inverse);
    let names: Vec<_> = inverses
        .map(|(table, col, _)| (table.name, table.columns[usize::from(col.0)].name))
        .collect();
    assert_eq!(names, [("CMP", "inv"), ("GROW", "inv")]);
}

#[test]
fn catalogue_11_hints_of_no_range_stay_in_their_row() {
    for (table, col, range) in columns(&system()) {
        if range != Range::Inverse {
            continue;
        }
        let in_messages = table
            .messages
            .iter()
            .any(|m| m.parts.iter().chain([&m.count]).any(|e| reads(e, col)));
        assert!(!in_messages, "{}: a message carries a hint", table.name);
    }
}

#[test]
fn catalogue_12_every_bit_and_limb_is_checked() {
    let system = system();
    for (table, col, range) in columns(&system) {
        let name = format!("{}.{}", table.name, table.columns[usize::from(col.0)].name);
        let cell = Expr::Cell { col, next: false };
        let looked_up = |bus: Bus| {
            table.messages.iter().any(|m| {
                m.bus == bus
                    && m.direction == Direction::Send
                    && m.count == Expr::Const(1)
                    && m.parts == [cell.clone()]
            })
        };
        match range {
            Range::Bit => {
                let zero = cell.clone() * (Expr::from(1) - cell);
                assert!(table.constraints.iter().any(|c| c.expr == zero), "{name}");
            }
            Range::U8 => assert!(looked_up(Bus::Range8), "{name}"),
            Range::U16 | Range::Moved => assert!(looked_up(Bus::Range16), "{name}"),
            Range::Derived { why, .. } => assert!(!why.is_empty(), "{name}"),
            Range::Inverse => {}
        }
    }
}

#[test]
fn catalogue_14_unused_rows_cannot_speak() {
    // The rows of true runs with `real` taken away: whatever else they hold, a rule fails or they say nothing.
    let system = system();
    let public = nonos_machine::air::Public {
        first: vec![0; 8],
        last: vec![0; 8],
        ..Default::default()
    };
    let mut tried = 0;
    for run in runs() {
        let (witness, _) = run.witness(&system);
        for (t, table) in system.tables.iter().enumerate().filter(|(t, _)| *t != STEP) {
            let real = table
                .columns
                .iter()
                .position(|c| c.name == "real")
                .expect("chips mark used rows");
            for row in witness.tables[t].cells.chunks(table.columns.len()) {
                let mut row = row.to_vec();
                row[real] = 0;
                let fails = nonos_machine::check::failing(table, &public, 1, false, &row, &row)
                    .next()
                    .is_some();
                let speaks = messages(table, &row).any(|m| !m.0.is_lookup());
                assert!(fails || !speaks, "{}: {row:?}", table.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
    // STEP has no such mark, and no row without a public one: there is nothing to leave out.
    let step = &system.tables[STEP];
    assert!(step.columns.iter().all(|c| c.name != "real"));
    let program = step
        .messages
        .iter()
        .find(|m| m.bus == Bus::Program)
        .expect("STEP looks up its row");
    assert_eq!(program.count, Expr::Const(1));
}

#[test]
fn catalogue_17_time_stamps_stay_below_a_gap() {
    // Gaps have 24 bits; the last stamp of the longest run has, too, and so an earlier stamp is never later.
    assert!(4 * (MAX_ROWS as u64 + 1) + 3 < 1 << 24);
}

#[test]
fn catalogue_18_every_column_is_read() {
    // A column that no constraint and no message but its range check reads could hold anything.
    for (table, col, _) in columns(&system()) {
        let name = table.columns[usize::from(col.0)].name;
        let cell = Expr::Cell { col, next: false };
        let is_range = |parts: &[Expr]| parts == [cell.clone()];
        let zero = cell.clone() * (Expr::from(1) - cell.clone());
        let in_constraint = table
            .constraints
            .iter()
            .any(|c| c.expr != zero && reads(&c.expr, col));
        let in_message = table.messages.iter().any(|m| {
            reads(&m.count, col) || !is_range(&m.parts) && m.parts.iter().any(|part| reads(part, col))
        });
        assert!(in_constraint || in_message, "{}.{name}", table.name);
    }
}

#[test]
fn catalogue_21_buses_have_numbers_of_their_own() {
    // The number is part of every message (docs/circuits/challenge.md, "Packing"): five bits, none zero.
    let numbers: BTreeSet<u8> = Bus::ALL.iter().map(|bus| *bus as u8).collect();
    assert_eq!(numbers.len(), Bus::ALL.len());
    assert!(numbers.iter().all(|number| (1..32).contains(number)));
}

#[test]
fn catalogue_24_counts_cannot_wrap() {
    // A lookup is never counted negatively, and all counts of the largest tables together stay far below any field
    // with a challenge: an extension of a 31-bit one has more than 2^120 elements, but counts live in its base.
    for table in &system().tables {
        let mut most = 0;
        for message in &table.messages {
            let count = message
                .count
                .interval(&|col| table.interval(col))
                .expect("counts have ranges");
            let name = format!("{} {:?}", table.name, message.bus);
            assert!(count.hi <= 4 && count.lo >= -4, "{name}: {count:?}");
            if message.bus.is_lookup() {
                assert!(
                    count.lo >= 0 || message.count.degree() > 0 && is_sum_of_bits(&message.count),
                    "{name}"
                );
            }
            most = most.max(count.hi);
        }
        // Of one message of one table, over all of its rows.
        assert!(most * (MAX_ROWS as i128) < i128::from(KOALA_BEAR));
    }
}

fn is_sum_of_bits(expr: &Expr) -> bool {
    match expr {
        Expr::Cell { .. } => true,
        Expr::Add(a, b) => is_sum_of_bits(a) && is_sum_of_bits(b),
        Expr::Const(v) => *v >= 0,
        _ => false,
    }
}
