//! Tables: entries, sizes, growth, bulk operations on them.

use nonos_machine::End;
use nonos_package::fuel;
use nonos_types::TrapKind;

use crate::reference::{agree, agree_at_each_budget};

const OUTSIDE: End = End::Trap(TrapKind::TableOutOfBounds);
const MOST: u64 = u32::MAX as u64;

/// Three tables, of which the second grows, four functions that give their numbers, and `run` with three
/// parameters, which gives what each entry is at the end, ten to the power of its place, and one number more.
pub(crate) fn module(result: &str, body: &str) -> String {
    let look = |table: &str| {
        format!(
            r#"(func (param $to i32) (result i64) (local $at i32) (local $sum i64)
                block loop
                    local.get $at local.get $to i32.ge_u br_if 1
                    local.get $sum i64.const 10 i64.mul
                    local.get $at table.get {table} ref.is_null if (result i64) i64.const 0
                    else local.get $at call_indirect {table} (type $give) end
                    i64.add local.set $sum
                    local.get $at i32.const 1 i32.add local.set $at
                    br 0
                end end
                local.get $sum)"#
        )
        .replacen("(func", &format!("(func $look_{}", &table[1..]), 1)
    };
    format!(
        r#"(module (type $give (func (result i64)))
            (table $t 10 funcref) (table $g 4 funcref) (table $x 3 3 externref) (table $u 6 9 funcref)
            (elem (table $t) (i32.const 1) func $one $two $three $four)
            (elem $active (table $u) (i32.const 0) func $four $three)
            (elem $passive func $two $one $four $three $two)
            (elem $null funcref (ref.null func) (ref.func $three) (ref.null func))
            (elem $empty func)
            (elem $declared declare func $one)
            (global $kept (mut funcref) (ref.func $two))
            (global $fixed funcref (ref.func $four))
            (func $one (type $give) i64.const 1) (func $two (type $give) i64.const 2)
            (func $three (type $give) i64.const 3) (func $four (type $give) i64.const 4)
            {} {} {}
            (func $body (param i32 i32 i32) {result} {body})
            (func (export "run") (param i32 i32 i32) (result i64 i64 i64 {})
                local.get 0 local.get 1 local.get 2 call $body {}
                i32.const 10 call $look_t
                table.size $g call $look_g
                i32.const 6 call $look_u {}))"#,
        look("$t"),
        look("$g"),
        look("$u"),
        if result.is_empty() { "" } else { "i32" },
        if result.is_empty() { "" } else { "local.set 0" },
        if result.is_empty() { "" } else { "local.get 0" },
    )
}

/// What the entries are at the start.
const AT_START: [u64; 3] = [123_400_000, 0, 430_000];

fn entries(body: &str, arguments: [u64; 3]) -> Result<[u64; 3], End> {
    match agree(&module("", body), &arguments).end {
        End::Return(values) => Ok([values[0], values[1], values[2]]),
        end => Err(end),
    }
}

#[test]
fn begins_with_what_the_segments_say() {
    assert_eq!(entries("", [0; 3]), Ok(AT_START));
}

#[test]
fn gets_and_sets_entries_inside_only() {
    for (table, size) in [("$t", 10), ("$g", 4), ("$u", 6)] {
        for index in [0, 1, size - 1, size, size + 1, 9, 1 << 31, MOST] {
            let set = format!("local.get 0 global.get $kept table.set {table}");
            let null = format!("local.get 0 ref.null func table.set {table}");
            let get = format!(
                "local.get 0 table.get {table} global.set $kept i32.const 3 global.get $kept table.set $u"
            );
            let known = format!(
                "i32.const {} global.get $fixed table.set {table}",
                (index as u32).cast_signed()
            );
            let known_get = format!(
                "i32.const {} table.get {table} ref.is_null if unreachable end",
                (index as u32).cast_signed()
            );
            for body in [set, null, get, known] {
                let end = entries(&body, [index, 0, 0]);
                assert_eq!(end.is_ok(), index < size, "{body} {index}");
                assert!(end.is_ok() || end == Err(OUTSIDE.clone()));
            }
            entries(&known_get, [index, 0, 0]).ok();
            let run = agree_at_each_budget(
                &module("", &format!("local.get 0 ref.func $one table.set {table}")),
                &[index, 0, 0],
            );
            assert_eq!(run.end == OUTSIDE, index >= size);
        }
    }
}

