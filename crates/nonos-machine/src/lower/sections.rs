//! The sections of a checked module as plain values.

use std::collections::BTreeSet;

use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, Element, ElementItems, ElementKind, FuncType, FunctionBody,
    GlobalType, Operator, Parser, Payload, TableType, TypeRef,
};

/// A word of the initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A number, or null.
    Value(u64),
    /// A reference to a function.
    Function(u32),
}

impl Word {
    pub(super) fn function(&self) -> Option<u32> {
        match self {
            Self::Function(function) => Some(*function),
            Self::Value(_) => None,
        }
    }
}

/// When a segment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Before the run, to initialise the table (or the memory) from an index on.
    Active { table: u32, start: u64 },
    /// By code.
    Passive,
    /// Never.
    Declared,
}

/// The sections that matter to a run.
#[derive(Default)]
pub(super) struct Sections<'a> {
    pub(super) types: Vec<FuncType>,
    /// Type of each function, imported ones included.
    pub(super) functions: Vec<u32>,
    pub(super) tables: Vec<TableType>,
    pub(super) globals: Vec<(GlobalType, Word)>,
    pub(super) start: Option<u32>,
    pub(super) elements: Vec<(Mode, Vec<Word>)>,
    pub(super) data: Vec<(Mode, &'a [u8])>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Tables that code may grow.
    pub(super) grown: BTreeSet<u32>,
}

impl<'a> Sections<'a> {
    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, BinaryReaderError> {
        let mut sections = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            sections.payload(payload?)?;
        }
        Ok(sections)
    }

    fn payload(&mut self, payload: Payload<'a>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    self.types.push(ty?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    if let TypeRef::Func(ty) = import?.ty {
                        self.functions.push(ty);
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables.push(table?.ty);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    self.globals.push((global.ty, constant(&global.init_expr)?));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(elements) => {
                for element in elements {
                    self.elements.push(segment(element?)?);
                }
            }
            Payload::DataSection(segments) => {
                for data in segments {
                    let data = data?;
                    let mode = match &data.kind {
                        DataKind::Active { offset_expr, .. } => active(0, offset_expr)?,
                        DataKind::Passive => Mode::Passive,
                    };
                    self.data.push((mode, data.data));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    if let Operator::TableGrow { table } = operator? {
                        self.grown.insert(table);
                    }
                }
                self.bodies.push(body);
            }
            _ => {}
        }
        Ok(())
    }
}

fn segment(element: Element<'_>) -> Result<(Mode, Vec<Word>), BinaryReaderError> {
    let mode = match &element.kind {
        ElementKind::Active {
            table_index,
            offset_expr,
        } => active(table_index.unwrap_or_default(), offset_expr)?,
        ElementKind::Passive => Mode::Passive,
        ElementKind::Declared => Mode::Declared,
    };
    let words = match element.items {
        ElementItems::Functions(functions) => functions
            .into_iter()
            .map(|function| function.map(Word::Function))
            .collect::<Result<_, _>>()?,
        ElementItems::Expressions(_, expressions) => expressions
            .into_iter()
            .map(|expression| constant(&expression?))
            .collect::<Result<_, _>>()?,
    };
    Ok((mode, words))
}

fn active(table: u32, offset: &ConstExpr<'_>) -> Result<Mode, BinaryReaderError> {
    match constant(offset)? {
        Word::Value(start) => Ok(Mode::Active { table, start }),
        Word::Function(_) => unreachable!("the module is checked"),
    }
}

/// The value of an initialiser, which is a single constant.
fn constant(expression: &ConstExpr<'_>) -> Result<Word, BinaryReaderError> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Word::Value(u64::from(value.cast_unsigned())),
        Operator::I64Const { value } => Word::Value(value.cast_unsigned()),
        Operator::RefNull { .. } => Word::Value(0),
        Operator::RefFunc { function_index } => Word::Function(function_index),
        _ => unreachable!("the module is checked"),
    })
}
