//! Rows of a table hashed in order: one Poseidon permutation per row, over the field of the circuit.
//!
//! The first row of a stream starts from `(0, 0, count·2^65)`, which is `ConstantLength` of two elements per row;
//! every row adds its two elements to the state and permutes it; where a stream ends, the first element of
//! the state is its digest.
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | `sponge-start` | `start·s_0 = start·s_1 = 0`, `start·(s_2 − 2^65·count) = 0` | another state to start from |
//! | `sponge-square` | `u_i = x_i²` | |
//! | `sponge-power` | `o_i = u_i²·x_i` | another S-box |
//! | `sponge-next` | `(go' − start')·(s' − permuted) = 0` | a state that the row before did not leave |
//! | `sponge-digest` | `end_j·(permuted_0 − digest_j) = 0` | another digest |
//! | `sponge-constant` | `digest_j' = digest_j`; the first row's is public | another digest on other rows |
//!
//! Every `x_i` is linear in the row's cells, and 0 on a row of zeros, so that padding satisfies all of them.

use ff::Field;
use nonos_machine::air::{Expr, Range, TableShape, When};
use nonos_seal::poseidon::{MDS, ROUND_CONSTANTS, WIDTH, sboxes};
use pasta_curves::Fp;

use crate::Error;
use crate::compile::{Constraint, Poly, Table, form};
use crate::linear::Linear;
use crate::packing::power;

/// Digests that streams can end in.
pub(crate) const DIGESTS: usize = 2;

/// Which rows of a table are hashed, and what of them. All but `ends` are linear.
#[derive(Clone, Debug)]
pub(crate) struct Sponge {
    /// The table, an index into the system's.
    pub(crate) table: usize,
    /// 1 on rows that are hashed.
    pub(crate) go: Expr,
    /// 1 on the first row of a stream.
    pub(crate) start: Expr,
    /// Rows of the stream, on its first row.
    pub(crate) count: Expr,
    /// 1 on the last row of a stream with this digest; of degree 2 at most.
    pub(crate) ends: [Expr; DIGESTS],
    /// The two elements, as 16-bit limbs.
    pub(crate) elements: [Vec<Expr>; 2],
}

/// A sponge in the columns of its table.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) table: usize,
    /// Columns of the table before those of the sponge: state, `u` and `o` by turns, digests.
    base: usize,
    go: Linear,
    start: Linear,
    count: Linear,
    /// What goes through each S-box.
    inputs: Vec<Linear>,
    permuted: [Linear; WIDTH],
}

impl Compiled {
    /// Adds the sponge's columns and constraints to its table.
    pub(crate) fn new(sponge: &Sponge, shape: &TableShape, table: &mut Table) -> Result<Self, Error> {
        let linear = |expr: &Expr| Ok(form(shape, "sponge", expr)?.linear());
        let base = table.columns.len();
        let (go, start, count) = (
            linear(&sponge.go)?,
            linear(&sponge.start)?,
            linear(&sponge.count)?,
        );
        let cell = |col: usize| Linear {
            constant: Fp::ZERO,
            terms: vec![(col, Fp::ONE)],
        };
        let mut state: [Linear; WIDTH] = std::array::from_fn(|i| cell(base + i));
        for (element, limbs) in state.iter_mut().zip(&sponge.elements) {
            for (i, limb) in limbs.iter().enumerate() {
                element.add(&linear(limb)?.scaled(power(16 * i as u32)));
            }
        }
        let mut inputs = vec![];
        for (round, constants) in ROUND_CONSTANTS.iter().enumerate() {
            for (element, constant) in state.iter_mut().zip(constants) {
                element.add(&go.clone().scaled(*constant));
            }
            for element in &mut state[..sboxes(round)] {
                let output = cell(base + WIDTH + 2 * inputs.len() + 1);
                inputs.push(std::mem::replace(element, output));
            }
            state = MDS.map(|row| {
                let mut sum = Linear::zero();
                for (factor, element) in row.iter().zip(&state) {
                    sum.add(&element.clone().scaled(*factor));
                }
                sum
            });
        }
        let compiled = Self {
            table: sponge.table,
            base,
            go,
            start,
            count,
            inputs,
            permuted: state,
        };
        table
            .columns
            .extend(std::iter::repeat_n(Range::Inverse, compiled.width()));
        compiled.constrain(sponge, &mut table.constraints);
        Ok(compiled)
    }

    /// Columns of the sponge.
    pub(crate) fn width(&self) -> usize {
        WIDTH + 2 * self.inputs.len() + DIGESTS
    }

