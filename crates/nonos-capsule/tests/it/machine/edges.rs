//! The edges of every operator that has one: traps, memory, tapes, open calls, `select`.

use nonos_package::{HostCall, HostSet, Policy, limits};
use nonos_types::{Outcome, Pages, TrapKind};

use super::{agree, agree_on, budget, tapes};
use crate::support::{hosted, i32, i64, policy, trap, wasm};

#[test]
fn traps_agree() {
    for (body, kind) in [
        ("unreachable", TrapKind::Unreachable),
        ("(drop (i32.load (i32.const -1)))", TrapKind::MemoryOutOfBounds),
        (
            "(i64.store offset=4294967295 (i32.const -1) (i64.const 1))",
            TrapKind::MemoryOutOfBounds,
        ),
        (
            "(i32.store16 (i32.const 131071) (i32.const 1))",
            TrapKind::MemoryOutOfBounds,
        ),
        (
            "(drop (i64.load32_s offset=131069 (i32.const 0)))",
            TrapKind::MemoryOutOfBounds,
        ),
        ("(call $write (i32.const 2) (i64.const 0))", TrapKind::BadTapeCall),
        ("(drop (call $read (i32.const 3)))", TrapKind::BadTapeCall),
        ("(call $run)", TrapKind::StackExhausted),
    ] {
        // Effects before the trap stay, those behind it do not happen.
        let text = hosted(&format!(
            "(drop (memory.grow (i32.const 1))) (i32.store (i32.const 5) (i32.const 77)) (call $write (i32.const 3) (i64.const 6))
            (block {body}) (call $write (i32.const 3) (i64.const 7))"
        ))
        .replace("(func (export", "(func $run (export")
        .replace("(drop (memory.grow (i32.const 1)))", "(if (i32.eq (memory.size) (i32.const 1)) (then (drop (memory.grow (i32.const 1)))))");
        let run = agree(&text, &[]);
        assert_eq!(run.outcome, trap(kind), "{body}");
        assert_eq!(run.peak_pages.get(), 2);
        assert_eq!(run.outputs.result[..8], 6u64.to_le_bytes());
    }
}

#[test]
fn the_edges_of_the_memory_agree() {
    for (op, width) in [
        ("i32.load8_s", 1),
        ("i32.load8_u", 1),
        ("i32.load16_s", 2),
        ("i32.load16_u", 2),
        ("i32.load", 4),
        ("i64.load8_s", 1),
        ("i64.load8_u", 1),
        ("i64.load16_s", 2),
        ("i64.load16_u", 2),
        ("i64.load32_s", 4),
        ("i64.load32_u", 4),
        ("i64.load", 8),
        ("i32.store8", 1),
        ("i32.store16", 2),
        ("i32.store", 4),
        ("i64.store8", 1),
        ("i64.store16", 2),
        ("i64.store32", 4),
        ("i64.store", 8),
    ] {
        let body = match op.split_once(".store") {
            Some((ty, _)) => format!("({op} offset=9 (local.get 0) ({ty}.const -2))"),
            None => format!("(drop ({op} offset=9 (local.get 0)))"),
        };
        let text = hosted(&format!("(param i32) {body}"));
        for past in -1..3 {
            let address = 65536 - 9 - width + past;
            let run = agree(&text, &[i32(address)]);
            assert_eq!(
                run.outcome == Outcome::Return(vec![]),
                past <= 0,
                "{op} {address}"
            );
        }
        assert_eq!(
            agree(&text, &[i32(-9)]).outcome,
            trap(TrapKind::MemoryOutOfBounds)
        );
    }
    assert_eq!(agree("(module (func (export \"run\")))", &[]).peak_pages.get(), 0);
}

#[test]
fn growth_agrees() {
    for (module, grants) in [("1", 16), ("0", 16), ("1 3", 16), ("1 3", 2), ("3 3", 3)] {
        let text = format!(
            "(module (memory {module}) (func (export \"run\") (param i32 i32) (result i32)
                (i32.add (i32.mul (memory.grow (local.get 0)) (i32.const 1000))
                    (i32.add (i32.mul (memory.grow (local.get 1)) (i32.const 100)) (memory.size)))))"
        );
        let policy = Policy {
            max_pages: Pages::new(grants),
            ..policy()
        };
        for first in [0, 1, 2, 13, 15, 16, 17, 65535, 65536, i32::MAX, -1] {
            for second in [0, 1, 2, -1] {
                agree_on(&wasm(&text), &policy, &[i32(first), i32(second)], &tapes());
            }
        }
    }
}

