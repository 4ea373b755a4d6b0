//! Control flow, locals, globals and calls.

use nonos_machine::{End, Inputs, Limits, LowerError, Options, execute, lower};
use nonos_package::HostSet;
use nonos_types::{Fuel, Pages, TrapKind};

use crate::reference::{agree, in_machine};

#[test]
fn keeps_a_value_of_a_local_that_is_written_later() {
    let run = agree(
        r#"(module (func (export "run") (param i32) (result i32)
            local.get 0 local.get 0 i32.const 1 i32.add local.set 0
            local.get 0 local.get 0 i32.const 1 i32.add local.tee 0
            i32.mul i32.sub local.get 0 i32.add))"#,
        &[5],
    );
    assert_eq!(
        run.end,
        End::Return(vec![5u32.wrapping_sub(42).wrapping_add(7).into()])
    );
}

#[test]
fn clears_locals_at_every_call() {
    let run = agree(
        r#"(module
            (func $f (param i32) (result i32) (local i32 i32)
                block local.get 0 br_if 0 i32.const 9 local.set 1 end
                local.get 1 local.get 2 i32.add i32.const 77 local.set 2)
            (func (export "run") (result i32) (local i32)
                i32.const 0 call $f i32.const 1 call $f i32.const 1000 i32.mul i32.add local.get 0 i32.add))"#,
        &[],
    );
    assert_eq!(run.end, End::Return(vec![9]));
}

#[test]
fn recurses_and_passes_arguments_in_order() {
    let fib = r#"(module (func $fib (export "run") (param i32) (result i32)
        local.get 0 i32.const 2 i32.lt_u if (result i32) local.get 0 else
        local.get 0 i32.const 1 i32.sub call $fib local.get 0 i32.const 2 i32.sub call $fib i32.add end))"#;
    assert_eq!(agree(fib, &[15]).end, End::Return(vec![610]));
    let nested = r#"(module (func $f (param i64 i32 i64) (result i64)
            local.get 0 i64.const 10 i64.mul local.get 1 i64.extend_i32_u i64.add i64.const 10 i64.mul local.get 2 i64.add)
        (func (export "run") (param i64 i32) (result i64)
            i64.const 3
            i64.const 1 local.get 1 local.get 0 i64.const 2 i64.mul call $f
            local.get 1 i32.const 1 i32.add
            local.get 0 i32.const 3 i64.const 0 call $f
            call $f i64.sub))"#;
    agree(nested, &[4, 2]);
}

#[test]
fn stops_at_the_same_call_depth() {
    let deep = r#"(module (func $f (export "run") (param i32) (result i32)
        local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $f i32.const 1 i32.add else i32.const 0 end))"#;
    let wasm = wat::parse_str(deep).unwrap();
    let end = |depth| {
        let inputs = Inputs {
            arguments: &[depth],
            ..Inputs::default()
        };
        in_machine(&wasm, &inputs, u64::MAX).end
    };
    assert_eq!(end(511), End::Return(vec![511]));
    assert_eq!(end(512), End::Trap(TrapKind::StackExhausted));
}

#[test]
fn carries_values_over_branches() {
    for argument in 0..6 {
        agree(
            r#"(module (global $g (mut i32) (i32.const 7)) (global $c i64 (i64.const -3))
            (func $early (param i32) (result i32)
                i32.const 40 local.get 0 i32.const 3 i32.gt_s br_if 0
                local.get 0 i32.eqz if i32.const 11 return end
                local.get 0 i32.sub)
            (func (export "run") (param i32) (result i64) (local i32)
                i32.const 1
                block (result i32)
                    local.get 0
                    block (result i32)
                        i32.const 5 i32.const 6 local.get 0 i32.const 2 i32.eq br_if 1
                        local.get 0 i32.const 1 i32.eq br_if 0
                        i32.add
                    end
                    i32.mul
                    local.get 0 global.get $g i32.add global.set $g
                end
                i32.add
                loop
                    local.get 1 i32.const 1 i32.add local.tee 1
                    local.get 0 i32.lt_u br_if 0
                end
                local.get 1 i32.const 100 i32.mul i32.add
                global.get $g i32.add
                local.get 0 call $early i32.const 10000 i32.mul i32.add
                i64.extend_i32_s global.get $c i64.add))"#,
            &[argument],
        );
    }
}

