//! For each constraint a trace that nothing else refuses.

use std::collections::BTreeSet;

use ff::{Field, PrimeField};
use nonos_depin::rollup::SUMS;
use nonos_types::Amount;
use pasta_curves::Fp;

use super::support::*;
use crate::gates::{gates, ranges};
use crate::layout::*;
use crate::trace::{Lies, Trace, publics};

/// A chunk, false cells, and what is false in the public columns.
struct Lie {
    id: &'static str,
    chunk: Chunk,
    cells: Lies,
    public: Option<(usize, usize)>,
}

fn lie(id: &'static str, chunk: &Chunk, cells: impl IntoIterator<Item = ((usize, usize), Fp)>) -> Lie {
    Lie {
        id,
        chunk: chunk.clone(),
        cells: cells.into_iter().collect(),
        public: None,
    }
}

fn int(value: u64) -> Fp {
    Fp::from(value)
}

/// The lies, one for each id.
fn lies() -> Vec<Lie> {
    let mut lies = of_public_values();
    lies.extend(of_hashes());
    lies.extend(of_padding());
    lies.extend(of_order());
    lies.extend(of_leaves());
    lies.extend(of_ranges());
    lies.extend(of_paths());
    lies
}

fn of_public_values() -> Vec<Lie> {
    let (full, single) = (full(), single());
    let public = |id, chunk: &Chunk, column, row| Lie {
        public: Some((column, row)),
        ..lie(id, chunk, [])
    };
    // Nothing is posted at all: one posting, without a kind, of nothing.
    let honest = Trace::new(&single.0, &single.1);
    let spent = honest.at(1, C);
    let mut nothing = vec![
        ((0, AMOUNT), int(0)),
        ((1, SEQUENCE), honest.at(0, SEQUENCE)),
        ((1, LINE), honest.at(0, LINE)),
    ];
    nothing.extend((0..SUMS).map(|kind| ((0, KIND + kind), int(0))));
    nothing.extend((1..10).map(|posting| ((row(posting) + 1, C), spent)));
    vec![
        public("start", &full, public::ROOT, 0),
        public("end", &full, public::SUM + 4, END),
        lie("start-empty", &full, [((0, SUM), int(5))]),
        lie("not-empty", &single, nothing),
        // The chunk goes on within a voucher, and says that it opens a batch.
        public("opening", &single, public::COUNT, 0),
    ]
}

fn of_hashes() -> Vec<Lie> {
    let (full, last) = (full(), row(9));
    vec![
        lie("permutation", &full, [((last + 40, 20), int(3))]),
        lie("absorb", &full, [((last, OLD.base), int(3))]),
        lie("absorb-two", &full, [((last + 40, NEW.base + 2), int(3))]),
    ]
}

fn of_padding() -> Vec<Lie> {
    let (full, single, two) = (full(), single(), two_chunks().chunks[1].clone());
    let last = row(9);
    let honest = Trace::new(&single.0, &single.1);
    // Two kinds at once: it counts as two postings, of nothing.
    let (second, honest_two) = (row(1), Trace::new(&two.0, &two.1));
    let mut both = vec![
        ((second, KIND + 4), int(1)),
        ((second, KIND + 5), int(1)),
        ((second, KIND + 6), int(0)),
        ((second, AMOUNT), int(0)),
        ((second + 1, LINE), honest_two.at(second, LINE) + int(2)),
    ];
    both.extend((2..10).map(|posting| ((row(posting) + 1, C), honest_two.at(second + 1, C))));
    // A posting behind padding.
    let behind = [
        ((row(2), KIND + 4), int(1)),
        ((row(2) + 1, LINE), honest.at(1, LINE) + int(1)),
    ];
    vec![
        // Of the posting's amount one sum gets twice as much and another minus as much.
        lie(
            "flag",
            &full,
            [((last, KIND + 4), int(2)), ((last, KIND + 5), -int(1))],
        ),
        lie("one-kind", &two, both),
        // The leaf gets another amount than chain and sums.
        lie("flags-kept", &full, [((last + 1, AMOUNT), int(100))]),
        // Padding that earns.
        lie("padding", &two, [((last, AMOUNT), int(5))]),
        lie("padding-last", &single, behind),
    ]
}

fn of_order() -> Vec<Lie> {
    let (full, single) = (full(), single());
    let last = row(9);
    let honest = Trace::new(&single.0, &single.1);
    let (sequence, line) = (honest.at(1, SEQUENCE), honest.at(1, LINE));
    vec![
        lie("same-entry", &single, [((1, SEQUENCE), sequence + int(1))]),
        lie("first-line", &full, [((last + 1, LINE), int(5))]),
        lie("next-line", &single, [((1, LINE), line + int(5))]),
        lie("link", &full, [((last, A), int(3))]),
        lie("mark", &full, [((last, D), int(3))]),
        lie("chain", &full, [((last + 1, CHAIN), int(3))]),
        lie("count", &full, [((last + 1, COUNT), int(9))]),
        lie("sum", &full, [((last + 1, SUM), int(3))]),
        lie("kept", &full, [((last + 50, SUM), int(3))]),
    ]
}