#[test]
fn keeps_references_of_the_outside_null() {
    let body = r#"local.get 0 local.get 0 table.get $x table.set $x
        local.get 0 table.get $x ref.is_null i32.eqz if unreachable end
        i32.const 0 ref.null extern i32.const 3 table.fill $x"#;
    for index in [0, 2, 3] {
        assert_eq!(entries(body, [index, 0, 0]).is_ok(), index < 3);
    }
}

#[test]
fn grows_up_to_the_limit() {
    let grow = |table: &str, body: &str| {
        format!(
            "{body} global.get $kept local.get 0 table.grow {table} table.size {table} i32.const 8 i32.shl i32.add"
        )
    };
    let value = |body: &str, by: u64| match agree(&module("(result i32)", body), &[by, 0, 0]).end {
        End::Return(values) => values,
        end => panic!("{end:?}"),
    };
    let size = |old: i64, now: i64| u64::from((old + (now << 8)) as u32);
    for by in [0, 1, 2, 5] {
        assert_eq!(value(&grow("$g", ""), by)[3], size(4, 4 + by as i64));
    }
    assert_eq!(value(&grow("$g", ""), 3)[1], 222);
    assert_eq!(value(&grow("$u", ""), 3)[3], size(6, 9));
    for by in [4, 5, 4096, 1 << 31, MOST] {
        assert_eq!(value(&grow("$u", ""), by)[3], size(-1, 6));
    }
    let twice = "ref.null func i32.const 2 table.grow $u drop ref.func $one i32.const 5 table.grow $u drop";
    assert_eq!(value(&grow("$u", twice), 1)[3], size(8, 9));
    assert_eq!(value(&grow("$u", twice), 2)[3], size(-1, 8));
}

#[test]
fn grows_a_table_without_a_maximum_to_the_limit_of_capsules() {
    let grow = "(module (table 1 funcref) (func (export \"run\") (param i32) (result i32 i32)
        ref.null func local.get 0 table.grow 0 table.size 0))";
    let end = |by: u64| agree(grow, &[by]).end;
    assert_eq!(end(4095), End::Return(vec![1, 4096]));
    for by in [4096, 4097, 65_536, MOST] {
        assert_eq!(end(by), End::Return(vec![MOST, 1]));
    }
    for by in [0, 1, 7, 5000] {
        let run = agree_at_each_budget(grow, &[by]);
        let units = if by == 5000 {
            0
        } else {
            fuel::entry_units(by as u32).get()
        };
        assert_eq!(run.fuel.get(), 1 + 1 + 16 + 1 + units);
    }
}

/// A bulk operation with the parameters as operands, at the edges of what it writes and reads.
fn bulk(operator: &str, written: u64, read: Option<u64>) {
    let body = match read {
        Some(_) => format!("local.get 0 local.get 1 local.get 2 {operator}"),
        None => format!("local.get 0 global.get $kept local.get 2 {operator}"),
    };
    let wat = module("", &body);
    let starts = [0, 1, 3, 6, 10, 11, MOST];
    for (to, from) in starts.iter().flat_map(|to| starts.map(|from| (*to, from))) {
        for count in [0, 1, 3, 6, 10, MOST] {
            let run = agree(&wat, &[to, from, count]);
            let inside = to + count <= written && read.is_none_or(|read| from + count <= read);
            assert_eq!(run.end == OUTSIDE, !inside, "{operator} {to} {from} {count}");
        }
    }
    for arguments in [[1, 0, 3], [0, 1, 3], [2, 2, 0], [8, 0, 3]] {
        agree_at_each_budget(&wat, &arguments);
    }
}

