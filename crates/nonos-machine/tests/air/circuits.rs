//! One page of `docs/circuits` per table: its constraints, columns, messages, and what the values can become.

mod formula;
pub(crate) mod source;

use std::fmt::Write;

use nonos_machine::air::{Col, Direction, Expr, Interval, Range, TableShape, When};
use nonos_machine::tables::system;

use crate::mutate::KOALA_BEAR;
use crate::page;

use formula::formula;
use source::Rule;

/// Formulas longer than this are shortened.
const LONGEST: usize = 150;

/// Polynomials shown of one rule.
const SHOWN: usize = 3;

fn when(when: When) -> &'static str {
    match when {
        When::Always => "all",
        When::First => "first",
        When::Last => "last",
        When::Transition => "all but the last",
    }
}

fn range(range: Range) -> String {
    match range {
        Range::Bit => "bit, by `x·(1 − x) = 0`".into(),
        Range::U8 => "8 bits, by lookup".into(),
        Range::U16 => "16 bits, by lookup".into(),
        Range::Moved => "16 bits, checked where it comes from and here".into(),
        Range::Derived { lo, hi, why } => format!("{lo} … {hi}: {why}"),
        Range::Inverse => "any: an inverse".into(),
    }
}

fn is_booleanity(table: &TableShape, constraint: &nonos_machine::air::Constraint) -> bool {
    let column = table.columns.iter().find(|column| column.name == constraint.id);
    column.is_some_and(|column| column.range == Range::Bit)
        && constraint.expr.degree() == 2
        && constraint.public.is_none()
}

