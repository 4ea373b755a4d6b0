//! Metering changes nothing but what it counts: against the same interpreter on the unmetered module.

use nonos_capsule::Inputs;
use nonos_types::{Outcome, Value};

use crate::support::{i32, i64, policy, try_run, wasm};

/// What plain wasmi makes of it: results, or `None` for a trap.
fn plain(text: &str, args: &[Value]) -> (Option<Vec<Value>>, u64) {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, wasm(text)).unwrap();
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .unwrap();
    let func = instance.get_func(&store, "run").unwrap();
    let args: Vec<_> = args
        .iter()
        .map(|value| match value {
            Value::I32(value) => wasmi::Val::I32(value.cast_signed()),
            Value::I64(value) => wasmi::Val::I64(value.cast_signed()),
        })
        .collect();
    let mut results = vec![wasmi::Val::I32(0); func.ty(&store).results().len()];
    let ok = func.call(&mut store, &args, &mut results).is_ok();
    let values = results.iter().map(|value| match value {
        wasmi::Val::I32(value) => i32(*value),
        wasmi::Val::I64(value) => i64(*value),
        other => panic!("{other:?}"),
    });
    let pages = instance
        .get_memory(&store, "m")
        .map_or(0, |memory| memory.size(&store));
    (ok.then(|| values.collect()), pages)
}

/// Control flow of every kind: results under open operands, dead code, branches out of several blocks.
const PROGRAMS: &[&str] = &[
    "(module (func (export \"run\") (param i32) (result i32)
        (i32.add (i32.const 7) (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2))))))",
    "(module (func (export \"run\") (param i32) (result i32)
        (block (result i32) (drop (br_if 0 (i32.const 5) (local.get 0))) (i32.const 6))))",
    "(module (func (export \"run\") (param i32) (result i32)
        (block (block (br_if 1 (local.get 0)) (br 0)) (return (i32.const 3))) (return (i32.const 4)) unreachable i32.const 1 i32.add))",
    "(module (func (export \"run\") (param i32) (result i32) (local i32)
        (local.set 0 (i32.and (local.get 0) (i32.const 0xffff)))
        (block (loop (br_if 1 (i32.eqz (local.get 0)))
            (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br 0)))
        local.get 1))",
    "(module (func $a (param i32) (result i32) (i32.add (local.get 0) (call $b (local.get 0))))
        (func $b (param i32) (result i32) (select (i32.const 1) (i32.const 2) (local.get 0)))
        (func (export \"run\") (param i32) (result i32) (i32.sub (call $a (local.get 0)) (call $b (i32.const 0)))))",
    "(module (global $g (mut i64) (i64.const 40)) (global $c i32 (i32.const 9)) (memory (export \"m\") 1 4) (data (i32.const 3) \"\\01\\02\\03\")
        (func (export \"run\") (param i32) (result i64)
            (global.set $g (i64.add (global.get $g) (i64.load8_u (i32.add (local.get 0) (global.get $c)))))
            (drop (memory.grow (local.get 0)))
            (i64.store (i32.const 100) (global.get $g))
            (i64.add (i64.load offset=97 (i32.const 3)) (i64.load16_s (i32.and (local.get 0) (i32.const 7))))))",
    "(module (func (export \"run\") (param i32) (result i32) (if (local.get 0) (then unreachable)) i32.const 1))",
    "(module (func (export \"run\") (param i32) (result i32) (loop (result i32) (local.get 0) (br_if 1 (i32.const 11) (local.get 0)) drop)))",
    "(module (table 1 funcref) (export \"nonos:fuel\" (table 0)) (func (export \"nonos::x\")) (global (export \"nonos:g\") (mut i32) (i32.const 3))
        (func (export \"run\") (param i32) (result i32) (global.get 0) (call 0)))",
];

#[test]
fn programs_do_the_same_metered_and_plain() {
    for text in PROGRAMS {
        for arg in [0, 1, 2, 5, 1000, -1] {
            let run = try_run(text, &policy(), &[i32(arg)], &Inputs::default()).unwrap();
            let (values, pages) = plain(text, &[i32(arg)]);
            match (&run.outcome, values) {
                (Outcome::Return(ours), Some(theirs)) => assert_eq!(*ours, theirs, "{text}"),
                (Outcome::Trap(_), None) => {}
                (outcome, values) => panic!("{outcome:?} against {values:?} in {text}"),
            }
            if text.contains("\"m\"") {
                assert_eq!(u64::from(run.peak_pages.get()), pages);
            }
        }
    }
}

/// A random expression over two i32 locals and its blocks.
fn expression(seed: &mut u64, depth: u32) -> String {
    *seed = seed
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    let pick = *seed >> 33;
    if depth == 0 {
        return match pick % 3 {
            0 => format!("(i32.const {})", (pick >> 3) as i32),
            n => format!("(local.get {})", n - 1),
        };
    }
    let mut sub = || expression(seed, depth - 1);
    match pick % 12 {
        0 => format!("(i32.add {} {})", sub(), sub()),
        1 => format!("(i32.mul {} {})", sub(), sub()),
        2 => format!("(i32.rotl {} {})", sub(), sub()),
        3 => format!("(if (result i32) {} (then {}) (else {}))", sub(), sub(), sub()),
        4 => format!(
            "(block (result i32) (drop (br_if 0 {} {})) {})",
            sub(),
            sub(),
            sub()
        ),
        5 => format!(
            "(block (result i32) (drop (i32.xor {} (br 0 {}))) {})",
            sub(),
            sub(),
            sub()
        ),
        6 => format!("(local.tee 0 {})", sub()),
        7 => format!(
            "(i32.wrap_i64 (i64.shr_s (i64.extend_i32_s {}) (i64.extend_i32_u {})))",
            sub(),
            sub()
        ),
        8 => format!("(i32.load (i32.and {} (i32.const 0xfff0)))", sub()),
        9 => format!(
            "(i32.store8 (i32.and {} (i32.const 0xffff)) {}) {}",
            sub(),
            sub(),
            sub()
        ),
        10 => format!("(call $f {} {})", sub(), sub()),
        _ => format!("(select {} {} {})", sub(), sub(), sub()),
    }
}

#[test]
fn random_programs_do_the_same_metered_and_plain() {
    let mut seed = 20261122;
    for _ in 0..60 {
        let (leaf, body) = (
            expression(&mut seed, 2).replace("$f", "$g"),
            expression(&mut seed, 5),
        );
        let text = format!(
            "(module (memory (export \"m\") 1) (func $g (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
                (func $f (param i32 i32) (result i32) {leaf})
                (func (export \"run\") (param i32 i32) (result i32) {body}))"
        );
        for args in [[0, 0], [1, -7], [i32::MIN, 12345]] {
            let args = args.map(i32);
            let run = try_run(&text, &policy(), &args, &Inputs::default()).unwrap();
            let values = plain(&text, &args).0;
            assert_eq!(run.outcome, Outcome::Return(values.unwrap_or_default()), "{text}");
        }
    }
}
