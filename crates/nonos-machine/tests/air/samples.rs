//! Small programs that together use every table, with their traces.

use nonos_machine::isa::Program;
use nonos_machine::tables::{PublicRun, TapeWords};
use nonos_machine::trace::Trace;
use nonos_machine::{Inputs, Limits, Options, execute_traced, lower};
use nonos_package::HostSet;
use nonos_types::{Fuel, Pages};

pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) trace: Trace,
    pub(crate) public: PublicRun,
}

fn sample(name: &'static str, wat: &str, input: &[u8], arguments: &[u64]) -> Sample {
    let wasm = wat::parse_str(wat).expect("the sample is valid text");
    let options = Options {
        entry: "run",
        max_pages: Pages::new(5),
        hosts: HostSet::ALL,
    };
    let program = lower(&wasm, &options)
        .expect("the sample is in the instruction set")
        .program;
    let inputs = Inputs {
        input,
        arguments,
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: Fuel::new(1 << 30),
        steps: 1 << 20,
    };
    let (run, trace) = execute_traced(&program, &inputs, limits);
    let trace = trace.unwrap_or_else(|| panic!("{name} ended with {:?}", run.end));
    let words = TapeWords {
        words: arguments.to_vec(),
        len: 8 * arguments.len() as u64,
    };
    let tapes = [
        TapeWords::from_bytes(input),
        TapeWords::default(),
        TapeWords::default(),
        words,
    ];
    let public = PublicRun::of(&program, &trace, tapes);
    Sample {
        name,
        program,
        trace,
        public,
    }
}

pub(crate) fn samples() -> Vec<Sample> {
    let minus = |v: u64| v.wrapping_neg();
    vec![
        sample(
            "arithmetic",
            ARITHMETIC,
            b"",
            &[7, minus(3) & 0xffff_ffff, 0x8123_4567_89ab_cdef, minus(1)],
        ),
        sample("arithmetic", ARITHMETIC, b"", &[1 << 31, 1 << 31, 0, 64]),
        sample("memory", MEMORY, b"", &[29]),
        sample("calls", CALLS, b"", &[6]),
        sample("tapes", TAPES, b"seventeen bytes..", &[]),
        sample(
            "quotients",
            QUOTIENTS,
            b"",
            &[minus(7) & 0xffff_ffff, 3, 1 << 63, 10],
        ),
        sample("quotient by zero", QUOTIENTS, b"", &[7, 0, 1, 1]),
        sample(
            "end of memory",
            "(module (memory 1) (func (export \"run\") (param i32) (result i64) (i64.load offset=7 (local.get 0))))",
            b"",
            &[65_522],
        ),
    ]
}

