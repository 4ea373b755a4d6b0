//! SEAL: the words of sealed tapes, in the blocks that a commitment hashes.
//!
//! A row is a [`Block`](nonos_seal::poseidon2::Block) of two words, with the permutation that absorbs it. A stream is the
//! two blocks of the salt (`start`, `salt`), then its tapes' blocks: tape 1 for the input, 3 to 5 for the outputs. The
//! input's stream comes first; padding follows. The words are handed to HOST on [`Bus::Sealed`]: of the input each once
//! at most, its length and its end any number of times; of the outputs each exactly once, like the final positions,
//! which without sealed outputs the verifier receives.
//!
//! Below, `tapes = Σ tape`, `real = start + salt + tapes`, `outputs = tape3 + tape4 + tape5`, `end = tape1·close`.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `kind` | `real·(1 − real) = 0` | a mixture |
//! | `first` | on the first row `start = 1`, `pos = 0`; `input` and `more` are public | no stream, or another one |
//! | `input` | `input·(1 − start − salt) = 0`, `start·(input' − input) = 0` | a salt of two streams |
//! | `more` | `more·(1 − input − tape1) = 0`, constant from the salt to the end of tape 1, where `start' = more`; 0 on the table's last row | a stream of outputs left out behind the input's, or one too many |
//! | `order` | start, salt, then tape 1 or 3 as `input` says; a tape until `close`; 3, 4, 5; after tape 1 the outputs or padding; after tape 5 padding | tapes missing, repeated, in another order |
//! | `close` | `close·(1 − tapes) = 0`, `last = close·(tape1 + tape5)`, `final = close·outputs` | an end of no tape |
//! | `whole` | on the table's last row `real·(1 − last) = 0` | a stream whose digest is never compared |
//! | `pos` | `pos' = pos + 2` within a tape, else 0 | words skipped or repeated |
//! | `used` | `used_1·(1 − used_0) = 0`; both within a tape and of the salt, none of padding; `close·(1 − used_0)·pos = 0` | gaps, a needless block |
//! | `zeros` | `(1 − used_j)·Σ limbs_j = 0` | something where no word is |
//! | `taken` | `taken_j·(1 − used_j) = 0`, `(start + salt)·taken_j = 0`, `outputs·(used_j − taken_j) = 0` | a word that is not there; an output word that was not written |
//! | `pad` | `(1 − close)·Σ pad = 0`, `(1 − used_0)·Σ pad = 0` | bytes cut off where no word ends |
//! | `words` | `close·(pos + used_0 + used_1 − words) = 0`, `(1 − close)·(words_0 + words_1) = 0` | another number of words |
//! | `length` | `end·(8·words − pad − len) = 0`, `(1 − end)·(len_0 + len_1) = 0`, `2^5·len_1 = high` with `high` 16-bit | another length, also one that wraps |
//! | `slack` | `tail` is the last word, `pad_2`, `pad_1`, `pad_0` cut four, two, one byte of it: `tape1·pad_2·(tail_3 + tail_2) = 0`, `tape1·pad_1·upper = 0`, `tape1·pad_0·top` is a byte, where `(upper, lower)` are the highest limbs left after `pad_2` and `top` the highest after `pad_1` | bytes behind the end of the input |
//! | `count` | `lengths·(1 − end) = ends·(1 − end) = 0` | a length or an end that is none |
//!
//! and, in field elements, behind these columns the capacity before the permutation and the permutation's cells. The rate before it
//! is the block's elements: the limbs, and above the first `tape + 8·close + 16·Σ used + 64·pad`.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `sponge-round` | the cells are those of the permutation: `poseidon.rs` | another permutation |
//! | `sponge-start` | `start·(capacity − START) = 0`, `(1 − real)·capacity = 0` | another state to start from |
//! | `sponge-next` | `(real' − start')·(capacity' − capacity behind the permutation) = 0` | a state that the row before did not leave |
//! | `sponge-digest` | `end·(rate behind it − digest of the input) = 0`, `tape5·close·(… − digest of the outputs) = 0` | another digest |

mod rows;

#[cfg(test)]
pub(crate) use rows::stream;
pub(crate) use rows::{Row, extended, matrix, rows};

use std::sync::LazyLock;

use nonos_machine::air::{Builder, Bus, Col, Column, Range, Table, When};
use nonos_machine::isa::{INDEX_BITS, Space};
use nonos_seal::poseidon2::{RATE, WORDS, start};
use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;

