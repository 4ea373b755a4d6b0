//! STEP: one row per executed instruction.
//!
//! Every row is a true row of the program: there is no `real` flag. After the final `HALT` the table
//! repeats it, so padding can do nothing, and a run that stops early has no last row to show.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `a-unread` | `(1 − RA)·a_i = 0` | a free operand |
//! | `b-imm` | `(1 − RB)·(b_i − imm_i) = 0` | another immediate |
//! | `copy` | `COPY·(c_i − b_i) = 0` | a copy that changes the value |
//! | `add`, `sub` | limb sums with boolean carries; the carry out of limb 1 stops there if `W32` | a wrong sum |
//! | `w32-high` | `W32·c_2 = W32·c_3 = 0` | an `i32` with an upper half |
//! | `pages-still` | `(1 − EXT)·dpages = 0` | memory growing by itself |
//! | `pc-next` | see `isa` rule 4 | a jump that the program does not make |
//! | `fp-next`, `room-next` | rule 5 | frames that overlap, more open calls than allowed (`room` is 16-bit) |
//! | `empty` | `EMPTY·room = 0` | a stack exhausted too early |
//! | `spent` | `SPENT·(imm_0 − 1 − rest − c_0) = 0`, `SPENT·c_i = 0` for `i > 0`, `rest = gap_lo_0` | fuel that would have covered the step: `rest < imm` is all that is left (`a` is not read, so its gap is free to hold it) |
//! | `fuel-next` | `fuel' = fuel + cost + SPENT·rest` | unpaid work; a last fuel other than the budget where it ran out |
//! | `pages-next`, `clk-next` | `pages' = pages + dpages`, `clk' = clk + 1` | a clock that turns back |
//! | `pc-first`, `fp-first`, `fuel-first`, `clk-first` | 0, 0, 0, 1 | another start |
//! | `room-first`, `pages-first` | public | another call or memory limit |
//! | `halt-last` | `HALT = 1` | a prefix of a run passed off as the whole |
//! | `pc-last`, `fuel-last`, `pages-last` | public | another way to end, other fuel, other peak memory (pages never shrink) |

use super::layout::{RowMut, cells, columns, radix};
use crate::air::{Builder, Bus, Col, Column, Table, When};
use crate::isa::{Instr, flag};
use crate::trace::Step;

/// Greatest number of rows: `clk` and the stamps stay below 2^22 and 2^24.
pub const MAX_ROWS: usize = (1 << 22) - 2;

columns! {
    /// Columns of STEP.
    StepCols {
        /// Time, from 1.
        clk: Derived { lo: 0, hi: 1 << 22, why: "starts at 1 and grows by 1; tables have at most 2^22 − 2 rows" },
        /// Program counter.
        pc: Derived { lo: 0, hi: 1 << 33, why: "starts at 0; next is pc, pc + 1 or a 24-bit target, perhaps plus two 16-bit limbs" },
        /// Frame pointer.
        fp: Derived { lo: -(1 << 54), hi: 1 << 54, why: "starts at 0 and moves by at most 2^32 in each of 2^22 rows" },
        /// Calls still allowed.
        room: U16,
        /// Fuel used before this step.
        fuel: Derived { lo: 0, hi: (1 << 30) - 1, why: "starts at 0 and grows by an 8-bit cost, or by less than one, in each of 2^22 rows" },
        /// Memory pages before this step.
        pages: U16,
        /// Pages added by this step.
        dpages: Derived { lo: -0xffff, hi: 0xffff, why: "difference of two 16-bit cells, and 0 on the last row" },
        /// Instruction flags, in the order of [`flag`].
        flags[18]: Bit,
        /// Operation code.
        op: U16,
        /// Register index of `a`.
        ia: U16,
        /// Register index of `b`.
        ib: U16,
        /// Register index of `c`.
        ic: U16,
        /// Jump target, low 16 bits.
        target_lo: U16,
        /// Jump target, high 8 bits.
        target_hi: U8,
        /// Fuel charged.
        cost: U8,
        /// Immediate.
        imm[4]: Moved,
        /// First operand.
        a[4]: Moved,
        /// Second operand.
        b[4]: Moved,
        /// Result.
        c[4]: U16,
        /// Previous value of the register that `c` is written to.
        old[4]: Moved,
        /// Carries of `ADD` and borrows of `SUB`.
        carry[4]: Bit,
        /// Stamp gaps of the three accesses, low 16 bits. The first one is the fuel left where `SPENT`.
        gap_lo[3]: U16,
        /// … and high 8 bits.
        gap_hi[3]: U8,
    }
}

/// The STEP table.
#[derive(Clone, Copy, Debug)]
pub struct StepTable;

pub(super) fn index(flag: u32) -> usize {
    flag.trailing_zeros() as usize
}

