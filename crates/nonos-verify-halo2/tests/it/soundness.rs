//! How likely it is that a false statement is accepted, from the parameters.

#[path = "../../../nonos-machine/tests/air/page.rs"]
mod page;

use std::fmt::Write;

use nonos_machine::tables::{MAX_ROWS, system};
use nonos_verify_halo2::{MAX_COLUMNS, MAX_FOLD, MAX_K};

/// Bits of the order of Pallas' base field, in which challenges are drawn: it is 2^254 and a little more.
const FIELD_BITS: f64 = 254.0;

/// Messages that a verifier receives, at most: `docs/circuits/challenge.md` allows fewer than 2^30 fractions in all.
const RECEIVED: f64 = (1u64 << 29) as f64;

/// Fractions of one helper column.
const FRACTIONS: f64 = 3.0;

/// Greatest degree of a gate.
const DEGREE: f64 = 5.0;

/// A way in which a false statement can pass by an unlucky challenge: of how many values, of 2^254.
struct Term {
    name: &'static str,
    why: &'static str,
    unlucky: f64,
}

fn terms() -> Vec<Term> {
    let rows = f64::from(1u32 << MAX_K);
    let columns = MAX_COLUMNS as f64;
    let fractions = FRACTIONS * columns * rows + RECEIVED;
    assert!(
        fractions < f64::from(1u32 << 30),
        "as the page on the challenge says"
    );
    let constraints: usize = system().tables.iter().map(|table| table.constraints.len()).sum();
    let gates = (constraints + MAX_COLUMNS) as f64 * f64::from(MAX_FOLD);
    let term = |name, why, unlucky| Term { name, why, unlucky };
    vec![
        term(
            "bus sum (α)",
            "zeros of a sum that is not zero: fractions",
            fractions,
        ),
        term(
            "bus sum (α)",
            "poles, where a helper is free: fractions",
            fractions,
        ),
        term("equality of cells (β, γ)", "columns · rows", 2.0 * columns * rows),
        term("gates combined (y)", "gates", gates),
        term(
            "identity tested (x)",
            "degree of a gate · rows",
            (DEGREE + 1.0) * rows,
        ),
        term(
            "openings combined (x₁ … x₄)",
            "three points of each column, and the rows",
            3.0 * columns + rows,
        ),
        term("inner product (IPA)", "4 · rows, over all rounds", 4.0 * rows),
    ]
}

/// Bits of a generic attack on discrete logarithms in a group of order 2^254: √(π/4 · 2^254).
fn discrete_logarithm() -> f64 {
    (FIELD_BITS + (std::f64::consts::PI / 4.0).log2()) / 2.0
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever runs the test")]
fn the_error_of_the_argument_is_negligible() {
    let mut table = String::from("| challenge | unlucky values | at most | bits |\n|---|---|---|---|\n");
    let mut sum = 0.0;
    for term in terms() {
        let bits = FIELD_BITS - term.unlucky.log2();
        writeln!(
            table,
            "| {} | {} | 2^{:.1} | {bits:.0} |",
            term.name,
            term.why,
            term.unlucky.log2()
        )
        .expect("text");
        sum += term.unlucky;
    }
    let statistical = FIELD_BITS - sum.log2();
    let generic = discrete_logarithm();
    writeln!(
        table,
        "| all | their sum | 2^{:.1} | {statistical:.0} |\n",
        sum.log2()
    )
    .expect("text");
    writeln!(
        table,
        "So one try at a false statement succeeds with a probability of at most 2^−{0:.0}, and a prover who hashes again and \
         again needs about 2^{0:.0} hashes. Breaking the commitments by a generic attack on discrete logarithms takes about \
         2^{1:.0} group operations; collisions of BLAKE3's 256 bits 2^128 hashes, of BLAKE2b's 512 bits 2^256. \
         The least of these, {2:.0} bits, is the soundness of a proof.",
        statistical,
        generic,
        statistical.min(generic).min(128.0).floor()
    )
    .expect("text");
    println!("{table}");
    assert!(statistical > 200.0, "{statistical}");
    assert!(statistical.min(generic) > 120.0);
    page::assert_generated("soundness.md", "bits", &table);
}

#[test]
fn counts_and_stamps_stay_below_the_field() {
    // A count of one message, over all rows of the longest run, cannot come near the field's order.
    let most = system()
        .tables
        .iter()
        .flat_map(|t| {
            t.messages
                .iter()
                .map(|m| m.count.interval(&|col| t.interval(col)))
        })
        .map(|it| it.map_or(f64::INFINITY, |it| it.hi.max(-it.lo) as f64))
        .fold(0.0, f64::max);
    let messages: usize = system().tables.iter().map(|t| t.messages.len()).sum();
    let all = most * messages as f64 * MAX_ROWS as f64 + RECEIVED;
    assert!(all.log2() < FIELD_BITS - 200.0, "2^{}", all.log2());
}
