//! What a run asks of a sealed input, which a backend's table has to answer.

use crate::isa::{Program, ext, flag, tape};
use crate::trace::Trace;

/// How a run used its sealed input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Words read.
    pub words: u64,
    /// Reads behind its end.
    pub ends: u64,
    /// Requests of its length.
    pub lengths: u64,
}

impl Reads {
    /// What a run reads of a sealed input of so many words.
    pub fn of(program: &Program, trace: &Trace, words: u64) -> Self {
        const READ: u16 = ext::HOST | ext::HOST_READ;
        const LEN: u16 = ext::HOST | ext::HOST_LEN;
        let mut reads = Self::default();
        let sealed = u64::from(tape::SEALED);
        for step in trace.steps.iter().filter(|step| step.a == sealed) {
            let instr = program.row(step.pc, step.alternative);
            if instr.flags & flag::EXT == 0 {
                continue;
            }
            match instr.op {
                READ if reads.words < words => reads.words += 1,
                READ => reads.ends += 1,
                LEN => reads.lengths += 1,
                _ => {}
            }
        }
        reads
    }
}