impl Table for StepTable {
    fn name(&self) -> &'static str {
        "STEP"
    }

    fn columns(&self) -> Vec<Column> {
        StepCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        self.rows(b);
        let t = &StepCols::layout().0;
        let halt = b.cur(t.flags[index(flag::HALT)]);
        let [clk, pc, fp, fuel] = cells(b, [t.clk, t.pc, t.fp, t.fuel]);
        let [pages, room] = cells(b, [t.pages, t.room]);
        b.zero("pc-first", When::First, pc.clone());
        b.zero("fp-first", When::First, fp);
        b.zero("fuel-first", When::First, fuel.clone());
        b.zero("clk-first", When::First, clk - B::E::from(1));
        b.public("room-first", When::First, 0, room);
        b.public("pages-first", When::First, 1, pages.clone());
        b.zero("halt-last", When::Last, B::E::from(1) - halt);
        b.public("pc-last", When::Last, 0, pc);
        b.public("fuel-last", When::Last, 1, fuel);
        b.public("pages-last", When::Last, 2, pages);
    }
}

impl StepTable {
    /// What holds on every row, wherever the table begins and ends.
    pub(super) fn rows<B: Builder>(self, b: &mut B) {
        let t = &StepCols::layout().0;
        let flags = cells(b, t.flags);
        let f = |flag: u32| flags[index(flag)].clone();
        let one = || B::E::from(1);
        let [clk, pc, fp, fuel] = cells(b, [t.clk, t.pc, t.fp, t.fuel]);
        let [pages, dpages, room, cost, op] = cells(b, [t.pages, t.dpages, t.room, t.cost, t.op]);
        let [ia, ib, ic] = cells(b, [t.ia, t.ib, t.ic]);
        let (imm, va, vb, vc) = (cells(b, t.imm), cells(b, t.a), cells(b, t.b), cells(b, t.c));
        let target = b.cur(t.target_lo) + b.cur(t.target_hi) * B::E::from(1 << 16);

        for i in 0..4 {
            b.zero("a-unread", When::Always, (one() - f(flag::RA)) * va[i].clone());
            b.zero(
                "b-imm",
                When::Always,
                (one() - f(flag::RB)) * (vb[i].clone() - imm[i].clone()),
            );
            b.zero(
                "copy",
                When::Always,
                f(flag::COPY) * (vc[i].clone() - vb[i].clone()),
            );
        }
        self.adder(b, f(flag::ADD), f(flag::SUB), f(flag::W32));

        b.zero(
            "pages-still",
            When::Always,
            (one() - f(flag::EXT)) * dpages.clone(),
        );
        let rest = b.cur(t.gap_lo[0]);
        let missing = imm[0].clone() - one() - rest.clone() - vc[0].clone();
        b.zero("spent", When::Always, f(flag::SPENT) * missing);
        for limb in &vc[1..] {
            b.zero("spent", When::Always, f(flag::SPENT) * limb.clone());
        }
        b.zero("empty", When::Always, f(flag::EMPTY) * room.clone());
        let link_pc = va[0].clone() + va[1].clone() * B::E::from(1 << 16);
        let link_fp = va[2].clone() + va[3].clone() * B::E::from(1 << 16);
        let step = pc.clone() + one();
        let next = step.clone() - f(flag::HALT)
            + f(flag::IND) * (target.clone() + link_pc - step.clone())
            + f(flag::JMP) * (target.clone() - step.clone())
            + f(flag::BR) * vc[0].clone() * (target - step);
        b.zero("pc-next", When::Transition, b.next(t.pc) - next);
        b.zero(
            "fp-next",
            When::Transition,
            b.next(t.fp) - fp.clone() - f(flag::CALL) * ic.clone() + f(flag::RET) * link_fp,
        );
        b.zero(
            "room-next",
            When::Transition,
            b.next(t.room) - room.clone() + f(flag::ROOM) - f(flag::RET),
        );
        b.zero(
            "fuel-next",
            When::Transition,
            b.next(t.fuel) - fuel.clone() - cost.clone() - f(flag::SPENT) * rest,
        );
        b.zero(
            "pages-next",
            When::Transition,
            b.next(t.pages) - pages.clone() - dpages.clone(),
        );
        b.zero("clk-next", When::Transition, b.next(t.clk) - clk.clone() - one());

        let mut row = vec![
            pc,
            radix::<B>(1, flags.iter().cloned()),
            op.clone(),
            ia.clone(),
            ib.clone(),
            ic.clone(),
        ];
        row.extend([b.cur(t.target_lo), b.cur(t.target_hi), cost]);
        row.extend(imm.iter().cloned());
        b.send(Bus::Program, one(), &row);

        let reads = [
            (flag::RA, ia, va.clone(), va.clone(), 0),
            (flag::RB, ib, vb.clone(), vb.clone(), 1),
        ];
        let write = (flag::WC, ic, cells(b, t.old), vc.clone(), 3);
        for (n, (used, register, old, new, slot)) in reads.into_iter().chain([write]).enumerate() {
            let stamp = clk.clone() * B::E::from(4) + B::E::from(slot);
            let gap = b.cur(t.gap_lo[n]) + b.cur(t.gap_hi[n]) * B::E::from(1 << 16);
            access(b, f(used), fp.clone() + register, stamp, gap, &old, &new);
        }

        let mut message = vec![op.clone()];
        message.extend(va.iter().chain(&vb).chain(&vc).cloned());
        b.send(Bus::Op, f(flag::ALU), &message);
        let mut message = vec![op, clk, pages, dpages];
        message.extend(va.iter().chain(&imm[..2]).chain(&vc).cloned());
        b.send(Bus::Ext, f(flag::EXT), &message);
    }

