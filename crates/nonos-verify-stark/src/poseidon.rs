//! Poseidon2 over the tables' field: natively, and as cells of a row with their constraints.
//!
//! Width 16, 4 + 20 + 4 rounds, S-box `x^3`, constants and linear layers of `p3-koala-bear`. The permutation takes
//! one cell for each S-box output that is not a linear function of the cells before it: [`CELLS`] of them.
//! (`p3-poseidon2-air` has the same constraints, but for a table that is nothing else.)
//!
//! | id | formula | rules out |
//! |---|---|---|
//! | full round | `post = M_E·(state + constants)^3`, for each of 16 cells | another permutation |
//! | partial round | `post = (state_0 + constant)^3` | the same |

use std::sync::LazyLock;

use p3_air::AirBuilder;
use p3_field::PrimeCharacteristicRing;
use p3_koala_bear::{
    GenericPoseidon2LinearLayersKoalaBear as Layers, KOALABEAR_POSEIDON2_RC_16_EXTERNAL_FINAL as LAST,
    KOALABEAR_POSEIDON2_RC_16_EXTERNAL_INITIAL as FIRST, KOALABEAR_POSEIDON2_RC_16_INTERNAL as PARTIAL,
    Poseidon2KoalaBear, default_koalabear_poseidon2_16,
};
use p3_poseidon2::GenericPoseidon2LinearLayers;
use p3_symmetric::Permutation;

use crate::config::Val;

/// Elements of the state.
pub(crate) const WIDTH: usize = 16;
/// Elements of a digest: 248 bits.
pub(crate) const DIGEST: usize = 8;
/// Cells of one permutation, its input not counted.
pub(crate) const CELLS: usize = (FIRST.len() + LAST.len()) * WIDTH + PARTIAL.len();

/// What [`compress`] gives.
pub(crate) type Digest = [Val; DIGEST];

static PERMUTATION: LazyLock<Poseidon2KoalaBear<WIDTH>> = LazyLock::new(default_koalabear_poseidon2_16);

/// Two halves to one: the first half of `permutation(input) + input`. Adding the input makes it one-way, which the
/// permutation alone is not.
pub(crate) fn compress(input: [Val; WIDTH]) -> Digest {
    let output = PERMUTATION.permute(input);
    std::array::from_fn(|i| output[i] + input[i])
}

/// Writes the cells of a permutation of `input`, and gives its output.
pub(crate) fn fill(input: [Val; WIDTH], cells: &mut [Val]) -> [Val; WIDTH] {
    let (first, rest) = cells.split_at_mut(FIRST.len() * WIDTH);
    let (partial, last) = rest.split_at_mut(PARTIAL.len());
    let mut state = input;
    external(&mut state);
    fill_full_rounds(&mut state, &FIRST, first);
    for (constant, cell) in PARTIAL.into_iter().zip(partial) {
        state[0] = (state[0] + constant).cube();
        *cell = state[0];
        internal(&mut state);
    }
    fill_full_rounds(&mut state, &LAST, last);
    state
}

fn fill_full_rounds(state: &mut [Val; WIDTH], constants: &[[Val; WIDTH]], cells: &mut [Val]) {
    for (constants, cells) in constants.iter().zip(cells.chunks_mut(WIDTH)) {
        for (element, constant) in state.iter_mut().zip(constants) {
            *element = (*element + *constant).cube();
        }
        external(state);
        cells.copy_from_slice(state);
    }
}

/// Requires `cells` to be those of a permutation of `input`, and gives its output.
pub(crate) fn permute<AB: AirBuilder<F = Val>>(
    b: &mut AB,
    input: [AB::Expr; WIDTH],
    cells: &[AB::Var],
) -> [AB::Expr; WIDTH] {
    let (first, rest) = cells.split_at(FIRST.len() * WIDTH);
    let (partial, last) = rest.split_at(PARTIAL.len());
    let mut state = input;
    external(&mut state);
    full_rounds(b, &mut state, &FIRST, first);
    for (constant, cell) in PARTIAL.iter().zip(partial) {
        let post: AB::Expr = (*cell).into();
        b.assert_zero((state[0].clone() + AB::Expr::from(*constant)).cube() - post.clone());
        state[0] = post;
        internal(&mut state);
    }
    full_rounds(b, &mut state, &LAST, last);
    state
}

fn full_rounds<AB: AirBuilder<F = Val>>(
    b: &mut AB,
    state: &mut [AB::Expr; WIDTH],
    constants: &[[Val; WIDTH]],
    cells: &[AB::Var],
) {
    for (constants, cells) in constants.iter().zip(cells.chunks(WIDTH)) {
        for (element, constant) in state.iter_mut().zip(constants) {
            *element = (element.clone() + AB::Expr::from(*constant)).cube();
        }
        external(state);
        for (element, cell) in state.iter_mut().zip(cells) {
            let post: AB::Expr = (*cell).into();
            b.assert_zero(element.clone() - post.clone());
            *element = post;
        }
    }
}

fn external<R: PrimeCharacteristicRing>(state: &mut [R; WIDTH]) {
    <Layers as GenericPoseidon2LinearLayers<WIDTH>>::external_linear_layer(state);
}

fn internal<R: PrimeCharacteristicRing>(state: &mut [R; WIDTH]) {
    <Layers as GenericPoseidon2LinearLayers<WIDTH>>::internal_linear_layer(state);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_input() -> [Val; WIDTH] {
        std::array::from_fn(|i| Val::from_usize(7 * i * i + 1))
    }

    #[test]
    fn the_cells_end_in_the_published_permutation() {
        let input = some_input();
        let mut cells = [Val::ZERO; CELLS];
        let output = fill(input, &mut cells);
        assert_eq!(output, PERMUTATION.permute(input));
        assert_eq!(cells[CELLS - WIDTH..], output);
    }

    #[test]
    fn a_digest_is_not_the_permutation_alone() {
        let input = some_input();
        let digest = compress(input);
        assert_ne!(digest[..], PERMUTATION.permute(input)[..DIGEST]);
    }
}
