//! Operators on values and control: division, counting, several values, jumps by table, tail calls.

use nonos_types::{Outcome, TrapKind, Value};

use crate::support::{hosted, i32, i64, run, trap};

const WORDS: [i64; 9] = [
    0,
    1,
    -1,
    7,
    -7,
    i64::MAX,
    i64::MIN,
    1 << 32,
    0x00f0_0000_0000_1000,
];

fn binary(ty: &str, op: &str, a: Value, b: Value) -> Outcome {
    let text = format!(
        "(module (func (export \"run\") (param {ty} {ty}) (result {ty}) ({ty}.{op} (local.get 0) (local.get 1))))"
    );
    run(&text, &[a, b]).outcome
}

/// The value, or the trap of a division by `divisor` that has none.
fn quotient(value: Option<Value>, divisor: i64) -> Outcome {
    match value {
        Some(value) => Outcome::Return(vec![value]),
        None if divisor == 0 => trap(TrapKind::DivisionByZero),
        None => trap(TrapKind::IntegerOverflow),
    }
}

#[test]
fn divides_words() {
    for a in WORDS {
        for b in WORDS {
            let (ua, ub) = (a.cast_unsigned(), b.cast_unsigned());
            let of = |op: &str| binary("i64", op, i64(a), i64(b));
            assert_eq!(of("div_s"), quotient(a.checked_div(b).map(i64), b), "{a} {b}");
            assert_eq!(
                of("div_u"),
                quotient(ua.checked_div(ub).map(Value::I64), b),
                "{a} {b}"
            );
            let rest = (b != 0).then(|| i64(a.wrapping_rem(b)));
            assert_eq!(of("rem_s"), quotient(rest, b), "{a} {b}");
            assert_eq!(
                of("rem_u"),
                quotient(ua.checked_rem(ub).map(Value::I64), b),
                "{a} {b}"
            );
        }
    }
}

#[test]
fn divides_half_words() {
    let halves = [0, 1, -1, 3, -3, i32::MAX, i32::MIN, 0x1234_5678];
    for a in halves {
        for b in halves {
            let (ua, ub) = (a.cast_unsigned(), b.cast_unsigned());
            let of = |op: &str| binary("i32", op, i32(a), i32(b));
            let divisor = i64::from(b);
            assert_eq!(
                of("div_s"),
                quotient(a.checked_div(b).map(i32), divisor),
                "{a} {b}"
            );
            assert_eq!(
                of("div_u"),
                quotient(ua.checked_div(ub).map(Value::I32), divisor),
                "{a} {b}"
            );
            let rest = (b != 0).then(|| i32(a.wrapping_rem(b)));
            assert_eq!(of("rem_s"), quotient(rest, divisor), "{a} {b}");
            assert_eq!(
                of("rem_u"),
                quotient(ua.checked_rem(ub).map(Value::I32), divisor),
                "{a} {b}"
            );
        }
    }
}

#[test]
fn counts_bits() {
    let count = |ty: &str, op: &str, value: Value| {
        let text =
            format!("(module (func (export \"run\") (param {ty}) (result {ty}) ({ty}.{op} (local.get 0))))");
        run(&text, &[value]).outcome
    };
    for word in WORDS {
        let is = |op, bits: u32| {
            assert_eq!(
                count("i64", op, i64(word)),
                Outcome::Return(vec![Value::I64(bits.into())]),
                "{op} {word}"
            );
        };
        is("clz", word.leading_zeros());
        is("ctz", word.trailing_zeros());
        is("popcnt", word.count_ones());
        let half = (word >> 7) as i32;
        let is = |op, bits: u32| {
            assert_eq!(
                count("i32", op, i32(half)),
                Outcome::Return(vec![Value::I32(bits)]),
                "{op} {half}"
            );
        };
        is("clz", half.leading_zeros());
        is("ctz", half.trailing_zeros());
        is("popcnt", half.count_ones());
    }
}

#[test]
fn returns_several_values_of_both_types() {
    let most = "(module (func (export \"run\") (param i32) (result i32 i64 i32) local.get 0 i64.const -2 i32.const 3))";
    assert_eq!(
        run(most, &[i32(-1)]).outcome,
        Outcome::Return(vec![i32(-1), i64(-2), i32(3)])
    );
    let (types, values) = (
        "i64 ".repeat(16),
        (0..16).map(|n| format!("i64.const {n} ")).collect::<String>(),
    );
    let text = format!(
        "(module (func $f (result {types}) {values}) (func (export \"run\") (result {types}) call $f))"
    );
    assert_eq!(
        run(&text, &[]).outcome,
        Outcome::Return((0..16).map(i64).collect())
    );
}

