//! The order of a proof's parts: the same for writing and reading.

use nonos_verify::Refusal;
use p3_batch_stark::BatchProof;
use p3_fri::{BatchMultiOpening, CommitPhaseMultiStep, FriProof};
use p3_merkle_tree::{MerkleCap, PrunedMerklePaths};

use super::malformed;
use super::plan::Plan;
use super::shape::{Lengths, Round, Tree, roots};
use super::stream::{Coder, DIGEST};
use crate::config::{Challenges, FoldingMmcs, LOG_FINAL, Plain, PlainMmcs, Val};
use crate::placed::PlacedPaths;

/// The rows of one tree at every query.
pub(crate) type Opening = BatchMultiOpening<Val, PlainMmcs>;
/// Roots of a tree.
pub(crate) type Cap = MerkleCap<Val, [u8; DIGEST]>;
/// The path that all queries of a tree share.
pub(crate) type Paths = PlacedPaths<PrunedMerklePaths<u8, DIGEST>>;
/// The argument that all openings are of low degree.
pub(crate) type Fri<E> = FriProof<E, FoldingMmcs<E>, Val, Vec<Opening>>;

/// Takes a proof's parts to the coder, in their order. A proof of another shape than the plan's is refused.
pub(crate) fn proof<E: Challenges>(
    proof: &mut BatchProof<Plain<E>>,
    plan: &Plan<'_>,
    coder: &mut impl Coder,
) -> Result<(), Refusal> {
    let shape = plan.shape;
    let commitments = &mut proof.commitments;
    let caps = [
        Some(&mut commitments.main),
        Some(&mut commitments.quotient_chunks),
        commitments.permutation.as_mut(),
    ];
    each(caps.into_iter().flatten(), shape.committed(), |c, tree| {
        cap(c, tree.log_height, coder)
    })?;
    if proof.lookup_pow_witness.is_some() != shape.has_sums() {
        return malformed("witness of work");
    }
    let work = proof
        .lookup_pow_witness
        .iter_mut()
        .chain([&mut proof.ood_pow_witness]);
    work.into_iter().try_for_each(|witness| coder.element(witness))?;
    evaluations(proof, shape, coder)?;
    fri(&mut proof.opening_proof, plan, coder)
}

/// Pairs the parts of a proof with those of a shape.
fn each<A, B>(
    parts: impl IntoIterator<Item = A>,
    shapes: impl IntoIterator<Item = B>,
    mut f: impl FnMut(A, B) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (mut parts, mut shapes) = (parts.into_iter(), shapes.into_iter());
    loop {
        match (parts.next(), shapes.next()) {
            (Some(part), Some(shape)) => f(part, shape)?,
            (None, None) => return Ok(()),
            _ => return malformed("number of parts"),
        }
    }
}

fn cap(cap: &mut Cap, log_height: usize, coder: &mut impl Coder) -> Result<(), Refusal> {
    let mut digests: Vec<[u8; DIGEST]> = cap.as_ref().to_vec();
    each(&mut digests, 0..roots(log_height), |digest, _| {
        coder.digest(digest)
    })?;
    *cap = MerkleCap::new(digests);
    Ok(())
}

fn evaluations<E: Challenges>(
    proof: &mut BatchProof<Plain<E>>,
    shape: &Lengths,
    coder: &mut impl Coder,
) -> Result<(), Refusal> {
    each(
        &mut proof.opened_values.instances,
        &shape.tables,
        |values, table| {
            let base = &mut values.base_opened_values;
            coder.challenges(&mut base.trace_local, table.main)?;
            let next = if table.next { table.main } else { 0 };
            coder.challenges(base.trace_next.as_deref_mut().unwrap_or_default(), next)?;
            let fixed = base.preprocessed.as_mut().map(|fixed| &mut fixed.local[..]);
            coder.challenges(fixed.unwrap_or_default(), table.fixed)?;
            each(&mut base.quotient_chunks, 0..table.chunks, |chunk, _| {
                coder.challenges(chunk, shape.degree)
            })?;
            coder.challenges(&mut values.permutation_local, table.sums)?;
            coder.challenges(&mut values.permutation_next, table.sums)
        },
    )?;
    each(&mut proof.lookup_terminals, &shape.tables, |terminal, table| {
        let terminal = terminal
            .as_mut()
            .map(|terminal| std::slice::from_mut(&mut terminal.0));
        coder.challenges(terminal.unwrap_or_default(), usize::from(table.sums > 0))
    })
}