fn of_leaves() -> Vec<Lie> {
    let (full, single) = (full(), single());
    let last = row(9);
    let honest = Trace::new(&full.0, &full.1);
    let above = honest.at(last, B) + crate::expr::power(96);
    let own = Trace::new(&single.0, &single.1);
    // The true leaf is opened, and another account is posted to: one that has spent nothing.
    let mut forgotten = vec![((1, C), int(0)), ((2, LEAF), own.at(2, LEAF))];
    forgotten.extend((1..10).map(|posting| ((row(posting) + 1, C), own.at(0, AMOUNT))));
    vec![
        // The leaf of an account that has the same place.
        lie("account", &full, [((last + 1, A), above)]),
        lie("numbers", &full, [((last + 2, D), int(3))]),
        lie("fresh", &full, [((last + 1, B), int(100))]),
        lie("leaf-before", &single, forgotten),
        lie("post", &full, [((last + 2, B), int(100))]),
        lie("voucher", &full, [((last + 2, ISSUED), int(2))]),
    ]
}

fn of_ranges() -> Vec<Lie> {
    let (full, last) = (full(), row(9));
    let mut lies: Vec<_> = (0..)
        .zip(ranges())
        .map(|(number, range)| {
            let first = last + range.first.all_rows()[0];
            // Another value within the range.
            lie(range.id, &full, [((first, RANGE + number), int(77))])
        })
        .collect();
    // 2^96 less what was earned has many digits; they are left out.
    lies.push(lie("digit", &full, [((last + 10, RANGE + 3), int(0))]));
    let mut wide = full;
    wide.0.limit = Amount::from_atto(1 << 99);
    lies.push(lie("digits-end", &wide, []));
    lies
}

fn of_paths() -> Vec<Lie> {
    let (full, opening) = (full(), opening());
    let (last, path) = (row(9), row(9) + 3);
    let honest = Trace::new(&full.0, &full.1);
    let position = honest.at(path, POSITION);
    // The place beside it is empty, too, so that the path is the same.
    let odd = bool::from(position.is_odd());
    let beside = if odd { position - int(1) } else { position + int(1) };
    let side = |height: usize, beside: bool| {
        let right = (honest.at(path + height, BIT) == int(1)) != beside;
        NEW.base + usize::from(right)
    };
    let mut other_path = full.clone();
    other_path.1.steps[9].siblings[10] = nonos_depin::rollup::Root::new(int(3));
    // The two topmost bits are b + 2c; another c, and a b that makes up for it. The tree is empty, so that the old
    // path is the same however it turns.
    let own = Trace::new(&opening.0, &opening.1);
    let top = 3 + 95;
    let [low, high] = [own.at(top - 1, BIT), own.at(top, BIT)];
    let turned = int(1) - high;
    let bits = (0..10).flat_map(|posting| {
        let at = row(posting) + top;
        [
            ((at - 1, BIT), low + (high - turned).double()),
            ((at, BIT), turned),
        ]
    });
    let root = honest.at(last, ROOT);
    vec![
        lie("position", &full, [((path, POSITION), beside)]),
        lie("bit", &opening, bits),
        lie("beside", &full, [((path + 7, side(7, true)), int(3))]),
        lie("enter", &full, [((path, side(0, false)), int(3))]),
        lie("climb", &full, [((path + 7, side(7, false)), int(3))]),
        lie("root-before", &other_path, []),
        lie("root-after", &full, [((last + ROWS, ROOT), int(3))]),
        lie(
            "root-kept",
            &full,
            [((last + 50, ROOT), int(3)), ((last + 51, ROOT), root)],
        ),
    ]
}

/// The ids that a lie breaks.
fn broken_by(lie: &Lie) -> BTreeSet<&'static str> {
    let (statement, witness) = &lie.chunk;
    let trace = Trace::with_lies(statement, witness, lie.cells.clone());
    let mut columns = if lie.public.is_some() {
        publics(statement)
    } else {
        claimed(statement, &trace)
    };
    if let Some((column, row)) = lie.public {
        columns[column][row] += Fp::ONE;
    }
    broken(statement, &trace, &columns)
}

#[test]
fn each_constraint_alone_refuses_a_lie() {
    let lies = lies();
    let broken = lies.iter().map(|lie| (lie.id, broken_by(lie)));
    let others: Vec<_> = broken
        .filter(|(id, broken)| *broken != BTreeSet::from([*id]))
        .collect();
    assert_eq!(others, []);
}

#[test]
fn there_is_a_lie_about_each_constraint() {
    let told: BTreeSet<_> = lies().iter().map(|lie| lie.id).collect();
    let ids: BTreeSet<_> = gates().iter().map(|gate| gate.id).collect();
    assert_eq!(told, ids);
}
