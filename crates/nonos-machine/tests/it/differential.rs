//! Random modules: the machine and wasmi agree on outcome, fuel, memory and outputs.

use std::collections::BTreeMap;

use nonos_machine::{End, Inputs};

use crate::{
    constrained::in_constraints,
    generate,
    reference::{Ending, in_machine, in_wasmi},
};

/// Fuel beyond which a module is not tried.
const FUEL: u64 = 1_000_000;

#[test]
fn agrees_with_the_interpreter_on_random_modules() {
    let mut ends = BTreeMap::<&str, u32>::new();
    for seed in 0..1500 {
        let wat = generate::module(seed);
        let wasm = wat::parse_str(&wat).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{wat}"));
        for arguments in [
            [0, 0],
            [seed & 0xffff_ffff, seed.wrapping_mul(0x1234_5678_9abc_def1)],
        ] {
            let inputs = Inputs {
                input: b"some input",
                sealed: b"secret",
                inbound: b"",
                arguments: &arguments,
            };
            let run = in_machine(&wasm, &inputs, FUEL);
            let name = match run.end {
                End::Return(_) => "return",
                End::Trap(_) => "trap",
                _ => "other",
            };
            *ends.entry(name).or_default() += 1;
            if run.end != End::OutOfFuel {
                assert!(
                    Ending::from(run) == in_wasmi(&wasm, &inputs),
                    "seed {seed}, {arguments:?}\n{wat}"
                );
            }
        }
    }
    // The modules are not all alike.
    assert!(ends["return"] > 1000 && ends["trap"] > 40, "{ends:?}");
}

#[test]
fn keeps_random_modules_within_the_constraints() {
    for seed in 0..60 {
        // What is read of the sealed tape is another test's.
        let wat = generate::rich(seed).replace("i32.const 1 call $read", "i32.const 2 call $read");
        in_constraints(&wat, &[seed, seed << 40], FUEL);
    }
}
