//! A node that anchors its batches.

use std::path::PathBuf;

use nonos_depin::anchor::{Anchor as _, BatchId, Chain, Commitment, State, StateRoot};
use nonos_depin_evm::{Address, Config, Error, EvmAnchor, EvmKey, Reader, Spending};
use nonos_types::{NetworkId, NodeId, Timestamp};

use crate::anvil::{Anvil, CHAIN_ID, LIMIT};

pub(crate) const NOW: Timestamp = Timestamp::new(1_800_000_000);
pub(crate) const CONFIRMATIONS: u64 = 3;
pub(crate) const PATIENCE: u64 = 300;

pub(crate) fn later(seconds: u64) -> Timestamp {
    Timestamp::new(NOW.get() + seconds)
}

/// One node's account, contract and files.
pub(crate) struct Operator {
    pub(crate) config: Config,
    pub(crate) chain: Chain,
    pub(crate) spending: Spending,
    seed: u8,
    directory: tempfile::TempDir,
}

impl Operator {
    /// With an account that can pay.
    pub(crate) fn new(anvil: &Anvil, contract: Address, seed: u8) -> Self {
        anvil.account(seed);
        Self {
            config: Config {
                endpoint: anvil.endpoint.clone(),
                chain_id: CHAIN_ID,
                contract,
                confirmations: CONFIRMATIONS,
            },
            chain: Chain {
                network: NetworkId::from_bytes([1; 32]),
                submitter: NodeId::from_bytes([seed; 32]),
            },
            spending: Spending {
                limit: LIMIT,
                patience: PATIENCE,
            },
            seed,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    pub(crate) fn key(&self) -> EvmKey {
        EvmKey::from_secret(&[self.seed; 32]).expect("a key")
    }

    pub(crate) fn address(&self) -> Address {
        self.key().address()
    }

    pub(crate) fn flights(&self) -> PathBuf {
        self.directory.path().join("flights")
    }

    pub(crate) fn try_open(&self) -> Result<EvmAnchor, Error> {
        EvmAnchor::open(
            self.config.clone(),
            self.chain,
            self.key(),
            self.spending,
            &self.flights(),
        )
    }

    pub(crate) fn open(&self) -> EvmAnchor {
        self.try_open().expect("the anchor opens")
    }

    pub(crate) fn lose_flights(&self) {
        // There may be none yet.
        let _ = std::fs::remove_file(self.flights());
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(self.config.clone(), self.address(), self.chain).expect("the chain is read")
    }

    pub(crate) fn commitment(&self, number: u8) -> Commitment {
        Commitment {
            network: self.chain.network,
            submitter: self.chain.submitter,
            batch: BatchId::from_bytes([number; 32]),
            prev: BatchId::from_bytes([number - 1; 32]),
            root: StateRoot::from_bytes([number | 0x80; 32]),
            entries: u64::from(number) * 10,
        }
    }
}

pub(crate) fn submit(anchor: &mut EvmAnchor, commitment: &Commitment, at: Timestamp) -> State {
    anchor.submit(commitment, at).expect("it is taken").state
}

pub(crate) fn poll(anchor: &mut EvmAnchor, commitment: &Commitment, at: Timestamp) -> State {
    anchor.poll(&commitment.batch, at).expect("a poll")
}

#[track_caller]
pub(crate) fn submitted(state: &State, saying: &str) {
    match state {
        State::Submitted { reference } => assert!(reference.contains(saying), "`{saying}` in {reference}"),
        other => panic!("submitted: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn is_final(state: &State) {
    assert!(matches!(state, State::Final(_)), "final: {state:?}");
}
