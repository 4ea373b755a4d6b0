//! Provers that lie about sealed tapes: to a small system of SEAL and a table that takes words.

mod bench;
mod lies;

use bench::{Bench, Lie, SEAL, outputs, salt, words};
use nonos_seal::{digest, input_blocks, output_blocks};

use std::collections::BTreeSet;

use super::mock::Mock;
use crate::seal::{Use, rows};
use crate::sponge;
use crate::{Error, Layout};

#[test]
fn documents_every_rule_in_the_source_and_on_the_page() {
    let [source, sponge, page] = [
        include_str!("../seal.rs"),
        include_str!("../sponge.rs"),
        include_str!("../../../../docs/circuits/seal.md"),
    ];
    let ids = |text: &'static str, start: &'static str| -> BTreeSet<&'static str> {
        let rows = text.lines().filter_map(move |line| line.strip_prefix(start));
        rows.filter_map(|rest| rest.split_once('`').map(|(id, _)| id))
            .collect()
    };
    let bits: BTreeSet<&str> = (0..).map_while(crate::seal::bit_name).flatten().collect();
    let in_source: BTreeSet<&str> = &ids(source, "//! | `") | &ids(sponge, "//! | `");
    let bench = Bench::honest(true, false);
    let stated: BTreeSet<&str> = bench.keys.plan.compiled.tables[SEAL]
        .constraints
        .iter()
        .map(|constraint| constraint.id)
        .filter(|id| !bits.contains(id) || in_source.contains(id))
        .chain(["first"])
        .collect();
    assert_eq!(in_source, stated);
    assert_eq!(ids(page, "| `"), stated);
}

#[test]
fn accepts_honest_streams() {
    for (input, output) in [(true, false), (false, true), (true, true)] {
        let bench = Bench::honest(input, output);
        assert!(
            bench.broken().is_empty(),
            "{input} {output}: {:?}",
            bench.broken()
        );
        bench.prove().expect("honest");
    }
    // Rows side by side, so that a stream wraps from copy to copy.
    let bench = Bench::folded(3);
    assert!(bench.broken().is_empty(), "{:?}", bench.broken());
    bench.prove().expect("honest");
}

#[test]
fn refuses_every_single_false_cell_but_those_named() {
    let bench = Bench::honest(true, true);
    let mock = Mock {
        plan: &bench.keys.plan,
        statement: &bench.statement,
    };
    let trace = bench.trace();
    let honest_rows = bench.run.seal.len();
    assert!(mock.broken(&trace).is_empty());
    let width = bench.keys.plan.compiled.tables[SEAL].columns.len();
    let mut free = vec![];
    for row in 0..honest_rows + 2 {
        let before = mock.messages(&trace, SEAL, row);
        for col in 0..width {
            let mut bent = trace.clone();
            let (column, at) = mock.place(SEAL, row, col);
            bent.columns[column][at] += pasta_curves::Fp::from(1);
            let near = row.saturating_sub(1)..row + 2;
            let found = mock.messages(&bent, SEAL, row) != before
                || near.into_iter().any(|row| !mock.row(&bent, SEAL, row).is_empty());
            if !found {
                free.push((row, crate::seal::column_name(col)));
            }
        }
    }
    assert_eq!(free, [], "free cells");
}

#[test]
fn refuses_a_layout_that_does_not_fit_what_is_sealed() {
    let sealed = Bench::honest(true, false);
    let without = Layout::new(8, vec![1, 0], 0);
    let made = sealed.prove_in(&without);
    assert!(matches!(made, Err(Error::Layout { .. })), "{made:?}");
    let (run, mut public) = (Bench::honest(true, false).run, sealed.public.clone());
    public.digests = [None; 2];
    let open = Bench::of(run, public);
    let made = open.prove();
    assert!(matches!(made, Err(Error::Layout { .. })), "{made:?}");
    // A verifier as well, of a proof that is there.
    let proof = sealed.prove().expect("honest");
    let verdict = open.verify(&proof);
    assert!(matches!(verdict, Err(Error::Layout { .. })), "{verdict:?}");
    let mut foreign = proof;
    foreign.layout.folds[SEAL] = 0;
    let verdict = sealed.verify(&foreign);
    assert!(matches!(verdict, Err(Error::Layout { .. })), "{verdict:?}");
}

#[test]
fn refuses_other_public_digests_and_another_first_stream() {
    let honest = Bench::honest(true, true);
    let proof = honest.prove().expect("honest");
    let [input, output] = honest.public.digests;
    let first = honest.public.first.clone();
    let mut cases = vec![];
    for digests in [[output, input], [input, input], [input, None], [None, output]] {
        cases.push((digests, first.clone()));
    }
    for first in [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]] {
        cases.push(([input, output], first.to_vec()));
    }
    for (digests, first) in cases {
        let mut public = honest.public.clone();
        (public.digests, public.first) = (digests, first);
        let other = Bench::of(honest.run.clone(), public);
        assert!(other.verify(&proof).is_err());
        // And proved anew, by force.
        let forged = other.force();
        let verdict = other.verify(&forged);
        assert!(matches!(verdict, Err(Error::Rejected)), "{verdict:?}");
    }
}

#[test]
fn hashes_as_the_native_commitment_does() {
    // The bench's digests are those of nonos_seal, and the circuit's must equal them.
    let bench = Bench::honest(true, true);
    let native = digest(&input_blocks(&words(14), &salt(1)));
    assert_eq!(bench.public.digests[0], Some(native));
    let outputs = output_blocks(&outputs(), &salt(2));
    assert_eq!(bench.public.digests[1], Some(digest(&outputs)));
    assert_eq!(rows(&outputs, Use::default()).len(), outputs.len());
    assert_eq!(sponge::DIGESTS, 2);
    let lie = Lie::digest(0);
    assert_eq!(bench.after(&lie), ["sponge-digest"].map(str::to_owned).into());
}
