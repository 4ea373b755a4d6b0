//! The tables accept true runs, padding included, and refuse other public values and prefixes.

use std::collections::BTreeSet;

use nonos_machine::air::{Public, Range, System};
use nonos_machine::check::{Violation, check};
use nonos_machine::tables::{Witness, public, system, witness};

use crate::circuits::source;
use crate::samples::{Sample, samples};

fn filled(sample: &Sample) -> (System, Witness, Public) {
    let system = system();
    let witness = witness(&sample.program, &sample.trace);
    (system, witness, public(&sample.program, &sample.public))
}

fn heights(witness: &Witness, padding: usize) -> Vec<usize> {
    witness.tables.iter().map(|t| t.len() + padding).collect()
}

fn verdict(system: &System, public: &Public, witness: &Witness, padding: usize) -> Result<(), Violation> {
    check(system, &heights(witness, padding), public, |t, i, out| {
        witness.row(t, i, out)
    })
}

#[test]
fn true_runs_satisfy_every_constraint_with_and_without_padding() {
    for sample in samples() {
        let (system, witness, public) = filled(&sample);
        for padding in [0, 1, 5] {
            assert_eq!(
                verdict(&system, &public, &witness, padding),
                Ok(()),
                "{}",
                sample.name
            );
        }
    }
}

#[test]
fn samples_use_every_table() {
    let mut used = BTreeSet::new();
    for sample in samples() {
        let witness = witness(&sample.program, &sample.trace);
        used.extend((0..witness.tables.len()).filter(|t| !witness.tables[*t].is_empty()));
    }
    assert_eq!(used.len(), nonos_machine::tables::COUNT);
}

#[test]
fn refuses_every_other_public_value() {
    for sample in samples() {
        let (system, witness, honest) = filled(&sample);
        for i in 0..honest.first.len() + honest.last.len() {
            let mut public = honest.clone();
            let split = honest.first.len();
            if i < split {
                public.first[i] += 1
            } else {
                public.last[i - split] += 1
            }
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: public value {i}",
                sample.name
            );
        }
        for i in 0..honest.received.len() {
            for part in 0..honest.received[i].1.len() {
                let mut public = honest.clone();
                public.received[i].1[part] ^= 1;
                assert!(
                    verdict(&system, &public, &witness, 2).is_err(),
                    "{}: received {i}",
                    sample.name
                );
            }
            let mut public = honest.clone();
            public.received.remove(i);
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: without {i}",
                sample.name
            );
            let mut public = honest.clone();
            public.received.push(honest.received[i].clone());
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: twice {i}",
                sample.name
            );
        }
    }
}

#[test]
fn refuses_every_prefix_of_a_run() {
    let sample = samples()
        .into_iter()
        .min_by_key(|s| s.trace.steps.len())
        .expect("there are samples");
    for len in 1..sample.trace.steps.len() {
        let mut cut = sample.trace.clone();
        cut.steps.truncate(len);
        let system = system();
        let witness = witness(&sample.program, &cut);
        let public = public(&sample.program, &sample.public);
        assert!(
            verdict(&system, &public, &witness, 0).is_err(),
            "prefix of {len} steps"
        );
    }
}

#[test]
fn every_constraint_is_documented_and_every_documented_one_exists() {
    let names: BTreeSet<&str> = system().tables.iter().map(|t| t.name).collect();
    for name in names.into_iter().filter(|name| *name != "MEMX") {
        let text = source::source(name);
        let rules = source::documented(&text);
        let documented: BTreeSet<&str> = rules.iter().flat_map(|rule| rule.ids.iter().copied()).collect();
        let stated: BTreeSet<&str> = system()
            .tables
            .iter()
            .filter(|t| t.name.trim_end_matches('X') == name)
            .flat_map(|t| {
                let bits: BTreeSet<&str> = t
                    .columns
                    .iter()
                    .filter(|c| c.range == Range::Bit)
                    .map(|c| c.name)
                    .collect();
                let rules = t
                    .constraints
                    .iter()
                    .filter(move |c| c.expr.degree() != 2 || !bits.contains(c.id) || c.public.is_some());
                rules.map(|c| c.id).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(documented, stated, "{name}");
    }
}

#[test]
fn refuses_public_values_wider_than_declared() {
    for sample in samples() {
        let (system, witness, mut public) = filled(&sample);
        // The same value modulo the checker's field.
        public.last[1] += (1 << 61) - 1;
        let verdict = verdict(&system, &public, &witness, 1);
        assert_eq!(
            verdict,
            Err(Violation::Public {
                end: "last",
                index: 1
            }),
            "{}",
            sample.name
        );
    }
}
