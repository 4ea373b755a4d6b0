//! Random valid modules of the instruction set, the same for the same seed. Their loops are bounded.

#[path = "generate/control.rs"]
mod control;

use std::fmt::Write;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    I32,
    I64,
}
use Type::{I32, I64};

impl Type {
    fn name(self) -> &'static str {
        if self == I32 { "i32" } else { "i64" }
    }
}

/// Every function has parameters `i32 i64` and calls only those before it; these are their results.
const FUNCTIONS: [&[Type]; 6] = [&[I32], &[I64], &[I32, I64], &[I32], &[I32, I64], &[I32, I64]];
/// What blocks may give.
const GROUPS: [&[Type]; 5] = [&[], &[I32], &[I64], &[I32, I64], &[I64, I64, I32]];
/// Locals by type, parameters included; 6 and 7 count loops.
const LOCALS: [[usize; 3]; 2] = [[0, 2, 3], [1, 4, 5]];

struct Writer {
    random: Random,
    /// Uses what wasmi 2.0.0 gets wrong.
    rich: bool,
    text: String,
    function: usize,
    loops: usize,
    /// What a branch to each open label takes; a loop is no target.
    labels: Vec<Option<&'static [Type]>>,
    budget: usize,
}

const BINARY: &[&str] = &[
    "add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr",
];
const COMPARE: &[&str] = &[
    "eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u",
];

/// The text of a module whose export `run` takes an `i32` and an `i64`, without what wasmi 2.0.0 gets wrong:
/// a `br_table` that carries several values over others to blocks of the same height, and blocks with
/// parameters.
pub(crate) fn module(seed: u64) -> String {
    write(seed, false)
}

/// The text of such a module, with all constructs.
pub(crate) fn rich(seed: u64) -> String {
    write(seed, true)
}

