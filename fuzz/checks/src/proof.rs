//! A proof object that decodes has exactly the bytes it was decoded from, and so has a file with a receipt.

use nonos_verify::{ProofObject, ReceiptFile};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(object) = ProofObject::decode(bytes) {
        assert_eq!(object.encode().as_deref(), Ok(bytes));
    }
    if let Ok(file) = ReceiptFile::from_bytes(bytes) {
        assert_eq!(file.to_bytes(), bytes);
    }
}