#[test]
fn copies_within_a_table_and_between_tables() {
    bulk("table.copy $t $t", 10, Some(10));
    bulk("table.copy $u $t", 6, Some(10));
    bulk("table.copy $t $u", 10, Some(6));
    bulk("table.copy $g $t", 4, Some(10));
}

#[test]
fn fills_and_initialises_tables() {
    bulk("table.fill $t", 10, None);
    bulk("table.fill $g", 4, None);
    bulk("table.init $t $passive", 10, Some(5));
    bulk("table.init $u $passive", 6, Some(5));
    bulk("table.init $g $null", 4, Some(3));
    bulk("table.init $t $empty", 10, Some(0));
    bulk("table.init $u $active", 6, Some(0));
    bulk("table.init $u $declared", 6, Some(0));
}

#[test]
fn pays_for_entries_once_they_are_inside() {
    for operator in ["copy 0 0", "init 0 0", "fill 0"] {
        let second = if operator == "fill 0" {
            "ref.null func"
        } else {
            "i32.const 1"
        };
        let wat = format!(
            r#"(module (table 6 funcref) (elem func $run $run $run $run $run $run)
                (func $run (export "run") (param i32 i32) local.get 0 {second} local.get 1 table.{operator}))"#
        );
        for (to, count) in [
            (0, 0),
            (0, 1),
            (0, 5),
            (2, 4),
            (6, 0),
            (3, 4),
            (7, 0),
            (0, 7),
            (0, MOST),
        ] {
            let run = agree_at_each_budget(&wat, &[to, count]);
            let units = match run.end {
                End::Trap(_) => 0,
                _ => fuel::entry_units(count as u32).get(),
            };
            assert_eq!(run.fuel.get(), 3 + 16 + units, "{operator} {to} {count}");
        }
    }
}

#[test]
fn copies_overlapping_entries_as_if_at_once() {
    let copy = "local.get 0 local.get 1 local.get 2 table.copy $t $t";
    assert_eq!(entries(copy, [2, 1, 4]).unwrap()[0], 112_340_000);
    assert_eq!(entries(copy, [0, 1, 4]).unwrap()[0], 1_234_400_000);
    assert_eq!(entries(copy, [3, 1, 4]).unwrap()[0], 121_234_000);
    let init = "local.get 0 local.get 1 local.get 2 table.init $u $passive";
    assert_eq!(entries(init, [1, 1, 4]).unwrap()[2], 414_320);
}

#[test]
fn forgets_element_segments() {
    let init = |segment: &str| format!("local.get 0 local.get 1 local.get 2 table.init $t {segment}");
    for (arguments, is_inside) in [([0, 0, 0], true), ([0, 0, 1], false), ([0, 1, 0], false)] {
        for segment in ["$passive", "$null", "$active", "$declared", "$empty"] {
            let body = format!("elem.drop {segment} elem.drop {segment} {}", init(segment));
            assert_eq!(entries(&body, arguments).is_ok(), is_inside, "{body}");
        }
    }
    let late = format!("elem.drop $null {} elem.drop $passive", init("$passive"));
    assert_eq!(entries(&late, [5, 0, 5]).unwrap()[0], 123_421_432);
}

#[test]
fn grows_between_copies() {
    let body = "global.get $fixed i32.const 6 table.grow $g drop
        local.get 0 local.get 1 local.get 2 table.copy $g $t";
    assert_eq!(entries(body, [0, 1, 10]), Err(OUTSIDE));
    assert_eq!(entries(body, [1, 1, 9]).unwrap()[1], 123_400_000);
    assert_eq!(entries(body, [2, 1, 4]).unwrap()[1], 12_344_444);
}
