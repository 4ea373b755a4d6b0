//! The sections of a module.

use wasmparser::{
    DataSectionReader, ElementSectionReader, ExportSectionReader, FuncType, FunctionBody,
    GlobalSectionReader, Import, KnownCustom, MemorySectionReader, NameSectionReader, Parser, Payload,
    TableSectionReader, TypeRef, TypeSectionReader,
};

use crate::Error;

/// The sections of a module that can be a capsule's, and the custom sections that mean something still when functions
/// have moved.
#[derive(Default)]
pub(crate) struct Sections<'a> {
    pub(crate) types: Option<TypeSectionReader<'a>>,
    /// Those types that are of functions.
    pub(crate) type_list: Vec<Option<FuncType>>,
    pub(crate) imports: Vec<Import<'a>>,
    /// Types of the module's own functions.
    pub(crate) functions: Vec<u32>,
    pub(crate) tables: Option<TableSectionReader<'a>>,
    pub(crate) memories: Option<MemorySectionReader<'a>>,
    pub(crate) globals: Option<GlobalSectionReader<'a>>,
    pub(crate) exports: Option<ExportSectionReader<'a>>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Option<ElementSectionReader<'a>>,
    pub(crate) data_count: Option<u32>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    pub(crate) data: Option<DataSectionReader<'a>>,
    pub(crate) names: Option<NameSectionReader<'a>>,
    /// Where a section begins that no capsule has.
    pub(crate) other: Option<usize>,
    /// `producers` and `target_features`.
    pub(crate) customs: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Sections<'a> {
    pub(crate) fn read(wasm: &'a [u8]) -> Result<Self, Error> {
        let mut it = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(reader) => {
                    it.types = Some(reader.clone());
                    for group in reader {
                        it.type_list
                            .extend(group?.into_types().map(|ty| match ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            }));
                    }
                }
                Payload::ImportSection(reader) => {
                    it.imports = reader.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::FunctionSection(reader) => {
                    it.functions = reader.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::TableSection(reader) => it.tables = Some(reader),
                Payload::MemorySection(reader) => it.memories = Some(reader),
                Payload::GlobalSection(reader) => it.globals = Some(reader),
                Payload::ExportSection(reader) => it.exports = Some(reader),
                Payload::StartSection { func, .. } => it.start = Some(func),
                Payload::ElementSection(reader) => it.elements = Some(reader),
                Payload::DataCountSection { count, .. } => it.data_count = Some(count),
                Payload::CodeSectionEntry(body) => it.bodies.push(body),
                Payload::DataSection(reader) => it.data = Some(reader),
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Name(names) => it.names = Some(names),
                    _ if ["producers", "target_features"].contains(&section.name()) => {
                        it.customs.push((section.name(), section.data()));
                    }
                    _ => {}
                },
                Payload::Version { .. } | Payload::CodeSectionStart { .. } | Payload::End(_) => {}
                // Tags, components: packing says what no capsule has.
                other => {
                    let (_, range) = other.as_section().unwrap_or((0, 0..0));
                    it.other.get_or_insert(range.start);
                }
            }
        }
        Ok(it)
    }

    /// The function imports, in the order of their indices: module, name, type.
    pub(crate) fn function_imports(&self) -> impl Iterator<Item = (&'a str, &'a str, u32)> {
        self.imports.iter().filter_map(|import| match import.ty {
            TypeRef::Func(ty) => Some((import.module, import.name, ty)),
            _ => None,
        })
    }

    /// A function's type, by the type's index.
    pub(crate) fn ty(&self, index: u32) -> Option<&FuncType> {
        self.type_list.get(index as usize)?.as_ref()
    }

    /// A function's type, by the function's index.
    pub(crate) fn type_of(&self, function: u32) -> Option<&FuncType> {
        let imported = self.function_imports().map(|(_, _, ty)| ty);
        let ty = imported
            .chain(self.functions.iter().copied())
            .nth(function as usize)?;
        self.ty(ty)
    }

    /// How many globals it has.
    pub(crate) fn global_count(&self) -> u32 {
        let imported = self
            .imports
            .iter()
            .filter(|it| matches!(it.ty, TypeRef::Global(_)));
        imported.count() as u32 + self.globals.as_ref().map_or(0, |reader| reader.count())
    }
}
