//! Random modules of the instruction set, by wasm-smith, run in the sandbox and in the machine.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use nonos_capsule::{Inputs, Sandbox};
use nonos_package::instructions;
use nonos_types::{Outcome, TrapKind, Value, ValueType};
use wasm_smith::{Config, Module};

use crate::ways::{Ending, Loaded, policy};

/// Fuel of the runs: many of the modules would not end by themselves.
const FUEL: u64 = 3_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.next());
        words.take(count.div_ceil(8)).flat_map(u64::to_le_bytes).collect()
    }
}

/// Modules in the instruction set, mostly: limits and segments outside of their place are left to chance.
fn config() -> Config {
    Config {
        allow_floats: false,
        simd_enabled: false,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        shared_everything_threads_enabled: false,
        custom_page_sizes_enabled: false,
        wide_arithmetic_enabled: false,
        extended_const_enabled: false,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        tail_call_enabled: true,
        sign_extension_ops_enabled: true,
        saturating_float_to_int_enabled: false,
        max_memories: 1,
        max_memory32_bytes: 16 << 16,
        max_tables: 3,
        max_table_elements: 40,
        max_imports: 0,
        min_funcs: 2,
        max_funcs: 8,
        min_exports: 2,
        max_instructions: 300,
        export_everything: true,
        generate_custom_sections: false,
        ..Config::default()
    }
}

/// A module for a seed, half of them with host calls, and a number to go on from.
fn module(seed: u64) -> (Vec<u8>, Random) {
    let mut random = Random(seed);
    let size = 400 + (random.next() % 3_000) as usize;
    let bytes = random.bytes(size);
    let mut config = config();
    if seed % 2 == 1 {
        config.available_imports = Some(wat::parse_str(HOST).unwrap());
        config.max_imports = 6;
    }
    let module = Module::new(config, &mut Unstructured::new(&bytes)).unwrap();
    (module.to_bytes(), random)
}

const HOST: &str = r#"(module
    (import "nonos" "len" (func (param i32) (result i64)))
    (import "nonos" "read" (func (param i32) (result i64)))
    (import "nonos" "write" (func (param i32 i64)))
    (import "nonos" "commit_len" (func (param i32 i64)))
    (import "nonos" "checkpoint" (func))
    (import "nonos" "exit" (func (param i32))))"#;

fn inputs() -> Inputs {
    Inputs {
        input: b"nineteen bytes long".to_vec(),
        sealed: None,
        inbound: b"a message".to_vec(),
    }
}

/// What came of modules and runs, by name.
type Tally = BTreeMap<&'static str, u32>;

/// Runs every export of the seeds' modules, each with all fuel and with a part; every `constrained`-th module
/// also through the constraints.
fn agree(seeds: std::ops::Range<u64>, constrained: u64) -> Tally {
    let sandbox = Sandbox::new();
    let mut tally = Tally::new();
    let mut count = |name| *tally.entry(name).or_default() += 1;
    for seed in seeds {
        let (wasm, mut random) = module(seed);
        let exports = match instructions::check(&wasm) {
            Ok(checked) => checked.exports,
            Err(_) => {
                count("refused");
                continue;
            }
        };
        count("modules");
        for (entry, export) in exports {
            let args: Vec<Value> = export
                .signature
                .params
                .iter()
                .map(|ty| match ty {
                    ValueType::I32 => Value::I32(random.next() as u32 >> (random.next() % 32)),
                    ValueType::I64 => Value::I64(random.next() >> (random.next() % 64)),
                })
                .collect();
            let run = |fuel: u64, is_checked: bool| {
                let loaded = match Loaded::new(&sandbox, &wasm, policy(&entry, fuel)) {
                    Err(error) if error.contains("imported") => return None,
                    loaded => loaded,
                };
                let ending = loaded.and_then(|loaded| {
                    let ending = loaded.run(&args, &inputs())?;
                    if is_checked {
                        loaded.check(&args, &inputs(), &ending)?;
                    }
                    Ok(ending)
                });
                Some(ending.unwrap_or_else(|difference| {
                    let text = wasm.escape_ascii();
                    panic!("seed {seed}, {entry:?}, fuel {fuel}, {args:?}: {difference}\n{text}")
                }))
            };
            let is_checked = seed % constrained == 0;
            let Some(ending) = run(FUEL, is_checked) else {
                continue;
            };
            count(name(&ending));
            let part = random.next() % (ending.fuel.get() + 1);
            run(part, is_checked);
        }
    }
    tally
}

fn name(ending: &Ending) -> &'static str {
    match &ending.outcome {
        Outcome::Return(_) => "return",
        Outcome::Exit(_) => "exit",
        Outcome::Trap(kind) => kind.name(),
        Outcome::OutOfFuel => "out of fuel",
    }
}

#[test]
fn random_modules_agree() {
    let tally = agree(0..400, 10);
    // The modules are not all alike.
    assert!(tally["modules"] > 200 && tally["return"] > 200, "{tally:?}");
    for kind in ["unreachable", "memory-out-of-bounds", "out of fuel"] {
        assert!(tally.get(kind) > Some(&20), "{kind}: {tally:?}");
    }
}

#[test]
fn heavy_random_modules_agree() {
    let tally = agree(0..100_000, 10);
    // The policy forbids no host call, and the least number is seldom divided by −1.
    let absent = [TrapKind::ForbiddenHostCall, TrapKind::IntegerOverflow];
    for kind in TrapKind::ALL {
        assert!(
            absent.contains(kind) || tally.contains_key(kind.name()),
            "{kind}: {tally:?}"
        );
    }
}
