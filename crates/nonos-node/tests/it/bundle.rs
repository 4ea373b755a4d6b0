//! What one mesh did, carried in a file to nodes that never met it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use ed25519_dalek::SigningKey;
use nonos_mesh::{Object, core::bundle::Writer};
use nonos_node::{
    Conduct, Node,
    api::{
        BundleBegun, BundleOutcome, BundleView, Exported, Imported, JobState, PeerView, Request,
        RequestError, Status, TrustView,
    },
};
use nonos_types::{InputDigest, JobId, NetworkId, NodeId, Offer, Signed};

use crate::mesh::{Mesh, addresses, ask, job, publish, stop, submission, submit, until};

/// Begins it, and waits until it is over.
async fn finish(node: &Node, request: Request) -> Result<BundleOutcome, RequestError> {
    let begun = node.handle().ask(request).await?;
    let BundleBegun { number } = serde_json::from_value(begun).expect("a number");
    let over = |view: &BundleView| view.outcome.is_some();
    let view: BundleView = until(node, Request::Bundle { number }, over).await;
    Ok(view.outcome.expect("it is over"))
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

async fn export(node: &Node, path: &Path, replace: bool) -> Result<Exported, RequestError> {
    let path = text(path);
    match finish(node, Request::ExportBundle { path, replace }).await? {
        BundleOutcome::Exported(exported) => Ok(exported),
        BundleOutcome::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

async fn import(node: &Node, path: &Path) -> Result<Imported, RequestError> {
    match finish(node, Request::ImportBundle { path: text(path) }).await? {
        BundleOutcome::Imported(imported) => Ok(imported),
        BundleOutcome::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, RequestError>, fault: &str, why: &str) {
    let error = outcome.expect_err("it should be refused");
    assert_eq!(error.fault, fault, "{error}");
    assert!(error.message.contains(why), "{why:?} is not in: {error}");
}

/// Runs a job in a mesh of two that ends when its bundle is written, by the one or the other.
async fn mesh_that_was(mesh: &Mesh, path: &Path, conduct: Conduct) -> (JobId, [NodeId; 2], Exported) {
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let executor = mesh.start("executor", &at, conduct).await;
    until(&requester, Request::Status, |it: &Status| it.peers == 1).await;
    let capsule = publish(&requester).await;
    let id = submit(&requester, submission(capsule, 20, 0)).await;
    let exported = if conduct == Conduct::Honest {
        job(&requester, id, |it| it.state == JobState::Paid).await;
        export(&requester, path, false).await
    } else {
        until(&requester, Request::Status, |it: &Status| {
            !it.blacklisted.is_empty()
        })
        .await;
        // It alone keeps the receipt that it forged.
        export(&executor, path, false).await
    };
    let nodes = [requester.id(), executor.id()];
    stop([requester, executor]).await;
    (id, nodes, exported.expect("it is written"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mesh_did_is_verified_in_another_and_again_changes_nothing() {
    let mesh = Mesh::new();
    let path = mesh.path("bundle");
    let (id, nodes, exported) = mesh_that_was(&mesh, &path, Conduct::Honest).await;
    assert_eq!(exported.path, text(&path));
    let file = fs::metadata(&path).expect("a file");
    assert_eq!(
        (exported.bytes, file.permissions().mode() & 0o777),
        (file.len(), 0o600)
    );
    // The capsule, its input, its tapes and its proof.
    assert_eq!((exported.objects, exported.missing), (4, 0));

    let far = mesh.start("far", &[], Conduct::Honest).await;
    let first = import(&far, &path).await.expect("it is taken in");
    assert_eq!(first.damage.map(|it| it.message), None);
    assert_eq!(
        (first.messages.taken, first.messages.known),
        (exported.messages, 0),
        "{:?}",
        first.messages
    );
    assert_eq!((first.objects.taken, first.objects.known), (4, 0));
    let view = job(&far, id, |_| true).await;
    assert_eq!(view.state, JobState::Paid);
    let receipt = view.receipt.expect("it verifies");
    assert_eq!((receipt.executor, view.requester), (nodes[1], nodes[0]));
    assert!(receipt.verify_ms.is_some());
    assert_eq!(receipt.result_hex, Some(hex::encode(41_u64.to_le_bytes())));
    let peers: Vec<PeerView> = ask(&far, Request::Peers).await;
    for node in nodes {
        let peer = peers.iter().find(|it| it.id == node).expect("it is known");
        assert_eq!(peer.address, None);
        assert!(!peer.software.is_empty());
    }

    let again = import(&far, &path).await.expect("it is taken in");
    assert_eq!(
        (again.messages.taken, again.messages.known),
        (0, exported.messages)
    );
    assert_eq!((again.objects.taken, again.objects.known), (0, 4));
    let status: Status = ask(&far, Request::Status).await;
    assert_eq!((status.verified_ok, status.verified_bad), (1, 0));
    stop([far]).await;

    // It comes back to where it was made.
    let home = mesh.start("requester", &[], Conduct::Honest).await;
    let back = import(&home, &path).await.expect("it is taken in");
    assert_eq!(
        (back.messages.taken, back.messages.known),
        (0, exported.messages),
        "{:?}",
        back.messages
    );
    let status: Status = ask(&home, Request::Status).await;
    assert!(!status.warnings.iter().any(|it| it.contains("key")), "{status:?}");
    stop([home]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_the_damage_is_taken_in_and_what_waits_is_verified_when_the_rest_comes() {
    let mesh = Mesh::new();
    let path = mesh.path("bundle");
    let (id, _, exported) = mesh_that_was(&mesh, &path, Conduct::Honest).await;
    let bytes = fs::read(&path).expect("readable");
    let with = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        let path = mesh.path(name);
        fs::write(&path, bytes).expect("writable");
        path
    };
    let far = mesh.start("far", &[], Conduct::Honest).await;
    let last = bytes.len() - 100;
    let truncated = with("truncated", &|it| it.truncate(last));
    let flipped = with("flipped", &|it| it[last] ^= 1);
    for (path, why) in [
        (truncated, "the bundle ends early"),
        (flipped, "an object whose bytes are not those of Proof"),
    ] {
        let imported = import(&far, &path).await.expect("it is taken in");
        refused(imported.damage.map_or(Ok(()), Err), "peer", why);
        // All but the receipt, whose proof is the last object, and the verdict about it.
        assert_eq!(
            imported.messages.taken + imported.messages.known,
            exported.messages - 2,
            "{:?}",
            imported.messages
        );
        assert_eq!(imported.messages.waiting.values().sum::<u64>(), 2);
        assert_eq!(imported.objects.taken + imported.objects.known, 3);
    }
    let status: Status = ask(&far, Request::Status).await;
    assert_eq!((status.verified_ok, status.verified_bad), (0, 0));

    let trailer = with("trailer", &|it| *it.last_mut().expect("bytes") ^= 1);
    let imported = import(&far, &trailer).await.expect("it is taken in");
    refused(
        imported.damage.map_or(Ok(()), Err),
        "peer",
        "digest is not that of its bytes",
    );
    assert_eq!((imported.messages.taken, imported.objects.taken), (2, 1));
    job(&far, id, |it| it.receipt.is_some()).await;

    // A byte of a message: its signature does not verify, and the others' do.
    let other = mesh.start("other", &[], Conduct::Honest).await;
    let message = with("message", &|it| it[42 + 1 + 4 + 60] ^= 1);
    let imported = import(&other, &message).await.expect("it is taken in");
    assert_eq!(imported.messages.refused.values().sum::<u64>(), 1);
    assert!(imported.messages.taken > 0, "{:?}", imported.messages);
    refused(
        imported.damage.map_or(Ok(()), Err),
        "peer",
        "digest is not that of its bytes",
    );
    stop([far, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_proof_in_a_bundle_convicts_whoever_signed_it() {
    let mesh = Mesh::new();
    let path = mesh.path("bundle");
    let (_, [_, forger], _) = mesh_that_was(&mesh, &path, Conduct::ForgeResults).await;
    let far = mesh.start("far", &[], Conduct::Honest).await;
    let imported = import(&far, &path).await.expect("it is taken in");
    assert_eq!(imported.damage.map(|it| it.message), None);
    assert_eq!(
        imported.messages.refused.get("its proof does not hold"),
        Some(&1),
        "{:?}",
        imported.messages
    );
    let trust: Vec<TrustView> = ask(&far, Request::Trust).await;
    let guilty = trust.iter().find(|it| it.node == forger).expect("it is known");
    assert_eq!((guilty.state.as_str(), guilty.evidence.len()), ("blacklisted", 1));
    let evidence = guilty.evidence[0];
    let shown: nonos_node::api::EvidenceView = ask(&far, Request::Evidence { evidence }).await;
    assert_eq!(shown.subject, forger);
    assert!(shown.package_hex.is_some());
    stop([far]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_files_that_are_no_bundle_of_this_network_and_objects_that_are_too_long() {
    let mesh = Mesh::new();
    let node = mesh.start("node", &[], Conduct::Honest).await;
    let write = |name: &str, bytes: Vec<u8>| {
        let path = mesh.path(name);
        fs::write(&path, bytes).expect("writable");
        path
    };
    let empty = |network: &str| {
        let writer = Writer::new(vec![], NetworkId::named(network)).expect("written");
        writer.finish().expect("written")
    };
    let mut newer = empty("tests");
    newer[9] = 2;
    for (path, why) in [
        (write("foreign", empty("others")), "`network` in config.toml"),
        (write("newer", newer), "a bundle of version 2"),
        (write("text", b"hello".to_vec()), "not a bundle"),
        (mesh.path("none"), "No such file"),
        (mesh.dir.path().to_owned(), "copy it to a regular file"),
        (Path::new("relative").to_owned(), "absolute path"),
    ] {
        refused(import(&node, &path).await, "caller", why);
    }
    let gone = node.handle().ask(Request::Bundle { number: 7 }).await;
    refused(gone, "caller", "no bundle 7");

    // A message of another network, in a bundle that says it is of this one.
    let offer = Offer {
        network: NetworkId::named("others"),
        ..offer()
    };
    let offer = Signed::new(offer, &SigningKey::from_bytes(&[3; 32]));
    let long = vec![7; (1 << 20) + 1];
    let mut writer = Writer::new(vec![], NetworkId::named("tests")).expect("written");
    writer.message(&offer.into()).expect("written");
    let input = Object::Input(InputDigest::hash(&[&long]));
    writer.object(&input, &long).expect("written");
    let path = write("long", writer.finish().expect("written"));
    let imported = import(&node, &path).await.expect("it is taken in");
    assert_eq!((imported.messages.taken, imported.objects.taken), (0, 0));
    assert_eq!(imported.messages.refused.get("for another network"), Some(&1));
    let (why, count) = imported.objects.refused.first_key_value().expect("refused");
    assert!(
        why.contains("raise `max_input` under [executor] in config.toml"),
        "{why}"
    );
    assert_eq!(*count, 1);
    stop([node]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_over_nothing_unless_told_to_and_leaves_nothing_half_written() {
    let mesh = Mesh::new();
    let node = mesh.start("node", &[], Conduct::Honest).await;
    let path = mesh.path("there");
    fs::write(&path, "precious").expect("writable");
    refused(export(&node, &path, false).await, "caller", "--force");
    assert_eq!(fs::read(&path).expect("readable"), b"precious");
    let exported = export(&node, &path, true).await.expect("written");
    assert_eq!(exported.bytes, fs::metadata(&path).expect("a file").len());
    let elsewhere = mesh.path("none").join("bundle");
    refused(export(&node, &elsewhere, false).await, "caller", "No such file");
    refused(
        export(&node, Path::new("relative"), false).await,
        "caller",
        "absolute path",
    );
    // A link that somebody left is not followed.
    let (fresh, victim) = (mesh.path("fresh"), mesh.path("victim"));
    fs::write(&victim, "precious").expect("writable");
    std::os::unix::fs::symlink(&victim, mesh.path("fresh.part")).expect("a link");
    export(&node, &fresh, false).await.expect("written");
    assert_eq!(fs::read(&victim).expect("readable"), b"precious");
    let left = fs::read_dir(mesh.dir.path()).expect("a directory");
    let names = left.map(|it| text(Path::new(&it.expect("an entry").file_name())));
    assert!(!names.into_iter().any(|it| it.ends_with(".part")));
    stop([node]).await;
}

/// An offer of a stranger.
fn offer() -> Offer {
    Offer {
        network: NetworkId::named("tests"),
        capsule: nonos_types::CapsuleHash::ZERO,
        entry: "main".to_owned(),
        arguments: vec![],
        input: InputDigest::ZERO,
        input_len: nonos_types::ByteLen::new(8),
        backend: "stark-koalabear/2".parse().expect("a name"),
        max_fee: nonos_types::Amount::ZERO,
        fuel_price: nonos_types::Amount::ZERO,
        verifiers: 0,
        slots: std::num::NonZeroU8::MIN,
        created: nonos_types::Timestamp::new(1),
        deadline: nonos_types::Timestamp::new(2),
        salt: nonos_types::Salt::new([1; 16]),
        sealed: None,
        result_key: None,
        weights: nonos_types::Weights::default(),
        inbound: None,
    }
}
