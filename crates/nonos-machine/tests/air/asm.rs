//! Programs written by hand, an instruction a line.

use nonos_machine::isa::{Halts, Instr, Program, ext, flag, tape};
use nonos_machine::tables::TapeWords;

pub(crate) const NO_TAPES: [TapeWords; 4] = [const {
    TapeWords {
        words: vec![],
        len: 0,
    }
}; 4];

/// A register to hold tape numbers, and one that every sample leaves alone.
pub(crate) const TAPE: u16 = 9;

pub(crate) fn set(ic: u16, imm: u64) -> Instr {
    Instr {
        flags: flag::COPY | flag::WC,
        ic,
        imm,
        ..Instr::default()
    }
}

pub(crate) fn copy(ic: u16, ib: u16) -> Instr {
    Instr {
        flags: flag::COPY | flag::WC | flag::RB,
        ic,
        ib,
        ..Instr::default()
    }
}

pub(crate) fn sum(flags: u32, ic: u16, ia: u16, ib: u16) -> Instr {
    Instr {
        flags: flags | flag::RA | flag::RB | flag::WC,
        ic,
        ia,
        ib,
        ..Instr::default()
    }
}

pub(crate) fn pure(op: u16, ic: u16, ia: u16, ib: u16) -> Instr {
    Instr {
        op,
        ..sum(flag::ALU, ic, ia, ib)
    }
}

/// `ic` is the result of an operation that produces, or the operand of one that consumes.
pub(crate) fn state(op: u16, ia: u16, ic: u16, imm: u64) -> Instr {
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

pub(crate) fn jump(target: u32) -> Instr {
    Instr {
        flags: flag::COPY | flag::JMP,
        target,
        ..Instr::default()
    }
}

pub(crate) fn halt() -> Instr {
    Instr {
        flags: flag::COPY | flag::HALT,
        ..Instr::default()
    }
}

/// Gives register `register` as the result of the run.
pub(crate) fn give(register: u16) -> [Instr; 2] {
    let write = state(ext::HOST | ext::HOST_WRITE, TAPE, register, 0);
    [set(TAPE, u64::from(tape::VALUES)), write]
}

/// A program of one page that may grow, and one call; it costs 1 a step. Behind it stand the ends: `returned` first,
/// then `exited`, out of fuel, and the traps.
pub(crate) fn program(code: impl IntoIterator<Item = Instr>) -> Program {
    let mut code: Vec<Instr> = code.into_iter().map(|instr| Instr { cost: 1, ..instr }).collect();
    let end = code.len() as u32;
    let halts = Halts {
        returned: end,
        exited: end + 1,
        out_of_fuel: end + 2,
        traps: std::array::from_fn(|kind| end + 3 + kind as u32),
    };
    code.extend((0..3 + halts.traps.len()).map(|_| halt()));
    Program {
        code,
        data: vec![],
        pages: 1,
        room: 1,
        halts,
    }
}
