//! A node inside a web service: each request becomes a job that some node of the mesh runs and proves, and is answered when
//! the proof has verified here.
//!
//! `cargo run --release -p nonos-examples-node --example embed`, then `curl -X POST http://127.0.0.1:3000/double/21`
//!
//! The mesh is two nodes of this process, so that the example stands alone: the service's own, and one that executes.
//! A real service has the first, and `peers` in its configuration.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use ed25519_dalek::SigningKey;
use nonos_node::api::{JobState, JobView, Published, Request, Status, Submission, Submitted};
use nonos_node::{Conduct, Config, DataDir, Handle, Node, NodeOptions, Proofs, Sandbox, init};
use nonos_package::builder;
use nonos_trust::keystore::{self, Cost, Passphrase};
use nonos_types::{Amount, CapsuleHash};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes the double of its input.
const DOUBLE: &str = r#"(module
  (import "nonos" "read" (func $read (param i32) (result i64)))
  (import "nonos" "write" (func $write (param i32 i64)))
  (func (export "run") (call $write (i32.const 3) (i64.mul (call $read (i32.const 0)) (i64.const 2)))))"#;

const MANIFEST: &str = r#"
[meta]
name = "double"
version = "1.0.0"
author = "an example"
[exec]
entry = "run"
[resources]
fuel = 1000
mem = "64KiB"
[host]
calls = ["read", "write"]
[fees]
base = "0.001 NONOS"
"#;

/// What the handlers share.
#[derive(Clone)]
struct App {
    node: Handle,
    capsule: CapsuleHash,
}

/// Why a request is not answered, for its sender.
type Refusal = (StatusCode, String);

/// Asks the node. Whose fault an error is says which status fits.
async fn ask<T: DeserializeOwned>(node: &Handle, request: Request) -> Result<T, Refusal> {
    let answer = node.ask(request).await.map_err(|error| {
        let status = match error.fault.as_str() {
            "caller" => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, error.message)
    })?;
    serde_json::from_value(answer).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// A result, and who answers for it.
#[derive(Serialize)]
struct Doubled {
    result: u64,
    executor: String,
    receipt: String,
    verify_ms: Option<u64>,
}

async fn double(State(app): State<App>, Path(number): Path<u64>) -> Result<Json<Doubled>, Refusal> {
    let submission = Submission {
        capsule: app.capsule,
        arguments: vec![],
        input_hex: hex::encode(number.to_le_bytes()),
        inbound: vec![],
        max_fee: "0.01 NONOS".parse().expect("an amount"),
        fuel_price: Amount::ZERO,
        verifiers: 0,
        slots: 1,
        deadline_s: 120,
        backend: None,
        sealed_input_hex: None,
        seal_result: false,
        weights: vec![],
    };
    let Submitted { job, .. } = ask(&app.node, Request::Submit(submission)).await?;
    loop {
        let view: JobView = ask(&app.node, Request::Job { job }).await?;
        // A receipt is shown only when its proof has verified here.
        if let Some(receipt) = &view.receipt
            && let Some(result) = &receipt.result_hex
        {
            let bytes = hex::decode(result).ok().and_then(|it| it.try_into().ok());
            let bytes = bytes.ok_or((StatusCode::BAD_GATEWAY, "the result is no number".to_owned()))?;
            return Ok(Json(Doubled {
                result: u64::from_le_bytes(bytes),
                executor: receipt.executor.to_string(),
                receipt: receipt.receipt.to_string(),
                verify_ms: receipt.verify_ms,
            }));
        }
        if matches!(view.state, JobState::Expired | JobState::Cancelled) {
            return Err((StatusCode::GATEWAY_TIMEOUT, "nobody ran it in time".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn status(State(app): State<App>) -> Result<Json<Status>, Refusal> {
    ask(&app.node, Request::Status).await.map(Json)
}

/// A node in a directory of its own.
async fn node(
    directory: &FilePath,
    peers: Vec<String>,
    proofs: &Arc<Proofs>,
) -> Result<Node, Box<dyn Error>> {
    let passphrase = Passphrase::new(b"correct horse battery staple".to_vec())?;
    init(directory, &passphrase, Cost::MIN, "")?;
    let data = DataDir::open(directory)?;
    let identity = keystore::open(&data.keystore(), &passphrase)?;
    let config = Config {
        network: "example".to_owned(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
        peers,
        // A program that is to run capsules of strangers calls `nonos_worker::serve_if_asked` first thing in `main`,
        // and leaves this at its default.
        sandbox: Sandbox::in_process(),
        ..Config::default()
    };
    Ok(Node::start(NodeOptions {
        data,
        identity,
        config,
        proofs: Arc::clone(proofs),
        conduct: Conduct::Honest,
        old_books: false,
    })
    .await?)
}

/// The service, with the nodes that it lives by.
async fn service(directory: &FilePath) -> Result<(Router, [Node; 2]), Box<dyn Error>> {
    let params = std::env::temp_dir().join("nonos-params");
    let (one, queue) = (NonZeroUsize::MIN, NonZeroUsize::MIN.saturating_add(63));
    let proofs = Arc::new(Proofs::new(params, one, queue)?);
    let executor = node(&directory.join("executor"), vec![], &proofs).await?;
    let addresses = loop {
        let status: Status = serde_json::from_value(executor.handle().ask(Request::Status).await?)?;
        if !status.addresses.is_empty() {
            break status.addresses;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let own = node(&directory.join("own"), addresses, &proofs).await?;

    let package = builder::pack(
        &wat::parse_str(DOUBLE)?,
        MANIFEST,
        &SigningKey::from_bytes(&[1; 32]),
    )?;
    let publish = Request::Publish {
        package_hex: hex::encode(package.bytes()),
        without_dependencies: false,
    };
    let published: Published = serde_json::from_value(own.handle().ask(publish).await?)?;
    let app = App {
        node: own.handle(),
        capsule: published.capsule,
    };
    let router = Router::new()
        .route("/double/{number}", post(double))
        .route("/status", get(status))
        .with_state(app);
    Ok((router, [own, executor]))
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (router, nodes) = service(directory.path()).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3000)).await?;
    println!("try: curl -X POST http://{}/double/21", listener.local_addr()?);
    let until = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, router)
        .with_graceful_shutdown(until)
        .await?;
    for node in nodes {
        node.shutdown().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// The status line and body of an answer.
    async fn http(address: std::net::SocketAddr, request: &str) -> (String, String) {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        let request = format!("{request} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.lines().next().expect("a line").to_owned(), body.to_owned())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_is_answered_by_the_mesh_when_its_proof_has_verified() {
        let directory = tempfile::tempdir().expect("a directory");
        let (router, nodes) = service(directory.path()).await.expect("a service");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async { axum::serve(listener, router).await });

        let (line, body) = http(address, "POST /double/21").await;
        assert!(line.contains("200"), "{line}: {body}");
        let doubled: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(doubled["result"], 42);
        assert_eq!(doubled["executor"], nodes[1].id().to_string());
        let (line, body) = http(address, "GET /status").await;
        assert!(line.contains("200"), "{line}: {body}");
        assert!(body.contains(&nodes[0].id().to_string()), "{body}");
        let (line, _) = http(address, "POST /double/many").await;
        assert!(line.contains("400"), "{line}");

        serving.abort();
        for node in nodes {
            node.shutdown().await;
        }
    }
}
