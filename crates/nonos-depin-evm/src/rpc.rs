//! JSON-RPC to a node of the chain: one call at a time, each with a deadline, each answer bounded.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Error, contract};

/// Most bytes of an answer. The longest asked for is a pending block.
const MAX_REPLY: u64 = 32 << 20;
const DEADLINE: Duration = Duration::from_secs(20);
/// Most characters of what a node says that are passed on.
const MAX_MESSAGE: usize = 300;

/// Which state is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tag {
    Latest,
    Pending,
}

impl Tag {
    const fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Pending => "pending",
        }
    }
}

pub(crate) struct Rpc {
    agent: ureq::Agent,
    endpoint: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Block {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    pub(crate) timestamp: U64,
    /// Missing before EIP-1559.
    pub(crate) base_fee_per_gas: Option<U128>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    pub(crate) block_number: U64,
    pub(crate) block_hash: B256,
    pub(crate) status: U64,
    pub(crate) gas_used: U64,
    pub(crate) effective_gas_price: U128,
    pub(crate) logs: Vec<Log>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) block_number: U64,
    pub(crate) block_hash: B256,
    pub(crate) transaction_hash: B256,
    #[serde(default)]
    pub(crate) removed: bool,
}

impl Log {
    pub(crate) fn event(&self) -> Option<contract::Anchored> {
        contract::event(self.topics.clone(), self.data.clone())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transaction {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) nonce: U64,
    pub(crate) gas: U64,
    pub(crate) input: Bytes,
    pub(crate) max_fee_per_gas: Option<U128>,
    pub(crate) max_priority_fee_per_gas: Option<U128>,
}

#[derive(Deserialize)]
struct PendingBlock {
    /// Of all kinds a chain may have.
    transactions: Vec<Value>,
}

#[derive(Deserialize)]
struct Reply {
    id: Option<u64>,
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    #[serde(default)]
    data: Value,
}

/// What a simulated call came to.
pub(crate) enum Estimate {
    Gas(u64),
    /// The contract refuses, and says this.
    Reverts(Bytes),
}

impl Rpc {
    pub(crate) fn new(endpoint: &str) -> Result<Self, Error> {
        let endpoint: String = endpoint.to_owned();
        if endpoint.starts_with("https://") {
            return Err(Error::NoTls { endpoint });
        }
        if !endpoint.starts_with("http://") || endpoint.len() > 2048 {
            return Err(Error::Endpoint {
                endpoint: endpoint.chars().take(64).collect(),
            });
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            // Not one of the environment: the node asks whom it was told to ask.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(Self {
            agent: config.into(),
            endpoint,
        })
    }

    pub(crate) fn chain_id(&self) -> Result<u64, Error> {
        self.ask::<U64>("eth_chainId", &json!([])).map(|id| id.to())
    }

    pub(crate) fn latest(&self) -> Result<Block, Error> {
        self.ask("eth_getBlockByNumber", &json!(["latest", false]))
    }

    pub(crate) fn block(&self, number: u64) -> Result<Option<Block>, Error> {
        self.ask("eth_getBlockByNumber", &json!([U64::from(number), false]))
    }

    pub(crate) fn code(&self, address: Address) -> Result<Bytes, Error> {
        self.ask("eth_getCode", &json!([address, "latest"]))
    }

    pub(crate) fn balance(&self, account: Address) -> Result<u128, Error> {
        let balance: U256 = self.ask("eth_getBalance", &json!([account, "latest"]))?;
        Ok(balance.saturating_to())
    }

    pub(crate) fn nonce(&self, account: Address, tag: Tag) -> Result<u64, Error> {
        self.ask::<U64>("eth_getTransactionCount", &json!([account, tag.name()]))
            .map(|nonce| nonce.to())
    }

    /// What goes to whoever makes the block, per gas.
    pub(crate) fn tip(&self) -> Result<u128, Error> {
        self.ask::<U128>("eth_maxPriorityFeePerGas", &json!([]))
            .map(|tip| tip.to())
    }

