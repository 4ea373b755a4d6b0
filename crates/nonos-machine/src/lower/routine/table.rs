//! Routines on tables, an entry at a time.

use nonos_package::fuel;
use nonos_types::TrapKind;

use super::{COUNT, Code, END, FROM, LESS, NOT_LESS, TO, WORD};
use crate::lower::values::{
    Operand::{Const, Register},
    copy,
};

impl Code<'_> {
    pub(super) fn table_init(&mut self) {
        self.entries_within();
        self.entries_ascending(self.module.passive_entries);
    }

    pub(super) fn table_copy(&mut self) {
        let descending = self.out.label();
        self.entries_within();
        self.branch(LESS, FROM, Register(TO), descending);
        self.entries_ascending(self.module.entries);
        self.out.bind(descending);
        self.entries_descending();
    }

    /// Checks what is written and read, and makes the addresses numbers among all entries.
    fn entries_within(&mut self) {
        const SIZES: [(u16, u16, u16); 2] = [(FROM, 6, 7), (TO, 4, 5)];
        for (start, size, _) in SIZES {
            self.end_within(END, start, size, TrapKind::TableOutOfBounds);
        }
        for (start, _, offset) in SIZES {
            self.add(start, start, Register(offset));
        }
        self.add(END, FROM, Register(COUNT));
    }

    fn entries_ascending(&mut self, entries: u32) {
        let [entry, done] = std::array::from_fn(|_| self.out.label());
        self.branch(NOT_LESS, FROM, Register(END), done);
        self.out.bind(entry);
        self.out.charge(fuel::PER_ENTRY as u32);
        self.get(WORD, FROM, entries);
        self.set(TO, self.module.entries, WORD);
        self.add(TO, TO, Const(1));
        self.add(FROM, FROM, Const(1));
        self.branch(LESS, FROM, Register(END), entry);
        self.out.bind(done);
        self.ret();
    }

    fn entries_descending(&mut self) {
        let [entry, done] = std::array::from_fn(|_| self.out.label());
        self.branch(NOT_LESS, FROM, Register(END), done);
        self.add(TO, TO, Register(COUNT));
        self.out.bind(entry);
        self.out.charge(fuel::PER_ENTRY as u32);
        self.sub(END, END, Const(1));
        self.sub(TO, TO, Const(1));
        self.get(WORD, END, self.module.entries);
        self.set(TO, self.module.entries, WORD);
        self.branch(LESS, FROM, Register(END), entry);
        self.out.bind(done);
        self.ret();
    }

    pub(super) fn table_fill(&mut self) {
        const SIZE: u16 = 4;
        const OFFSET: u16 = 5;
        self.end_within(END, TO, SIZE, TrapKind::TableOutOfBounds);
        self.add(TO, TO, Register(OFFSET));
        self.add(END, END, Register(OFFSET));
        self.entries_filled(TO, FROM);
        self.ret();
    }

    pub(super) fn table_grow(&mut self) {
        const VALUE: u16 = 1;
        const BY: u16 = 2;
        const CELL: u16 = 3;
        const OFFSET: u16 = 4;
        const MOST: u16 = 5;
        const OLD: u16 = 6;
        const NEW: u16 = 7;
        let fits = self.out.label();
        self.get(OLD, CELL, 0);
        self.add(NEW, OLD, Register(BY));
        self.branch(NOT_LESS, MOST, Register(NEW), fits);
        self.out.emit(copy(1, Const(u64::from(u32::MAX))));
        self.ret();
        self.out.bind(fits);
        self.set(CELL, 0, NEW);
        self.add(WORD, OLD, Register(OFFSET));
        self.add(END, NEW, Register(OFFSET));
        self.entries_filled(WORD, VALUE);
        self.out.emit(copy(1, Register(OLD)));
        self.ret();
    }

    /// Sets the entries from number `from` to before `END`.
    fn entries_filled(&mut self, from: u16, value: u16) {
        let [entry, done] = std::array::from_fn(|_| self.out.label());
        self.branch(NOT_LESS, from, Register(END), done);
        self.out.bind(entry);
        self.out.charge(fuel::PER_ENTRY as u32);
        self.set(from, self.module.entries, value);
        self.add(from, from, Const(1));
        self.branch(LESS, from, Register(END), entry);
        self.out.bind(done);
    }
}
