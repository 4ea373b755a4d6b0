//! Faults injected into the executor, of the kinds that Arguzz (arXiv 2509.10819) injects into other machines, and
//! those of our ends: each run that follows from one must be refused, whether it is claimed as what it became or as
//! what it should have been.

mod kinds;

use std::collections::BTreeMap;
use std::fmt::Write;

use nonos_machine::air::Public;
use nonos_machine::check::check;
use nonos_machine::isa::Program;
use nonos_machine::tables::{PublicRun, TapeWords, public};
use nonos_machine::trace::Trace;

use crate::attacks::claim::Claim;
use crate::attacks::liar::{Account, Lies, tell};
use crate::mutate::runs::runs;
use crate::page;
use crate::samples::samples;

use kinds::{Kind, inject};

/// A run to inject faults into.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) tapes: [TapeWords; 4],
    pub(crate) fuel: u64,
    pub(crate) honest: Trace,
}

fn targets() -> Vec<Target> {
    let by_hand = runs().into_iter().map(|run| Target {
        name: run.name,
        program: run.program,
        tapes: run.tapes,
        fuel: run.fuel,
        honest: run.trace,
    });
    let lowered = samples().into_iter().map(|sample| Target {
        name: sample.name,
        program: sample.program,
        tapes: sample.public.inputs,
        fuel: 1 << 30,
        honest: sample.trace,
    });
    by_hand.chain(lowered).collect()
}

fn is_refused(claim: &Claim, public: &Public) -> bool {
    let heights: Vec<usize> = claim.witness.tables.iter().map(|t| t.len() + 2).collect();
    check(&claim.system, &heights, public, |t, i, out| {
        claim.witness.row(t, i, out)
    })
    .is_err()
}

impl Target {
    /// Whether a statement says that a run under this budget may end so.
    fn may_be_stated(&self, halt: u64, fuel: u64) -> bool {
        if halt == u64::from(self.program.halts.out_of_fuel) {
            fuel == self.fuel
        } else {
            fuel <= self.fuel
        }
    }

    /// Whether the fault is refused, as each of the two claims.
    fn refuses(&self, told: Account) -> bool {
        let honest = PublicRun::of(&self.program, &self.honest, self.tapes.clone());
        let claim = Claim::told(&self.program, &self.tapes, told);
        let stated = self.may_be_stated(claim.public.last[0], claim.public.last[1]);
        (!stated || is_refused(&claim, &claim.public)) && is_refused(&claim, &public(&self.program, &honest))
    }
}

/// Injects every kind at up to `most` steps of each run; gives how many were tried of each.
fn inject_all(most: usize) -> BTreeMap<Kind, usize> {
    let mut tried = BTreeMap::new();
    let mut accepted = vec![];
    for target in targets() {
        let steps = target.honest.steps.len();
        for (n, kind) in Kind::ALL.into_iter().enumerate() {
            let mut found = 0;
            // Every step once, beginning somewhere else for each kind.
            for j in 0..steps {
                let at = (j * 7 + n * 3) % steps;
                let at = if steps.is_multiple_of(7) {
                    (j + n * 3) % steps
                } else {
                    at
                };
                if found == most {
                    break;
                }
                let Some(told) = inject(&target, kind, at, (n * 31 + j) as u64) else {
                    continue;
                };
                if told.words.is_empty() && told.trace == target.honest {
                    continue;
                }
                found += 1;
                *tried.entry(kind).or_insert(0) += 1;
                if !target.refuses(told) {
                    accepted.push(format!("{}: {kind:?} at step {at}", target.name));
                }
            }
        }
    }
    assert!(accepted.is_empty(), "accepted:\n{}", accepted.join("\n"));
    tried
}

#[test]
fn the_liar_tells_the_truth_when_not_asked_to_lie() {
    for target in targets() {
        let lies = Lies {
            fuel: Some(target.fuel),
            ..Lies::default()
        };
        let told = tell(&target.program, &target.tapes, lies);
        assert_eq!(told.trace, target.honest, "{}", target.name);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn refuses_every_injected_fault() {
    let tried = inject_all(3);
    let mut table = String::from("| kind | fault | Arguzz | injections refused |\n|---|---|---|---|\n");
    for kind in Kind::ALL {
        let count = tried.get(&kind).copied().unwrap_or_default();
        assert!(count > 0, "no run has a step for {kind:?}");
        let (what, arguzz) = kind.describe();
        writeln!(table, "| {kind:?} | {what} | {arguzz} | all |").expect("a string takes text");
        println!("{kind:?}: {count}");
    }
    page::assert_generated("kill-rate.md", "injections", &table);
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn heavy_refuses_faults_at_every_step() {
    println!("{:?}", inject_all(200));
}
