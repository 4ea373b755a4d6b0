//! SEAL: the words of sealed tapes, in the blocks that a commitment hashes.
//!
//! A row is a [`Block`](nonos_seal::Block). A stream is the block of the salt, then its tapes' blocks: tape 1 for the
//! input, 3 to 5 for the outputs. The input's stream comes first; padding follows. The words are handed to HOST on
//! [`Bus::Sealed`]: of the input each once at most, its length and its end any number of times; of the outputs
//! each exactly once, like the final positions, which without sealed outputs the verifier receives.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `salt + Σ tape = real` | a mixture |
//! | `first` | on the first row `salt = 1`, `pos = 0`; `input` and `more` are public | no stream, or another one |
//! | `more` | `more·(1 − input − tape1) = 0`, constant from the salt to the end of tape 1, where `salt' = more`; 0 on the table's last row | a stream of outputs left out behind the input's, or one too many |
//! | `order` | salt, then tape 1 or 3 as `input` says; a tape until `close`; 3, 4, 5; after tape 1 the outputs or padding; after tape 5 padding; `input·(1 − salt) = 0` | tapes missing, repeated, in another order |
//! | `close` | `close·(1 − real + salt) = 0`, `last = close·(tape1 + tape5)`, `final = close·(1 − tape1)` | an end of no tape |
//! | `whole` | on the table's last row `real·(1 − last) = 0` | a stream whose digest is never compared |
//! | `pos` | `pos' = pos + 6` within a tape, else 0 | words skipped or repeated |
//! | `left` | `left' = left − 1` within a stream, `last·(left − 1) = 0`, `(1 − real)·left = 0` | another number of blocks |
//! | `used` | `used_{j+1}·(1 − used_j) = 0`; all six within a tape, four of the salt, none of padding; `close·(1 − used_0)·pos = 0` | gaps, a needless block |
//! | `zeros` | `(1 − used_j)·Σ limbs_j = 0` | something where no word is |
//! | `taken` | `taken_j·(1 − used_j) = 0`, `salt·taken_j = 0`, `(tape3 + tape4 + tape5)·(used_j − taken_j) = 0` | a word that is not there; an output word that was not written |
//! | `words` | `close·(pos + Σ used − words) = 0`, `(1 − close)·(words_0 + words_1) = 0` | another number of words |
//! | `length` | `close·(8·words − pad − len) = 0`, `(1 − close)·(len_0 + len_1) = 0`, `(1 − close)·Σ pad = 0` | another length |
//! | `slack` | `scale = last·2^(8·pad)`, `tail_i = Σ (used_j − used_{j+1})·limb_ji`, `tape1·(tail·scale − shifted) = 0` with `shifted` below 2^64, `(1 − tape1)·Σ shifted = 0` | bytes behind the end of the input |
//! | `count` | `lengths·(1 − tape1·close) = ends·(1 − tape1·close) = 0` | a length or an end that is none |

mod rows;

pub(crate) use rows::{Use, rows};

use std::sync::LazyLock;

use nonos_machine::air::{Builder, Bus, Col, Column, Expr, Range, System, Table, TableShape, When};
use nonos_machine::isa::{INDEX_BITS, Space};
use nonos_seal::WORDS;

use crate::sponge::Sponge;

/// Index of the public value of the first row that says whether the first stream is an input.
const PUBLIC_INPUT: usize = 2;
/// … and that says whether the outputs' stream follows the input's.
const PUBLIC_MORE: usize = 3;

struct Cols {
    real: Col,
    salt: Col,
    input: Col,
    /// The outputs' stream follows that of the input, of which this is a row.
    more: Col,
    /// Tapes 1, 3, 4, 5.
    tapes: [Col; 4],
    close: Col,
    last: Col,
    fin: Col,
    used: [Col; WORDS],
    taken: [Col; WORDS],
    limbs: [[Col; 4]; WORDS],
    pos: Col,
    left: Col,
    words: [Col; 2],
    len: [Col; 2],
    pad: [Col; 3],
    scale: Col,
    tail: [Col; 4],
    shifted: [Col; 4],
    lengths: Col,
    ends: Col,
    list: Vec<Column>,
}

