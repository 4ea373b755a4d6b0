//! The readers of what a node keeps and exports about itself: entries of its feed, snapshots of its machine. What they
//! accept has these bytes and no others.

use nonos_depin::Entry;
use nonos_state::Snapshot;
use nonos_types::Payload;

fn payload<P: Payload>(bytes: &[u8]) {
    if let Ok(value) = P::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes);
    }
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    match bytes.split_first() {
        Some((0, bytes)) => payload::<Entry>(bytes),
        Some((1, bytes)) => payload::<Snapshot>(bytes),
        _ => {}
    }
}
