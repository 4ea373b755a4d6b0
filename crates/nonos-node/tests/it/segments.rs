//! A long run, of which others prove parts.

use ed25519_dalek::SigningKey;
use nonos_node::{
    Conduct, Config, Executor, Limits, Node, Pin, Pins,
    api::{
        Books, EventPage, JobState, JobView, Published, Request, Status, Submission, TrustPoint, Verified,
        What,
    },
};
use nonos_types::{Amount, CapsuleHash, FeeKind, NodeId};

use crate::mesh::{Mesh, addresses, ask, job, stop, submission, submit, until};

/// Reads a number, and adds up those below it.
const SUM: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "main") (local $n i64) (local $sum i64)
        (local.set $n (call $read (i32.const 0)))
        (loop $l
            (local.set $sum (i64.add (local.get $sum) (local.get $n)))
            (br_if $l (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
        (call $write (i32.const 3) (local.get $sum))))"#;

fn capsule() -> Vec<u8> {
    let wasm = wat::parse_str(SUM).expect("valid text");
    let key = SigningKey::from_bytes(&[9; 32]);
    let manifest = format!(
        r#"
        [meta]
        name = "sum"
        version = "1.0.0"
        author = "tests"
        author_key = "{}"
        [exec]
        entry = "main"
        hash = "{}"
        [resources]
        fuel = 10000000
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
    package.bytes().to_vec()
}

/// Jobs are not run here, since they pay too little; segments are proved.
fn helper(config: Config) -> Config {
    Config {
        executor: Executor {
            min_fuel_price: Amount::from_atto(1),
            ..config.executor.clone()
        },
        ..config
    }
}

/// It proves in little memory, so that runs have segments of 2^15 steps.
fn small(config: Config) -> Config {
    Config {
        limits: Limits {
            memory: Some("256MiB".to_owned().try_into().expect("a size")),
            ..config.limits.clone()
        },
        ..config
    }
}

fn no_executor(config: Config) -> Config {
    Config {
        roles: Pins {
            executor: Pin::Off,
            ..config.roles
        },
        ..config
    }
}

async fn has_taken_one(node: &Node) {
    until(node, Request::Events { after: 0 }, |page: &EventPage| {
        page.events
            .iter()
            .any(|it| matches!(it.what, What::SegmentTook { .. }))
    })
    .await;
}

fn proved_by(view: &JobView, node: NodeId) -> u128 {
    let proved = &view.segments.as_ref().expect("it was cut").proved;
    proved.iter().filter(|it| it.by == node).count() as u128
}

/// What a node has paid or got for segments.
fn booked(view: &JobView, paid: bool) -> Vec<(NodeId, u128)> {
    let lines = view
        .booked
        .iter()
        .filter(|it| it.kind == FeeKind::Prove && it.paid == paid);
    lines.map(|it| (it.peer, it.amount.atto())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_proved_with_helpers_of_whom_one_forges_and_one_dies() {
    let mesh = Mesh::new();
    let honest = Conduct::Honest;
    let start = async |name, at: &[String], conduct, set: fn(Config) -> Config| {
        mesh.start_set(name, at, conduct, set).await.expect("it starts")
    };
    let requester = start("requester", &[], honest, no_executor).await;
    let at = addresses(&requester).await;
    let executor = start("executor", &at, honest, small).await;
    let good = start("good", &at, honest, helper).await;
    let forger = start("forger", &at, Conduct::ForgeSegments, helper).await;
    let mortal = start("mortal", &at, honest, helper).await;
    for node in [&requester, &executor, &good, &forger, &mortal] {
        until(node, Request::Status, |it: &Status| it.peers == 4).await;
    }
    let package_hex = hex::encode(capsule());
    let published: Published = ask(
        &requester,
        Request::Publish {
            package_hex,
            without_dependencies: false,
        },
    )
    .await;
    let capsule: CapsuleHash = published.capsule;
    let n = 50_000_u64;
    let wanted = Submission {
        deadline_s: 3600,
        ..submission(capsule, n, 0)
    };
    let id = submit(&requester, wanted).await;
    has_taken_one(&mortal).await;
    let mortal_id = mortal.id();
    mortal.shutdown().await;

    let paid = job(&requester, id, |it| {
        it.state == JobState::Paid && it.verdicts.len() == 3
    })
    .await;
    let receipt = paid.receipt.clone().expect("it is paid");
    assert_eq!(receipt.executor, executor.id());
    assert_eq!(
        receipt.result_hex,
        Some(hex::encode((n * (n + 1) / 2).to_le_bytes()))
    );
    assert_eq!(
        booked(&paid, true),
        [],
        "the requester pays the executor, and nobody else"
    );

    let view = job(&executor, id, |it| !booked(it, true).is_empty()).await;
    let segments = view.segments.clone().expect("it was cut");
    assert!(
        segments.of >= 3 && segments.proved.len() == segments.of as usize,
        "{segments:?}"
    );
    let of_good = proved_by(&view, good.id());
    assert!(of_good > 0, "{segments:?}");
    assert_eq!(of_good + proved_by(&view, executor.id()), u128::from(segments.of));
    assert_eq!(
        (proved_by(&view, forger.id()), proved_by(&view, mortal_id)),
        (0, 0)
    );
    let earned = of_good * segments.price.atto();
    assert_eq!(booked(&view, true), [(good.id(), earned)]);
    assert!(2 * earned <= receipt.fee.atto());

    let at_good = job(&good, id, |it| !booked(it, false).is_empty()).await;
    assert_eq!(booked(&at_good, false), [(executor.id(), earned)]);
    let books: Books = ask(&good, Request::Ledger).await;
    assert_eq!(books.owed_by, [(executor.id(), earned.to_string())]);
    let status: Status = ask(&good, Request::Status).await;
    assert_eq!(u128::from(status.segments_helped), of_good);

    let deeds: Vec<TrustPoint> = ask(&executor, Request::Explain { node: forger.id() }).await;
    let bad: Vec<_> = deeds.iter().filter(|it| !it.good).collect();
    assert_eq!(bad.len(), 1, "{deeds:?}");
    assert!(bad[0].cause.starts_with("segment task "), "{deeds:?}");

    // It verifies where nobody knows of helpers, and everybody's books are whole.
    for node in [&good, &forger] {
        let at_node = job(node, id, |it| it.receipt.is_some()).await;
        assert_eq!(at_node.receipt.expect("there").receipt, receipt.receipt);
    }
    for node in [&requester, &executor, &good, &forger] {
        let _whole: Verified = ask(node, Request::VerifyLedger).await;
    }
    stop([requester, executor, good, forger]).await;
}
