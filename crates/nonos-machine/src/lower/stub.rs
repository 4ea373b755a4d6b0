//! The code around the entry: it calls the start function, takes the arguments, calls the entry, and gives
//! its results.

use super::{
    emit::{Emitter, Label},
    function::RESULT,
    module::Module,
    values::{Operand, copy},
};
use crate::isa::{Halts, Instr, ext, flag, tape};

/// Register of the tape that is read or written.
const TAPE: u16 = 1;
/// Frame of what is called.
const BASE: u16 = 2;
/// First argument and first result.
const FIRST: u16 = BASE + RESULT;

/// Emits the code that runs `entry`, and the ends of runs.
pub(super) fn emit(out: &mut Emitter, module: &Module, entry: u32) -> Halts {
    let signature = module.signature(entry).cloned().unwrap_or_default();
    let call = |out: &mut Emitter, function: u32| {
        out.emit_call(BASE, module.labels[function as usize], flag::ROOM);
    };
    if let Some(start) = module.start {
        call(out, start);
    }
    if !signature.params.is_empty() {
        out.emit(copy(TAPE, Operand::Const(u64::from(tape::ARGUMENTS))));
    }
    for (register, _) in (FIRST..).zip(&signature.params) {
        out.emit(Instr {
            flags: flag::EXT | flag::RA | flag::WC,
            op: ext::HOST | ext::HOST_READ,
            ia: TAPE,
            ic: register,
            ..Instr::default()
        });
    }
    call(out, entry);
    if !signature.results.is_empty() {
        out.emit(copy(TAPE, Operand::Const(u64::from(tape::VALUES))));
    }
    for (register, _) in (FIRST..).zip(&signature.results) {
        out.emit(Instr {
            flags: flag::EXT | flag::RA | flag::RB | flag::COPY,
            op: ext::HOST | ext::HOST_WRITE,
            ia: TAPE,
            ib: register,
            ..Instr::default()
        });
    }
    Halts {
        returned: halt(out),
        exited: bound_halt(out, module.ends.exit),
        out_of_fuel: halt(out),
        traps: std::array::from_fn(|kind| bound_halt(out, module.ends.traps[kind])),
    }
}

fn halt(out: &mut Emitter) -> u32 {
    let at = out.position();
    out.emit(Instr {
        flags: flag::COPY | flag::HALT,
        ..Instr::default()
    });
    at
}

fn bound_halt(out: &mut Emitter, label: Label) -> u32 {
    out.bind(label);
    halt(out)
}
