//! What is planned, beside what is made.

use nonos_machine::{Secret, tables};
use nonos_verify::{ProofSystem, Proving};
use nonos_verify_stark::{Profile, Stark};

use crate::runs;

/// Adds up the numbers from `n` down, and stores the sums on the way.
const COUNT_DOWN: &str = r#"(module (memory 1) (func (export "run") (param $n i32) (result i32) (local $sum i32)
  (loop $l
    (i32.store (i32.shl (local.get $n) (i32.const 2)) (local.get $sum))
    (local.set $sum (i32.add (local.get $sum) (local.get $n)))
    (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $sum)))"#;

#[test]
fn the_length_of_a_proof_is_planned_within_five_per_cent() {
    for (profile, n) in [(Profile::Fast, 10), (Profile::Small, 10), (Profile::Fast, 300)] {
        let arguments = [nonos_types::Value::I32(n)];
        let statement = runs::statement(runs::module(COUNT_DOWN), "run", &arguments, b"");
        let trace = statement.trace(&Secret::default()).expect("a true statement");
        let witness = tables::witness(statement.program(), &trace);
        let stark = Stark::new(profile);
        let estimate = stark
            .estimate(profile, &statement.public_side(), &witness)
            .expect("the machine's public data");
        assert_eq!(estimate.rows[tables::STEP], ("STEP", trace.steps.len()));
        let mut seeds = runs::seeds();
        let proof = stark
            .prove(&statement, &Secret::default(), &mut Proving::new(&mut seeds))
            .expect("a true statement");
        let (planned, made) = (estimate.proof_bytes, proof.len());
        assert!(
            planned.abs_diff(made) <= made / 20,
            "{planned} planned, {made} made"
        );
    }
}