use crate::adapter::Adapter;
use crate::config::Val;
use crate::layout::Layout;
use crate::poseidon;

/// Public values: whether the first stream is an input, whether the outputs' follows it, the digests of both.
pub(crate) const PUBLIC: usize = 2 + 2 * RATE;

struct Cols {
    start: Col,
    salt: Col,
    /// Tapes 1, 3, 4, 5.
    tapes: [Col; 4],
    input: Col,
    more: Col,
    close: Col,
    last: Col,
    fin: Col,
    used: [Col; WORDS],
    taken: [Col; WORDS],
    limbs: [[Col; 4]; WORDS],
    pos: Col,
    words: [Col; 2],
    len: [Col; 2],
    high: Col,
    pad: [Col; 3],
    tail: [Col; 4],
    upper: Col,
    lower: Col,
    top: Col,
    byte: Col,
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
    let limb = || derived(0xffff, "one of the limbs, or 0");
    let received = "any number of receipts is sound: what is sent is counted";
    let mut cols = Cols {
        start: one("start", Range::Bit),
        salt: one("salt", Range::Bit),
        tapes: ["tape1", "tape3", "tape4", "tape5"].map(|name| one(name, Range::Bit)),
        input: one("input", Range::Bit),
        more: one("more", Range::Bit),
        close: one("close", Range::Bit),
        last: one("last", derived(1, "a product of bits that exclude each other")),
        fin: one("final", derived(1, "a product of bits that exclude each other")),
        used: ["used_0", "used_1"].map(|name| one(name, Range::Bit)),
        taken: ["taken_0", "taken_1"].map(|name| one(name, Range::Bit)),
        limbs: std::array::from_fn(|_| std::array::from_fn(|_| one("limb", Range::U16))),
        pos: one("pos", derived(1 << 23, "grows by 2 a row, from 0")),
        words: [one("words_0", Range::U16), one("words_1", Range::U8)],
        len: [one("len_0", Range::U16), one("len_1", Range::U16)],
        high: one("high", Range::U16),
        pad: ["pad_0", "pad_1", "pad_2"].map(|name| one(name, Range::Bit)),
        tail: std::array::from_fn(|_| one("tail", limb())),
        upper: one("upper", limb()),
        lower: one("lower", limb()),
        top: one("top", limb()),
        byte: one("byte", Range::U8),
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

/// The name of a column before those of the permutation.
#[cfg(test)]
pub(crate) fn column_name(col: usize) -> &'static str {
    COLS.list[col].name
}

/// The columns before those of the permutation.
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
        slack(b);
        messages(b);
    }
}