fn write(seed: u64, rich: bool) -> String {
    let mut writer = Writer {
        random: Random(seed),
        rich,
        text: String::from(
            "(module (import \"nonos\" \"read\" (func $read (param i32) (result i64)))
             (import \"nonos\" \"write\" (func $write (param i32 i64)))
             (memory (export \"memory\") 1 3) (data (i32.const 5) \"some data to begin with\")
             (global $a (mut i32) (i32.const 77)) (global $b (mut i64) (i64.const -9)) (global $c i64 (i64.const 4))
             (table $t 9 funcref) (elem (table $t) (i32.const 1) func $f0 $f1 $f2 $f3 $f4 $f5)\n",
        ),
        function: 0,
        loops: 0,
        labels: Vec::new(),
        budget: 0,
    };
    for function in 0..FUNCTIONS.len() {
        writer.function(function);
    }
    writer.text + ")"
}

/// Types as text.
fn list(types: &[Type]) -> String {
    types.iter().map(|ty| format!(" {}", ty.name())).collect()
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn function(&mut self, function: usize) {
        self.function = function;
        self.budget = 120;
        let export = if function + 1 == FUNCTIONS.len() {
            "(export \"run\")"
        } else {
            ""
        };
        let results = FUNCTIONS[function];
        writeln!(
            self.text,
            "(func $f{function} {export} (param i32 i64) (result{}) (local i32 i32 i64 i64 i32 i32)",
            list(results)
        )
        .unwrap();
        self.labels.push(Some(results));
        self.statements(3);
        self.values(results, 4);
        self.labels.pop();
        self.put(")");
    }

    fn local(&mut self, ty: Type) -> usize {
        LOCALS[ty as usize][self.random.below(3)]
    }

    fn constant(&mut self, ty: Type) {
        let value = match self.random.below(5) {
            0 => 0,
            1 => 1,
            2 => (self.random.next() % 70).cast_signed(),
            3 => i64::MIN >> self.random.below(64),
            _ => self.random.next().cast_signed(),
        };
        let text = match ty {
            I32 => format!("i32.const {}", value as i32),
            I64 => format!("i64.const {value}"),
        };
        self.put(&text);
    }

    fn address(&mut self, depth: usize) {
        self.value(I32, depth);
        // Mostly inside of the memory.
        if self.random.below(40) > 0 {
            self.put("i32.const 255 i32.and");
        }
    }

    fn type_(&mut self) -> Type {
        if self.random.below(2) == 0 { I32 } else { I64 }
    }

    /// Code that leaves one value.
    fn value(&mut self, ty: Type, depth: usize) {
        let name = ty.name();
        if depth == 0 || self.budget == 0 {
            if self.random.below(3) == 0 {
                return self.constant(ty);
            }
            let local = self.local(ty);
            return self.put(&format!("local.get {local}"));
        }
        self.budget -= 1;
        let depth = depth - 1;
        match self.random.below(25) {
            0 => self.constant(ty),
            1..=2 => {
                let local = self.local(ty);
                self.put(&format!("local.get {local}"));
            }
            3..=8 => {
                let op = self.random.pick(BINARY);
                self.value(ty, depth);
                self.value(ty, depth);
                self.put(&format!("{name}.{op}"));
            }
            9..=10 => {
                let op = self.random.pick(COMPARE);
                let of = self.type_();
                self.value(of, depth);
                self.value(of, depth);
                self.put(&format!("{}.{op}", of.name()));
                if ty == I64 {
                    self.put("i64.extend_i32_u");
                }
            }
            11 => {
                let (from, op) = match (ty, self.random.below(4)) {
                    (I32, 0) => (I32, "i32.eqz"),
                    (I32, 1) => (I64, "i64.eqz"),
                    (I32, 2) => (I64, "i32.wrap_i64"),
                    (I32, _) => (I32, self.random.pick(&["i32.extend8_s", "i32.extend16_s"])),
                    (I64, 0) => (I32, "i64.extend_i32_s"),
                    (I64, 1) => (I32, "i64.extend_i32_u"),
                    (I64, _) => (
                        I64,
                        self.random
                            .pick(&["i64.extend8_s", "i64.extend16_s", "i64.extend32_s"]),
                    ),
                };
                self.value(from, depth);
                self.put(op);
            }
            12 => {
                self.address(depth);
                let op = match ty {
                    I32 => self
                        .random
                        .pick(&["load", "load8_s", "load8_u", "load16_s", "load16_u"]),
                    I64 => self
                        .random
                        .pick(&["load", "load8_s", "load16_u", "load32_s", "load32_u"]),
                };
                let offset = self.random.below(20);
                self.put(&format!("{name}.{op} offset={offset}"));
            }
            13 => {
                self.value(ty, depth);
                self.value(ty, depth);
                self.value(I32, depth);
                // A comparison with 0 here would meet an error of wasmi 2.0.0; see `selects_like_a_branch`.
                self.put("i32.const 1 i32.and select");
            }
            14 => {
                let local = self.local(ty);
                self.value(ty, depth);
                self.put(&format!("local.tee {local}"));
            }
            15 => {
                let global = match ty {
                    I32 => "global.get $a",
                    I64 => self.random.pick(&["global.get $b", "global.get $c"]),
                };
                self.put(global);
            }
            16 | 22 => {
                let results = self.group();
                self.block(results, depth);
                self.take(results, ty, depth);
            }
            17 | 23 => {
                let results = self.group();
                self.choice(results, depth);
                self.take(results, ty, depth);
            }
            18 | 24 if self.function > 0 => {
                let callee = self.random.below(self.function);
                self.arguments(depth);
                self.call("call", callee);
                self.take(FUNCTIONS[callee], ty, depth);
            }
            19 if ty == I32 => {
                let op = self.random.pick(&[
                    "memory.size",
                    "i32.const 1 memory.grow",
                    "i32.const -1 memory.grow",
                ]);
                self.put(op);
            }
            19 => {
                let tape = self.random.below(3);
                self.put(&format!("i32.const {tape} call $read"));
            }
            20 => {
                // A branch in the middle of an expression.
                self.value(I32, depth);
                self.put("if");
                self.labels.push(Some(&[]));
                self.branch(depth);
                self.labels.pop();
                self.put("end");
                self.value(ty, depth);
            }
            _ => {
                let carried = if self.rich { self.group() } else { &[] };
                self.counted_loop(carried, depth);
                self.take(carried, ty, depth);
            }
        }
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.random.below(4) {
            if self.budget > 0 {
                self.budget -= 1;
                self.statement(depth.saturating_sub(1));
            }
        }
    }

    fn statement(&mut self, depth: usize) {
        let ty = self.type_();
        let name = ty.name();
        match self.random.below(14) {
            0..=3 => {
                let local = self.local(ty);
                self.value(ty, depth + 1);
                self.put(&format!("local.set {local}"));
            }
            4 => {
                self.value(ty, depth);
                self.put(if ty == I32 {
                    "global.set $a"
                } else {
                    "global.set $b"
                });
            }
            5..=6 => {
                self.address(depth);
                self.value(ty, depth);
                let op = match ty {
                    I32 => self.random.pick(&["store", "store8", "store16"]),
                    I64 => self.random.pick(&["store", "store8", "store16", "store32"]),
                };
                let offset = self.random.below(20);
                self.put(&format!("{name}.{op} offset={offset}"));
            }
            7 => {
                self.value(ty, depth);
                self.put("drop");
            }
            8 => self.choice(&[], depth),
            9 => self.block(&[], depth),
            10 => self.counted_loop(&[], depth),
            11 => {
                let tape = 3 + self.random.below(3);
                self.put(&format!("i32.const {tape}"));
                self.value(I64, depth);
                self.put("call $write");
            }
            12 => {
                self.value(I32, depth);
                self.put("if");
                self.labels.push(Some(&[]));
                if self.random.below(30) == 0 {
                    self.put("unreachable");
                } else {
                    self.leave(depth);
                }
                self.labels.pop();
                self.put("end");
            }
            _ => {
                if let Some((target, types)) = self.label() {
                    self.values(types, depth);
                    self.value(I32, depth);
                    self.put(&format!("br_if {target}"));
                    for _ in types {
                        self.put("drop");
                    }
                }
            }
        }
    }
}
