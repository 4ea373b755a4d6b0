//! Memory and call depth.

use nonos_capsule::{Error, Inputs};
use nonos_package::{Policy, limits};
use nonos_types::{Fuel, Outcome, Pages, TrapKind};

use crate::support::{i32, i64, policy, run, trap, try_run};

#[test]
fn growth_past_the_policy_gives_minus_one_and_no_page() {
    let text =
        "(module (memory 1) (func (export \"run\") (param i32) (result i32) (memory.grow (local.get 0))))";
    for (pages, old, peak) in [(0, 1, 1), (15, 1, 16), (16, -1, 1), (65535, -1, 1), (-1, -1, 1)] {
        let run = run(text, &[i32(pages)]);
        assert_eq!(
            (run.outcome, run.peak_pages.get()),
            (Outcome::Return(vec![i32(old)]), peak),
            "{pages}"
        );
    }
}

#[test]
fn growth_past_the_modules_own_maximum_gives_minus_one() {
    let text =
        "(module (memory 1 3) (func (export \"run\") (param i32) (result i32) (memory.grow (local.get 0))))";
    assert_eq!(run(text, &[i32(2)]).outcome, Outcome::Return(vec![i32(1)]));
    assert_eq!(run(text, &[i32(3)]).outcome, Outcome::Return(vec![i32(-1)]));
}

#[test]
fn memory_size_is_what_growth_left() {
    let text = "(module (memory 0) (func (export \"run\") (result i32)
        (drop (memory.grow (i32.const 5))) (drop (memory.grow (i32.const 99))) memory.size))";
    let run = run(text, &[]);
    assert_eq!(run.outcome, Outcome::Return(vec![i32(5)]));
    assert_eq!(run.peak_pages, Pages::new(5));
}

#[test]
fn refuses_a_module_that_starts_above_the_limit() {
    let error = try_run(
        "(module (memory 17) (func (export \"run\")))",
        &policy(),
        &[],
        &Inputs::default(),
    );
    let Err(Error::Refused(nonos_package::Error::MemoryTooLarge { initial, granted })) = error else {
        panic!("{error:?}")
    };
    assert_eq!((initial, granted), (Pages::new(17), Pages::new(16)));
}

/// With the interpreter's other dispatch this overflows the native stack and takes the process down.
#[test]
fn a_loop_of_failing_growth_does_not_crash_the_host() {
    let text = "(module (memory 1 2) (func (export \"run\") (param i32)
        (loop i32.const 60000 memory.grow drop
        local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)))";
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let run = thread
        .spawn(|| run(text, &[i32(100_000)]))
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(run.outcome, Outcome::Return(vec![]));
    assert_eq!(run.fuel_used.get(), 100_000 * 70);
}

/// Recurses `n` calls deep, entry included, and counts them.
const DEEP: &str = "(module (func $down (export \"run\") (param i32) (result i32)
    (if (result i32) (i32.le_s (local.get 0) (i32.const 1))
        (then (i32.const 1))
        (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))";

#[test]
fn the_call_depth_is_exactly_the_limit() {
    let limit = i32::from(limits::CALL_DEPTH);
    assert_eq!(
        run(DEEP, &[i32(limit)]).outcome,
        Outcome::Return(vec![i32(limit)])
    );
    assert_eq!(
        run(DEEP, &[i32(limit + 1)]).outcome,
        trap(TrapKind::StackExhausted)
    );
    assert_eq!(
        run(DEEP, &[i32(i32::MAX)]).outcome,
        trap(TrapKind::StackExhausted)
    );
}

#[test]
fn a_call_past_the_limit_does_not_pay_for_the_callee() {
    let limit = i32::from(limits::CALL_DEPTH);
    let at = run(DEEP, &[i32(limit)]).fuel_used.get();
    let past = run(DEEP, &[i32(limit + 1)]).fuel_used.get();
    // Each level but the last pays 4 + 8; the last of the run that returns pays 4 + 1.
    assert_eq!(at, 511 * 12 + 5);
    assert_eq!(past, 512 * 12);
}

