//! Whom a node trusts, and why: its own identity in an encrypted keystore, what it has seen its peers do, and
//! evidence against them that anyone can check.
//!
//! ```
//! use std::sync::Arc;
//! use nonos_store::MemoryStore;
//! use nonos_trust::{Cause, Context, Deed, Identity, Observation, State, TrustBook};
//! use nonos_types::{JobId, Timestamp};
//!
//! let peer = Identity::from_seed([7; 32]).node_id();
//! let book = TrustBook::open(Arc::new(MemoryStore::new()))?;
//! let mut now = Timestamp::new(1_700_000_000);
//! for job in 0..30_u8 {
//!     let cause = Cause::Job(JobId::hash(&[&[job]]));
//!     let deed = Observation { peer, context: Context::Execute, deed: Deed::Good, cause };
//!     book.observe(&deed, now)?;
//! }
//! let standing = book.standing(peer, now)?;
//! assert_eq!((standing.state, standing.of(Context::Execute).good), (State::Trusted, 30));
//!
//! now = Timestamp::new(now.get() + 30 * 24 * 60 * 60); // a silent month
//! assert_eq!(book.standing(peer, now)?.state, State::Known);
//! # Ok::<_, nonos_trust::Error>(())
//! ```
//!
//! # What it does not do
//! It sends and fetches nothing, and hears no opinions: only this node's own observations, and evidence it has
//! judged itself, count. It checks no proof: [`judge`] asks a [`ProofCheck`]. A requester and an executor
//! who pay each other for nothing gain trust here, since deeds are not yet bounded by who was served.
//!
//! # The types to know
//! - [`Identity`]: the node's key; [`keystore`] keeps it in a file.
//! - [`boxes`]: what only one node may read, by keys that follow from its identity.
//! - [`TrustBook`]: observations, scores, convictions and the blacklist, in a store.
//! - [`Standing`]: what is thought of a peer; [`Point`]: why.
//! - [`judge`]: whether an [`Accusation`](nonos_types::Accusation) shows a fault.
//!
//! # Errors
//! [`Error`] of the book, [`keystore::KeystoreError`] of the keystore; `fault()` of both says who must act.
//!
//! The rules are specified in `docs/spec/evidence.md`, the keystore's bytes in `docs/spec/keystore.md`, those of boxes in
//! `docs/spec/sealed-job.md`.

mod book;
pub mod boxes;
mod codec;
mod deed;
mod error;
mod identity;
mod judge;
pub mod keystore;
mod reason;
mod score;
mod standing;

pub use crate::{
    book::{Conviction, TrustBook},
    deed::{Cause, Challenge, ChallengeId, Context, Deed, Observation, Point, Weight},
    error::Error,
    identity::Identity,
    judge::{Judgement, ProofCheck, ProofVerdict, judge},
    reason::Reason,
    score::Ppm,
    standing::{Act, Block, ContextScore, Standing, State},
};
