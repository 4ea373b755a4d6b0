//! A node's books: what it earned and spent, whom it owes and who owes it, each entry signed and chained to the
//! one before.
//!
//! ```
//! use std::sync::Arc;
//! use ed25519_dalek::SigningKey;
//! use nonos_depin::{Ledger, Received, SignedAmount};
//! use nonos_store::MemoryStore;
//! use nonos_types::{Amount, FeeKind, JobId, Line, NetworkId, NodeId, ReceiptId, Slot, Timestamp};
//!
//! let network = NetworkId::named("example");
//! let keys = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
//! let [alice, bob] = keys.each_ref().map(|key| NodeId::from_bytes(key.verifying_key().to_bytes()));
//! let alices = Ledger::open(Arc::new(MemoryStore::new()), network, alice)?;
//! let bobs = Ledger::open(Arc::new(MemoryStore::new()), network, bob)?;
//! let now = Timestamp::new(1_800_000_000);
//!
//! // Alice pays Bob for a run. What was paid once is not paid again.
//! let line = Line {
//!     job: JobId::hash(&[b"an offer"]),
//!     slot: Slot::ZERO,
//!     kind: FeeKind::Execute,
//!     receipt: ReceiptId::hash(&[b"a receipt"]),
//!     amount: Amount::from_atto(5),
//! };
//! let voucher = alices.pay(bob, vec![line], &keys[0], now)?.expect("it is new");
//! assert_eq!(alices.pay(bob, vec![line], &keys[0], now)?, None);
//!
//! // Bob books the voucher, however often it comes.
//! assert_eq!(bobs.receive(&voucher, &keys[1], now)?, Received::Booked);
//! assert_eq!(bobs.receive(&voucher, &keys[1], now)?, Received::Known);
//!
//! assert_eq!(bobs.owed_by(alice)?, SignedAmount::from_atto(5));
//! assert_eq!(alices.owed_by(bob)?, SignedAmount::from_atto(-5));
//! assert_eq!(alices.verify()?.entries, 1);
//! # Ok::<_, nonos_depin::Error>(())
//! ```
//!
//! # What it does not do
//! It moves no money: a voucher is a debt that its payer signed, and nobody is forced to honour it. It sets no
//! limit to what a peer may owe. It does not send vouchers. That a whole store was put back to an older state it
//! notices by what a [`Checkpoint`] or a peer knows ([`Ledger::hear`]), and goes on only when it is told to
//! ([`Ledger::resume`]). It reads no clock and holds no key; both are arguments.
//!
//! # The types to know
//! - [`Ledger`]: one node's books: [`hold`](Ledger::hold), [`claim`](Ledger::claim), [`pay`](Ledger::pay),
//!   [`receive`](Ledger::receive), [`balance`](Ledger::balance), [`verify`](Ledger::verify).
//! - [`fees`]: what a run costs and who gets it.
//! - [`Entry`] and [`Account`]: what is in the books.
//! - [`anchor`]: where the root of a batch of entries is seen from outside.
//! - [`Batch`]: what entries came to; [`rollup`]: how that is proved without showing them.
//! - [`settlement`]: a node's own batches, from the feed to an anchor, and the files in which they travel.
//!
//! # Errors
//! One [`Error`], by cause; [`Error::fault`] says who must act. A damaged entry is named, with its [`Damage`], and
//! nothing is dropped.
//!
//! What is wrong with a batch is a [`BatchError`].
//!
//! The bytes and rules are specified in `docs/spec/ledger.md`, `docs/spec/fees.md` and `docs/spec/batch.md`.

mod account;
pub mod anchor;
mod audit;
mod balance;
mod batch;
mod entry;
mod error;
pub mod fees;
mod ledger;
mod money;
mod post;
pub mod rollup;
pub mod settlement;
mod tables;

pub use crate::{
    account::Account,
    audit::Report,
    balance::{Balance, ByKind},
    batch::{Batch, BatchId, BatchTag, EntriesRoot, EntriesTag},
    entry::{Body, Claimed, Entry, Reason, Resume},
    error::{BatchError, Damage, Error},
    ledger::{Checkpoint, Heard, Ledger, Received},
    money::SignedAmount,
    post::{MAX_AMOUNT, MAX_INCARNATION},
};
pub use nonos_types::{EntryDigest, FeedHead, tag::FeedEntry};
