//! Columns whose declared range another table already sees to.
//!
//! The machine's tables declare `U8` or `U16` for cells that arrive in a message, because a backend that packs messages by a fixed
//! radix has to check them again. Here a message is compressed by random challenges, so that what one row receives is,
//! part by part, what another row sent, and was checked where it was born. A check less is a lookup less in each row.
//!
//! Operands are so by induction over the clock: what a step reads was written before it, by a step whose result was checked, or
//! is an initial word. Keys of memory cannot reach the registers, since the address that a step hands over is bounded.
//!
//! All columns below are of rows that do something only by their messages: where `real` is 0, no message has a count, and
//! the cells mean nothing. Where it is 1, the message is there, with the part named.

/// Table, column (or array of columns), and where its cells are bounded.
pub(crate) const BOUNDED: [(&str, &str, &str); 31] = [
    ("CMP", "a", OPERAND),
    ("CMP", "b", OPERAND),
    ("MEM", "a", OPERAND),
    ("MEM", "f", IMMEDIATE),
    ("MEM", "pages", PAGES),
    ("MEM", "clk_lo", CLOCK),
    ("MEM", "clk_hi", CLOCK),
    ("MEMX", "a", OPERAND),
    ("MEMX", "f", IMMEDIATE),
    ("MEMX", "pages", PAGES),
    ("MEMX", "clk_lo", CLOCK),
    ("MEMX", "clk_hi", CLOCK),
    ("BOUND", "pages", PAGES),
    ("BOUND", "clk_lo", CLOCK),
    ("BOUND", "clk_hi", CLOCK),
    ("GROW", "d", OPERAND),
    ("GROW", "max", IMMEDIATE),
    ("GROW", "pages", PAGES),
    ("GROW", "clk_lo", CLOCK),
    ("GROW", "clk_hi", CLOCK),
    ("GLOBAL", "pages", PAGES),
    ("GLOBAL", "clk_lo", CLOCK),
    ("GLOBAL", "clk_hi", CLOCK),
    ("HOST", "c", "the result of STEP, which is checked there"),
    ("HOST", "pages", PAGES),
    ("HOST", "clk_lo", CLOCK),
    ("HOST", "clk_hi", CLOCK),
    (
        "STEP",
        "pages",
        "public on the first row; grows only by what GROW says, which is at most `max − pages`",
    ),
    (
        "CELLS",
        "init",
        "0, or received by the verifier's table of initial words, limb by limb",
    ),
    ("CELLS", "stamp_lo", STAMP),
    ("CELLS", "stamp_hi", STAMP),
];

/// STEP's `a` and `b` are limbs that were read from a register, and so were a checked `c`, or an immediate, or 0.
const OPERAND: &str = "a limb of an operand of STEP";
const IMMEDIATE: &str = "a limb of an immediate of STEP, which PROGRAM has";
/// By induction over the rows of STEP.
const PAGES: &str = "the pages of STEP";
/// Any two parts with this sum say the same.
const CLOCK: &str = "its parts are used in their sum only, which is the clock of STEP";

const STAMP: &str = "its parts are used in their sum only, which is the stamp of the last access";

/// Whether a column's range needs no lookup of its own.
pub(crate) fn is_bounded(table: &str, column: &str) -> bool {
    let name = column.split('[').next().unwrap_or(column);
    BOUNDED.iter().any(|(t, c, _)| (*t, *c) == (table, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_machine::air::Range;
    use nonos_machine::tables;

    #[test]
    fn every_entry_is_a_column_that_would_be_looked_up() {
        let tables = tables::system().tables;
        for (table, column, _) in BOUNDED {
            let shape = tables.iter().find(|shape| shape.name == table).expect(table);
            let mut columns = shape
                .columns
                .iter()
                .filter(|c| c.name.split('[').next() == Some(column))
                .peekable();
            assert!(columns.peek().is_some(), "{table}.{column}");
            assert!(
                columns.all(|c| matches!(c.range, Range::U8 | Range::U16)),
                "{table}.{column}"
            );
        }
    }
}
