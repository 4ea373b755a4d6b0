//! The contract: its interface, from its very source, and its code, from the artefact beside that.

use alloy_primitives::{B256, Bytes, LogData};
use alloy_sol_types::{SolCall as _, SolError as _, SolEvent as _};
use nonos_depin::anchor::{self, BatchId, Chain, Commitment, StateRoot};
use nonos_types::{NetworkId, NodeId};

#[expect(clippy::too_many_arguments, reason = "generated")]
mod sol {
    alloy_sol_types::sol!("../../contracts/Anchor.sol");
}

pub(crate) use sol::Anchor::Anchored;
use sol::Anchor::{StalePrev, anchorCall, headOfCall};

/// Code that makes the contract.
pub(crate) fn creation_code() -> Bytes {
    hex(include_str!("../../../contracts/Anchor.bin"))
}

/// Code the contract has then.
pub(crate) fn runtime_code() -> Bytes {
    hex(include_str!("../../../contracts/Anchor.bin-runtime"))
}

fn hex(text: &str) -> Bytes {
    text.trim().parse().expect("the artefact is hex")
}

/// What is called to append a commitment.
pub(crate) fn append(commitment: &Commitment) -> Bytes {
    anchorCall {
        network: word(commitment.network.as_bytes()),
        node: word(commitment.submitter.as_bytes()),
        prev: word(commitment.prev.as_bytes()),
        batch: word(commitment.batch.as_bytes()),
        root: word(commitment.root.as_bytes()),
        entries: commitment.entries,
    }
    .abi_encode()
    .into()
}

/// What is called to read the end of a chain.
pub(crate) fn head_of(account: alloy_primitives::Address, chain: &Chain) -> Bytes {
    headOfCall {
        account,
        network: word(chain.network.as_bytes()),
        node: word(chain.submitter.as_bytes()),
    }
    .abi_encode()
    .into()
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Zero if there is none.
    pub(crate) batch: BatchId,
    /// Block of its event.
    pub(crate) number: u64,
    pub(crate) count: u64,
}

impl Head {
    pub(crate) fn from_reply(bytes: &[u8]) -> Option<Self> {
        let head = headOfCall::abi_decode_returns(bytes).ok()?;
        Some(Self {
            batch: BatchId::from_bytes(head.batch.0),
            number: head.number,
            count: head.count,
        })
    }
}

/// What the contract refuses by, if these bytes are that.
pub(crate) fn refusal(data: &[u8], commitment: &Commitment) -> Option<anchor::Error> {
    StalePrev::abi_decode(data)
        .ok()
        .map(|stale| anchor::Error::StalePrev {
            head: BatchId::from_bytes(stale.head.0),
            prev: commitment.prev,
        })
}

/// The event of a log.
pub(crate) fn event(topics: Vec<B256>, data: Bytes) -> Option<Anchored> {
    Anchored::decode_log_data(&LogData::new(topics, data)?).ok()
}

/// What an event says was anchored.
pub(crate) fn commitment(event: &Anchored) -> Commitment {
    Commitment {
        network: NetworkId::from_bytes(event.network.0),
        submitter: NodeId::from_bytes(event.node.0),
        batch: BatchId::from_bytes(event.batch.0),
        prev: BatchId::from_bytes(event.prev.0),
        root: StateRoot::from_bytes(event.root.0),
        entries: event.entries,
    }
}

pub(crate) fn topics(account: alloy_primitives::Address, chain: &Chain) -> [B256; 3] {
    [
        Anchored::SIGNATURE_HASH,
        account.into_word(),
        word(chain.submitter.as_bytes()),
    ]
}

fn word(bytes: &[u8; 32]) -> B256 {
    B256::new(*bytes)
}
