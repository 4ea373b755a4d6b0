//! Routines on memory: 8 bytes at a time, the loop unrolled to 32, then what is left.

use nonos_package::fuel;
use nonos_types::TrapKind;

use super::{BELOW, COUNT, Code, END, FROM, LESS, LIMIT, NOT_BELOW, NOT_LESS, TO, TO_END, WORD};
use crate::{
    isa::{Instr, ext, flag, op},
    lower::{
        emit::Label,
        function::jump,
        values::Operand::{Const, Register},
    },
};

/// Bytes that a round of the fastest loop moves.
const CHUNK: u16 = 32;

/// What bytes are written.
#[derive(Clone, Copy)]
enum Source {
    /// Those at the address in `FROM`: of the memory, or aside.
    Bytes { op: u16 },
    /// `WORD`, again and again.
    Pattern,
}

impl Code<'_> {
    pub(super) fn memory_copy(&mut self) {
        let descending = self.out.label();
        self.memory_size(LIMIT);
        self.branch(LESS, FROM, Register(TO), descending);
        self.end_within(END, FROM, LIMIT, TrapKind::MemoryOutOfBounds);
        self.ascending(Source::Bytes { op: 0 }, FROM);
        self.out.bind(descending);
        self.end_within(TO_END, TO, LIMIT, TrapKind::MemoryOutOfBounds);
        self.add(END, FROM, Register(COUNT));
        self.descending();
    }

    pub(super) fn memory_fill(&mut self) {
        const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
        self.memory_size(LIMIT);
        self.end_within(END, TO, LIMIT, TrapKind::MemoryOutOfBounds);
        self.pure(op::BIT | op::BIT_AND, WORD, FROM, Const(0xff));
        self.pure(op::MUL, WORD, WORD, Const(EACH_BYTE));
        self.ascending(Source::Pattern, TO);
    }

    pub(super) fn memory_init(&mut self) {
        const LENGTH: u16 = 4;
        const START: u16 = 5;
        self.end_within(END, FROM, LENGTH, TrapKind::MemoryOutOfBounds);
        self.memory_size(LIMIT);
        self.end_within(WORD, TO, LIMIT, TrapKind::MemoryOutOfBounds);
        self.add(FROM, FROM, Register(START));
        self.add(END, END, Register(START));
        self.ascending(Source::Bytes { op: ext::MEM_ASIDE }, FROM);
    }

    /// Moves bytes to `TO` until `cursor`, which is one of the addresses, is `END`; then returns.
    fn ascending(&mut self, source: Source, cursor: u16) {
        let [chunk, words, word, tail] = std::array::from_fn(|_| self.out.label());
        let advance = |code: &mut Self, bytes: u16| {
            code.add(TO, TO, Const(u64::from(bytes)));
            if matches!(source, Source::Bytes { .. }) {
                code.add(FROM, FROM, Const(u64::from(bytes)));
            }
        };
        // Signed, since less than a chunk may be left of the address space below `END`.
        self.sub(LIMIT, END, Const(u64::from(CHUNK) - 1));
        self.branch(NOT_BELOW, cursor, Register(LIMIT), words);
        self.out.bind(chunk);
        self.out.charge(fuel_of(CHUNK));
        for at in (0..CHUNK).step_by(8) {
            self.bytes(source, [TO, FROM], at, ext::MEM_W8);
        }
        advance(self, CHUNK);
        self.branch(BELOW, cursor, Register(LIMIT), chunk);
        self.out.bind(words);
        self.sub(LIMIT, END, Const(7));
        self.branch(NOT_BELOW, cursor, Register(LIMIT), tail);
        self.out.bind(word);
        self.out.charge(fuel_of(8));
        self.bytes(source, [TO, FROM], 0, ext::MEM_W8);
        advance(self, 8);
        self.branch(BELOW, cursor, Register(LIMIT), word);
        self.out.bind(tail);
        self.sub(LIMIT, END, Register(cursor));
        self.tails(source, false);
    }

    /// Moves the bytes before `END` to before `TO_END`, until `TO_END` is `TO`; then returns.
    fn descending(&mut self) {
        let [chunk, words, word, tail] = std::array::from_fn(|_| self.out.label());
        let source = Source::Bytes { op: 0 };
        let advance = |code: &mut Self, bytes: u16| {
            code.sub(TO_END, TO_END, Const(u64::from(bytes)));
            code.sub(END, END, Const(u64::from(bytes)));
        };
        self.add(LIMIT, TO, Const(u64::from(CHUNK) - 1));
        self.branch(NOT_LESS, LIMIT, Register(TO_END), words);
        self.out.bind(chunk);
        self.out.charge(fuel_of(CHUNK));
        advance(self, CHUNK);
        for at in (0..CHUNK).step_by(8).rev() {
            self.bytes(source, [TO_END, END], at, ext::MEM_W8);
        }
        self.branch(LESS, LIMIT, Register(TO_END), chunk);
        self.out.bind(words);
        self.add(LIMIT, TO, Const(7));
        self.branch(NOT_LESS, LIMIT, Register(TO_END), tail);
        self.out.bind(word);
        self.out.charge(fuel_of(8));
        advance(self, 8);
        self.bytes(source, [TO_END, END], 0, ext::MEM_W8);
        self.branch(LESS, LIMIT, Register(TO_END), word);
        self.out.bind(tail);
        self.sub(LIMIT, TO_END, Register(TO));
        self.tails(source, true);
    }

    /// Moves the last `LIMIT` bytes, fewer than 8, to `TO`, and returns.
    fn tails(&mut self, source: Source, descending: bool) {
        let labels: [Label; 7] = std::array::from_fn(|_| self.out.label());
        let at = self.out.position();
        self.out.emit(Instr {
            flags: flag::COPY | flag::RA | flag::IND,
            ia: LIMIT,
            target: at + 1,
            ..Instr::default()
        });
        self.ret();
        for label in labels {
            self.out.charge(fuel_of(1));
            self.out.emit_jump(jump(), label);
        }
        for (bytes, label) in (1u16..).zip(labels) {
            self.out.bind(label);
            let widths = [(4, ext::MEM_W4), (2, ext::MEM_W2), (1, ext::MEM_W1)];
            // A width begins where the wider ones end.
            let mut moves: Vec<(u16, u16)> = widths
                .into_iter()
                .filter(|(width, _)| bytes & width != 0)
                .map(|(width, op)| (bytes & !(2 * width - 1), op))
                .collect();
            if descending {
                moves.reverse();
            }
            for (at, op) in moves {
                self.bytes(source, [TO, FROM], at, op);
            }
            self.ret();
        }
    }

    /// Moves bytes of one width, at a distance from two addresses.
    fn bytes(&mut self, source: Source, [to, from]: [u16; 2], at: u16, width: u16) {
        let access = Instr {
            flags: flag::EXT | flag::RA,
            imm: u64::from(at),
            ..Instr::default()
        };
        if let Source::Bytes { op } = source {
            self.out.emit(Instr {
                flags: access.flags | flag::WC,
                op: ext::MEM | width | op,
                ia: from,
                ic: WORD,
                ..access
            });
        }
        self.out.emit(Instr {
            flags: access.flags | flag::COPY | flag::RB,
            op: ext::MEM | ext::MEM_STORE | width,
            ia: to,
            ib: WORD,
            ..access
        });
    }

    /// The memory's size in bytes.
    fn memory_size(&mut self, ic: u16) {
        self.out.emit(Instr {
            flags: flag::EXT | flag::WC,
            op: ext::GROW,
            ic,
            imm: u64::from(self.module.most_pages),
            ..Instr::default()
        });
        self.pure(op::SHIFT | op::SHIFT_LEFT | op::SHIFT_LO, ic, ic, Const(16));
    }
}

/// Fuel of moving bytes.
fn fuel_of(bytes: u16) -> u32 {
    fuel::memory_units(bytes.into()).get() as u32
}
