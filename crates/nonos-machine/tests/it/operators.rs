//! Every operator on edge values, in every form that the lowering treats apart.

use nonos_machine::{End, Inputs};

use crate::reference::{agree, in_machine};

const BINARY: [&str; 11] = [
    "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
];
const COMPARE: [&str; 10] = [
    "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
];
const EDGES: [(&str, [u64; 7]); 2] = [
    ("i32", [0, 1, 31, 33, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
    ("i64", [0, 1, 0xffff_ffff, 65, i64::MAX as u64, 1 << 63, u64::MAX]),
];

fn signed(ty: &str, value: u64) -> i64 {
    if ty == "i32" {
        i64::from((value as u32).cast_signed())
    } else {
        value.cast_signed()
    }
}

/// One module per operator and pair of values: all forms in one function, folded into one number.
fn forms(ty: &str, name: &str, result: &str, a: u64, b: u64) {
    let (x, y) = (signed(ty, a), signed(ty, b));
    let (ca, cb) = (format!("{ty}.const {x}"), format!("{ty}.const {y}"));
    let wide = |code: String| match result {
        "i32" => format!("{code} i64.extend_i32_u"),
        _ => code,
    };
    let mut body = String::new();
    let locals = ["local.get 0", "local.get 1"];
    for (a, b) in [
        (locals[0], locals[1]),
        (&ca, locals[1]),
        (locals[0], &cb),
        (&ca, &cb),
    ] {
        body += &wide(format!("local.get 2 i64.const 31 i64.mul {a} {b} {ty}.{name}"));
        body += " i64.add local.set 2\n";
        // Operands in slots, result to a local that is an operand.
        body += &format!(
            "{a} local.set 3 {b} local.set 4 local.get 3 local.get 4 {ty}.add local.get 4 {ty}.sub "
        );
        body += &format!("local.get 4 local.get 3 {ty}.xor local.get 3 {ty}.xor {ty}.{name}");
        body += if result == ty {
            " local.tee 4 drop local.get 4"
        } else {
            " i32.eqz i32.eqz"
        };
        body += &wide(" ".to_owned());
        body += " local.get 2 i64.const 17 i64.mul i64.add local.set 2\n";
        if result == "i32" {
            // As a condition.
            body += &format!(
                "{a} {b} {ty}.{name} if local.get 2 i64.const 5 i64.add local.set 2 else local.get 2 i64.const 7 i64.xor local.set 2 end\n"
            );
            body += &format!(
                "block {a} {b} {ty}.{name} i32.eqz br_if 0 local.get 2 i64.const 3 i64.mul local.set 2 end\n"
            );
            body += &format!(
                "block {a} {b} {ty}.{name} br_if 0 local.get 2 i64.const 9 i64.mul local.set 2 end\n"
            );
        }
    }
    let wat = format!(
        "(module (func (export \"run\") (param {ty} {ty}) (result i64) (local i64 {ty} {ty}) {body} local.get 2))"
    );
    let run = agree(&wat, &[a, b]);
    assert!(matches!(run.end, End::Return(_)), "{:?}", run.end);
}

#[test]
fn computes_every_binary_operator_on_edge_values() {
    for (ty, values) in EDGES {
        for (a, b) in values.iter().flat_map(|a| values.map(|b| (*a, b))) {
            for name in BINARY {
                forms(ty, name, ty, a, b);
            }
        }
    }
}

#[test]
fn computes_every_comparison_on_edge_values() {
    for (ty, values) in EDGES {
        for (a, b) in values.iter().flat_map(|a| values.map(|b| (*a, b))) {
            for name in COMPARE {
                forms(ty, name, "i32", a, b);
            }
        }
    }
}

#[test]
fn computes_every_unary_operator_on_edge_values() {
    let values = [
        0,
        1,
        0x7f,
        0x80,
        0xff80,
        0x7fff,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        1 << 32,
        0xffff_ffff_0000_0001,
        1 << 63,
        u64::MAX,
    ];
    for (from, to, name) in [
        ("i32", "i32", "i32.eqz"),
        ("i64", "i32", "i64.eqz"),
        ("i64", "i32", "i32.wrap_i64"),
        ("i32", "i64", "i64.extend_i32_s"),
        ("i32", "i64", "i64.extend_i32_u"),
        ("i32", "i32", "i32.extend8_s"),
        ("i32", "i32", "i32.extend16_s"),
        ("i64", "i64", "i64.extend8_s"),
        ("i64", "i64", "i64.extend16_s"),
        ("i64", "i64", "i64.extend32_s"),
    ] {
        for value in values {
            let value = if from == "i32" { value & 0xffff_ffff } else { value };
            let known = signed(from, value);
            for operand in [
                "local.get 0".to_owned(),
                format!("{from}.const {known}"),
                format!("local.get 0 {from}.const 1 {from}.add {from}.const 1 {from}.sub"),
            ] {
                let wat =
                    format!("(module (func (export \"run\") (param {from}) (result {to}) {operand} {name}))");
                agree(&wat, &[value]);
            }
        }
    }
}

#[test]
fn loads_and_stores_at_every_alignment_and_at_the_end_of_memory() {
    let loads = [
        "i32.load",
        "i32.load8_s",
        "i32.load8_u",
        "i32.load16_s",
        "i32.load16_u",
        "i64.load",
        "i64.load8_s",
        "i64.load8_u",
        "i64.load16_s",
        "i64.load16_u",
        "i64.load32_s",
        "i64.load32_u",
    ];
    let stores = [
        "i32.store",
        "i32.store8",
        "i32.store16",
        "i64.store",
        "i64.store8",
        "i64.store16",
        "i64.store32",
    ];
    let addresses = (0..10)
        .chain(65_526..65_538)
        .chain([0x7fff_ffff, 0xffff_fff8, 0xffff_ffff]);
    for address in addresses {
        for offset in [0u64, 3, 65_528, 0xffff_ffff] {
            for at in [
                "local.get 0".to_owned(),
                format!("i32.const {}", signed("i32", address)),
            ] {
                for load in loads {
                    let ty = &load[..3];
                    let wat = format!(
                        "(module (memory (export \"memory\") 1) (data (i32.const 1) \"\\81\\92\\f3\\04\\85\\76\\e7\\88\\99\\0a\\bb\\cc\") \
                         (data (i32.const 65525) \"\\f1\\e2\\d3\\c4\\b5\\a6\\97\\88\\79\\6a\\5b\") \
                         (func (export \"run\") (param i32) (result {ty}) {at} {load} offset={offset}))"
                    );
                    agree(&wat, &[address]);
                }
                for store in stores {
                    let ty = &store[..3];
                    for value in [
                        format!("{ty}.const -2"),
                        format!("{ty}.const {}", signed("i32", offset)),
                        "local.get 1".to_owned(),
                    ] {
                        let wat = format!(
                            "(module (memory (export \"memory\") 1) (data (i32.const 0) \"aaaaaaaaaaaaaaaaaaaaaaa\") \
                             (func (export \"run\") (param i32 {ty}) {at} {value} {store} offset={offset}))"
                        );
                        agree(&wat, &[address, 0x8182_8384]);
                    }
                }
            }
        }
    }
}

#[test]
fn grows_memory_up_to_the_limit_only() {
    for (max, pages) in [
        ("", 1),
        ("", 3),
        ("", 4),
        ("2", 1),
        ("2", 2),
        ("", 0),
        ("", 0xffff_ffff),
    ] {
        let wat = format!(
            "(module (memory (export \"memory\") 1 {}) (func (export \"run\") (param i32) (result i32) \
             local.get 0 memory.grow i32.const 100 i32.mul memory.size i32.add))",
            if max.is_empty() { "4" } else { max }
        );
        agree(&wat, &[pages]);
    }
}

/// Not against the interpreter: wasmi 2.0.0 reads a stale register where a comparison of a local with 0
/// is fused with the `select` behind it.
#[test]
fn selects_like_a_branch() {
    for (ty, values) in EDGES {
        for (a, b) in values.iter().flat_map(|a| values.map(|b| (*a, b))) {
            let (ca, cb) = (
                format!("{ty}.const {}", signed(ty, a)),
                format!("{ty}.const {}", signed(ty, b)),
            );
            let (la, lb) = ("local.get 0".to_owned(), "local.get 1".to_owned());
            for (x, y) in [(&la, &lb), (&ca, &lb), (&la, &cb), (&ca, &cb)] {
                for name in COMPARE {
                    let condition = format!("{x} {y} {ty}.{name}");
                    let wat = format!(
                        "(module (func (export \"run\") (param {ty} {ty}) (result i32) (local i64)
                            i64.const 5 local.set 2
                            local.get 2 i64.const 11 {condition} select
                            {condition} if (result i64) i64.const 5 else i64.const 11 end i64.eq
                            local.get 2 i64.const 1 i64.add local.get 2 i64.const 7 i64.mul {condition} i32.eqz select
                            {condition} if (result i64) i64.const 35 else i64.const 6 end i64.eq
                            i32.and))"
                    );
                    let arguments = [a, b];
                    let inputs = Inputs {
                        arguments: &arguments,
                        ..Inputs::default()
                    };
                    let run = in_machine(&wat::parse_str(&wat).unwrap(), &inputs, u64::MAX);
                    assert_eq!(run.end, End::Return(vec![1]), "{wat} {arguments:?}");
                }
            }
        }
    }
}
