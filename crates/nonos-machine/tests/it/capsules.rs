//! The sample capsules, which a real compiler made.

use nonos_machine::{End, Inputs, Limits, Options, execute_traced, lower};
use nonos_package::HostSet;
use nonos_types::{Fuel, Pages};
use sha2::{Digest, Sha256};

use crate::reference::operators;

fn run(wasm: &[u8], input: &[u8]) -> nonos_machine::Run {
    let options = Options {
        entry: "main",
        max_pages: Pages::new(16),
        hosts: HostSet::ALL,
    };
    let program = lower(wasm, &options).unwrap().program;
    let inputs = Inputs {
        input,
        ..Inputs::default()
    };
    let (run, trace) = execute_traced(
        &program,
        &inputs,
        Limits {
            fuel: Fuel::new(1 << 30),
            steps: 1 << 24,
        },
    );
    assert!(trace.is_some());
    run
}

#[test]
fn hashes_like_sha_256() {
    let wasm = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    for length in [0, 1, 55, 56, 64, 119, 1024] {
        let input: Vec<u8> = (0..length).map(|i: u32| (i * 7 + 3) as u8).collect();
        let run = run(wasm, &input);
        assert!(matches!(run.end, End::Return(_) | End::Exit(0)), "{:?}", run.end);
        assert_eq!(run.outputs[0], Sha256::digest(&input).as_slice());
    }
}

#[test]
fn takes_fewer_steps_than_the_capsules_have_operators() {
    let sha256: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    let sieve: &[u8] = include_bytes!("../../../../capsules/sieve/capsule.wasm");
    for (wasm, input, most) in [
        (sha256, vec![7; 1024], 60),
        (sieve, 1000u64.to_le_bytes().to_vec(), 60),
    ] {
        let steps = run(wasm, &input).steps;
        let operators = operators(
            wasm,
            "main",
            &Inputs {
                input: &input,
                ..Inputs::default()
            },
        );
        assert!(
            steps * 100 < operators * most,
            "{steps} steps, {operators} operators"
        );
    }
}
