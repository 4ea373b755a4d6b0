//! The tables accept true runs, padding included, and refuse a run with any cell changed.

use std::collections::{BTreeMap, BTreeSet};

use nonos_machine::air::{Bus, Public, Range, System};
use nonos_machine::check::{Violation, check, failing, messages};
use nonos_machine::isa::flag;
use nonos_machine::tables::{Witness, public, system, witness};

use crate::samples::{Sample, samples};

fn filled(sample: &Sample) -> (System, Witness, Public) {
    let system = system();
    let witness = witness(&sample.program, &sample.trace);
    (system, witness, public(&sample.program, &sample.public))
}

fn heights(witness: &Witness, padding: usize) -> Vec<usize> {
    witness.tables.iter().map(|t| t.len() + padding).collect()
}

fn verdict(system: &System, public: &Public, witness: &Witness, padding: usize) -> Result<(), Violation> {
    check(system, &heights(witness, padding), public, |t, i, out| {
        witness.row(t, i, out)
    })
}

#[test]
fn true_runs_satisfy_every_constraint_with_and_without_padding() {
    for sample in samples() {
        let (system, witness, public) = filled(&sample);
        for padding in [0, 1, 5] {
            assert_eq!(
                verdict(&system, &public, &witness, padding),
                Ok(()),
                "{}",
                sample.name
            );
        }
    }
}

#[test]
fn samples_use_every_table() {
    let mut used = BTreeSet::new();
    for sample in samples() {
        let witness = witness(&sample.program, &sample.trace);
        used.extend((0..witness.tables.len()).filter(|t| !witness.tables[*t].is_empty()));
    }
    assert_eq!(used.len(), nonos_machine::tables::COUNT);
}

#[test]
fn refuses_every_other_public_value() {
    for sample in samples() {
        let (system, witness, honest) = filled(&sample);
        for i in 0..honest.first.len() + honest.last.len() {
            let mut public = honest.clone();
            let split = honest.first.len();
            if i < split {
                public.first[i] += 1
            } else {
                public.last[i - split] += 1
            }
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: public value {i}",
                sample.name
            );
        }
        for i in 0..honest.received.len() {
            for part in 0..honest.received[i].1.len() {
                let mut public = honest.clone();
                public.received[i].1[part] ^= 1;
                assert!(
                    verdict(&system, &public, &witness, 2).is_err(),
                    "{}: received {i}",
                    sample.name
                );
            }
            let mut public = honest.clone();
            public.received.remove(i);
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: without {i}",
                sample.name
            );
            let mut public = honest.clone();
            public.received.push(honest.received[i].clone());
            assert!(
                verdict(&system, &public, &witness, 2).is_err(),
                "{}: twice {i}",
                sample.name
            );
        }
    }
}

#[test]
fn refuses_every_prefix_of_a_run() {
    let sample = samples()
        .into_iter()
        .min_by_key(|s| s.trace.steps.len())
        .expect("there are samples");
    for len in 1..sample.trace.steps.len() {
        let mut cut = sample.trace.clone();
        cut.steps.truncate(len);
        let system = system();
        let witness = witness(&sample.program, &cut);
        let public = public(&sample.program, &sample.public);
        assert!(
            verdict(&system, &public, &witness, 0).is_err(),
            "prefix of {len} steps"
        );
    }
}

#[test]
fn refuses_rows_that_are_dropped_repeated_or_swapped() {
    for sample in samples() {
        let (system, honest, public) = filled(&sample);
        for t in 0..honest.tables.len() {
            let width = honest.tables[t].width;
            let rows = honest.tables[t].len();
            for i in (0..rows).step_by(1 + rows / 8) {
                let mut dropped = honest.clone();
                dropped.tables[t].cells.drain(i * width..(i + 1) * width);
                let mut repeated = honest.clone();
                let row = honest.tables[t].cells[i * width..(i + 1) * width].to_vec();
                repeated.tables[t].cells.splice(i * width..i * width, row);
                for (what, changed) in [("dropped", dropped), ("repeated", repeated)] {
                    if changed.tables[0].is_empty() {
                        continue;
                    }
                    assert!(
                        verdict(&system, &public, &changed, 1).is_err(),
                        "{}: {} row {i} {what}",
                        sample.name,
                        system.tables[t].name
                    );
                }
            }
        }
    }
}

