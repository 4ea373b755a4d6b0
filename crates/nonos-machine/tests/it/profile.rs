//! Profiles: their sums are those of the run, of the trace, and of the meter.

use nonos_machine::{
    End, Inputs, Limits, Options, execute_traced, lower, lower_with_source,
    profile::Profile,
    tables::{COUNT, system, witness},
};
use nonos_package::{HostCall, HostSet};
use nonos_types::{Fuel, Pages};

const CELLS: usize = 10;

/// A profile, whose sums are those of the run and of the trace.
fn profile(wasm: &[u8], entry: &str, input: &[u8], fuel: u64) -> Profile {
    let (profile, inputs, limits) = of(wasm, entry, input, fuel);
    let (run, trace) = execute_traced(&profile.program, &inputs, limits);
    assert_eq!(
        (&run.end, run.fuel, run.steps),
        (&profile.run.end, profile.run.fuel, profile.run.steps)
    );
    let of_trace = witness(&profile.program, &trace.unwrap()).tables;
    for table in (0..COUNT).filter(|table| *table != CELLS) {
        let name = system().tables[table].name;
        assert_eq!(profile.rows[table], of_trace[table].len() as u64, "{name}");
    }
    profile
}

fn of<'a>(wasm: &[u8], entry: &str, input: &'a [u8], fuel: u64) -> (Profile, Inputs<'a>, Limits) {
    let options = Options {
        entry,
        max_pages: Pages::new(16),
        hosts: HostSet::ALL,
    };
    let inputs = Inputs {
        input,
        ..Inputs::default()
    };
    let limits = Limits {
        fuel: Fuel::new(fuel),
        steps: 1 << 22,
    };
    let profile = Profile::of(wasm, &options, &inputs, limits).unwrap();
    let run = &profile.run;
    // Fuel of no operator is left over only where it ran out.
    let is_rest = profile
        .operators
        .iter()
        .any(|it| it.name == "(rest of the budget)");
    assert!(run.end == End::OutOfFuel || !is_rest);
    for parts in [&profile.functions, &profile.operators] {
        assert_eq!(parts.iter().map(|it| it.steps).sum::<u64>(), run.steps);
        assert_eq!(parts.iter().map(|it| it.fuel.get()).sum::<u64>(), run.fuel.get());
        for table in 0..COUNT {
            let rows: u64 = parts.iter().map(|it| it.rows[table]).sum();
            assert_eq!(rows, profile.rows[table]);
        }
    }
    (profile, inputs, limits)
}

fn times(profile: &Profile, operator: &str) -> u64 {
    profile
        .operators
        .iter()
        .find(|it| it.name == operator)
        .map_or(0, |it| it.times)
}

#[test]
fn sums_are_those_of_the_run_of_the_samples() {
    let sha256: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    let sieve: &[u8] = include_bytes!("../../../../capsules/sieve/capsule.wasm");
    let hashed = profile(sha256, "main", &[7; 200], 1 << 30);
    assert_eq!(hashed.run.end, End::Return(vec![]));
    // It reads whole blocks of 8 words.
    assert_eq!(
        hashed.host_calls,
        [
            (HostCall::Len, 1),
            (HostCall::Read, 32),
            (HostCall::Write, 4),
            (HostCall::CommitLen, 1)
        ]
    );
    profile(sieve, "main", &1000u64.to_le_bytes(), 1 << 30);
}

#[test]
fn every_fuel_limit_is_shared_out_to_its_last_unit() {
    let wasm = wat::parse_str(
        r#"(module (import "nonos" "write" (func $write (param i32 i64))) (memory 1)
             (type $w (func (param i32 i64))) (table funcref (elem $write))
             (func $odd (param i32) (local i64 i64)
               (local.set 1 (i64.load (i32.add (local.get 0) (i32.const 3))))
               (call $write (i32.const 3) (local.get 1)))
             (func (export "main") (local $i i32)
               (memory.fill (i32.const 8) (i32.const 7) (i32.const 100))
               (memory.copy (i32.const 200) (i32.const 9) (i32.shl (i32.const 5) (i32.const 3)))
               (loop $l
                 (call $odd (local.get $i))
                 (call_indirect (type $w) (i32.const 5) (i64.const 1) (i32.const 0))
                 (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))))"#,
    )
    .unwrap();
    let whole = profile(&wasm, "main", b"", 10_000);
    assert_eq!(whole.run.end, End::Return(vec![]));
    assert_eq!(whole.host_calls, [(HostCall::Write, 10)]);
    assert_eq!((times(&whole, "i64.load"), times(&whole, "i32.lt_u")), (5, 5));
    assert!(
        whole.functions.iter().any(|it| it.name == "odd"),
        "the name section"
    );
    assert!(whole.functions.iter().any(|it| it.name == "(host call write)"));
    assert!(whole.functions.iter().any(|it| it.name == "(memory.fill)"));
    for fuel in 1..whole.run.fuel.get() {
        let (cut, ..) = of(&wasm, "main", b"", fuel);
        assert_eq!((cut.run.end, cut.run.fuel.get()), (End::OutOfFuel, fuel));
    }
}

#[test]
fn every_instruction_has_a_place_and_all_of_its_fuel_is_charged_for_something() {
    let sha256: &[u8] = include_bytes!("../../../../capsules/sha256/capsule.wasm");
    let sieve: &[u8] = include_bytes!("../../../../capsules/sieve/capsule.wasm");
    for wasm in [sha256, sieve] {
        let options = Options {
            entry: "main",
            max_pages: Pages::new(16),
            hosts: HostSet::ALL,
        };
        let (lowered, source) = lower_with_source(wasm, &options).unwrap();
        assert_eq!(lowered, lower(wasm, &options).unwrap());
        assert_eq!(source.places.len(), lowered.program.code.len());
        let mut charges = source.charges.iter().peekable();
        let (mut charged, mut carried) = (0, 0);
        for (pc, instr) in lowered.program.code.iter().enumerate() {
            carried += u32::from(instr.cost);
            let mut is_here = false;
            while let Some(charge) = charges.next_if(|charge| charge.pc as usize == pc) {
                charged += charge.cost;
                is_here = true;
            }
            assert!(!is_here || charged == carried, "at {pc}: {charged} of {carried}");
        }
        assert_eq!((charges.next(), charged), (None, carried));
    }
}

#[test]
fn names_functions_by_their_exports_or_their_index() {
    let wasm = wat::parse_str(
        r#"(module (func (nop) (nop)) (func (export "main") (call 0) (call 2)) (func (drop (i32.div_u (i32.const 1) (i32.const 0)))))"#,
    )
    .unwrap();
    let it = profile(&wasm, "main", b"", 100);
    assert!(matches!(it.run.end, End::Trap(_)));
    let names: Vec<&str> = it.functions.iter().map(|it| &*it.name).collect();
    for name in ["main", "function 0", "function 2"] {
        assert!(names.contains(&name), "{names:?}");
    }
}
