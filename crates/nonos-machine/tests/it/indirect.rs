//! Indirect calls, tail calls, references to functions.

use nonos_machine::{End, Inputs};
use nonos_types::TrapKind;

use crate::reference::{agree, agree_at_each_budget, in_machine};

const TABLE: &str = r#"(module
    (type $unary (func (param i32) (result i32)))
    (type $same (func (param i32) (result i32)))
    (type $wide (func (param i64) (result i64)))
    (type $pair (func (param i32 i32) (result i32 i32)))
    (table $t 8 funcref)
    (table $u 3 20 funcref)
    (elem (table $t) (i32.const 1) func $twice $square $neg $swap)
    (elem (table $u) (i32.const 1) func $square)
    (func $twice (type $unary) local.get 0 local.get 0 i32.add)
    (func $square (type $same) local.get 0 local.get 0 i32.mul)
    (func $neg (type $wide) i64.const 0 local.get 0 i64.sub)
    (func $swap (type $pair) local.get 1 local.get 0)"#;

#[test]
fn calls_by_index_or_traps_for_the_reason() {
    let wat = format!(
        r#"{TABLE}
        (func (export "run") (param i32 i32) (result i32 i32)
            i32.const 1000
            local.get 1 i32.const 1 i32.add local.get 0 call_indirect $t (type $unary)))"#
    );
    let end = |index: u64| agree_at_each_budget(&wat, &[index, 6]).end;
    assert_eq!(end(0), End::Trap(TrapKind::IndirectCallNull));
    assert_eq!(end(1), End::Return(vec![1000, 14]));
    assert_eq!(end(2), End::Return(vec![1000, 49]));
    assert_eq!(end(3), End::Trap(TrapKind::IndirectCallType));
    assert_eq!(end(4), End::Trap(TrapKind::IndirectCallType));
    assert_eq!(end(5), End::Trap(TrapKind::IndirectCallNull));
    assert_eq!(end(7), End::Trap(TrapKind::IndirectCallNull));
    for outside in [8, 9, 21, 1 << 31, (1 << 32) - 1] {
        assert_eq!(end(outside), End::Trap(TrapKind::TableOutOfBounds));
    }
}

#[test]
fn calls_with_several_arguments_and_results() {
    for index in 0..10 {
        let wat = format!(
            r#"{TABLE}
            (func (export "run") (param i32 i32) (result i32 i32 i64)
                local.get 1 local.get 0 i32.const 3 i32.mul
                i32.const 9 local.get 1
                i32.const 2 local.get 0 call_indirect $t (type $unary)
                i32.const 4 call_indirect $t (type $pair)
                i32.add i32.sub i32.sub i32.const 4 call_indirect $t (type $pair)
                i64.const 5 i32.const 3 call_indirect $t (type $wide)))"#
        );
        agree_at_each_budget(&wat, &[index, 6]);
    }
}

#[test]
fn knows_an_index_and_a_second_table() {
    for index in 0..4 {
        let wat = format!(
            r#"{TABLE}
            (func (export "run") (result i32) i32.const 7 i32.const {index} call_indirect $u (type $unary)))"#
        );
        agree_at_each_budget(&wat, &[]);
    }
}

#[test]
fn calls_what_a_table_has_now() {
    for argument in 0..5 {
        let wat = format!(
            r#"{TABLE}
            (elem declare func $neg $twice)
            (func (export "run") (param i32) (result i32 i32)
                i32.const 0 ref.func $twice table.set $t
                i32.const 1 ref.null func table.set $t
                i32.const 2 ref.func $neg table.set $t
                i32.const 3 i32.const 2 table.get $u table.set $t
                i32.const 4 i32.const 1 table.get $u table.set $t
                ref.func $twice i32.const 5 table.grow $u
                i32.const 11 local.get 0 call_indirect $t (type $unary)))"#
        );
        agree_at_each_budget(&wat, &[argument]);
        for index in [1, 3, 7, 8] {
            let of_grown = wat.replace(
                "local.get 0 call_indirect $t",
                &format!("i32.const {index} call_indirect $u"),
            );
            agree(&of_grown, &[argument]);
        }
    }
}

#[test]
fn takes_room_for_indirect_calls() {
    let deep = r#"(module (type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) func $f)
        (func $f (export "run") (param i32) (result i32)
            local.get 0 if (result i32)
                local.get 0 i32.const 1 i32.sub i32.const INDEX call_indirect (type $t) i32.const 1 i32.add
            else i32.const 0 end))"#;
    let end = |index: &str, depth| {
        let wasm = wat::parse_str(deep.replace("INDEX", index)).unwrap();
        let inputs = Inputs {
            arguments: &[depth],
            ..Inputs::default()
        };
        in_machine(&wasm, &inputs, u64::MAX).end
    };
    assert_eq!(end("0", 511), End::Return(vec![511]));
    assert_eq!(end("0", 512), End::Trap(TrapKind::StackExhausted));
    // The room is looked at first.
    let outside_when_1 = "0 local.get 0 i32.const 1 i32.eq i32.add";
    assert_eq!(end(outside_when_1, 511), End::Trap(TrapKind::TableOutOfBounds));
    assert_eq!(end(outside_when_1, 512), End::Trap(TrapKind::StackExhausted));
}

