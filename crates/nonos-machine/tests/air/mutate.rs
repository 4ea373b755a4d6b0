//! The kill rate: every cell of short runs is changed in many ways, rows are dropped, repeated, swapped and
//! replaced, and each change must be refused unless the cell is listed as free (`mutate/free.rs`).

mod changes;
mod field;
mod free;
mod judge;
mod report;
pub(crate) mod runs;

use nonos_machine::air::System;
use nonos_machine::check::{check, messages};
use nonos_machine::tables::{STEP, Witness, system};

use crate::page;
pub(crate) use changes::KOALA_BEAR;
use changes::{is_in_range, noise, others};
use free::{FREE, Free, Place, is_unordered};
use judge::{Judge, Rule};
use report::Report;
use runs::runs;

/// The order of the checker's field.
const M61: u64 = (1 << 61) - 1;

/// The entry of the list under which a cell is free.
fn free_by(system: &System, t: usize, rows: &[Vec<u64>], i: usize, c: usize) -> Option<usize> {
    let table = &system.tables[t];
    let (base, index) = table.columns[c]
        .name
        .trim_end_matches(']')
        .split_once('[')
        .unwrap_or((table.columns[c].name, "0"));
    let cell = |row: &[u64], name: &str| {
        let place = table.columns.iter().position(|column| column.name == name);
        row[place.unwrap_or_else(|| panic!("no column {}.{name}", table.name))]
    };
    let has_real = table.columns.iter().any(|column| column.name == "real");
    let place = Place {
        index: index.parse().expect("the index of an array's column is a number"),
        cell: &|name| cell(&rows[i], name),
        is_followed: rows
            .get(i + 1)
            .is_some_and(|next| !has_real || cell(next, "real") == 1),
    };
    let is_it = |free: &Free| free.table == table.name && free.column == base && (free.holds)(&place);
    FREE.iter().position(is_it)
}

/// Changes every `stride`-th row of every run, and reports what became of it.
fn report<const P: u64>(stride: usize) -> Report {
    let system = system();
    let mut report = Report::new(&system);
    for (n, run) in runs().iter().enumerate() {
        run.assert_accepted(&system);
        let (witness, public) = run.witness(&system);
        let judge = Judge::<P>::new(&system, &public, &witness);
        for t in 0..system.tables.len() {
            let used = witness.tables[t].len();
            // In STEP padding is a row like any other; elsewhere one row stands for all of it.
            let tried = if t == STEP { used + 2 } else { used + 1 };
            for i in (0..tried).skip(n % stride).step_by(stride) {
                report.rows[t] += 1;
                for c in 0..system.tables[t].columns.len() {
                    let seed = [n, t, i, c];
                    cell::<P>(
                        &system,
                        &judge,
                        &mut report,
                        [t, i, c],
                        t != STEP && i >= used,
                        seed,
                    );
                }
                rows::<P>(&judge, &system, &mut report, t, i, used);
            }
        }
    }
    report
}

fn cell<const P: u64>(
    system: &System,
    judge: &Judge<'_, P>,
    report: &mut Report,
    [t, i, c]: [usize; 3],
    is_unused: bool,
    seed: [usize; 4],
) {
    let (table, rows) = (&system.tables[t], &judge.rows[t]);
    let below = rows.get(i + 1).map_or(0, |row| row[c]);
    let free = free_by(system, t, rows, i, c);
    let range = table.columns[c].range;
    let mut accepted = false;
    for other in others(rows[i][c], below, P, noise(seed)) {
        let name = || {
            format!(
                "{}.{} in row {i}: {} for {}",
                table.name, table.columns[c].name, other, rows[i][c]
            )
        };
        let tally = &mut report.columns[t][c];
        tally.tried += 1;
        if !judge.accepts_cell(t, i, c, other) {
            tally.refused += 1;
        } else if is_unused {
            // Whatever it holds, it must still do nothing.
            let mut row = rows[i].clone();
            row[c] = other;
            let speaks = messages(table, &row).any(|m| !m.0.is_lookup());
            if speaks {
                report.survivors.push(name());
            }
            tally.inert += 1;
        } else if free.is_some() && is_in_range(range, other, P) {
            accepted = true;
            tally.free += 1;
        } else {
            report.survivors.push(name());
        }
    }
    if let (Some(free), false) = (free, is_unused) {
        report.listed[free] += 1;
        if !accepted {
            let what = format!("{}.{} in row {i}", table.name, table.columns[c].name);
            report.caught.push(what);
        }
    }
}

