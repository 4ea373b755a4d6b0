//! Who imports nothing of WASI is left alone.

use arbitrary::{Arbitrary, Unstructured};
use nonos_link::link;
use proptest::{collection::vec, prelude::*};
use wasm_smith::Module;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_module_without_wasi_is_unchanged(seed in vec(any::<u8>(), 0..4096)) {
        if let Ok(module) = Module::arbitrary(&mut Unstructured::new(&seed)) {
            prop_assert_eq!(link(&module.to_bytes()), Ok(None));
        }
    }

    #[test]
    fn bytes_that_are_anything_are_refused_or_unchanged(bytes in vec(any::<u8>(), 0..256)) {
        let wasm = [&b"\0asm\x01\0\0\0"[..], &bytes].concat();
        prop_assert!(!matches!(link(&wasm), Ok(Some(_))));
    }
}
