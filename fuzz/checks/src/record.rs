//! The readers of records and their parts: what they accept has these bytes and no others.

use nonos_types::{Attested, ExecutionRecord, Payload as _, Proven};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(record) = ExecutionRecord::from_bytes(bytes) {
        assert_eq!(record.to_bytes(), bytes);
        let parts = (record.proven.to_bytes(), record.attested.to_bytes());
        assert_eq!(Proven::from_bytes(&parts.0).as_ref(), Ok(&record.proven));
        assert_eq!(Attested::from_bytes(&parts.1).as_ref(), Ok(&record.attested));
    }
    if let Ok(proven) = Proven::from_bytes(bytes) {
        assert_eq!(proven.to_bytes(), bytes);
    }
    if let Ok(attested) = Attested::from_bytes(bytes) {
        assert_eq!(attested.to_bytes(), bytes);
    }
}