#[test]
fn blocks_take_and_leave_several_values() {
    let text = "(module (func $swap (param i32 i32) (result i32 i32) local.get 1 local.get 0)
        (func (export \"run\") (param i32) (result i32 i32)
            i32.const 1 i32.const 2
            local.get 0 if (param i32 i32) (result i32 i32) call $swap else i32.const 5 i32.add end
            (loop (param i32 i32) (result i32 i32)
                i32.const 10 i32.add
                (block (param i32 i32) (result i32 i32) (br_if 1 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 3)))))))";
    // A round for each of the arguments 1 and 2, and the last.
    assert_eq!(
        run(text, &[i32(1)]).outcome,
        Outcome::Return(vec![i32(2), i32(21)])
    );
    assert_eq!(
        run(text, &[i32(0)]).outcome,
        Outcome::Return(vec![i32(1), i32(37)])
    );
    assert_eq!(
        run(text, &[i32(5)]).outcome,
        Outcome::Return(vec![i32(2), i32(11)])
    );
}

#[test]
fn jumps_by_table() {
    let text = "(module (func (export \"run\") (param i32) (result i32)
        (block $c (result i32) (block $b (result i32) (block $a (result i32)
            (br_table $a $b $c $b (i32.const 100) (local.get 0)))
            (return (i32.add (i32.const 1))))
            (return (i32.add (i32.const 2))))
        (i32.add (i32.const 3))))";
    for (index, result) in [(0, 101), (1, 102), (2, 103), (3, 102), (4, 102), (-1, 102)] {
        assert_eq!(
            run(text, &[i32(index)]).outcome,
            Outcome::Return(vec![i32(result)]),
            "{index}"
        );
    }
    let round = "(module (func (export \"run\") (param i32) (result i32) (local i32)
        (block $out (loop $again
            (local.set 1 (i32.add (local.get 1) (i32.const 1)))
            (br_table $out $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        local.get 1))";
    assert_eq!(run(round, &[i32(9)]).outcome, Outcome::Return(vec![i32(9)]));
    let only = "(module (func (export \"run\") (param i32) (br_table 0 (local.get 0))))";
    assert_eq!(run(only, &[i32(77)]).outcome, Outcome::Return(vec![]));
}

/// wasmi 2.0.0 miscompiles a `select` by a comparison with 0: the typed one must be kept from it as well.
#[test]
fn selects_by_any_condition() {
    for (condition, zero) in [
        ("local.get 0 i32.eqz", true),
        ("local.get 0 i32.const 0 i32.ne", false),
        ("local.get 0 i32.const 0 i32.eq", true),
        ("local.get 0 i32.const 0 i32.gt_u", false),
        ("local.get 0 i64.extend_i32_u i64.eqz", true),
    ] {
        for (select, first, second) in [
            ("select", "i32.const 3", "i32.const 4"),
            ("select (result i32)", "i32.const 3", "i32.const 4"),
        ] {
            let text = format!(
                "(module (func (export \"run\") (param i32) (result i32) {first} {second} {condition} {select}))"
            );
            for arg in [0, 9] {
                let expected = if (arg == 0) == zero { 3 } else { 4 };
                assert_eq!(
                    run(&text, &[i32(arg)]).outcome,
                    Outcome::Return(vec![i32(expected)]),
                    "{text} {arg}"
                );
            }
        }
        let text = format!(
            "(module (func $f) (elem declare func $f) (func (export \"run\") (param i32) (result i32)
                ref.null func ref.func $f {condition} select (result funcref) ref.is_null))"
        );
        for arg in [0, 9] {
            assert_eq!(
                run(&text, &[i32(arg)]).outcome,
                Outcome::Return(vec![i32(((arg == 0) == zero).into())]),
                "{text}"
            );
        }
    }
}

