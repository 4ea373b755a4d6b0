//! Poseidon2 of width 16 inside a row: its cells and its rules, from a column on.

use std::sync::LazyLock;

use p3_air::{Air, AirBuilder};
use p3_koala_bear::{
    GenericPoseidon2LinearLayersKoalaBear, KOALABEAR_POSEIDON2_HALF_FULL_ROUNDS as HALF,
    KOALABEAR_POSEIDON2_PARTIAL_ROUNDS_16 as PARTIAL, KOALABEAR_POSEIDON2_RC_16_EXTERNAL_FINAL as LAST,
    KOALABEAR_POSEIDON2_RC_16_EXTERNAL_INITIAL as FIRST, KOALABEAR_POSEIDON2_RC_16_INTERNAL as MIDDLE,
};
use p3_poseidon2_air::{Poseidon2Air, RoundConstants, generate_trace_rows, num_cols};
use p3_uni_stark::SubAirBuilder;

use crate::config::Val;

/// Elements of the state: the first columns are the state before the permutation.
pub(crate) const WIDTH: usize = 16;
/// The S-box is a cube, in one column.
const DEGREE: u64 = 3;
/// Columns of a permutation.
pub(crate) const COLUMNS: usize = num_cols::<WIDTH, DEGREE, 0, HALF, PARTIAL>();
/// The first of the columns that hold the state behind it.
pub(crate) const OUTPUT: usize = COLUMNS - WIDTH;

type Layers = GenericPoseidon2LinearLayersKoalaBear;
type Permutation = Poseidon2Air<Val, Layers, WIDTH, DEGREE, 0, HALF, PARTIAL>;

fn constants() -> RoundConstants<Val, WIDTH, HALF, PARTIAL> {
    RoundConstants::new(FIRST, MIDDLE, LAST)
}

static PERMUTATION: LazyLock<Permutation> = LazyLock::new(|| Permutation::new(constants()));

/// The rules of the columns from `base` on.
pub(crate) fn eval<AB: AirBuilder<F = Val>>(b: &mut AB, base: usize) {
    let mut columns = SubAirBuilder::<AB, Permutation, AB::Var>::new(b, base..base + COLUMNS);
    PERMUTATION.eval(&mut columns);
}

/// The cells of one permutation.
pub(crate) fn cells(state: &[Val; WIDTH]) -> Vec<Val> {
    generate_trace_rows::<Val, Layers, WIDTH, DEGREE, 0, HALF, PARTIAL>(vec![*state], &constants(), 0).values
}
