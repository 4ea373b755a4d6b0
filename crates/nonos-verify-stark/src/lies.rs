//! Provers that lie: whole proofs of false tables, refused by the verifier.

use nonos_machine::air::TableShape;
use nonos_machine::tables::{self, STEP, Witness};
use nonos_machine::{ExecutionStatement, Secret};
use nonos_verify::{Refusal, Statement};
use p3_field::PrimeCharacteristicRing;

use crate::chip::{Kind, kinds, place};
use crate::config::Val;
use crate::hiding::Masks;
use crate::layout::Shape;
use crate::public::PublicSide;
use crate::seal::Row;
use crate::trace::{self, Tables};
use crate::{Profile, Stark};

mod hiding;
mod seal;
mod segments;

#[expect(dead_code, reason = "shared with the tests from outside")]
#[path = "../tests/it/runs.rs"]
pub(crate) mod runs;
#[path = "../../nonos-verify-halo2/tests/it/opcodes/text.rs"]
mod text;

mod strangers;

/// The text of a module that uses every operator.
pub(crate) fn every_operator() -> String {
    text::module()
}

/// A run, and what a prover has of it.
struct Run {
    statement: ExecutionStatement,
    stark: Stark,
    public: PublicSide,
    witness: Witness,
    sealed: Vec<Row>,
}

impl Run {
    /// Every operator: all tables have rows but BOUND.
    fn new() -> Self {
        Self::of(0)
    }

    /// A trap of memory, with rows in BOUND.
    fn trapped() -> Self {
        Self::of(u32::from(nonos_types::TrapKind::MemoryOutOfBounds.code()))
    }

    fn of(what: u32) -> Self {
        let module = runs::module(&text::module());
        let arguments = [nonos_types::Value::I32(what)];
        Self::honest(runs::statement(module, "run", &arguments, b"an input tape"))
    }

    fn honest(statement: ExecutionStatement) -> Self {
        Self::on(statement, &Secret::default())
    }

    /// A run of sealed tapes.
    fn sealed() -> Self {
        let secret = runs::secret(20, true);
        Self::on(runs::sum(&secret), &secret)
    }

    fn on(statement: ExecutionStatement, secret: &Secret) -> Self {
        let stark = Stark::new(Profile::Fast);
        let public = stark.public_side(&statement).expect("a statement");
        let trace = statement.trace(secret).expect("it was run");
        let witness = tables::hiding_witness(statement.program(), &trace, statement.hidden());
        let sealed = crate::seal::rows(&statement, secret, &trace);
        Self {
            statement,
            stark,
            public,
            witness,
            sealed,
        }
    }

    fn tables(&self) -> Tables {
        trace::tables(
            self.stark.layout(Shape::Whole),
            &self.public,
            &self.witness,
            &self.sealed,
            None,
        )
    }

    /// What the verifier says of a proof of these tables. Where assertions are on, the published prover checks the
    /// constraints itself and panics; that counts as a refusal then, and the verifier is tried without assertions.
    fn verdict(&self, mut tables: Tables) -> Result<(), Refusal> {
        if self.public.hiding {
            MASKS.blind(&mut tables);
        }
        self.verdict_of_blinded(tables)
    }

    /// The same for tables that have what blinds them.
    fn verdict_of_blinded(&self, tables: Tables) -> Result<(), Refusal> {
        let prove = || {
            self.stark.prove_blinded(
                &self.statement.bytes(),
                &self.public,
                Shape::Whole,
                &tables,
                &MASKS,
            )
        };
        let proof = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(prove)) {
            Ok(proof) => proof.expect("a proof is made"),
            Err(_) if cfg!(debug_assertions) => return Err(Refusal::Rejected { check: "assertion" }),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let public = self.stark.public_side(&self.statement)?;
        self.stark
            .check(&self.statement.bytes(), &public, Shape::Whole, &proof)
            .map(drop)
    }
}

/// Lies need no secret.
const MASKS: Masks = Masks::PUBLIC;

/// What no open run here has rows for: the other form of the 16-bit values, sealed tapes, and what only segments have.
const UNUSED: [Kind; 4] = [Kind::Count16, Kind::Seal, Kind::Leaf, Kind::Node];

#[test]
fn the_honest_tables_are_all_used_and_proved() {
    let (run, trapped) = (Run::new(), Run::trapped());
    let (tables, others) = (run.tables(), trapped.tables());
    for ((kind, table), other) in kinds().iter().zip(&tables).zip(&others) {
        assert_eq!(
            table.is_none() && other.is_none(),
            UNUSED.contains(kind),
            "{kind:?}"
        );
    }
    assert_eq!(run.verdict(tables), Ok(()));
    assert_eq!(trapped.verdict(others), Ok(()));
}

#[test]
fn no_table_can_be_left_out_but_the_other_form_of_one() {
    let run = Run::new();
    for (i, kind) in kinds().into_iter().enumerate() {
        let mut tables = run.tables();
        if tables[i].take().is_none() {
            continue;
        }
        let prove = || {
            run.stark
                .prove_tables(&run.statement.bytes(), &run.public, Shape::Whole, tables, &MASKS)
        };
        let proof = std::panic::catch_unwind(std::panic::AssertUnwindSafe(prove));
        // Required tables: the prover's own header is refused. Others: the sums do not balance.
        let Ok(Ok(proof)) = proof else { continue };
        let public = run.stark.public_side(&run.statement).expect("a statement");
        let verdict = run
            .stark
            .check(&run.statement.bytes(), &public, Shape::Whole, &proof);
        assert!(verdict.is_err(), "without {kind:?}");
    }
}

