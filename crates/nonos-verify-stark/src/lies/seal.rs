//! Rows of SEAL that lie, each against one rule.

use std::collections::BTreeSet;

use nonos_machine::air::{Bus, Constraint, Direction, Expr, Range, TableShape, When};
use nonos_machine::tables::Reads;
use nonos_seal::poseidon2::{Block, WORDS, input_blocks, output_blocks};
use nonos_seal::{Place, Salt, Tape};
use p3_field::PrimeCharacteristicRing;

use crate::config::Val;
use crate::seal::{SealTable, column, column_name, stream};

fn salt(n: u8) -> Salt {
    Salt::new(std::array::from_fn(|i| {
        (i as u8).wrapping_mul(73).wrapping_add(n) | 1
    }))
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8 | 1).collect()
}

/// A result of 13 bytes, nothing outbound, a log of a block and a word.
fn outputs() -> [Tape; 3] {
    [
        Tape::from_bytes(&bytes(13)),
        Tape::default(),
        Tape::from_bytes(&bytes(24)),
    ]
}

fn reads(words: u64) -> Reads {
    Reads {
        words,
        ends: 1,
        lengths: 2,
    }
}

/// Rows of SEAL, and what the verifier says that there is.
#[derive(Clone)]
struct Bench {
    rows: Vec<Vec<u64>>,
    public: [u64; 2],
}

impl Bench {
    fn honest(input: Option<usize>, output: bool) -> Self {
        let mut bench = Self {
            rows: vec![],
            public: [input.is_some(), input.is_some() && output].map(u64::from),
        };
        if let Some(len) = input {
            let blocks = input_blocks(&bytes(len), &salt(1));
            bench.stream(&blocks, reads(len.div_ceil(8) as u64), output);
        }
        if output {
            bench.stream(&output_blocks(&outputs(), &salt(2)), Reads::default(), false);
        }
        bench
    }

    fn stream(&mut self, blocks: &[Block], reads: Reads, more: bool) {
        let rows = stream(blocks, reads, more).into_iter();
        self.rows.extend(rows.map(|(row, _)| row));
    }

    /// A run of these blocks of the input alone.
    fn input(blocks: &[Block], words: u64) -> Self {
        let mut bench = Self {
            rows: vec![],
            public: [1, 0],
        };
        bench.stream(blocks, reads(words), false);
        bench
    }

    fn with(&self, lie: impl Fn(&mut Vec<Vec<u64>>)) -> Self {
        let mut lying = self.clone();
        lie(&mut lying.rows);
        lying
    }

    fn cell(&self, row: usize, name: &str, value: u64) -> Self {
        self.with(|rows| rows[row][column(name)] = value)
    }

    fn height(&self) -> usize {
        (self.rows.len() + 1).next_power_of_two()
    }

    fn row(&self, i: usize) -> Vec<Val> {
        match self.rows.get(i) {
            Some(row) => row.iter().map(|cell| Val::from_u64(*cell)).collect(),
            None => vec![Val::ZERO; self.rows[0].len()],
        }
    }

    /// The rules that do not hold.
    fn broken(&self) -> BTreeSet<&'static str> {
        self.broken_at(self.height())
    }

    fn broken_at(&self, height: usize) -> BTreeSet<&'static str> {
        let shape = TableShape::record(&SealTable);
        let rows: Vec<Vec<Val>> = (0..height).map(|i| self.row(i)).collect();
        let holds = |rule: &Constraint, i: usize| {
            let applies = match rule.when {
                When::Always => true,
                When::First => i == 0,
                When::Last => i + 1 == height,
                When::Transition => i + 1 < height,
            };
            let value = value(&rule.expr, &rows[i], &rows[(i + 1) % height]);
            let public = rule.public.map_or(0, |public| self.public[public]);
            !applies || value == Val::from_u64(public)
        };
        let broken = shape
            .constraints
            .iter()
            .filter(|rule| (0..height).any(|i| !holds(rule, i)));
        broken.map(|rule| rule.id).collect()
    }

    /// What other tables see of it: counted messages, apart from range checks.
    fn messages(&self) -> Vec<(Bus, Val, Vec<Val>)> {
        let shape = TableShape::record(&SealTable);
        let mut messages = vec![];
        for i in 0..self.rows.len() {
            let row = self.row(i);
            for m in shape
                .messages
                .iter()
                .filter(|m| m.direction == Direction::Receive)
            {
                let count = value(&m.count, &row, &row);
                if count != Val::ZERO {
                    let parts = m.parts.iter().map(|part| value(part, &row, &row));
                    messages.push((m.bus, count, parts.collect()));
                }
            }
        }
        messages
    }
}

