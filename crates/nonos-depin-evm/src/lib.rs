//! Anchors settlement batches in a contract on an EVM chain, which shows everyone in which order and when a node
//! named them.
//!
//! ```
//! use nonos_depin::anchor::{Anchor as _, BatchId, Chain, Commitment, StateRoot};
//! use nonos_depin_evm::{Config, Entropy, Error, EvmAnchor, EvmKey, Spending, Wei};
//! use nonos_types::{Fault, NetworkId, NodeId, Timestamp};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (key_file, flights) = (folder.path().join("evm"), folder.path().join("flights"));
//! # fn fresh<const N: usize>() -> [u8; N] { [7; N] } // of the system's randomness, elsewhere
//! // An account that pays for gas, with a key of its own.
//! let entropy = Entropy { secret: fresh(), salt: fresh(), nonce: fresh() };
//! EvmKey::create(&key_file, entropy, b"correct horse")?;
//!
//! let chain = Chain { network: NetworkId::named("example"), submitter: NodeId::from_bytes([7; 32]) };
//! let config = Config {
//!     endpoint: "http://127.0.0.1:1".to_owned(), // a node of the chain; here none answers
//!     chain_id: 31337,
//!     contract: "0x5FbDB2315678afecb367f032d93F642f64180aa3".parse()?,
//!     confirmations: 12,
//! };
//! let spending = Spending { limit: Wei::from_gwei(50), patience: 300 };
//!
//! /// Hands a batch in. Called now and then, `poll` brings it on until it is final.
//! fn hand_in(anchor: &mut EvmAnchor, chain: Chain, now: Timestamp) -> Result<(), nonos_depin::anchor::Error> {
//!     let batch = Commitment {
//!         network: chain.network,
//!         submitter: chain.submitter,
//!         batch: BatchId::from_bytes([1; 32]),
//!         prev: BatchId::from_bytes([0; 32]),
//!         root: StateRoot::from_bytes([9; 32]),
//!         entries: 1000,
//!     };
//!     anchor.submit(&batch, now)?;
//!     println!("{:?}", anchor.poll(&batch.batch, now)?);
//!     Ok(())
//! }
//!
//! let key = EvmKey::open(&key_file, b"correct horse")?;
//! match EvmAnchor::open(config, chain, key, spending, &flights) {
//!     Ok(mut anchor) => hand_in(&mut anchor, chain, Timestamp::new(1_800_000_000))?,
//!     Err(error @ Error::Unreachable { .. }) => assert_eq!(error.fault(), Fault::Environment),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/anchor.rs` does all of it on a development chain that it starts.
//!
//! # What it does not do
//! The contract (`contracts/Anchor.sol`) knows no proofs: that a root follows from its batch is for the proof to show,
//! off the chain. It has no owner and holds no value. This crate believes the chain's node it is given; who wants to
//! believe nobody runs one. It speaks no TLS, is synchronous, and waits for nothing but answers.
//!
//! # The types to know
//! - [`EvmAnchor`]: hands commitments in and brings them to an end.
//! - [`Reader`]: reads and verifies what an account has anchored, without a key.
//! - [`Account`]: that an account speaks for a node, signed by both.
//! - [`EvmKey`]: the account's key in its file. [`deploy`]: the contract's way onto a chain.
//!
//! # Errors
//! [`Error`] and [`KeyError`], by cause; through [`nonos_depin::anchor::Anchor`] they come as
//! [`Place`](nonos_depin::anchor::Error::Place), with the same fault.
//!
//! What it shows and what it costs is in `docs/spec/anchor.md`.

mod account;
mod anchor;
mod contract;
mod error;
mod fees;
mod flights;
mod key;
mod reader;
mod rpc;
mod transaction;
mod units;

pub use crate::{
    account::Account,
    anchor::{Deployment, EvmAnchor, Spending, deploy},
    error::Error,
    key::{Entropy, EvmKey, KeyError},
    reader::{Config, Cost, Reader},
    units::{Address, Wei},
};