#[test]
fn a_false_cell_is_refused_in_every_table() {
    let (run, trapped) = (Run::new(), Run::trapped());
    for (i, kind) in kinds().into_iter().enumerate() {
        let run = if run.tables()[i].is_some() { &run } else { &trapped };
        let Some(width) = run.tables()[i].as_ref().map(|table| table.width) else {
            assert!(UNUSED.contains(&kind));
            continue;
        };
        // The multiplicity column of a lookup table is its last.
        for col in [0, width / 2, width - 1] {
            let mut tables = run.tables();
            if let Some(table) = &mut tables[i] {
                table.values[col] += Val::ONE;
            }
            assert!(run.verdict(tables).is_err(), "{kind:?}, column {col}");
        }
    }
}

#[test]
fn multiplicities_cannot_be_negative_or_moved() {
    let run = Run::new();
    let program = place(Kind::Rows(nonos_machine::air::Bus::Program));
    let mut tables = run.tables();
    let uses = &mut tables[program].as_mut().expect("a program").values;
    let (first, second) = (uses[0], uses[1]);
    uses[0] = first - Val::ONE;
    uses[1] = second + Val::ONE;
    assert!(run.verdict(tables).is_err());
    // A value of more than 16 bits has no row; a count of −1 of another does not make up for it.
    let mut tables = run.tables();
    let range = tables[place(Kind::Bits16)].as_mut().expect("values");
    range.values[16] = -Val::ONE;
    assert!(run.verdict(tables).is_err());
}

#[test]
fn another_program_counter_less_fuel_or_fewer_steps_are_refused() {
    let mut run = Run::new();
    let mut less = Run::new();
    less.public.values[3] -= Val::ONE;
    assert!(less.verdict(less.tables()).is_err(), "less fuel");

    let step = &mut run.witness.tables[STEP];
    step.cells[5 * step.width + 1] += 1;
    assert!(run.verdict(run.tables()).is_err(), "another pc");

    let mut run = Run::new();
    let step = &mut run.witness.tables[STEP];
    step.cells.truncate(step.cells.len() - step.width);
    assert!(run.verdict(run.tables()).is_err(), "one step less");
}

fn shape(name: &str) -> TableShape {
    let tables = tables::system().tables;
    tables
        .into_iter()
        .find(|shape| shape.name == name)
        .expect("a table")
}

fn column(shape: &TableShape, name: &str) -> usize {
    shape
        .columns
        .iter()
        .position(|c| c.name == name)
        .expect("a column")
}

/// Index of MEM.
const MEM: usize = 5;

/// Rewrites the first row that `lie` finds something to do with; `false` if there is none.
fn forge(
    table: &mut Option<p3_matrix::dense::RowMajorMatrix<Val>>,
    lie: impl Fn(&mut [Val]) -> bool,
) -> bool {
    let table = table.as_mut().expect("it is used");
    table.values.chunks_mut(table.width).any(lie)
}

/// Every message stays as it is: only the rule that a bit is 0 or 1 stands against it.
#[test]
fn a_number_that_is_not_made_of_bits_is_refused() {
    let run = Run::new();
    let two_in_one = |bits: &mut [Val]| {
        let found = bits[0] == Val::ZERO && bits[1] == Val::ONE;
        if found {
            (bits[0], bits[1]) = (Val::TWO, Val::ZERO);
        }
        found
    };
    let mut tables = run.tables();
    assert!(forge(&mut tables[place(Kind::Bits16)], two_in_one));
    assert!(run.verdict(tables).is_err(), "16-bit values");
}

/// The same messages in another order: only the rule of the next row stands against it.
#[test]
fn values_out_of_order_are_refused() {
    let run = Run::new();
    let mut tables = run.tables();
    let bytes = tables[place(Kind::Count8)].as_mut().expect("bytes");
    bytes.values.swap(2 * 7, 2 * 9);
    bytes.values.swap(2 * 7 + 1, 2 * 9 + 1);
    assert!(run.verdict(tables).is_err());
}

/// A load's address one limb higher and the other lower, so that all rules of the row hold: only the message to STEP
/// stands against it, for no lookup does any more.
#[test]
fn an_operand_that_is_not_the_one_of_step_is_refused() {
    let run = Run::new();
    let mem = shape("MEM");
    let [a0, a1, carry] = ["a[0]", "a[1]", "k"].map(|name| column(&mem, name));
    let real = column(&mem, "real");
    let carried = |row: &mut [Val]| {
        let found = row[real] == Val::ONE && row[carry] == Val::ZERO;
        if found {
            row[a0] += Val::from_u32(1 << 16);
            row[a1] -= Val::ONE;
            row[carry] = Val::ONE;
        }
        found
    };
    let mut tables = run.tables();
    assert!(forge(&mut tables[place(Kind::Machine(MEM))], carried));
    assert!(run.verdict(tables).is_err());
}

/// No range is looked up where [`BOUNDED`](crate::bounded::BOUNDED) says that another table sees to it: it does.
#[test]
fn a_value_out_of_a_range_that_another_table_bounds_is_refused() {
    let (run, trapped) = (Run::new(), Run::trapped());
    for (t, shape) in tables::system().tables.iter().enumerate() {
        let run = if run.tables()[t].is_some() { &run } else { &trapped };
        for (col, column) in shape.columns.iter().enumerate() {
            if !crate::bounded::is_bounded(shape.name, column.name) {
                continue;
            }
            let mut tables = run.tables();
            // The first row of every table is in use.
            tables[t].as_mut().expect("it is used").values[col] += Val::from_u32(1 << 16);
            assert!(run.verdict(tables).is_err(), "{}.{}", shape.name, column.name);
        }
    }
}
