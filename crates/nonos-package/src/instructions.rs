//! Which wasm modules a capsule may be: the instruction set, and what of a module's structure it may use.
//!
//! The operators are those that [`fuel::cost`] prices. Of the structure: functions, one memory of at
//! most [`limits::PAGES`], globals with constant values, active data segments inside of the initial memory,
//! imports of the host ABI only. A table may be declared, since toolchains do, but nothing can use it.
//! Custom sections carry no meaning.

use crate::{
    abi::{self, HostCall},
    fuel, limits,
};
use nonos_types::{Fault, Pages, ValueType};
use std::collections::BTreeMap;
use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, ConstExpr, DataKind, Encoding, ExternalKind, FuncType,
    FunctionBody, Operator, Parser, Payload, TableInit, TypeRef, ValType, ValidPayload, Validator,
    WasmFeatures,
};

/// The parameters and the result of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Types of the parameters.
    pub params: Vec<ValueType>,
    /// Type of the result, if any.
    pub result: Option<ValueType>,
}

/// A function that the module exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Function index, imported functions counted.
    pub function: u32,
    /// Its type.
    pub signature: Signature,
}

/// What a checked module declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The imported host calls, by function index.
    pub imports: Vec<HostCall>,
    /// Exported functions, by name.
    pub exports: BTreeMap<String, Export>,
    /// Memory at the start; 0 if there is none.
    pub pages: Pages,
    /// Memory the module itself allows, at most [`limits::PAGES`].
    pub max_pages: Pages,
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

/// The wasm features of capsules. `BULK_MEMORY` is among them for the data count section that toolchains
/// write; its operators are outside of the instruction set.
pub fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL | WasmFeatures::SIGN_EXTENSION | WasmFeatures::BULK_MEMORY
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

fn signature(function: &FuncType) -> Option<Signature> {
    let integer = |ty: &ValType| match ty {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        _ => None,
    };
    let params = function.params().iter().map(integer).collect::<Option<_>>()?;
    match function.results() {
        [] => Some(Signature { params, result: None }),
        [result] => Some(Signature {
            params,
            result: Some(integer(result)?),
        }),
        _ => None,
    }
}

/// The first pass, which names what is not allowed. It trusts nothing: validation comes after it.
#[derive(Default)]
struct Walk {
    module: Module,
    /// By type index; `None` for a type that no capsule function has.
    types: Vec<Option<Signature>>,
    /// Type index of each function.
    functions: Vec<u32>,
    bodies: u32,
    operators: u32,
    memories: u32,
}

