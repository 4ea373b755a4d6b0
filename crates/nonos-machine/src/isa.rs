//! The register code that wasm is lowered to, and what each instruction means.
//!
//! State: `pc`, `fp` (frame pointer), `clk`, `fuel` used, memory `pages`, `room` (calls still allowed), and
//! one cell space of 64-bit words addressed by [`Space`] and index. Registers are cells of
//! [`Space::Register`] at `fp + index`. An `i32` value is kept zero-extended.
//!
//! One step executes one [`Instr`]:
//!
//! 1. `a = register[fp + ia]` if `RA`, else 0. `b = register[fp + ib]` if `RB`, else `imm`.
//! 2. exactly one source of `c`: `ADD` (`a + b`), `SUB` (`a − b`), both modulo 2^64 or, with `W32`, of two
//!    `i32` modulo 2^32; `COPY` (`c = b`); `ALU` (`c = op(a, b)`, [`op`]); or `EXT` ([`ext`]). `EXT` may come
//!    with `COPY`: the operation then consumes `c = b` instead of producing it.
//! 3. `register[fp + ic] = c` if `WC`.
//! 4. next `pc`: `target` if `JMP`, or if `BR` and `c = 1` (then `c` is 0 or 1: a comparison);
//!    `target + a mod 2^32` if `IND`; the same `pc` if `HALT`; else `pc + 1`.
//! 5. `fp += ic` if `CALL`; `fp −= a >> 32` and `room += 1` if `RET`; `room −= 1` if `ROOM`. So a call is
//!    `COPY|WC|JMP|CALL|ROOM` with `imm = return pc | ic << 32`: it stores the link word in the callee's
//!    register 0 and makes that register the callee's frame base; `RA|COPY|IND|RET` with `ia = 0` returns.
//! 6. `fuel += cost`.
//!
//! # Alternatives
//!
//! What an instruction does may depend on a condition: it traps, or the fuel does not cover it. Each such case
//! is a row of its own at the same `pc` ([`alternatives`]), which has no effect but to jump to the `HALT` of
//! that end, and which is possible exactly where the condition holds; the instruction itself is possible
//! exactly where none of its conditions hold. `SPENT`: `fuel + imm` exceeds the budget; `EMPTY`: `room = 0`;
//! the others are operations ([`op::DIV_ZERO`], [`op::DIV_OVERFLOW`], [`ext::BOUND`], [`ext::HOST_STUCK`])
//! that the chips answer on those conditions only.

use crate::trace::PAUSE;
use nonos_types::{Outcome, TrapKind};

/// A 64-bit cell space. A cell's key is `space << 27 | index`: two keys and
/// their distance fit a 31-bit field without wrapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Space {
    /// Registers, by `fp + index`.
    Register = 0,
    /// Linear memory, by byte address divided by 8.
    Linear = 1,
    /// Tape positions, by tape number: `words | pad << 32`, `pad` being what `commit_len` cut off (0–7 bytes).
    Tape = 2,
    /// Mutable globals, by index; behind them what the lowering keeps: lengths of segments, sizes and entries
    /// of tables; from [`ASIDE`] on, the bytes of passive data segments, 8 to a cell.
    Global = 3,
}

/// Bits of a cell index.
pub const INDEX_BITS: u32 = 27;

/// Index in [`Space::Global`] of the first word that [`ext::MEM_ASIDE`] reaches.
pub const ASIDE: u32 = 1 << 20;

impl Space {
    /// The key of a cell: `index < 2^27`.
    pub fn key(self, index: u32) -> u32 {
        debug_assert!(index < 1 << INDEX_BITS);
        (self as u32) << INDEX_BITS | index
    }
}