    fn adder<B: Builder>(self, b: &mut B, add: B::E, sub: B::E, w32: B::E) {
        let t = &StepCols::layout().0;
        let (va, vb, vc, carry) = (cells(b, t.a), cells(b, t.b), cells(b, t.c), cells(b, t.carry));
        for i in 0..4 {
            let carry_in = match i {
                0 => B::E::from(0),
                2 => (B::E::from(1) - w32.clone()) * carry[1].clone(),
                _ => carry[i - 1].clone(),
            };
            let out = carry[i].clone() * B::E::from(1 << 16);
            let total = va[i].clone() + vb[i].clone() + carry_in.clone() - vc[i].clone() - out.clone();
            b.zero("add", When::Always, add.clone() * total);
            let total = va[i].clone() - vb[i].clone() - carry_in - vc[i].clone() + out;
            b.zero("sub", When::Always, sub.clone() * total);
        }
        b.zero("w32-high", When::Always, w32.clone() * vc[2].clone());
        b.zero("w32-high", When::Always, w32 * vc[3].clone());
    }
}

/// One access to a cell: receives what it held at the previous access, sends what it holds now. The gap,
/// range-checked by its columns, makes the previous stamp smaller than this one.
pub(crate) fn access<B: Builder>(
    b: &mut B,
    used: B::E,
    key: B::E,
    stamp: B::E,
    gap: B::E,
    old: &[B::E],
    new: &[B::E],
) {
    let mut message = vec![key.clone(), stamp.clone() - B::E::from(1) - gap];
    message.extend(old.iter().cloned());
    b.receive(Bus::Memory, used.clone(), &message);
    let mut message = vec![key, stamp];
    message.extend(new.iter().cloned());
    b.send(Bus::Memory, used, &message);
}

/// Fills the row of step number `i`.
pub(crate) fn fill(row: &mut [u64], i: usize, step: &Step, instr: &Instr) {
    let t = &StepCols::layout().0;
    let mut row = RowMut(row);
    let clk = i as u64 + 1;
    row.set(t.clk, clk);
    row.set(t.pc, u64::from(step.pc));
    row.set(t.fp, u64::from(step.fp));
    row.set(t.room, u64::from(step.room));
    row.set(t.fuel, step.fuel);
    row.set(t.pages, u64::from(step.pages));
    row.set(t.dpages, u64::from(step.dpages));
    row.split(t.flags, 1, u64::from(instr.flags));
    let cols = [
        (t.op, instr.op),
        (t.ia, instr.ia),
        (t.ib, instr.ib),
        (t.ic, instr.ic),
        (t.cost, instr.cost),
    ];
    for (col, value) in cols {
        row.set(col, u64::from(value));
    }
    row.set(t.target_lo, u64::from(instr.target & 0xffff));
    row.set(t.target_hi, u64::from(instr.target >> 16));
    for (cols, value) in [
        (t.imm, instr.imm),
        (t.a, step.a),
        (t.b, step.b),
        (t.c, step.c),
        (t.old, step.old),
    ] {
        row.split(cols, 16, value);
    }
    fill_carries(&mut row, t.carry, step, instr);
    for (n, (used, slot)) in [(flag::RA, 0), (flag::RB, 1), (flag::WC, 3)]
        .into_iter()
        .enumerate()
    {
        if instr.flags & used != 0 {
            row.gap(t.gap_lo[n], t.gap_hi[n], 4 * clk + slot, step.prev[n]);
        }
    }
    if instr.flags & flag::SPENT != 0 {
        row.set(t.gap_lo[0], instr.imm.wrapping_sub(1).wrapping_sub(step.c));
    }
}

fn fill_carries(row: &mut RowMut<'_>, cols: [Col; 4], step: &Step, instr: &Instr) {
    let limb = |v: u64, i: usize| (v >> (16 * i) & 0xffff) as i64;
    let mut carry = 0;
    for (i, col) in cols.into_iter().enumerate() {
        if i == 2 && instr.flags & flag::W32 != 0 {
            carry = 0;
        }
        carry = if instr.flags & flag::ADD != 0 {
            i64::from(limb(step.a, i) + limb(step.b, i) + carry >= 1 << 16)
        } else if instr.flags & flag::SUB != 0 {
            i64::from(limb(step.a, i) - limb(step.b, i) - carry < 0)
        } else {
            0
        };
        row.set(col, carry as u64);
    }
}
