//! The provable machine gives the same runs: outcome, fuel, pages, tapes and memory.

use std::collections::BTreeMap;

use nonos_capsule::{Error, Inputs, Outputs, Run, Sandbox, Sealed};
use nonos_machine::{End, Limits, LowerError, Options, execute, lower};
use nonos_package::{Policy, instructions};
use nonos_state::MemoryTree;
use nonos_types::{Fuel, MemoryHash, Outcome, Pages, Value, ValueType};
use wasmparser::{Operator, Parser, Payload};

use crate::support::{hosted, i32, i64, policy, wasm};

mod edges;
/// The machine's own tests run the same modules in plain wasmi.
#[path = "../../../nonos-machine/tests/it/generate.rs"]
mod generate;
mod operators;

/// More than any run here takes.
const STEPS: u64 = 1 << 24;

/// What both say of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    outcome: Outcome,
    fuel_used: Fuel,
    peak_pages: Pages,
    outputs: Outputs,
    memory: MemoryHash,
}

fn in_machine(wasm: &[u8], policy: &Policy, args: &[Value], inputs: &Inputs) -> Ending {
    let options = Options {
        entry: &policy.entry,
        max_pages: policy.max_pages,
        hosts: policy.host,
    };
    let program = lower(wasm, &options).unwrap().program;
    let arguments: Vec<u64> = args.iter().map(|value| value.word()).collect();
    let sealed = inputs.sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes);
    let inputs = nonos_machine::Inputs {
        input: &inputs.input,
        sealed,
        inbound: &inputs.inbound,
        arguments: &arguments,
    };
    let limits = Limits {
        fuel: policy.fuel,
        steps: STEPS,
    };
    let run = execute(&program, &inputs, limits);
    let entry = instructions::check(wasm).unwrap().exports[&policy.entry].clone();
    let results = entry.signature.results;
    let mut memory = MemoryTree::new();
    memory.rehash(&run.memory).unwrap();
    let [result_tape, outbound, log] = run.outputs;
    Ending {
        outcome: match run.end {
            End::Return(words) => {
                assert_eq!(words.len(), results.len());
                let values = results.iter().zip(words);
                Outcome::Return(values.map(|(ty, word)| typed(*ty, word)).collect())
            }
            End::Exit(code) => Outcome::Exit(code),
            End::Trap(kind) => Outcome::Trap(kind),
            End::OutOfFuel => Outcome::OutOfFuel,
            End::TooManySteps => panic!("the run is longer than {STEPS} steps"),
        },
        fuel_used: run.fuel,
        peak_pages: run.pages,
        outputs: Outputs {
            result: result_tape,
            outbound,
            log,
        },
        memory: memory.root(),
    }
}

fn typed(ty: ValueType, word: u64) -> Value {
    match ty {
        ValueType::I32 => Value::I32(u32::try_from(word).unwrap()),
        ValueType::I64 => Value::I64(word),
    }
}

/// Runs in both, asserts that they agree, and gives the sandbox's run.
fn agree_on(wasm: &[u8], policy: &Policy, args: &[Value], inputs: &Inputs) -> Run {
    let run = Sandbox::new()
        .load_module(wasm, policy)
        .unwrap()
        .run(args, inputs)
        .unwrap();
    let ending = Ending {
        outcome: run.outcome.clone(),
        fuel_used: run.fuel_used,
        peak_pages: run.peak_pages,
        outputs: run.outputs.clone(),
        memory: run.memory,
    };
    let mut machine = in_machine(wasm, policy, args, inputs);
    // The machine pays for many bytes one word after the other: it may stop among them.
    if run.outcome == Outcome::OutOfFuel && writes_many_bytes(wasm) {
        machine.memory = run.memory;
    }
    assert_eq!(
        ending,
        machine,
        "{args:?}, budget {}, module {}",
        policy.fuel,
        wasm.escape_ascii()
    );
    run
}

fn writes_many_bytes(wasm: &[u8]) -> bool {
    let bodies = Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    let mut operators = bodies.flat_map(|body| body.get_operators_reader().unwrap());
    operators.any(|operator| {
        matches!(
            operator.unwrap(),
            Operator::MemoryCopy { .. } | Operator::MemoryFill { .. } | Operator::MemoryInit { .. }
        )
    })
}

/// [`agree_on`] for text, under [`policy`] and on [`tapes`].
fn agree(text: &str, args: &[Value]) -> Run {
    agree_on(&wasm(text), &policy(), args, &tapes())
}

fn tapes() -> Inputs {
    Inputs {
        input: b"nineteen bytes long".to_vec(),
        sealed: Some(Sealed {
            bytes: b"secret".to_vec(),
            salt: [7; 32],
        }),
        inbound: Vec::new(),
    }
}

