//! A node of a development chain for a test: anvil, started on loopback, ended with the test.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use alloy_primitives::{B256, U64, U256};
use nonos_depin_evm::{Address, EvmKey, Wei, deploy};
use serde_json::{Value, json};

pub(crate) const CHAIN_ID: u64 = 31337;
pub(crate) const LIMIT: Wei = Wei::from_gwei(100);

pub(crate) struct Anvil {
    child: Child,
    agent: ureq::Agent,
    pub(crate) endpoint: String,
}

impl Anvil {
    /// Starts a chain whose blocks come when [`mine`](Self::mine) makes them; `None`, with the reason printed, where
    /// there is no anvil.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn start() -> Option<Self> {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
        let found = Command::new("sh")
            .arg(contracts.join("anvil.sh"))
            .output()
            .expect("sh runs");
        if !found.status.success() {
            // Anything but "cannot be had here" is a failure of the script.
            assert_eq!(found.status.code(), Some(3), "{found:?}");
            let why = String::from_utf8_lossy(&found.stderr);
            eprintln!("skipped: {}", why.trim());
            return None;
        }
        let path = String::from_utf8(found.stdout).expect("a path");
        let mut child = Command::new(path.trim())
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--no-mining",
                "--accounts",
                "0",
            ])
            .args([
                "--hardfork",
                "osaka",
                "--chain-id",
                "31337",
                "--block-base-fee-per-gas",
                "1000000000",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.strip_prefix("Listening on ")
                    .map(|at| format!("http://{at}"))
            })
            .expect("anvil listens");
        // Or it would stop when the pipe is full.
        thread::spawn(move || lines.for_each(drop));
        let agent = ureq::Agent::config_builder().proxy(None).build().into();
        Some(Self {
            child,
            agent,
            endpoint,
        })
    }

    pub(crate) fn rpc(&self, method: &str, params: Value) -> Value {
        let reply = self.try_rpc(method, params);
        assert!(reply.get("error").is_none(), "{method}: {reply}");
        reply["result"].clone()
    }

    pub(crate) fn try_rpc(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = self
            .agent
            .post(&self.endpoint)
            .header("content-type", "application/json")
            .send(request.to_string())
            .and_then(|mut response| response.body_mut().read_to_string())
            .expect("anvil answers");
        serde_json::from_str(&body).expect("anvil answers in JSON")
    }

    pub(crate) fn mine(&self, blocks: u64) {
        self.rpc("anvil_mine", json!([U64::from(blocks)]));
    }

    /// Takes `depth` blocks away, and what was in them, and puts as many empty ones there.
    pub(crate) fn reorganise(&self, depth: u64) {
        self.rpc("anvil_reorg", json!([depth, []]));
    }

    pub(crate) fn fund(&self, account: Address, wei: U256) {
        self.rpc("anvil_setBalance", json!([account.to_string(), wei]));
    }

    /// An account that can pay.
    pub(crate) fn account(&self, seed: u8) -> EvmKey {
        let key = EvmKey::from_secret(&[seed; 32]).expect("a key");
        self.fund(key.address(), U256::from(10).pow(U256::from(18)));
        key
    }

    pub(crate) fn contract(&self) -> Address {
        let deployment =
            deploy(&self.endpoint, CHAIN_ID, &self.account(0xdd), LIMIT).expect("the contract is sent");
        self.mine(1);
        deployment.contract
    }

    /// How many transactions of an account are in blocks.
    pub(crate) fn count(&self, account: Address) -> u64 {
        let count = self.rpc("eth_getTransactionCount", json!([account.to_string(), "latest"]));
        serde_json::from_value::<U64>(count).expect("a number").to()
    }

    /// What of an account waits for a block.
    pub(crate) fn waiting(&self, account: Address) -> Vec<Waiting> {
        let block = self.rpc("txpool_content", json!([]));
        let mut waiting = Vec::new();
        for pool in ["pending", "queued"] {
            for (sender, transactions) in block[pool].as_object().into_iter().flatten() {
                if sender.eq_ignore_ascii_case(&account.to_string()) {
                    waiting.extend(
                        transactions
                            .as_object()
                            .into_iter()
                            .flatten()
                            .map(|(_, it)| Waiting {
                                hash: serde_json::from_value(it["hash"].clone()).expect("a hash"),
                                nonce: number(&it["nonce"]) as u64,
                                most: number(&it["maxFeePerGas"]),
                                tip: number(&it["maxPriorityFeePerGas"]),
                            }),
                    );
                }
            }
        }
        waiting
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) hash: B256,
    pub(crate) nonce: u64,
    pub(crate) most: u128,
    pub(crate) tip: u128,
}

fn number(value: &Value) -> u128 {
    serde_json::from_value::<U256>(value.clone())
        .expect("a number")
        .to()
}
