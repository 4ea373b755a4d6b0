//! Division, remainder and counts of bits on edge values.

use nonos_machine::End;
use nonos_types::TrapKind;

use crate::reference::agree;

const OPERATORS: [&str; 4] = ["div_s", "div_u", "rem_s", "rem_u"];
const NARROW: [u64; 8] = [0, 1, 2, 7, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff];
const WIDE: [u64; 10] = [
    0,
    1,
    3,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    (1 << 63) + 1,
    u64::MAX,
];

fn constant(ty: &str, value: u64) -> String {
    match ty {
        "i32" => format!("i32.const {}", (value as u32).cast_signed()),
        _ => format!("i64.const {}", value.cast_signed()),
    }
}

/// What wasm says of a division.
fn expected(ty: &str, name: &str, a: u64, b: u64) -> Result<u64, TrapKind> {
    let (least, minus_one) = match ty {
        "i32" => (1 << 31, u64::from(u32::MAX)),
        _ => (1 << 63, u64::MAX),
    };
    if b == 0 {
        return Err(TrapKind::DivisionByZero);
    }
    if name == "div_s" && (a, b) == (least, minus_one) {
        return Err(TrapKind::IntegerOverflow);
    }
    let signed = |value: u64| match ty {
        "i32" => i128::from((value as u32).cast_signed()),
        _ => i128::from(value.cast_signed()),
    };
    let result = match name {
        "div_s" => signed(a) / signed(b),
        "div_u" => i128::from(a / b),
        "rem_s" => signed(a) % signed(b),
        _ => i128::from(a % b),
    };
    Ok(result as u64 & minus_one)
}

#[test]
fn divides_edge_values_or_traps_in_every_form() {
    for (ty, values) in [("i32", &NARROW[..]), ("i64", &WIDE)] {
        for (a, b) in values.iter().flat_map(|a| values.iter().map(|b| (*a, *b))) {
            let (ca, cb) = (constant(ty, a), constant(ty, b));
            let [la, lb] = ["local.get 0", "local.get 1"];
            for name in OPERATORS {
                for (x, y) in [(la, lb), (&ca, lb), (la, &cb), (&ca, &cb)] {
                    // In a slot, dropped, to a local that is an operand.
                    let wat = format!(
                        r#"(module (func (export "run") (param {ty} {ty}) (result {ty})
                            local.get 0 {x} {y} {ty}.{name} local.set 0 drop
                            {ty}.const 1 {x} {y} {ty}.{name} drop
                            local.get 0 {ty}.mul))"#
                    );
                    let fresh = x == la || y == la;
                    let run = agree(&wat, &[a, b]);
                    match expected(ty, name, a, b) {
                        Ok(result) if !fresh => assert_eq!(run.end, End::Return(vec![result])),
                        Ok(_) => assert!(!matches!(run.end, End::OutOfFuel)),
                        Err(kind) => assert_eq!(run.end, End::Trap(kind), "{wat}"),
                    }
                }
            }
        }
    }
}

#[test]
fn traps_before_what_follows_and_after_what_precedes() {
    for (a, b) in [(7, 0), (1 << 31, 0xffff_ffff), (7, 2)] {
        let wat = r#"(module (memory (export "memory") 1)
            (func $note (param i32) (result i32)
                i32.const 0 i32.const 0 i32.load local.get 0 i32.add i32.store i32.const 1)
            (func (export "run") (param i32 i32) (result i32)
                i32.const 1 call $note
                local.get 0 local.get 1 i32.div_s i32.add
                i32.const 2 call $note i32.add))"#;
        let run = agree(wat, &[a, b]);
        assert_eq!(run.memory[0], if (a, b) == (7, 2) { 3 } else { 1 });
    }
}

#[test]
fn keeps_a_known_division_that_traps() {
    for name in OPERATORS {
        let wat = format!(
            r#"(module (func (export "run") (result i64)
                i64.const 1 i64.const 0 i64.{name} i64.const 0 i64.mul))"#
        );
        assert_eq!(agree(&wat, &[]).end, End::Trap(TrapKind::DivisionByZero));
    }
    let known = |name| {
        let wat = format!(
            r#"(module (func (export "run") (result i32)
                i32.const 0x80000000 i32.const -1 i32.{name}))"#
        );
        agree(&wat, &[]).end
    };
    assert_eq!(known("div_s"), End::Trap(TrapKind::IntegerOverflow));
    assert_eq!(known("rem_s"), End::Return(vec![0]));
    assert_eq!(known("div_u"), End::Return(vec![0]));
}

#[test]
fn counts_bits_of_every_power_and_its_neighbours() {
    let values = (0..64).flat_map(|bit| {
        let power = 1_u64 << bit;
        [power, power - 1, power | 1, !power, power.wrapping_neg()]
    });
    for value in values.chain([0, u64::MAX]) {
        for (ty, value) in [("i32", value & 0xffff_ffff), ("i64", value)] {
            let known = constant(ty, value);
            let each: String = ["local.get 0", &known]
                .iter()
                .flat_map(|operand| ["clz", "ctz", "popcnt"].map(|name| format!("{operand} {ty}.{name} ")))
                .collect();
            let results = format!("{ty} ").repeat(6);
            let wat = format!(r#"(module (func (export "run") (param {ty}) (result {results}) {each}))"#);
            let bits = if ty == "i32" { 32 } else { 64 };
            let counts = [
                value.leading_zeros() - (64 - bits),
                value.trailing_zeros().min(bits),
                value.count_ones(),
            ];
            let counts: Vec<u64> = counts
                .iter()
                .chain(&counts)
                .map(|count| u64::from(*count))
                .collect();
            assert_eq!(agree(&wat, &[value]).end, End::Return(counts));
        }
    }
}

#[test]
fn knows_how_wide_results_are() {
    for name in OPERATORS {
        let wat = format!(
            r#"(module (func (export "run") (param i64 i64) (result i32 i64 i64)
                local.get 0 local.get 1 i64.{name} i32.wrap_i64
                local.get 0 local.get 1 i64.{name} i32.wrap_i64 i64.extend_i32_u
                local.get 0 i32.wrap_i64 local.get 1 i32.wrap_i64 i32.{name} i64.extend_i32_s))"#
        );
        for a in [u64::MAX, 1 << 63, 0x1234_5678_9abc_def0] {
            for b in [1, 3, 0xffff_fffd, 0xf_ffff_ffff] {
                agree(&wat, &[a, b]);
            }
        }
    }
}