#[test]
fn host_calls_agree_on_every_tape() {
    for tape in [0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 259, i32::MAX, i32::MIN, -1] {
        for body in [
            "(drop (call $len (local.get 0)))",
            "(call $write (i32.const 3) (call $len (local.get 0)))",
            "(call $write (i32.const 3) (call $read (local.get 0))) (call $write (i32.const 4) (call $read (local.get 0)))
             (call $write (i32.const 5) (call $read (local.get 0))) (call $write (i32.const 5) (call $read (local.get 0)))",
            "(call $write (local.get 0) (i64.const -2))",
            "(call $commit (local.get 0) (i64.const 0))",
            "(call $exit (local.get 0))",
        ] {
            let run = agree(&hosted(&format!("(param i32) {body}")), &[i32(tape)]);
            let known = hosted(&body.replace("local.get 0", &format!("i32.const {tape}")));
            assert_eq!(agree(&known, &[]).outcome, run.outcome, "{tape} {body}");
        }
    }
}

#[test]
fn committed_lengths_agree() {
    let bodies = [
        "(call $commit (i32.const 4) (local.get 1))",
        "(call $commit (i32.const 4) (local.get 1)) (call $commit (i32.const 4) (local.get 1))",
        "(call $commit (i32.const 4) (local.get 1)) (call $write (i32.const 4) (i64.const -1))",
        "(call $commit (i32.const 4) (local.get 1)) (call $write (i32.const 4) (i64.const -1)) (call $commit (i32.const 4) (i64.const 15))",
        "(call $commit (i32.const 4) (i64.const 9)) (call $commit (i32.const 4) (local.get 1))",
    ];
    for words in 0..3 {
        for length in (0..26).chain([i64::MAX, i64::MIN, -1, 1 << 32]) {
            for body in bodies {
                let write = "(call $write (i32.const 4) (i64.const -1))".repeat(words);
                agree(
                    &hosted(&format!("(param i32 i64) {write} {body}")),
                    &[i32(0), i64(length)],
                );
            }
        }
    }
}

#[test]
fn calls_that_are_not_listed_agree() {
    let bodies = [
        (HostCall::Len, "(drop (call $len (local.get 0)))"),
        (HostCall::Read, "(drop (call $read (local.get 0)))"),
        (HostCall::Write, "(call $write (local.get 0) (i64.const 1))"),
        (HostCall::CommitLen, "(call $commit (local.get 0) (i64.const 0))"),
        (HostCall::Checkpoint, "(call $checkpoint)"),
        (HostCall::Exit, "(call $exit (local.get 0))"),
    ];
    for (call, body) in bodies {
        let host: HostSet = HostCall::ALL.into_iter().filter(|other| *other != call).collect();
        for host in [host, HostSet::EMPTY] {
            for fuel in [13, 14, 15, 1 << 20] {
                // On a bad tape too: what is not listed comes first.
                for tape in [0, 3, 6, -1] {
                    let policy = Policy { host, ..budget(fuel) };
                    let text = hosted(&format!("(param i32) {body}"));
                    let run = agree_on(&wasm(&text), &policy, &[i32(tape)], &tapes());
                    if fuel > 2000 {
                        assert_eq!(run.outcome, trap(TrapKind::ForbiddenHostCall), "{call}");
                    }
                }
            }
        }
    }
}

