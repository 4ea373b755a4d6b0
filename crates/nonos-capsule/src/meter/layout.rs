//! What the rewriting needs to know of a module.

use std::{collections::BTreeSet, ops::Range};

use wasm_encoder::{ExportKind, ExportSection};
use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, ElementSectionReader, ExternalKind, FuncType,
    FunctionBody, GlobalSectionReader, ImportSectionReader, Operator, Parser, Payload, TableType, TypeRef,
    TypeSectionReader, ValType,
};

use super::malformed;
use crate::Error;

/// The sections of a module.
#[derive(Default)]
pub(super) struct Layout<'a> {
    pub(super) types: Option<TypeSectionReader<'a>>,
    pub(super) type_list: Vec<FuncType>,
    pub(super) imports: Option<ImportSectionReader<'a>>,
    pub(super) functions: Functions,
    pub(super) tables: Vec<TableType>,
    pub(super) memory: bool,
    pub(super) globals: Option<GlobalSectionReader<'a>>,
    pub(super) global_types: Vec<ValType>,
    pub(super) exported: Vec<(&'a str, ExternalKind, u32)>,
    pub(super) elements: Option<ElementSectionReader<'a>>,
    /// Entries of each element segment; `None` if code cannot use it.
    pub(super) elements_left: Vec<Option<u32>>,
    /// How many data segments, and where their section is.
    pub(super) data: Option<(u32, Range<usize>)>,
    /// Bytes of each data segment; `None` if code cannot use it.
    pub(super) data_left: Vec<Option<u32>>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
}

/// The functions of a module, and where they are in the metered one: the imported ones, the meter, the module's
/// own, those for imported ones that are referred to, those of [`super::bulk`].
#[derive(Default)]
pub(super) struct Functions {
    /// Imported ones: the meter takes this index.
    pub(super) imported: u32,
    /// Type index of each.
    pub(super) types: Vec<u32>,
    /// Those that are referred to.
    pub(super) referenced: BTreeSet<u32>,
    /// Those of them that are imported.
    pub(super) trampolines: Vec<u32>,
}

impl Functions {
    /// Where a call of a function goes.
    pub(super) fn call(&self, function: u32) -> u32 {
        function + u32::from(function >= self.imported)
    }

    /// Where a reference to a function goes.
    pub(super) fn reference(&self, function: u32) -> u32 {
        match self.trampolines.binary_search(&function) {
            Ok(at) => self.types.len() as u32 + 1 + at as u32,
            Err(_) => self.call(function),
        }
    }

    /// The first index that is free.
    pub(super) fn next(&self) -> u32 {
        (self.types.len() + 1 + self.trampolines.len()) as u32
    }
}

impl<'a> Layout<'a> {
    /// How many types there are.
    pub(super) fn type_count(&self) -> u32 {
        self.type_list.len() as u32
    }

    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, Error> {
        let mut layout = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.map_err(malformed)?;
            layout.section(payload).map_err(malformed)?;
        }
        let functions = &mut layout.functions;
        let imported = functions.referenced.range(..functions.imported);
        functions.trampolines = imported.copied().collect();
        Ok(layout)
    }

    fn section(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                self.types = Some(types.clone());
                for ty in types.into_iter_err_on_gc_types() {
                    self.type_list.push(ty?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone() {
                    if let TypeRef::Func(ty) = import?.ty {
                        self.functions.types.push(ty);
                    }
                }
                self.functions.imported = self.functions.types.len() as u32;
                self.imports = Some(imports);
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    self.functions.types.push(ty?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(memories) => self.memory = memories.count() > 0,
            Payload::GlobalSection(globals) => {
                for global in globals.clone() {
                    let global = global?;
                    self.global_types.push(global.ty.content_type);
                    self.constant(&global.init_expr)?;
                }
                self.globals = Some(globals);
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exported.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => {
                self.functions.referenced.insert(func);
            }
            Payload::ElementSection(elements) => {
                for element in elements.clone() {
                    let element = element?;
                    let count = self.elements(element.items)?;
                    let passive = matches!(element.kind, ElementKind::Passive);
                    self.elements_left.push(passive.then_some(count));
                }
                self.elements = Some(elements);
            }
            Payload::DataSection(data) => {
                self.data = Some((data.count(), data.range()));
                for segment in data {
                    let segment = segment?;
                    let passive = matches!(segment.kind, DataKind::Passive);
                    self.data_left.push(passive.then_some(segment.data.len() as u32));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    if let Operator::RefFunc { function_index } = operator? {
                        self.functions.referenced.insert(function_index);
                    }
                }
                self.bodies.push(body);
            }
            _ => {}
        }
        Ok(())
    }

    fn elements(&mut self, items: ElementItems<'_>) -> wasmparser::Result<u32> {
        match items {
            ElementItems::Functions(functions) => {
                let count = functions.count();
                for function in functions {
                    self.functions.referenced.insert(function?);
                }
                Ok(count)
            }
            ElementItems::Expressions(_, expressions) => {
                let count = expressions.count();
                for expression in expressions {
                    self.constant(&expression?)?;
                }
                Ok(count)
            }
        }
    }

    fn constant(&mut self, expression: &ConstExpr<'_>) -> wasmparser::Result<()> {
        if let Operator::RefFunc { function_index } = expression.get_operators_reader().read()? {
            self.functions.referenced.insert(function_index);
        }
        Ok(())
    }

    /// The module's own exports.
    pub(super) fn exports(&self, section: &mut ExportSection) {
        for &(name, kind, index) in &self.exported {
            let (kind, index) = match kind {
                ExternalKind::Func => (ExportKind::Func, self.functions.call(index)),
                ExternalKind::Memory => (ExportKind::Memory, index),
                ExternalKind::Global => (ExportKind::Global, index),
                ExternalKind::Table => (ExportKind::Table, index),
                // Refused by the check.
                ExternalKind::Tag => continue,
            };
            section.export(name, kind, index);
        }
    }
}
