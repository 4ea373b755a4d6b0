//! The text of a module that has every operator.

const BINARY: &[&str] = &[
    "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr", "div_s", "div_u",
    "rem_s", "rem_u",
];
const COMPARE: &[&str] = &[
    "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
];
const UNARY: [&[&str]; 2] = [
    &["clz", "ctz", "popcnt", "extend8_s", "extend16_s"],
    &["clz", "ctz", "popcnt", "extend8_s", "extend16_s", "extend32_s"],
];
const LOADS: [&[&str]; 2] = [
    &["load", "load8_s", "load8_u", "load16_s", "load16_u"],
    &[
        "load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u",
    ],
];
const STORES: [&[&str]; 2] = [
    &["store", "store8", "store16"],
    &["store", "store8", "store16", "store32"],
];

/// Its entry takes what to do, and returns two numbers.
pub(super) fn module() -> String {
    MODULE.replace("NUMBERS", &numbers())
}

/// A function for each of both number types: every operation on two numbers, added up.
fn numbers() -> String {
    let mut text = String::new();
    for (place, ty) in ["i32", "i64"].into_iter().enumerate() {
        let mut lines = vec![format!("(func ${ty} (param $a {ty}) (param $b {ty})")];
        let narrow = |value: &str| format!("(call $sum (i64.extend_i32_u ({value})))");
        let own = |value: &str| match place {
            0 => narrow(value),
            _ => format!("(call $sum ({value}))"),
        };
        let of = |op: &str| format!("{ty}.{op} (local.get $a) (local.get $b)");
        lines.extend(BINARY.iter().map(|op| own(&of(op))));
        lines.extend(COMPARE.iter().map(|op| narrow(&of(op))));
        lines.extend(
            UNARY[place]
                .iter()
                .map(|op| own(&format!("{ty}.{op} (local.get $a)"))),
        );
        lines.push(narrow(&format!("{ty}.eqz (local.get $b)")));
        for (offset, op) in (0..).step_by(16).zip(STORES[place]) {
            lines.push(format!(
                "({ty}.{op} offset={offset} (i32.const 61) (local.get $b))"
            ));
        }
        for (offset, op) in (0..).step_by(7).zip(LOADS[place]) {
            lines.push(own(&format!("{ty}.{op} offset={offset} (i32.const 59)")));
        }
        lines.push(")".to_owned());
        text += &lines.join("\n");
    }
    text
}