/// With 512 calls open, a host call is still possible, and a call of the module is not.
#[test]
fn open_calls_agree_and_host_calls_are_none() {
    let text = hosted(
        "(param i32) (result i32)
        (if (result i32) (i32.le_s (local.get 0) (i32.const 1))
            (then (call $checkpoint) (call $write (i32.const 3) (call $len (i32.const 0))) (i32.const 1))
            (else (i32.add (i32.const 1) (call $run (i32.sub (local.get 0) (i32.const 1))))))",
    )
    .replace("(func (export", "(func $run (export");
    let limit = i32::from(limits::CALL_DEPTH);
    for depth in [1, 2, limit - 1, limit] {
        let run = agree(&text, &[i32(depth)]);
        assert_eq!(
            (run.outcome, run.host_calls),
            (Outcome::Return(vec![i32(depth)]), 3)
        );
    }
    for depth in [limit + 1, limit + 2, i32::MAX] {
        let run = agree(&text, &[i32(depth)]);
        assert_eq!((run.outcome, run.host_calls), (trap(TrapKind::StackExhausted), 0));
    }
    // Out of fuel at the last call that may be opened, at the first that may not, and around.
    let past = agree(&text, &[i32(limit + 1)]).fuel_used.get();
    for fuel in past - 30..past + 3 {
        let run = agree_on(&wasm(&text), &budget(fuel), &[i32(limit + 1)], &tapes());
        assert_eq!(run.outcome == Outcome::OutOfFuel, fuel < past, "{fuel}");
    }
    // Calls that have returned are not open; those before an early return neither.
    let wide = hosted(
        "(param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.add (local.get 1) (call $leaf (local.get 0))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))
        (func $leaf (param i32) (result i32) (if (local.get 0) (then (return (i32.const 3)))) (i32.const 4)",
    );
    assert_eq!(
        agree(&wide, &[i32(2000)]).outcome,
        Outcome::Return(vec![i32(6000)])
    );
}

/// No frame is too large for the depth.
#[test]
fn the_largest_frames_agree() {
    let locals = "i64 ".repeat(limits::LOCALS as usize - 1);
    let push = "(i64.load (local.get 0)) ".repeat(4000);
    let drop = "i64.add ".repeat(3999);
    let text = format!(
        "(module (memory 1) (func $down (export \"run\") (param i32) (result i64) (local {locals})
            (if (i32.gt_s (local.get 0) (i32.const 1)) (then
                {push} (drop (call $down (i32.sub (local.get 0) (i32.const 1)))) {drop} (local.set 8191)))
            (i64.store (local.get 0) (i64.extend_i32_u (local.get 0))) (local.get 8191))"
    ) + ")";
    let limit = i32::from(limits::CALL_DEPTH);
    let Outcome::Return(_) = agree(&text, &[i32(limit)]).outcome else {
        panic!()
    };
    assert_eq!(
        agree(&text, &[i32(limit + 1)]).outcome,
        trap(TrapKind::StackExhausted)
    );
}

/// Interpreter and lowering both merge an operator with the ones that use its result: every operator with every use.
#[test]
fn merged_operators_agree() {
    let computed = [
        "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
    ];
    let compared = [
        "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
    ];
    for ty in ["i32", "i64"] {
        let operands = [
            "local.get 0 local.get 1".to_owned(),
            "local.get 0 local.get 0".to_owned(),
            format!("local.get 0 {ty}.const 0"),
            format!("{ty}.const 0 local.get 0"),
            format!("local.get 0 {ty}.const 1"),
            format!("{ty}.const -1 local.get 0"),
            format!("local.get 0 {ty}.const 3 {ty}.xor {ty}.const 0"),
            format!("local.get 1 local.get 0 {ty}.const 3 {ty}.xor"),
        ];
        let both = (computed.map(|op| (op, ty)).into_iter()).chain(compared.map(|op| (op, "i32")));
        for (op, of) in both {
            let uses = [
                format!("{of}.eqz"),
                format!("{of}.eqz i32.eqz"),
                format!("{of}.const 0 {of}.ne"),
                format!("{of}.const 0 {of}.eq i32.const 0 i32.eq"),
                format!("{of}.eqz if (result i32) i32.const 5 else i32.const 6 end"),
                format!("{of}.const 0 {of}.ne if (result i32) i32.const 5 else i32.const 6 end"),
                format!("{of}.eqz if i32.const 4 return end i32.const 9"),
                format!("{of}.eqz local.tee 2 local.get 2 i32.const 2 i32.shl i32.or"),
                format!("{of}.eqz local.set 2 i32.const 5 i32.const 6 local.get 2 select"),
                format!("{of}.const 7 {of}.and {of}.eqz"),
            ];
            for operands in &operands {
                let value = format!("{operands} {ty}.{op}");
                let mut bodies: Vec<String> = uses.iter().map(|use_| format!("{value} {use_}")).collect();
                bodies.push(format!("i32.const 3 block (result i32) i32.const 8 {value} {of}.eqz br_if 0 drop i32.const 2 end i32.add"));
                bodies.push(format!("i32.const 8 {value} {of}.store i32.const 8 i32.load"));
                bodies.push(format!(
                    "block {value} {of}.const 0 {of}.ne br_if 0 i32.const 2 return end i32.const 1"
                ));
                for body in bodies {
                    let wasm = wasm(&format!(
                        "(module (memory 1) (func (export \"run\") (param {ty} {ty}) (result i32) (local i32) {body}))"
                    ));
                    let arg = |value: i32| {
                        if ty == "i32" {
                            i32(value)
                        } else {
                            i64(value.into())
                        }
                    };
                    for (a, b) in [(0, 0), (1, -1), (7, 7), (i32::MIN, 33)] {
                        agree_on(&wasm, &policy(), &[arg(a), arg(b)], &tapes());
                    }
                }
            }
        }
    }
}

