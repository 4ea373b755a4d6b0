//! Small programs: what they write, how they end.

use nonos_link::link;
use nonos_package::HostCall;
use nonos_types::{Outcome, TrapKind};

use crate::run::{HEAD, linked, program, run};

/// A text of every length up to 40, so that words are met at each of their bytes.
fn texts() -> impl Iterator<Item = Vec<u8>> {
    (0..40).map(|length| (0..length).map(|i: u8| i.wrapping_mul(37) ^ 0x85).collect())
}

#[test]
fn hello_is_the_result() {
    let ran = program(
        r#"(data (i32.const 64) "hello, mesh\n") (func (export "_start") (call $print (i32.const 1) (i32.const 64) (i32.const 12)))"#,
        b"",
    );
    assert_eq!(ran.outcome, Outcome::Return(vec![]));
    assert_eq!(
        (&*ran.outputs.result, &*ran.outputs.log),
        (&b"hello, mesh\n"[..], &b""[..])
    );
}

#[test]
fn standard_error_is_the_log() {
    let ran = program(
        r#"(data (i32.const 64) "careful")
           (func (export "_start")
             (call $print (i32.const 2) (i32.const 64) (i32.const 4))
             (call $print (i32.const 1) (i32.const 64) (i32.const 1))
             (call $print (i32.const 2) (i32.const 68) (i32.const 3)))"#,
        b"",
    );
    assert_eq!(
        (&*ran.outputs.result, &*ran.outputs.log),
        (&b"c"[..], &b"careful"[..])
    );
}

/// It reads by a number of bytes at a time and writes what it got.
fn cat(at_a_time: usize) -> String {
    format!(
        r#"(func (export "_start") (local $got i32)
             (loop $more
               (local.set $got (call $get (i32.const 101) (i32.const {at_a_time})))
               (if (local.get $got)
                 (then (call $print (i32.const 1) (i32.const 101) (local.get $got)) (br $more)))))"#
    )
}

#[test]
fn cat_gives_what_it_takes_however_it_cuts_it() {
    for at_a_time in [1, 2, 3, 5, 7, 8, 9, 13, 16, 24, 100] {
        let linked = linked(&format!("(module {HEAD} {})", cat(at_a_time)));
        for text in texts() {
            let ran = run(&linked.wasm, linked.host_calls, &text);
            assert_eq!(ran.outcome, Outcome::Return(vec![]), "{at_a_time} {text:?}");
            assert_eq!(ran.outputs.result, text, "{at_a_time} at a time");
        }
    }
}

#[test]
fn writes_and_reads_several_slices_at_once() {
    // Two slices each: 3 and 10 bytes.
    let ran = program(
        r#"(func (export "_start")
             (i32.store (i32.const 16) (i32.const 100)) (i32.store (i32.const 20) (i32.const 3))
             (i32.store (i32.const 24) (i32.const 201)) (i32.store (i32.const 28) (i32.const 10))
             (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 8)))
             (i32.store (i32.const 28) (i32.sub (i32.load (i32.const 8)) (i32.const 3)))
             (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 8)))
             (if (i32.ne (i32.load (i32.const 8)) (i32.const 11)) (then (unreachable))))"#,
        b"eleven byte",
    );
    assert_eq!(ran.outcome, Outcome::Return(vec![]));
    assert_eq!(ran.outputs.result, b"eleven byte");
}

#[test]
fn wc_counts_lines_words_and_bytes() {
    let wc = r#"
      (global $lines (mut i32) (i32.const 0)) (global $words (mut i32) (i32.const 0)) (global $bytes (mut i32) (i32.const 0))
      (func $number (param $n i32) (local $at i32)
        (local.set $at (i32.const 64))
        (loop $digit
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
          (br_if $digit (local.tee $n (i32.div_u (local.get $n) (i32.const 10)))))
        (call $print (i32.const 1) (local.get $at) (i32.sub (i32.const 64) (local.get $at))))
      (data (i32.const 80) " \n")
      (func (export "_start") (local $byte i32) (local $inside i32)
        (block $end (loop $next
          (br_if $end (i32.eqz (call $get (i32.const 100) (i32.const 1))))
          (global.set $bytes (i32.add (global.get $bytes) (i32.const 1)))
          (local.set $byte (i32.load8_u (i32.const 100)))
          (if (i32.eq (local.get $byte) (i32.const 10))
            (then (global.set $lines (i32.add (global.get $lines) (i32.const 1)))))
          (if (i32.le_u (local.get $byte) (i32.const 32))
            (then (local.set $inside (i32.const 0)))
            (else
              (if (i32.eqz (local.get $inside)) (then (global.set $words (i32.add (global.get $words) (i32.const 1)))))
              (local.set $inside (i32.const 1))))
          (br $next)))
        (call $number (global.get $lines)) (call $print (i32.const 1) (i32.const 80) (i32.const 1))
        (call $number (global.get $words)) (call $print (i32.const 1) (i32.const 80) (i32.const 1))
        (call $number (global.get $bytes)) (call $print (i32.const 1) (i32.const 81) (i32.const 1)))"#;
    // From wc.
    for (text, counts) in [
        (&b""[..], "0 0 0\n"),
        (b"one two\nthree", "1 3 13\n"),
        (b"  a  b\n\n c\n", "3 3 11\n"),
    ] {
        let ran = program(wc, text);
        assert_eq!(String::from_utf8(ran.outputs.result).unwrap(), counts);
    }
}