fn order<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [start, salt, input, more, close, last, pos] =
        [t.start, t.salt, t.input, t.more, t.close, t.last, t.pos].map(|col| b.cur(col));
    let [one, three, four, five] = t.tapes.map(|col| b.cur(col));
    let [next_one, next_three, next_four, next_five] = t.tapes.map(|col| b.next(col));
    let [next_start, next_salt, next_input, next_more, next_pos] =
        [t.start, t.salt, t.input, t.more, t.pos].map(|col| b.next(col));
    let tapes = sum(b, &t.tapes);
    let outputs = three.clone() + four.clone() + five.clone();
    let real = start.clone() + salt.clone() + tapes.clone();
    let next_tapes = next_one.clone() + next_three.clone() + next_four.clone() + next_five.clone();
    let next_real = next_start.clone() + next_salt.clone() + next_tapes;
    let open = tapes.clone() - close.clone();

    b.zero("kind", When::Always, real.clone() * (k(1) - real.clone()));
    b.zero("first", When::First, start.clone() - k(1));
    b.zero("first", When::First, pos.clone());
    b.public("first", When::First, 0, input.clone());
    b.public("first", When::First, 1, more.clone());

    let elsewhere = k(1) - start.clone() - salt.clone();
    b.zero("input", When::Always, input.clone() * elsewhere);
    let kept = next_input.clone() - input.clone();
    b.zero("input", When::Transition, start.clone() * kept);

    // The verifier says what there is: nothing else would miss a stream of outputs that were not written.
    let elsewhere = k(1) - input.clone() - one.clone();
    b.zero("more", When::Always, more.clone() * elsewhere);
    let before_end = input.clone() + one.clone() * (k(1) - close.clone());
    b.zero("more", When::Transition, before_end * (next_more - more.clone()));
    let end = one.clone() * close.clone();
    b.zero(
        "more",
        When::Transition,
        end.clone() * (next_start.clone() - more.clone()),
    );
    b.zero("more", When::Last, more);

    let mut order = |expr: B::E| b.zero("order", When::Transition, expr);
    order(start.clone() * (k(1) - next_salt));
    order(salt.clone() * (next_one.clone() - input.clone()));
    order(salt.clone() * (next_three.clone() + input - k(1)));
    let pairs = [
        (&one, &next_one),
        (&three, &next_three),
        (&four, &next_four),
        (&five, &next_five),
    ];
    for (tape, next) in pairs {
        order(tape.clone() * (k(1) - close.clone()) * (k(1) - next.clone()));
    }
    order(three * close.clone() * (k(1) - next_four));
    order(four * close.clone() * (k(1) - next_five));
    order(end * (next_real.clone() - next_start.clone()));
    order(one.clone() * next_start * next_input);
    order(five.clone() * close.clone() * next_real.clone());
    order((k(1) - real.clone()) * next_real);

    b.zero("close", When::Always, close.clone() * (k(1) - tapes));
    let ends = close.clone() * (one + five);
    b.zero("close", When::Always, last.clone() - ends);
    b.zero("close", When::Always, b.cur(t.fin) - close.clone() * outputs);
    b.zero("whole", When::Last, real.clone() * (k(1) - last));

    b.zero("pos", When::Transition, (start + salt + close) * next_pos.clone());
    let step = next_pos - pos.clone() - k(WORDS as i64);
    b.zero("pos", When::Transition, open * step);
    b.zero("pos", When::Always, (k(1) - real) * pos);
}

fn content<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [close, pos] = [t.close, t.pos].map(|col| b.cur(col));
    let used = t.used.map(|col| b.cur(col));
    let salts = sum(b, &[t.start, t.salt]);
    let tapes = sum(b, &t.tapes);
    let outputs = sum(b, &t.tapes[1..]);

    let gap = used[1].clone() * (k(1) - used[0].clone());
    let needless = close.clone() * (k(1) - used[0].clone()) * pos;
    let full = salts.clone() + tapes.clone() - close;
    let absent = k(1) - salts.clone() - tapes;
    b.zero("used", When::Always, gap);
    b.zero("used", When::Always, needless);
    b.zero("used", When::Always, full * (k(1) - used[1].clone()));
    b.zero("used", When::Always, absent * used[0].clone());
    for ((used, taken), limbs) in used.into_iter().zip(t.taken).zip(&t.limbs) {
        let limbs = sum(b, limbs);
        b.zero("zeros", When::Always, (k(1) - used.clone()) * limbs);
        let taken = b.cur(taken);
        b.zero("taken", When::Always, taken.clone() * (k(1) - used.clone()));
        b.zero("taken", When::Always, salts.clone() * taken.clone());
        b.zero("taken", When::Always, outputs.clone() * (used - taken));
    }
}

fn lengths<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let [close, pos, one] = [t.close, t.pos, t.tapes[0]].map(|col| b.cur(col));
    let end = one * close.clone();
    let open = k(1) - close.clone();
    let empty = k(1) - b.cur(t.used[0]);
    let words = radix(b, 16, &t.words);
    let pad = radix(b, 1, &t.pad);
    let rules = [
        ("pad", open.clone() * sum(b, &t.pad)),
        ("pad", empty * sum(b, &t.pad)),
        ("words", close * (pos + sum(b, &t.used) - words.clone())),
        ("words", open * sum(b, &t.words)),
        (
            "length",
            end.clone() * (words * k(8) - pad - radix(b, 16, &t.len)),
        ),
        ("length", (k(1) - end.clone()) * sum(b, &t.len)),
        ("length", b.cur(t.len[1]) * k(1 << 5) - b.cur(t.high)),
        ("count", b.cur(t.lengths) * (k(1) - end.clone())),
        ("count", b.cur(t.ends) * (k(1) - end)),
    ];
    for (id, rule) in rules {
        b.zero(id, When::Always, rule);
    }
}

