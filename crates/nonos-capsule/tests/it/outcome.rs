//! Every way a run can end.

use nonos_capsule::{Error, Inputs};
use nonos_types::{Fault, Outcome, TrapKind};

use crate::support::{hosted, i32, i64, policy, run, trap, try_run};

#[test]
fn returns_what_the_entry_returns() {
    let sum = "(module (func (export \"run\") (param i64 i32) (result i64)
        (i64.sub (local.get 0) (i64.extend_i32_u (local.get 1)))))";
    assert_eq!(
        run(sum, &[i64(1), i32(-1)]).outcome,
        Outcome::Return(vec![i64(1 - 0xffff_ffff)])
    );
    assert_eq!(
        run("(module (func (export \"run\")))", &[]).outcome,
        Outcome::Return(vec![])
    );
    let wide = "(module (func (export \"run\") (result i32) i32.const -1))";
    assert_eq!(run(wide, &[]).outcome, Outcome::Return(vec![i32(-1)]));
}

#[test]
fn unreachable_traps() {
    let run = run(
        "(module (func (export \"run\") i32.const 1 drop unreachable))",
        &[],
    );
    assert_eq!(run.outcome, trap(TrapKind::Unreachable));
    assert_eq!(run.fuel_used.get(), 1);
}

#[test]
fn accesses_past_the_memory_trap() {
    let load =
        "(module (memory 1) (func (export \"run\") (param i32) (result i64) (i64.load (local.get 0))))";
    assert_eq!(run(load, &[i32(65528)]).outcome, Outcome::Return(vec![i64(0)]));
    for address in [65529, 65536, -1, -8] {
        assert_eq!(
            run(load, &[i32(address)]).outcome,
            trap(TrapKind::MemoryOutOfBounds),
            "{address}"
        );
    }
    let offset = "(module (memory 1) (func (export \"run\") (param i32) (i32.store8 offset=4294967295 (local.get 0) (i32.const 1))))";
    assert_eq!(
        run(offset, &[i32(1)]).outcome,
        trap(TrapKind::MemoryOutOfBounds),
        "the address does not wrap"
    );
}

#[test]
fn a_store_that_traps_writes_nothing() {
    let store =
        "(module (memory 1) (func (export \"run\") (param i32) (i64.store (local.get 0) (i64.const -1))))";
    let empty = run("(module (memory 1) (func (export \"run\")))", &[]);
    assert_eq!(run(store, &[i32(65532)]).memory, empty.memory);
    assert_ne!(run(store, &[i32(65528)]).memory, empty.memory);
}

#[test]
fn exit_ends_the_run_from_any_depth_with_its_code() {
    let text = hosted(
        "(call $deep)) (func $deep (call $write (i32.const 3) (i64.const 7)) (call $exit (i32.const -2)) unreachable",
    );
    let run = run(&text, &[]);
    assert_eq!(run.outcome, Outcome::Exit(u32::MAX - 1));
    assert_eq!(run.outputs.result, [7, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(run.host_calls, 2);
}

#[test]
fn refuses_arguments_of_another_type_or_number() {
    let text = "(module (func (export \"run\") (param i32)))";
    for args in [&[][..], &[i64(1)], &[i32(1), i32(1)]] {
        let error = try_run(text, &policy(), args, &Inputs::default()).unwrap_err();
        let Error::Arguments { .. } = error else {
            panic!("{error}")
        };
        assert_eq!(error.fault(), Fault::Caller);
    }
}

#[test]
fn refuses_an_entry_that_is_missing_or_imported() {
    let missing = try_run(
        "(module (func (export \"walk\")))",
        &policy(),
        &[],
        &Inputs::default(),
    );
    let Err(Error::Refused(nonos_package::Error::NoEntry { entry })) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!(entry, "run");
    let text = r#"(module (import "nonos" "checkpoint" (func $c)) (export "run" (func $c)))"#;
    let imported = try_run(text, &policy(), &[], &Inputs::default());
    let Err(Error::EntryIsImported { .. }) = imported else {
        panic!("{imported:?}")
    };
}

#[test]
fn refuses_what_is_outside_of_the_instruction_set() {
    for body in ["f32.const 0 drop", "i32.const 1 i8x16.splat drop"] {
        let text = format!("(module (func (export \"run\") {body}))");
        let refused = try_run(&text, &policy(), &[], &Inputs::default());
        let Err(Error::Refused(nonos_package::Error::Module(_))) = refused else {
            panic!("{refused:?}")
        };
    }
}

#[test]
fn the_same_run_is_the_same_in_every_part() {
    let text = hosted(
        "(local i64) (loop (call $write (i32.const 5) (local.tee 0 (i64.add (local.get 0) (call $read (i32.const 0)))))
         (i64.store (i32.wrap_i64 (local.get 0)) (local.get 0)) (call $checkpoint)
         (br_if 0 (i64.lt_u (local.get 0) (i64.const 100))))",
    );
    let inputs = Inputs {
        input: (1..=200).collect(),
        ..Inputs::default()
    };
    let first = try_run(&text, &policy(), &[], &inputs).unwrap();
    for _ in 0..3 {
        assert_eq!(try_run(&text, &policy(), &[], &inputs).unwrap(), first);
    }
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (text, inputs) = (text.clone(), inputs.clone());
            std::thread::spawn(move || try_run(&text, &policy(), &[], &inputs).unwrap())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), first);
    }
}
