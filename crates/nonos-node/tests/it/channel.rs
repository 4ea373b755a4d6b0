//! A run reads what another one has said.

use std::fs;

use ed25519_dalek::SigningKey;
use nonos_mesh::core::bundle::{Item, Reader};
use nonos_node::{
    Conduct, Node,
    api::{
        BundleBegun, BundleView, JobState, JobView, MessagePage, MessageView, Published, Request,
        RequestError, Status,
    },
};
use nonos_package::builder::Builder;
use nonos_types::{
    ByteLen, CapsuleHash, InboundMessage, InboundTape, JobId, Message, NetworkId, Receipt, ReceiptId, Signed,
};

use crate::mesh::{Mesh, addresses, ask, job, publish_package, stop, submission, submit, until};

/// Adds up its input and what it reads, and says the sum (`capsules/sum`).
const SUM: &[u8] = include_bytes!("../../../../capsules/sum/capsule.wasm");
const MANIFEST: &str = include_str!("../../../../capsules/sum/manifest.toml");

fn package(name: &str, net: &str, needs: &[CapsuleHash]) -> Vec<u8> {
    let manifest = MANIFEST
        .replace("name = \"sum\"", &format!("name = \"{name}\""))
        .replace("net = \"mesh-only\"", &format!("net = \"{net}\""));
    let builder = Builder::new(SUM, &manifest);
    let builder = needs.iter().fold(builder, |it, needed| it.dependency(*needed));
    let package = builder.sign(&SigningKey::from_bytes(&[9; 32]));
    package.expect("a package").bytes().to_vec()
}

async fn refused(node: &Node, request: Request) -> RequestError {
    node.handle()
        .ask(request)
        .await
        .expect_err("it should be refused")
}

fn reading(capsule: CapsuleHash, input: u64, inbound: &[ReceiptId]) -> Request {
    let mut submission = submission(capsule, input, 0);
    submission.inbound = inbound.to_vec();
    Request::Submit(submission)
}

/// Waits until a job is paid, and gives its result, its message and its receipt.
async fn paid(node: &Node, id: JobId) -> (u64, u64, ReceiptId) {
    let view: JobView = job(node, id, |it| it.state == JobState::Paid).await;
    let receipt = view.receipt.expect("a paid job has one");
    let number = |hex_text: Option<String>| {
        let bytes = hex::decode(hex_text.expect("eight bytes")).expect("hex");
        u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
    };
    (
        number(receipt.result_hex),
        number(receipt.outbound_hex),
        receipt.receipt,
    )
}

/// The receipt of a job, as a node gives it away.
async fn receipt_of(mesh: &Mesh, node: &Node, of: JobId) -> Signed<Receipt> {
    let path = mesh.path(&format!("{of}.bundle"));
    let export = Request::ExportBundle {
        path: path.to_str().expect("UTF-8").to_owned(),
        replace: false,
    };
    let BundleBegun { number } = ask(node, export).await;
    let over = |view: &BundleView| view.outcome.is_some();
    until(node, Request::Bundle { number }, over).await;
    let bytes = fs::read(path).expect("a bundle");
    let reader = Reader::new(&bytes[..], NetworkId::named("tests")).expect("a bundle");
    let receipts = reader.filter_map(|item| match item.expect("whole") {
        Item::Message(bytes) => match Message::from_bytes_of_any_kind(&bytes) {
            Ok(Message::Receipt(it)) => Some(it),
            _ => None,
        },
        Item::Object(..) => None,
    });
    let mut receipts = receipts.filter(|it| it.record.proven.job == of);
    receipts.next().expect("its receipt")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_reads_on_one_node_what_another_capsule_said_on_another() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let first = mesh.start("first", &at, Conduct::Honest).await;
    until(&first, Request::Status, |it: &Status| it.peers == 1).await;

    let said = publish_package(&requester, &package("sum", "mesh-only", &[])).await;
    let (twenty, one) = (
        submit(&requester, submission(said, 20, 0)).await,
        submit(&requester, submission(said, 1, 0)).await,
    );
    let (result, message, twenty) = paid(&requester, twenty).await;
    assert_eq!((result, message), (20, 20));
    let (_, _, one) = paid(&requester, one).await;
    // Only the requester is left of those who have seen these runs.
    first.shutdown().await;

    let second = mesh.start("second", &at, Conduct::Honest).await;
    until(&second, Request::Status, |it: &Status| it.peers == 1).await;
    let reader = publish_package(&requester, &package("reader", "mesh-only", &[said])).await;
    let view = mesh.path("second").join(format!("capsules/{said}.mod"));
    let submitted = ask::<nonos_node::api::Submitted>(&requester, reading(reader, 300, &[twenty, one])).await;
    let (result, message, receipt) = paid(&requester, submitted.job).await;
    assert_eq!((result, message), (321, 321));
    let run_by = receipt_of(&mesh, &requester, submitted.job).await;
    assert_eq!(run_by.receipt_id(), receipt);
    assert_eq!(run_by.signer(), second.id());
    assert!(view.exists(), "what it depends on was fetched");

    // The tape, built by somebody else.
    let tape = |messages: &[(ReceiptId, u64)]| {
        let mut tape = InboundTape::default();
        for (receipt, said_by_it) in messages {
            tape.push(InboundMessage {
                receipt: *receipt,
                capsule: said,
                bytes: said_by_it.to_le_bytes().to_vec(),
            })
            .expect("it fits");
        }
        assert_eq!(tape.len(), ByteLen::from(80 * messages.len()));
        tape.digest()
    };
    let proven = &run_by.record.proven;
    assert_eq!(proven.inbound, tape(&[(twenty, 20), (one, 1)]));
    assert_ne!(proven.inbound, tape(&[(one, 1), (twenty, 20)]));

    // Who was not there when it was said knows it, too.
    let page: MessagePage = ask(
        &second,
        Request::Messages {
            capsule: said,
            after: 0,
        },
    )
    .await;
    let mut listed: Vec<_> = page.messages.iter().map(|it| (it.receipt, it.bytes)).collect();
    listed.sort_unstable();
    let mut expected = [(twenty, Some(8)), (one, Some(8))];
    expected.sort_unstable();
    assert_eq!(listed, expected);
    let message: MessageView = ask(&second, Request::Message { receipt: twenty }).await;
    assert_eq!(message.bytes_hex, Some(hex::encode(20u64.to_le_bytes())));
    assert_eq!(message.executor, receipt_of_executor(&page, twenty));

    // A channel that is not in the dependency map is not read.
    let error = refused(&requester, reading(said, 1, &[receipt])).await;
    assert!(error.message.contains("not in the dependency map"), "{error}");
    let error = refused(&requester, reading(said, 1, &[one, one])).await;
    assert!(error.message.contains("do not make a tape"), "{error}");
    stop([requester, second]).await;
}