    /// The first column.
    #[cfg(test)]
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// The first element of the permuted state of a row.
    #[cfg(test)]
    pub(crate) fn squeezed(&self, cell: impl Fn(usize) -> Fp) -> Fp {
        self.permuted[0].eval(cell)
    }

    /// Column of a digest in the table.
    pub(crate) fn digest(&self, index: usize) -> usize {
        self.base + WIDTH + 2 * self.inputs.len() + index
    }

    fn constrain(&self, sponge: &Sponge, constraints: &mut Vec<Constraint>) {
        let cell = |col: usize| Poly::Cell { col, next: false };
        let next = |col: usize| Poly::Cell { col, next: true };
        let product = |a: Poly, b: Poly| Poly::Mul(Box::new(a), Box::new(b));
        let minus = |a: Poly, b: Poly| Poly::Sub(Box::new(a), Box::new(b));
        let mut zero = |id, when, poly| constraints.push(Constraint { id, when, poly });
        let start = || Poly::Linear(self.start.clone());
        for i in 0..WIDTH {
            let state = cell(self.base + i);
            let state = if i == WIDTH - 1 {
                minus(state, Poly::Linear(self.count.clone().scaled(power(65))))
            } else {
                state
            };
            zero("sponge-start", When::Always, product(start(), state));
        }
        for (i, input) in self.inputs.iter().enumerate() {
            let (square, out) = (self.base + WIDTH + 2 * i, self.base + WIDTH + 2 * i + 1);
            let input = || Poly::Linear(input.clone());
            zero(
                "sponge-square",
                When::Always,
                minus(cell(square), product(input(), input())),
            );
            let fifth = product(product(cell(square), cell(square)), input());
            zero("sponge-power", When::Always, minus(cell(out), fifth));
        }
        for (i, permuted) in self.permuted.iter().enumerate() {
            let goes_on = minus(Poly::next_of(&sponge.go), Poly::next_of(&sponge.start));
            let step = minus(next(self.base + i), Poly::Linear(permuted.clone()));
            zero("sponge-next", When::Transition, product(goes_on, step));
        }
        for (j, end) in sponge.ends.iter().enumerate() {
            let digest = self.digest(j);
            let off = minus(Poly::Linear(self.permuted[0].clone()), cell(digest));
            zero("sponge-digest", When::Always, product(Poly::from_expr(end), off));
            let moves = minus(next(digest), cell(digest));
            zero("sponge-constant", When::Transition, moves);
        }
    }

    /// The sponge's columns, given those of the table before them, as copies side by side.
    ///
    /// `table[copy·base + col][row]`; gives `columns[copy·width + i][row]`.
    pub(crate) fn fill(&self, table: &[Vec<Fp>], copies: usize, digests: [Fp; DIGESTS]) -> Vec<Vec<Fp>> {
        let rows = table.first().map_or(0, Vec::len);
        let width = self.width();
        let mut columns = vec![vec![Fp::ZERO; rows]; copies * width];
        let mut state = [Fp::ZERO; WIDTH];
        let mut cells = vec![Fp::ZERO; self.base + width];
        for row in 0..rows {
            for copy in 0..copies {
                for (cell, column) in cells.iter_mut().zip(&table[copy * self.base..][..self.base]) {
                    *cell = column[row];
                }
                if bool::from(self.go.eval(|col| cells[col]).is_zero()) {
                    cells[self.base..].fill(Fp::ZERO);
                    state = [Fp::ZERO; WIDTH];
                } else {
                    if !bool::from(self.start.eval(|col| cells[col]).is_zero()) {
                        state = [Fp::ZERO, Fp::ZERO, self.count.eval(|col| cells[col]) * power(65)];
                    }
                    cells[self.base..][..WIDTH].copy_from_slice(&state);
                    for (i, input) in self.inputs.iter().enumerate() {
                        let x = input.eval(|col| cells[col]);
                        let at = self.base + WIDTH + 2 * i;
                        cells[at] = x.square();
                        cells[at + 1] = x.square().square() * x;
                    }
                    state = self.permuted.each_ref().map(|form| form.eval(|col| cells[col]));
                }
                for (j, digest) in digests.into_iter().enumerate() {
                    cells[self.digest(j)] = digest;
                }
                for (column, cell) in columns[copy * width..][..width]
                    .iter_mut()
                    .zip(&cells[self.base..])
                {
                    column[row] = *cell;
                }
            }
        }
        columns
    }
}