#[test]
fn calls_host_functions_through_a_table() {
    let wat = |index| {
        format!(
            r#"(module (import "nonos" "read" (func $r (param i32) (result i64)))
                (import "nonos" "write" (func $w (param i32 i64)))
                (type $read (func (param i32) (result i64))) (type $write (func (param i32 i64)))
                (table 3 funcref) (elem (i32.const 0) func $r $w)
                (func (export "run") (result i64)
                    i32.const 3 i64.const 5 i32.const 1 call_indirect (type $write)
                    i32.const 0 i32.const {index} call_indirect (type $read)))"#
        )
    };
    for index in 0..4 {
        agree_at_each_budget(&wat(index), &[]);
    }
}

#[test]
fn calls_in_the_place_of_a_return() {
    for count in [0, 1, 2, 5, 2000] {
        let run = agree(
            r#"(module
                (func $even (param i32 i64) (result i64 i32)
                    local.get 0 i32.eqz if local.get 1 i32.const 1 return end
                    local.get 0 i32.const 1 i32.sub local.get 1 i64.const 3 i64.add return_call $odd)
                (func $odd (param i32 i64) (result i64 i32) (local i64 i64 i32)
                    i32.const 7
                    local.get 0 i32.eqz if local.get 1 local.get 4 return end
                    local.get 0 i32.const 1 i32.sub local.get 1 i64.const 4 i64.add return_call $even)
                (func (export "run") (param i32) (result i64 i32) local.get 0 i64.const 0 return_call $even))"#,
            &[count],
        );
        let sum = count / 2 * 7 + count % 2 * 3;
        assert_eq!(run.end, End::Return(vec![sum, 1 - count % 2]));
    }
}

#[test]
fn passes_arguments_that_are_each_others_places() {
    // Arguments go round in a circle, one register at a time and through constants.
    for arguments in [[1, 2, 3, 10], [5, 5, 6, 3], [0, 9, 1, 0]] {
        for turn in [
            "local.get 1 local.get 2 local.get 0",
            "local.get 2 local.get 1 local.get 0",
            "local.get 1 local.get 0 local.get 0",
            "i32.const 8 local.get 0 local.get 1",
            "local.get 2 local.get 0 local.get 1 local.get 2 i32.xor",
            "local.get 0 local.get 2 local.get 1",
        ] {
            for call in ["return_call $f", "i32.const 1 return_call_indirect (type $t)"] {
                let wat = format!(
                    r#"(module (type $t (func (param i32 i32 i32 i32) (result i32 i32 i32)))
                        (table 2 funcref) (elem (i32.const 1) func $f)
                        (func $f (export "run") (type $t)
                            local.get 3 i32.eqz if local.get 2 local.get 0 local.get 1 return end
                            {turn} local.get 3 i32.const 1 i32.sub {call}))"#
                );
                agree_at_each_budget(&wat, &arguments);
            }
        }
    }
}

#[test]
fn tail_calls_by_index_or_traps_for_the_reason() {
    for index in 0..10 {
        let wat = format!(
            r#"{TABLE}
            (func $f (param i32) (result i32) (local i64 i64 i64)
                i64.const 4 local.get 0 i32.const 40 local.get 0 return_call_indirect $t (type $unary))
            (func (export "run") (param i32) (result i32) i32.const 1 local.get 0 call $f i32.add))"#
        );
        agree_at_each_budget(&wat, &[index]);
    }
}

#[test]
fn tail_calls_take_no_room() {
    let wat = r#"(module (type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) func $f)
        (func $f (type $t) local.get 0 i32.eqz if i32.const 5 return end
            local.get 0 i32.const 1 i32.sub i32.const 0 return_call_indirect (type $t))
        (func $deep (export "run") (param i32 i32) (result i32)
            local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub local.get 1 call $deep
            else local.get 1 return_call $f end))"#;
    assert_eq!(agree(wat, &[511, 2000]).end, End::Return(vec![5]));
}

#[test]
fn tail_calls_host_functions() {
    let wat = r#"(module (import "nonos" "read" (func $r (param i32) (result i64)))
        (import "nonos" "exit" (func $e (param i32)))
        (func $next (param i32) (result i64) local.get 0 return_call $r)
        (func $leave (param i32) local.get 0 return_call $e)
        (func (export "run") (param i32) (result i64)
            local.get 0 i32.const 3 i32.eq if i32.const 9 call $leave end
            i64.const 7 local.get 0 call $next i64.add))"#;
    for tape in 0..5 {
        agree_at_each_budget(wat, &[tape]);
    }
}

#[test]
fn lowers_many_calls_of_many_types_at_many_heights() {
    const TYPES: usize = 512;
    const HEIGHTS: usize = 360;
    let result = |ty: usize, at: usize| if ty >> at & 1 == 0 { "i32 " } else { "i64 " };
    let types = (0..TYPES).map(|ty| {
        let results: String = (0..9).map(|at| result(ty, at)).collect();
        format!("(type $t{ty} (func (result {results})))")
    });
    let types: String = types.collect();
    let drops = "drop ".repeat(9);
    let calls = (0..TYPES).map(|ty| format!("i32.const 0 call_indirect (type $t{ty}) {drops}"));
    let calls: String = calls.collect();
    let body = format!("loop end i32.const 7 {calls}").repeat(HEIGHTS) + &"drop ".repeat(HEIGHTS);
    let text = format!("(module {types} (table 1 funcref) (func (export \"run\") {body}))");
    let wasm = wat::parse_str(text).expect("valid text");
    let options = nonos_machine::Options {
        entry: "run",
        max_pages: nonos_types::Pages::new(0),
        hosts: nonos_package::HostSet::EMPTY,
    };
    let lowered = nonos_machine::lower(&wasm, &options).expect("within the limits");
    assert!(lowered.program.code.len() > 3 * TYPES * HEIGHTS);
}
