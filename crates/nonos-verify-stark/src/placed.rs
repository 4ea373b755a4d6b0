//! Openings of Merkle trees that say where they are.
//!
//! Which rows of which tables were opened by several queries, and how many digests a shared path has, follows from the
//! queries' places. The published opening does not have them: the verifier draws them. With them in the opening, proof
//! bytes need each row once and no lengths. A verifier still draws the places itself, and refuses others.

use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_matrix::{Dimensions, Matrix};
use serde::{Deserialize, Serialize};

/// A commitment scheme whose openings of several rows have their places.
#[derive(Clone, Debug)]
pub(crate) struct Placed<M>(pub(crate) M);

/// The shared path of several rows, and their places.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PlacedPaths<P> {
    pub(crate) places: Vec<usize>,
    pub(crate) paths: P,
}

/// Why an opening is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlacedError<E> {
    #[error("rows are opened at other places than those drawn")]
    OtherPlaces,
    #[error("the opening is refused: {0:?}")]
    Opening(E),
}

impl<T: Send + Sync + Clone, M: Mmcs<T>> Mmcs<T> for Placed<M> {
    type ProverData<Mat> = M::ProverData<Mat>;
    type Commitment = M::Commitment;
    type Proof = M::Proof;
    type MultiProof = PlacedPaths<M::MultiProof>;
    type Error = PlacedError<M::Error>;

    fn commit<Mat: Matrix<T>>(&self, inputs: Vec<Mat>) -> (Self::Commitment, Self::ProverData<Mat>) {
        self.0.commit(inputs)
    }

    fn open_batch<Mat: Matrix<T>>(
        &self,
        index: usize,
        data: &Self::ProverData<Mat>,
    ) -> BatchOpening<T, Self> {
        let (values, proof) = self.0.open_batch(index, data).unpack();
        BatchOpening::new(values, proof)
    }

    fn get_matrices<'a, Mat: Matrix<T>>(&self, data: &'a Self::ProverData<Mat>) -> Vec<&'a Mat> {
        self.0.get_matrices(data)
    }

    fn verify_batch(
        &self,
        commit: &Self::Commitment,
        dimensions: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, T, Self>,
    ) -> Result<(), Self::Error> {
        let (values, proof) = opening.unpack();
        self.0
            .verify_batch(commit, dimensions, index, BatchOpeningRef::new(values, proof))
            .map_err(PlacedError::Opening)
    }

    fn open_multi_batch<Mat: Matrix<T>>(
        &self,
        indices: &[usize],
        data: &Self::ProverData<Mat>,
    ) -> (Vec<Vec<Vec<T>>>, Self::MultiProof) {
        let (values, paths) = self.0.open_multi_batch(indices, data);
        let places = indices.to_vec();
        (values, PlacedPaths { places, paths })
    }

    fn verify_multi_batch<R: AsRef<[T]> + PartialEq>(
        &self,
        commit: &Self::Commitment,
        dimensions: &[Dimensions],
        indices: &[usize],
        values: &[Vec<R>],
        proof: &Self::MultiProof,
    ) -> Result<(), Self::Error> {
        if proof.places != indices {
            return Err(PlacedError::OtherPlaces);
        }
        self.0
            .verify_multi_batch(commit, dimensions, indices, values, &proof.paths)
            .map_err(PlacedError::Opening)
    }
}
