//! What a cell is changed to.

use nonos_machine::air::Range;

/// The 31-bit field that a proof system may use.
pub(crate) const KOALA_BEAR: u64 = (1 << 31) - (1 << 24) + 1;

/// A number that depends on a place and on nothing else.
pub(super) fn noise(seed: [usize; 4]) -> u64 {
    seed.into_iter().fold(0, |sum: u64, part| {
        let mut z = sum.wrapping_add(part as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    })
}

/// Other values of a cell that holds `v`, modulo `order`; `next` is what the cell below holds.
pub(super) fn others(v: u64, next: u64, order: u64, random: u64) -> Vec<u64> {
    let more = |by: u64| ((u128::from(v) + u128::from(by)) % u128::from(order)) as u64;
    let v = v % order;
    let mut all = vec![
        more(1),
        more(order - 1),
        // What stands for the same limb, or the same byte, of a sum.
        more(1 << 16),
        more(1 << 8),
        more(order - (1 << 16)),
        more(order - (1 << 8)),
        // What stands for the same number in a smaller field.
        more(KOALA_BEAR),
        (order - v) % order,
        (1 + order - v) % order,
        0,
        v ^ 0x80,
        random % (1 << 8),
        random % (1 << 16),
        random % order,
        next % order,
    ];
    all.sort_unstable();
    all.dedup();
    all.retain(|other| *other != v);
    all
}

/// Whether a column's range allows a value.
pub(super) fn is_in_range(range: Range, v: u64, order: u64) -> bool {
    match range {
        Range::Bit => v < 2,
        Range::U8 => v < 1 << 8,
        Range::U16 | Range::Moved => v < 1 << 16,
        Range::Derived { lo, hi, .. } => {
            let nearest = if v > order / 2 {
                v.cast_signed() - order.cast_signed()
            } else {
                v.cast_signed()
            };
            (lo..=hi).contains(&nearest)
        }
        Range::Inverse => true,
    }
}
