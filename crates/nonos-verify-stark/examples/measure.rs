//! Measures proving and verifying of sample runs:
//! `cargo run --release -p nonos-verify-stark --example measure [fast|small|strong|plan] [sha BYTES|sealed BYTES|fib NUMBER] [STEPS A SEGMENT]`.
//! With `sealed`, the outputs of SHA-256 are sealed, so that the proof hides.

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

/// Processor time of this process in seconds, in hundredths (Linux).
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time are fields 14 and 15; two of them are before the closing bracket.
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it measures time, and its output is its purpose"
)]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |i: usize| arguments.get(i).map_or("", String::as_str);
    let profile = match word(0) {
        "small" => Profile::Small,
        "strong" => Profile::Strong,
        _ => Profile::Fast,
    };
    let sha: &[u8] = include_bytes!("../../../capsules/sha256/capsule.wasm");
    let capsule = || nonos_machine::Subject::Module(sha.into());
    let sha = |len: usize| {
        let secret = match word(1) {
            "sealed" => Secret {
                input: None,
                ..runs::secret(0, true)
            },
            _ => Secret::default(),
        };
        let input = vec![0x61; len];
        let statement = runs::sealed_statement(capsule(), "main", &[], &input, &secret);
        (statement, secret)
    };
    let (statement, secret) = match word(1) {
        "fib" => {
            let n = word(2).parse().unwrap_or(1000);
            let statement = runs::statement(runs::module(FIB), "run", &[Value::I64(n)], b"");
            (statement, Secret::default())
        }
        _ => sha(word(2).parse().unwrap_or(64)),
    };
    let stark = Stark::new(profile).with_segments(word(3).parse().unwrap_or(Stark::MAX_STEPS));
    let steps = statement.repeat(&secret).map_or(0, |run| run.steps);
    let fuel = statement.record().proven.fuel_used.get();
    // Asked for apart from a measurement: the plan's own memory would be in the peak.
    if word(0) == "plan" {
        let trace = statement.trace(&Secret::default()).expect("a true statement");
        let witness = nonos_machine::tables::witness(statement.program(), &trace);
        for profile in Profile::ALL {
            let estimate = stark
                .estimate(profile, &statement.public_side(), &witness)
                .expect("public data of the machine");
            println!(
                "{profile:?} {}: {steps} steps, {} cells, planned {:.2} CPU s, {} bytes, {} MiB",
                word(1),
                estimate.cells,
                estimate.cpu_seconds,
                estimate.proof_bytes,
                estimate.memory.div_ceil(1 << 20),
            );
        }
        return;
    }
    let mut seeds = runs::seeds();
    let before = processor();
    let started = Instant::now();
    let mut proving = Proving::new(&mut seeds);
    let proof = stark
        .prove(&statement, &secret, &mut proving)
        .expect("a true statement");
    let seconds = started.elapsed().as_secs_f64();
    let cpu = processor() - before;
    let started = Instant::now();
    let verdict = stark.verify(&statement, &proof);
    let verified = started.elapsed().as_secs_f64();
    println!(
        "{profile:?} {}: {steps} steps, {fuel} fuel, {seconds:.2} s ({cpu:.2} CPU s) = {:.0} steps/s = {:.0} fuel/s, {} bytes, verified ({}) in {:.1} ms, {} MB",
        [word(1), word(2), word(3)].join(" "),
        steps as f64 / seconds,
        fuel as f64 / seconds,
        proof.len(),
        verdict.is_ok(),
        verified * 1e3,
        memory(),
    );
}
