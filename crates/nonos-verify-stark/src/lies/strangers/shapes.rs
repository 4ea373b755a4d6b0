//! Proofs of other shapes.

use p3_batch_stark::BatchProof;
use p3_field::PrimeCharacteristicRing;

use crate::config::{Plain, Quartic};

/// Doubles the last entry of a list.
fn double<T: Clone>(list: &mut Vec<T>) {
    let last = list.last().expect("the list has entries").clone();
    list.push(last);
}

/// Makes a proof another one.
type Change = fn(&mut BatchProof<Plain<Quartic>>);

/// Ways to make a list of a proof longer or shorter, by name. None of them changes a value that is there.
pub(super) fn shapes() -> Vec<(&'static str, Change)> {
    vec![
        ("another opened table", |p| {
            let degree = p.degree_bits[0];
            p.degree_bits.push(degree);
        }),
        ("a table less", |p| {
            p.opened_values.instances.pop();
        }),
        ("a wider row", |p| {
            double(&mut p.opened_values.instances[0].base_opened_values.trace_local)
        }),
        ("a row that is not read", |p| {
            let mut instances = p
                .opened_values
                .instances
                .iter_mut()
                .map(|i| &mut i.base_opened_values);
            let values = instances.rfind(|values| values.trace_next.is_none());
            let values = values.expect("some table reads one row only");
            values.trace_next = Some(values.trace_local.clone());
        }),
        ("a narrower next row", |p| {
            let next = p.opened_values.instances[0]
                .base_opened_values
                .trace_next
                .as_mut();
            next.expect("STEP reads the next row").pop();
        }),
        ("public columns of a table without", |p| {
            let all = &mut p.opened_values.instances;
            let public = all.iter().find_map(|i| i.base_opened_values.preprocessed.clone());
            all[0].base_opened_values.preprocessed = public;
        }),
        ("a piece of the quotient more", |p| {
            double(&mut p.opened_values.instances[0].base_opened_values.quotient_chunks);
        }),
        ("a wider piece of the quotient", |p| {
            double(&mut p.opened_values.instances[0].base_opened_values.quotient_chunks[0]);
        }),
        ("random columns", |p| {
            let values = &mut p.opened_values.instances[0].base_opened_values;
            values.random = Some(values.trace_local.clone());
        }),
        ("a commitment to random columns", |p| {
            p.commitments.random = Some(p.commitments.main.clone())
        }),
        ("more sums", |p| {
            double(&mut p.opened_values.instances[0].permutation_local)
        }),
        ("fewer sums", |p| {
            p.opened_values.instances[0].permutation_next.pop();
        }),
        ("no commitment to sums", |p| p.commitments.permutation = None),
        ("a sum that is not there", |p| p.lookup_terminals[0] = None),
        ("another sum", |p| double_terminal(p)),
        ("no work for the lookups", |p| p.lookup_pow_witness = None),
        ("another folding", |p| {
            double(&mut p.opening_proof.commit_phase_commits)
        }),
        ("work for another folding", |p| {
            double(&mut p.opening_proof.commit_pow_witnesses)
        }),
        ("openings of another folding", |p| {
            double(&mut p.opening_proof.commit_phase_openings)
        }),
        ("a folding less", |p| {
            p.opening_proof.commit_phase_openings.pop();
        }),
        ("another query", |p| {
            double(&mut p.opening_proof.commit_phase_openings[0].sibling_values)
        }),
        ("a wider opening", |p| {
            double(&mut p.opening_proof.commit_phase_openings[0].sibling_values[0])
        }),
        ("a last polynomial of a higher degree", |p| {
            p.opening_proof.final_poly.push(PrimeCharacteristicRing::ZERO)
        }),
        ("no last polynomial", |p| p.opening_proof.final_poly.clear()),
        ("openings of another commitment", |p| {
            double(&mut p.opening_proof.input_openings)
        }),
        ("openings of a commitment less", |p| {
            p.opening_proof.input_openings.pop();
        }),
        ("another opened query", |p| {
            double(&mut p.opening_proof.input_openings[0].opened_values)
        }),
        ("an opened query less", |p| {
            p.opening_proof.input_openings[0].opened_values.pop();
        }),
        ("another opened matrix", |p| {
            double(&mut p.opening_proof.input_openings[0].opened_values[0])
        }),
        ("a wider opened row", |p| {
            double(&mut p.opening_proof.input_openings[0].opened_values[0][0])
        }),
        ("another node of a tree", |p| {
            double(&mut p.opening_proof.input_openings[0].opening_proof.sibling_hashes);
        }),
        ("a node of a tree less", |p| {
            p.opening_proof.input_openings[0]
                .opening_proof
                .sibling_hashes
                .pop();
        }),
        ("another node of a folding's tree", |p| {
            double(
                &mut p.opening_proof.commit_phase_openings[0]
                    .opening_proof
                    .sibling_hashes,
            );
        }),
    ]
}

fn double_terminal(p: &mut BatchProof<Plain<Quartic>>) {
    let terminal = p.lookup_terminals[0];
    p.lookup_terminals.push(terminal);
}
