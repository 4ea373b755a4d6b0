//! Proofs of chunks of batches: made in turn with all others.

use std::sync::Arc;

use nonos_depin::rollup::{ChunkWitness, RollupStatement};
use nonos_depin_halo2::Rollup;
use nonos_verify::{Erased, Proof, ProveError, Prover as _, Proving};

use super::Turn;

impl Turn<'_> {
    /// Proves a chunk. Blocks as long as that takes.
    pub(crate) fn prove_chunk(
        &self,
        backend: &Arc<Rollup>,
        statement: &RollupStatement,
        witness: &ChunkWitness,
        proving: &mut Proving<'_>,
    ) -> Result<Proof, ProveError> {
        let prover = Erased::<RollupStatement, _>::new(Arc::clone(backend));
        let mut prove = || prover.prove(statement, witness, proving);
        match self.provers {
            Some(threads) => threads.install(prove),
            None => prove(),
        }
    }
}
