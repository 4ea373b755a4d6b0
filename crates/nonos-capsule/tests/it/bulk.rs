//! Operators on many bytes or entries: what they do, and when they pay for it.

use nonos_capsule::{Inputs, Run};
use nonos_package::Policy;
use nonos_types::{Fuel, Outcome, Pages, TrapKind};

use crate::support::{i32, policy, run, trap, try_run};

fn module(body: &str) -> String {
    format!(
        "(module (memory 1 2) (data (i32.const 16) \"abcdefgh\") (data $d \"passive!\") (data $e \"\")
            (table $t 20 30 funcref) (elem $s func $f $f $f) (func $f)
            (func $byte (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export \"run\") {body}))"
    )
}

fn bytes_after(body: &str, at: i32) -> String {
    let text = format!("(result i64) {body} (i64.load (i32.const {at}))");
    let Outcome::Return(values) = run(&module(&text), &[]).outcome else {
        panic!("{body} trapped")
    };
    values[0].word().to_le_bytes().escape_ascii().to_string()
}

fn traps(body: &str) {
    assert_eq!(
        run(&module(body), &[]).outcome,
        trap(TrapKind::MemoryOutOfBounds),
        "{body}"
    );
}

#[test]
fn memory_is_copied_as_if_at_once() {
    assert_eq!(
        bytes_after("(memory.copy (i32.const 18) (i32.const 16) (i32.const 6))", 16),
        "ababcdef"
    );
    assert_eq!(
        bytes_after("(memory.copy (i32.const 16) (i32.const 18) (i32.const 6))", 16),
        "cdefghgh"
    );
    assert_eq!(
        bytes_after(
            "(memory.copy (i32.const 65531) (i32.const 17) (i32.const 5))",
            65528
        ),
        "\\x00\\x00\\x00bcdef"
    );
    assert_eq!(
        bytes_after(
            "(memory.copy (i32.const 65536) (i32.const 65536) (i32.const 0))",
            16
        ),
        "abcdefgh"
    );
    for operands in [
        "65532 16 5",
        "16 65532 5",
        "65537 0 0",
        "0 65537 0",
        "-1 0 2",
        "0 -1 2",
        "0 0 -1",
        "0 1 65536",
    ] {
        let [to, from, count] = operands.split(' ').collect::<Vec<_>>().try_into().unwrap();
        traps(&format!(
            "(memory.copy (i32.const {to}) (i32.const {from}) (i32.const {count}))"
        ));
    }
}

#[test]
fn memory_is_filled_with_a_byte() {
    assert_eq!(
        bytes_after("(memory.fill (i32.const 18) (i32.const 0x178) (i32.const 3))", 16),
        "abxxxfgh"
    );
    assert_eq!(
        bytes_after("(memory.fill (i32.const 65536) (i32.const 1) (i32.const 0))", 16),
        "abcdefgh"
    );
    traps("(memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))");
    traps("(memory.fill (i32.const 65537) (i32.const 1) (i32.const 0))");
    traps("(memory.fill (i32.const 1) (i32.const 1) (i32.const -1))");
}

#[test]
fn memory_is_initialised_from_passive_segments() {
    assert_eq!(
        bytes_after("(memory.init $d (i32.const 17) (i32.const 2) (i32.const 3))", 16),
        "assiefgh"
    );
    assert_eq!(
        bytes_after("(memory.init $d (i32.const 16) (i32.const 0) (i32.const 8))", 16),
        "passive!"
    );
    traps("(memory.init $d (i32.const 16) (i32.const 1) (i32.const 8))");
    traps("(memory.init $d (i32.const 65530) (i32.const 0) (i32.const 8))");
    traps("(memory.init $d (i32.const 0) (i32.const 9) (i32.const 0))");
    traps("(memory.init $e (i32.const 0) (i32.const 0) (i32.const 1))");
    traps("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))");
    traps("(data.drop $d) (memory.init $d (i32.const 16) (i32.const 0) (i32.const 1))");
    let dropped = "(data.drop $d) (data.drop $d) (data.drop 0) (memory.init $d (i32.const 65536) (i32.const 0) (i32.const 0))";
    assert_eq!(bytes_after(dropped, 16), "abcdefgh");
}

#[test]
fn what_has_grown_is_inside() {
    let grown =
        "(drop (memory.grow (i32.const 1))) (memory.fill (i32.const 131000) (i32.const 55) (i32.const 72))";
    assert_eq!(bytes_after(grown, 131064), "77777777");
    traps(&grown.replace("72", "73"));
    let table = "(drop (table.grow $t (ref.null func) (i32.const 10))) (table.fill $t (i32.const 29) (ref.func $f) (i32.const 1))";
    assert_eq!(run(&module(table), &[]).outcome, Outcome::Return(vec![]));
}

/// What an operator costs behind its block: the operands and itself.
fn units(body: &str, block: u64) -> u64 {
    run(&module(body), &[]).fuel_used.get() - block
}

#[test]
fn each_started_word_or_entry_is_paid() {
    for (count, words) in [
        (0, 0),
        (1, 1),
        (7, 1),
        (8, 1),
        (9, 2),
        (4096, 512),
        (65_000, 8125),
    ] {
        for body in [
            format!("(memory.copy (i32.const 3) (i32.const 5) (i32.const {count}))"),
            format!("(memory.fill (i32.const 3) (i32.const 5) (i32.const {count}))"),
        ] {
            assert_eq!(units(&body, 3 + 16), 4 * words, "{body}");
        }
    }
    assert_eq!(
        units("(memory.init $d (i32.const 0) (i32.const 1) (i32.const 7))", 19),
        4
    );
    for count in [0, 1, 3] {
        let count_ = count;
        for body in [
            format!("(table.copy $t $t (i32.const 1) (i32.const 2) (i32.const {count}))"),
            format!("(table.fill $t (i32.const 1) (ref.null func) (i32.const {count}))"),
            format!("(table.init $t $s (i32.const 1) (i32.const 0) (i32.const {count}))"),
        ] {
            assert_eq!(units(&body, 19), 4 * count_, "{body}");
        }
        let grow = format!("(drop (table.grow $t (ref.null func) (i32.const {count})))");
        assert_eq!(units(&grow, 18), 4 * count_);
    }
}

#[test]
fn what_is_outside_is_not_paid() {
    for body in [
        "(memory.copy (i32.const 65000) (i32.const 0) (i32.const 600))",
        "(memory.fill (i32.const 65000) (i32.const 0) (i32.const 600))",
        "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 9))",
        "(table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 21))",
        "(table.fill $t (i32.const 0) (ref.null func) (i32.const 21))",
        "(table.init $t $s (i32.const 0) (i32.const 0) (i32.const 4))",
    ] {
        assert_eq!(units(body, 19), 0, "{body}");
    }
    assert_eq!(
        units("(drop (table.grow $t (ref.null func) (i32.const 11)))", 18),
        0
    );
    for dropped in [
        "(data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))",
        "(elem.drop $s) (table.init $t $s (i32.const 0) (i32.const 0) (i32.const 1))",
    ] {
        assert_eq!(units(dropped, 1 + 19), 0, "{dropped}");
    }
}

fn with_fuel(text: &str, fuel: u64, every: Option<u64>) -> Run {
    let policy = Policy {
        fuel: Fuel::new(fuel),
        checkpoint_every: every.map(Fuel::new),
        max_pages: Pages::new(1),
        ..policy()
    };
    try_run(text, &policy, &[], &Inputs::default()).unwrap()
}

#[test]
fn units_are_paid_before_the_effect_at_every_budget() {
    for body in [
        "(memory.copy (i32.const 3) (i32.const 16) (i32.const 17))",
        "(memory.fill (i32.const 3) (i32.const 5) (i32.const 17))",
        "(memory.init $d (i32.const 0) (i32.const 1) (i32.const 7))",
        "(table.fill $t (i32.const 1) (ref.func $f) (i32.const 5))",
        "(table.init $t $s (i32.const 1) (i32.const 0) (i32.const 3))",
        "(drop (table.grow $t (ref.func $f) (i32.const 3)))",
    ] {
        let text = module(body);
        let full = run(&text, &[]);
        let untouched = run(&module(""), &[]).state;
        assert_ne!(full.state, untouched, "{body}");
        for every in [None, Some(1), Some(9)] {
            for budget in 0..full.fuel_used.get() + 2 {
                let run = with_fuel(&text, budget, every);
                if budget < full.fuel_used.get() {
                    assert_eq!(
                        (run.outcome, run.fuel_used.get()),
                        (Outcome::OutOfFuel, budget),
                        "{body}"
                    );
                    assert_eq!(run.state, untouched, "{body} {budget}");
                } else {
                    assert_eq!(
                        (run.outcome, run.fuel_used),
                        (full.outcome.clone(), full.fuel_used)
                    );
                    assert_eq!(run.state, full.state, "{body} {budget}");
                }
            }
        }
    }
}

#[test]
fn bulk_operators_take_no_room() {
    let text = "(module (memory 1) (table 2 funcref) (func $down (export \"run\") (param i32) (result i32)
        (memory.fill (i32.const 0) (local.get 0) (i32.const 8))
        (table.fill (i32.const 0) (ref.null func) (i32.const 1))
        (if (result i32) (i32.le_s (local.get 0) (i32.const 1)) (then (i32.const 1))
            (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))";
    assert_eq!(run(text, &[i32(512)]).outcome, Outcome::Return(vec![i32(512)]));
    assert_eq!(run(text, &[i32(513)]).outcome, trap(TrapKind::StackExhausted));
}
