//! Writes valid inputs for the targets whose corpus would else have none to start from:
//! `cargo run -p nonos-fuzz-checks --example seeds`.

use ed25519_dalek::SigningKey;
use nonos_fuzz_checks::run::run;
use nonos_fuzz_checks::stark::Edit;
use nonos_machine::{ExecutionStatement, Secret, Subject};
use nonos_types::{BackendId, Envelope, Payload as _, Timestamp, Value, VkDigest};
use nonos_verify::{Proof, ProofObject};
use nonos_verify_stark::Cutter;
use std::{fs, io, path::Path, sync::Arc};

const MODULES: [(&str, &str); 6] = [
    (
        "memory",
        r#"(module (memory 1 2) (data (i32.const 6) "seed") (data $p "passive bytes")
        (func (export "f") (param i32) (result i64) (memory.init $p (local.get 0) (i32.const 1) (i32.const 9))
            (memory.copy (i32.const 3) (local.get 0) (i32.const 20)) (memory.fill (i32.const 40) (i32.const 7) (i32.const 9))
            (data.drop $p) (drop (memory.grow (i32.const 1))) (i64.load16_s offset=3 (local.get 0))))"#,
    ),
    (
        "tables",
        r#"(module (type $t (func (param i64) (result i64))) (table $a 4 8 funcref) (elem (i32.const 1) $g) (elem $e func $g $h)
        (func $g (type $t) (i64.div_s (local.get 0) (i64.const 3))) (func $h (result i32 i64) (i32.const 1) (i64.const 2))
        (func (export "f") (param i32) (result i64) (table.init $e (i32.const 2) (i32.const 0) (i32.const 2))
            (table.set (i32.const 0) (ref.func $g)) (drop (table.grow (ref.null func) (i32.const 2))) (elem.drop $e)
            (call_indirect (type $t) (i64.const -7) (local.get 0))))"#,
    ),
    (
        "control",
        r#"(module (global $g (mut i32) (i32.const 3)) (func $s (global.set $g (i32.const 5))) (start $s)
        (func $two (param i32) (result i32 i32) (local.get 0) (i32.clz (local.get 0)))
        (func (export "f") (param i32) (result i32)
            (block $a (block $b (block $c (br_table $a $b $c (local.get 0)))  (return (global.get $g))) (return_call $rec (i32.const 30)))
            (call $two (local.get 0)) (i32.rem_u))
        (func $rec (param i32) (result i32) (if (result i32) (local.get 0) (then (return_call $rec (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 9)))))"#,
    ),
    (
        "host",
        r#"(module (import "nonos" "read" (func $read (param i32) (result i64))) (import "nonos" "len" (func $len (param i32) (result i64)))
        (import "nonos" "write" (func $write (param i32 i64))) (import "nonos" "commit_len" (func $commit (param i32 i64)))
        (import "nonos" "exit" (func $exit (param i32)))
        (func (export "f") (param i32) (loop $l (call $write (i32.const 3) (call $read (local.get 0))) (br_if $l (i64.eqz (call $read (i32.const 0)))))
            (call $commit (i32.const 3) (i64.const 5)) (call $exit (i32.wrap_i64 (call $len (i32.const 0))))))"#,
    ),
    (
        "traps",
        r#"(module (memory 1) (func (export "f") (param i32) (result i32) (i32.load offset=65533 (local.get 0)))
        (func (export "g") (param i32) (result i32) (i32.div_s (i32.const -2147483648) (i32.sub (local.get 0) (i32.const 4))))
        (func (export "h") (call 2)) (func (export "u") unreachable))"#,
    ),
    (
        "arithmetic",
        r#"(module (func (export "f") (param i64 i64) (result i64)
        (i64.xor (i64.rotr (i64.mul (local.get 0) (local.get 1)) (i64.const 5)) (i64.add (i64.popcnt (local.get 1)) (i64.ctz (i64.shl (local.get 0) (i64.const 9)))))))"#,
    ),
];

