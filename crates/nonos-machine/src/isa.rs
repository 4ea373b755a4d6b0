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
//!    `i32` modulo 2^32; `COPY` (`c = b`); `RET` (`c = a`); `ALU` (`c = op(a, b)`, [`op`]); or `EXT`
//!    ([`ext`]). `EXT` may come with `COPY`: the operation then consumes `c = b` instead of producing it.
//! 3. `register[fp + ic] = c` if `WC`.
//! 4. next `pc`: `target` if `JMP`, or if `BR` and `c = 1` (then `c` is 0 or 1: a comparison);
//!    `c mod 2^32` if `RET`; the same `pc` if `HALT`; else `pc + 1`.
//! 5. `fp += ic` and `room −= 1` if `CALL`; `fp −= c >> 32` and `room += 1` if `RET`. So a call is
//!    `COPY|WC|JMP|CALL` with `imm = return pc | ic << 32`: it stores the link word in the callee's
//!    register 0 and makes that register the callee's frame base.
//! 6. `fuel += cost`.

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
    /// Mutable globals, by index.
    Global = 3,
}

/// Bits of a cell index.
pub const INDEX_BITS: u32 = 27;

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
    pub const RA: u16 = 1 << 0;
    /// `b` is read from a register, instead of being `imm`.
    pub const RB: u16 = 1 << 1;
    /// `c` is written to a register.
    pub const WC: u16 = 1 << 2;
    /// `c = a + b`.
    pub const ADD: u16 = 1 << 3;
    /// `c = a − b`.
    pub const SUB: u16 = 1 << 4;
    /// Modulo 2^32 (with `ADD` or `SUB` only; both operands below 2^32).
    pub const W32: u16 = 1 << 5;
    /// `c = b`.
    pub const COPY: u16 = 1 << 6;
    /// `c = op(a, b)` by a chip.
    pub const ALU: u16 = 1 << 7;
    /// An operation on memory, globals or tapes.
    pub const EXT: u16 = 1 << 8;
    /// `pc = target`.
    pub const JMP: u16 = 1 << 9;
    /// `pc = target` if `c = 1`; with `ALU` and a comparison.
    pub const BR: u16 = 1 << 10;
    /// Enters a function; with `COPY|WC|JMP`.
    pub const CALL: u16 = 1 << 11;
    /// Leaves a function; with `RA`, `ia = 0`.
    pub const RET: u16 = 1 << 12;
    /// Ends the run.
    pub const HALT: u16 = 1 << 13;
    /// Number of flags.
    pub const COUNT: usize = 14;
}

/// Codes of pure operations (`ALU`): a class in the low 3 bits, then one bit per property.
pub mod op {
    /// No chip answers class 0: an instruction with this code cannot be proved. Stands for a trap.
    pub const TRAP: u16 = 0;

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

    /// `memory.grow`: `a` pages more, `imm` is the greatest number of pages; `c` = the old number, or
    /// 2^32 − 1 where it would exceed the greatest. `memory.size` is growth by 0.
    pub const GROW: u16 = 2;

    /// A tape call; `a` is the tape. Exactly one of the four bits.
    pub const HOST: u16 = 3;
    /// `c` = length of input tape `a` in bytes.
    pub const HOST_LEN: u16 = 1 << 3;
    /// `c` = next 8 bytes of input tape `a`, zero padded; 0 at its end.
    pub const HOST_READ: u16 = 1 << 4;
    /// Appends the word `c` to output tape `a` (with `COPY`). Traps where `commit_len` has cut the last word.
    pub const HOST_WRITE: u16 = 1 << 5;
    /// Sets the exact byte length of output tape `a` to `c` (with `COPY`), at most 7 bytes less than
    /// the words written; else traps.
    pub const HOST_COMMIT: u16 = 1 << 6;

    /// Global number `imm`: `c` = its value, or with `GLOBAL_SET` (and `COPY`) its value is set to `c`.
    pub const GLOBAL: u16 = 4;
    /// Writes the global.
    pub const GLOBAL_SET: u16 = 1 << 3;
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
    pub flags: u16,
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
    /// `pc` of the `HALT` that ends a run by returning from the entry.
    pub halt_return: u32,
    /// `pc` of the `HALT` that ends a run by `exit`.
    pub halt_exit: u32,
}
