//! The constraints of a chunk. Their table, with what each rules out, is in `docs/circuits/rollup.md`.

use ff::Field;
use nonos_depin::rollup::{DEPTH, SUMS};
use pasta_curves::Fp;

use crate::expr::{Cell, Expr, cur, int, next, power};
use crate::hash::Permutation;
use crate::layout::*;

/// A polynomial that is zero on certain rows.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) id: &'static str,
    pub(crate) on: On,
    pub(crate) zero: Expr,
}

/// A value that is cut into base-4 digits.
pub(crate) struct Range {
    /// Id of the constraint that puts the value at the top of its column.
    pub(crate) id: &'static str,
    /// The first row of the column, and the value there.
    pub(crate) first: On,
    pub(crate) value: Expr,
    /// The rows with a digit, and the row behind them.
    pub(crate) digits: On,
    pub(crate) end: On,
}

/// Capacity of a hash of so many elements.
fn capacity(elements: u64) -> Expr {
    int(elements).scaled(power(64))
}

/// Whether the author pays; of padding 0.
fn pays() -> Expr {
    (SUMS / 2 + 1..SUMS).fold(cur(KIND + SUMS / 2), |sum, kind| sum + cur(KIND + kind))
}

/// Whether this is a posting, and no padding.
pub(crate) fn real() -> Expr {
    (1..SUMS).fold(cur(KIND), |sum, kind| sum + cur(KIND + kind))
}

fn boolean(it: Expr) -> Expr {
    it.clone() * (it - int(1))
}

/// One of two, by a flag.
fn either(flag: Expr, if_not: Expr, if_so: Expr) -> Expr {
    if_not.clone() + flag * (if_so - if_not)
}

/// What is hashed on the first three rows, and its digest.
pub(crate) fn digest() -> Expr {
    NEW.output(0)
}

/// Number of a posting's entry, line, sum and flag in one: `Posting::mark`.
pub(crate) fn mark() -> Expr {
    let kind = (1..SUMS).map(|kind| cur(KIND + kind).scaled(Fp::from(kind as u64)));
    let kind = kind.reduce(|sum, it| sum + it).expect("more than one");
    next(SEQUENCE) + next(LINE).scaled(power(64)) + kind.scaled(power(96)) + cur(FIRST).scaled(power(99))
}

/// The ranges, in the order of their columns.
pub(crate) fn ranges() -> [Range; RANGES] {
    let most = || Expr::Const(power(96));
    let total = || either(pays(), cur(B), cur(C));
    let number = || either(pays(), cur(RECEIVED), cur(ISSUED));
    let gap = cur(FIRST) * (next(SEQUENCE) - cur(SEQUENCE) - int(1));
    let (money, count) = ((On::Digits98, On::End98), (On::Digits64, On::End64));
    let range = |id, value, (digits, end)| Range {
        id,
        first: On::After,
        value,
        digits,
        end,
    };
    [
        range("amount", cur(AMOUNT), money),
        range("total-before", total() - cur(AMOUNT), money),
        range("earned", cur(B), money),
        range("earned-most", most() - cur(B), money),
        range("spent", cur(C), money),
        range("spent-most", most() - cur(C), money),
        range(
            "limit",
            Expr::Cell(Cell::Public(public::LIMIT)) + cur(B) - cur(C),
            money,
        ),
        range("received", cur(RECEIVED), count),
        range("issued", cur(ISSUED), count),
        range("number-before", number() - cur(FIRST), count),
        range(
            "position-rest",
            (cur(A) - cur(POSITION)).scaled(power(DEPTH as u64).invert().expect("not zero")),
            (On::Digits152, On::End152),
        ),
        Range {
            id: "gap",
            first: On::Link,
            value: gap,
            digits: On::DigitsGap,
            end: On::EndGap,
        },
    ]
}

/// Every constraint.
pub(crate) fn gates() -> Vec<Gate> {
    let mut gates = Gates(vec![]);
    gates.public();
    gates.hashes();
    gates.flags();
    gates.link();
    gates.leaves();
    gates.ranges();
    gates.path();
    gates.0
}

struct Gates(Vec<Gate>);

impl Gates {
    fn zero(&mut self, id: &'static str, on: On, zero: Expr) {
        self.0.push(Gate { id, on, zero });
    }

    fn equal(&mut self, id: &'static str, on: On, a: Expr, b: Expr) {
        self.zero(id, on, a - b);
    }

    /// The first and the last row are those of the statement.
    fn public(&mut self) {
        let public = |column| Expr::Cell(Cell::Public(column));
        for (column, value) in [
            (ROOT, public::ROOT),
            (CHAIN, public::CHAIN),
            (SEQUENCE, public::SEQUENCE),
            (LINE, public::LINE),
        ] {
            self.equal("start", On::Start, cur(column), public(value));
            self.equal("end", On::End, cur(column), public(value));
        }
        self.zero("start-empty", On::Start, cur(COUNT));
        self.equal("end", On::End, cur(COUNT), public(public::COUNT));
        for sum in 0..SUMS {
            self.zero("start-empty", On::Start, cur(SUM + sum));
            self.equal("end", On::End, cur(SUM + sum), public(public::SUM + sum));
        }
        self.zero("not-empty", On::Start, real() - int(1));
        let not_first = int(1) - cur(FIRST);
        self.zero("opening", On::Start, public(public::COUNT) * not_first);
    }

