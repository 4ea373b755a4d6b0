//! Which wasm modules a capsule may be: the instruction set, and what of a module's structure it may use.
//!
//! The operators are those that [`fuel::cost`](crate::fuel::cost) prices. Of the structure: functions, a start
//! function, one memory of at most [`limits::PAGES`], tables of references, globals with constant values, data
//! and element segments of every kind, the active ones inside of the initial memory and tables, imports of the
//! host ABI only. Custom sections carry no meaning.

mod walk;

use crate::{abi::HostCall, limits};
use nonos_types::{Fault, Pages, ValueType};
use std::collections::BTreeMap;
use walk::Walk;
use wasmparser::{BinaryReaderError, Operator, Parser, ValidPayload, Validator, WasmFeatures};

/// The parameters and the results of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Types of the parameters.
    pub params: Vec<ValueType>,
    /// Types of the results.
    pub results: Vec<ValueType>,
}

/// A function that the module exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Function index, imported functions counted.
    pub function: u32,
    /// Its type.
    pub signature: Signature,
}

/// How many entries a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// At the start.
    pub initial: u32,
    /// At most: what the module declares, or [`limits::TABLE`] if that is less. To grow further fails.
    pub limit: u32,
}

/// What a checked module declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The imported host calls, by function index.
    pub imports: Vec<HostCall>,
    /// The exported functions that an entry can be, by name: those of integers only.
    pub exports: BTreeMap<String, Export>,
    /// Memory at the start; 0 if there is none.
    pub pages: Pages,
    /// Memory the module itself allows, at most [`limits::PAGES`].
    pub max_pages: Pages,
    /// The tables, by index.
    pub tables: Vec<Table>,
    /// The function that is called before the entry, imported functions counted.
    pub start: Option<u32>,
}

/// Why a module cannot be a capsule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operator outside of the instruction set.
    #[error("function {function}, offset {offset:#x}: `{opcode}` is outside of the instruction set")]
    Opcode {
        /// Function index, imported functions counted.
        function: u32,
        /// Byte offset in the module.
        offset: usize,
        /// The operator's wasm name.
        opcode: String,
    },
    /// A part of a module that capsules may not have.
    #[error("offset {offset:#x}: {what} is not supported")]
    Structure {
        /// Byte offset in the module.
        offset: usize,
        /// The part.
        what: &'static str,
    },
    /// An import outside of the host ABI.
    #[error("offset {offset:#x}: import `{module}.{name}` is not in the host ABI")]
    Import {
        /// Byte offset in the module.
        offset: usize,
        /// Import module.
        module: String,
        /// Import name.
        name: String,
    },
    /// A host call imported with another type than it has.
    #[error("offset {offset:#x}: host call `{call}` is imported with a wrong type")]
    ImportType {
        /// Byte offset in the module.
        offset: usize,
        /// The host call.
        call: HostCall,
    },
    /// More of something than [`limits`] allow.
    #[error("offset {offset:#x}: more than {limit} {what}")]
    Limit {
        /// Byte offset in the module.
        offset: usize,
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// A data segment that does not fit into the initial memory.
    #[error("offset {offset:#x}: data segment is outside of the initial memory")]
    DataOutOfBounds {
        /// Byte offset in the module.
        offset: usize,
    },
    /// An active element segment that does not fit into its initial table.
    #[error("offset {offset:#x}: element segment is outside of the initial table")]
    ElementsOutOfBounds {
        /// Byte offset in the module.
        offset: usize,
    },
    /// Not valid wasm.
    #[error("offset {offset:#x}: invalid module: {detail}")]
    Invalid {
        /// Byte offset in the module.
        offset: usize,
        /// What is wrong.
        detail: String,
    },
}

impl Error {
    /// Who has to act: always who made the module.
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// The wasm features of capsules.
pub fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::REFERENCE_TYPES
        // Not the proposal: without it, the validator takes `externref` for a collected type.
        | WasmFeatures::GC_TYPES
        | WasmFeatures::TAIL_CALL
}

/// Checks that `wasm` can be a capsule and returns what it declares.
///
/// # Errors
///
/// [`Error`] names the first thing that a capsule may not have.
///
/// ```
/// use nonos_package::instructions::{self, Error};
/// let wasm = wat::parse_str("(module (func (result f32) f32.const 1 f32.sqrt))")?;
/// let Err(Error::Opcode { function: 0, opcode, .. }) = instructions::check(&wasm) else { panic!() };
/// assert_eq!(opcode, "f32.const");
/// # Ok::<_, wat::Error>(())
/// ```
pub fn check(wasm: &[u8]) -> Result<Module, Error> {
    at_most(wasm.len() as u64, limits::MODULE_BYTES as u64, "bytes of wasm", 0)?;
    let mut walk = Walk::default();
    for payload in Parser::new(0).parse_all(wasm) {
        walk.payload(payload.map_err(invalid)?)?;
    }
    validate(wasm)?;
    Ok(walk.module)
}

/// The wasm name of an operator, such as `i64.div_u`.
pub fn opcode(op: &Operator<'_>) -> String {
    macro_rules! visitor_names {
        ($(@$proposal:ident $op:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
            match op {
                $(Operator::$op { .. } => stringify!($visit),)*
                _ => "visit_unknown",
            }
        };
    }
    const FAMILIES: [&str; 16] = [
        "i32", "i64", "f32", "f64", "v128", "i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2", "local",
        "global", "memory", "table", "ref",
    ];
    let name = wasmparser::for_each_operator!(visitor_names).trim_start_matches("visit_");
    match name.split_once('_') {
        Some((family, rest)) if FAMILIES.contains(&family) => format!("{family}.{rest}"),
        _ => name.to_owned(),
    }
}

fn invalid(error: BinaryReaderError) -> Error {
    Error::Invalid {
        offset: error.offset(),
        detail: error.message().to_owned(),
    }
}

fn at_most(count: u64, limit: u64, what: &'static str, offset: usize) -> Result<(), Error> {
    if count > limit {
        Err(Error::Limit { offset, what, limit })
    } else {
        Ok(())
    }
}

/// The second pass: wasm validation with the capsules' features, and limits on each function's frame.
fn validate(wasm: &[u8]) -> Result<(), Error> {
    let mut validator = Validator::new_with_features(features());
    let mut parser = Parser::new(0);
    parser.set_features(features());
    for payload in parser.parse_all(wasm) {
        let payload = payload.map_err(invalid)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(invalid)? {
            let mut function = function.into_validator(Default::default());
            let mut reader = body.get_binary_reader();
            reader.set_features(features());
            function.read_locals(&mut reader).map_err(invalid)?;
            let start = reader.original_position();
            let locals = u64::from(function.len_locals());
            at_most(locals, u64::from(limits::LOCALS), "locals of a function", start)?;
            while !reader.eof() {
                let offset = reader.original_position();
                let op = reader.read_operator().map_err(invalid)?;
                function.op(offset, &op).map_err(invalid)?;
                let height = u64::from(function.operand_stack_height());
                at_most(
                    height,
                    u64::from(limits::OPERANDS),
                    "values on the operand stack",
                    offset,
                )?;
                let depth = u64::from(function.control_stack_height());
                at_most(depth, u64::from(limits::NESTING), "nested blocks", offset)?;
            }
            function.finish(reader.original_position()).map_err(invalid)?;
        }
    }
    Ok(())
}