#[test]
fn calls_that_have_returned_do_not_count() {
    let text = "(module (func $leaf (param i32) (result i32) (if (local.get 0) (then (return (i32.const 1)))) (block (br 1 (i32.const 2))) i32.const 3)
        (func (export \"run\") (param i32) (result i32) (local i32)
            (loop
                (local.set 1 (i32.add (local.get 1) (call $leaf (i32.and (local.get 0) (i32.const 1)))))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get 1))";
    assert_eq!(
        run(text, &[i32(10_000)]).outcome,
        Outcome::Return(vec![i32(15_000)])
    );
}

#[test]
fn host_calls_take_no_room() {
    let text = r#"(module (import "nonos" "len" (func $len (param i32) (result i64)))
        (func $down (export "run") (param i32) (result i64)
        (if (result i64) (i32.le_s (local.get 0) (i32.const 1))
            (then (i64.add (i64.const 1) (call $len (i32.const 0))))
            (else (i64.add (i64.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))"#;
    let limit = limits::CALL_DEPTH;
    assert_eq!(
        run(text, &[i32(i32::from(limit))]).outcome,
        Outcome::Return(vec![i64(i64::from(limit))])
    );
}

/// The interpreter's own stack must not bind before the call depth does, whatever a function needs of it.
#[test]
fn the_largest_frames_reach_the_call_depth_too() {
    let locals = "i64 ".repeat(limits::LOCALS as usize - 1);
    // Many values on the operand stack while the call is open.
    let (push, drop) = ("(i64.load (i32.const 0)) ".repeat(2000), "i64.add ".repeat(1999));
    let text = format!(
        "(module (memory 1) (func $down (export \"run\") (param i32) (local {locals})
            (if (i32.gt_s (local.get 0) (i32.const 1)) (then
                {push} (call $down (i32.sub (local.get 0) (i32.const 1))) {drop} (local.set 1)))))"
    );
    let limit = i32::from(limits::CALL_DEPTH);
    assert_eq!(run(&text, &[i32(limit)]).outcome, Outcome::Return(vec![]));
    assert_eq!(
        run(&text, &[i32(limit + 1)]).outcome,
        trap(TrapKind::StackExhausted)
    );
}

/// As above, where the metering adds locals for the values of labels, and calls of its own at the deepest point.
#[test]
fn the_largest_frames_with_several_results_reach_the_call_depth_too() {
    let locals = "i64 ".repeat(limits::LOCALS as usize - 1);
    let (push, drop) = ("(i64.load (i32.const 0)) ".repeat(2000), "i64.add ".repeat(1999));
    let results = "i64 ".repeat(limits::RESULTS);
    let values = "(local.get 1) ".repeat(limits::RESULTS);
    let rest = "drop ".repeat(limits::RESULTS);
    let text = format!(
        "(module (memory 1) (type $f (func (param i32) (result {results}))) (table funcref (elem $down))
            (func $down (export \"run\") (type $f) (local {locals})
            (if (i32.gt_s (local.get 0) (i32.const 1)) (then
                {push} (call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)) {rest} {drop} (local.set 1))
                (else (memory.fill (i32.const 0) (i32.const 0) (i32.const 8))))
            {values}))"
    );
    let limit = i32::from(limits::CALL_DEPTH);
    assert_eq!(
        run(&text, &[i32(limit)]).outcome,
        Outcome::Return(vec![crate::support::i64(0); limits::RESULTS])
    );
    assert_eq!(
        run(&text, &[i32(limit + 1)]).outcome,
        trap(TrapKind::StackExhausted)
    );
}

#[test]
fn out_of_fuel_comes_before_the_stack_limit_where_it_is_met_first() {
    let policy = Policy {
        fuel: Fuel::new(12 * 100),
        ..policy()
    };
    let run = try_run(DEEP, &policy, &[i32(i32::MAX)], &Inputs::default()).unwrap();
    assert_eq!((run.outcome, run.fuel_used.get()), (Outcome::OutOfFuel, 1200));
}