    pub(crate) fn call(&self, to: Address, data: &Bytes) -> Result<Bytes, Error> {
        self.ask("eth_call", &json!([{ "to": to, "data": data }, "latest"]))
    }

    pub(crate) fn estimate(
        &self,
        from: Address,
        to: Option<Address>,
        data: &Bytes,
    ) -> Result<Estimate, Error> {
        const METHOD: &str = "eth_estimateGas";
        let mut call = json!({ "from": from, "data": data });
        if let Some(to) = to {
            call["to"] = json!(to);
        }
        match self.exchange(METHOD, &json!([call, "latest"]))? {
            Ok(gas) => read::<U64>(METHOD, gas).map(|gas| Estimate::Gas(gas.to())),
            Err(refusal) => match refusal.data.as_str().and_then(|data| data.parse().ok()) {
                Some(data) => Ok(Estimate::Reverts(data)),
                None => Err(refusal.into_error(METHOD)),
            },
        }
    }

    pub(crate) fn send(&self, raw: &Bytes) -> Result<B256, Error> {
        self.ask("eth_sendRawTransaction", &json!([raw]))
    }

    pub(crate) fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        self.ask("eth_getTransactionReceipt", &json!([hash]))
    }

    pub(crate) fn transaction(&self, hash: B256) -> Result<Option<Transaction>, Error> {
        self.ask("eth_getTransactionByHash", &json!([hash]))
    }

    /// What the node would put into the next block.
    pub(crate) fn pending(&self) -> Result<Vec<Transaction>, Error> {
        let block: Option<PendingBlock> = self.ask("eth_getBlockByNumber", &json!(["pending", true]))?;
        let transactions = block.map(|block| block.transactions).unwrap_or_default();
        Ok(transactions
            .into_iter()
            .filter_map(|transaction| serde_json::from_value(transaction).ok())
            .collect())
    }

    /// The logs of one block, for a contract and the first topics.
    pub(crate) fn logs(&self, contract: Address, topics: &[B256], number: u64) -> Result<Vec<Log>, Error> {
        let number = U64::from(number);
        let filter = json!({ "address": contract, "topics": topics, "fromBlock": number, "toBlock": number });
        self.ask("eth_getLogs", &json!([filter]))
    }

    fn ask<T: DeserializeOwned>(&self, method: &'static str, params: &Value) -> Result<T, Error> {
        match self.exchange(method, params)? {
            Ok(result) => read(method, result),
            Err(refusal) => Err(refusal.into_error(method)),
        }
    }

    fn exchange(&self, method: &'static str, params: &Value) -> Result<Result<Value, Refusal>, Error> {
        const ID: u64 = 1;
        let unreachable = |error: ureq::Error| Error::Unreachable {
            method,
            source: Box::new(error),
        };
        let request = json!({ "jsonrpc": "2.0", "id": ID, "method": method, "params": params });
        let mut response = self
            .agent
            .post(&self.endpoint)
            .header("content-type", "application/json")
            .send(request.to_string())
            .map_err(unreachable)?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_REPLY)
            .read_to_vec()
            .map_err(unreachable)?;
        let bad = |reason: String| Error::BadReply { method, reason };
        let reply: Reply = serde_json::from_slice(&body).map_err(|_| match status {
            200 => bad("it is no JSON-RPC".to_owned()),
            status => bad(format!("it is no JSON-RPC, with HTTP status {status}")),
        })?;
        if let Some(refusal) = reply.error {
            return Ok(Err(refusal));
        }
        if reply.id != Some(ID) {
            return Err(bad("it is to another question".to_owned()));
        }
        Ok(Ok(reply.result))
    }
}

impl Refusal {
    fn into_error(self, method: &'static str) -> Error {
        Error::Refused {
            method,
            code: self.code,
            message: self.message.chars().take(MAX_MESSAGE).collect(),
        }
    }
}

fn read<T: DeserializeOwned>(method: &'static str, result: Value) -> Result<T, Error> {
    serde_json::from_value(result).map_err(|error| Error::BadReply {
        method,
        reason: error.to_string().chars().take(MAX_MESSAGE).collect(),
    })
}
