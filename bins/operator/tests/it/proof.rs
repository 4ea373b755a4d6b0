//! `operator prove|verify` and `operator capsule prove|verify`: one proof per test, and all that is refused.

use crate::support::Place;
use nonos_types::{ExecutionRecord, Fuel, Outcome, Payload as _, TrapKind, Value};
use nonos_verify::ProofObject;
use prost::Message as _;
use serde_json::{Value as Json, json};

/// `docs/spec/proof-file.md`, written again.
#[derive(Clone, PartialEq, prost::Message)]
struct File {
    #[prost(bytes = "vec", tag = "1")]
    object: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    record: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    tapes: Vec<u8>,
}

impl File {
    fn read(bytes: &[u8]) -> Self {
        assert_eq!(&bytes[..5], b"NONP\x01");
        Self::decode(&bytes[5..]).expect("protobuf")
    }

    /// The file with another record, and an object that is about that record.
    fn with_record(&self, change: impl FnOnce(&mut ExecutionRecord)) -> Vec<u8> {
        let mut record = ExecutionRecord::from_bytes(&self.record).expect("a record");
        change(&mut record);
        let mut object = ProofObject::decode(&self.object).expect("an object");
        object.capsule = record.proven.capsule;
        object.exec = record.exec_hash();
        let changed = Self {
            object: object.encode().expect("encodes"),
            record: record.to_bytes(),
            tapes: self.tapes.clone(),
        };
        changed.bytes()
    }

    fn bytes(&self) -> Vec<u8> {
        [&b"NONP\x01"[..], &self.encode_to_vec()].concat()
    }
}

const MODULE: &str = r#"(module
    (func (export "sub") (param i32 i64) (result i64)
        (i64.sub (local.get 1) (i64.extend_i32_s (local.get 0))))
    (func (export "rsub") (param i32 i64) (result i64)
        (i64.sub (i64.extend_i32_s (local.get 0)) (local.get 1)))
    (func (export "trap") unreachable)
    (func (export "spin") (loop (br 0))))"#;

