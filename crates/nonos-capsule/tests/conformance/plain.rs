//! A module of the suite as a capsule could have it: linked with the suite's host module, without floats.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, Instruction, MemorySection, MemoryType, Module, RefType,
    StartSection, TableSection, TableType, TypeSection,
    reencode::{self, Reencode},
};
use wasmparser::{
    ElementSectionReader, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType,
};

use crate::cut;

/// Why a module cannot be run here.
pub(crate) type Reason = String;

/// Exported functions that need nothing of their module, by name: type and body.
pub(crate) type Portable = BTreeMap<String, (FuncType, Vec<u8>)>;

/// The sections of such a module.
#[derive(Default)]
pub(crate) struct Plain {
    pub(crate) types: TypeSection,
    pub(crate) functions: FunctionSection,
    tables: TableSection,
    memories: MemorySection,
    globals: GlobalSection,
    pub(crate) exports: ExportSection,
    start: Option<u32>,
    elements: ElementSection,
    data_count: Option<u32>,
    pub(crate) code: CodeSection,
    data: DataSection,

    /// What the exports' names stand for.
    pub(crate) named: BTreeMap<String, (ExternalKind, u32)>,
    /// Type of each function, before the cut.
    pub(crate) signatures: Vec<FuncType>,
    /// Type of each global, before the cut.
    pub(crate) global_types: Vec<ValType>,
    /// Functions that were cut out.
    pub(crate) cut: BTreeSet<u32>,
    /// What other modules can import of it, by copying.
    pub(crate) portable: Portable,
    /// Whether it has what calls, or other modules, can change.
    pub(crate) has_state: bool,
    /// Whether its own calls change it: then each depends on those before.
    pub(crate) changes_state: bool,
}

/// Everything of the module that is read before anything is written.
#[derive(Default)]
struct Read<'a> {
    types: Vec<FuncType>,
    functions: Vec<u32>,
    /// Of the imported functions.
    copies: Vec<Option<&'a [u8]>>,
    bodies: Vec<FunctionBody<'a>>,
    elements: Option<ElementSectionReader<'a>>,
    referenced: BTreeSet<u32>,
}

/// Translates constants and types.
#[derive(Default)]
struct Linker {
    /// Imported globals, which are constants.
    constants: Vec<ConstExpr>,
    /// Function types with floats; each is replaced by a type that nothing else has.
    floats: Vec<FuncType>,
}

impl Reencode for Linker {
    type Error = std::convert::Infallible;

    fn val_type(&mut self, ty: ValType) -> Result<wasm_encoder::ValType, reencode::Error> {
        let ty = match ty {
            ValType::F32 => ValType::I32,
            ValType::F64 | ValType::V128 => ValType::I64,
            other => other,
        };
        reencode::utils::val_type(self, ty)
    }

    fn func_type(&mut self, ty: FuncType) -> Result<wasm_encoder::FuncType, reencode::Error> {
        if !cut::has_floats(&ty) {
            return reencode::utils::func_type(self, ty);
        }
        let known = self.floats.iter().position(|other| *other == ty);
        let number = known.unwrap_or_else(|| {
            self.floats.push(ty);
            self.floats.len() - 1
        });
        let params = (0..15).map(|bit| match number >> bit & 1 {
            0 => wasm_encoder::ValType::I32,
            _ => wasm_encoder::ValType::I64,
        });
        Ok(wasm_encoder::FuncType::new(params, []))
    }

    fn const_expr(&mut self, expression: wasmparser::ConstExpr<'_>) -> Result<ConstExpr, reencode::Error> {
        match expression.get_operators_reader().read()? {
            Operator::GlobalGet { global_index } if (global_index as usize) < self.constants.len() => {
                Ok(self.constants[global_index as usize].clone())
            }
            Operator::F32Const { .. } => Ok(ConstExpr::i32_const(0)),
            Operator::F64Const { .. } | Operator::V128Const { .. } => Ok(ConstExpr::i64_const(0)),
            _ => reencode::utils::const_expr(self, expression),
        }
    }
}