fn value(expr: &Expr, row: &[Val], next: &[Val]) -> Val {
    match expr {
        Expr::Const(v) => Val::from_i64(*v),
        Expr::Cell { col, next: false } => row[usize::from(col.0)],
        Expr::Cell { col, next: true } => next[usize::from(col.0)],
        Expr::Add(a, b) => value(a, row, next) + value(b, row, next),
        Expr::Sub(a, b) => value(a, row, next) - value(b, row, next),
        Expr::Mul(a, b) => value(a, row, next) * value(b, row, next),
    }
}

/// What a lie breaks: these rules and no other.
fn breaks(rules: &[&str], lying: &Bench) {
    let broken: Vec<&str> = lying.broken().into_iter().collect();
    assert_eq!(broken, rules);
}

#[test]
fn documents_every_rule_in_the_source_and_on_the_page() {
    let [source, page] = [
        include_str!("../seal.rs"),
        include_str!("../../../../docs/circuits/stark.md"),
    ];
    let ids = |text: &'static str, start: &'static str| -> BTreeSet<&'static str> {
        let rows = text.lines().filter_map(move |line| line.strip_prefix(start));
        rows.filter_map(|rest| rest.split_once('`').map(|(id, _)| id))
            .collect()
    };
    let documented = ids(source, "//! | `");
    let shape = TableShape::record(&SealTable);
    let bits = shape.columns.iter().filter(|column| column.range == Range::Bit);
    let is_bit = |rule: &&Constraint| bits.clone().any(|column| column.name == rule.id);
    let kept = ["input", "more", "close"];
    let stated: BTreeSet<&str> = shape
        .constraints
        .iter()
        .filter(|rule| !is_bit(rule) || kept.contains(&rule.id))
        .map(|rule| rule.id)
        .chain(["sponge-round", "sponge-start", "sponge-next", "sponge-digest"])
        .collect();
    assert_eq!(documented, stated);
    assert_eq!(ids(page, "| `"), stated);
}

#[test]
fn honest_streams_hold_at_every_length() {
    for len in 0..40 {
        breaks(&[], &Bench::honest(Some(len), false));
    }
    for input in [None, Some(14)] {
        breaks(&[], &Bench::honest(input, true));
    }
    // A table that is full to its last row.
    let full = Bench::honest(Some(6 * 16), false);
    assert_eq!(full.rows.len(), 8);
    assert!(full.broken_at(8).is_empty());
}

/// A limb is part of the hash, and so are the kind of the row, its end and its bytes.
#[test]
fn no_cell_is_free() {
    let bench = Bench::honest(Some(14), true);
    let hashed = |name: &str| ["limb"].contains(&name);
    let before = bench.messages();
    let mut free = vec![];
    for row in 0..bench.rows.len() + 1 {
        for col in 0..bench.rows[0].len() {
            let bent = bench.with(|rows| {
                rows.resize(rows.len().max(row + 1), vec![0; rows[0].len()]);
                rows[row][col] += 1;
            });
            let name = column_name(col);
            if bent.broken().is_empty() && bent.messages() == before && !hashed(name) {
                free.push((row, name));
            }
        }
    }
    assert_eq!(free, []);
}