fn slack<B: Builder>(b: &mut B) {
    let t = &*COLS;
    let one = b.cur(t.tapes[0]);
    let used = b.cur(t.used[1]);
    let pad = t.pad.map(|col| b.cur(col));
    let tail = t.tail.map(|col| b.cur(col));
    let [upper, lower, top, byte] = [t.upper, t.lower, t.top, t.byte].map(|col| b.cur(col));
    // `a`, or `b` where `choice` is 1.
    let chosen = |choice: &B::E, x: &B::E, y: &B::E| x.clone() + choice.clone() * (y.clone() - x.clone());
    let mut rules = vec![
        one.clone() * pad[2].clone() * (tail[3].clone() + tail[2].clone()),
        upper.clone() - chosen(&pad[2], &tail[3], &tail[1]),
        lower.clone() - chosen(&pad[2], &tail[2], &tail[0]),
        one.clone() * pad[1].clone() * upper.clone(),
        top.clone() - chosen(&pad[1], &upper, &lower),
        byte - one * pad[0].clone() * top,
    ];
    for (i, tail) in tail.iter().enumerate() {
        let [first, second] = [0, 1].map(|j| b.cur(t.limbs[j][i]));
        rules.push(tail.clone() - chosen(&used, &first, &second));
    }
    for rule in rules {
        b.zero("slack", When::Always, rule);
    }
}

fn messages<B: Builder>(b: &mut B) {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    let tape = number(b);
    let kind = b.cur(t.tapes[0]) + sum(b, &t.tapes[1..]) * k(2);
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

/// The tape of a block, 0 for the salt.
fn number<B: Builder>(b: &B) -> B::E {
    let tapes = [1, 3, 4, 5].into_iter().zip(COLS.tapes);
    tapes.fold(B::E::from(0), |sum, (number, col)| {
        sum + b.cur(col) * B::E::from(number)
    })
}

/// What a block says of its tape, above its first limb.
fn tag<B: Builder>(b: &B) -> B::E {
    let (t, k) = (&*COLS, |v: i64| B::E::from(v));
    number(b) + b.cur(t.close) * k(8) + sum(b, &t.used) * k(16) + radix(b, 1, &t.pad) * k(64)
}

/// Columns: those of [`SealTable`], the capacity before the permutation, the cells of the permutation.
pub(crate) fn width(layout: &Layout) -> usize {
    layout.seal.width + RATE + poseidon::CELLS
}

/// The rules of the columns that follow those of [`SealTable`].
pub(crate) fn sponge<AB: InteractionBuilder<F = Val>>(b: &mut AB) {
    let t = &*COLS;
    let base = t.list.len();
    let tag = tag(&Adapter::new(b, &[], 0)).0;
    let main = b.main();
    let (row, next) = (main.current_slice(), main.next_slice());
    let cell = |col: Col| -> AB::Expr { row[usize::from(col.0)].into() };
    let sum = |row: &[AB::Var], cols: &[Col]| -> AB::Expr {
        cols.iter().map(|col| row[usize::from(col.0)].into()).sum()
    };

    let limbs: Vec<Col> = t.limbs.into_iter().flatten().collect();
    let input = std::array::from_fn(|i| match i {
        0 => cell(limbs[0]) + tag.clone() * AB::Expr::from_u32(1 << 16),
        i if i < RATE => cell(limbs[i]),
        i => row[base + i - RATE].into(),
    });
    let output = poseidon::permute(b, input, &row[base + RATE..][..poseidon::CELLS]);

    let real = sum(row, &[t.start, t.salt]) + sum(row, &t.tapes);
    let continues = sum(next, &[t.salt]) + sum(next, &t.tapes);
    for (i, from) in start().into_iter().enumerate() {
        let capacity: AB::Expr = row[base + i].into();
        let next_capacity: AB::Expr = next[base + i].into();
        b.assert_zero(cell(t.start) * (capacity.clone() - AB::Expr::from(from)));
        b.assert_zero((AB::Expr::ONE - real.clone()) * capacity);
        let kept = next_capacity - output[RATE + i].clone();
        b.when_transition().assert_zero(continues.clone() * kept);
    }
    let public: Vec<AB::Expr> = b.public_values().iter().map(|value| (*value).into()).collect();
    let digests = public[2..].chunks(RATE);
    for (digest, tape) in digests.zip([t.tapes[0], t.tapes[3]]) {
        let ends = cell(t.close) * cell(tape);
        for (element, public) in output.iter().zip(digest) {
            b.assert_zero(ends.clone() * (element.clone() - public.clone()));
        }
    }
}