fn receipt_of_executor(page: &MessagePage, receipt: ReceiptId) -> nonos_types::NodeId {
    let listed = page.messages.iter().find(|it| it.receipt == receipt);
    listed.expect("it is listed").executor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capsule_whose_dependencies_cannot_be_had_is_neither_published_nor_run() {
    let mesh = Mesh::new();
    let node = mesh.start("node", &[], Conduct::Honest).await;
    let needed = package("needed", "mesh-only", &[]);
    let hash = nonos_package::Package::decode(&needed)
        .expect("a package")
        .capsule_hash();
    let between = package("between", "mesh-only", &[hash]);
    let publish = |package: &[u8], without_dependencies| Request::Publish {
        package_hex: hex::encode(package),
        without_dependencies,
    };
    let error = refused(&node, publish(&between, false)).await;
    assert!(
        error.message.contains(&format!("{hash}, which")) && error.message.contains("cannot be had"),
        "{error}"
    );
    let between: Published = ask(&node, publish(&between, true)).await;
    let top = package("top", "mesh-only", &[between.capsule]);
    let error = refused(&node, publish(&top, false)).await;
    assert!(
        error
            .message
            .contains(&format!("{hash}, which {}", between.capsule)),
        "{error}"
    );
    let error = refused(&node, reading(between.capsule, 1, &[])).await;
    assert!(error.message.contains(&hash.to_string()), "{error}");

    // Once it is there, so is all else.
    publish_package(&node, &needed).await;
    let top = publish_package(&node, &top).await;
    submit(&node, submission(top, 1, 0)).await;
    for own in [hash, between.capsule, top] {
        let marker = mesh.path("node").join(format!("capsules/{own}.mod.own"));
        assert!(marker.exists(), "it is kept as long as what needs it");
    }
    stop([node]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capsule_without_a_network_is_not_heard() {
    let mesh = Mesh::new();
    let requester = mesh.start("requester", &[], Conduct::Honest).await;
    let at = addresses(&requester).await;
    let other = mesh.start("other", &at, Conduct::Honest).await;
    until(&other, Request::Status, |it: &Status| it.peers == 1).await;
    let mute = publish_package(&requester, &package("mute", "none", &[])).await;
    let id = submit(&requester, submission(mute, 20, 0)).await;
    let view = job(&requester, id, |it| it.state == JobState::Paid).await;
    let receipt = view.receipt.expect("a paid job has one").receipt;
    let reader = publish_package(&requester, &package("reader", "mesh-only", &[mute])).await;
    let error = refused(&requester, reading(reader, 1, &[receipt])).await;
    assert!(error.message.contains("net = \"none\""), "{error}");
    let error = refused(&requester, reading(mute, 1, &[receipt])).await;
    assert!(error.message.contains("net = \"none\""), "{error}");
    let page: MessagePage = ask(
        &requester,
        Request::Messages {
            capsule: mute,
            after: 0,
        },
    )
    .await;
    assert!(page.messages.is_empty());
    refused(&requester, Request::Message { receipt }).await;
    stop([requester, other]).await;
}
