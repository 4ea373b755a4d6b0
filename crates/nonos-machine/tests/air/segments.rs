//! Pieces of runs: each satisfies the tables, and its ends are where it says.

use std::collections::{BTreeMap, BTreeSet};

use nonos_machine::air::{Bus, Public, System, When};
use nonos_machine::check::{failing, messages};
use nonos_machine::tables::{Hidden, STEP, Witness, segment_public, segment_system, segment_witness, system};
use nonos_machine::trace::{Cell, Trace};
use nonos_machine::{Inputs, Segments, State};
use nonos_types::Fuel;

use crate::circuits::source;
use crate::samples::{Sample, samples};

struct Piece {
    before: State,
    after: State,
    trace: Trace,
}

fn pieces(sample: &Sample, steps: u32) -> Vec<Piece> {
    let input = sample.public.inputs[0].bytes();
    let inputs = Inputs {
        input: &input,
        arguments: &sample.public.inputs[3].words,
        ..Inputs::default()
    };
    let mut run = Segments::new(&sample.program, &inputs, Fuel::new(1 << 30));
    let mut pieces = vec![];
    while run.end().is_none() {
        let before = run.state();
        let trace = run.advance(steps);
        let after = run.state();
        pieces.push(Piece { before, after, trace });
    }
    pieces
}

fn limbs(value: u64) -> impl Iterator<Item = u64> {
    (0..4).map(move |i| value >> (16 * i) & 0xffff)
}

/// What is sent more often than it is received, given what cells hold before and after.
fn excess(
    system: &System,
    witness: &Witness,
    public: &Public,
    cells: &[Cell],
) -> BTreeMap<(Bus, Vec<u64>), i64> {
    let mut sums: BTreeMap<(Bus, Vec<u64>), i64> = BTreeMap::new();
    let mut add = |bus, message: Vec<u64>, count| *sums.entry((bus, message)).or_default() += count;
    for (t, table) in system.tables.iter().enumerate() {
        let mut row = vec![0; table.columns.len()];
        for i in 0..witness.tables[t].len() {
            witness.row(t, i, &mut row);
            for (bus, message, count) in messages(table, &row) {
                if !bus.is_lookup() {
                    add(bus, message, count);
                } else if matches!(bus, Bus::Program | Bus::Tape) {
                    assert!(
                        public.lookups.contains(&(bus, message.clone())),
                        "{bus:?} {message:?}"
                    );
                }
            }
        }
    }
    for (bus, message) in &public.received {
        add(*bus, message.clone(), -1);
    }
    for Cell {
        key,
        init,
        last,
        stamp,
    } in cells.iter().copied()
    {
        let key = u64::from(key);
        let cell = |stamp, value| [key, stamp].into_iter().chain(limbs(value)).collect();
        add(Bus::Memory, cell(0, init), 1);
        add(Bus::Memory, cell(stamp.into(), last), -1);
        if public
            .received
            .iter()
            .any(|(bus, m)| *bus == Bus::Final && m[0] == key)
        {
            add(Bus::Final, [key].into_iter().chain(limbs(last)).collect(), 1);
        }
    }
    sums.retain(|_, count| *count != 0);
    sums
}

/// The rules of STEP that fail on the first and the last row, padding included.
fn ends(system: &System, witness: &Witness, public: &Public, padding: usize) -> BTreeSet<&'static str> {
    let table = &system.tables[STEP];
    let rows = witness.tables[STEP].len() + padding;
    let (mut row, mut next) = (vec![0; table.columns.len()], vec![0; table.columns.len()]);
    let mut found = BTreeSet::new();
    for i in 0..rows {
        witness.row(STEP, i, &mut row);
        witness.row(STEP, i + 1, &mut next);
        found.extend(failing(table, public, i, i + 1 == rows, &row, &next));
    }
    found
}

#[test]
fn every_piece_of_every_sample_satisfies_the_tables() {
    let system = segment_system();
    for (sample, steps) in samples()
        .iter()
        .flat_map(|sample| [1, 7, 50].map(|steps| (sample, steps)))
    {
        let mut before = State::initial(&sample.program);
        let pieces = pieces(sample, steps);
        for piece in &pieces {
            assert_eq!(piece.before, before, "{}: pieces follow one another", sample.name);
            before = piece.after;
            let witness = segment_witness(&sample.program, &piece.trace, Hidden::default());
            let public = segment_public(&sample.program, &sample.public, &piece.before, &piece.after)
                .expect("it is a piece of this run");
            for padding in [0, 3] {
                let failing = ends(&system, &witness, &public, padding);
                assert!(failing.is_empty(), "{}: {failing:?}", sample.name);
            }
            let excess = excess(&system, &witness, &public, &piece.trace.cells);
            assert!(excess.is_empty(), "{}: {excess:?}", sample.name);
        }
        let last = pieces.last().expect("a run has steps");
        assert_eq!(last.after.pc, sample.public.halt);
        assert_eq!(last.after.fuel, sample.public.fuel);
    }
}

