//! Every operator of the instruction set and every outcome, really proved and verified.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use nonos_machine::{ExecutionStatement, Inputs, Limits, Options, Subject, execute, lower};
use nonos_package::{builder, fuel, instructions};
use nonos_types::{Fuel, Outcome, TrapKind, Value};
use nonos_verify::ProofSystem;
use wasm_encoder::{
    CodeSection, Instruction,
    reencode::{Error, Reencode},
};
use wasmparser::{BinaryReader, FunctionBody, Operator, Parser, Payload};

use crate::runs::{BACKEND, prove, statement};

mod text;

/// What the entry is told to do: everything, a trap by its code, spend all fuel, or exit.
const EVERYTHING: u32 = 0;
const SPEND: u32 = 11;
const EXIT: u32 = 12;

const MANIFEST: &str = r#"requires_poi = false
[meta]
name = "operators"
version = "1.0.0"
author = "tests"
[exec]
entry = "run"
[resources]
fuel = 2500
mem = "256KiB"
net = "none"
[host]
calls = ["len", "read", "write", "commit_len", "exit"]
"#;

fn run(what: u32) -> ExecutionStatement {
    let wasm = wat::parse_str(text::module()).expect("valid text");
    let key = SigningKey::from_bytes(&[7; 32]);
    let package = builder::pack(&wasm, MANIFEST, &key).expect("a capsule");
    let subject = Subject::Capsule(Box::new(package));
    statement(subject, "run", &[Value::I32(what)], b"an input tape")
}

fn outcome(statement: &ExecutionStatement) -> &Outcome {
    &statement.record().proven.outcome
}

#[test]
fn a_run_of_every_operator_is_proved() {
    let honest = run(EVERYTHING);
    let Outcome::Return(values) = outcome(&honest) else {
        panic!("it ended with {}", outcome(&honest));
    };
    assert_eq!(values.len(), 2);
    let proof = prove(&honest);
    assert_eq!(BACKEND.verify(&honest, &proof).map(drop), Ok(()));
}

/// Proves runs, and sees each proof accepted for its own run and refused for the next.
fn prove_each(whats: &[u32], expected: impl Fn(u32) -> Outcome) {
    let runs: Vec<_> = whats.iter().map(|what| run(*what)).collect();
    for (run, what) in runs.iter().zip(whats) {
        assert_eq!(*outcome(run), expected(*what));
    }
    let proofs: Vec<_> = runs.iter().map(prove).collect();
    let own = runs.iter().zip(&proofs);
    let other = runs.iter().cycle().skip(1).zip(&proofs);
    let claims: Vec<_> = own.chain(other).map(|(run, proof)| (run, &proof[..])).collect();
    let verdicts = BACKEND.verify_batch(&claims);
    let accepted: Vec<bool> = verdicts.iter().map(Result::is_ok).collect();
    let count = runs.len();
    assert_eq!(
        accepted,
        [vec![true; count], vec![false; count]].concat(),
        "{verdicts:?}"
    );
}

fn trap(code: u32) -> Outcome {
    let code = u8::try_from(code).ok().and_then(TrapKind::from_code);
    Outcome::Trap(code.expect("a trap's code"))
}

#[test]
fn traps_of_numbers_and_memory_are_proved() {
    prove_each(&[1, 2, 3, 4], trap);
}

#[test]
fn traps_of_tables_and_indirect_calls_are_proved() {
    prove_each(&[5, 6, 7], trap);
}

#[test]
fn traps_of_calls_are_proved() {
    prove_each(&[8, 9, 10], trap);
    assert_eq!(TrapKind::ALL.len(), 10, "a kind that is not proved here");
}

#[test]
fn exhaustion_and_exit_are_proved() {
    prove_each(&[SPEND, EXIT], |what| match what {
        SPEND => Outcome::OutOfFuel,
        _ => Outcome::Exit(41),
    });
}

/// The names of all operators that have a price, by trying every code.
fn priced() -> BTreeSet<String> {
    let plain = (0..=0xff_u8).map(|code| vec![code]);
    let prefixed = (0..=0xff_u8).map(|code| vec![0xfc, code & 0x7f | 0x80, code >> 7]);
    let mut names = BTreeSet::new();
    for code in plain.chain(prefixed) {
        // Operands: zeros, or a number type, or a heap type.
        for operands in [&[0; 8][..], &[1, 0x7f], &[0x70]] {
            let bytes = [&code, operands].concat();
            if let Ok(operator) = BinaryReader::new(&bytes, 0).read_operator()
                && fuel::cost(&operator, &[]).is_some()
            {
                names.insert(instructions::opcode(&operator));
            }
        }
    }
    names
}