static COLS: LazyLock<Cols> = LazyLock::new(|| {
    let mut list = vec![];
    let mut one = |name, range| {
        list.push(Column { name, range });
        Col(list.len() as u16 - 1)
    };
    let derived = |hi, why| Range::Derived { lo: 0, hi, why };
    let received = "any number of receipts is sound: what is sent is counted";
    let mut cols = Cols {
        real: one("real", Range::Bit),
        salt: one("salt", Range::Bit),
        input: one("input", Range::Bit),
        more: one("more", Range::Bit),
        tapes: ["tape1", "tape3", "tape4", "tape5"].map(|name| one(name, Range::Bit)),
        close: one("close", Range::Bit),
        last: one("last", derived(1, "a product of bits that exclude each other")),
        fin: one("final", derived(1, "a product of bits")),
        used: std::array::from_fn(|_| one("used", Range::Bit)),
        taken: std::array::from_fn(|_| one("taken", Range::Bit)),
        limbs: std::array::from_fn(|_| std::array::from_fn(|_| one("limb", Range::U16))),
        pos: one("pos", derived(1 << 25, "grows by 6 a row, from 0")),
        left: one("left", derived(1 << 23, "counts rows down to 1")),
        words: [one("words_lo", Range::U16), one("words_hi", Range::U16)],
        len: [one("len_lo", Range::U16), one("len_hi", Range::U16)],
        pad: std::array::from_fn(|_| one("pad", Range::Bit)),
        scale: one("scale", derived(1 << 56, "a power of two up to 2^56, or 0")),
        tail: std::array::from_fn(|_| one("tail", derived(0xffff, "one of the limbs, or 0"))),
        shifted: std::array::from_fn(|_| one("shifted", Range::U16)),
        lengths: one("lengths", derived(1 << 32, received)),
        ends: one("ends", derived(1 << 32, received)),
        list: vec![],
    };
    cols.list = list;
    cols
});

/// The first column of this name.
#[cfg(test)]
pub(crate) fn column(name: &str) -> usize {
    let place = COLS.list.iter().position(|column| column.name == name);
    place.expect("SEAL has a column of this name")
}

/// The name of a column, if it is not the sponge's.
#[cfg(test)]
pub(crate) fn column_name(col: usize) -> &'static str {
    COLS.list.get(col).map_or("sponge", |column| column.name)
}

/// The name of a column, if it is a bit; nothing behind the last one.
#[cfg(test)]
pub(crate) fn bit_name(col: usize) -> Option<Option<&'static str>> {
    let column = COLS.list.get(col)?;
    Some((column.range == Range::Bit).then_some(column.name))
}

/// The SEAL table.
pub(crate) struct SealTable;

fn sum<B: Builder>(b: &B, cols: &[Col]) -> B::E {
    cols.iter().fold(B::E::from(0), |sum, col| sum + b.cur(*col))
}

fn radix<B: Builder>(b: &B, bits: u32, cols: &[Col]) -> B::E {
    (0..).zip(cols).fold(B::E::from(0), |sum, (i, col)| {
        sum + b.cur(*col) * B::E::from(1 << (bits * i))
    })
}

impl Table for SealTable {
    fn name(&self) -> &'static str {
        "SEAL"
    }

    fn columns(&self) -> Vec<Column> {
        COLS.list.clone()
    }

    fn eval<B: Builder>(&self, b: &mut B) {
        order(b);
        content(b);
        lengths(b);
        messages(b);
    }
}