/// A changed row is accepted only if no constraint fails on it or the row before, all its lookups are in
/// their tables, and what it sends and receives is the same as before: the honest witness balances.
struct Mutant<'a> {
    system: &'a System,
    public: &'a Public,
    tables: BTreeSet<(Bus, Vec<u64>)>,
}

impl<'a> Mutant<'a> {
    fn new(system: &'a System, public: &'a Public) -> Self {
        let fixed = system
            .fixed
            .iter()
            .flat_map(|f| f.rows.iter().map(|row| (f.bus, row.clone())));
        Self {
            system,
            public,
            tables: fixed.chain(public.lookups.iter().cloned()).collect(),
        }
    }

    fn balance(&self, t: usize, row: &[u64]) -> BTreeMap<(Bus, Vec<u64>), i64> {
        let mut sums = BTreeMap::new();
        for (bus, parts, count) in messages(&self.system.tables[t], row).filter(|m| !m.0.is_lookup()) {
            *sums.entry((bus, parts)).or_default() += count;
        }
        sums.retain(|_, count| *count != 0);
        sums
    }

    fn accepts(&self, t: usize, i: usize, height: usize, rows: [&[u64]; 3], changed: &[u64]) -> bool {
        let [before, honest, after] = rows;
        let table = &self.system.tables[t];
        let ok = |i: usize, row: &[u64], next: &[u64]| {
            failing(table, self.public, i, i + 1 == height, row, next)
                .next()
                .is_none()
        };
        ok(i, changed, after)
            && (i == 0 || ok(i - 1, before, changed))
            && messages(table, changed)
                .filter(|m| m.0.is_lookup())
                .all(|m| m.2 > 0 && self.tables.contains(&(m.0, m.1)))
            && self.balance(t, changed) == self.balance(t, honest)
    }
}

#[test]
fn refuses_a_changed_cell_wherever_the_cell_matters() {
    let (mut killed, mut survived) = (BTreeSet::new(), BTreeMap::new());
    let mut tried = 0u32;
    for sample in samples() {
        let (system, witness, public) = filled(&sample);
        let mutant = Mutant::new(&system, &public);
        for (t, table) in system.tables.iter().enumerate() {
            let width = table.columns.len();
            let height = witness.tables[t].len() + 1;
            let mut rows = vec![vec![0; width]; height];
            for (i, row) in rows.iter_mut().enumerate() {
                witness.row(t, i, row);
            }
            for i in 0..height - 1 {
                let before = if i == 0 {
                    vec![0; width]
                } else {
                    rows[i - 1].clone()
                };
                let named = |name: &str| {
                    let c = table.columns.iter().position(|column| column.name == name);
                    rows[i][c.unwrap_or_else(|| panic!("no column {name}"))]
                };
                for (c, column) in table.columns.iter().enumerate() {
                    let free = unread(table.name, column.name, i, height, named);
                    let v = rows[i][c];
                    let others: Vec<u64> = match column.range {
                        Range::Bit => vec![1 - v.min(1)],
                        _ => vec![
                            v.wrapping_add(1),
                            v.wrapping_sub(1),
                            v ^ 0x80,
                            v + (1 << 16),
                            v ^ 0x5a5a,
                        ],
                    };
                    for other in others {
                        tried += 1;
                        let mut changed = rows[i].clone();
                        changed[c] = other;
                        if mutant.accepts(t, i, height, [&before, &rows[i], &rows[i + 1]], &changed) {
                            if free {
                                continue;
                            }
                            *survived.entry((table.name, column.name)).or_insert(0u32) += 1;
                        } else {
                            killed.insert((table.name, column.name));
                        }
                    }
                }
            }
        }
    }
    for table in &system().tables {
        for column in &table.columns {
            let cell = (table.name, column.name);
            assert!(
                killed.contains(&cell),
                "{cell:?}: no change of this column is ever refused"
            );
        }
    }
    assert!(tried > 100_000, "only {tried} changes tried");
    assert_eq!(
        survived,
        BTreeMap::new(),
        "changes accepted although the cell is read"
    );
}

