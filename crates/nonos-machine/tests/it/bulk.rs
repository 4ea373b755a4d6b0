//! Bulk operations on memory.

use nonos_machine::{End, Run};
use nonos_package::fuel;
use nonos_types::TrapKind;

use crate::reference::{agree, agree_at_each_budget};

const PAGE: u64 = 1 << 16;
const MOST: u64 = u32::MAX as u64;
const OUTSIDE: End = End::Trap(TrapKind::MemoryOutOfBounds);

/// Bytes that are different from their neighbours, as a string of wat.
fn bytes(from: usize, count: usize) -> String {
    (from..from + count)
        .map(|at| format!("\\{:02x}", (at.wrapping_mul(181) + 7) & 0xff))
        .collect()
}

/// A memory of a page with something at both ends, and a function of three numbers.
fn module(body: &str) -> String {
    let (low, high) = (bytes(0, 200), bytes(1000, 200));
    format!(
        r#"(module (memory (export "memory") 1 2)
            (data (i32.const 0) "{low}") (data (i32.const {}) "{high}")
            (func (export "run") (param i32 i32 i32) {body}))"#,
        PAGE - 200
    )
}

const COPY: &str = "local.get 0 local.get 1 local.get 2 memory.copy";
const FILL: &str = "local.get 0 local.get 1 local.get 2 memory.fill";

/// The units for bytes are paid on top of the same constant.
fn copies(wat: &str, [to, from, count]: [u64; 3], end: End) -> Run {
    let run = agree(wat, &[to, from, count]);
    assert_eq!(run.end, end, "{to} {from} {count}");
    let units = if end == OUTSIDE {
        0
    } else {
        fuel::memory_units(count as u32).get()
    };
    assert_eq!(run.fuel.get(), 3 + 16 + units, "{to} {from} {count}");
    run
}

const DONE: End = End::Return(vec![]);

#[test]
fn copies_any_number_of_bytes_whatever_overlaps() {
    let wat = module(COPY);
    for count in (0..20).chain([31, 32, 33, 39, 40, 63, 64, 65, 71, 100]) {
        for (to, from) in [
            (0, 0),
            (300, 5),
            (5, 300),
            (7, 3),
            (8, 0),
            (0, 8),
            (3, 7),
            (1, 0),
            (0, 1),
        ] {
            let run = copies(&wat, [to, from, count], DONE);
            let before = agree(&module(""), &[0; 3]).memory;
            let read = &before[from as usize..(from + count) as usize];
            assert_eq!(&run.memory[to as usize..(to + count) as usize], read);
        }
        for distance in [2, 6, 9, 15, 31, 33, 40] {
            copies(&wat, [20, 20 + distance, count], DONE);
            copies(&wat, [20 + distance, 20, count], DONE);
        }
    }
}

#[test]
fn copies_up_to_the_end_and_not_past_it() {
    let wat = module(COPY);
    for count in [0, 1, 7, 8, 9, 32, 33, 100, PAGE] {
        let last = PAGE - count;
        copies(&wat, [last, 0, count], DONE);
        copies(&wat, [0, last, count], DONE);
        copies(&wat, [last, last, count], DONE);
        for (to, from) in [(last + 1, 0), (0, last + 1), (last + 1, last), (last, last + 1)] {
            let run = copies(&wat, [to, from, count], OUTSIDE);
            assert_eq!(run.memory, agree(&module(""), &[0; 3]).memory);
        }
    }

    for [to, from, count] in [
        [MOST, 0, 0],
        [0, MOST, 0],
        [MOST, MOST, MOST],
        [0, 0, MOST],
        [1, MOST, 1],
        [MOST, 1, 2],
        [PAGE - 8, 0, MOST - PAGE + 9],
    ] {
        copies(&wat, [to, from, count], OUTSIDE);
    }
}

#[test]
fn fills_any_number_of_bytes_up_to_the_end() {
    let wat = module(FILL);
    for count in (0..20).chain([31, 32, 33, 64, 71, 100]) {
        for to in [0, 1, 5, 8, 300, PAGE - count] {
            let run = copies(&wat, [to, 0xabcd_ef12, count], DONE);
            let filled = &run.memory[to as usize..(to + count) as usize];
            assert!(filled.iter().all(|byte| *byte == 0x12));
        }
        copies(&wat, [PAGE - count + 1, 0xff, count], OUTSIDE);
    }
    copies(&wat, [0, 1, PAGE], DONE);
    copies(&wat, [0, 1, PAGE + 1], OUTSIDE);
    copies(&wat, [u64::from(u32::MAX), 1, 0], OUTSIDE);
    copies(&wat, [u64::from(u32::MAX), 1, 1], OUTSIDE);
    copies(&wat, [8, 1, u64::from(u32::MAX) - 7], OUTSIDE);
}

