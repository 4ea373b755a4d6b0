//! The permutation: Poseidon over the Pallas base field, `P128Pow5T3`, as in Orchard.

use std::sync::LazyLock;

use halo2_poseidon::{P128Pow5T3, Spec};
pub use pasta_curves::Fp;

/// Field elements of the state; the last one is the capacity.
pub const WIDTH: usize = 3;
/// Rounds with an S-box on every element, half of them before and half after the others.
pub const FULL_ROUNDS: usize = 8;
/// Rounds with an S-box on the first element only.
pub const PARTIAL_ROUNDS: usize = 56;

/// Constants added to the state at the start of each round.
pub static ROUND_CONSTANTS: LazyLock<Vec<[Fp; WIDTH]>> = LazyLock::new(|| constants().0);
/// The matrix that the state is multiplied by at the end of each round.
pub static MDS: LazyLock<[[Fp; WIDTH]; WIDTH]> = LazyLock::new(|| constants().1);

fn constants() -> (Vec<[Fp; WIDTH]>, [[Fp; WIDTH]; WIDTH]) {
    let (rounds, mds, _) = <P128Pow5T3 as Spec<Fp, WIDTH, 2>>::constants();
    (rounds, mds)
}

/// How many elements go through the S-box in a round.
pub fn sboxes(round: usize) -> usize {
    let partial = FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS;
    if partial.contains(&round) { 1 } else { WIDTH }
}

/// Permutes a state.
pub fn permute(state: &mut [Fp; WIDTH]) {
    for (round, constants) in ROUND_CONSTANTS.iter().enumerate() {
        for (element, constant) in state.iter_mut().zip(constants) {
            *element += constant;
        }
        for element in &mut state[..sboxes(round)] {
            *element *= element.square().square();
        }
        *state = MDS.map(|row| {
            row.iter()
                .zip(&*state)
                .map(|(factor, element)| *factor * element)
                .sum()
        });
    }
}
