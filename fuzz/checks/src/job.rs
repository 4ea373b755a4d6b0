//! The reader of segment jobs, which helpers get from whoever asks them: what it accepts has these bytes and no others.

use nonos_verify_stark::SegmentJob;

/// Checks one input.
///
/// # Panics
/// If the reader is wrong.
pub fn check(bytes: &[u8]) {
    if let Ok(job) = SegmentJob::from_bytes(bytes) {
        assert_eq!(job.to_bytes(), bytes);
    }
}
