//! False claims in which every table tells the same lie, so that only one rule stands against it.
//!
//! The numbers in comments are those of published bugs of other machines that the claim repeats.

mod claim;
mod control;
mod fuzz;
mod liar;
mod registers;
mod state;
mod tapes;
mod values;

use std::collections::BTreeSet;

use nonos_machine::isa::{Instr, Program, ext, flag, tape};
use nonos_machine::tables::TapeWords;
use nonos_machine::trace::Step;

use claim::Claim;
use liar::{Lies, run};

const NO_TAPES: [TapeWords; 4] = [const {
    TapeWords {
        words: vec![],
        len: 0,
    }
}; 4];

/// A register to hold tape numbers, and one that every sample leaves alone.
const TAPE: u16 = 9;

fn set(ic: u16, imm: u64) -> Instr {
    Instr {
        flags: flag::COPY | flag::WC,
        ic,
        imm,
        ..Instr::default()
    }
}

fn copy(ic: u16, ib: u16) -> Instr {
    Instr {
        flags: flag::COPY | flag::WC | flag::RB,
        ic,
        ib,
        ..Instr::default()
    }
}

fn sum(flags: u16, ic: u16, ia: u16, ib: u16) -> Instr {
    Instr {
        flags: flags | flag::RA | flag::RB | flag::WC,
        ic,
        ia,
        ib,
        ..Instr::default()
    }
}

fn pure(op: u16, ic: u16, ia: u16, ib: u16) -> Instr {
    Instr {
        op,
        ..sum(flag::ALU, ic, ia, ib)
    }
}

/// `ic` is the result of an operation that produces, or the operand of one that consumes.
fn state(op: u16, ia: u16, ic: u16, imm: u64) -> Instr {
    let consumes = match op & 7 {
        ext::MEM => op & ext::MEM_STORE != 0,
        ext::GLOBAL => op & ext::GLOBAL_SET != 0,
        ext::HOST => op & (ext::HOST_WRITE | ext::HOST_COMMIT) != 0,
        _ => false,
    };
    let flags = flag::EXT | if op & 7 == ext::GLOBAL { 0 } else { flag::RA };
    match consumes {
        true => Instr {
            flags: flags | flag::COPY | flag::RB,
            op,
            ia,
            ib: ic,
            imm,
            ..Instr::default()
        },
        false => Instr {
            flags: flags | flag::WC,
            op,
            ia,
            ic,
            imm,
            ..Instr::default()
        },
    }
}

fn jump(target: u32) -> Instr {
    Instr {
        flags: flag::COPY | flag::JMP,
        target,
        ..Instr::default()
    }
}

fn halt() -> Instr {
    Instr {
        flags: flag::COPY | flag::HALT,
        ..Instr::default()
    }
}

/// Gives register `register` as the result of the run.
fn give(register: u16) -> [Instr; 2] {
    let write = state(ext::HOST | ext::HOST_WRITE, TAPE, register, 0);
    [set(TAPE, u64::from(tape::VALUES)), write]
}

/// A program of one page that may grow, and one call; it costs 1 a step.
fn program(code: impl IntoIterator<Item = Instr>) -> Program {
    let mut code: Vec<Instr> = code.into_iter().map(|instr| Instr { cost: 1, ..instr }).collect();
    code.push(halt());
    let end = code.len() as u32 - 1;
    Program {
        code,
        data: vec![],
        pages: 1,
        room: 1,
        halt_return: end,
        halt_exit: end,
    }
}

#[track_caller]
fn accepted(claim: &Claim) {
    assert_eq!(claim.verdict(), BTreeSet::new(), "the true run must be accepted");
}

#[track_caller]
fn refused_by(claim: &Claim, rules: &[&str]) {
    let rules: BTreeSet<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    assert_eq!(claim.verdict(), rules);
}

/// The claim of a run in which step `at` has the result `forged`, everything after it following from that.
fn forged_result(program: &Program, at: usize, forged: u64) -> Claim {
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
        include_str!("attacks/control.rs"),
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
