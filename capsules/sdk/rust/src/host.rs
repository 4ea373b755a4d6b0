//! The host calls as they are imported (`docs/spec/abi.md`); elsewhere than on wasm32, the mock's.

#[cfg(target_arch = "wasm32")]
mod calls {
    // What these declare is what the host ABI says; a module that imports another type is refused when it is packed. None of
    // them touches memory, so calling them is safe.
    #[expect(unsafe_code, reason = "imports")]
    #[link(wasm_import_module = "nonos")]
    unsafe extern "C" {
        /// Length of an input tape in bytes.
        pub safe fn len(tape: i32) -> i64;
        /// Next eight bytes of an input tape, little-endian, padded with zeros; 0 past the end.
        pub safe fn read(tape: i32) -> i64;
        /// Appends eight bytes, little-endian, to an output tape.
        pub safe fn write(tape: i32, word: i64);
        /// States the exact length of an output tape in bytes.
        pub safe fn commit_len(tape: i32, bytes: i64);
        /// Marks a point where two runs are compared.
        pub safe fn checkpoint();
        /// Ends the run with a code.
        pub safe fn exit(code: i32);
    }
}

#[cfg(target_arch = "wasm32")]
pub use calls::{checkpoint, commit_len, exit, len, read, write};

#[cfg(not(target_arch = "wasm32"))]
pub use crate::mock::{checkpoint, commit_len, exit, len, read, write};