fn fri<E: Challenges>(fri: &mut Fri<E>, plan: &Plan<'_>, coder: &mut impl Coder) -> Result<(), Refusal> {
    let shape = plan.shape;
    coder.element(&mut fri.batch_pow_witness)?;
    each(&mut fri.commit_phase_commits, &shape.rounds, |c, round| {
        cap(c, round.log_height, coder)
    })?;
    each(&mut fri.commit_pow_witnesses, &shape.rounds, |witness, _| {
        coder.element(witness)
    })?;
    coder.challenges(&mut fri.final_poly, 1 << LOG_FINAL)?;
    coder.element(&mut fri.query_pow_witness)?;
    each(&mut fri.input_openings, &shape.trees, |opening, tree| {
        if tree.known {
            return Ok(());
        }
        rows(opening, tree, plan, coder)?;
        path(&mut opening.opening_proof, tree.log_height, plan, coder)
    })?;
    each(&mut fri.commit_phase_openings, &shape.rounds, |step, round| {
        siblings(step, *round, plan, coder)?;
        path(&mut step.opening_proof, round.log_height, plan, coder)
    })
}

fn path(
    paths: &mut Paths,
    log_height: usize,
    plan: &Plan<'_>,
    coder: &mut impl Coder,
) -> Result<(), Refusal> {
    let digests = &mut paths.paths.sibling_hashes;
    each(digests, 0..plan.path(log_height), |digest, _| {
        coder.digest(digest)
    })
}

/// The rows of a tree: one that an earlier query opened is not written again.
fn rows(opening: &mut Opening, tree: &Tree, plan: &Plan<'_>, coder: &mut impl Coder) -> Result<(), Refusal> {
    let values = &mut opening.opened_values;
    if values.len() != plan.places.len() {
        return malformed("number of queries");
    }
    for query in 0..values.len() {
        let (earlier, rest) = values.split_at_mut(query);
        let mut number = 0..;
        each(&mut rest[0], &tree.matrices, |row, (log, width)| {
            let matrix: usize = number.next().expect("it has no end");
            let first = plan.firsts(*log)[query];
            if let Some(same) = earlier.get(first) {
                row.clone_from(&same[matrix]);
                return Ok(());
            }
            each(row, 0..*width, |element, _| coder.element(element))
        })?;
    }
    Ok(())
}

/// The groups of a round, each once. What a query takes from its group is computed, and so not written, unless another
/// query takes another value from it: then the group is written whole.
fn siblings<E: Challenges>(
    step: &mut CommitPhaseMultiStep<E, FoldingMmcs<E>>,
    round: Round,
    plan: &Plan<'_>,
    coder: &mut impl Coder,
) -> Result<(), Refusal> {
    let arity = 1 << round.log_arity;
    let values = &mut step.sibling_values;
    if values.len() != plan.places.len() || values.iter().any(|v| v.len() != arity - 1) {
        return malformed("number of siblings");
    }
    let (firsts, within) = (plan.firsts(round.log_height), plan.within(round));
    let slot = |position: usize, own: usize| position - usize::from(position > own);
    for first in (0..firsts.len()).filter(|query| firsts[*query] == *query) {
        let members: Vec<usize> = (first..firsts.len())
            .filter(|query| firsts[*query] == first)
            .collect();
        for position in 0..arity {
            let mut holders = members.iter().filter(|query| within[**query] != position);
            let Some(holder) = holders.next() else { continue };
            let mut value = values[*holder][slot(position, within[*holder])];
            coder.challenge(&mut value)?;
            for query in [holder].into_iter().chain(holders) {
                values[*query][slot(position, within[*query])] = value;
            }
        }
    }
    Ok(())
}
