//! Tape calls.

use nonos_machine::{End, Inputs, Limits, Options, execute, lower};
use nonos_package::{HostCall, HostSet};
use nonos_types::{Fuel, Pages, TrapKind};

use crate::reference::agree_on;

const IMPORTS: &str = r#"
    (import "nonos" "len" (func $len (param i32) (result i64)))
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (import "nonos" "commit_len" (func $commit (param i32 i64)))
    (import "nonos" "checkpoint" (func $checkpoint))
    (import "nonos" "exit" (func $exit (param i32)))"#;

fn run(body: &str, arguments: &[u64]) -> nonos_machine::Run {
    let inputs = Inputs {
        input: b"nine byte",
        sealed: b"sealed",
        inbound: b"",
        arguments,
    };
    agree_on(
        &format!("(module {IMPORTS} (func (export \"run\") {body}))"),
        &inputs,
    )
}

#[test]
fn copies_an_input_of_any_length() {
    for length in 0..20 {
        let input: Vec<u8> = (1..=length).collect();
        let wat = format!(
            "(module {IMPORTS} (func (export \"run\") (param i32) (local i64)
                block loop
                    local.get 1 local.get 0 call $len i64.ge_s br_if 1
                    i32.const 3 local.get 0 call $read call $write
                    local.get 1 i64.const 8 i64.add local.set 1 br 0
                end end
                call $checkpoint
                i32.const 3 i32.const 0 call $len call $commit))"
        );
        let run = agree_on(
            &wat,
            &Inputs {
                input: &input,
                arguments: &[0],
                ..Inputs::default()
            },
        );
        assert_eq!((run.end, &run.outputs[0]), (End::Return(vec![]), &input));
    }
}

#[test]
fn reads_zero_at_the_end_of_a_tape() {
    let body = "(result i64) i32.const 0 call $read drop i32.const 0 call $read i32.const 0 call $read
        i64.const 1000 i64.mul i64.add i32.const 1 call $read i64.add i32.const 2 call $read i64.add";
    let sealed = u64::from_le_bytes(*b"sealed\0\0");
    assert_eq!(run(body, &[]).end, End::Return(vec![u64::from(b'e') + sealed]));
}

#[test]
fn traps_on_a_wrong_tape() {
    for tape in [0u32, 1, 2, 3, 4, 5, 6, 7, 8, 300, u32::MAX] {
        for (call, is_right) in [
            ("call $len drop", tape < 3),
            ("call $read drop", tape < 3),
            ("i64.const 7 call $write", (3..6).contains(&tape)),
            ("i64.const 0 call $commit", (3..6).contains(&tape)),
        ] {
            let expected = if is_right {
                End::Return(vec![])
            } else {
                End::Trap(TrapKind::BadTapeCall)
            };
            let known = format!("i32.const {} {call}", tape.cast_signed());
            assert_eq!(run(&known, &[]).end, expected, "{known}");
            let unknown = format!("(param i32) local.get 0 {call}");
            assert_eq!(run(&unknown, &[tape.into()]).end, expected, "{tape} {unknown}");
        }
    }
}

#[test]
fn commits_at_most_seven_bytes_less_than_written() {
    for words in 0..3 {
        for bytes in (0..30).chain([-1, i64::MIN]) {
            let write = "i32.const 4 i64.const -1 call $write ".repeat(words);
            let ending = run(
                &format!("{write} i32.const 4 i64.const {bytes} call $commit"),
                &[],
            );
            let most = 8 * words as i64;
            let is_right = (most - 7..=most).contains(&bytes) && bytes >= 0;
            assert_eq!(
                ending.end == End::Return(vec![]),
                is_right,
                "{words} words, {bytes} bytes"
            );
            if is_right {
                assert_eq!(ending.outputs[1].len() as i64, bytes);
            }
        }
    }
}

#[test]
fn writes_behind_whole_words_only() {
    let bad = End::Trap(TrapKind::BadTapeCall);
    for (bytes, end) in [(1, bad.clone()), (7, bad), (8, End::Return(vec![]))] {
        let write = "i32.const 5 i64.const 1 call $write";
        let commit = format!("i32.const 5 i64.const {bytes} call $commit");
        assert_eq!(
            run(&format!("{write} {commit} {commit}"), &[]).end,
            End::Return(vec![])
        );
        let late = run(&format!("{write} {commit} {write}"), &[]);
        assert_eq!(late.end, end, "{bytes}");
    }
}

#[test]
fn exits_from_any_depth() {
    let wat = format!(
        "(module {IMPORTS} (func $f (param i32) (result i32) local.get 0 if local.get 0 call $exit end i32.const 1)
            (func (export \"run\") (param i32) (result i32) i32.const 5 local.get 0 call $f i32.add))"
    );
    for (code, end) in [
        (0, End::Return(vec![6])),
        (3, End::Exit(3)),
        (0xffff_ffff, End::Exit(u32::MAX)),
    ] {
        let inputs = Inputs {
            arguments: &[code],
            ..Inputs::default()
        };
        assert_eq!(agree_on(&wat, &inputs).end, end);
    }
    assert_eq!(
        run("i32.const -7 call $exit i32.const 9 call $exit", &[]).end,
        End::Exit(-7i32 as u32)
    );
}

#[test]
fn traps_on_a_call_that_is_not_listed() {
    let calls = [
        (HostCall::Len, "i32.const 0 call $len drop"),
        (HostCall::Read, "i32.const 0 call $read drop"),
        (HostCall::Write, "i32.const 3 i64.const 0 call $write"),
        (HostCall::CommitLen, "i32.const 3 i64.const 0 call $commit"),
        (HostCall::Checkpoint, "call $checkpoint"),
        (HostCall::Exit, "i32.const 0 call $exit"),
    ];
    for (call, code) in calls {
        let wasm = wat::parse_str(format!("(module {IMPORTS} (func (export \"run\") {code}))")).unwrap();
        let end = |hosts| {
            let program = lower(
                &wasm,
                &Options {
                    entry: "run",
                    max_pages: Pages::new(0),
                    hosts,
                },
            )
            .unwrap()
            .program;
            execute(
                &program,
                &Inputs::default(),
                Limits {
                    fuel: Fuel::new(2000),
                    steps: 100,
                },
            )
            .end
        };
        let others: HostSet = HostCall::ALL.into_iter().filter(|other| *other != call).collect();
        assert_eq!(end(others), End::Trap(TrapKind::ForbiddenHostCall), "{call}");
        assert!(
            [End::Return(vec![]), End::Exit(0)].contains(&end(HostSet::ALL)),
            "{call}"
        );
    }
}