    fn hashes(&mut self) {
        for permutation in [OLD, NEW] {
            for constraint in permutation.constraints() {
                self.zero("permutation", On::Every, constraint);
            }
        }
        for (element, input) in [cur(A), cur(B), capacity(4)].into_iter().enumerate() {
            self.equal("absorb", On::Hash, OLD.input(element), input);
        }
        for (element, input) in [cur(C), cur(D), int(0)].into_iter().enumerate() {
            self.equal(
                "absorb",
                On::Hash,
                NEW.input(element),
                OLD.output(element) + input,
            );
        }
        for permutation in [OLD, NEW] {
            self.equal("absorb-two", On::Path, permutation.input(2), capacity(2));
        }
    }

    fn flags(&mut self) {
        for flag in (KIND..KIND + SUMS).chain([FIRST, FRESH]) {
            self.zero("flag", On::Link, boolean(cur(flag)));
        }
        self.zero("one-kind", On::Link, boolean(real()));
        for flag in (KIND..KIND + SUMS).chain([FIRST, FRESH, AMOUNT]) {
            self.equal("flags-kept", On::Flags, next(flag), cur(flag));
        }
        for idle in [AMOUNT, FIRST, FRESH] {
            self.zero("padding", On::Link, (int(1) - real()) * cur(idle));
        }
        let index = Expr::Cell(Cell::Index);
        self.zero("padding-last", On::Link, real() * (cur(COUNT) - index));
    }

    /// The posting's place in the feed and in the chain, and the sums.
    fn link(&mut self) {
        let follows = int(1) - cur(FIRST);
        let same = next(SEQUENCE) - cur(SEQUENCE);
        self.zero("same-entry", On::Link, follows.clone() * same);
        self.zero("first-line", On::Link, cur(FIRST) * next(LINE));
        let one_on = next(LINE) - cur(LINE) - real();
        self.zero("next-line", On::Link, follows * one_on);

        self.equal("link", On::Link, cur(A), cur(CHAIN));
        self.equal("link", On::Link, cur(C), cur(AMOUNT));
        self.equal("mark", On::Link, cur(D), mark());
        let chain = either(real(), cur(CHAIN), digest());
        self.equal("chain", On::Link, next(CHAIN), chain);
        self.equal("count", On::Link, next(COUNT), cur(COUNT) + real());
        for sum in 0..SUMS {
            let posted = cur(SUM + sum) + cur(KIND + sum) * cur(AMOUNT);
            self.equal("sum", On::Link, next(SUM + sum), posted);
        }
        for kept in [CHAIN, SEQUENCE, LINE, COUNT].into_iter().chain(SUM..SUM + SUMS) {
            self.equal("kept", On::Kept, next(kept), cur(kept));
        }
    }

    fn leaves(&mut self) {
        self.equal("account", On::Link, next(A), cur(B));
        self.equal("account", On::Before, next(A), cur(A));
        let numbers = || cur(RECEIVED) + cur(ISSUED).scaled(power(64));
        self.equal("numbers", On::Before, cur(D), numbers());
        self.equal("numbers", On::After, cur(D), numbers());
        for value in [B, C, D] {
            self.zero("fresh", On::Before, cur(FRESH) * cur(value));
        }
        let leaf = (int(1) - cur(FRESH)) * digest();
        self.equal("leaf-before", On::Before, next(LEAF), leaf);

        let (pays, earns) = (pays(), int(1) - pays());
        let earned = cur(B) + earns.clone() * cur(AMOUNT);
        self.equal("post", On::Before, next(B), earned);
        self.equal("post", On::Before, next(C), cur(C) + pays.clone() * cur(AMOUNT));
        let received = cur(RECEIVED) + earns * cur(FIRST);
        self.equal("voucher", On::Before, next(RECEIVED), received);
        self.equal(
            "voucher",
            On::Before,
            next(ISSUED),
            cur(ISSUED) + pays * cur(FIRST),
        );
    }

    fn ranges(&mut self) {
        for (number, range) in ranges().into_iter().enumerate() {
            let column = RANGE + number;
            self.equal(range.id, range.first, cur(column), range.value);
            let digit = || cur(column) - next(column).scaled(Fp::from(4));
            let digit = (1..4).fold(digit(), |product, other| product * (digit() - int(other)));
            self.zero("digit", range.digits, digit);
            self.zero("digits-end", range.end, cur(column));
        }
    }

    fn path(&mut self) {
        // The node beside the path, and the one on it of the next row.
        let beside = |hash: Permutation| either(cur(BIT), hash.input(1), hash.input(0));
        let next_node = |hash: Permutation| either(next(BIT), hash.next_input(0), hash.next_input(1));

        self.equal("position", On::After, next(POSITION), cur(POSITION));
        let rest = next(POSITION).scaled(Fp::from(2));
        self.equal("position", On::Climb, cur(POSITION), cur(BIT) + rest);
        self.equal("position", On::Top, cur(POSITION), cur(BIT));
        self.zero("bit", On::Path, boolean(cur(BIT)));
        self.equal("beside", On::Path, beside(OLD), beside(NEW));
        self.equal("enter", On::After, next_node(OLD), cur(LEAF));
        self.equal("enter", On::After, next_node(NEW), digest());
        for hash in [OLD, NEW] {
            self.equal("climb", On::Climb, next_node(hash), hash.output(0));
        }
        self.equal("root-before", On::Top, cur(ROOT), OLD.output(0));
        self.equal("root-after", On::Top, next(ROOT), NEW.output(0));
        self.equal("root-kept", On::Rooted, next(ROOT), cur(ROOT));
    }
}
