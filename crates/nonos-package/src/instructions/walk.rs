//! The first pass, which names what is not allowed.

use super::{Error, Export, Module, Signature, Table, at_most, invalid, opcode};
use crate::{
    abi::{self, HostCall},
    fuel, limits,
};
use nonos_types::{Pages, ValueType};
use wasmparser::{
    CompositeInnerType, ConstExpr, Data, DataKind, Element, ElementItems, ElementKind, Encoding,
    ExternalKind, FuncType, FunctionBody, Import, Operator, Payload, RecGroup, SectionLimited, TableInit,
    TypeRef, ValType,
};

/// Goes over a module once. It trusts nothing: validation comes after it.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) module: Module,
    /// By type index; `None` for a type that is not of integers only.
    types: Vec<Option<Signature>>,
    /// Type index of each function.
    functions: Vec<u32>,
    bodies: u32,
    operators: u32,
    /// Entries of all tables at their limits.
    entries: u64,
    /// Entries of all element segments.
    elements: u64,
}

impl Walk {
    pub(super) fn payload(&mut self, payload: Payload<'_>) -> Result<(), Error> {
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
            Payload::TableSection(tables) => self.tables(tables),
            Payload::MemorySection(memories) => {
                let start = memories.range().start;
                at_most(u64::from(memories.count()), 1, "memories", start)?;
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
            Payload::StartSection { func, .. } => {
                self.module.start = Some(func);
                Ok(())
            }
            Payload::ElementSection(elements) => {
                let (count, start) = (u64::from(elements.count()), elements.range().start);
                at_most(
                    count,
                    u64::from(limits::ELEMENT_SEGMENTS),
                    "element segments",
                    start,
                )?;
                elements.into_iter_with_offsets().try_for_each(|segment| {
                    let (offset, segment) = segment.map_err(invalid)?;
                    self.elements(segment, offset)
                })
            }
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

    fn types(&mut self, group: RecGroup, offset: usize) -> Result<(), Error> {
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
            let results = function.results().len() as u64;
            at_most(results, limits::RESULTS as u64, "results of a function", offset)?;
            self.types.push(signature(function));
        }
        Ok(())
    }

    fn import(&mut self, import: Import<'_>, offset: usize) -> Result<(), Error> {
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
            .is_some_and(|signature| {
                signature.params == call.params() && signature.results == call.result().as_slice()
            });
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
        // One without a signature is no entry.
        if let Some(signature) = signature {
            self.module
                .exports
                .insert(name.to_owned(), Export { function, signature });
        }
    }

    fn tables(&mut self, tables: SectionLimited<'_, wasmparser::Table<'_>>) -> Result<(), Error> {
        let (count, start) = (u64::from(tables.count()), tables.range().start);
        at_most(count, limits::TABLES as u64, "tables", start)?;
        for table in tables.into_iter_with_offsets() {
            let (offset, table) = table.map_err(invalid)?;
            let structure = |what| Err(Error::Structure { offset, what });
            if table.ty.table64 || table.ty.shared {
                return structure("a table that is 64-bit or shared");
            }
            if !matches!(table.init, TableInit::RefNull) {
                return structure("a table with a value");
            }
            let most = limits::TABLE;
            at_most(table.ty.initial, most, "entries of a table", offset)?;
            let clamp = |entries: u64| entries.min(most) as u32;
            let table = Table {
                initial: clamp(table.ty.initial),
                limit: clamp(table.ty.maximum.unwrap_or(u64::MAX)),
            };
            self.entries += u64::from(table.limit);
            let all = u64::from(limits::TABLE_ENTRIES);
            at_most(self.entries, all, "entries of all tables", offset)?;
            self.module.tables.push(table);
        }
        Ok(())
    }

    fn elements(&mut self, segment: Element<'_>, offset: usize) -> Result<(), Error> {
        let count = match &segment.items {
            ElementItems::Functions(functions) => u64::from(functions.count()),
            ElementItems::Expressions(_, expressions) => u64::from(expressions.count()),
        };
        self.elements += count;
        let all = u64::from(limits::ELEMENTS);
        at_most(self.elements, all, "entries of element segments", offset)?;
        if let ElementItems::Expressions(_, expressions) = segment.items {
            for expression in expressions {
                constant(&expression.map_err(invalid)?, offset)?;
            }
        }
        if let ElementKind::Active {
            table_index,
            offset_expr,
        } = &segment.kind
        {
            let table = self.module.tables.get(table_index.unwrap_or(0) as usize);
            let size = table.map_or(0, |table| u64::from(table.initial));
            if start(offset_expr, offset)? + count > size {
                return Err(Error::ElementsOutOfBounds { offset });
            }
        }
        Ok(())
    }

    fn data(&self, segment: &Data<'_>, offset: usize) -> Result<(), Error> {
        match &segment.kind {
            DataKind::Passive => Ok(()),
            DataKind::Active {
                memory_index: 0,
                offset_expr,
            } => {
                let end = start(offset_expr, offset)? + segment.data.len() as u64;
                if end > self.module.pages.bytes().get() {
                    return Err(Error::DataOutOfBounds { offset });
                }
                Ok(())
            }
            DataKind::Active { .. } => Err(Error::Structure {
                offset,
                what: "a data segment in a memory other than 0",
            }),
        }
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
    Reference,
}

/// The value of an initialiser: exactly one constant.
fn constant(expression: &ConstExpr<'_>, offset: usize) -> Result<Constant, Error> {
    let other = Err(Error::Structure {
        offset,
        what: "an initialiser other than one constant",
    });
    let mut ops = expression.get_operators_reader();
    let value = match ops.read().map_err(invalid)? {
        Operator::I32Const { value } => Constant::I32(value.cast_unsigned()),
        Operator::I64Const { .. } => Constant::I64,
        Operator::RefNull { .. } | Operator::RefFunc { .. } => Constant::Reference,
        _ => return other,
    };
    match ops.read().map_err(invalid)? {
        Operator::End => Ok(value),
        _ => other,
    }
}

/// Where an active segment goes.
fn start(expression: &ConstExpr<'_>, offset: usize) -> Result<u64, Error> {
    match constant(expression, offset)? {
        Constant::I32(start) => Ok(u64::from(start)),
        Constant::I64 | Constant::Reference => Err(Error::Structure {
            offset,
            what: "a segment whose place is not a 32-bit constant",
        }),
    }
}

/// The signature of a function of integers.
fn signature(function: &FuncType) -> Option<Signature> {
    let integers = |types: &[ValType]| types.iter().map(integer).collect::<Option<Vec<_>>>();
    Some(Signature {
        params: integers(function.params())?,
        results: integers(function.results())?,
    })
}

fn integer(ty: &ValType) -> Option<ValueType> {
    match ty {
        ValType::I32 => Some(ValueType::I32),
        ValType::I64 => Some(ValueType::I64),
        _ => None,
    }
}
