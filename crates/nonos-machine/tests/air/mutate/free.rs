//! Cells that nothing reads, which may therefore hold whatever their column may.

use nonos_machine::isa::flag;

/// Cells of a column that are free where a condition holds.
pub(super) struct Free {
    pub(super) table: &'static str,
    /// Name without index.
    pub(super) column: &'static str,
    /// The condition, in words.
    pub(super) when: &'static str,
    /// Why no lie can use it.
    pub(super) why: &'static str,
    pub(super) holds: fn(&Place<'_>) -> bool,
}

/// A cell's surroundings.
pub(super) struct Place<'a> {
    /// Index behind the column's name, or 0.
    pub(super) index: usize,
    /// The other cells of its row, by name.
    pub(super) cell: &'a dyn Fn(&str) -> u64,
    /// Whether the next row of the table is used; true in tables without `real`.
    pub(super) is_followed: bool,
}

impl Place<'_> {
    fn flag(&self, flag: u32) -> bool {
        (self.cell)(&format!("flags[{}]", flag.trailing_zeros())) == 1
    }

    fn is(&self, column: &str) -> bool {
        (self.cell)(column) == 1
    }
}

const HINT: &str = "a hint of a rule that does not apply";
const UNUSED: &str = "part of a message that is not sent";

pub(super) const FREE: &[Free] = &[
    Free {
        table: "STEP",
        column: "carry",
        when: "neither `ADD` nor `SUB`",
        why: HINT,
        holds: |p| !p.flag(flag::ADD) && !p.flag(flag::SUB),
    },
    Free {
        table: "STEP",
        column: "old",
        when: "not `WC`",
        why: UNUSED,
        holds: |p| !p.flag(flag::WC),
    },
    Free {
        table: "STEP",
        column: "gap_lo",
        when: "the access is not made, nor (the first) `SPENT`",
        why: UNUSED,
        holds: |p| !(p.flag([flag::RA, flag::RB, flag::WC][p.index]) || p.index == 0 && p.flag(flag::SPENT)),
    },
    Free {
        table: "STEP",
        column: "gap_hi",
        when: "the access is not made",
        why: UNUSED,
        holds: |p| !p.flag([flag::RA, flag::RB, flag::WC][p.index]),
    },
    Free {
        table: "HOST",
        column: "gap_lo",
        when: "`LEN`",
        why: UNUSED,
        holds: |p| p.is("kind[0]") || p.is("kind[6]"),
    },
    Free {
        table: "HOST",
        column: "gap_hi",
        when: "`LEN`",
        why: UNUSED,
        holds: |p| p.is("kind[0]") || p.is("kind[6]"),
    },
    Free {
        table: "HOST",
        column: "out",
        when: "not `COMMIT`, `POS` or `STUCK`",
        why: HINT,
        holds: |p| !(3..6).any(|kind| p.is(&format!("kind[{kind}]"))),
    },
    Free {
        table: "HOST",
        column: "high",
        when: "not `COMMIT`",
        why: HINT,
        holds: |p| !p.is("kind[3]"),
    },
    Free {
        table: "CELLS",
        column: "gap_lo",
        when: "no cell follows",
        why: HINT,
        holds: |p| !p.is_followed,
    },
];

/// Tables whose rows may stand in any order, which is no freedom of the run: they are told apart by what they
/// answer, or by the time in it.
pub(super) fn is_unordered(table: &str) -> bool {
    !matches!(table, "STEP" | "CELLS")
}