#[test]
fn pays_for_bytes_at_each_budget() {
    for count in [0, 1, 8, 9, 40, 71] {
        for arguments in [[4, 0, count], [0, 4, count], [300, 0, count], [PAGE, 0, count]] {
            agree_at_each_budget(&module(COPY), &arguments);
            agree_at_each_budget(&module(FILL), &arguments);
        }
    }
}

#[test]
fn finds_a_memory_that_has_grown() {
    let grow = "i32.const 1 memory.grow drop";
    for (to, end) in [(2 * PAGE - 9, DONE), (2 * PAGE - 8, OUTSIDE)] {
        for operation in [COPY, FILL] {
            let run = agree(&module(&format!("{grow} {operation}")), &[to, 3, 9]);
            assert_eq!(run.end, end);
        }
    }
    let empty = r#"(module (memory (export "memory") 0 1)
        (func (export "run") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy))"#;
    assert_eq!(agree(empty, &[0, 0, 0]).end, DONE);
    assert_eq!(agree(empty, &[0, 0, 1]).end, OUTSIDE);
}

#[test]
fn leaves_what_is_below_on_the_stack_and_in_locals() {
    let wat = r#"(module (memory (export "memory") 1)
        (func (export "run") (param i32 i32 i32) (result i64 i32 i32) (local i64)
            i64.const 77 local.set 3
            local.get 3
            local.get 2 i32.const 5 i32.mul
            local.get 0 i32.const 1 i32.add local.get 1 i32.const 64 memory.fill
            local.get 1 i32.const 100 local.get 2 memory.copy
            i32.const 3 local.get 0 i32.add
            local.get 3 i32.wrap_i64 drop))"#;
    let run = agree(wat, &[10, 7, 20]);
    assert_eq!(run.end, End::Return(vec![77, 100, 13]));
}

/// Two segments, the first one of `length` bytes; a function of three numbers.
pub(crate) fn segments(length: usize, body: &str) -> String {
    let content = bytes(0, length);
    format!(
        r#"(module (memory (export "memory") 1)
            (data $first "{content}")
            (data $active (i32.const 65500) "active")
            (data $second "0123456789abcdefghijklmnopqrstuvwxyz")
            (func (export "run") (param i32 i32 i32) {body}))"#
    )
}

#[test]
fn initialises_from_passive_segments() {
    let init = "local.get 0 local.get 1 local.get 2 memory.init";
    for length in [0_u64, 1, 8, 9, 70] {
        let wat = segments(length as usize, &format!("{init} $first"));
        for from in [0, 1, 8] {
            for count in [0, 1, 5, 8, 9, 62, 70] {
                let end = if from + count > length { OUTSIDE } else { DONE };
                copies(&wat, [13, from, count], end.clone());
                copies(&wat, [PAGE - count, from, count], end);
                copies(&wat, [PAGE - count + 1, from, count], OUTSIDE);
            }
        }
        let wat = segments(length as usize, &format!("{init} $second"));
        let run = copies(&wat, [3, 1, 35], DONE);
        assert_eq!(
            run.memory[..39],
            *b"\x00\x00\x00123456789abcdefghijklmnopqrstuvwxyz\0"
        );
    }
    let wat = segments(9, &format!("{init} $first"));
    for [to, from, count] in [
        [0, u32::MAX, 0],
        [0, u32::MAX, 1],
        [u32::MAX, 0, 1],
        [0, 0, u32::MAX],
    ] {
        copies(&wat, [to, from, count].map(u64::from), OUTSIDE);
    }
    agree_at_each_budget(&wat, &[5, 0, 9]);
    agree_at_each_budget(&wat, &[5, 0, 10]);
}

#[test]
fn forgets_segments() {
    let init = |segment: &str| format!("local.get 0 local.get 1 local.get 2 memory.init {segment}");
    let ends = |body: &str, arguments: [u64; 3]| agree_at_each_budget(&segments(9, body), &arguments).end;
    for (arguments, end) in [([0, 0, 0], DONE), ([0, 0, 1], OUTSIDE), ([0, 1, 0], OUTSIDE)] {
        let dropped = format!("{} data.drop $first data.drop $first {}", "", init("$first"));
        assert_eq!(ends(&dropped, arguments), end);
        // An active segment is dropped from the start.
        assert_eq!(ends(&init("$active"), arguments), end);
    }
    let other = format!("data.drop $first data.drop $active {}", init("$second"));
    assert_eq!(ends(&other, [4, 5, 31]), DONE);
    let late = format!("{} data.drop $second {}", init("$second"), init("$second"));
    assert_eq!(ends(&late, [4, 5, 31]), OUTSIDE);
}

