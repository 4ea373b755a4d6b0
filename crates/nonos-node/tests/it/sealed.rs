//! A sealed input and a sealed result, through the mesh.

use std::{fs, path::Path};

use ed25519_dalek::SigningKey;
use nonos_mesh::{
    Object,
    core::bundle::{Item, Reader},
};
use nonos_node::{
    Conduct, Node,
    api::{BundleBegun, BundleView, JobState, Request, SecretHex, Status, Submission},
};
use nonos_types::{CapsuleHash, Message, NetworkId};

use crate::mesh::{Mesh, addresses, ask, job, stop, submission, submit, until};

/// Writes back the double of each word of the sealed tape, and returns whether it began with the public input's word.
const DOUBLE: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "main") (result i32) (local $first i64) (local $word i64)
        (local.set $first (call $read (i32.const 1)))
        (local.set $word (local.get $first))
        (block $end (loop $more
            (br_if $end (i64.eqz (local.get $word)))
            (call $write (i32.const 3) (i64.mul (local.get $word) (i64.const 2)))
            (local.set $word (call $read (i32.const 1)))
            (br $more)))
        (i64.eq (local.get $first) (call $read (i32.const 0)))))"#;

const PUBLIC: u64 = 0x5a5b_5c5d_5e5f_6061;
const SECRET: [u64; 4] = [
    0x1122_3344_5566_7788,
    0x0102_0304_0506_0708,
    0x3a3b_3c3d_3e3f_4a4b,
    0x6162_6364_6566_6768,
];

fn words(words: impl IntoIterator<Item = u64>) -> Vec<u8> {
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

fn package() -> String {
    let wasm = wat::parse_str(DOUBLE).expect("valid text");
    let key = SigningKey::from_bytes(&[9; 32]);
    let manifest = format!(
        r#"
        [meta]
        name = "double-sealed"
        version = "1.0.0"
        author = "tests"
        author_key = "{}"
        [exec]
        entry = "main"
        hash = "{}"
        [resources]
        fuel = 10000
        mem = "64KiB"
        [host]
        calls = ["read", "write"]
        [fees]
        base = "0.001 NONOS"
        "#,
        hex::encode(key.verifying_key().to_bytes()),
        nonos_package::PayloadHash::of(&wasm),
    );
    let package = nonos_package::builder::pack(&wasm, &manifest, &key).expect("a valid package");
    hex::encode(package.bytes())
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// All that a node has and gives to others: its messages and its objects.
async fn bundle(node: &Node, path: &Path) -> Vec<u8> {
    let path_text = path.to_str().expect("text").to_owned();
    let request = Request::ExportBundle {
        path: path_text,
        replace: false,
    };
    let BundleBegun { number } = ask(node, request).await;
    until(node, Request::Bundle { number }, |it: &BundleView| {
        it.outcome.is_some()
    })
    .await;
    fs::read(path).expect("a bundle")
}

/// Every file below a directory, one after the other.
fn files(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            all.extend(bytes);
        }
    }
    all
}

async fn is_run_and_paid_and_seen_by_nobody_else(backend: &str) {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let executor = mesh.start("executor", &at, Conduct::Honest).await;
    let other = mesh.start("other", &at, Conduct::Honest).await;
    for node in [&requester, &executor, &other] {
        until(node, Request::Status, |it: &Status| it.peers == 2).await;
    }
    let published: nonos_node::api::Published = ask(
        &requester,
        Request::Publish {
            package_hex: package(),
            without_dependencies: false,
        },
    )
    .await;
    let capsule: CapsuleHash = published.capsule;
    let wanted = Submission {
        backend: Some(backend.to_owned()),
        sealed_input_hex: Some(SecretHex(hex::encode(words(SECRET)))),
        seal_result: true,
        weights: vec![(other.id(), 0)],
        ..submission(capsule, PUBLIC, 1)
    };
    let id = submit(&requester, wanted).await;
    let done = job(&requester, id, |it| {
        it.state == JobState::Paid && it.verdicts.len() >= 2
    })
    .await;
    assert_eq!(done.executor, Some(executor.id()));
    let receipt = done.receipt.expect("a receipt");
    assert_eq!(receipt.outcome, "return 0", "what the entry returns is public");
    let doubled = words(SECRET.map(|word| word.wrapping_mul(2)));
    assert_eq!(receipt.result_hex, Some(hex::encode(&doubled)));
    for node in [&executor, &other] {
        let seen = job(node, id, |it| it.state == JobState::Paid).await;
        assert!(seen.sealing.result && seen.sealing.input_len.is_some());
        assert_eq!(seen.receipt.expect("a receipt").result_hex, None);
    }

    let of_requester = bundle(&requester, &mesh.path("requester.bundle")).await;
    let network = NetworkId::named("tests");
    let (mut sealed, mut results, mut offers) = (0, 0, 0);
    for item in Reader::new(&of_requester[..], network).expect("a bundle") {
        match item.expect("sound") {
            Item::Object(Object::Sealed(_), _) => sealed += 1,
            Item::Object(Object::Result(_), _) => results += 1,
            Item::Object(..) => {}
            Item::Message(bytes) => {
                let message = Message::from_bytes_of_any_kind(&bytes).expect("a message");
                offers += usize::from(matches!(message, Message::Offer(_)));
            }
        }
    }
    assert_eq!((sealed, results, offers), (1, 1, 1));

    let bundles = [
        of_requester,
        bundle(&executor, &mesh.path("executor.bundle")).await,
        bundle(&other, &mesh.path("other.bundle")).await,
    ];
    stop([requester, executor, other]).await;
    let directories = ["requester", "executor", "other"].map(|name| files(&mesh.path(name)));
    for (at, bytes) in bundles.iter().chain(&directories).enumerate() {
        for word in SECRET.iter().flat_map(|word| [*word, word.wrapping_mul(2)]) {
            let [little, big] = [word.to_le_bytes(), word.to_be_bytes()];
            let digits = [hex::encode(little), hex::encode(big)];
            assert!(!holds(bytes, &little) && !holds(bytes, &big), "{word:x} in {at}");
            assert!(
                !digits.iter().any(|it| holds(bytes, it.as_bytes())),
                "{word:x} in {at}"
            );
        }
        // What is public is found, so it is looked for where it would be.
        assert!(holds(bytes, &PUBLIC.to_le_bytes()), "{at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_job_is_proved_by_stark_and_paid_and_seen_by_nobody_else() {
    is_run_and_paid_and_seen_by_nobody_else("stark").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_job_is_proved_by_halo2_and_paid_and_seen_by_nobody_else() {
    is_run_and_paid_and_seen_by_nobody_else("halo2").await;
}
