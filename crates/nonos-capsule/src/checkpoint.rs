//! When the state of a run is hashed.
//!
//! The budget is handed to the run in slices: the policy's `checkpoint_every`, or [`FUEL_PER_PAGE`] times the
//! pages of memory and of tables (see [`Parts::pages`](crate::parts::Parts::pages)) if that is more, so that
//! hashing stays a small part of running, or what the next block lacks if that is more. A checkpoint is *due* at a charge that the slice does not cover, before it is charged.
//! Without `checkpoint_every` all of the budget is one slice. The capsule may ask for a checkpoint by
//! `checkpoint()`; it is taken unless less than [`FUEL_PER_PAGE`] per page was used since the last one. The end
//! of the run is always one. All of this depends on the run alone.

use nonos_state::{Chain, Checkpoint, MemoryTree, RunState, Salt, TapePositions};
use nonos_types::{Fuel, MemoryHash, StateHash};

use crate::parts::Words;

/// Fuel that pays for hashing one page of memory.
pub(crate) const FUEL_PER_PAGE: u64 = 8_192;

/// The checkpoints of a run in progress.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    chain: Chain,
    tree: MemoryTree,
}

impl Checkpoints {
    pub(crate) fn new(salt: Option<&[u8; 32]>) -> Self {
        let chain = salt.map_or_else(Chain::new, |salt| Chain::salted(Salt::from_bytes(*salt)));
        Self {
            chain,
            tree: MemoryTree::new(),
        }
    }

    /// Whether enough was used since the last checkpoint.
    pub(crate) fn affordable(&self, used: Fuel, pages: u64) -> bool {
        let last = self.chain.checkpoints().last();
        last.is_none_or(|last| used.get() - last.fuel_used.get() >= pages * FUEL_PER_PAGE)
    }

    pub(crate) fn take(
        &mut self,
        fuel_used: Fuel,
        memory: &[u8],
        words: &Words,
        tapes: TapePositions,
    ) -> Result<StateHash, nonos_state::Error> {
        // The interpreter does not tell which pages were written.
        self.tree.rehash(memory)?;
        let state = RunState {
            memory: self.tree.root(),
            globals: &words.globals,
            tables: &words.tables,
            tapes,
        }
        .hash();
        self.chain.push(Checkpoint { fuel_used, state });
        Ok(state)
    }

    /// The memory as of the last checkpoint.
    pub(crate) fn memory(&self) -> MemoryHash {
        self.tree.root()
    }

    pub(crate) fn finish(self) -> Chain {
        self.chain
    }
}