#[test]
fn a_run_taken_up_in_the_middle_goes_on_as_it_was() {
    for sample in samples() {
        let input = sample.public.inputs[0].bytes();
        let inputs = Inputs {
            input: &input,
            arguments: &sample.public.inputs[3].words,
            ..Inputs::default()
        };
        for piece in pieces(&sample, 20) {
            let cells: Vec<(u32, u64)> = piece
                .trace
                .cells
                .iter()
                .map(|cell| (cell.key, cell.init))
                .collect();
            let fuel = Fuel::new(1 << 30);
            let mut run = Segments::resume(&sample.program, &inputs, fuel, &piece.before, &cells)
                .expect("it is a state of this run");
            assert_eq!(run.state(), piece.before);
            assert_eq!(run.advance(20), piece.trace, "{}", sample.name);
            assert_eq!(run.state(), piece.after);
        }
    }
}

/// Each public value, and the rule that holds it.
#[test]
fn each_rule_of_a_pieces_ends_fails_alone() {
    let system = segment_system();
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name == "calls")
        .expect("a sample");
    let pieces = pieces(&sample, 10);
    let piece = &pieces[1];
    let mut witness = segment_witness(&sample.program, &piece.trace, Hidden::default());
    let honest =
        segment_public(&sample.program, &sample.public, &piece.before, &piece.after).expect("a piece");
    let first = ["pc-enters", "fp-enters", "room-enters", "pages-enters"];
    let last = [
        "pc-leaves",
        "fp-leaves",
        "room-leaves",
        "pages-leaves",
        "fuel-leaves",
    ];
    for (i, rule) in first.into_iter().enumerate() {
        let mut public = honest.clone();
        public.first[i] += 1;
        assert_eq!(ends(&system, &witness, &public, 0), BTreeSet::from([rule]));
    }
    for (i, rule) in last.into_iter().enumerate() {
        let mut public = honest.clone();
        public.last[i] += 1;
        assert_eq!(ends(&system, &witness, &public, 0), BTreeSet::from([rule]));
    }
    let column = |name: &str| {
        let columns = &system.tables[STEP].columns;
        columns.iter().position(|c| c.name == name).expect("a column")
    };
    // A clock or fuel that starts elsewhere, on every row alike, so that no other rule notices.
    for (name, rules) in [
        ("clk", vec!["clk-first"]),
        ("fuel", vec!["fuel-first", "fuel-leaves"]),
    ] {
        let mut shifted = witness.clone();
        let width = shifted.tables[STEP].width;
        for cell in shifted.tables[STEP]
            .cells
            .iter_mut()
            .skip(column(name))
            .step_by(width)
        {
            *cell += 1;
        }
        assert_eq!(ends(&system, &shifted, &honest, 0), rules.into_iter().collect());
    }
    // Without the row that pauses: the state is that before the last step.
    let step = &mut witness.tables[STEP];
    step.cells.truncate(step.cells.len() - step.width);
    assert!(ends(&system, &witness, &honest, 0).contains("halt-last"));
}

#[test]
fn what_cannot_be_a_piece_of_the_run_is_none() {
    let sample = samples()
        .into_iter()
        .find(|sample| sample.name == "tapes")
        .expect("a sample");
    let pieces = pieces(&sample, 10);
    let piece = pieces.last().expect("a piece");
    let public =
        |before: &State, after: &State| segment_public(&sample.program, &sample.public, before, after);
    assert!(public(&piece.before, &piece.after).is_some());
    let mut after = piece.after;
    after.fuel = piece.before.fuel.wrapping_sub(1);
    assert!(public(&piece.before, &after).is_none(), "fuel that shrinks");
    let mut after = piece.after;
    after.outputs[0] += 1;
    assert!(
        public(&piece.before, &after).is_none(),
        "words that were not written"
    );
    let mut before = piece.before;
    before.outputs[0] = piece.after.outputs[0] + 1;
    assert!(
        public(&before, &piece.after).is_none(),
        "words that are unwritten again"
    );
}

#[test]
fn the_rules_of_a_pieces_ends_are_documented() {
    let (whole, piece) = (system(), segment_system());
    let is_end = |when| matches!(when, When::First | When::Last);
    let stated: BTreeSet<&str> = (piece.tables[STEP].constraints.iter())
        .filter(|c| is_end(c.when))
        .map(|c| c.id)
        .collect();
    let text = source::source("segment");
    let rules = source::documented(&text);
    let documented: BTreeSet<&str> = rules.iter().flat_map(|rule| rule.ids.iter().copied()).collect();
    assert_eq!(documented, stated);
    let rows = |system: &System| {
        let rules = system.tables[STEP].constraints.iter().filter(|c| !is_end(c.when));
        rules.map(|c| (c.id, format!("{:?}", c.expr))).collect::<Vec<_>>()
    };
    assert_eq!(rows(&piece), rows(&whole), "every other rule is STEP's");
}
