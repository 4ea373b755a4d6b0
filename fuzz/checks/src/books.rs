//! The readers of what a node keeps and exports about itself: entries of its feed, batches of them and the statements of
//! their chunks, snapshots of its machine, who has shown it a node. What they accept has these bytes and no others.

use nonos_depin::{Batch, Entry, rollup::RollupStatement};
use nonos_mesh::core::Seen;
use nonos_state::Snapshot;
use nonos_types::Payload;
use nonos_verify::{Public, Statement as _};

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
        Some((2, bytes)) => payload::<Batch>(bytes),
        Some((3, bytes)) => {
            if let Ok(statement) = RollupStatement::decode(&Public::new(bytes)) {
                assert_eq!(statement.bytes(), bytes);
            }
        }
        Some((4, bytes)) => {
            if let Some(seen) = Seen::from_bytes(bytes) {
                assert_eq!(seen.to_bytes(), bytes);
            }
        }
        _ => {}
    }
}