/// Instruction flags.
pub mod flag {
    /// `a` is read from a register.
    pub const RA: u32 = 1 << 0;
    /// `b` is read from a register, instead of being `imm`.
    pub const RB: u32 = 1 << 1;
    /// `c` is written to a register.
    pub const WC: u32 = 1 << 2;
    /// `c = a + b`.
    pub const ADD: u32 = 1 << 3;
    /// `c = a − b`.
    pub const SUB: u32 = 1 << 4;
    /// Modulo 2^32 (with `ADD` or `SUB` only; both operands below 2^32).
    pub const W32: u32 = 1 << 5;
    /// `c = b`.
    pub const COPY: u32 = 1 << 6;
    /// `c = op(a, b)` by a chip.
    pub const ALU: u32 = 1 << 7;
    /// An operation on memory, globals or tapes.
    pub const EXT: u32 = 1 << 8;
    /// `pc = target`.
    pub const JMP: u32 = 1 << 9;
    /// `pc = target` if `c = 1`; with `ALU` and a comparison.
    pub const BR: u32 = 1 << 10;
    /// Moves the frame up by `ic`; with `COPY|WC`.
    pub const CALL: u32 = 1 << 11;
    /// Moves the frame down by `a >> 32` and gives a call back; with `IND`.
    pub const RET: u32 = 1 << 12;
    /// Ends the run.
    pub const HALT: u32 = 1 << 13;
    /// `pc = target + a mod 2^32`; with `RA`.
    pub const IND: u32 = 1 << 14;
    /// Takes a call.
    pub const ROOM: u32 = 1 << 15;
    /// Alternative: no call is left.
    pub const EMPTY: u32 = 1 << 16;
    /// Alternative: the fuel does not cover `imm`; all of it is then used. Without `RA` and `COPY`.
    pub const SPENT: u32 = 1 << 17;
    /// Number of flags.
    pub const COUNT: usize = 18;
}

/// Codes of pure operations (`ALU`): a class in the low 3 bits, then one bit per property.
pub mod op {
    /// Comparison: `c = (EQ ? a = b : a < b) xor NEG`, 0 or 1.
    pub const CMP: u16 = 1;
    /// Compares for equality.
    pub const CMP_EQ: u16 = 1 << 3;
    /// Compares for order.
    pub const CMP_LT: u16 = 1 << 4;
    /// Negates the result.
    pub const CMP_NEG: u16 = 1 << 5;
    /// Two's-complement order (with `CMP_LT`).
    pub const CMP_SIGNED: u16 = 1 << 6;
    /// The sign is bit 31 (with `CMP_SIGNED`; operands are then below 2^32).
    pub const CMP_W32: u16 = 1 << 7;

    /// Bitwise operation on 64 bits; exactly one of the three bits.
    pub const BIT: u16 = 2;
    /// And.
    pub const BIT_AND: u16 = 1 << 3;
    /// Or.
    pub const BIT_OR: u16 = 1 << 4;
    /// Exclusive or.
    pub const BIT_XOR: u16 = 1 << 5;

    /// Shift or rotation of `a` by `b < W`, `W` = 64 or 32. With `t = LEFT ? b : W − b` and
    /// `a·2^t = hi·2^W + lo`, `c = LO·lo + HI·hi`, plus with `SAR` the sign fill.
    pub const SHIFT: u16 = 3;
    /// Leftwards.
    pub const SHIFT_LEFT: u16 = 1 << 3;
    /// `W` = 32.
    pub const SHIFT_W32: u16 = 1 << 4;
    /// Takes the low part.
    pub const SHIFT_LO: u16 = 1 << 5;
    /// Takes the high part.
    pub const SHIFT_HI: u16 = 1 << 6;
    /// Fills with the sign (with `HI` only, not `LEFT`).
    pub const SHIFT_SAR: u16 = 1 << 7;

    /// Product modulo 2^64, or of two `i32` modulo 2^32.
    pub const MUL: u16 = 4;
    /// Modulo 2^32.
    pub const MUL_W32: u16 = 1 << 3;

    /// Quotient, rounded towards zero, or remainder, with the sign of `a`. Needs `b ≠ 0`, and for signed
    /// quotients not the least number by −1; the remainder of those is 0.
    pub const DIV: u16 = 5;
    /// The remainder.
    pub const DIV_REM: u16 = 1 << 3;
    /// In two's complement.
    pub const DIV_SIGNED: u16 = 1 << 4;
    /// Of two `i32`.
    pub const DIV_W32: u16 = 1 << 5;
    /// Alternative: `b = 0`; then `c = 0`.
    pub const DIV_ZERO: u16 = 1 << 6;
    /// Alternative: the quotient does not fit; then `c = 0`.
    pub const DIV_OVERFLOW: u16 = 1 << 7;

    /// Counts bits of `a`, 64 of them; exactly one of the three bits. `b = 0`.
    pub const COUNT: u16 = 6;
    /// Zeros above the highest one.
    pub const COUNT_CLZ: u16 = 1 << 3;
    /// Zeros below the lowest one.
    pub const COUNT_CTZ: u16 = 1 << 4;
    /// Ones.
    pub const COUNT_POP: u16 = 1 << 5;
}

