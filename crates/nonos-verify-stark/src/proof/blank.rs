//! Proofs of a given shape, to be read into.

use p3_batch_stark::proof::OpenedValuesWithLookups;
use p3_batch_stark::{BatchCommitments, BatchOpenedValues, BatchProof, OpenedValues};
use p3_field::PrimeCharacteristicRing;
use p3_fri::CommitPhaseMultiStep;
use p3_lookup::LookupTerminal;
use p3_merkle_tree::PrunedMerklePaths;
use p3_uni_stark::PreprocessedOpenedValues;

use super::plan::Plan;
use super::shape::{Table, Tree, roots};
use super::stream::DIGEST;
use super::walk::{Cap, Fri, Opening, Paths};
use crate::config::{Challenges, LOG_FINAL, Plain, Val};

fn zeros<E: Challenges>(count: usize) -> Vec<E> {
    E::zero_vec(count)
}

fn cap(log_height: usize) -> Cap {
    Cap::new(vec![[0; DIGEST]; roots(log_height)])
}

/// A proof of zeros; `known` opens the tree that the verifier has at the given places of it.
pub(crate) fn proof<E: Challenges>(
    plan: &Plan<'_>,
    known: impl FnOnce(&[usize]) -> Option<Opening>,
) -> Option<BatchProof<Plain<E>>> {
    let shape = plan.shape;
    let mut caps = shape.committed().map(|tree| cap(tree.log_height));
    let commitments = BatchCommitments {
        main: caps.next()?,
        quotient_chunks: caps.next()?,
        permutation: caps.next(),
        random: None,
    };
    let some = |table: &Table| table.sums > 0;
    Some(BatchProof {
        commitments,
        opened_values: BatchOpenedValues {
            instances: shape.tables.iter().map(values).collect(),
        },
        opening_proof: fri(plan, known)?,
        lookup_terminals: shape
            .tables
            .iter()
            .map(|table| some(table).then_some(LookupTerminal(E::ZERO)))
            .collect(),
        degree_bits: shape.tables.iter().map(|table| table.log).collect(),
        lookup_pow_witness: shape.has_sums().then_some(Val::ZERO),
        ood_pow_witness: Val::ZERO,
    })
}

fn values<E: Challenges>(table: &Table) -> OpenedValuesWithLookups<E> {
    OpenedValuesWithLookups {
        base_opened_values: OpenedValues {
            trace_local: zeros(table.main),
            trace_next: table.next.then(|| zeros(table.main)),
            preprocessed: (table.fixed > 0).then(|| PreprocessedOpenedValues {
                local: zeros(table.fixed),
                next: None,
            }),
            quotient_chunks: vec![zeros(E::DIMENSION); table.chunks],
            random: None,
        },
        permutation_local: zeros(table.sums),
        permutation_next: zeros(table.sums),
    }
}

fn paths(plan: &Plan<'_>, log_height: usize) -> Paths {
    Paths {
        places: plan.places(log_height),
        paths: PrunedMerklePaths {
            sibling_hashes: vec![[0; DIGEST]; plan.path(log_height)],
        },
    }
}

fn fri<E: Challenges>(plan: &Plan<'_>, known: impl FnOnce(&[usize]) -> Option<Opening>) -> Option<Fri<E>> {
    let shape = plan.shape;
    let mut known = Some(known);
    let mut opening = |tree: &Tree| {
        if tree.known {
            return known.take()?(&plan.places(tree.log_height));
        }
        let row = || {
            tree.matrices
                .iter()
                .map(|(_, width)| Val::zero_vec(*width))
                .collect()
        };
        Some(Opening {
            opened_values: plan.places.iter().map(|_| row()).collect(),
            opening_proof: paths(plan, tree.log_height),
        })
    };
    let rounds = || shape.rounds.iter();
    Some(Fri {
        batch_pow_witness: Val::ZERO,
        commit_phase_commits: rounds().map(|round| cap(round.log_height)).collect(),
        commit_pow_witnesses: Val::zero_vec(shape.rounds.len()),
        input_openings: shape.trees.iter().map(&mut opening).collect::<Option<_>>()?,
        commit_phase_openings: rounds()
            .map(|round| CommitPhaseMultiStep {
                sibling_values: vec![zeros((1 << round.log_arity) - 1); plan.places.len()],
                opening_proof: paths(plan, round.log_height),
            })
            .collect(),
        final_poly: zeros(1 << LOG_FINAL),
        query_pow_witness: Val::ZERO,
    })
}