const MODULE: &str = r#"(module
  (import "nonos" "len" (func $len (param i32) (result i64)))
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (import "nonos" "commit_len" (func $commit (param i32 i64)))
  (import "nonos" "checkpoint" (func $checkpoint))
  (import "nonos" "exit" (func $exit (param i32)))
  (type $change (func (param i64) (result i64)))
  (memory 1 3)
  (data (i32.const 56) "initial data of the memory")
  (data $aside "passive data, fetched")
  (table $t 5 9 funcref)
  (elem (table $t) (i32.const 0) func $twice $next $other)
  (elem $more funcref (ref.func $next) (ref.null func))
  (global $total (mut i64) (i64.const 5))
  (start $begin)
  (func $begin (global.set $total (i64.add (global.get $total) (i64.const 1))))
  (func $sum (param i64)
    (global.set $total (i64.add (i64.rotl (global.get $total) (i64.const 1)) (local.get 0))))
  (func $twice (type $change) (i64.add (local.get 0) (local.get 0)))
  (func $next (type $change) (i64.add (local.get 0) (i64.const 1)))
  (func $other)
  (func $deep (call $deep))
  NUMBERS
  (func $memory
    (call $sum (i64.extend_i32_u (memory.grow (i32.const 1))))
    (memory.fill (i32.const 201) (i32.const 0xab) (i32.const 21))
    (memory.copy (i32.const 205) (i32.const 57) (i32.const 19))
    (memory.init $aside (i32.const 210) (i32.const 3) (i32.const 11))
    (data.drop $aside)
    (call $sum (i64.load (i32.const 207)))
    (call $sum (i64.extend_i32_u (memory.size))))
  (func $tables
    (table.set $t (i32.const 3) (table.get $t (i32.const 1)))
    (table.init $t $more (i32.const 2) (i32.const 0) (i32.const 2))
    (elem.drop $more)
    (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 3))
    (table.fill $t (i32.const 4) (ref.func $twice) (i32.const 1))
    (call $sum (i64.extend_i32_u (table.grow $t (ref.null func) (i32.const 2))))
    (call $sum (i64.extend_i32_u (ref.is_null (table.get $t (i32.const 3)))))
    (call $sum (i64.extend_i32_u (table.size $t))))
  (func $tail (param i64) (result i64) (return_call $next (local.get 0)))
  (func $far (param i64) (result i64)
    (return_call_indirect $t (type $change) (local.get 0) (i32.const 4)))
  (func $pick (param $k i32) (result i32)
    (block $zero (block $one
      (br_table $zero $one (local.get $k)))
      (return (i32.const 100)))
    (i32.const 200))
  (func $control (local $i i32)
    (call $sum (call_indirect $t (type $change) (i64.const 4) (i32.const 0)))
    (call $sum (call $tail (i64.const 40)))
    (call $sum (call $far (i64.const 41)))
    (call $sum (i64.extend_i32_u (call $pick (i32.const 0))))
    (call $sum (i64.extend_i32_u (call $pick (i32.const 1))))
    (local.set $i (i32.const 2))
    (loop $l
      (if (i32.and (local.get $i) (i32.const 1))
        (then (call $sum (i64.const 1)) (nop))
        (else (call $sum (i64.const 2))))
      (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (block $out (call $sum (i64.const 3)) (br $out))
    (call $sum (select (i64.const 6) (i64.const 7) (local.get $i)))
    (drop (select (result funcref) (ref.func $next) (ref.null func) (local.get $i))))
  (func $tapes
    (call $write (i32.const 3) (call $len (i32.const 0)))
    (call $write (i32.const 3) (call $read (i32.const 0)))
    (call $commit (i32.const 3) (i64.const 13)))
  (func (export "run") (param $what i32) (result i32 i64)
    (block $12 (block $11 (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2
    (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 (local.get $what)))
      (call $i32 (i32.const -77) (i32.const 6)) (call $i64 (i64.const 0x7edcba9876543211) (i64.const -13))
      (call $memory) (call $tables) (call $control) (call $tapes)
      (return (i32.wrap_i64 (i64.extend_i32_s (i32.const -3))) (global.get $total)))
      (unreachable))
      (drop (i64.div_u (i64.const 1) (i64.extend_i32_u (i32.sub (local.get $what) (i32.const 2)))))
      (return (i32.const 0) (i64.const 0)))
      (drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.const 2) (local.get $what))))
      (return (i32.const 0) (i64.const 0)))
      (drop (i32.load16_u offset=65531 (local.get $what)))
      (return (i32.const 0) (i64.const 0)))
      (drop (table.get $t (local.get $what)))
      (return (i32.const 0) (i64.const 0)))
      (drop (call_indirect $t (type $change) (i64.const 1) (i32.const 3)))
      (return (i32.const 0) (i64.const 0)))
      (drop (call_indirect $t (type $change) (i64.const 1) (i32.const 2)))
      (return (i32.const 0) (i64.const 0)))
      (call $deep)
      (return (i32.const 0) (i64.const 0)))
      (call $checkpoint)
      (return (i32.const 0) (i64.const 0)))
      (call $write (i32.const 0) (i64.const 1))
      (return (i32.const 0) (i64.const 0)))
      (loop $forever (br $forever)))
    (call $exit (i32.const 41))
    (i32.const 0) (i64.const 0)))"#;
