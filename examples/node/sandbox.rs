//! Runs a capsule in the sandbox: what it may, what it costs, how it can end, and that it ends so every time.
//!
//! `cargo run -p nonos-examples-node --example sandbox`
//!
//! This is the interpreter in one's own process. A node runs capsules of strangers in a process of its own that has given
//! up everything: that is `nonos-worker`.

use std::error::Error;

use ed25519_dalek::SigningKey;
use nonos_capsule::{Inputs, Run, Sandbox};
use nonos_package::{Package, builder};

/// Divides 1,000 by each number of its input in turn, and writes what comes of it.
const DIVIDE: &str = r#"(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "checkpoint" (func $checkpoint))
  (func (export "run") (local $left i64)
    (local.set $left (i64.div_u (call $len (i32.const 0)) (i64.const 8)))
    (block $done (loop $next
      (br_if $done (i64.eqz (local.get $left)))
      (call $write (i32.const 3) (i64.div_u (i64.const 1000) (call $read (i32.const 0))))
      (call $checkpoint)
      (local.set $left (i64.sub (local.get $left) (i64.const 1)))
      (br $next)))))"#;

const MANIFEST: &str = r#"
[meta]
name = "divide"
version = "1.0.0"
author = "an example"
[exec]
entry = "run"
[resources]
fuel = 10000
mem = "64KiB"
[host]
calls = ["len", "read", "write", "checkpoint"]
"#;

fn package() -> Result<Package, Box<dyn Error>> {
    let author = SigningKey::from_bytes(&[1; 32]);
    Ok(builder::pack(&wat::parse_str(DIVIDE)?, MANIFEST, &author)?)
}

fn run(package: &Package, numbers: &[u64]) -> Result<Run, Box<dyn Error>> {
    let inputs = Inputs {
        input: numbers.iter().flat_map(|it| it.to_le_bytes()).collect(),
        ..Inputs::default()
    };
    Ok(Sandbox::new().load(package)?.run(&[], &inputs)?)
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let package = package()?;
    let many = [1; 100];
    for numbers in [&[4, 5, 8][..], &[4, 0, 8], &many] {
        let run = run(&package, numbers)?;
        println!(
            "{} numbers: {}, {} fuel, {} host calls, wrote {} numbers\n  checkpoints {}\n  host calls  {}",
            numbers.len(),
            run.outcome,
            run.fuel_used,
            run.host_calls,
            run.outputs.result.len() / 8,
            run.checkpoints.root(),
            run.audit_root,
        );
    }
    Ok(())
}

#[test]
fn a_run_ends_one_way_every_time() {
    use nonos_types::Outcome;

    let package = package().expect("a capsule");
    let again = |numbers: &[u64]| {
        let runs = [(); 2].map(|()| run(&package, numbers).expect("a run"));
        assert_eq!(runs[0], runs[1]);
        runs[0].clone()
    };
    let good = again(&[4, 5, 8]);
    assert_eq!(good.outcome, Outcome::Return(vec![]));
    let written: Vec<u8> = [250_u64, 200, 125]
        .into_iter()
        .flat_map(u64::to_le_bytes)
        .collect();
    assert_eq!(good.outputs.result, written);

    let trapped = again(&[4, 0, 8]);
    assert!(
        matches!(trapped.outcome, Outcome::Trap(_)),
        "{:?}",
        trapped.outcome
    );
    assert_eq!(trapped.outputs.result, 250_u64.to_le_bytes());

    let exhausted = again(&[1; 100]);
    assert_eq!(exhausted.outcome, Outcome::OutOfFuel);
    assert_eq!(exhausted.fuel_used, package.policy().fuel);

    // Another input is another run, and the chain of host calls says so.
    assert_ne!(again(&[4, 5, 10]).audit_root, good.audit_root);
}
