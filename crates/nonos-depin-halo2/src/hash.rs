//! One Poseidon permutation in one row: a column for what goes into each S-box, and two more.
//!
//! The first and last four rounds have an S-box on each of three elements, so that their inputs are the whole state.
//! The 56 rounds between have one. Let `x_r` be its input in round `r`, `s_r` the two elements that pass it by. Then
//!
//! ```text
//! x_{r+1} = m·x_r^5 + w·s_r + c          s_{r+1} = v·x_r^5 + N·s_r + d
//! ```
//!
//! with parts `m, w, v, N` of the matrix and round constants `c, d`. From `x_{r+1}` and `x_{r+2}` follows `s_r`, as
//! `w` and `w·N` are independent; so `x_{r+3}` is a sum of three fifth powers, `x_{r+1}`, `x_{r+2}` and a constant.
//! Only `s_4` needs columns. Every constraint has degree 5 and a handful of terms.

use std::collections::BTreeMap;

use ff::Field;
use nonos_seal::poseidon::{FULL_ROUNDS, MDS, PARTIAL_ROUNDS, ROUND_CONSTANTS, WIDTH};
use pasta_curves::Fp;

use crate::expr::{Expr, cur};

/// Columns of a permutation.
pub(crate) const COLUMNS: usize = WIDTH * FULL_ROUNDS + PARTIAL_ROUNDS + 2;

const HALF: usize = FULL_ROUNDS / 2;
const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;
/// Columns before the second partial round: those of four full rounds and the first partial one.
const HEAD: usize = WIDTH * (HALF + 1);

/// A permutation in columns `base..base + COLUMNS`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    pub(crate) base: usize,
}

/// `constant + Σ a·cell + Σ b·cell^5`.
#[derive(Clone, Default)]
struct Form {
    constant: Fp,
    terms: BTreeMap<(bool, usize), Fp>,
}

impl Form {
    fn constant(constant: Fp) -> Self {
        let terms = BTreeMap::new();
        Self { constant, terms }
    }

    fn cell(column: usize) -> Self {
        Self::default().plus_term((false, column), Fp::ONE)
    }

    fn fifth(column: usize) -> Self {
        Self::default().plus_term((true, column), Fp::ONE)
    }

    fn plus_term(mut self, term: (bool, usize), factor: Fp) -> Self {
        *self.terms.entry(term).or_insert(Fp::ZERO) += factor;
        self
    }

    fn plus(mut self, other: &Self, factor: Fp) -> Self {
        self.constant += other.constant * factor;
        for (term, coefficient) in &other.terms {
            self = self.plus_term(*term, *coefficient * factor);
        }
        self
    }

    fn expr(&self) -> Expr {
        let mut sum = Expr::Const(self.constant);
        for ((fifth, column), factor) in &self.terms {
            if bool::from(factor.is_zero()) {
                continue;
            }
            let cell = cur(*column);
            sum = sum + if *fifth { cell.fifth() } else { cell }.scaled(*factor);
        }
        sum
    }
}

/// The state at the start of the next round, after its constants, from what the S-boxes and the bypass leave.
fn round(outputs: &[Form; WIDTH], next: usize) -> [Form; WIDTH] {
    std::array::from_fn(|i| {
        let constant = ROUND_CONSTANTS
            .get(next)
            .map_or(Fp::ZERO, |constants| constants[i]);
        let sum = Form::constant(constant);
        MDS[i]
            .iter()
            .zip(outputs)
            .fold(sum, |sum, (factor, it)| sum.plus(it, *factor))
    })
}

impl Permutation {
    /// Column of what goes into an S-box; `element` is 0 in partial rounds but the first.
    fn column(self, round: usize, element: usize) -> usize {
        self.base
            + if round <= HALF {
                WIDTH * round + element
            } else if round < HALF + PARTIAL_ROUNDS {
                HEAD + (round - HALF - 1)
            } else {
                HEAD + PARTIAL_ROUNDS - 1 + WIDTH * (round - HALF - PARTIAL_ROUNDS) + element
            }
    }

    /// The state that is permuted.
    pub(crate) fn input(self, element: usize) -> Expr {
        cur(self.base + element) + Expr::Const(-ROUND_CONSTANTS[0][element])
    }

    /// As [`Permutation::input`], of the next row.
    pub(crate) fn next_input(self, element: usize) -> Expr {
        crate::expr::next(self.base + element) + Expr::Const(-ROUND_CONSTANTS[0][element])
    }

    /// The permuted state.
    pub(crate) fn output(self, element: usize) -> Expr {
        let outputs = std::array::from_fn(|i| Form::fifth(self.column(ROUNDS - 1, i)));
        round(&outputs, ROUNDS)[element].expr()
    }

    /// Zero where the columns are those of a permutation.
    pub(crate) fn constraints(self) -> Vec<Expr> {
        let mut constraints = vec![];
        let mut equal = |column: usize, form: &Form| constraints.push(cur(column) - form.expr());
        let full = |round: usize| std::array::from_fn(|i| Form::fifth(self.column(round, i)));
        for r in 0..HALF {
            for (i, form) in round(&full(r), r + 1).iter().enumerate() {
                equal(self.column(r + 1, i), form);
            }
        }
        // Rounds 5 and 6 from the columns of round 4, all others from the three rounds before them.
        let last = HALF + PARTIAL_ROUNDS - 1;
        let mut pass = [1, 2].map(|i| Form::cell(self.column(HALF, i)));
        for r in HALF..=last {
            if r >= HALF + 2 {
                pass = self.bypass(r - 2);
                for earlier in [r - 2, r - 1] {
                    pass = self.step(earlier, pass);
                }
            }
            let [a, b] = pass.clone();
            let state = round(&[Form::fifth(self.column(r, 0)), a, b], r + 1);
            if r < last {
                equal(self.column(r + 1, 0), &state[0]);
            } else {
                for (i, form) in state.iter().enumerate() {
                    equal(self.column(r + 1, i), form);
                }
            }
            pass = self.step(r, pass);
        }
        for r in last + 1..ROUNDS - 1 {
            for (i, form) in round(&full(r), r + 1).iter().enumerate() {
                equal(self.column(r + 1, i), form);
            }
        }
        constraints
    }

