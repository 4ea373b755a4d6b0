//! Cutting off what means nothing to a run.

use wasm_encoder::{Module, RawSection};
use wasmparser::{Parser, Payload};

use crate::Error;

/// What becomes of the names of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// They stay: profiles show them.
    Keep,
    /// They go.
    Strip,
}

/// The module without its custom sections, but for names that are kept. What is left is what it was, byte by byte.
///
/// # Errors
/// [`Error::Malformed`].
pub fn strip(wasm: &[u8], names: Names) -> Result<Vec<u8>, Error> {
    let mut out = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let is_cut = match &payload {
            Payload::CustomSection(section) => names == Names::Strip || section.name() != "name",
            _ => false,
        };
        if let (Some((id, range)), false) = (payload.as_section(), is_cut) {
            out.section(&RawSection {
                id,
                data: &wasm[range],
            });
        }
    }
    Ok(out.finish())
}
