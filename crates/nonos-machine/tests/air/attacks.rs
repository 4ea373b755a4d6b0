//! False claims in which every table tells the same lie, so that only one rule stands against it.
//!
//! The numbers in comments are those of published bugs of other machines that the claim repeats
//! (`docs/circuits/catalogue.md`).

mod chips;
pub(crate) mod claim;
mod control;
mod fuzz;
pub(crate) mod liar;
mod outcomes;
mod registers;
mod sealed;
mod state;
mod tapes;
pub(crate) mod values;

use std::collections::BTreeSet;

use nonos_machine::isa::{Instr, Program, ext, flag};
use nonos_machine::tables::TapeWords;
use nonos_machine::trace::Step;

use crate::asm::*;

use claim::Claim;
use liar::{Lies, run};

#[track_caller]
pub(crate) fn accepted(claim: &Claim) {
    assert_eq!(claim.verdict(), BTreeSet::new(), "the true run must be accepted");
}

#[track_caller]
pub(crate) fn refused_by(claim: &Claim, rules: &[&str]) {
    let rules: BTreeSet<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    assert_eq!(claim.verdict(), rules);
}

/// The claim of a run in which step `at` has the result `forged`, everything after it following from that.
pub(crate) fn forged_result(program: &Program, at: usize, forged: u64) -> Claim {
    accepted(&Claim::lie(program, &NO_TAPES, Lies::default()));
    let result = |i: usize, step: &mut Step| {
        if i == at {
            step.c = forged;
        }
    };
    Claim::lie(
        program,
        &NO_TAPES,
        Lies {
            result: Some(&result),
            ..Lies::default()
        },
    )
}

#[test]
fn every_constraint_stands_alone_against_some_attack() {
    let sources = [
        include_str!("attacks/chips.rs"),
        include_str!("attacks/control.rs"),
        include_str!("attacks/outcomes.rs"),
        include_str!("attacks/registers.rs"),
        include_str!("attacks/values.rs"),
        include_str!("attacks/state.rs"),
        include_str!("attacks/tapes.rs"),
    ]
    .concat();
    let mut missing = vec![];
    for table in nonos_machine::tables::system().tables {
        let is_rule = |id: &str| table.columns.iter().all(|column| column.name != id) || id == "add";
        let rules: BTreeSet<&str> = table
            .constraints
            .iter()
            .map(|constraint| constraint.id)
            .filter(|id| is_rule(id))
            .collect();
        // MEMX is MEM with a word more; where a rule is of both, an attack on either will do.
        let name = if table.name == "MEMX" { "MEM" } else { table.name };
        let is_attacked = |id: &str| {
            [name, table.name]
                .iter()
                .any(|name| sources.contains(&format!("\"{name}/{id}\"")))
                || name == "MEM" && sources.contains(&format!("\"{id}\""))
        };
        missing.extend(
            rules
                .into_iter()
                .filter(|id| !is_attacked(id))
                .map(|id| format!("{}/{id}", table.name)),
        );
    }
    assert_eq!(missing, Vec::<String>::new());
}
