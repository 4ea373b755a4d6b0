//! What a stranger can try without any trace: other shapes of a proof, other encodings, and what the rules that a verifier
//! leaves out rest on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nonos_machine::air::{Bus, Col, Expr, Range, TableShape, When};
use nonos_machine::tables::{self, Hidden, STEP};
use nonos_machine::{Inputs, Limits, execute_traced};
use nonos_types::Fuel;
use nonos_verify::{Refusal, Statement};
use p3_field::{PrimeField32, TwoAdicField};

use super::{MASKS, Run, place, runs};
use crate::chip::{Kind, RECEIVED, kinds};
use crate::config::{MAX_LOG, Val};
use crate::layout::{Layout, Shape};
use crate::proof::Header;

fn honest() -> (Run, Vec<u8>) {
    let run = Run::new();
    let proof = run.stark.prove_tables(
        &run.statement.bytes(),
        &run.public,
        Shape::Whole,
        run.tables(),
        &MASKS,
    );
    (run, proof.expect("a proof"))
}

fn verdict(run: &Run, proof: &[u8]) -> Result<(), Refusal> {
    let public = run.stark.public_side(&run.statement)?;
    run.stark
        .check(&run.statement.bytes(), &public, Shape::Whole, proof)
        .map(drop)
}

impl Run {
    /// What the verifier would say if it computed the prover's own public side.
    fn own_verdict(&self) -> Result<(), Refusal> {
        let bytes = self.statement.bytes();
        let prove = || {
            self.stark
                .prove_tables(&bytes, &self.public, Shape::Whole, self.tables(), &MASKS)
        };
        // Where assertions are on, the published prover checks constraints and sums itself, and panics.
        match catch_unwind(AssertUnwindSafe(prove)) {
            Ok(proof) => self
                .stark
                .check(
                    &bytes,
                    &self.public,
                    Shape::Whole,
                    &proof.expect("a proof is made"),
                )
                .map(drop),
            Err(_) if cfg!(debug_assertions) => Err(Refusal::Rejected { check: "assertion" }),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// `p` copies of a false message cancel. All tables as tall as they may be do not make so many messages of all buses
/// together, which is what the published verifier refuses.
#[test]
fn fewer_messages_fit_a_proof_than_the_field_has_elements() {
    let (layout, received) = (Layout::new(Shape::Whole), RECEIVED.len() as u64);
    let mut messages = received << MAX_LOG;
    for (t, table) in layout.tables.iter().enumerate() {
        let height = if t == STEP {
            tables::MAX_ROWS.ilog2()
        } else {
            u32::from(MAX_LOG)
        };
        let of_row = table.ranges.len() as u64 + table.weights.iter().map(|n| u64::from(*n)).sum::<u64>();
        messages += of_row << height;
    }
    assert!(messages < u64::from(Val::ORDER_U32), "{messages}");
}

/// Messages are compressed by Horner's rule, so that `[x]` and `[0, x]` would be one: the published argument leaves it
/// to its user that a bus has one width, in all tables together.
#[test]
fn all_messages_of_a_bus_have_one_width() {
    let run = Run::new();
    let public = run.statement.public_side();
    let system = tables::system();
    let made = system.tables.iter().flat_map(|table| &table.messages);
    let widths = made.map(|message| (message.bus, message.parts.len()));
    let written = public.lookups.iter().chain(&public.received);
    let widths = widths.chain(written.map(|(bus, row)| (*bus, row.len())));
    let fixed = system.fixed.iter().map(|table| (table.bus, table.rows[0].len()));
    let mut known = BTreeMap::new();
    for (bus, width) in widths.chain(fixed).chain(RECEIVED) {
        assert_eq!(*known.entry(bus).or_insert(width), width, "{bus:?}");
    }
    assert_eq!(known.len(), Bus::ALL.len());
}

/// A left-out table has no first or last row: only one that must be there may have rules for them.
#[test]
fn a_table_that_may_be_left_out_has_no_rule_of_its_first_or_last_row() {
    let bounded = |table: &TableShape| {
        table
            .constraints
            .iter()
            .any(|rule| matches!(rule.when, When::First | When::Last))
    };
    let (run, _) = honest();
    for (t, table) in tables::system()
        .tables
        .iter()
        .enumerate()
        .filter(|(_, table)| bounded(table))
    {
        let mut header = Header {
            profile: crate::Profile::Fast,
            shape: Shape::Whole,
            hiding: false,
            logs: kinds()
                .into_iter()
                .zip(run.tables())
                .map(|(_, table)| table.map(|table| (table.values.len() / table.width).ilog2() as u8))
                .collect(),
        };
        assert!(Header::decode(&header.encode()).is_ok());
        header.logs[t] = None;
        assert!(Header::decode(&header.encode()).is_err(), "{}", table.name);
    }
}

/// `Moved` limbs are not range-checked here. Each is, as it is, a part of a message that its row does not send of its own
/// accord: one that it receives, or looks up in a table of values in range.
#[test]
fn a_limb_that_is_not_checked_comes_whole_over_a_bus() {
    let mut limbs = 0;
    for table in tables::system().tables {
        for (i, column) in table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.range == Range::Moved)
        {
            let cell = Expr::Cell {
                col: Col(u16::try_from(i).expect("few columns")),
                next: false,
            };
            let comes = table
                .messages
                .iter()
                .filter(|message| !message.moved)
                .any(|message| {
                    let taken = message.direction == nonos_machine::air::Direction::Receive
                        || message.bus.is_lookup();
                    taken && message.parts.contains(&cell)
                });
            assert!(comes, "{}, {}", table.name, column.name);
            limbs += 1;
        }
    }
    assert!(limbs > 40, "{limbs}");
}

const READS: &str = r#"(module
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (func (export "run") (result i64) (call $read (i32.const 1))))"#;

/// A sealed tape has no receiver here: a prover could read from it what it likes.
#[test]
fn refuses_words_of_a_sealed_tape_that_the_statement_does_not_have() {
    let statement = runs::statement(runs::module(READS), "run", &[], b"");
    let mut run = Run::honest(statement);
    let inputs = Inputs {
        sealed: b"a secret",
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: Fuel::new(1 << 20),
        steps: 1 << 10,
    };
    let (_, trace) = execute_traced(run.statement.program(), &inputs, limits);
    let hidden = Hidden {
        input: true,
        outputs: false,
    };
    let trace = trace.expect("it returns");
    run.witness = tables::hiding_witness(run.statement.program(), &trace, hidden);
    // The claim: that the run returned these words.
    let tapes = [vec![], vec![], vec![], vec![]].map(|words| tables::TapeWords { len: 0, words });
    let public = tables::public(
        run.statement.program(),
        &tables::PublicRun::of(run.statement.program(), &trace, tapes),
    );
    run.public = crate::public::PublicSide::new(run.stark.layout(Shape::Whole), &public, false)
        .expect("a public side");
    assert!(matches!(run.own_verdict(), Err(Refusal::Rejected { .. })));
}

#[test]
fn refuses_public_values_in_another_order_and_of_another_row() {
    let (run, proof) = honest();
    for (a, b) in [(0, 1), (1, 4), (2, 3), (3, 4)] {
        let mut public = run.stark.public_side(&run.statement).expect("a statement");
        public.values.swap(a, b);
        assert_ne!(public.values[a], public.values[b], "the same values");
        assert!(
            run.stark
                .check(&run.statement.bytes(), &public, Shape::Whole, &proof)
                .is_err(),
            "{a} and {b}, another seed"
        );
        // A prover that knows of it has the same seed, and only the constraints against it.
        let mut liar = Run::new();
        liar.public = public;
        assert!(liar.own_verdict().is_err(), "{a} and {b}");
    }
}

/// How much padding there is, is the prover's to choose.
#[test]
fn accepts_tables_that_are_taller_than_they_need_be_but_a_step_without_an_end() {
    let taller = |t: usize, padded: bool| {
        let mut run = Run::new();
        let mut row = vec![0; run.witness.tables[t].width];
        let len = run.witness.tables[t].len();
        for i in len..2 * len.next_power_of_two() {
            if padded {
                run.witness.row(t, i, &mut row);
            }
            run.witness.tables[t].cells.extend(&row);
        }
        assert!(len < run.witness.tables[t].len());
        run.verdict(run.tables())
    };
    assert_eq!(taller(STEP, true), Ok(()));
    assert_eq!(taller(tables::COUNT - 3, false), Ok(()));
    assert!(taller(STEP, false).is_err());
}

/// The field has roots of unity for 2^24 points: with blow-up 8 for 2^21 rows. A verifier that committed to a taller table
/// of its own, a tape of 16 MiB, panicked.
#[test]
fn refuses_tables_that_the_field_has_no_domain_for() {
    let (run, bytes) = honest();
    let honest = Header::decode(&bytes).expect("a header").0;
    for profile in crate::Profile::ALL {
        let tallest = (0..=u8::MAX).filter(|log| {
            let mut header = honest.clone();
            header.profile = profile;
            header.logs[place(Kind::Rows(Bus::Tape))] = Some(*log);
            Header::decode(&header.encode()).is_ok()
        });
        let tallest = usize::from(tallest.max().expect("some height is accepted"));
        assert!(
            tallest + profile.parameters().log_blowup <= Val::TWO_ADICITY,
            "{profile:?}"
        );
        assert!(tallest >= 21, "{profile:?}: {tallest}, as tall as STEP");
    }
    assert_eq!(verdict(&run, &bytes), Ok(()));
}