/// Whether nothing reads a cell, given the others of its row.
fn unread(table: &str, column: &str, i: usize, height: usize, cell: impl Fn(&str) -> u64) -> bool {
    let flag = |flag: u32| cell(&format!("flags[{}]", flag.trailing_zeros())) == 1;
    let base = column.split('[').next().unwrap_or_default();
    match (table, base) {
        ("STEP", "carry") => !flag(flag::ADD) && !flag(flag::SUB),
        ("STEP", "old") => !flag(flag::WC),
        ("STEP", "gap_lo" | "gap_hi") => {
            let used = [flag::RA, flag::RB, flag::WC];
            let n: usize = column[7..8].parse().expect("the column has an index");
            !flag(used[n])
        }
        ("CMP", "rest") => cell("signed") == 0,
        ("CMP", "e" | "inv") => cell("eq") == 0 || column == "inv" && cell("e") == 1,
        ("GROW", "inv") => cell("high") == 0,
        ("GROW", "slack") => cell("high") == 1,
        ("HOST", "gap_lo" | "gap_hi") => cell("kind[0]") == 1,
        ("HOST", "out" | "high") => cell("kind[3]") == 0,
        ("MUL", "k") => cell("w32") == 1,
        ("CELLS", "gap_lo" | "gap_hi" | "gap13") => i + 2 == height,
        _ => false,
    }
}

#[test]
fn every_constraint_is_documented_and_every_documented_one_exists() {
    let sources = [
        ("STEP", include_str!("../../src/tables/step.rs")),
        ("CMP", include_str!("../../src/tables/cmp.rs")),
        ("BIT", include_str!("../../src/tables/bit.rs")),
        ("SHIFT", include_str!("../../src/tables/shift.rs")),
        ("MUL", include_str!("../../src/tables/mul.rs")),
        ("MEM", include_str!("../../src/tables/mem.rs")),
        ("GROW", include_str!("../../src/tables/grow.rs")),
        ("GLOBAL", include_str!("../../src/tables/global.rs")),
        ("HOST", include_str!("../../src/tables/host.rs")),
        ("CELLS", include_str!("../../src/tables/cells.rs")),
    ];
    for (name, source) in sources {
        let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
        let documented: BTreeSet<&str> = rows
            .flat_map(|row| row.split(" | ").next().unwrap_or_default().split(", "))
            .map(|id| id.trim_matches('`'))
            .collect();
        let stated: BTreeSet<&str> = system()
            .tables
            .iter()
            .filter(|t| t.name.trim_end_matches('X') == name)
            .flat_map(|t| {
                let bits: BTreeSet<&str> = t
                    .columns
                    .iter()
                    .filter(|c| c.range == Range::Bit)
                    .map(|c| c.name)
                    .collect();
                let rules = t
                    .constraints
                    .iter()
                    .filter(move |c| c.expr.degree() != 2 || !bits.contains(c.id) || c.public.is_some());
                rules.map(|c| c.id).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(documented, stated, "{name}");
    }
}

#[test]
fn refuses_public_values_wider_than_declared() {
    for sample in samples() {
        let (system, witness, mut public) = filled(&sample);
        // The same value modulo the checker's field.
        public.last[1] += (1 << 61) - 1;
        let verdict = verdict(&system, &public, &witness, 1);
        assert_eq!(
            verdict,
            Err(Violation::Public {
                end: "last",
                index: 1
            }),
            "{}",
            sample.name
        );
    }
}
