//! Everything that names a function still names the same one.

use nonos_link::link;
use nonos_package::{HostCall, instructions};
use wasmparser_names::functions;

use crate::run::{linked, run};

/// Imports of WASI before, between and behind others; functions named by calls, tail calls, a start function, exports,
/// globals, tables, and element segments of every kind.
const PROGRAM: &str = r#"(module $odd
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (type $unary (func (param i32) (result i32)))
  (global $ref funcref (ref.func $three))
  (global $count (mut i64) (i64.const 100))
  (table $t 8 funcref)
  (memory (export "memory") 1)
  (data (i32.const 0) "data")
  (elem (table $t) (i32.const 1) func $two $close $three)
  (elem $passive funcref (ref.func $five) (ref.null func))
  (elem declare func $seek)
  (export "two" (func $two)) (export "again" (func $close)) (export "_start" (func $main)) (export "len" (func $len))
  (start $init)
  (func $init (global.set $count (i64.add (global.get $count) (i64.const 11))))
  (func $two (param $x i32) (result i32) (i32.add (local.get $x) (i32.const 2)))
  (func $three (param $x i32) (result i32) (i32.mul (local.get $x) (i32.const 3)))
  (func $five (param $x i32) (result i32) (return_call $two (i32.mul (local.get $x) (i32.const 5))))
  (func $say (param $x i32) (call $write (i32.const 3) (i64.extend_i32_u (local.get $x))))
  (func $main
    (table.init $t $passive (i32.const 5) (i32.const 0) (i32.const 2))
    (table.set $t (i32.const 7) (global.get $ref))
    (table.set $t (i32.const 6) (ref.func $seek))
    (call $say (call $close (i32.const 9)))
    (call $say (call $close (i32.const 1)))
    (call $say (call $seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 0)))
    (call $say (call_indirect (type $unary) (i32.const 7) (i32.const 1)))
    (call $say (call_indirect (type $unary) (i32.const 7) (i32.const 2)))
    (call $say (call_indirect (type $unary) (i32.const 7) (i32.const 3)))
    (call $say (call_indirect (type $unary) (i32.const 7) (i32.const 5)))
    (call $say (call_indirect (type $unary) (i32.const 7) (i32.const 7)))
    (call $say (call_indirect (param i32 i64 i32 i32) (result i32) (i32.const 2) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 6)))
    (call $write (i32.const 3) (global.get $count))
    (call $write (i32.const 3) (call $len (i32.const 0)))
    (call $write (i32.const 3) (i64.load (i32.const 0)))))"#;

#[test]
fn every_function_is_called_by_every_way_to_it() {
    let linked = linked(PROGRAM);
    let hosts = linked.host_calls.with(HostCall::Len);
    let ran = run(&linked.wasm, hosts, b"five!");
    let data = u64::from(u32::from_le_bytes(*b"data"));
    // badf, done, spipe; 7 + 2, badf, 7 · 3, 7 · 5 + 2, 7 · 3; spipe; 100 + 11; the input's length.
    let expected = [8, 0, 70, 9, 8, 21, 37, 21, 70, 111, 5, data];
    let words: Vec<u64> = ran
        .outputs
        .result
        .chunks(8)
        .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
        .collect();
    assert_eq!(words, expected);
    let checked = instructions::check(&linked.wasm).unwrap();
    // Those of the program, in its order; then what it did not import.
    assert_eq!(
        checked.imports,
        [HostCall::Write, HostCall::Len, HostCall::CommitLen]
    );
    let exports: Vec<&String> = checked.exports.keys().collect();
    assert_eq!(exports, ["_start", "again", "len", "two"]);
    assert_eq!(checked.start, Some(3), "behind three imports");
}

#[test]
fn names_go_with_their_functions() {
    let linked = linked(PROGRAM);
    let named = functions(&linked.wasm);
    let name = |index: u32| named.get(&index).map(String::as_str);
    let exports = instructions::check(&linked.wasm).unwrap().exports;
    assert_eq!(name(0), Some("write"));
    assert_eq!(name(1), Some("len"));
    assert_eq!(name(exports["two"].function), Some("two"));
    assert_eq!(name(exports["again"].function), Some("wasi:fd_close"));
    assert_eq!(name(exports["_start"].function), Some("wasi:_start"));
    assert!(named.values().any(|name| name == "main"));
    assert_eq!(link(&linked.wasm), Ok(None));
}

/// Reads the name section.
mod wasmparser_names {
    use std::collections::BTreeMap;
    use wasmparser::{KnownCustom, Name, Parser, Payload};

    pub(super) fn functions(wasm: &[u8]) -> BTreeMap<u32, String> {
        let mut names = BTreeMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            if let Payload::CustomSection(section) = payload.unwrap()
                && let KnownCustom::Name(reader) = section.as_known()
            {
                for name in reader {
                    if let Name::Function(map) = name.unwrap() {
                        let mut last = None;
                        for it in map {
                            let it = it.unwrap();
                            assert!(last < Some(it.index), "ascending");
                            last = Some(it.index);
                            names.insert(it.index, it.name.to_owned());
                        }
                    }
                }
            }
        }
        names
    }
}