/// Codes of operations on state (`EXT`): a class in the low 3 bits, then one bit per property.
pub mod ext {
    /// Load (`c` = value at byte address `a + imm`) or store (of `c`, with `COPY`). `a` is an `i32`,
    /// `imm < 2^32`; exactly one width. Loads zero-extend unless `MEM_SIGNED`.
    pub const MEM: u16 = 1;
    /// Stores.
    pub const MEM_STORE: u16 = 1 << 3;
    /// Sign-extends the loaded value (loads of 1, 2 or 4 bytes).
    pub const MEM_SIGNED: u16 = 1 << 4;
    /// … to 64 bits, instead of 32.
    pub const MEM_RES64: u16 = 1 << 5;
    /// One byte.
    pub const MEM_W1: u16 = 1 << 6;
    /// Two bytes.
    pub const MEM_W2: u16 = 1 << 7;
    /// Four bytes.
    pub const MEM_W4: u16 = 1 << 8;
    /// Eight bytes.
    pub const MEM_W8: u16 = 1 << 9;
    /// Of the passive data segments, from [`ASIDE`](super::ASIDE) on, instead of the memory. The code has
    /// checked the address.
    pub const MEM_ASIDE: u16 = 1 << 10;

    /// `memory.grow`: `a` pages more, `imm` is the greatest number of pages; `c` = the old number, or
    /// 2^32 − 1 where it would exceed the greatest. `memory.size` is growth by 0.
    pub const GROW: u16 = 2;

    /// A tape call; `a` is the tape. Exactly one of the four bits.
    pub const HOST: u16 = 3;
    /// `c` = length of input tape `a` in bytes.
    pub const HOST_LEN: u16 = 1 << 3;
    /// `c` = next 8 bytes of input tape `a`, zero padded; 0 at its end.
    pub const HOST_READ: u16 = 1 << 4;
    /// Appends the word `c` to output tape `a` (with `COPY`), whose last word `commit_len` has not cut.
    pub const HOST_WRITE: u16 = 1 << 5;
    /// Sets the exact byte length of output tape `a` to `c` (with `COPY`), at most 7 bytes less than
    /// the words written: the code has checked that.
    pub const HOST_COMMIT: u16 = 1 << 6;
    /// Alternative of `HOST_WRITE`: `commit_len` has cut the last word. Changes nothing.
    pub const HOST_STUCK: u16 = 1 << 7;
    /// `c` = the position of output tape `a`: `words | pad << 32`.
    pub const HOST_POS: u16 = 1 << 8;

    /// Global number `a + imm`, `a < 2^16`: `c` = its value, or with `GLOBAL_SET` (and `COPY`) its value is set
    /// to `c`.
    pub const GLOBAL: u16 = 4;
    /// Writes the global.
    pub const GLOBAL_SET: u16 = 1 << 3;

    /// Alternative of `MEM`, with one of its widths: the access ends past the end of the memory. `c = 0`.
    pub const BOUND: u16 = 5;
}

/// Tapes that the entry stub uses, beyond those of the host ABI: the arguments of the entry, one word
/// each, and its results or the exit code.
pub mod tape {
    /// Public input.
    pub const INPUT: u8 = 0;
    /// Sealed (private) input.
    pub const SEALED: u8 = 1;
    /// Mesh inbound.
    pub const INBOUND: u8 = 2;
    /// Result.
    pub const RESULT: u8 = 3;
    /// Mesh outbound.
    pub const OUTBOUND: u8 = 4;
    /// Log.
    pub const LOG: u8 = 5;
    /// Arguments of the entry; not reachable from a capsule.
    pub const ARGUMENTS: u8 = 6;
    /// Results of the entry or the exit code; not reachable from a capsule.
    pub const VALUES: u8 = 7;
    /// Those that are read.
    pub const INPUTS: [u8; 4] = [INPUT, SEALED, INBOUND, ARGUMENTS];
    /// Those that are written.
    pub const OUTPUTS: [u8; 4] = [RESULT, OUTBOUND, LOG, VALUES];
}

/// One instruction; see the module documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Instr {
    /// [`flag`] bits.
    pub flags: u32,
    /// Operation code, [`op`] or [`ext`].
    pub op: u16,
    /// Register index of `a`.
    pub ia: u16,
    /// Register index of `b`.
    pub ib: u16,
    /// Register index of `c`.
    pub ic: u16,
    /// Jump target, below 2^24.
    pub target: u32,
    /// Fuel charged before any effect, at most 255: over 2^22 steps it stays below 2^30.
    pub cost: u16,
    /// Immediate operand.
    pub imm: u64,
}