fn module(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

#[test]
fn proves_a_call_by_stark_and_refuses_every_other() {
    proves_a_call_and_refuses_every_other("stark", "stark-koalabear/2");
}

#[test]
fn proves_a_call_by_halo2_and_refuses_every_other() {
    proves_a_call_and_refuses_every_other("halo2", "halo2-ipa-pasta/2");
}

fn proves_a_call_and_refuses_every_other(backend: &str, id: &str) {
    let place = Place::new();
    place.write("m.wasm", module(MODULE));
    let call = [
        "--json",
        "prove",
        "--wasm",
        "m.wasm",
        "--invoke",
        "sub",
        "-o",
        "p",
        "--backend",
        backend,
        "--",
        "-5",
        "7",
    ];
    let proved = place.operator(&call).json();
    assert_eq!(proved["backend"], id);
    assert_eq!(proved["backend_reason"], "it was asked for");
    assert_eq!(proved["outcome"], json!({ "kind": "return", "values": [12] }));
    for figure in ["fuel", "steps", "prove_ms", "proof_bytes", "peak_rss_mb"] {
        assert!(
            proved[figure].as_u64().is_some_and(|figure| figure > 0),
            "{figure}: {proved}"
        );
    }

    let verify = |name: &str| place.operator(&["--json", "verify", "--wasm", "m.wasm", name]);
    let verified = verify("p").json();
    assert_eq!(verified["entry"], "sub");
    assert_eq!(verified["arguments"], json!([-5, 7]));
    assert_eq!(verified["outcome"], proved["outcome"]);
    assert_eq!(verified["fuel"], proved["fuel"]);
    assert_eq!(verified["backend"], id);

    // Another program.
    place.write(
        "other.wasm",
        module(&MODULE.replace("extend_i32_s", "extend_i32_u")),
    );
    place
        .operator(&["verify", "--wasm", "other.wasm", "p"])
        .refused(3, "another program");
    place.write("x", [1]);
    place
        .operator(&["verify", "--wasm", "m.wasm", "p", "--input", "x"])
        .refused(3, "another public input");

    // Another statement, with the hashes put right.
    let whole = place.read("p");
    let file = File::read(&whole);
    type Change = (&'static str, fn(&mut ExecutionRecord));
    let proven: [Change; 7] = [
        ("argument", |r| r.proven.arguments[0] = Value::I32(5)),
        ("result", |r| {
            r.proven.outcome = Outcome::Return(vec![Value::I64(13)])
        }),
        ("outcome", |r| r.proven.outcome = Outcome::Exit(12)),
        ("less fuel", |r| {
            r.proven.fuel_used = Fuel::new(r.proven.fuel_used.get() - 1)
        }),
        ("more fuel", |r| {
            r.proven.fuel_used = Fuel::new(r.proven.fuel_used.get() + 1)
        }),
        ("entry", |r| r.proven.entry = "rsub".to_owned()),
        ("attested part", |r| {
            r.attested.audit_root = nonos_types::AuditRoot::ZERO
        }),
    ];
    for (what, change) in proven {
        let changed = file.with_record(change);
        assert_ne!(changed, whole, "{what}");
        place.write("changed", changed);
        let ended = verify("changed");
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (3, ""),
            "{what}: {}",
            ended.stderr
        );
    }

    // Another file: every part of it is hit.
    place.write("cut", &whole[..whole.len() - 1]);
    verify("cut").refused(3, "error: ");
    place.write("cut", &whole[..whole.len() / 2]);
    verify("cut").refused(3, "error: ");
    place.write("long", [&whole[..], &[0]].concat());
    verify("long").refused(3, "error: ");
    for eighth in 0..8 {
        let mut flipped = whole.clone();
        flipped[eighth * whole.len() / 8 + 11] ^= 1;
        place.write("flipped", flipped);
        verify("flipped").refused(3, "error: ");
    }
    let longer = |grow: fn(&mut Vec<u8>)| {
        let mut object = ProofObject::decode(&file.object).expect("an object");
        let mut bytes = object.proof.bytes.to_vec();
        grow(&mut bytes);
        object.proof.bytes = bytes.into();
        File {
            object: object.encode().expect("encodes"),
            ..file.clone()
        }
        .bytes()
    };
    place.write("grown", longer(|bytes| bytes.push(0)));
    verify("grown").refused(3, "error: ");
    place.write("shrunk", longer(|bytes| bytes.truncate(bytes.len() - 32)));
    verify("shrunk").refused(3, "error: ");

    // Another backend: the other one, and one that there is not.
    for (name, why) in [
        ("stark-koalabear/2", "error: "),
        ("halo2-ipa-pasta/2", "error: "),
        ("halo2-ipa-pasta/1", "it has stark-koalabear/2, halo2-ipa-pasta/2"),
    ] {
        if name != id {
            let mut object = ProofObject::decode(&file.object).expect("an object");
            object.backend = name.parse().expect("a name");
            let changed = File {
                object: object.encode().expect("encodes"),
                ..file.clone()
            };
            place.write("renamed", changed.bytes());
            verify("renamed").refused(3, why);
        }
    }
}

#[test]
fn proves_a_capsules_run_on_its_input() {
    let place = Place::new();
    // Writes the double of its input.
    let wasm = module(
        r#"(module
            (import "nonos" "read" (func $read (param i32) (result i64)))
            (import "nonos" "write" (func $write (param i32 i64)))
            (import "nonos" "commit_len" (func $commit (param i32 i64)))
            (func (export "main")
                (call $write (i32.const 3) (i64.shl (call $read (i32.const 0)) (i64.const 1)))
                (call $commit (i32.const 3) (i64.const 3))))"#,
    );
    let manifest = r#"
[meta]
name = "double"
version = "1.0.0"
author = "a test"
[exec]
entry = "main"
[resources]
fuel = 1000
mem = "64KiB"
net = "none"
[host]
calls = ["read", "write", "commit_len"]
"#;
    place.write("d/capsule.wasm", wasm);
    place.write("d/manifest.toml", manifest);
    place.write("three", [1, 2, 3]);
    assert_eq!(
        place
            .operator(&["capsule", "build", "d", "--new-key", "k", "-o", "d.mod"])
            .code,
        0
    );
    assert_eq!(
        place
            .operator(&["capsule", "build", "d", "--new-key", "k2", "-o", "e.mod"])
            .code,
        0
    );

    let mut lengths = vec![];
    for (purpose, backend) in [("compact", "halo2-ipa-pasta/2"), ("quick", "stark-koalabear/2")] {
        let call = [
            "--json",
            "capsule",
            "prove",
            "d.mod",
            "--input",
            "three",
            "-o",
            "p",
            "--purpose",
            purpose,
        ];
        let ended = place.operator(&call);
        let proved = ended.json();
        assert_eq!(proved["result_hex"], "020406");
        assert_eq!(proved["backend"], backend);
        let reason = proved["backend_reason"].as_str().expect("a reason");
        assert!(reason.contains(purpose), "{reason}");
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
        let verified = place
            .operator(&["--json", "capsule", "verify", "d.mod", "p", "--input", "three"])
            .json();
        assert_eq!(verified["result_hex"], "020406");
        assert_eq!(verified["input_bytes"], 3);
        assert_eq!(verified["verified"], true);
        assert_eq!(verified["backend"], backend);
        lengths.push(proved["proof_bytes"].as_u64());
    }
    assert!(lengths[0] < lengths[1], "{lengths:?}");

    // The same module by another author is another capsule.
    place
        .operator(&["capsule", "verify", "e.mod", "p"])
        .refused(3, "another program");
    place.write("four", [1, 2, 4]);
    place
        .operator(&["capsule", "verify", "d.mod", "p", "--input", "four"])
        .refused(3, "another public input");
}