#[test]
fn the_exit_code_is_the_outcome_and_what_was_written_stays() {
    let ran = program(
        r#"(data (i32.const 64) "so far\n") (func (export "_start")
             (call $print (i32.const 1) (i32.const 64) (i32.const 7)) (call $proc_exit (i32.const 3))
             (call $print (i32.const 1) (i32.const 64) (i32.const 7)))"#,
        b"",
    );
    assert_eq!(ran.outcome, Outcome::Exit(3));
    assert_eq!(ran.outputs.result, b"so far\n");
}

#[test]
fn a_trap_loses_what_was_no_whole_word() {
    let ran = program(
        r#"(data (i32.const 64) "eleven byte") (func (export "_start")
             (call $print (i32.const 1) (i32.const 64) (i32.const 11)) (unreachable))"#,
        b"",
    );
    assert_eq!(ran.outcome, Outcome::Trap(TrapKind::Unreachable));
    assert_eq!(ran.outputs.result, b"eleven b");
}

/// A module whose `_start` calls a function and writes eight bytes at 100 and what the function gave.
fn probe(import: &str, call: &str) -> Vec<u8> {
    let linked = linked(&format!(
        r#"(module (import "wasi_snapshot_preview1" {import})
             (import "nonos" "write" (func $write (param i32 i64))) (memory (export "memory") 1)
             (func (export "_start")
               (i64.store (i32.const 100) (i64.const -1)) (i64.store (i32.const 108) (i64.const -1))
               (i64.store (i32.const 116) (i64.const -1))
               (call $write (i32.const 3) (i64.extend_i32_u {call}))
               (call $write (i32.const 3) (i64.load (i32.const 100)))
               (call $write (i32.const 3) (i64.load (i32.const 108)))
               (call $write (i32.const 3) (i64.load (i32.const 116)))))"#
    ));
    run(&linked.wasm, linked.host_calls, b"").outputs.result
}

fn words(words: [i64; 4]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn the_name_is_the_one_argument() {
    let sizes = probe(
        r#""args_sizes_get" (func $f (param i32 i32) (result i32))"#,
        "(call $f (i32.const 100) (i32.const 104))",
    );
    assert_eq!(sizes, words([0, 8 << 32 | 1, -1, -1]));
    let arguments = probe(
        r#""args_get" (func $f (param i32 i32) (result i32))"#,
        "(call $f (i32.const 100) (i32.const 108))",
    );
    assert_eq!(
        arguments,
        words([0, (-1 << 32) | 108, i64::from_le_bytes(*b"capsule\0"), -1])
    );
}

#[test]
fn the_environment_is_empty() {
    let sizes = probe(
        r#""environ_sizes_get" (func $f (param i32 i32) (result i32))"#,
        "(call $f (i32.const 100) (i32.const 104))",
    );
    assert_eq!(sizes, words([0, 0, -1, -1]));
    let environment = probe(
        r#""environ_get" (func $f (param i32 i32) (result i32))"#,
        "(call $f (i32.const 100) (i32.const 104))",
    );
    assert_eq!(environment, words([0, -1, -1, -1]));
}

#[test]
fn descriptors_are_three_that_cannot_be_sought() {
    let status = |fd: u32| {
        probe(
            r#""fd_fdstat_get" (func $f (param i32 i32) (result i32))"#,
            &format!("(call $f (i32.const {fd}) (i32.const 100))"),
        )
    };
    // Rights: fd_read is bit 1, fd_write bit 6.
    assert_eq!(status(0), words([0, 0, 2, 0]));
    assert_eq!(status(1), words([0, 0, 64, 0]));
    assert_eq!(status(2), words([0, 0, 64, 0]));
    assert_eq!(status(3), words([8, -1, -1, -1]));
    for (fd, sought, closed) in [(0, 70, 0), (1, 70, 0), (2, 70, 0), (3, 8, 8), (-1, 8, 8)] {
        let seek = r#""fd_seek" (func $f (param i32 i64 i32 i32) (result i32))"#;
        let seek = probe(
            seek,
            &format!("(call $f (i32.const {fd}) (i64.const 0) (i32.const 1) (i32.const 100))"),
        );
        assert_eq!(seek, words([sought, -1, -1, -1]));
        let close = r#""fd_close" (func $f (param i32) (result i32))"#;
        assert_eq!(
            probe(close, &format!("(call $f (i32.const {fd}))")),
            words([closed, -1, -1, -1])
        );
    }
    for fd in [1, 2, 3, -1] {
        let read = r#""fd_read" (func $f (param i32 i32 i32 i32) (result i32))"#;
        let call = format!("(call $f (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 100))");
        assert_eq!(probe(read, &call), words([8, -1, -1, -1]));
    }
    for fd in [0, 3, -1] {
        let write = r#""fd_write" (func $f (param i32 i32 i32 i32) (result i32))"#;
        let call = format!("(call $f (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 100))");
        assert_eq!(probe(write, &call), words([8, -1, -1, -1]));
    }
}

#[test]
fn only_what_is_needed_is_linked_in() {
    let calls = |imports: &str| -> Vec<HostCall> {
        let linked = linked(&format!(
            r#"(module {imports} (memory 1) (func (export "_start")))"#
        ));
        linked.host_calls.iter().collect()
    };
    let close = r#"(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))"#;
    let exit = r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#;
    let read = r#"(import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))"#;
    let written = [HostCall::Write, HostCall::CommitLen];
    assert_eq!(calls(close), written);
    assert_eq!(calls(exit), [&written[..], &[HostCall::Exit]].concat());
    assert_eq!(
        calls(read),
        [&[HostCall::Len, HostCall::Read], &written[..]].concat()
    );
}

#[test]
fn what_was_linked_is_not_linked_again() {
    let linked = linked(&format!("(module {HEAD} {})", cat(8)));
    assert_eq!(link(&linked.wasm), Ok(None));
}
