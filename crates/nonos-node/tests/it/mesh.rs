//! A few nodes in one process, each with its own data directory.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use ed25519_dalek::SigningKey;
use nonos_node::{
    Conduct, Config, DataDir, Node, NodeOptions, Proofs, Sandbox,
    api::{JobView, Request, Status, Submission, Submitted},
    init,
};
use nonos_trust::keystore::{self, Cost, Passphrase};
use nonos_types::{CapsuleHash, JobId};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// Writes back the double of its input's first word, and one.
const DOUBLE: &str = r#"(module
    (import "nonos" "read" (func $read (param i32) (result i64)))
    (import "nonos" "write" (func $write (param i32 i64)))
    (func (export "main") (result i32)
        (call $write (i32.const 3) (i64.add (i64.mul (call $read (i32.const 0)) (i64.const 2)) (i64.const 1)))
        i32.const 0))"#;

pub(crate) struct Mesh {
    pub(crate) dir: TempDir,
    pub(crate) proofs: Arc<Proofs>,
}

pub(crate) fn capsule() -> Vec<u8> {
    let wasm = wat::parse_str(DOUBLE).expect("valid text");
    let key = SigningKey::from_bytes(&[9; 32]);
    let manifest = format!(
        r#"
        [meta]
        name = "double"
        version = "1.0.0"
        author = "tests"
        author_key = "{}"
        [exec]
        entry = "main"
        hash = "{}"
        [resources]
        fuel = 1000
        mem = "64KiB"
        [host]
        calls = ["read", "write"]
        [fees]
        base = "0.001 NONOS"
        share_seeders = 1000
        share_verifiers = 2000
        "#,
        hex::encode(key.verifying_key().to_bytes()),
        nonos_package::PayloadHash::of(&wasm),
    );
    let package = nonos_package::builder::pack(&wasm, &manifest, &key).expect("a valid package");
    package.bytes().to_vec()
}

impl Mesh {
    pub(crate) fn new() -> Self {
        let params = std::env::temp_dir().join("nonos-test-params");
        let two = NonZeroUsize::MIN.saturating_add(1);
        Self {
            dir: TempDir::new().expect("a directory"),
            proofs: Arc::new(Proofs::new(params, two, two.saturating_add(62)).expect("backends")),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the node of this name, for the first time or again.
    pub(crate) async fn start(&self, name: &str, peers: &[String], conduct: Conduct) -> Node {
        // The tests' program is no worker.
        let started = self.start_with(name, peers, conduct, Sandbox::in_process());
        started.await.expect("it starts")
    }

    pub(crate) async fn start_with(
        &self,
        name: &str,
        peers: &[String],
        conduct: Conduct,
        sandbox: Sandbox,
    ) -> Result<Node, nonos_node::Error> {
        let set = |config: Config| Config { sandbox, ..config };
        self.start_set(name, peers, conduct, set).await
    }

    /// Starts a node with other settings than the tests'.
    pub(crate) async fn start_set(
        &self,
        name: &str,
        peers: &[String],
        conduct: Conduct,
        set: impl FnOnce(Config) -> Config,
    ) -> Result<Node, nonos_node::Error> {
        let passphrase = Passphrase::new(b"passphrase".to_vec()).expect("not empty");
        let path = self.path(name);
        if !path.exists() {
            init(&path, &passphrase, Cost::MIN, "").expect("a new node");
        }
        let data = DataDir::open(&path).expect("a data directory");
        let identity = keystore::open(&data.keystore(), &passphrase).expect("a keystore");
        let config = set(Config {
            network: "tests".to_owned(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
            peers: peers.to_vec(),
            award_timeout_s: 60,
            sandbox: Sandbox::in_process(),
            ..Config::default()
        });
        let proofs = Arc::clone(&self.proofs);
        let options = NodeOptions {
            data,
            identity,
            config,
            proofs,
            conduct,
            old_books: false,
        };
        Node::start(options).await
    }
}

pub(crate) async fn ask<T: DeserializeOwned>(node: &Node, request: Request) -> T {
    let answer = node.handle().ask(request).await.expect("an answer");
    serde_json::from_value(answer).expect("of the type asked for")
}

pub(crate) async fn addresses(node: &Node) -> Vec<String> {
    until(node, Request::Status, |status: &Status| {
        !status.addresses.is_empty()
    })
    .await
    .addresses
}

/// Asks until the answer is as it should be; the test's own limit is nextest's.
pub(crate) async fn until<T: DeserializeOwned>(
    node: &Node,
    request: Request,
    good: impl Fn(&T) -> bool,
) -> T {
    loop {
        let answer = ask(node, request.clone()).await;
        if good(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn publish(node: &Node) -> CapsuleHash {
    publish_package(node, &capsule()).await
}

pub(crate) async fn publish_package(node: &Node, package: &[u8]) -> CapsuleHash {
    let publish = Request::Publish {
        package_hex: hex::encode(package),
        without_dependencies: false,
    };
    let published: nonos_node::api::Published = ask(node, publish).await;
    published.capsule
}

pub(crate) fn submission(capsule: CapsuleHash, input: u64, verifiers: u16) -> Submission {
    Submission {
        capsule,
        arguments: vec![],
        input_hex: hex::encode(input.to_le_bytes()),
        inbound: vec![],
        max_fee: "0.01 NONOS".parse().expect("an amount"),
        fuel_price: nonos_types::Amount::ZERO,
        verifiers,
        slots: 1,
        deadline_s: 600,
        backend: None,
        sealed_input_hex: None,
        seal_result: false,
        weights: vec![],
    }
}

pub(crate) async fn submit(node: &Node, submission: Submission) -> JobId {
    let submitted: Submitted = ask(node, Request::Submit(submission)).await;
    submitted.job
}

pub(crate) async fn job(node: &Node, job: JobId, good: impl Fn(&JobView) -> bool) -> JobView {
    until(node, Request::Jobs, |jobs: &Vec<JobView>| {
        jobs.iter().any(|it| it.job == job && good(it))
    })
    .await
    .into_iter()
    .find(|it| it.job == job)
    .expect("just seen")
}

/// Stops nodes, and waits: their stores must be closed when the process ends.
pub(crate) async fn stop(nodes: impl IntoIterator<Item = Node>) {
    for node in nodes {
        node.shutdown().await;
    }
}
