//! What of a checked module its functions refer to, and its initial state.

use std::collections::BTreeMap;

use nonos_package::{HostCall, HostSet, instructions};
use nonos_types::TrapKind;
use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, FuncType, FunctionBody, Operator, Parser, Payload, ValType,
};

use super::{
    LowerError,
    emit::{Emitter, Label},
};
use crate::isa::Space;

/// A global of a module.
#[derive(Clone, Copy)]
pub(super) struct Global {
    /// Whether it is an `i32`.
    pub(super) narrow: bool,
    /// The value, if it never changes.
    pub(super) constant: Option<u64>,
}

/// A function's type: whether each value is an `i32`.
#[derive(Clone, Default)]
pub(super) struct Signature {
    pub(super) params: Vec<bool>,
    pub(super) result: Option<bool>,
}

/// Where a run ends early.
pub(super) struct Ends {
    /// By `exit`.
    pub(super) exit: Label,
    /// By a trap, in the order of [`TrapKind::ALL`].
    pub(super) traps: [Label; TrapKind::ALL.len()],
}

impl Ends {
    pub(super) fn new(out: &mut Emitter) -> Self {
        Self {
            exit: out.label(),
            traps: std::array::from_fn(|_| out.label()),
        }
    }

    /// Where a trap ends the run.
    pub(super) fn trap(&self, kind: TrapKind) -> Label {
        let place = TrapKind::ALL.iter().position(|other| *other == kind);
        self.traps[place.expect("the list has every kind")]
    }
}

/// What code refers to.
pub(super) struct Module {
    /// Host calls, by function index.
    pub(super) imports: Vec<HostCall>,
    pub(super) globals: Vec<Global>,
    pub(super) hosts: HostSet,
    /// The most pages the memory may have.
    pub(super) most_pages: u32,
    /// Where runs end.
    pub(super) ends: Ends,
    types: Vec<Signature>,
    /// Type of each function, imported ones included.
    functions: Vec<u32>,
}

/// What of a module is not referred to by code.
#[derive(Default)]
pub(super) struct Rest<'a> {
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Initial cells that are not zero, by ascending key.
    pub(super) data: Vec<(u32, u64)>,
}

impl Module {
    /// Reads a module that `checked` describes.
    pub(super) fn read<'a>(
        wasm: &'a [u8],
        checked: instructions::Module,
        hosts: HostSet,
        most_pages: u32,
        ends: Ends,
    ) -> Result<(Self, Rest<'a>), LowerError> {
        let mut module = Self {
            imports: checked.imports,
            globals: Vec::new(),
            hosts,
            most_pages,
            ends,
            types: Vec::new(),
            functions: Vec::new(),
        };
        let mut rest = Rest::default();
        let mut cells = BTreeMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            module
                .payload(payload.map_err(malformed)?, &mut rest, &mut cells)
                .map_err(malformed)?;
        }
        rest.data = cells.into_iter().filter(|(_, value)| *value != 0).collect();
        Ok((module, rest))
    }

    fn payload<'a>(
        &mut self,
        payload: Payload<'a>,
        rest: &mut Rest<'a>,
        cells: &mut BTreeMap<u32, u64>,
    ) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    self.types.push(signature(&ty?));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports {
                    if let wasmparser::TypeRef::Func(ty) = import?.ty {
                        self.functions.push(ty);
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for ty in functions {
                    self.functions.push(ty?);
                }
            }
            Payload::GlobalSection(globals) => {
                for (index, global) in globals.into_iter().enumerate() {
                    let global = global?;
                    let value = constant(&global.init_expr)?;
                    if global.ty.mutable {
                        cells.insert(Space::Global.key(index as u32), value);
                    }
                    self.globals.push(Global {
                        narrow: global.ty.content_type == ValType::I32,
                        constant: (!global.ty.mutable).then_some(value),
                    });
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    if let DataKind::Active { offset_expr, .. } = &segment.kind {
                        place(cells, constant(offset_expr)?, segment.data);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => rest.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn signature(&self, function: u32) -> Option<&Signature> {
        let ty = *self.functions.get(function as usize)?;
        self.types.get(ty as usize)
    }
}

/// Writes a data segment to cells.
fn place(cells: &mut BTreeMap<u32, u64>, start: u64, data: &[u8]) {
    for (address, byte) in (start..).zip(data) {
        let index = u32::try_from(address / 8).expect("segments are inside of the memory");
        let cell = cells.entry(Space::Linear.key(index)).or_default();
        let shift = address % 8 * 8;
        *cell = *cell & !(0xff << shift) | u64::from(*byte) << shift;
    }
}

fn signature(ty: &FuncType) -> Signature {
    let narrow = |ty: &ValType| *ty == ValType::I32;
    Signature {
        params: ty.params().iter().map(narrow).collect(),
        result: ty.results().first().map(narrow),
    }
}

/// The value of an initialiser, which is a single constant.
fn constant(expression: &ConstExpr<'_>) -> Result<u64, BinaryReaderError> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => u64::from(value.cast_unsigned()),
        Operator::I64Const { value } => value.cast_unsigned(),
        _ => unreachable!("the module is checked"),
    })
}

/// An error of reading, which a checked module does not have.
pub(super) fn malformed(error: BinaryReaderError) -> LowerError {
    LowerError::Module(instructions::Error::Invalid {
        offset: error.offset(),
        detail: error.message().to_owned(),
    })
}