#[test]
fn proves_a_trap_and_refuses_another_end() {
    let place = Place::new();
    place.write("m.wasm", module(MODULE));
    let ran = place.operator(&[
        "--json", "prove", "--wasm", "m.wasm", "--invoke", "trap", "-o", "p",
    ]);
    let trap = json!({ "kind": "trap", "trap": "unreachable" });
    assert_eq!(ran.json()["outcome"], trap);
    let verify = |name: &str| place.operator(&["--json", "verify", "--wasm", "m.wasm", name]);
    assert_eq!(verify("p").json()["outcome"], trap);

    let file = File::read(&place.read("p"));
    let lies = [
        Outcome::Trap(TrapKind::DivisionByZero),
        Outcome::Return(vec![]),
        Outcome::Exit(0),
        Outcome::OutOfFuel,
    ];
    for lie in lies {
        place.write(
            "lie",
            file.with_record(|record| record.proven.outcome = lie.clone()),
        );
        verify("lie").refused(3, "error: ");
    }
}

/// A loop without end, as a capsule `spin.mod` of `fuel`.
fn pack_spin(place: &Place, fuel: &str) {
    let manifest = format!(
        r#"
[meta]
name = "spin"
version = "1.0.0"
author = "a test"
[exec]
entry = "spin"
[resources]
fuel = {fuel}
mem = "64KiB"
net = "none"
"#
    );
    place.write("spin/capsule.wasm", module(MODULE));
    place.write("spin/manifest.toml", manifest);
    let built = place.operator(&["capsule", "build", "spin", "--new-key", "k", "-o", "spin.mod"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
}

#[test]
fn plans_what_a_proof_takes_and_proves_that_the_fuel_ran_out() {
    let place = Place::new();
    pack_spin(&place, "1000");
    let planned = place.operator(&["--json", "capsule", "plan", "spin.mod"]).json();
    assert_eq!(planned["outcome"], "out of fuel");
    assert_eq!(
        (&planned["backend"], &planned["profile"]),
        (&json!("stark-koalabear/2"), &json!("fast"))
    );
    let plans = planned["plans"].as_array().expect("a list");
    let methods: [&[&str]; 4] = [
        &["--backend", "stark"],
        &["--backend", "stark", "--profile", "small"],
        &["--backend", "stark", "--profile", "strong"],
        &["--backend", "halo2"],
    ];
    assert_eq!(plans.len(), methods.len());
    for (plan, method) in plans.iter().zip(methods) {
        let call = ["--json", "capsule", "prove", "spin.mod", "-o", "p"];
        let proved = place.operator(&[&call[..], method].concat()).json();
        assert_eq!(proved["outcome"], json!({ "kind": "out-of-fuel" }));
        assert_eq!(proved["fuel"], 1000);
        for figure in ["steps", "fuel"] {
            assert_eq!(planned[figure], proved[figure], "{figure}");
        }
        for field in ["backend", "profile"] {
            assert_eq!(plan[field], proved[field], "{field}");
        }
        for figure in ["prove_seconds", "peak_memory_mb"] {
            assert!(
                plan[figure].as_f64().is_some_and(|figure| figure > 0.0),
                "{figure}: {plan}"
            );
        }
        let bytes = |value: &Json| value["proof_bytes"].as_u64().expect("a number");
        let (expected, made) = (bytes(plan), bytes(&proved));
        // halo2's size follows from its layout; the STARK's depends on its challenges.
        let off = if proved["backend"] == "halo2-ipa-pasta/2" {
            0
        } else {
            made / 20
        };
        assert!(expected.abs_diff(made) <= off, "{expected} planned, {made} made");
    }
    let verify = |name: &str| place.operator(&["--json", "capsule", "verify", "spin.mod", name]);
    assert_eq!(verify("p").json()["outcome"], json!({ "kind": "out-of-fuel" }));
    let file = File::read(&place.read("p"));
    place.write(
        "lie",
        file.with_record(|record| record.proven.fuel_used = Fuel::new(999)),
    );
    verify("lie").refused(3, "error: ");
}

#[test]
fn says_of_a_long_run_that_it_is_not_planned_and_how_it_is_proved() {
    let place = Place::new();
    pack_spin(&place, "20_000_000");
    let planned = place.operator(&["capsule", "plan", "spin.mod"]);
    planned.refused(2, "only runs of at most 4194302 are planned");
}

#[test]
fn names_what_is_wrong_with_a_call() {
    let place = Place::new();
    place.write("m.wasm", module(MODULE));
    let prove = |invoke: &str, arguments: &[&str]| {
        place.operator(
            &[
                &["prove", "--wasm", "m.wasm", "--invoke", invoke, "--"],
                arguments,
            ]
            .concat(),
        )
    };
    prove("mul", &[]).refused(2, "it exports rsub, spin, sub, trap");
    prove("sub", &["1"]).refused(2, "takes 2 arguments, 1 are given");
    prove("sub", &["1", "x"]).refused(2, "i64");
    prove("sub", &["4294967296", "1"]).refused(2, "i32");
    place.write(
        "float.wasm",
        module("(module (func (export \"f\") (drop (f32.sqrt (f32.const 1)))))"),
    );
    let refused = place.operator(&["prove", "--wasm", "float.wasm", "--invoke", "f"]);
    refused.refused(3, "`f32.const` is outside of the instruction set");
}
