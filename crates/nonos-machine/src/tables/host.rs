//! HOST: tape calls.
//!
//! A tape's position is a cell of [`Space::Tape`]: words in limbs 0 and 1 (24 bits), `pad` in limb 2.
//! What is read and written is looked up in, or handed to, public tables by position.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `Σ kind = real` | a mixture |
//! | `advance` | `pos' = pos + WRITE + READ − end`, `end·(1 − READ) = 0` | skipped or repeated words |
//! | `pad-kept` | `(1 − COMMIT)·(pad' − pad) = 0`, `WRITE·pad = 0` | a write behind a cut word |
//! | `stuck` | `STUCK·(pad − 1 − out) = 0`, `out` a byte | the trap of a write behind a cut word where none is cut |
//! | `length` | `COMMIT·(8·pos − pad' − c_0 − 2^16·c_1) = 0`, `COMMIT·c_2 = COMMIT·c_3 = 0`, `pad' < 8`, `COMMIT·(2^5·c_1 − high) = 0` with `high` 16-bit | another byte length, also one that wraps in a small field |
//! | `position` | `POS·(c_0 − pos_lo) = POS·(c_1 − pos_hi) = POS·(c_2 − pad) = POS·c_3 = 0` | another position |
//! | `output` | `(COMMIT + POS)·(tape − 3 − out) = 0`, `out` a byte | `commit_len` of an input tape, or its position |
//!
//! Tape words (`READ`: word and end mark; `LEN`: byte length) are rows of public tables that hold input
//! tapes only, and the words that the verifier receives are those of the output tapes, so reading an output
//! or writing an input has no valid row.
//!
//! `LEN`, `READ` and `WRITE` exist twice: the sealed ones hand their word to [`Bus::Sealed`], on which a table of
//! the backend receives those of the tapes that it commits to. Which of the two a call uses is the prover's choice,
//! but only one has a receiver: a tape is either public or sealed.

use super::layout::{ExtStep, RowMut, cells, columns, radix, sum};
use super::step::access;
use crate::air::{Builder, Bus, Column, Table, When};
use crate::isa::{INDEX_BITS, Space, ext};
use crate::trace::Access;

columns! {
    /// Columns of HOST.
    HostCols {
        /// Whether the row is used.
        real: Bit,
        /// Length, read, write, commit, stuck, position; then length, read, write of a sealed tape.
        kind[9]: Bit,
        /// Time.
        clk_lo: U16,
        /// Time, high part.
        clk_hi: U8,
        /// Memory pages.
        pages: U16,
        /// Tape.
        tape: U8,
        /// Immediate of the instruction, which a constant value comes from.
        imm[2]: Moved,
        /// Value read, written or committed.
        c[4]: U16,
        /// Position before, low part.
        pos_lo: U16,
        /// Position before, high part.
        pos_hi: U8,
        /// Position after, low part.
        next_lo: U16,
        /// Position after, high part.
        next_hi: U8,
        /// Bytes cut off before.
        pad: U8,
        /// Bytes cut off after, bits.
        next_pad[3]: Bit,
        /// Nothing left to read.
        end: Bit,
        /// `tape − 3`, for `COMMIT` and `POS`; `pad − 1` for `STUCK`.
        out: U8,
        /// `2^5·c_1`, for `COMMIT`: a length has 27 bits.
        high: U16,
        /// Stamp gap, low part.
        gap_lo: U16,
        /// Stamp gap, high part.
        gap_hi: U8,
    }
}

/// The HOST table.
#[derive(Clone, Copy, Debug)]
pub struct HostTable;

const KINDS: [u16; 9] = [
    ext::HOST_LEN,
    ext::HOST_READ,
    ext::HOST_WRITE,
    ext::HOST_COMMIT,
    ext::HOST_STUCK,
    ext::HOST_POS,
    ext::HOST_LEN,
    ext::HOST_READ,
    ext::HOST_WRITE,
];
/// Kinds from here on are of sealed tapes.
const SEALED: usize = 6;