/// A lowered program: everything about a run that follows from the module and the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Instructions; execution starts at 0.
    pub code: Vec<Instr>,
    /// Initial non-zero cells other than registers: `(key, value)`, keys strictly increasing.
    pub data: Vec<(u32, u64)>,
    /// Initial memory size.
    pub pages: u32,
    /// Calls that may be open at once.
    pub room: u16,
    /// Where runs end.
    pub halts: Halts,
}

impl Program {
    /// The row executed at `pc`: the instruction, or its alternative number `alternative − 1`, or a [`PAUSE`].
    pub fn row(&self, pc: u32, alternative: u8) -> Instr {
        if alternative == PAUSE {
            return Instr {
                flags: flag::HALT,
                ..Instr::default()
            };
        }
        let instr = self.code[pc as usize];
        match alternative.checked_sub(1) {
            None => instr,
            Some(index) => alternatives(&instr, &self.halts)[usize::from(index)].1,
        }
    }
}

/// The `pc` of the `HALT` of each way to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Halts {
    /// Returning from the entry.
    pub returned: u32,
    /// `exit`.
    pub exited: u32,
    /// Out of fuel.
    pub out_of_fuel: u32,
    /// Each trap, in the order of [`TrapKind::ALL`].
    pub traps: [u32; TrapKind::ALL.len()],
}

impl Halts {
    /// Of an outcome.
    pub fn of(&self, outcome: &Outcome) -> u32 {
        match outcome {
            Outcome::Return(_) => self.returned,
            Outcome::Exit(_) => self.exited,
            Outcome::Trap(kind) => self.trap(*kind),
            Outcome::OutOfFuel => self.out_of_fuel,
        }
    }

    /// Of a trap.
    pub fn trap(&self, kind: TrapKind) -> u32 {
        let place = TrapKind::ALL.iter().position(|other| *other == kind);
        self.traps[place.expect("the list has every kind")]
    }
}

/// Why a step executes an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The fuel does not cover the step.
    Spent,
    /// The step traps.
    Trap(TrapKind),
}

/// The alternatives of an instruction, each with the condition under which it is executed. The fuel's comes
/// first and, where it applies, wins.
pub fn alternatives(instr: &Instr, halts: &Halts) -> Vec<(Cause, Instr)> {
    let has = |flag: u32| instr.flags & flag != 0;
    let mut rows = Vec::new();
    if instr.cost > 0 {
        let spent = Instr {
            flags: flag::SPENT | flag::JMP,
            target: halts.out_of_fuel,
            imm: u64::from(instr.cost),
            ..Instr::default()
        };
        rows.push((Cause::Spent, spent));
    }
    let mut trap = |kind: TrapKind, flags: u32, op: u16| {
        let row = Instr {
            flags: flags | flag::JMP,
            op,
            ic: 0,
            target: halts.trap(kind),
            ..*instr
        };
        rows.push((Cause::Trap(kind), row));
    };
    if has(flag::ROOM) && !has(flag::RET) {
        let flags = flag::EMPTY | flag::COPY;
        rows.push((
            Cause::Trap(TrapKind::StackExhausted),
            Instr {
                flags: flags | flag::JMP,
                target: halts.trap(TrapKind::StackExhausted),
                cost: instr.cost,
                ..Instr::default()
            },
        ));
    } else if has(flag::ALU) && instr.op & 7 == op::DIV {
        let flags = instr.flags & !flag::WC;
        trap(TrapKind::DivisionByZero, flags, instr.op | op::DIV_ZERO);
        if instr.op & op::DIV_SIGNED != 0 && instr.op & op::DIV_REM == 0 {
            trap(TrapKind::IntegerOverflow, flags, instr.op | op::DIV_OVERFLOW);
        }
    } else if has(flag::EXT) && instr.op & 7 == ext::MEM && instr.op & ext::MEM_ASIDE == 0 {
        const WIDTHS: u16 = ext::MEM_W1 | ext::MEM_W2 | ext::MEM_W4 | ext::MEM_W8;
        let flags = flag::EXT | instr.flags & flag::RA;
        trap(TrapKind::MemoryOutOfBounds, flags, ext::BOUND | instr.op & WIDTHS);
    } else if has(flag::EXT) && instr.op == ext::HOST | ext::HOST_WRITE {
        trap(TrapKind::BadTapeCall, instr.flags, ext::HOST | ext::HOST_STUCK);
    }
    rows
}