#[test]
fn charges_a_block_before_its_effects() {
    let wat = r#"(module (import "nonos" "write" (func $w (param i32 i64)))
        (func (export "run") (param i32)
            i32.const 3 i64.const 1 call $w
            local.get 0 if i32.const 3 i64.const 2 call $w end
            i32.const 3 i64.const 3 call $w))"#;
    let wasm = wat::parse_str(wat).unwrap();
    let inputs = Inputs {
        arguments: &[1],
        ..Inputs::default()
    };
    let whole = in_machine(&wasm, &inputs, u64::MAX);
    assert_eq!(whole.end, End::Return(vec![]));
    let whole = whole.fuel.get();
    let mut lengths = Vec::new();
    for fuel in 0..=whole {
        let run = in_machine(&wasm, &inputs, fuel);
        assert_eq!(run.end == End::OutOfFuel, fuel < whole);
        assert_eq!(run.fuel.get(), fuel);
        lengths.push(run.outputs[0].len() / 8);
    }
    // Three blocks: 17 (call 13, two constants, condition, `if`), 15, 15.
    let expected = [(17, 0), (15, 1), (15, 2), (1, 3)];
    let expected: Vec<_> = expected
        .iter()
        .flat_map(|(count, words)| vec![*words; *count])
        .collect();
    assert_eq!(lengths, expected);
}

#[test]
fn ends_an_empty_loop_by_fuel() {
    let wasm = wat::parse_str(r#"(module (func (export "run") loop br 0 end))"#).unwrap();
    let run = in_machine(&wasm, &Inputs::default(), 1000);
    assert_eq!((run.end, run.fuel), (End::OutOfFuel, Fuel::new(1000)));
}

#[test]
fn stops_after_the_steps_allowed() {
    let wasm = wat::parse_str(r#"(module (func (export "run") loop br 0 end))"#).unwrap();
    let options = Options {
        entry: "run",
        max_pages: Pages::new(0),
        hosts: HostSet::EMPTY,
    };
    let program = lower(&wasm, &options).unwrap().program;
    let limits = Limits {
        fuel: Fuel::new(u64::MAX),
        steps: 100,
    };
    let run = execute(&program, &Inputs::default(), limits);
    assert_eq!((run.end, run.steps), (End::TooManySteps, 100));
}

#[test]
fn refuses_what_cannot_be_entered() {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "exit" (func $e (param i32))) (memory 3) (export "exit" (func $e))
            (func (export "run")))"#,
    )
    .unwrap();
    let with = |entry, pages| {
        lower(
            &wasm,
            &Options {
                entry,
                max_pages: Pages::new(pages),
                hosts: HostSet::ALL,
            },
        )
        .unwrap_err()
    };
    assert_eq!(
        with("walk", 3),
        LowerError::NoEntry {
            entry: "walk".to_owned()
        }
    );
    assert_eq!(
        with("exit", 3),
        LowerError::ImportedEntry {
            entry: "exit".to_owned()
        }
    );
    let memory = LowerError::Memory {
        initial: Pages::new(3),
        allowed: Pages::new(2),
    };
    assert_eq!(with("run", 2), memory);
}

#[test]
fn traps_where_the_code_says_so() {
    let wat = r#"(module (func (export "run") (param i32) local.get 0 if unreachable end))"#;
    assert_eq!(agree(wat, &[1]).end, End::Trap(TrapKind::Unreachable));
    assert_eq!(agree(wat, &[0]).end, End::Return(vec![]));
}