fn order<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [real, salt, input, close, last, pos, left] =
        [t.real, t.salt, t.input, t.close, t.last, t.pos, t.left].map(|col| b.cur(col));
    let tapes = t.tapes.map(|col| b.cur(col));
    let next = t.tapes.map(|col| b.next(col));
    let [next_real, next_salt, next_input] = [t.real, t.salt, t.input].map(|col| b.next(col));
    let [one, _, _, five] = &tapes;
    let absent = k(1) - real.clone();

    let kinds = salt.clone() + sum(b, &t.tapes);
    b.zero("kind", When::Always, kinds - real.clone());
    b.zero("first", When::First, salt.clone() - k(1));
    b.zero("first", When::First, pos.clone());
    b.public("first", When::First, PUBLIC_INPUT, input.clone());

    // The verifier says what there is: nothing else would miss a stream of outputs that were not written.
    let (more, next_more) = (b.cur(t.more), b.next(t.more));
    b.public("first", When::First, PUBLIC_MORE, more.clone());
    let elsewhere = k(1) - input.clone() - one.clone();
    b.zero("more", When::Always, more.clone() * elsewhere);
    let before_end = input.clone() + one.clone() * (k(1) - close.clone());
    b.zero("more", When::Transition, before_end * (next_more - more.clone()));
    let end = one.clone() * close.clone();
    b.zero("more", When::Transition, end * (next_salt.clone() - more.clone()));
    b.zero("more", When::Last, more);

    let mut order = |expr: B::E| b.zero("order", When::Transition, expr);
    order(salt.clone() * (next[0].clone() - input.clone()));
    order(salt.clone() * (next[1].clone() + input.clone() - k(1)));
    for (tape, next) in tapes.iter().zip(&next) {
        order(tape.clone() * (k(1) - close.clone()) * (k(1) - next.clone()));
    }
    order(tapes[1].clone() * close.clone() * (k(1) - next[2].clone()));
    order(tapes[2].clone() * close.clone() * (k(1) - next[3].clone()));
    order(one.clone() * close.clone() * (next_real.clone() - next_salt.clone()));
    order(one.clone() * next_salt * next_input);
    order(five.clone() * close.clone() * next_real.clone());
    order(absent.clone() * next_real);
    b.zero("order", When::Always, input * (k(1) - salt.clone()));

    b.zero(
        "close",
        When::Always,
        close.clone() * (absent.clone() + salt.clone()),
    );
    let ends = close.clone() * (one.clone() + five.clone());
    b.zero("close", When::Always, last.clone() - ends);
    let fin = close.clone() * (k(1) - one.clone());
    b.zero("close", When::Always, b.cur(t.fin) - fin);
    b.zero("whole", When::Last, real.clone() * (k(1) - last.clone()));

    let next_pos = b.next(t.pos);
    b.zero(
        "pos",
        When::Transition,
        (salt.clone() + close.clone()) * next_pos.clone(),
    );
    let within = real.clone() - salt - close;
    b.zero(
        "pos",
        When::Transition,
        within * (next_pos - pos.clone() - k(WORDS as i64)),
    );
    b.zero("pos", When::Always, absent.clone() * pos);
    let counts = b.next(t.left) - left.clone() + k(1);
    b.zero("left", When::Transition, (real - last.clone()) * counts);
    b.zero("left", When::Always, last * (left.clone() - k(1)));
    b.zero("left", When::Always, absent * left);
}

fn content<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [real, salt, close, pos] = [t.real, t.salt, t.close, t.pos].map(|col| b.cur(col));
    let used = t.used.map(|col| b.cur(col));
    let outputs = sum(b, &t.tapes[1..]);

    for pair in used.windows(2) {
        b.zero("used", When::Always, pair[1].clone() * (k(1) - pair[0].clone()));
    }
    let within = real.clone() - salt.clone() - close.clone();
    b.zero("used", When::Always, within * (k(1) - used[WORDS - 1].clone()));
    b.zero("used", When::Always, salt.clone() * (k(1) - used[3].clone()));
    b.zero("used", When::Always, salt.clone() * used[4].clone());
    b.zero("used", When::Always, (k(1) - real) * used[0].clone());
    b.zero("used", When::Always, close * (k(1) - used[0].clone()) * pos);
    for ((used, taken), limbs) in used.into_iter().zip(t.taken).zip(&t.limbs) {
        let limbs = sum(b, limbs);
        b.zero("zeros", When::Always, (k(1) - used.clone()) * limbs);
        let taken = b.cur(taken);
        b.zero("taken", When::Always, taken.clone() * (k(1) - used.clone()));
        b.zero("taken", When::Always, salt.clone() * taken.clone());
        b.zero("taken", When::Always, outputs.clone() * (used - taken));
    }
}