impl Plain {
    /// Reads a module that may import functions of `others`.
    ///
    /// # Errors
    /// Why it cannot be run here.
    pub(crate) fn new(wasm: &[u8], others: &BTreeMap<String, Portable>) -> Result<Self, Reason> {
        let mut plain = Self::default();
        plain
            .read(wasm, others)
            .map_err(|error| format!("not read: {error}"))??;
        let start_is_cut = plain.start.is_some_and(|start| plain.cut.contains(&start));
        if start_is_cut {
            return Err("floats or vectors in the start function".into());
        }
        Ok(plain)
    }

    fn read<'a>(
        &mut self,
        wasm: &'a [u8],
        others: &'a BTreeMap<String, Portable>,
    ) -> Result<Result<(), Reason>, reencode::Error> {
        let mut linker = Linker::default();
        let mut read = Read::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(types) => {
                    for group in types.clone() {
                        for ty in group?.types() {
                            match &ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(ty) => read.types.push(ty.clone()),
                                _ => return Ok(Err("types that are not functions'".into())),
                            }
                        }
                    }
                    linker.parse_type_section(&mut self.types, types)?;
                }
                Payload::ImportSection(imports) => {
                    for import in imports {
                        if let Err(reason) = self.import(&import?, others, &mut linker, &mut read) {
                            return Ok(Err(reason));
                        }
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        read.functions.push(ty?);
                    }
                }
                Payload::TableSection(tables) => {
                    self.has_state = true;
                    linker.parse_table_section(&mut self.tables, tables)?;
                }
                Payload::MemorySection(memories) => {
                    self.has_state = true;
                    linker.parse_memory_section(&mut self.memories, memories)?;
                }
                Payload::GlobalSection(globals) => {
                    for global in globals.clone() {
                        let global = global?;
                        self.global_types.push(global.ty.content_type);
                        self.has_state |= global.ty.mutable;
                        cut::expression_functions(&global.init_expr, &mut read.referenced)?;
                    }
                    linker.parse_global_section(&mut self.globals, globals)?;
                }
                Payload::ExportSection(exports) => {
                    for export in exports.clone() {
                        let export = export?;
                        self.named
                            .insert(export.name.to_owned(), (export.kind, export.index));
                    }
                    linker.parse_export_section(&mut self.exports, exports)?;
                }
                Payload::StartSection { func, .. } => self.start = Some(func),
                Payload::ElementSection(elements) => {
                    for element in elements.clone() {
                        cut::element_functions(&element?.items, &mut read.referenced)?;
                    }
                    read.elements = Some(elements);
                }
                Payload::DataCountSection { count, .. } => self.data_count = Some(count),
                Payload::DataSection(data) => linker.parse_data_section(&mut self.data, data)?,
                Payload::CodeSectionEntry(body) => read.bodies.push(body),
                _ => {}
            }
        }
        self.finish(linker, &read)?;
        self.find_portable(wasm, &read)?;
        Ok(Ok(()))
    }

    fn finish(&mut self, mut linker: Linker, read: &Read<'_>) -> Result<(), reencode::Error> {
        let mut referenced = read.referenced.clone();
        for body in &read.bodies {
            cut::body_functions(body, &mut referenced)?;
            self.changes_state |= cut::changes_state(body)?;
        }
        let context = cut::Context {
            types: &read.types,
            functions: &read.functions,
            globals: &self.global_types,
        };
        self.cut = cut::functions(&context, &read.bodies, &referenced)?;
        for ty in &read.functions {
            self.functions.function(*ty);
            self.signatures.push(read.types[*ty as usize].clone());
        }
        if let Some(elements) = read.elements.clone() {
            linker.parse_element_section(&mut self.elements, elements)?;
        }
        let imported = read.copies.len();
        for (function, copy) in read.copies.iter().enumerate() {
            if self.cut.contains(&(function as u32)) {
                self.code
                    .function(&whole(&[Instruction::Unreachable, Instruction::End]));
            } else if let Some(body) = copy {
                self.code.raw(body);
            } else {
                self.code.function(&whole(&[Instruction::End]));
            }
        }
        for (index, body) in read.bodies.iter().enumerate() {
            if self.cut.contains(&((imported + index) as u32)) {
                self.code
                    .function(&whole(&[Instruction::Unreachable, Instruction::End]));
            } else {
                linker.parse_function_body(&mut self.code, body.clone())?;
            }
        }
        Ok(())
    }

    /// Collects what other modules can copy.
    fn find_portable(&mut self, wasm: &[u8], read: &Read<'_>) -> wasmparser::Result<()> {
        for (name, (kind, index)) in &self.named {
            let body = (*index as usize).checked_sub(read.copies.len());
            let body = body.and_then(|body| read.bodies.get(body));
            if let (ExternalKind::Func, Some(body)) = (kind, body)
                && cut::is_portable(body)?
            {
                let ty = self.signatures[*index as usize].clone();
                self.portable
                    .insert(name.clone(), (ty, wasm[body.range()].to_vec()));
            }
        }
        Ok(())
    }

    /// Puts what the suite's host module has, or a copy of another module's function, in the place of an
    /// import.
    fn import<'a>(
        &mut self,
        import: &wasmparser::Import<'_>,
        others: &'a BTreeMap<String, Portable>,
        linker: &mut Linker,
        read: &mut Read<'a>,
    ) -> Result<(), Reason> {
        let elsewhere = || "imports of state from another module".to_owned();
        if import.module != "spectest" {
            let TypeRef::Func(ty) = import.ty else {
                return Err(elsewhere());
            };
            let other = others.get(import.module).and_then(|other| other.get(import.name));
            let (other, body) = other.ok_or_else(elsewhere)?;
            if *other != read.types[ty as usize] {
                return Err(elsewhere());
            }
            read.functions.push(ty);
            read.copies.push(Some(body));
            return Ok(());
        }
        match (import.name, import.ty) {
            (name, TypeRef::Func(ty)) if name.starts_with("print") => {
                read.functions.push(ty);
                read.copies.push(None);
            }
            (name, TypeRef::Global(ty)) => {
                let (value, here) = match name {
                    "global_i32" => (ConstExpr::i32_const(666), wasm_encoder::ValType::I32),
                    "global_i64" => (ConstExpr::i64_const(666), wasm_encoder::ValType::I64),
                    "global_f32" => (ConstExpr::i32_const(0), wasm_encoder::ValType::I32),
                    "global_f64" => (ConstExpr::i64_const(0), wasm_encoder::ValType::I64),
                    _ => return Err(elsewhere()),
                };
                let kind = GlobalType {
                    val_type: here,
                    mutable: false,
                    shared: false,
                };
                self.globals.global(kind, &value);
                self.global_types.push(ty.content_type);
                linker.constants.push(value);
            }
            ("table", TypeRef::Table(_)) => {
                self.has_state = true;
                self.tables.table(TableType {
                    element_type: RefType::FUNCREF,
                    minimum: 10,
                    maximum: Some(20),
                    table64: false,
                    shared: false,
                });
            }
            ("memory", TypeRef::Memory(_)) => {
                self.has_state = true;
                self.memories.memory(MemoryType {
                    minimum: 1,
                    maximum: Some(2),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
            }
            _ => return Err(elsewhere()),
        }
        Ok(())
    }

    /// The module with these sections in the place of its own.
    pub(crate) fn module(
        &self,
        types: &TypeSection,
        functions: &FunctionSection,
        exports: &ExportSection,
        code: &CodeSection,
    ) -> Vec<u8> {
        let mut module = Module::new();
        module.section(types).section(functions);
        if !self.tables.is_empty() {
            module.section(&self.tables);
        }
        if !self.memories.is_empty() {
            module.section(&self.memories);
        }
        if !self.globals.is_empty() {
            module.section(&self.globals);
        }
        module.section(exports);
        if let Some(function_index) = self.start {
            module.section(&StartSection { function_index });
        }
        if !self.elements.is_empty() {
            module.section(&self.elements);
        }
        if let Some(count) = self.data_count {
            module.section(&DataCountSection { count });
        }
        module.section(code);
        if !self.data.is_empty() {
            module.section(&self.data);
        }
        module.finish()
    }
}

/// A function without locals.
fn whole(body: &[Instruction<'_>]) -> Function {
    let mut function = Function::new([]);
    for instruction in body {
        function.instruction(instruction);
    }
    function
}