fn budget(fuel: u64) -> Policy {
    Policy {
        fuel: Fuel::new(fuel),
        ..policy()
    }
}

#[test]
fn sample_capsules_agree_on_their_inputs() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../capsules");
    for name in ["sha256", "sieve"] {
        let wasm = std::fs::read(format!("{root}/{name}/capsule.wasm")).unwrap();
        let policy = Policy {
            entry: "main".to_owned(),
            ..policy()
        };
        let mut inputs = 0;
        for file in std::fs::read_dir(format!("{root}/{name}/inputs")).unwrap() {
            let input = std::fs::read(file.unwrap().path()).unwrap();
            let given = Inputs {
                input,
                ..Inputs::default()
            };
            let full = agree_on(&wasm, &policy, &[], &given);
            assert!(
                matches!(full.outcome, Outcome::Return(_) | Outcome::Exit(0)),
                "{:?}",
                full.outcome
            );
            assert!(!full.outputs.result.is_empty());
            for part in 0..40 {
                let fuel = full.fuel_used.get() * part / 40;
                agree_on(
                    &wasm,
                    &Policy {
                        fuel: Fuel::new(fuel),
                        ..policy.clone()
                    },
                    &[],
                    &given,
                );
            }
            inputs += 1;
        }
        assert!(inputs >= 2, "{name}");
    }
}

/// Runs with every budget up to more than is used.
fn agree_at_every_budget(text: &str, args: &[Value]) -> u64 {
    let wasm = wasm(text);
    let full = agree(text, args);
    for fuel in 0..full.fuel_used.get() + 3 {
        let run = agree_on(&wasm, &budget(fuel), args, &tapes());
        let covered = fuel >= full.fuel_used.get();
        assert_eq!(
            covered,
            run.outcome == full.outcome,
            "budget {fuel}: {:?}",
            run.outcome
        );
        assert_eq!(run.fuel_used.get(), fuel.min(full.fuel_used.get()));
    }
    full.fuel_used.get()
}

/// Programs that touch everything there is: with arguments and the fuel they use, which says that they ran.
const SMALL: &[(&str, i32)] = &[
    ("(param i32)", 0),
    ("(param i32) (local i64 i64 i32)", 0),
    (
        "(param i32) (loop (call $write (i32.const 3) (call $read (i32.const 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (call $commit (i32.const 3) (i64.const 19))",
        3,
    ),
    (
        "(param i32) (result i64) (local i64)
        (block (loop (br_if 1 (i32.eqz (local.get 0)))
            (if (i32.and (local.get 0) (i32.const 1)) (then (local.set 1 (i64.add (local.get 1) (i64.const 5))))
                (else (i64.store (i32.shl (local.get 0) (i32.const 3)) (local.get 1))))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))
        (local.get 1)",
        7,
    ),
    (
        "(param i32) (result i32) (drop (memory.grow (i32.const 1))) (i32.store (i32.const 70000) (local.get 0))
        (if (local.get 0) (then (drop (memory.grow (i32.const 14))))) (i32.store8 offset=3 (i32.const 9) (memory.size))
        (i32.load16_u (i32.const 11))",
        1,
    ),
    (
        "(param i32) (call $checkpoint) (call $write (i32.const 5) (i64.const 1)) (if (local.get 0) (then (call $exit (local.get 0))))
        (call $checkpoint)",
        -9,
    ),
    (
        "(param i32) (call $write (i32.const 4) (i64.const 8)) (block (br_if 0 (i32.eqz (local.get 0)))
            (i64.store (i32.const 65529) (i64.const 1))) (call $write (i32.const 4) (i64.const 9))",
        1,
    ),
    (
        "(param i32) (result i32) (if (result i32) (i32.le_s (local.get 0) (i32.const 1)) (then (i32.const 1))
            (else (i32.add (call $run (i32.sub (local.get 0) (i32.const 1))) (call $run (i32.sub (local.get 0) (i32.const 2))))))",
        5,
    ),
];

#[test]
fn every_budget_ends_where_the_machine_ends() {
    let mut most = 0;
    for (body, arg) in SMALL {
        let text = hosted(body).replace("(func (export", "(func $run (export");
        most = most.max(agree_at_every_budget(&text, &[i32(*arg)]));
    }
    assert!(most > 1024);
    // A block that costs more than one instruction of the machine can charge.
    let long = format!("(result i32) i32.const 1 {}", "i32.const 3 i32.mul ".repeat(300));
    let text = hosted(&format!(
        "(drop (memory.grow (i32.const 1)))) (func (export \"other\") {long}"
    ));
    let policy = |fuel| Policy {
        entry: "other".to_owned(),
        ..budget(fuel)
    };
    for fuel in [
        0, 1, 64, 253, 254, 255, 256, 508, 509, 510, 511, 765, 900, 901, 902,
    ] {
        let run = agree_on(&wasm(&text), &policy(fuel), &[], &tapes());
        assert_eq!(run.outcome == Outcome::OutOfFuel, fuel < 901, "{fuel}");
    }
}

