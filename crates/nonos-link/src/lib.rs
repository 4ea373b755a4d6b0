//! What makes a compiler's module one that can be packed as a capsule: text becomes bytes, what depends on where it was
//! compiled is cut off, and calls of WASI are bound to functions over the tapes.
//!
//! ```
//! use nonos_link::{assemble, link};
//! use nonos_package::instructions;
//!
//! // A program for WASI: it writes to its standard output.
//! let wasm = assemble(
//!     r#"(module
//!          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
//!          (memory (export "memory") 1)
//!          (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
//!          (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))"#,
//! )?;
//! assert!(instructions::check(&wasm).is_err());
//!
//! let linked = link(&wasm)?.ok_or("it imports WASI")?;
//! instructions::check(&linked.wasm)?;
//! assert_eq!(linked.replaced, ["fd_write"]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//! It compiles nothing and packs nothing. What it links in is part of the module, so that a proof covers it: nobody has to
//! trust it. Whoever runs or verifies a capsule does without this crate.
//!
//! # The types to know
//! - [`link`] binds the imports of `wasi_snapshot_preview1`; `docs/spec/wasi.md` says what each does.
//! - [`strip`] cuts off custom sections: names, producers, what debuggers read.
//! - [`assemble`] reads the text format.
//!
//! # Errors
//! [`Error`]; who has to act is always whoever made the module.
#![forbid(unsafe_code)]

mod error;
mod module;
mod names;
mod shim;
mod strip;
mod wasi;

pub use crate::{
    error::Error,
    strip::{Names, strip},
    wasi::{ENTRY, Linked, MODULE, link},
};

/// The bytes of a module in the text format.
///
/// # Errors
/// [`Error::Text`], with line and column.
///
/// ```
/// let wasm = nonos_link::assemble("(module (func))")?;
/// assert_eq!(&wasm[..4], b"\0asm");
/// let error = nonos_link::assemble("(module (fnuc))").expect_err("no such keyword");
/// assert!(error.to_string().contains("1:10"), "{error}");
/// # Ok::<_, nonos_link::Error>(())
/// ```
pub fn assemble(text: &str) -> Result<Vec<u8>, Error> {
    wat::parse_str(text).map_err(|error| Error::Text {
        detail: error.to_string(),
    })
}
