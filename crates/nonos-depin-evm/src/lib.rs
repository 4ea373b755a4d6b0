//! Anchors settlement batches in a contract on an EVM chain, which shows everyone in which order and when a node
//! named them.
//!
//! ```no_run
//! use nonos_depin::anchor::{Anchor as _, Chain, Commitment};
//! use nonos_depin_evm::{Config, EvmAnchor, EvmKey, Spending, Wei};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (commitment, now): (Commitment, nonos_types::Timestamp) = unimplemented!();
//! # let chain: Chain = unimplemented!();
//!
//! let key = EvmKey::open("keys/evm".as_ref(), b"correct horse")?;
//! let config = Config {
//!     endpoint: "http://127.0.0.1:8545".to_owned(),
//!     chain_id: 31337,
//!     contract: "0x5FbDB2315678afecb367f032d93F642f64180aa3".parse()?,
//!     confirmations: 12,
//! };
//! let spending = Spending { limit: Wei::from_gwei(50), patience: 300 };
//! let mut anchor = EvmAnchor::open(config, chain, key, spending, "evm.flights".as_ref())?;
//!
//! anchor.submit(&commitment, now)?;
//! // Now and then, until it is final:
//! let state = anchor.poll(&commitment.batch, now)?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/anchor.rs` does all of it on a development chain.
//!
//! The contract (`contracts/Anchor.sol`) knows no proofs: that a root follows from its batch is for the proof to show,
//! off the chain. It has no owner and holds no value. This crate believes the chain's node it is given; who wants to
//! believe nobody runs one. It speaks no TLS, is synchronous, and waits for nothing but answers.
//!
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