/// Fuel comes in slices where checkpoints are due; the machine knows of none.
#[test]
fn checkpoints_do_not_show() {
    let text = "(module (global $g (mut i64) (i64.const 3)) (func $run (export \"run\") (param i32) (result i32)
        (global.set $g (i64.mul (global.get $g) (i64.const 3)))
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0)) (else
            (i32.add (call $run (i32.sub (local.get 0) (i32.const 1))) (call $run (i32.sub (local.get 0) (i32.const 2))))))))";
    let wasm = wasm(text);
    let used = agree(text, &[i32(6)]).fuel_used.get();
    for every in [1, 2, 7, 100] {
        for fuel in 0..used + 2 {
            let policy = Policy {
                checkpoint_every: Some(Fuel::new(every)),
                ..budget(fuel)
            };
            let run = agree_on(&wasm, &policy, &[i32(6)], &tapes());
            assert_eq!(
                run.outcome == Outcome::Return(vec![i32(8)]),
                fuel >= used,
                "{every} {fuel}"
            );
        }
    }
}

#[test]
fn modules_are_refused_by_both() {
    let load = |text: &str, policy: &Policy| {
        let wasm = wasm(text);
        let options = Options {
            entry: &policy.entry,
            max_pages: policy.max_pages,
            hosts: policy.host,
        };
        (
            Sandbox::new().load_module(&wasm, policy).unwrap_err(),
            lower(&wasm, &options).unwrap_err(),
        )
    };
    use nonos_package::Error as Package;
    let both = load("(module (memory 17) (func (export \"run\")))", &policy());
    let (Error::Refused(Package::MemoryTooLarge { .. }), LowerError::Memory { .. }) = both else {
        panic!("{both:?}")
    };
    let both = load("(module (func (export \"walk\")))", &policy());
    let (Error::Refused(Package::NoEntry { .. }), LowerError::NoEntry { .. }) = both else {
        panic!("{both:?}")
    };
    let both = load(
        "(module (import \"nonos\" \"checkpoint\" (func)) (export \"run\" (func 0)))",
        &policy(),
    );
    let (Error::EntryIsImported { .. }, LowerError::ImportedEntry { .. }) = both else {
        panic!("{both:?}")
    };
    // A block that costs more than a charge can be.
    load(
        &format!(
            "(module (func (export \"run\") {}))",
            "i32.const 1 drop ".repeat(65_536)
        ),
        &policy(),
    );
    for body in ["(drop (f32.const 1))", "(drop (i8x16.splat (i32.const 1)))"] {
        let both = load(&format!("(module (func (export \"run\") {body}))"), &policy());
        let (Error::Refused(_), LowerError::Module(instructions::Error::Opcode { .. })) = both else {
            panic!("{both:?}")
        };
    }
}

/// Random modules, most of them run again with less fuel.
#[test]
fn random_modules_agree() {
    let mut ends = BTreeMap::<&str, u32>::new();
    // The generator masks conditions for the sake of plain wasmi.
    let masked = "i32.const 1 i32.and select";
    let mut selects = 0;
    for seed in 0..700 {
        let text = match seed % 2 {
            0 => generate::module(seed),
            _ => generate::rich(seed),
        };
        selects += text.matches(masked).count();
        let condition = [
            "select",
            "i32.eqz select",
            "i32.const 0 i32.ne select",
            "i32.const 0 i32.gt_s select",
        ];
        let wasm = wasm(&text.replace(masked, condition[seed as usize % condition.len()]));
        for args in [
            [i32(0), i64(0)],
            [
                i32(seed as i32),
                i64(seed.wrapping_mul(0x1234_5678_9abc_def1) as i64),
            ],
        ] {
            let full = agree_on(&wasm, &budget(500_000), &args, &tapes());
            let used = full.fuel_used.get();
            for part in [1, 3, 7] {
                agree_on(&wasm, &budget(used * part / 8), &args, &tapes());
            }
            let end = match full.outcome {
                Outcome::Return(_) => "return",
                Outcome::Trap(_) => "trap",
                _ => "other",
            };
            *ends.entry(end).or_default() += 1;
        }
    }
    assert!(
        ends["return"] > 500 && ends["trap"] > 20 && selects > 500,
        "{ends:?} {selects}"
    );
}
