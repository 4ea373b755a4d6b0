//! Commits to tapes that a proof must not show, so that a proof can still speak of them.
//!
//! ```
//! use nonos_seal::{Salt, Tape, commit_input, commit_outputs};
//!
//! let salt = Salt::new([7; 32]); // 32 fresh secret bytes, one salt for each commitment
//! let sealed = commit_input(b"balance: 1200", &salt);
//! assert_eq!(commit_input(b"balance: 1200", &salt), sealed);
//! assert_ne!(commit_input(b"balance: 1201", &salt), sealed);
//! assert_ne!(commit_input(b"balance: 1200", &Salt::new([8; 32])), sealed);
//!
//! let result = Tape::from_bytes(b"solvent");
//! let outputs = [result, Tape::default(), Tape::default()];
//! assert_ne!(commit_outputs(&outputs, &salt), sealed);
//! ```
//!
//! A commitment is a hash over the field of the backend that is to prove it, of the salt and the tapes' words in
//! [`Block`]s that can be told apart: Poseidon for the halo2 backend ([`CommitmentScheme::POSEIDON_PALLAS_1`]),
//! Poseidon2 for the STARK backend ([`CommitmentScheme::POSEIDON2_KOALABEAR_1`]); `docs/spec/seal.md`. It binds
//! as the hash resists collisions. It hides as long as the salt is secret, random and used once.
//!
//! # What it does not do
//! It does not encrypt: how the opening reaches whoever may know it is not this crate's business. It draws no
//! randomness.
//!
//! # The types to know
//! [`commit_input`] and [`commit_outputs`] commit, and check an opening by committing again; [`Salt`] keeps what
//! must stay secret; [`commit_input_by`] and [`commit_outputs_by`] take the scheme. [`Block`], [`poseidon`] and
//! [`poseidon2`] are for proof systems, which hash the same blocks.
//!
//! # Errors
//! None: whatever is given can be committed to. Only [`commit_input_by`] and [`commit_outputs_by`] give `None`, for
//! a scheme that they do not know.
//!
//! [`CommitmentScheme::POSEIDON_PALLAS_1`]: nonos_types::CommitmentScheme::POSEIDON_PALLAS_1
//! [`CommitmentScheme::POSEIDON2_KOALABEAR_1`]: nonos_types::CommitmentScheme::POSEIDON2_KOALABEAR_1

mod block;
mod commit;
pub mod poseidon;
pub mod poseidon2;
mod salt;

pub use block::{Block, Place, Tape, WORDS, input_blocks, output_blocks};
pub use commit::{commit_input, commit_input_by, commit_outputs, commit_outputs_by, digest};
pub use salt::Salt;
