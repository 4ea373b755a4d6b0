//! Where a batch's root goes to be seen from outside: order and time that the node cannot make up by itself.
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use nonos_depin::anchor::{Anchor as _, BatchId, Commitment, FileAnchor, Quorum, State, StateRoot, countersign};
//! use nonos_types::{NetworkId, NodeId, Timestamp};
//!
//! # let directory = tempfile::tempdir()?;
//! let (node, friend) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
//! let id = |key: &SigningKey| NodeId::from_bytes(key.verifying_key().to_bytes());
//! let network = NetworkId::named("example");
//! let friends = Quorum::new([id(&friend)], 1)?;
//! let mut anchor = FileAnchor::create(&directory.path().join("batches.anchor"), network, &node, friends)?;
//!
//! let commitment = Commitment {
//!     network,
//!     submitter: id(&node),
//!     batch: BatchId::from_bytes([3; 32]),
//!     prev: BatchId::ZERO,
//!     root: StateRoot::from_bytes([4; 32]),
//!     entries: 12,
//! };
//! let now = Timestamp::new(1_800_000_000);
//! let submitted = anchor.submit(&commitment, now)?;
//! assert!(matches!(submitted.state, State::Submitted { .. }));
//!
//! // The file is carried to the friend, who has never seen another batch here, and signs.
//! let answer = countersign(&commitment, now, &friend);
//! assert!(matches!(anchor.acknowledge(&answer)?, State::Final(_)));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! An anchor says that a root was named, in which order and when; none of those here says that the root is right.
//! The proof of a batch says that. What each anchor shows, and to whom, is in `docs/spec/anchor.md`.
//!
//! - [`Anchor`]: what an implementation provides; [`testing`] says whether it does.
//! - [`Commitment`]: what is anchored. [`State`]: how far that is, and the [`Evidence`] for it.
//! - [`FileAnchor`]: a file, for air gaps. The contract for EVM chains is `contracts/Anchor.sol`.
//! - [`Quorum`], [`WitnessBook`]: what peers sign who have seen a commitment.

mod commitment;
mod error;
mod file;
pub mod testing;
mod witness;

use nonos_types::{NetworkId, NodeId, Timestamp};

pub use crate::batch::BatchId;

pub use self::{
    commitment::{Commitment, CommitmentDigest, CommitmentTag, StateRoot},
    error::{Error, FileDamage},
    file::{Export, FileAnchor, Torn},
    witness::{Countersignature, Quorum, WitnessBook, countersign},
};

/// A place outside of the node that keeps the order of its batches.
///
/// Implementations must
/// - keep one chain per submitter: a commitment is taken only if its `prev` is the newest batch there
///   ([`BatchId::ZERO`] for the first), and nobody else's commitments can hinder it;
/// - refuse commitments of another network or submitter, and names that are zero or their own `prev`;
/// - take the same commitment again without recording or paying for it twice, whether it is on its way, in, or
///   followed by others, and after a restart at any point;
/// - refuse another commitment under a known batch's name;
/// - call nothing [`State::Final`] but by evidence that others than the node made, and name that evidence;
/// - call it [`State::Submitted`] again, or [`State::Pending`], when what was not final is gone;
/// - give back in [`history`](Anchor::history) what was taken, in its order, from what is recorded there and not
///   from memory.
///
/// [`testing`] checks this with one node; what a chain does to it is for the tests of the implementation.
pub trait Anchor {
    /// Whose chain it keeps.
    fn chain(&self) -> Chain;

    /// Hands in a commitment. To repeat the call is safe, and after [`State::Pending`] it is the way on.
    ///
    /// # Errors
    /// [`Error::ForeignNetwork`], [`Error::ForeignSubmitter`], [`Error::BadBatch`], [`Error::StalePrev`],
    /// [`Error::Differs`], and what the place says.
    fn submit(&mut self, commitment: &Commitment, now: Timestamp) -> Result<Submission, Error>;

    /// How far a batch is; does what is needed to get it further. [`State::Pending`] if nothing is known of it.
    ///
    /// # Errors
    /// What the place says.
    fn poll(&mut self, batch: &BatchId, now: Timestamp) -> Result<State, Error>;

    /// The newest batch recorded, final or not.
    ///
    /// # Errors
    /// What the place says.
    fn head(&mut self) -> Result<Option<BatchId>, Error>;

    /// What is recorded, oldest first: the `newest` newest, all if there are fewer.
    ///
    /// # Errors
    /// What the place says.
    fn history(&mut self, newest: usize) -> Result<Vec<Anchored>, Error>;

    /// Whether exactly this is recorded, and whether that is final. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::NotAnchored`], [`Error::OtherBatch`], [`Error::Differs`], those of [`Chain::check`], and what the
    /// place says.
    fn verify(&mut self, commitment: &Commitment) -> Result<State, Error>;
}

/// Names a chain of commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chain {
    /// The mesh whose books these are.
    pub network: NetworkId,
    /// Whose books these are.
    pub submitter: NodeId,
}

impl Chain {
    /// Refuses what can never be of this chain.
    ///
    /// # Errors
    /// [`Error::ForeignNetwork`], [`Error::ForeignSubmitter`], [`Error::BadBatch`].
    pub fn check(&self, commitment: &Commitment) -> Result<(), Error> {
        if commitment.network != self.network {
            return Err(Error::ForeignNetwork {
                expected: self.network,
                actual: commitment.network,
            });
        }
        if commitment.submitter != self.submitter {
            return Err(Error::ForeignSubmitter {
                expected: self.submitter,
                actual: commitment.submitter,
            });
        }
        if commitment.batch == BatchId::ZERO || commitment.batch == commitment.prev {
            return Err(Error::BadBatch);
        }
        Ok(())
    }
}

/// What became of handing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which batch.
    pub batch: BatchId,
    /// How far it is.
    pub state: State,
}

/// How far a commitment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The place knows nothing of it: it was never handed in, or what was is gone. Hand it in (again).
    Pending,
    /// It was handed in, and nobody vouches for it yet.
    Submitted {
        /// Where it is, for people: a transaction, a record of a file.
        reference: String,
    },
    /// It is recorded, by this evidence.
    Final(Evidence),
}

/// What shows, to others too, that a commitment was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who or what vouches: a contract on a chain, peers.
    pub source: String,
    /// Where to look it up: a transaction and its block, who signed.
    pub reference: String,
    /// When it was recorded, by the clock of whoever vouches.
    pub at: Timestamp,
}

/// A commitment as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// What is recorded.
    pub commitment: Commitment,
    /// [`State::Submitted`] or [`State::Final`].
    pub state: State,
}
