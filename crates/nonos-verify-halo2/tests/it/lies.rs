//! Provers that lie about a real run: the proof system itself refuses what they make.

use nonos_machine::air::{Bus, Public};
use nonos_machine::tables::{self, STEP};
use nonos_types::Value;
use nonos_verify::Statement;
use nonos_verify_halo2::{Backend, Error, Layout, Witness};

use crate::runs::{module, params, statement};

struct Rows(tables::Witness);

impl Witness for Rows {
    fn row(&self, table: usize, row: usize, cells: &mut [u64]) {
        self.0.row(table, row, cells);
    }
}

const SUM: &str = r#"(module
  (import "nonos" "write" (func $write (param i32 i64)))
  (func (export "run") (param $n i32) (result i64) (local $s i64)
    (loop $l
      (local.set $s (i64.add (local.get $s) (i64.extend_i32_u (local.get $n))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $write (i32.const 3) (local.get $s))
    (local.get $s)))"#;

#[test]
fn no_proof_of_another_result_less_fuel_or_a_shorter_run_verifies() {
    let honest = statement(module(SUM), "run", &[Value::I32(9)], b"");
    let trace = honest
        .trace(&nonos_machine::Secret::default())
        .expect("it was run");
    let witness = || tables::witness(honest.program(), &trace);
    let backend = Backend::new(&tables::system(), params()).expect("the tables are sound");
    let rows: Vec<usize> = witness().tables.iter().map(tables::Rows::len).collect();
    let layout: Layout = backend
        .plan(&rows, &honest.public_side(), 14)
        .expect("it is small");
    let prove = |witness: tables::Witness, public: &Public| {
        backend
            .prove(&layout, &Rows(witness), public, &honest.bytes())
            .map(|_| ())
    };
    assert!(prove(witness(), &honest.public_side()).is_ok());

    // Only the binding of the last row stands against this one: a whole proof is made, and refused.
    let mut less_fuel = honest.public_side();
    less_fuel.last[1] -= 1;
    let verdict = prove(witness(), &less_fuel);
    assert!(matches!(verdict, Err(Error::Unsatisfied)), "{verdict:?}");

    let mut other_result = honest.public_side();
    let word = other_result
        .received
        .iter_mut()
        .find(|(bus, _)| *bus == Bus::Output)
        .expect("it wrote");
    word.1[3] ^= 1;
    let verdict = prove(witness(), &other_result);
    assert!(matches!(verdict, Err(Error::Unbalanced { .. })), "{verdict:?}");

    for dropped in 1..4 {
        let mut shorter = witness();
        let step = &mut shorter.tables[STEP];
        step.cells.truncate(step.cells.len() - dropped * step.width);
        assert!(
            prove(shorter, &honest.public_side()).is_err(),
            "{dropped} steps less"
        );
    }

    // The same sum of a wrong loop: one cell, consistent on its own row only.
    let mut wrong = witness();
    let width = wrong.tables[STEP].width;
    wrong.tables[STEP].cells[5 * width + 1] += 1;
    assert!(prove(wrong, &honest.public_side()).is_err(), "another pc");
}