/// Edits of a proof: nothing, then the header, the places of queries, digests, elements, the length.
const STARK: [(&str, &[Edit]); 8] = [
    ("honest", &[]),
    ("profile", &[Edit::Flip { at: 1, bits: 3 }]),
    ("height", &[Edit::Flip { at: 2, bits: 1 }]),
    ("place", &[Edit::Flip { at: 30, bits: 1 }]),
    (
        "places",
        &[
            Edit::Copy {
                from: 24,
                to: 28,
                count: 4,
            },
            Edit::Copy {
                from: 28,
                to: 32,
                count: 4,
            },
        ],
    ),
    ("digest", &[Edit::Flip { at: 1000, bits: 0x80 }]),
    (
        "elements",
        &[
            Edit::Flip { at: 40_000, bits: 1 },
            Edit::Flip { at: 60_000, bits: 1 },
        ],
    ),
    ("cut", &[Edit::Cut { to: 20_000 }]),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    };
    for (name, text) in MODULES {
        write("module", name, &wat::parse_str(text)?)?;
    }
    let wasm = wat::parse_str(MODULES[5].1)?;
    let subject = Subject::Module(wasm.into());
    let (record, tapes) = run(&subject)?;
    let bytes = record.to_bytes();
    write("record", "return", &bytes)?;
    write("record", "proven", &record.proven.to_bytes())?;
    let key = SigningKey::from_bytes(&[7; 32]);
    write("envelope", "record", &Envelope::sign(&record, &key).to_bytes())?;
    let (program, tapes) = (subject.to_bytes(), tapes.to_bytes());
    let lengths = [bytes.len(), program.len()].map(|length| (length as u16).to_le_bytes());
    write(
        "statement",
        "return",
        &[&lengths.concat()[..], &bytes, &program, &tapes].concat(),
    )?;
    let object = ProofObject {
        capsule: record.proven.capsule,
        exec: record.exec_hash(),
        proof: Proof::new(VkDigest::from_bytes([3; 32]), [1, 2, 3]),
        timestamp: Timestamp::new(1_700_000_000),
        backend: BackendId::new("halo2-ipa-pasta/2"),
    };
    write("proof", "object", &object.encode()?)?;
    decoders(&write)?;
    machines(&write)?;
    for (name, edits) in STARK {
        let edits = edits.iter().flat_map(|edit| edit.to_bytes());
        write("stark", name, &edits.collect::<Vec<u8>>())?;
    }
    Ok(())
}

type Write<'a> = &'a dyn Fn(&str, &str, &[u8]) -> io::Result<()>;

/// The bytes that a text has in hex, between anything else than hex digits.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |it: u8| char::from(it).to_digit(16).unwrap_or_default() as u8;
    digits
        .chunks_exact(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// The keystore of the vector in `docs/spec/keystore.md`.
const KEYSTORE: &str = "4e4f4e4b 01 00004c00 0201 11111111111111111111111111111111
    212121212121212121212121212121212121212121212121
    8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
    326481b9a390937f3f073304982653ed62adce2f5efc040123d7f4ebcf5ed9aa c95b88004d08718c62f05cbefd99cf9e";

const MANIFEST: &str = r#"requires_poi = true
[meta]
name = "everything"
version = "1.2.3-rc.1"
author = "Ada"
author_key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
[exec]
entry = "main"
hash = "sha256:0101010101010101010101010101010101010101010101010101010101010101"
[resources]
fuel = 50_000_000
mem = "16MiB"
net = "none"
checkpoint_every = 100_000
[host]
calls = ["len", "read", "write"]
[fees]
base = "0.0001 NONOS"
share_seeders = 500
share_verifiers = 1500
"#;

/// What decoders accept.
fn decoders(write: Write<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/nonos-depin/tests/vectors");
    write(
        "anchor",
        "vector",
        &unhex(&fs::read_to_string(vectors.join("anchor.hex"))?),
    )?;
    for (name, bytes) in nonos_fuzz_checks::boxes::samples()? {
        write("boxes", name, &bytes)?;
    }
    // Version, k, two public columns, three tables, and what would be the proof.
    write(
        "halo2",
        "layout",
        &[1, 11, 2, 0, 3, 0, 1, 0, 4, 0, 16, 0, 0xaa, 0xbb],
    )?;
    write("keystore", "vector", &unhex(KEYSTORE))?;
    write("manifest", "everything", MANIFEST.as_bytes())?;
    let policy = nonos_package::Policy::for_module("main");
    write("manifest", "policy", &policy.to_bytes())?;
    let seen: Vec<u8> = [
        vec![4],
        1_800_000_000_u64.to_be_bytes().to_vec(),
        vec![1; 32],
        vec![2; 32],
    ]
    .concat();
    write("books", "seen", &seen)?;

    // A job from the middle of a run that has memory, calls and a trap's worth of state.
    let subject = Subject::Module(wat::parse_str(MODULES[3].1)?.into());
    let (arguments, secret) = ([Value::I32(0)], Secret::default());
    let run = Arc::new(ExecutionStatement::of_call(
        subject, "f", &arguments, &[9; 40], &secret,
    )?);
    for (place, job) in Cutter::new(&run, 12)?.enumerate().take(2) {
        write("job", &format!("segment-{place}"), &job.to_bytes())?;
    }
    Ok(())
}

/// Schedules for the state machines.
fn machines(write: Write<'_>) -> io::Result<()> {
    let each_twice: Vec<u8> = (0..64).flat_map(|n| [n, n % 5, 4, n, 7, 0]).collect();
    write("admission", "each-twice", &each_twice)?;
    let flood: Vec<u8> = (0..=255).flat_map(|n| [n, 1, 0]).collect();
    write("admission", "flood", &flood)?;
    // Two questions, then time and deliveries in turn, so that they are asked, answered and done.
    let turns = [6, 10, 0, 0, 0, 0, 0, 0, 0, 0].repeat(40);
    write("onion", "answered", &[&[7, 6, 7, 2], &turns[..]].concat())?;
    let rough: Vec<u8> = (0..250_u8)
        .flat_map(|n| [[7, 0, 6, 4, 0, 5, 3, 0][usize::from(n % 8)], n])
        .collect();
    write("onion", "rough", &rough)
}
