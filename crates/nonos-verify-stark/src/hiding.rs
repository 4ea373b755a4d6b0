//! What makes a proof show nothing of the tables: randomness, and blinded sums.
//!
//! Plonky3's hiding commitments mask tables, quotients and openings, and salt the leaves. They need tables with more rows
//! than are opened of them, at least `2·(queries + 2·degree)`: [`HIDING_MIN_LOG`](crate::config::HIDING_MIN_LOG).
//!
//! They publish the sum of each table's messages as it is, which confirms a guess of the table. So every table gets
//! columns for a bus of its own: it sends one message of random elements in its first row and takes the one of the table
//! before it in its second, around a ring. Each table's sum is then uniform among those that cancel.

use nonos_verify::Seed;
use p3_air::WindowAccess;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::config::Val;
use crate::trace::Tables;

/// Elements of a message: as many as the degree of the largest field of challenges, so that what it is compressed to
/// is uniform in that field.
const WIDTH: usize = 5;
/// Columns that every table of a hiding proof has behind its own: a message, and how often it is sent.
pub(crate) const COLUMNS: usize = WIDTH + 1;

/// The randomness of one proof.
pub(crate) struct Masks([u8; 32]);

impl Masks {
    /// That of the tables which the verifier writes: there is nothing to hide, and it must come to the same commitment.
    pub(crate) const PUBLIC: Self = Self([0; 32]);

    pub(crate) fn new(seed: Seed) -> Self {
        Self(seed.into_bytes())
    }

    /// A generator for one purpose.
    pub(crate) fn stream(&self, purpose: u64) -> ChaCha20Rng {
        let mut rng = ChaCha20Rng::from_seed(self.0);
        rng.set_stream(purpose);
        rng
    }

    /// Adds the columns of the ring to tables that have none.
    pub(crate) fn blind(&self, tables: &mut Tables) {
        let mut rng = self.stream(4);
        let mut message = || std::array::from_fn::<_, WIDTH, _>(|_| element(&mut rng));
        let first = message();
        let mut before = first;
        let mut used = tables.iter_mut().flatten().peekable();
        while let Some(table) = used.next() {
            let own = if used.peek().is_some() { message() } else { first };
            *table = blinded(table, &own, &before);
            before = own;
        }
    }
}

/// A uniform element.
fn element(rng: &mut ChaCha20Rng) -> Val {
    loop {
        let candidate = rng.next_u32() >> 1;
        if candidate < Val::ORDER_U32 {
            return Val::from_u32(candidate);
        }
    }
}

fn blinded(table: &RowMajorMatrix<Val>, own: &[Val], before: &[Val]) -> RowMajorMatrix<Val> {
    let width = table.width + COLUMNS;
    let mut cells = Vec::with_capacity(table.values.len() / table.width * width);
    let rings = [(own, Val::ONE), (before, -Val::ONE)];
    let rest = (&[Val::ZERO; WIDTH][..], Val::ZERO);
    let rings = rings.into_iter().chain(std::iter::repeat(rest));
    for (row, (message, count)) in table.values.chunks(table.width).zip(rings) {
        cells.extend_from_slice(row);
        cells.extend_from_slice(message);
        cells.push(count);
    }
    RowMajorMatrix::new(cells, width)
}

/// The columns behind the first `width` on the bus of the ring. Nothing else is on it, so a message of any count is
/// sound: it has to cancel with others of the ring.
pub(crate) fn eval<AB: InteractionBuilder<F = Val>>(b: &mut AB, width: usize) {
    let main = b.main();
    let mut cells = main.current_slice()[width..].iter().map(|cell| (*cell).into());
    let message: Vec<AB::Expr> = cells.by_ref().take(WIDTH).collect();
    let count = cells.next().expect("the columns of the ring");
    b.push_interaction("blind", message, Count::provided(count));
}