fn lengths<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [close, last, pos, one] = [t.close, t.last, t.pos, t.tapes[0]].map(|col| b.cur(col));
    let open = || k(1) - b.cur(t.close);
    let words = radix(b, 16, &t.words);
    let pad = radix(b, 1, &t.pad);
    let rules = [
        ("words", close.clone() * (pos + sum(b, &t.used) - words.clone())),
        ("words", open() * sum(b, &t.words)),
        (
            "length",
            close.clone() * (words * k(8) - pad - radix(b, 16, &t.len)),
        ),
        ("length", open() * sum(b, &t.len)),
        ("length", open() * sum(b, &t.pad)),
    ];
    let power = (0..).zip(t.pad).fold(last, |power, (i, bit)| {
        power * (k(1) + b.cur(bit) * k((1 << (8 << i)) - 1))
    });
    let used = |j: usize| t.used.get(j).map_or(k(0), |col| b.cur(*col));
    let tails: Vec<B::E> = (0..4)
        .map(|i| {
            (0..WORDS).fold(b.cur(t.tail[i]), |rest, j| {
                rest - (used(j) - used(j + 1)) * b.cur(t.limbs[j][i])
            })
        })
        .collect();
    let shifts = radix(b, 16, &t.tail) * b.cur(t.scale) - radix(b, 16, &t.shifted);
    let slack = [
        b.cur(t.scale) - power,
        one.clone() * shifts,
        (k(1) - one.clone()) * sum(b, &t.shifted),
    ];
    let counts = [t.lengths, t.ends].map(|col| b.cur(col) * (k(1) - one.clone() * close.clone()));
    for (id, rule) in rules {
        b.zero(id, When::Always, rule);
    }
    for rule in slack.into_iter().chain(tails) {
        b.zero("slack", When::Always, rule);
    }
    for rule in counts {
        b.zero("count", When::Always, rule);
    }
}

fn messages<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [one, three, four, five] = t.tapes.map(|col| b.cur(col));
    let kind = one.clone() + sum(b, &t.tapes[1..]) * k(2);
    let tape = one + three * k(3) + four * k(4) + five * k(5);
    for (j, (taken, limbs)) in (0..).zip(t.taken.into_iter().zip(&t.limbs)) {
        let mut word = vec![kind.clone(), tape.clone(), b.cur(t.pos) + k(j), k(0)];
        word.extend(limbs.map(|limb| b.cur(limb)));
        b.receive(Bus::Sealed, b.cur(taken), &word);
    }
    let [lo, hi] = t.len.map(|col| b.cur(col));
    let length = [k(0), k(1), k(0), k(0), lo, hi, k(0), k(0)];
    b.receive(Bus::Sealed, b.cur(t.lengths), &length);
    let end = [k(1), k(1), radix(b, 16, &t.words), k(1), k(0), k(0), k(0), k(0)];
    b.receive(Bus::Sealed, b.cur(t.ends), &end);
    let [lo, hi] = t.words.map(|col| b.cur(col));
    let key = tape + k(i64::from(Space::Tape as u8) << INDEX_BITS);
    let position = [key, lo, hi, radix(b, 1, &t.pad), k(0)];
    b.receive(Bus::Final, b.cur(t.fin), &position);
}

/// Adds SEAL to a system of two public values of the first row.
pub(crate) fn with_seal(mut system: System) -> (System, Sponge) {
    let table = system.tables.len();
    system.tables.push(TableShape::record(&SealTable));
    system.public_bits.0.truncate(PUBLIC_INPUT);
    system.public_bits.0.resize(PUBLIC_MORE + 1, 1);
    (system, sponge(table))
}

fn sponge(table: usize) -> Sponge {
    let t = &*COLS;
    let cell = |col: Col| Expr::Cell { col, next: false };
    let limbs = |words: &[[Col; 4]]| words.iter().flatten().map(|col| cell(*col)).collect::<Vec<_>>();
    let [one, three, four, five] = t.tapes.map(cell);
    let mut elements = [limbs(&t.limbs[..3]), limbs(&t.limbs[3..])];
    let tag = one.clone()
        + three * Expr::from(3)
        + four * Expr::from(4)
        + five.clone() * Expr::from(5)
        + cell(t.close) * Expr::from(8);
    elements[0].push(tag);
    elements[1].extend(t.len.map(cell));
    Sponge {
        table,
        go: cell(t.real),
        start: cell(t.salt),
        count: cell(t.left),
        ends: [cell(t.last) * one, cell(t.last) * five],
        elements,
    }
}
