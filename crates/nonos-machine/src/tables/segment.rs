//! STEP of a piece of a run: the rules of every row are those of [`StepTable`]; it begins and ends in public states.
//!
//! The piece ends with a `HALT` of the program, or with a row that the verifier adds to the program: a `HALT` at the
//! `pc` where the run is taken up again. Such a row has no effect, so that the state behind it is the one before it,
//! and it is followed by itself only.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `fuel-first`, `clk-first` | 0, 1: clock and fuel count from the beginning of the piece | stamps before the piece |
//! | `pc-enters`, `fp-enters`, `room-enters`, `pages-enters` | public | another state to begin in |
//! | `halt-last` | `HALT = 1` | an effect after the last row |
//! | `pc-leaves`, `fp-leaves`, `room-leaves`, `pages-leaves`, `fuel-leaves` | public | another state to end in, other fuel |

use super::layout::cells;
use super::step::{StepCols, StepTable, index};
use crate::air::{Builder, Column, Table, When};
use crate::isa::flag;

/// The STEP table of a piece of a run.
#[derive(Clone, Copy, Debug)]
pub struct SegmentTable;

impl Table for SegmentTable {
    fn name(&self) -> &'static str {
        "STEP"
    }

    fn columns(&self) -> Vec<Column> {
        StepCols::layout().1.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        StepTable.rows(b);
        let t = &StepCols::layout().0;
        let halt = b.cur(t.flags[index(flag::HALT)]);
        let [clk, fuel] = cells(b, [t.clk, t.fuel]);
        let state = cells(b, [t.pc, t.fp, t.room, t.pages]);
        b.zero("fuel-first", When::First, fuel.clone());
        b.zero("clk-first", When::First, clk - B::E::from(1));
        b.zero("halt-last", When::Last, B::E::from(1) - halt);
        let [pc, fp, room, pages] = state.clone();
        b.public("pc-enters", When::First, 0, pc);
        b.public("fp-enters", When::First, 1, fp);
        b.public("room-enters", When::First, 2, room);
        b.public("pages-enters", When::First, 3, pages);
        let [pc, fp, room, pages] = state;
        b.public("pc-leaves", When::Last, 0, pc);
        b.public("fp-leaves", When::Last, 1, fp);
        b.public("room-leaves", When::Last, 2, room);
        b.public("pages-leaves", When::Last, 3, pages);
        b.public("fuel-leaves", When::Last, 4, fuel);
    }
}