impl Table for HostTable {
    fn name(&self) -> &'static str {
        "HOST"
    }

    fn columns(&self) -> Vec<Column> {
        HostCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        let t = &HostCols::layout().0;
        let k = |v: i64| B::E::from(v);
        let kinds = cells(b, t.kind);
        let [
            open_len,
            open_read,
            open_write,
            commit,
            stuck,
            position,
            sealed_len,
            sealed_read,
            sealed_write,
        ] = kinds.clone();
        let len = open_len.clone() + sealed_len.clone();
        let read = open_read.clone() + sealed_read.clone();
        let write = open_write.clone() + sealed_write.clone();
        let [real, tape, pages, end, pad] = cells(b, [t.real, t.tape, t.pages, t.end, t.pad]);
        let c = cells(b, t.c);
        let [pos_lo, pos_hi, next_lo, next_hi] = cells(b, [t.pos_lo, t.pos_hi, t.next_lo, t.next_hi]);
        let next_pad = radix::<B>(1, cells(b, t.next_pad));
        let pos = pos_lo.clone() + pos_hi.clone() * k(1 << 16);
        let next = next_lo.clone() + next_hi.clone() * k(1 << 16);

        b.zero("kind", When::Always, sum::<B>(kinds.clone()) - real.clone());
        b.zero(
            "advance",
            When::Always,
            next - pos.clone() - write.clone() - read.clone() + end.clone(),
        );
        b.zero("advance", When::Always, end.clone() * (k(1) - read.clone()));
        b.zero(
            "pad-kept",
            When::Always,
            (k(1) - commit.clone()) * (next_pad.clone() - pad.clone()),
        );
        b.zero("pad-kept", When::Always, write.clone() * pad.clone());
        let out = b.cur(t.out);
        b.zero("stuck", When::Always, stuck * (pad.clone() - k(1) - out.clone()));
        let length = pos.clone() * k(8) - next_pad.clone() - c[0].clone() - c[1].clone() * k(1 << 16);
        b.zero("length", When::Always, commit.clone() * length);
        b.zero("length", When::Always, commit.clone() * c[2].clone());
        b.zero("length", When::Always, commit.clone() * c[3].clone());
        let high = c[1].clone() * k(1 << 5) - b.cur(t.high);
        b.zero("length", When::Always, commit.clone() * high);
        let place = [pos_lo.clone(), pos_hi.clone(), pad.clone(), k(0)];
        for (c, place) in c.iter().zip(place) {
            b.zero("position", When::Always, position.clone() * (c.clone() - place));
        }
        b.zero(
            "output",
            When::Always,
            (commit + position) * (tape.clone() - k(3) - out),
        );

        let clk = b.cur(t.clk_lo) + b.cur(t.clk_hi) * k(1 << 16);
        let gap = b.cur(t.gap_lo) + b.cur(t.gap_hi) * k(1 << 16);
        let moves = real.clone() - len.clone();
        let key = real.clone() * k(i64::from(Space::Tape as u8) << INDEX_BITS) + tape.clone();
        let old = [pos_lo.clone(), pos_hi.clone(), pad, k(0)];
        let new = [next_lo, next_hi, next_pad, k(0)];
        access(b, moves, key, clk.clone() * k(4) + k(2), gap, &old, &new);

        let mut word = vec![k(0), tape.clone(), k(0), k(0), k(0)];
        word.extend(c.iter().cloned());
        b.send(Bus::Tape, open_len, &word);
        let mut word = vec![k(1), tape.clone(), pos_lo.clone(), pos_hi.clone(), end.clone()];
        word.extend(c.iter().cloned());
        b.send(Bus::Tape, open_read, &word);
        let mut word = vec![tape.clone(), pos_lo, pos_hi];
        word.extend(c.iter().cloned());
        b.send(Bus::Output, open_write, &word);
        let kind = sealed_read.clone() + sealed_write.clone() * k(2);
        let mut word = vec![kind, tape.clone(), pos, end];
        word.extend(c.iter().cloned());
        b.send(Bus::Sealed, sealed_len + sealed_read + sealed_write, &word);

        let code = sum::<B>(
            kinds
                .into_iter()
                .zip(KINDS)
                .map(|(kind, bit)| kind * k(i64::from(bit))),
        );
        let mut message = vec![code + k(i64::from(ext::HOST)), clk, pages, k(0), tape];
        message.extend([k(0), k(0), k(0)]);
        message.extend(cells(b, t.imm));
        message.extend(c);
        b.receive(Bus::Ext, real, &message);
    }
}

/// Fills the row of a tape call; `cell` is absent for `LEN`.
pub(crate) fn fill(row: &mut [u64], call: &ExtStep, cell: Option<&Access>, sealed: bool) {
    let ExtStep {
        code,
        clk,
        pages,
        imm,
        a: tape,
        c: value,
    } = *call;
    let t = &HostCols::layout().0;
    let mut row = RowMut(row);
    row.bit(t.real, true);
    let of_tape = |i: usize| (i >= SEALED) == (sealed && KINDS[SEALED..].iter().any(|kind| code & kind != 0));
    for (i, (col, bit)) in t.kind.into_iter().zip(KINDS).enumerate() {
        row.bit(col, code & bit != 0 && of_tape(i));
    }
    row.set(t.clk_lo, clk & 0xffff);
    row.set(t.clk_hi, clk >> 16);
    row.set(t.pages, u64::from(pages));
    row.set(t.tape, tape);
    row.split(t.imm, 16, imm);
    row.split(t.c, 16, value);
    if code & (ext::HOST_COMMIT | ext::HOST_POS) != 0 {
        row.set(t.out, tape.wrapping_sub(3) & 0xff);
    }
    if code & ext::HOST_COMMIT != 0 {
        row.set(t.high, value >> 16 << 5);
    }
    if let Some(cell) = cell {
        row.split([t.pos_lo, t.pos_hi, t.pad], 16, cell.old);
        row.split([t.next_lo, t.next_hi], 16, cell.new);
        row.split(t.next_pad, 1, cell.new >> 32);
        row.bit(t.end, code & ext::HOST_READ != 0 && cell.new == cell.old);
        if code & ext::HOST_STUCK != 0 {
            row.set(t.out, (cell.old >> 32).wrapping_sub(1) & 0xff);
        }
        row.gap(t.gap_lo, t.gap_hi, 4 * clk + 2, cell.prev);
    }
}
