//! Names the state of a run at its checkpoints, so that two runs can be compared without sending their memory; and
//! the state of a machine, so that others can hold its operator to it.
//!
//! ```
//! use nonos_state::{Chain, Checkpoint, MemoryTree, RunState, TapePositions};
//! use nonos_types::{Fuel, Pages};
//!
//! let mut memory = vec![0; 3 * 65_536];
//! let mut tree = MemoryTree::of(&memory)?;
//! let mut chain = Chain::new();
//! let mut checkpoint = |tree: &MemoryTree, fuel| {
//!     let state = RunState { memory: tree.root(), globals: &[1, 2], tables: &[], tapes: TapePositions([0; 6]) };
//!     chain.push(Checkpoint { fuel_used: Fuel::new(fuel), state: state.hash() });
//! };
//!
//! checkpoint(&tree, 100);
//! memory[70_000] = 1;
//! tree.update(&memory, [1])?; // only page 1 is hashed again
//! checkpoint(&tree, 200);
//!
//! // The same run elsewhere, but with another byte in the end.
//! let mut other = Chain::new();
//! other.push(chain.checkpoints()[0]);
//! memory[70_000] = 2;
//! tree.rehash(&memory)?; // every page, where it is not known which were written
//! let state = RunState { memory: tree.root(), globals: &[1, 2], tables: &[], tapes: TapePositions([0; 6]) };
//! other.push(Checkpoint { fuel_used: Fuel::new(200), state: state.hash() });
//!
//! let difference = chain.first_difference(&other).expect("they differ");
//! assert_eq!(difference.index, 1);
//! # Ok::<_, nonos_state::Error>(())
//! ```
//!
//! # What it does not do
//! It does not decide when a checkpoint is due, and it proves nothing: a checkpoint root is signed by the executor
//! and compared by running again. A machine's [`Snapshot`] is a signed claim, not a proof either.
//!
//! # The types to know
//! - [`MemoryTree`]: Merkle tree over the pages of a memory, updated page by page.
//! - [`RunState`]: memory, globals, tables and tape positions, hashed to one [`nonos_types::StateHash`].
//! - [`Chain`]: the checkpoints of a run, in order, and their root.
//! - [`Profile`]: what a machine is and was measured to do; [`probe`] measures it, and is the only part that reads
//!   clocks and files.
//! - [`Snapshot`]: a profile with network, node and time, as the payload of an envelope.
//!
//! # Errors
//! [`Error`]: the memory is not whole pages, has shrunk, or lacks the page named; a snapshot is not current, or not
//! the key's. [`probe::Error`]: the machine cannot be measured.
//!
//! # Features
//! | feature | default | gives | brings |
//! |---|---|---|---|
//! | `probe` | on | [`probe`]: measures this machine | sysinfo, rustix, tempfile |
//! | `poi-v1` | on | the export format of the NØN-OS pages: [`Snapshot::to_poi_v1`] | CBOR, SHA-3, base58, hex, ed25519 |
//!
//! The bytes are specified in `docs/spec/checkpoint.md` and `docs/spec/poi.md`.

mod chain;
mod error;
mod memory;
#[cfg(feature = "poi-v1")]
mod poi_v1;
#[cfg(feature = "probe")]
pub mod probe;
mod profile;
mod run;
mod snapshot;

#[cfg(feature = "poi-v1")]
pub use crate::poi_v1::{CapsuleUse, Context, RuntimeHash, RuntimeTag};
pub use crate::{
    chain::{Chain, Checkpoint, Difference, Salt},
    error::Error,
    memory::MemoryTree,
    profile::{Cores, CpuFeature, CpuFeatures, MilliCores, ProbeVersion, Profile, Throughput},
    run::{RunState, TapePositions},
    snapshot::Snapshot,
};
