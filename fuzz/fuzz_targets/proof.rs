//! A proof object that decodes has exactly the bytes it was decoded from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nonos_verify::ProofObject;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(object) = ProofObject::decode(bytes) {
        assert_eq!(object.encode().as_deref(), Ok(bytes));
    }
});