    /// `s_{r+1}` from `s_r`.
    fn step(self, r: usize, [a, b]: [Form; 2]) -> [Form; 2] {
        let [_, a, b] = round(&[Form::fifth(self.column(r, 0)), a, b], r + 1);
        [a, b]
    }

    /// `s_r` from `x_{r+1}` and `x_{r+2}`.
    fn bypass(self, r: usize) -> [Form; 2] {
        let [w0, w1] = [MDS[0][1], MDS[0][2]];
        // x_{r+1} and x_{r+2} if s_r were zero.
        let none = [Form::default(), Form::default()];
        let known = round(
            &[Form::fifth(self.column(r, 0)), none[0].clone(), none[1].clone()],
            r + 1,
        );
        let passed = [known[1].clone(), known[2].clone()];
        let [a, b] = passed;
        let second = round(&[Form::fifth(self.column(r + 1, 0)), a, b], r + 2);
        let rest = [
            Form::cell(self.column(r + 1, 0)).plus(&known[0], -Fp::ONE),
            Form::cell(self.column(r + 2, 0)).plus(&second[0], -Fp::ONE),
        ];
        // w·s = rest[0], (w·N)·s = rest[1].
        let u: [Fp; 2] = [0, 1].map(|j| w0 * MDS[1][j + 1] + w1 * MDS[2][j + 1]);
        let determinant = w0 * u[1] - w1 * u[0];
        let inverse: Fp = Option::from(determinant.invert()).expect("the matrix has no such invariant line");
        [
            Form::default()
                .plus(&rest[0], u[1] * inverse)
                .plus(&rest[1], -w1 * inverse),
            Form::default()
                .plus(&rest[0], -u[0] * inverse)
                .plus(&rest[1], w0 * inverse),
        ]
    }

    /// The cells of the permutation whose first three cells, with the first round's constants, are these; and the
    /// permuted state.
    pub(crate) fn fill(first: [Fp; WIDTH]) -> ([Fp; COLUMNS], [Fp; WIDTH]) {
        let at = Self { base: 0 };
        let mut cells = [Fp::ZERO; COLUMNS];
        let mut state = first;
        for r in 0..ROUNDS {
            if r > 0 {
                for (element, constant) in state.iter_mut().zip(&ROUND_CONSTANTS[r]) {
                    *element += constant;
                }
            }
            let partial = (HALF..HALF + PARTIAL_ROUNDS).contains(&r);
            let kept = if partial && r > HALF { 1 } else { WIDTH };
            for (i, element) in state.iter().enumerate().take(kept) {
                cells[at.column(r, i)] = *element;
            }
            for element in state.iter_mut().take(if partial { 1 } else { WIDTH }) {
                *element *= element.square().square();
            }
            state = MDS.map(|row| {
                let products = row.iter().zip(&state).map(|(factor, it)| *factor * it);
                products.sum()
            });
        }
        (cells, state)
    }
}

#[cfg(test)]
mod tests {
    use nonos_seal::poseidon::permute;

    use super::*;
    use crate::expr::Cell;

    fn value(cells: &[Fp; COLUMNS]) -> impl Fn(Cell) -> Fp + '_ {
        |cell| match cell {
            Cell::Cur(column) => cells[column],
            _ => panic!("one row only"),
        }
    }

    fn filled(seed: u64) -> ([Fp; WIDTH], [Fp; COLUMNS], [Fp; WIDTH]) {
        let state: [Fp; WIDTH] =
            std::array::from_fn(|i| Fp::from(seed + i as u64).square().invert().expect("not 0"));
        let first = std::array::from_fn(|i| state[i] + ROUND_CONSTANTS[0][i]);
        let (cells, output) = Permutation::fill(first);
        (state, cells, output)
    }

    #[test]
    fn the_columns_are_those_of_the_native_permutation() {
        let at = Permutation { base: 0 };
        for seed in 1..5 {
            let (mut state, cells, output) = filled(seed);
            for (i, element) in state.iter().enumerate() {
                assert_eq!(at.input(i).eval(&value(&cells)), *element);
            }
            permute(&mut state);
            assert_eq!(output, state);
            for (i, element) in state.iter().enumerate() {
                assert_eq!(at.output(i).eval(&value(&cells)), *element);
            }
            for (number, constraint) in at.constraints().iter().enumerate() {
                assert_eq!(constraint.eval(&value(&cells)), Fp::ZERO, "constraint {number}");
            }
        }
    }

    #[test]
    fn no_cell_but_the_input_is_free() {
        let constraints = Permutation { base: 0 }.constraints();
        assert_eq!(constraints.len(), COLUMNS - WIDTH);
        let (_, honest, _) = filled(7);
        for column in 0..COLUMNS {
            let mut cells = honest;
            cells[column] += Fp::ONE;
            let broken = constraints.iter().any(|it| it.eval(&value(&cells)) != Fp::ZERO);
            assert!(broken, "column {column}");
        }
        assert!(constraints.iter().all(|it| it.degree() == 5));
    }
}
