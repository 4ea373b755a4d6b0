//! Runs on sealed tapes: proved, verified, and not shown.

use crate::support::Place;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

/// Writes the sum of the words of the sealed tape to the result, and returns whether it exceeds 1000.
const MODULE: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "run") (result i32) (local $s i64) (local $w i64)
        (block $end (loop $more
            (br_if $end (i64.eqz (local.tee $w (call $read (i32.const 1)))))
            (local.set $s (i64.add (local.get $s) (local.get $w)))
            (br $more)))
        (call $write (i32.const 3) (local.get $s))
        (i64.gt_u (local.get $s) (i64.const 1000))))"#;

fn place() -> (Place, Vec<u8>) {
    let place = Place::new();
    place.write("m.wasm", wat::parse_str(MODULE).expect("valid text"));
    let words: [u64; 3] = [
        0x1122_3344_5566_7788,
        0x0102_0304_0506_0708,
        0x7a7b_7c7d_7e7f_6a6b,
    ];
    let secret: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    place.write("secret", &secret);
    (place, secret)
}

fn prove(place: &Place, more: &[&str]) -> Value {
    let mut call = vec![
        "--json", "prove", "--wasm", "m.wasm", "--invoke", "run", "--sealed", "secret",
    ];
    call.extend(more);
    place.operator(&call).json()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn proves_by_stark_a_run_on_sealed_tapes_without_showing_them() {
    proves_a_run_on_sealed_tapes_without_showing_them("stark", "stark-koalabear/2", 2);
}

#[test]
fn proves_by_halo2_a_run_on_sealed_tapes_without_showing_them() {
    proves_a_run_on_sealed_tapes_without_showing_them("halo2", "halo2-ipa-pasta/2", 1);
}

/// Each backend has its scheme of commitments.
fn proves_a_run_on_sealed_tapes_without_showing_them(backend: &str, id: &str, scheme: u32) {
    let (place, secret) = place();
    let by = ["--backend", backend];
    let more = ["--seal-results", "--openings", "o", "-o", "p"];
    let proved = prove(&place, &[&more[..], &by].concat());
    assert_eq!(proved["outcome"], json!({ "kind": "return", "values": [1] }));
    assert_eq!(proved["backend"], id);
    let result = hex::decode(proved["result_hex"].as_str().expect("hex")).expect("hex");
    assert_eq!(result.len(), 8);

    let proof = place.read("p");
    for word in secret.chunks(8).chain([&result[..]]) {
        assert!(!holds(&proof, word), "{word:x?}");
    }
    let verified = place
        .operator(&["--json", "verify", "--wasm", "m.wasm", "p"])
        .json();
    assert_eq!(verified["result_hex"], "");
    assert_eq!(verified["outcome"], proved["outcome"]);
    let mode = place.path("o").metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let openings: Value = serde_json::from_slice(&place.read("o")).expect("JSON");
    let proven = &verified["proven"];
    assert_eq!(openings["sealed_input"]["commitment"], proven["sealed_input"]);
    assert_eq!(proven["sealed_input"]["scheme"], scheme);
    assert_eq!(openings["output"]["commitment"], proven["output"]["commitment"]);
    assert_eq!(openings["output"]["tapes"][0]["words_hex"], proved["result_hex"]);
    for opening in ["sealed_input", "output"] {
        let salt = hex::decode(openings[opening]["salt"].as_str().expect("hex")).expect("hex");
        assert_eq!(salt.len(), 32);
        assert!(!holds(&proof, &salt[..8]), "{opening}");
    }
    let shown = place.operator(&["verify", "--wasm", "m.wasm", "p"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    for line in ["sealed input", "sealed output"] {
        assert!(shown.stdout.contains(line), "{}", shown.stdout);
    }

    // Fresh salts: the same run again has other commitments.
    let again = prove(&place, &[&["-o", "q"][..], &by].concat());
    assert_ne!(again["exec_hash"], proved["exec_hash"]);
    let open = place
        .operator(&["--json", "verify", "--wasm", "m.wasm", "q"])
        .json();
    assert_eq!(open["result_hex"], proved["result_hex"]);
    assert_ne!(open["proven"]["sealed_input"], proven["sealed_input"]);
}

#[test]
fn refuses_a_sealed_file_that_is_not_there() {
    let (place, _) = place();
    let call = [
        "prove", "--wasm", "m.wasm", "--invoke", "run", "--sealed", "absent",
    ];
    let ended = place.operator(&call);
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("absent"), "{}", ended.stderr);
}
