//! Measures proving and verifying of sample runs:
//! `cargo run --release -p nonos-verify-stark --example measure [fast|small] [sha64|sha1k|fib NUMBER]`.

use std::time::Instant;

use nonos_machine::Secret;
use nonos_types::Value;
use nonos_verify::{ProofSystem, Proving};
use nonos_verify_stark::{Profile, Stark};

#[expect(dead_code, reason = "shared with the tests")]
#[path = "../tests/it/runs.rs"]
mod runs;

const FIB: &str = r#"(module (func (export "run") (param $n i64) (result i64) (local $a i64) (local $b i64) (local $t i64)
  (local.set $b (i64.const 1))
  (loop $l
    (local.set $t (i64.add (local.get $a) (local.get $b)))
    (local.set $a (local.get $b))
    (local.set $b (local.get $t))
    (br_if $l (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
  (local.get $a)))"#;

fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|kb| kb.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures time, and its output is its purpose"
)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |i: usize| arguments.get(i).map_or("", String::as_str);
    let profile = if word(0) == "small" {
        Profile::Small
    } else {
        Profile::Fast
    };
    let sha: &[u8] = include_bytes!("../../../capsules/sha256/capsule.wasm");
    let capsule = || nonos_machine::Subject::Module(sha.into());
    let statement = match word(1) {
        "fib" => {
            let n = word(2).parse().unwrap_or(1000);
            runs::statement(runs::module(FIB), "run", &[Value::I64(n)], b"")
        }
        "sha1k" => runs::statement(capsule(), "main", &[], &[0x61; 1024]),
        _ => runs::statement(capsule(), "main", &[], &[0x61; 64]),
    };
    let stark = Stark::new(profile);
    let steps = statement
        .trace(&Secret::default())
        .map_or(0, |trace| trace.steps.len());
    let fuel = statement.record().proven.fuel_used.get();
    let mut seeds = runs::seeds();
    let started = Instant::now();
    let mut proving = Proving::new(&mut seeds);
    let proof = stark
        .prove(&statement, &Secret::default(), &mut proving)
        .expect("a true statement");
    let seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let verdict = stark.verify(&statement, &proof);
    let verified = started.elapsed().as_secs_f64();
    println!(
        "{profile:?} {}: {steps} steps, {fuel} fuel, {seconds:.2} s = {:.0} steps/s = {:.0} fuel/s, {} bytes, verified ({}) in {:.1} ms, {} MB",
        word(1),
        steps as f64 / seconds,
        fuel as f64 / seconds,
        proof.len(),
        verdict.is_ok(),
        verified * 1e3,
        memory(),
    );
    for (part, bytes) in stark.parts(&statement, &proof).expect("a proof") {
        println!("{bytes:>8} {part}");
    }
}