#[test]
fn moves_known_numbers_of_bytes_with_the_same_outcome() {
    for count in (0..=67).chain([1 << 16, u32::MAX as u64]) {
        let known = (count as u32).cast_signed();
        let copy = module(&format!("local.get 0 local.get 1 i32.const {known} memory.copy"));
        let fill = module(&format!("local.get 0 local.get 1 i32.const {known} memory.fill"));
        for wat in [&copy, &fill] {
            let last = PAGE.saturating_sub(count);
            for (to, from) in [
                (300, 0),
                (0, 300),
                (5, 3),
                (3, 5),
                (8, 0),
                (last, 1),
                (0, last),
                (last, last),
            ] {
                let inside = to.max(from) + count <= PAGE || wat == &fill && to + count <= PAGE;
                copies(wat, [to, from, count], if inside { DONE } else { OUTSIDE });
            }
            for (to, from) in [(last + 1, 1), (1, last + 1), (MOST, 0), (0, MOST), (PAGE, PAGE)] {
                let inside = to.max(from) + count <= PAGE || wat == &fill && to + count <= PAGE;
                let end = if inside { DONE } else { OUTSIDE };
                let run = copies(wat, [to, from, count], end.clone());
                if end == OUTSIDE {
                    assert_eq!(run.memory, agree(&module(""), &[0; 3]).memory);
                }
            }
            if count < 68 {
                agree_at_each_budget(wat, &[3, 5, 0]);
                agree_at_each_budget(wat, &[last + 1, 5, 0]);
            }
        }
    }
}

#[test]
fn knows_addresses_and_values_too() {
    for (to, from) in [
        (0_u32, 8_u32),
        (100, 90),
        (65_500, 3),
        (65_535, 0),
        (3, 65_520),
        (u32::MAX, 0),
    ] {
        let (to, from) = (to.cast_signed(), from.cast_signed());
        for count in [1, 8, 21, 64] {
            for operation in [
                format!("i32.const {to} i32.const {from} i32.const {count} memory.copy"),
                format!("i32.const {to} local.get 0 i32.const {count} memory.copy"),
                format!("local.get 0 i32.const {from} i32.const {count} memory.copy"),
                format!("i32.const {to} i32.const {from} i32.const {count} memory.fill"),
                format!("i32.const {to} i32.const 0 i32.const {count} memory.fill"),
                format!("local.get 1 i32.const 0x1fe i32.const {count} memory.fill"),
            ] {
                agree(&module(&operation), &[17, 23, 0]);
            }
        }
    }
}

/// Steps of a run with `count` bytes beyond those of one with none.
fn steps(body: &str, arguments: [u64; 3]) -> f64 {
    let wat = module(body);
    let none = agree(&wat, &[arguments[0], arguments[1], 0]).steps;
    (agree(&wat, &arguments).steps - none) as f64
}

#[test]
fn takes_few_steps_for_a_byte() {
    const BYTES: u64 = 32 << 10;
    for (body, arguments, most) in [
        (COPY, [0, 1, BYTES], 0.344),
        (COPY, [1, 0, BYTES], 0.344),
        (FILL, [0, 1, BYTES], 0.188),
    ] {
        let each = steps(body, arguments) / BYTES as f64;
        assert!(each <= most, "{body}: {each} steps for a byte");
    }
    // A few bytes, and a few whose number is known.
    let known = |count: u64| format!("local.get 0 local.get 1 i32.const {count} memory.copy");
    for (count, most, most_known) in [(7, 24, 7), (16, 27, 5), (31, 39, 13), (64, 39, 17)] {
        let wat = module(COPY);
        let base = agree(&module(""), &[0; 3]).steps;
        let all = agree(&wat, &[300, 0, count]).steps - base;
        let few = agree(&module(&known(count)), &[300, 0, 0]).steps - base;
        assert!(
            all <= most && few <= most_known,
            "{count} bytes: {all} steps, {few} if known"
        );
    }
}

#[test]
fn begins_with_segments_that_meet_and_overlap() {
    for start in 0..9 {
        for length in [0, 1, 3, 7, 8, 9, 17] {
            let (first, second) = (bytes(3, 40), bytes(start + 100, length));
            let wat = format!(
                r#"(module (memory (export "memory") 1) (data (i32.const 5) "{first}")
                    (data (i32.const {start}) "{second}") (data (i32.const 65535) "\01")
                    (func (export "run")))"#
            );
            agree(&wat, &[]);
        }
    }
}