/// Drops, repeats, swaps and replaces row `i`.
fn rows<const P: u64>(
    judge: &Judge<'_, P>,
    system: &System,
    report: &mut Report,
    t: usize,
    i: usize,
    used: usize,
) {
    let rows = &judge.rows[t];
    let name = system.tables[t].name;
    let width = rows[0].len();
    let mut expect = |what: &str, accepts: bool, is_allowed: bool| {
        report.moves[t].tried += 1;
        match (accepts, is_allowed) {
            (false, false) => report.moves[t].refused += 1,
            (true, true) => report.moves[t].free += 1,
            (true, false) => report.survivors.push(format!("{name} row {i} {what}")),
            (false, true) => report.caught.push(format!("{name} row {i} {what}")),
        }
    };
    if i < used {
        let row = rows[i].clone();
        expect("dropped", judge.accepts_rows(t, i, 1, &[]), false);
        expect(
            "repeated",
            judge.accepts_rows(t, i, 0, std::slice::from_ref(&row)),
            false,
        );
        expect("emptied", judge.accepts_rows(t, i, 1, &[vec![0; width]]), false);
        expect(
            "in place of an unused row",
            judge.accepts_rows(t, used, 1, std::slice::from_ref(&row)),
            false,
        );
    }
    for distance in [1, 5] {
        let Some(other) = rows.get(i + distance).filter(|other| **other != rows[i]) else {
            continue;
        };
        let mut range = rows[i..=i + distance].to_vec();
        range.swap(0, distance);
        debug_assert_eq!(&range[0], other);
        let accepts = judge.accepts_rows(t, i, distance + 1, &range);
        expect("swapped", accepts, is_unordered(name));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn kills_every_change_of_a_cell_that_is_read() {
    let report = report::<M61>(1);
    println!("{report}");
    report.assert_all_killed();
    report.assert_page_is_up_to_date();
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn heavy_kills_every_change_in_a_31_bit_field() {
    let report = report::<KOALA_BEAR>(1);
    println!("{report}");
    report.assert_all_killed();
}

/// Whether some change of a cell that a rule reads is accepted once the rule is gone.
fn shows(system: &System, judges: &[Judge<'_, M61>], used: &[Vec<usize>], t: usize, rule: Rule) -> bool {
    let table = &system.tables[t];
    let reads = |judge: &Judge<'_, M61>, c: usize| judge.reads(t, c, rule);
    let columns = (0..table.columns.len()).filter(|c| reads(&judges[0], *c));
    columns.clone().any(|c| {
        judges.iter().enumerate().any(|(n, judge)| {
            (0..used[n][t]).any(|i| {
                let rows = &judge.rows[t];
                free_by(system, t, rows, i, c).is_none()
                    && others(rows[i][c], 0, M61, noise([n, t, i, c]))
                        .into_iter()
                        .any(|other| judge.accepts_cell_without(t, i, c, other, Some(rule)))
            })
        })
    })
}

#[test]
fn shows_some_rules_of_every_table_if_they_are_missing() {
    // The measure measured: each constraint and each message is taken away in turn.
    let system = system();
    let witnesses: Vec<_> = runs().iter().map(|run| run.witness(&system)).collect();
    let judges = witnesses
        .iter()
        .map(|(witness, public)| Judge::<M61>::new(&system, public, witness));
    let judges: Vec<_> = judges.collect();
    let used = witnesses
        .iter()
        .map(|(witness, _)| witness.tables.iter().map(|t| t.len()).collect());
    let used: Vec<Vec<usize>> = used.collect();
    let mut text = String::from("| table | constraints and messages | seen to be missing |\n|---|---|---|\n");
    let (mut all, mut seen_of_all) = (0, 0);
    for (t, table) in system.tables.iter().enumerate() {
        let constraints = (0..table.constraints.len()).map(Rule::Constraint);
        let rules: Vec<Rule> = constraints
            .chain((0..table.messages.len()).map(Rule::Message))
            .collect();
        let seen = rules
            .iter()
            .filter(|rule| shows(&system, &judges, &used, t, **rule))
            .count();
        assert!(seen > 0, "{}", table.name);
        (all, seen_of_all) = (all + rules.len(), seen_of_all + seen);
        text += &format!("| {} | {} | {seen} |\n", table.name, rules.len());
    }
    text += &format!("| all | {all} | {seen_of_all} |\n");
    page::assert_generated("kill-rate.md", "missing rules", &text);
}

#[test]
fn runs_use_every_table() {
    let system = system();
    let mut used = vec![0; system.tables.len()];
    for run in runs() {
        let (witness, _) = run.witness(&system);
        for (used, rows) in used.iter_mut().zip(&witness.tables) {
            *used += rows.len();
        }
    }
    assert!(used.iter().all(|used| *used > 0), "{used:?}");
}

#[test]
fn the_quick_judge_agrees_with_the_checker() {
    let system = system();
    let (mut accepted, mut refused) = (0, 0);
    for (n, run) in runs().iter().enumerate().step_by(4) {
        let (witness, public) = run.witness(&system);
        let judge = Judge::<M61>::new(&system, &public, &witness);
        let heights: Vec<usize> = witness.tables.iter().map(|t| t.len() + 2).collect();
        for t in 0..system.tables.len() {
            if witness.tables[t].is_empty() {
                continue;
            }
            for j in 0..12 {
                let random = noise([n, t, j, 0]) as usize;
                let (i, c) = (
                    random % witness.tables[t].len(),
                    random / 97 % system.tables[t].columns.len(),
                );
                let value = judge.rows[t][i][c] ^ 1 << (j % 9 * 2);
                let mut changed: Witness = witness.clone();
                let width = changed.tables[t].width;
                changed.tables[t].cells[i * width + c] = value;
                // Only the padding of STEP depends on other rows.
                if t == STEP && i + 1 == witness.tables[t].len() {
                    continue;
                }
                let verdict = check(&system, &heights, &public, |t, i, out| changed.row(t, i, out));
                let quick = judge.accepts_cell(t, i, c, value);
                assert_eq!(
                    verdict.is_ok(),
                    quick,
                    "{} {i} {c}: {verdict:?}",
                    system.tables[t].name
                );
                if quick { accepted += 1 } else { refused += 1 }
            }
        }
    }
    assert!(
        accepted > 5 && refused > 100,
        "{accepted} accepted, {refused} refused"
    );
}