/// wasmi 2.0.0 reads a stale register where it fuses a comparison of a local with 0 and the `select` behind it;
/// the metered module keeps them apart.
#[test]
fn selects_by_comparisons_with_zero() {
    let zero = ["(i32.const 0)", "(local.get 1)"];
    let mut conditions = Vec::new();
    for op in [
        "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
    ] {
        for zero in zero {
            conditions.push(format!("(i32.{op} (local.get 0) {zero})"));
            conditions.push(format!("(i32.{op} {zero} (local.get 0))"));
            conditions.push(format!("(i32.eqz (i32.{op} {zero} (local.get 0)))"));
            conditions.push(format!(
                "(i32.ne (i32.const 0) (i32.{op} (i32.const 1) (local.get 0)))"
            ));
        }
    }
    conditions.push("(i32.eqz (local.get 0))".to_owned());
    conditions.push("(i32.eqz (i32.eqz (local.get 0)))".to_owned());
    conditions.push("(i64.eqz (i64.extend_i32_s (local.get 0)))".to_owned());
    conditions.push("(i32.eqz (local.tee 0 (i32.add (local.get 0) (local.get 1))))".to_owned());
    conditions.push("(i32.and (local.get 0) (i32.const -1))".to_owned());
    for condition in conditions {
        for ty in ["i32", "i64"] {
            for operands in [
                format!("({ty}.const 5) ({ty}.const 11)"),
                format!("(local.get 2) ({ty}.const 11)"),
                format!("({ty}.mul (local.get 2) ({ty}.const 3)) (local.get 2)"),
                format!("(local.get 2) ({ty}.load (i32.const 16))"),
            ] {
                let function = |choose: &str| {
                    wasm(&format!(
                        "(module (memory 1) (data (i32.const 16) \"\\63\") (func (export \"run\") (param i32) (result {ty}) (local i32 {ty})
                            (local.set 2 ({ty}.const 5)) {choose}))"
                    ))
                };
                let (value, other) = halves(&operands);
                let select = function(&format!("(select {operands} {condition})"));
                let branch = function(&format!(
                    "(if (result {ty}) {condition} (then {value}) (else {other}))"
                ));
                for arg in [0, 1, -1, 7, i32::MIN] {
                    let run = agree_on(&select, &policy(), &[i32(arg)], &tapes());
                    let like = agree_on(&branch, &policy(), &[i32(arg)], &tapes());
                    assert_eq!(run.outcome, like.outcome, "{operands} {condition} {arg}");
                }
            }
        }
    }
}

/// Two operands, each in parentheses.
fn halves(operands: &str) -> (&str, &str) {
    let mut open = 0;
    let end = operands.find(|c| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    operands.split_at(end.unwrap() + 1)
}
