//! A proof object that decodes has exactly the bytes it was decoded from.

use nonos_verify::ProofObject;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    if let Ok(object) = ProofObject::decode(bytes) {
        assert_eq!(object.encode().as_deref(), Ok(bytes));
    }
}