#[test]
fn bytes_behind_the_end_of_the_input_are_refused() {
    for len in 1..=16 {
        let mut blocks = input_blocks(&bytes(len), &salt(1));
        let last = blocks.last_mut().expect("a block");
        let word = last.used - 1;
        let pad = last.pad();
        for byte in 8 - pad..8 {
            let mut lying = blocks.clone();
            let last = lying.last_mut().expect("a block");
            last.words[word] |= 1 << (8 * byte);
            let mut lying = Bench::input(&lying, 1);
            let row = lying.rows.len() - 1;
            // The lie is told as well as it can be: `byte` is a byte.
            lying.rows[row][column("byte")] &= 0xff;
            breaks(&["slack"], &lying);
        }
    }
    let bench = Bench::honest(Some(14), false);
    for name in ["tail", "upper", "lower", "top", "byte"] {
        let was = bench.rows[2][column(name)];
        breaks(&["slack"], &bench.cell(2, name, was ^ 1));
    }
}

#[test]
fn needless_blocks_gaps_and_words_that_are_not_there_are_refused() {
    let honest = input_blocks(&bytes(16), &salt(1));
    let end = Block {
        place: Place::Tape(1),
        pos: 2,
        words: [0; WORDS],
        used: 0,
        len: Some(16),
    };
    // Two words, then an end without any.
    let mut needless = honest.clone();
    needless[2].len = None;
    needless.push(end);
    breaks(&["used"], &Bench::input(&needless, 2));
    // One word in a block that is not the last.
    let mut gap = needless.clone();
    gap[2].used = 1;
    gap[2].words[1] = 0;
    gap[3] = Block {
        words: [9, 0],
        used: 1,
        len: Some(24),
        ..end
    };
    breaks(&["used"], &Bench::input(&gap, 2));
    // The second word of a block without the first.
    let hole = Bench::honest(Some(8), false).with(|rows| {
        let row = &mut rows[2];
        row[column("used_0")] = 0;
        row[column("used_1")] = 1;
        row[column("taken_0")] = 0;
        let limb = column("limb");
        for i in 0..4 {
            row[limb + 4 + i] = row[limb + i];
            row[limb + i] = 0;
        }
    });
    breaks(&["used"], &hole);
    // Something where no word is.
    let hidden = Bench::honest(Some(8), false).with(|rows| rows[2][column("limb") + 7] = 7);
    breaks(&["zeros"], &hidden);
    // Bytes cut off an empty tape.
    let empty = Bench::honest(Some(0), false).with(|rows| {
        rows[2][column("pad_0")] = 1;
        rows[2][column("len_0")] = 0;
    });
    breaks(&["length", "pad"], &empty);
    // And within a tape.
    let within = Bench::honest(Some(32), false).cell(2, "pad_1", 1);
    assert!(within.broken().contains("pad"));
}

#[test]
fn other_lengths_counts_and_numbers_of_words_are_refused() {
    let bench = Bench::honest(Some(14), true);
    breaks(&["length"], &bench.cell(2, "len_0", 13));
    breaks(&["length"], &bench.cell(2, "high", 32));
    breaks(&["length", "words"], &bench.cell(2, "words_0", 3));
    // A length that is the same modulo the field's order, but not a length.
    let order = 0x7f00_0001_u64 + 14;
    let wraps = bench.with(|rows| {
        rows[2][column("len_0")] = order & 0xffff;
        rows[2][column("len_1")] = order >> 16;
    });
    breaks(&["length"], &wraps);
    // A length and an end of the salt, of a block of the outputs, of padding.
    for row in [0, 1, 3, 5, 9] {
        for what in ["lengths", "ends"] {
            breaks(
                &["count"],
                &bench.with(|rows| {
                    rows.resize(10, vec![0; rows[0].len()]);
                    rows[row][column(what)] = 1;
                }),
            );
        }
    }
}

#[test]
fn words_that_are_left_out_invented_or_the_salts_are_refused() {
    let bench = Bench::honest(None, true);
    breaks(&["taken"], &bench.cell(2, "taken_0", 0));
    breaks(&["taken"], &bench.cell(0, "taken_1", 1));
    breaks(&["taken"], &bench.cell(1, "taken_0", 1));
    // Outbound is empty.
    breaks(&["taken"], &bench.cell(3, "taken_0", 1));
    breaks(&["close"], &bench.cell(2, "final", 0));
    breaks(
        &["close", "pos"],
        &bench.cell(0, "close", 1).cell(0, "words_0", 2),
    );
    // An input's word need not be taken, nor more than once.
    let input = Bench::honest(Some(14), false);
    let unread = input.cell(2, "taken_1", 0);
    breaks(&[], &unread);
    assert_ne!(unread.messages(), input.messages());
    assert!(!input.cell(2, "taken_1", 2).broken().is_empty());
}