#[test]
fn tail_calls_take_no_room() {
    let direct = "(module (func $down (export \"run\") (param i32 i64) (result i64)
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call $down (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3)))))";
    assert_eq!(
        run(direct, &[i32(10_000), i64(1)]).outcome,
        Outcome::Return(vec![i64(30_001)])
    );
    // Of another number of parameters, to and fro, through a table.
    let indirect = "(module (type $a (func (param i32) (result i32))) (type $b (func (param i32 i32 i32) (result i32)))
        (table funcref (elem $a $b))
        (func $a (export \"run\") (type $a) (if (i32.eqz (local.get 0)) (then (return (i32.const 44))))
            (return_call_indirect (type $b) (local.get 0) (i32.const 1) (i32.const 2) (i32.const 1)))
        (func $b (type $b) (return_call_indirect (type $a) (i32.sub (local.get 0) (local.get 1)) (i32.sub (local.get 2) (i32.const 2)))))";
    assert_eq!(
        run(indirect, &[i32(5_000)]).outcome,
        Outcome::Return(vec![i32(44)])
    );
}

#[test]
fn a_tail_called_function_returns_to_the_caller_of_its_caller() {
    let text = "(module (func $leaf (result i32) i32.const 5) (func $mid (result i32) return_call $leaf)
        (func (export \"run\") (param i32) (result i32) (local i32)
            (loop (local.set 1 (i32.add (local.get 1) (call $mid)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            local.get 1))";
    assert_eq!(
        run(text, &[i32(2_000)]).outcome,
        Outcome::Return(vec![i32(10_000)])
    );
}

#[test]
fn host_calls_can_be_tail_called() {
    let end = run(&hosted("(return_call $write (i32.const 3) (i64.const 7))"), &[]);
    assert_eq!(end.outcome, Outcome::Return(vec![]));
    assert_eq!(
        (end.outputs.result, end.fuel_used.get()),
        (7u64.to_le_bytes().to_vec(), 15)
    );
    let end = run(&hosted("(return_call $exit (i32.const 3))"), &[]);
    assert_eq!(end.outcome, Outcome::Exit(3));
    let end = run(&hosted("(return_call $write (i32.const 0) (i64.const 7))"), &[]);
    assert_eq!(end.outcome, trap(TrapKind::BadTapeCall));
}

/// wasmi 2.0.0 does not copy several values that a `br_table` carries over other operands.
#[test]
fn branches_carry_several_values_over_others() {
    for branch in [
        "br_table 1 1 0",
        "br_table 0 0 1",
        "br_table 1 1 1",
        "drop br 0",
        "drop br 1",
        "br_if 1 br 0",
    ] {
        let text = format!(
            "(module (func (export \"run\") (param i32) (result i32 i64)
                block (result i32 i64) i32.const 9 i32.const 1 i64.const 2 local.get 0 {branch} end))"
        );
        for arg in [0, 1, 2, 7] {
            assert_eq!(
                run(&text, &[i32(arg)]).outcome,
                Outcome::Return(vec![i32(1), i64(2)]),
                "{branch} {arg}"
            );
        }
    }
}

#[test]
fn arms_and_rounds_pass_values_of_every_type() {
    let text = "(module (type $pair (func (param i32 funcref i64) (result i64 funcref i32))) (func $f) (elem declare func $f)
        (func (export \"run\") (param i32) (result i32 i64 i32 i32) (local funcref)
            (i32.const 5) (ref.func $f) (i64.const 6)
            (if (type $pair) (local.get 0)
                (then (drop) (local.set 1) (i64.extend_i32_u) (local.get 1) (i32.const 1))
                (else (br_if 0 (i64.const 7) (ref.null func) (i32.const 2) (i32.const 1)) unreachable))
            (local.set 0) (ref.is_null) (local.set 0) (drop)
            (i32.const 8) (i64.const 9)
            (loop (param i32 i64) (result i32 i64)
                (i64.add (i64.const 1))
                (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 4))))
            (if (param i32 i64) (result i32 i64) (i32.eqz (local.get 0)) (then (drop) (i64.const 0)))
            (local.get 0) (i32.const 3)))";
    assert_eq!(
        run(text, &[i32(1)]).outcome,
        Outcome::Return(vec![i32(8), i64(13), i32(4), i32(3)])
    );
    assert_eq!(
        run(text, &[i32(0)]).outcome,
        Outcome::Return(vec![i32(8), i64(12), i32(4), i32(3)])
    );
}