fn constraints(table: &TableShape, rules: &[Rule<'_>]) -> String {
    let mut text = String::from(
        "| id | formula | rows | degree | polynomials | rules out |\n|---|---|---|---|---|---|\n",
    );
    for rule in rules {
        for id in &rule.ids {
            let of_rule: Vec<_> = table
                .constraints
                .iter()
                .filter(|constraint| constraint.id == *id && !is_booleanity(table, constraint))
                .collect();
            let Some(first) = of_rule.first() else {
                continue;
            };
            let mut formulas: Vec<String> = of_rule
                .iter()
                .take(SHOWN)
                .map(|constraint| {
                    let right = constraint.public.map_or("0".into(), |i| format!("public {i}"));
                    format!("`{} = {right}`", formula(table, &constraint.expr, LONGEST))
                })
                .collect();
            if of_rule.len() > SHOWN {
                formulas.push(format!("and {} more", of_rule.len() - SHOWN));
            }
            let degree = of_rule.iter().map(|c| c.expr.degree()).max().unwrap_or_default();
            let (rows, n) = (when(first.when), of_rule.len());
            writeln!(
                text,
                "| `{id}` | {}; as polynomials: {} | {rows} | {degree} | {n} | {} |",
                rule.formula,
                formulas.join(", "),
                rule.rules_out
            )
            .expect("a string takes text");
        }
    }
    let bits = table
        .constraints
        .iter()
        .filter(|c| is_booleanity(table, c))
        .count();
    writeln!(
        text,
        "\nBesides, {bits} columns are bits, each by a constraint of degree 2 on all rows."
    )
    .expect("a string takes text");
    text
}

fn columns(table: &TableShape) -> String {
    let mut text = String::from("| column | number | range |\n|---|---|---|\n");
    let base = |i: usize| table.columns[i].name.split('[').next().unwrap_or_default();
    let mut i = 0;
    while i < table.columns.len() {
        let end = (i..table.columns.len())
            .find(|j| base(*j) != base(i))
            .unwrap_or(table.columns.len());
        writeln!(
            text,
            "| `{}` | {} | {} |",
            base(i),
            end - i,
            range(table.columns[i].range)
        )
        .expect("a string takes text");
        i = end;
    }
    text
}

fn messages(table: &TableShape) -> String {
    let mut text = String::from("| bus | direction | times | parts |\n|---|---|---|---|\n");
    let mut checks = [0; 2];
    for message in &table.messages {
        if let ([Expr::Cell { .. }], Expr::Const(1)) = (&message.parts[..], &message.count) {
            checks[usize::from(message.moved)] += 1;
            continue;
        }
        let direction = match message.direction {
            _ if message.bus.is_lookup() => "looks up",
            Direction::Send => "sends",
            Direction::Receive => "receives",
        };
        let parts = message.parts.iter().map(|part| formula(table, part, 90));
        let parts = parts.collect::<Vec<_>>().join(", ");
        let count = formula(table, &message.count, LONGEST);
        writeln!(
            text,
            "| `{:?}` | {direction} | `{count}` | `{parts}` |",
            message.bus
        )
        .expect("a string takes text");
    }
    writeln!(
        text,
        "\nBesides, {} cells of a row are looked up in their range, and {} that come over a bus (`Moved`).",
        checks[0], checks[1]
    )
    .expect("a string takes text");
    text
}

/// The widest value of any polynomial and of any part, as integers, and whether they fit a 31-bit field.
fn widest(table: &TableShape) -> [(Interval, &'static str); 2] {
    let of = |col: Col| table.interval(col);
    let zero = Interval { lo: 0, hi: 0 };
    let wider = |a: (Interval, &'static str), (expr, name): (&Expr, &'static str)| {
        let b = expr.interval(&of).unwrap_or(zero);
        let size = |it: Interval| it.hi.max(-it.lo);
        if size(b) > size(a.0) { (b, name) } else { a }
    };
    let polynomials = table.constraints.iter().map(|c| (&c.expr, c.id));
    let parts = table
        .messages
        .iter()
        .flat_map(|m| m.parts.iter().map(move |part| (part, bus_name(m.bus))));
    [
        polynomials.fold((zero, "–"), wider),
        parts.fold((zero, "–"), wider),
    ]
}

fn bus_name(bus: nonos_machine::air::Bus) -> &'static str {
    // The names live as long as the program, of which there is one of each.
    Box::leak(format!("{bus:?}").into_boxed_str())
}

fn bits(interval: Interval) -> u32 {
    128 - u128::leading_zeros(interval.hi.max(-interval.lo) as u128)
}

fn intervals(table: &TableShape) -> String {
    let [polynomial, part] = widest(table);
    let inverse = table.columns.iter().any(|c| c.range == Range::Inverse);
    let line = |what: &str, (it, name): (Interval, &str)| {
        format!(
            "- widest {what}: `{name}`, {} … {} ({} bits and a sign)\n",
            it.lo,
            it.hi,
            bits(it)
        )
    };
    let mut text = line("polynomial", polynomial) + &line("part of a message", part);
    let fits = |it: Interval| it.hi.max(-it.lo) < i128::from(KOALA_BEAR);
    let verdict = if fits(polynomial.0) && fits(part.0) {
        "Every value is smaller than a 31-bit field's order: what holds in the field holds over the integers."
    } else {
        "Some value is larger than a 31-bit field's order. That field's backend needs the page's argument for it; \
         in halo2's 255-bit field what holds holds over the integers."
    };
    text += "\n";
    text += verdict;
    if inverse {
        text += " Polynomials with an inverse are left out: they hold or fail in any field alike.";
    }
    text
}

#[test]
fn pages_of_the_tables_are_up_to_date() {
    for table in &system().tables {
        let page = format!("{}.md", table.name.to_lowercase());
        let text = source::source(table.name);
        let rules = source::documented(&text);
        page::assert_generated(&page, "constraints", &constraints(table, &rules));
        page::assert_generated(&page, "columns", &columns(table));
        page::assert_generated(&page, "messages", &messages(table));
        page::assert_generated(&page, "intervals", &intervals(table));
    }
}

#[test]
fn degrees_are_within_what_backends_take() {
    for table in &system().tables {
        for constraint in &table.constraints {
            assert!(constraint.expr.degree() <= 3, "{}/{}", table.name, constraint.id);
        }
        for message in &table.messages {
            assert!(message.count.degree() <= 1, "{} {:?}", table.name, message.bus);
            assert!(
                message.parts.iter().all(|part| part.degree() <= 1),
                "{} {:?}",
                table.name,
                message.bus
            );
        }
    }
}
