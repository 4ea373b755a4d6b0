//! Anchors three batches on a development chain that it starts, verifies them without the key, and ends.
//!
//! ```sh
//! cargo run -p nonos-depin-evm --example anchor
//! ```
//!
//! Needs node and npm, for `contracts/anvil.sh`.
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::{
    error::Error,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nonos_depin::anchor::{Anchor as _, BatchId, Chain, Commitment, State, StateRoot};
use nonos_depin_evm::{Config, Entropy, EvmAnchor, EvmKey, Reader, Spending, Wei, deploy};
use nonos_types::{NetworkId, NodeId, Timestamp};

const CHAIN_ID: u64 = 31337;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let chain_node = Anvil::start()?;
    let endpoint = &chain_node.endpoint;
    println!("a development chain, a block a second: {endpoint}");

    // 1. An account: a key of its own, in a file of its own. Here the chain gives it money; elsewhere somebody must.
    let key_file = directory.path().join("evm");
    let mut entropy = Entropy {
        secret: [0; 32],
        salt: [0; 16],
        nonce: [0; 24],
    };
    for bytes in [&mut entropy.secret[..], &mut entropy.salt, &mut entropy.nonce] {
        getrandom::fill(bytes)?;
    }
    let key = EvmKey::create(&key_file, entropy, b"correct horse")?;
    let account = key.address();
    println!("account {account}");
    chain_node.fund(&account.to_string())?;

    // 2. The contract. Once per chain, by anybody.
    let limit = Wei::from_gwei(100);
    let deployment = deploy(endpoint, CHAIN_ID, &key, limit)?;
    let chain = Chain {
        network: NetworkId::named("example"),
        submitter: NodeId::from_bytes([7; 32]),
    };
    let config = Config {
        endpoint: endpoint.clone(),
        chain_id: CHAIN_ID,
        contract: deployment.contract,
        confirmations: 3,
    };
    while Reader::open(config.clone(), account, chain).is_err() {
        wait();
    }
    println!("contract {}", deployment.contract);

    // 3. Batches, each after the one before.
    let key = EvmKey::open(&key_file, b"correct horse")?;
    let spending = Spending { limit, patience: 60 };
    let flights = directory.path().join("flights");
    let mut anchor = EvmAnchor::open(config.clone(), chain, key, spending, &flights)?;
    let batch = |number: u8| Commitment {
        network: chain.network,
        submitter: chain.submitter,
        batch: BatchId::from_bytes([number; 32]),
        prev: BatchId::from_bytes([number - 1; 32]),
        root: StateRoot::from_bytes([number + 100; 32]),
        entries: 1000,
    };
    for number in 1..=3 {
        let mut state = anchor.submit(&batch(number), now())?.state;
        while let State::Submitted { reference } = state {
            println!("batch {number} submitted: {reference}");
            wait();
            state = anchor.poll(&batch(number).batch, now())?;
        }
        let State::Final(evidence) = state else {
            return Err("the batch is gone".into());
        };
        let cost = anchor.cost(&batch(number).batch)?.ok_or("it has no cost")?;
        println!(
            "batch {number} final: {}, {}",
            evidence.source, evidence.reference
        );
        println!(
            "batch {number} cost {} gas, {} an entry, {}",
            cost.gas,
            cost.gas_per_entry().unwrap_or_default(),
            cost.fee()
        );
    }

    // 4. Somebody else verifies, by his own node of the chain if he likes.
    let reader = Reader::open(config, account, chain)?;
    for anchored in reader.history(10)? {
        println!(
            "verified {}: {:?}",
            anchored.commitment.batch,
            reader.verify(&anchored.commitment)?
        );
    }
    let tampered = Commitment {
        batch: BatchId::from_bytes([0x55; 32]),
        ..batch(2)
    };
    match reader.verify(&tampered) {
        Ok(state) => return Err(format!("a batch that was never anchored is {state:?}").into()),
        Err(error) => println!("another batch in the place of the second: {error}"),
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a program may read the clock")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::new(since.map_or(0, |since| since.as_secs()))
}

#[expect(clippy::disallowed_methods, reason = "blocks come when they come")]
fn wait() {
    std::thread::sleep(Duration::from_millis(700));
}

/// A node of a development chain, ended with the program.
struct Anvil {
    child: Child,
    endpoint: String,
}

impl Anvil {
    fn start() -> Result<Self, Box<dyn Error>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/anvil.sh");
        let found = Command::new("sh").arg(script).stderr(Stdio::inherit()).output()?;
        if !found.status.success() {
            return Err("there is no anvil here".into());
        }
        let mut child = Command::new(String::from_utf8(found.stdout)?.trim())
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--block-time",
                "1",
                "--accounts",
                "0",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut anvil = Self {
            child,
            endpoint: String::new(),
        };
        let mut lines = BufReader::new(stdout).lines();
        while anvil.endpoint.is_empty() {
            let line = lines.next().ok_or("anvil ended")??;
            if let Some(at) = line.strip_prefix("Listening on ") {
                anvil.endpoint = format!("http://{at}");
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(anvil)
    }

    fn fund(&self, account: &str) -> Result<(), Box<dyn Error>> {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"anvil_setBalance","params":["{account}","0xde0b6b3a7640000"]}}"#
        );
        ureq::post(&self.endpoint)
            .config()
            .proxy(None)
            .build()
            .header("content-type", "application/json")
            .send(request)?;
        Ok(())
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
