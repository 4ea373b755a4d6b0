use nonos_capsule::{Inputs, Sealed};
use nonos_package::Policy;
use nonos_types::{Fault, Fuel, Outcome, Pages, TrapKind, Value};
use nonos_worker::{Error, Job, Runner};

use crate::support::{policy, wasm, worker};

/// Runs in a worker and here: both say the same, to the last bit.
fn both(text: &str, policy: &Policy, arguments: &[Value], inputs: &Inputs) -> nonos_capsule::Run {
    let module = wasm(text);
    let job = Job {
        module: &module,
        policy,
        arguments,
        inputs,
    };
    let (here, none) = Runner::InProcess.run(&job).expect("it runs here");
    let (there, some) = Runner::Process(worker("")).run(&job).expect("it runs there");
    assert_eq!(here, there);
    assert!(none.is_none() && some.is_some());
    there
}

const COPY: &str = r#"(module
    (import "nonos" "len" (func $len (param i32) (result i64)))
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (import "nonos" "checkpoint" (func $checkpoint))
    (memory 1 4)
    (func (export "main") (param i32 i64) (result i64)
        (local $at i64)
        (drop (memory.grow (i32.const 2)))
        (i64.store (i32.const 8) (local.get 1))
        (block (loop
            (br_if 1 (i64.ge_u (local.get $at) (call $len (local.get 0))))
            (call $write (i32.const 3) (call $read (local.get 0)))
            (call $write (i32.const 5) (call $read (i32.const 0)))
            (local.set $at (i64.add (local.get $at) (i64.const 8)))
            (br 0)))
        (call $checkpoint)
        (call $write (i32.const 4) (i64.const -1))
        (i64.mul (local.get 1) (i64.const 3))))"#;

#[test]
fn a_run_with_everything_is_the_same_in_a_worker() {
    let inputs = Inputs {
        input: (0..200).collect(),
        sealed: Some(Sealed {
            bytes: b"only for the executor".to_vec(),
            salt: [7; 32],
        }),
        inbound: Vec::new(),
    };
    let policy = Policy {
        checkpoint_every: Some(Fuel::new(500)),
        ..policy()
    };
    let run = both(COPY, &policy, &[Value::I32(1), Value::I64(u64::MAX)], &inputs);
    assert_eq!(run.outcome, Outcome::Return(vec![Value::I64(u64::MAX - 2)]));
    assert_eq!(run.peak_pages, Pages::new(3));
    assert!(run.outputs.result.starts_with(b"only for the executor"));
    assert!(run.checkpoints.checkpoints().len() > 1);
    assert!(!run.outputs.log.is_empty() && !run.outputs.outbound.is_empty());
}

#[test]
fn every_way_to_end_is_the_same_in_a_worker() {
    let ends = |text: &str| both(text, &policy(), &[], &Inputs::default()).outcome;
    let none = ends(r#"(module (func (export "main")))"#);
    assert_eq!(none, Outcome::Return(vec![]));
    let exit = ends(
        r#"(module (import "nonos" "exit" (func $exit (param i32))) (func (export "main") (call $exit (i32.const 9))))"#,
    );
    assert_eq!(exit, Outcome::Exit(9));
    let trap = ends(r#"(module (func (export "main") unreachable))"#);
    assert_eq!(trap, Outcome::Trap(TrapKind::Unreachable));
    let deep = ends(r#"(module (func $f (export "main") (call $f)))"#);
    assert_eq!(deep, Outcome::Trap(TrapKind::StackExhausted));
    let spent = ends(r#"(module (func (export "main") (loop (br 0))))"#);
    assert_eq!(spent, Outcome::OutOfFuel);
}

/// More than a pipe holds, in both directions at once.
#[test]
fn large_tapes_go_through() {
    let policy = Policy {
        fuel: Fuel::new(1 << 28),
        ..policy()
    };
    let inputs = Inputs {
        input: (0..3_000_001_u32).map(|at| at as u8).collect(),
        ..Inputs::default()
    };
    let run = both(COPY, &policy, &[Value::I32(0), Value::I64(0)], &inputs);
    assert_eq!(run.outputs.result.len() + run.outputs.log.len(), 2 * 3_000_008);
}

#[test]
fn the_most_memory_that_a_policy_can_grant_is_there() {
    let policy = Policy {
        fuel: Fuel::new(1 << 30),
        max_pages: nonos_package::limits::PAGES,
        ..policy()
    };
    let text = r#"(module (memory 1) (func (export "main") (result i32)
        (memory.grow (i32.const 16383)) (i32.store (i32.const 0x3ffffffc) (i32.const 1))))"#;
    let run = both(text, &policy, &[], &Inputs::default());
    assert_eq!(run.outcome, Outcome::Return(vec![Value::I32(1)]));
    assert_eq!(run.peak_pages, nonos_package::limits::PAGES);
}

#[test]
fn what_the_sandbox_refuses_is_told_with_its_fault_and_causes() {
    let texts = |error: &dyn std::error::Error| {
        let mut texts = vec![error.to_string()];
        let mut next = error.source();
        while let Some(cause) = next {
            texts.push(cause.to_string());
            next = cause.source();
        }
        texts
    };
    let refused = |text: &str, arguments: &[Value], fault: Fault| {
        let (module, policy) = (wasm(text), policy());
        let job = Job {
            module: &module,
            policy: &policy,
            arguments,
            inputs: &Inputs::default(),
        };
        let here = job.run_here().expect_err("it is refused here");
        let there = worker("").run(&job).expect_err("it is refused there");
        assert_eq!(texts(&there), texts(&here));
        assert_eq!((there.fault(), here.fault()), (fault, fault));
    };
    refused(r#"(module (func (export "other")))"#, &[], Fault::Peer);
    refused(
        r#"(module (func (export "main") (drop (f32.const 0))))"#,
        &[],
        Fault::Peer,
    );
    refused(
        r#"(module (func (export "main")))"#,
        &[Value::I32(1)],
        Fault::Caller,
    );
}

#[test]
fn a_job_that_no_worker_reads_is_refused_before_one_is_started() {
    let (module, policy) = (vec![0; (16 << 20) + 1], policy());
    let job = Job {
        module: &module,
        policy: &policy,
        arguments: &[],
        inputs: &Inputs::default(),
    };
    let error = worker("").run(&job).expect_err("it is too long");
    let Error::TooLong { what: "module", .. } = error else {
        panic!("{error}")
    };
    assert_eq!(error.fault(), Fault::Caller);
    let policy = Policy {
        fuel: Fuel::ZERO,
        ..policy.clone()
    };
    let job = Job {
        module: &[],
        policy: &policy,
        ..job
    };
    let Error::Capsule(_) = worker("").run(&job).expect_err("there is no fuel") else {
        panic!("the policy is wrong")
    };
}