impl Walk {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        let structure = |what, offset| Err(Error::Structure { offset, what });
        match payload {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            }
            | Payload::End(_) => Ok(()),
            Payload::TypeSection(types) => types.into_iter_with_offsets().try_for_each(|group| {
                let (offset, group) = group.map_err(invalid)?;
                self.types(group, offset)
            }),
            Payload::ImportSection(imports) => imports.into_iter_with_offsets().try_for_each(|import| {
                let (offset, import) = import.map_err(invalid)?;
                self.import(import, offset)
            }),
            Payload::FunctionSection(functions) => {
                let count = u64::from(functions.count()) + self.functions.len() as u64;
                at_most(
                    count,
                    u64::from(limits::FUNCTIONS),
                    "functions",
                    functions.range().start,
                )?;
                for ty in functions {
                    self.functions.push(ty.map_err(invalid)?);
                }
                Ok(())
            }
            Payload::TableSection(tables) => {
                at_most(u64::from(tables.count()), 1, "tables", tables.range().start)?;
                for table in tables.into_iter_with_offsets() {
                    let (offset, table) = table.map_err(invalid)?;
                    at_most(table.ty.initial, limits::TABLE, "entries of a table", offset)?;
                    if !matches!(table.init, TableInit::RefNull) {
                        return structure("a table with a value", offset);
                    }
                }
                Ok(())
            }
            Payload::MemorySection(memories) => {
                self.memories = memories.count();
                at_most(u64::from(self.memories), 1, "memories", memories.range().start)?;
                for memory in memories.into_iter_with_offsets() {
                    let (offset, memory) = memory.map_err(invalid)?;
                    if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
                        return structure("a memory that is 64-bit, shared or of another page size", offset);
                    }
                    let limit = limits::PAGES.get();
                    at_most(memory.initial, u64::from(limit), "pages of memory", offset)?;
                    let clamp = |pages: u64| Pages::new(u32::try_from(pages).unwrap_or(limit).min(limit));
                    self.module.pages = clamp(memory.initial);
                    self.module.max_pages = clamp(memory.maximum.unwrap_or(u64::MAX));
                }
                Ok(())
            }
            Payload::GlobalSection(globals) => {
                let start = globals.range().start;
                at_most(
                    u64::from(globals.count()),
                    u64::from(limits::GLOBALS),
                    "globals",
                    start,
                )?;
                for global in globals.into_iter_with_offsets() {
                    let (offset, global) = global.map_err(invalid)?;
                    constant(&global.init_expr, offset)?;
                }
                Ok(())
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(invalid)?;
                    if export.kind == ExternalKind::Func {
                        self.export(export.name, export.index);
                    }
                }
                Ok(())
            }
            Payload::StartSection { range, .. } => structure("a start function", range.start),
            Payload::ElementSection(elements) if elements.count() == 0 => Ok(()),
            Payload::ElementSection(elements) => structure("an element segment", elements.range().start),
            Payload::DataCountSection { .. } => Ok(()),
            Payload::DataSection(data) => {
                let start = data.range().start;
                at_most(
                    u64::from(data.count()),
                    u64::from(limits::DATA_SEGMENTS),
                    "data segments",
                    start,
                )?;
                for segment in data.into_iter_with_offsets() {
                    let (offset, segment) = segment.map_err(invalid)?;
                    self.data(&segment, offset)?;
                }
                Ok(())
            }
            Payload::CodeSectionStart { .. } => Ok(()),
            Payload::CodeSectionEntry(body) => self.body(&body),
            Payload::CustomSection(_) => Ok(()),
            Payload::TagSection(tags) => structure("an exception tag", tags.range().start),
            Payload::UnknownSection { range, .. } => structure("an unknown section", range.start),
            other => structure(
                "a component",
                other.as_section().map_or(0, |(_, range)| range.start),
            ),
        }
    }

    fn types(&mut self, group: wasmparser::RecGroup, offset: usize) -> Result<(), Error> {
        for ty in group.types() {
            at_most(
                self.types.len() as u64 + 1,
                u64::from(limits::FUNCTIONS),
                "types",
                offset,
            )?;
            let CompositeInnerType::Func(function) = &ty.composite_type.inner else {
                return Err(Error::Structure {
                    offset,
                    what: "a type that is not a function's",
                });
            };
            let params = function.params().len() as u64;
            at_most(
                params,
                limits::PARAMETERS as u64,
                "parameters of a function",
                offset,
            )?;
            self.types.push(signature(function));
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>, offset: usize) -> Result<(), Error> {
        let unknown = || Error::Import {
            offset,
            module: import.module.to_owned(),
            name: import.name.to_owned(),
        };
        if import.module != abi::MODULE {
            return Err(unknown());
        }
        let call = HostCall::from_name(import.name).ok_or_else(unknown)?;
        let TypeRef::Func(ty) = import.ty else {
            return Err(Error::ImportType { offset, call });
        };
        let fits = self
            .types
            .get(ty as usize)
            .and_then(Option::as_ref)
            .is_some_and(|signature| signature.params == call.params() && signature.result == call.result());
        if !fits {
            return Err(Error::ImportType { offset, call });
        }
        self.functions.push(ty);
        self.module.imports.push(call);
        at_most(
            self.functions.len() as u64,
            u64::from(limits::FUNCTIONS),
            "functions",
            offset,
        )
    }

    fn export(&mut self, name: &str, function: u32) {
        let signature = self
            .functions
            .get(function as usize)
            .and_then(|ty| self.types.get(*ty as usize)?.clone());
        // One without a signature is refused by a later pass.
        if let Some(signature) = signature {
            self.module
                .exports
                .insert(name.to_owned(), Export { function, signature });
        }
    }

    fn data(&self, segment: &wasmparser::Data<'_>, offset: usize) -> Result<(), Error> {
        let DataKind::Active {
            memory_index: 0,
            offset_expr,
        } = &segment.kind
        else {
            return Err(Error::Structure {
                offset,
                what: "a data segment that is not active in memory 0",
            });
        };
        let start = match constant(offset_expr, offset)? {
            Constant::I32(start) => u64::from(start),
            Constant::I64 => {
                return Err(Error::Structure {
                    offset,
                    what: "a 64-bit data offset",
                });
            }
        };
        if start + segment.data.len() as u64 > self.module.pages.bytes().get() {
            return Err(Error::DataOutOfBounds { offset });
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), Error> {
        let function = u32::try_from(self.module.imports.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.bodies);
        self.bodies += 1;
        for op in body
            .get_operators_reader()
            .map_err(invalid)?
            .into_iter_with_offsets()
        {
            let (op, offset) = op.map_err(invalid)?;
            self.operators += 1;
            at_most(
                u64::from(self.operators),
                u64::from(limits::OPERATORS),
                "operators",
                offset,
            )?;
            if fuel::cost(&op, &self.module.imports).is_none() {
                return Err(Error::Opcode {
                    function,
                    offset,
                    opcode: opcode(&op),
                });
            }
            if let Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } = op
                && let BlockType::FuncType(_) = blockty
            {
                return Err(Error::Structure {
                    offset,
                    what: "a block with parameters or several results",
                });
            }
        }
        fuel::charges(body, &self.module.imports)
            .map(drop)
            .map_err(|error| match error {
                fuel::Error::BlockTooLong { offset } => Error::Limit {
                    offset,
                    what: "fuel in one block",
                    limit: u64::from(u16::MAX),
                },
                fuel::Error::Unpriced { offset, opcode } => Error::Opcode {
                    function,
                    offset,
                    opcode,
                },
                fuel::Error::Malformed { offset, detail } => Error::Invalid { offset, detail },
            })
    }
}

enum Constant {
    I32(u32),
    I64,
}

/// The value of an initialiser: exactly one constant.
fn constant(expression: &ConstExpr<'_>, offset: usize) -> Result<Constant, Error> {
    let mut ops = expression.get_operators_reader();
    let value = match ops.read().map_err(invalid)? {
        Operator::I32Const { value } => Constant::I32(value.cast_unsigned()),
        Operator::I64Const { .. } => Constant::I64,
        _ => {
            return Err(Error::Structure {
                offset,
                what: "an initialiser other than an integer constant",
            });
        }
    };
    match ops.read().map_err(invalid)? {
        Operator::End => Ok(value),
        _ => Err(Error::Structure {
            offset,
            what: "an initialiser other than an integer constant",
        }),
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