#[test]
fn tapes_in_another_order_missing_or_unfinished_are_refused() {
    // Rows 0 to 2 are the input's; 3 and 4 the outputs' salt, 5 the result, 6 outbound, 7 and 8 the log.
    let bench = Bench::honest(Some(14), true);
    let swapped = bench.with(|rows| {
        for (row, was, is) in [(5, "tape3", "tape4"), (6, "tape4", "tape3")] {
            rows[row][column(was)] = 0;
            rows[row][column(is)] = 1;
        }
    });
    breaks(&["order"], &swapped);
    breaks(&["order"], &bench.with(|rows| drop(rows.remove(6))));
    // Half a salt; the salt alone.
    breaks(&["order"], &bench.with(|rows| drop(rows.remove(4))));
    // The input twice.
    let twice = bench.with(|rows| {
        let stream: Vec<Vec<u64>> = rows[..3].to_vec();
        rows.splice(3..3, stream);
    });
    breaks(&["order"], &twice);
    // A tape that changes before its end.
    let changed = bench.with(|rows| {
        rows[7][column("tape5")] = 0;
        rows[7][column("tape4")] = 1;
    });
    assert!(changed.broken().contains("order"));
    // The outputs' stream left out.
    let silent = bench.with(|rows| rows.truncate(3));
    breaks(&["more"], &silent);
    breaks(&["more"], &silent.cell(2, "more", 0));
    let denied = silent.with(|rows| (0..3).for_each(|row| rows[row][column("more")] = 0));
    breaks(&["first"], &denied);
    // One that the verifier does not ask for.
    let mut needless = Bench::honest(Some(14), false);
    needless.rows.extend_from_slice(&bench.rows[3..]);
    breaks(&["more"], &needless);
    // The streams in the other order.
    let other_way = bench.with(|rows| rows.rotate_left(3));
    breaks(&["first", "more", "order"], &other_way);
    // A row of nothing first, or between the streams.
    let late = bench.with(|rows| rows.insert(0, vec![0; rows[0].len()]));
    breaks(&["first", "order"], &late);
    let apart = bench.with(|rows| rows.insert(3, vec![0; rows[0].len()]));
    breaks(&["more", "order"], &apart);
    // A stream of the outputs behind a salt that says it is the input's, and the other way round.
    breaks(
        &["input", "order"],
        &bench.cell(3, "input", 1).cell(4, "input", 0),
    );
    assert!(bench.cell(1, "input", 0).broken().contains("input"));
    // Two kinds at once.
    for (row, cell) in [(2, "tape5"), (3, "tape3"), (4, "start"), (5, "salt")] {
        assert!(bench.cell(row, cell, 1).broken().contains("kind"), "{cell}");
    }
    // Words skipped, and said twice.
    for pos in [1, 4] {
        let skipped = Bench::honest(Some(30), false).cell(3, "pos", pos);
        assert!(skipped.broken().contains("pos"));
    }
    let late = bench.cell(2, "pos", 2);
    assert!(late.broken().contains("pos"));
    let before = bench.cell(0, "pos", 2);
    breaks(&["first"], &before);
}

/// The commitment could be any if none of the rows were the last of the stream.
#[test]
fn a_stream_that_the_table_ends_before_its_digest_is_refused() {
    let mut blocks = input_blocks(&[], &salt(1));
    blocks.truncate(2);
    for i in 0..6 {
        blocks.push(Block {
            place: Place::Tape(1),
            pos: 2 * i,
            words: [1; WORDS],
            used: 2,
            len: None,
        });
    }
    let unfinished = Bench::input(&blocks, 0);
    let broken: Vec<&str> = unfinished.broken_at(8).into_iter().collect();
    assert_eq!(broken, ["whole"]);
}