fn bodies(wasm: &[u8]) -> Vec<FunctionBody<'_>> {
    let payloads = Parser::new(0).parse_all(wasm);
    let bodies = payloads.filter_map(|payload| match payload.expect("a valid module") {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    bodies.collect()
}

#[test]
fn the_module_has_every_operator_and_runs_every_block() {
    let wasm = wat::parse_str(text::module()).expect("valid text");
    let imports = instructions::check(&wasm).expect("a capsule's module").imports;
    let mut names = BTreeSet::new();
    let mut blocks = Vec::new();
    for (place, body) in bodies(&wasm).iter().enumerate() {
        let operators = body.get_operators_reader().expect("a body").into_iter();
        let operators: Vec<Operator<'_>> = operators.collect::<Result<_, _>>().expect("a body");
        names.extend(operators.iter().map(instructions::opcode));
        let charges = fuel::charges(body, &imports).expect("priced");
        blocks.extend(charges.iter().map(|charge| (place, charge.op_index)));
        // What can never run has no block, so that it would pass for something that runs.
        let prices = operators
            .iter()
            .filter_map(|operator| fuel::cost(operator, &imports));
        let locals = body.get_locals_reader().expect("a body").into_iter();
        let locals: u32 = locals.map(|group| group.expect("a body").0).sum();
        let all: u32 = prices.map(u32::from).sum::<u32>() + locals;
        let paid: u32 = charges.iter().map(|charge| u32::from(charge.cost)).sum();
        assert_eq!(paid, all, "function {place} has dead code");
    }
    let priced = priced();
    assert!(priced.len() > 120, "{}", priced.len());
    assert_eq!(
        priced.difference(&names).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );

    let ends = ends(&wasm);
    for block in blocks {
        assert_ne!(
            ends,
            self::ends(&blocked(&wasm, block)),
            "{block:?} is never entered"
        );
    }
}

/// How the runs end that are proved.
fn ends(wasm: &[u8]) -> Vec<nonos_machine::End> {
    let policy = run_policy();
    let options = Options {
        entry: "run",
        max_pages: policy.max_pages,
        hosts: policy.host,
    };
    let program = lower(wasm, &options).expect("a capsule's module").program;
    let end = |what: u32| {
        let inputs = Inputs {
            input: b"an input tape",
            arguments: &[u64::from(what)],
            ..Inputs::default()
        };
        let limits = Limits {
            fuel: policy.fuel,
            steps: 1 << 20,
        };
        execute(&program, &inputs, limits).end
    };
    (EVERYTHING..=EXIT).map(end).collect()
}

fn run_policy() -> nonos_package::Policy {
    let wasm = wat::parse_str(text::module()).expect("valid text");
    let package = builder::pack(&wasm, MANIFEST, &SigningKey::from_bytes(&[7; 32]));
    let policy = package.expect("a capsule").policy().clone();
    assert!(policy.fuel < Fuel::new(1 << 12));
    policy
}

/// The module, with `unreachable` where a block begins.
fn blocked(wasm: &[u8], (place, index): (usize, u32)) -> Vec<u8> {
    struct Block {
        place: usize,
        index: u32,
    }
    impl Reencode for Block {
        type Error = std::convert::Infallible;

        fn parse_function_body(
            &mut self,
            code: &mut CodeSection,
            body: FunctionBody<'_>,
        ) -> Result<(), Error> {
            let is_here = code.len() as usize == self.place;
            let mut function = self.new_function_with_parsed_locals(&body)?;
            let mut operators = body.get_operators_reader()?;
            let mut index = 0;
            while !operators.eof() {
                if is_here && index == self.index {
                    function.instruction(&Instruction::Unreachable);
                }
                function.instruction(&self.parse_instruction(&mut operators)?);
                index += 1;
            }
            code.function(&function);
            Ok(())
        }
    }
    let mut module = wasm_encoder::Module::new();
    let parsed = Block { place, index }.parse_core_module(&mut module, Parser::new(0), wasm);
    parsed.expect("a valid module");
    module.finish()
}