/// Every arithmetic operation, on edge values.
const ARITHMETIC: &str = r#"(module (func (export "run") (param $x i32) (param $y i32) (param $p i64) (param $q i64) (result i64)
  (local $t i64)
  (local.set $t (i64.add (local.get $p) (local.get $q)))
  (local.set $t (i64.sub (local.get $t) (i64.mul (local.get $p) (i64.const -3))))
  (local.set $t (i64.xor (local.get $t) (i64.and (local.get $q) (i64.or (local.get $p) (i64.const 0x0f0f0f0f)))))
  (local.set $t (i64.add (local.get $t) (i64.shl (local.get $p) (i64.const 13))))
  (local.set $t (i64.add (local.get $t) (i64.shr_u (local.get $q) (i64.const 0))))
  (local.set $t (i64.add (local.get $t) (i64.shr_s (local.get $q) (i64.const 62))))
  (local.set $t (i64.add (local.get $t) (i64.rotl (local.get $p) (local.get $q))))
  (local.set $t (i64.add (local.get $t) (i64.rotr (local.get $q) (i64.const 17))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.add (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_s (i32.sub (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.mul (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.shl (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.shr_s (local.get $x) (i32.const 5)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.shr_u (local.get $x) (i32.const 31)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.rotl (local.get $x) (i32.const 9)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.rotr (local.get $y) (i32.const 0)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.lt_s (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.gt_u (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i64.ge_s (local.get $p) (local.get $q)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i64.lt_s (local.get $p) (local.get $q)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i64.le_u (local.get $p) (i64.const 77)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i64.eqz (local.get $p)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.eq (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.ne (local.get $x) (local.get $x)))))
  (select (local.get $t) (i64.xor (local.get $t) (i64.const -1)) (i32.wrap_i64 (local.get $p)))))"#;

/// Loads and stores of every width, aligned, unaligned and across words and pages; initial data.
const MEMORY: &str = r#"(module (memory 2 5)
  (data (i32.const 60) "\01\82\03\84\05\86\07\88\09\8a\0b\8c")
  (func (export "run") (param $b i32) (result i64) (local $t i64)
  (i64.store8 (i32.const 3) (i64.const 0x1ff))
  (i64.store16 (i32.const 7) (i64.const 0x8001))
  (i64.store32 offset=2 (i32.const 11) (i64.const -2))
  (i64.store (i32.const 65533) (i64.const 0x8123456789abcdef))
  (i32.store (local.get $b) (i32.const -7))
  (i32.store8 offset=1 (local.get $b) (i32.const 0x80))
  (i32.store16 (i32.const 40) (i32.const 0xffff))
  (local.set $t (i64.load (i32.const 60)))
  (local.set $t (i64.add (local.get $t) (i64.load8_s (i32.const 61))))
  (local.set $t (i64.add (local.get $t) (i64.load8_u (i32.const 61))))
  (local.set $t (i64.add (local.get $t) (i64.load16_s (i32.const 63))))
  (local.set $t (i64.add (local.get $t) (i64.load32_s (i32.const 62))))
  (local.set $t (i64.add (local.get $t) (i64.load32_u (i32.const 64))))
  (local.set $t (i64.add (local.get $t) (i64.load offset=8 (i32.const 65525))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.load8_s (i32.const 65)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.load16_s (i32.const 40)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.load (local.get $b)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (memory.grow (i32.const 2)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (memory.grow (i32.const 2)))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (memory.grow (i32.const 65536)))))
  (i64.store (i32.const 262136) (local.get $t))
  (i64.add (local.get $t) (i64.extend_i32_u (memory.size)))))"#;

/// Calls, recursion, loops and mutable globals.
const CALLS: &str = r#"(module
  (global $n (mut i64) (i64.const 5)) (global $z (mut i32) (i32.const 0))
  (func $fib (param $n i32) (result i64)
    (global.set $n (i64.add (global.get $n) (i64.const 1)))
    (if (result i64) (i32.lt_u (local.get $n) (i32.const 2))
      (then (i64.extend_i32_u (local.get $n)))
      (else (i64.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
                     (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func (export "run") (param $k i32) (result i64) (local $i i32) (local $s i64)
    (loop $l
      (local.set $s (i64.add (local.get $s) (call $fib (local.get $i))))
      (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $k))))
    (global.set $z (local.get $i))
    (i64.add (local.get $s) (i64.add (global.get $n) (i64.extend_i32_u (global.get $z))))))"#;

/// Tapes to their end and past it, exact lengths, an early exit.
const TAPES: &str = r#"(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "commit_len" (func $commit (param i32 i64)))
  (import "nonos" "exit" (func $exit (param i32)))
  (func (export "run")
    (call $write (i32.const 3) (call $len (i32.const 0)))
    (call $write (i32.const 3) (call $read (i32.const 0)))
    (call $write (i32.const 3) (call $read (i32.const 0)))
    (call $write (i32.const 3) (call $read (i32.const 0)))
    (call $write (i32.const 5) (call $read (i32.const 2)))
    (call $commit (i32.const 3) (i64.const 30))
    (call $commit (i32.const 3) (i64.const 27))
    (call $commit (i32.const 4) (i64.const 0))
    (call $exit (i32.const -9))
    (call $write (i32.const 5) (i64.const 1))))"#;

/// Divisions and counts of bits.
const QUOTIENTS: &str = r#"(module (func (export "run") (param $x i32) (param $y i32) (param $p i64) (param $q i64) (result i64)
  (local $t i64)
  (local.set $t (i64.extend_i32_u (i32.div_s (local.get $x) (local.get $y))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.rem_u (local.get $x) (local.get $y)))))
  (local.set $t (i64.add (local.get $t) (i64.div_s (local.get $p) (local.get $q))))
  (local.set $t (i64.add (local.get $t) (i64.rem_s (local.get $p) (i64.const -1))))
  (local.set $t (i64.add (local.get $t) (i64.div_u (local.get $p) (local.get $q))))
  (local.set $t (i64.add (local.get $t) (i64.clz (local.get $q))))
  (local.set $t (i64.add (local.get $t) (i64.extend_i32_u (i32.ctz (local.get $y)))))
  (i64.add (local.get $t) (i64.popcnt (local.get $p)))))"#;
