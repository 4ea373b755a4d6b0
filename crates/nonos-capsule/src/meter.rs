//! Rewrites a module so that it pays its fuel and counts its open calls itself.
//!
//! The interpreter's own fuel and stack limit mean something else in every version of it; ours have to mean
//! the same here and in the provable machine. So the metered module is the same program with
//!
//! - globals appended: `fuel`, what is left of the current slice, `room`, the calls still allowed, `condition`,
//!   for `select`, and for each passive segment what is left of it;
//! - one import appended, [`HOST_MODULE`]`.`[`HOST_METER`]`(i64)`, called with a cost that the slice does not
//!   cover, or with [`NO_ROOM`]; the host refills the slice or ends the run;
//! - before the first operator of each charge of [`nonos_package::fuel::charges`]:
//!   `if fuel < cost { meter(cost) }; fuel -= cost`;
//! - around each call of a function of the module, and each indirect call:
//!   `if room == 0 { meter(NO_ROOM) }; room -= 1; call; room += 1`. A tail call leaves `room` to who called its
//!   caller;
//! - before each `select`: `condition = …; condition`, which keeps the interpreter from fusing it with the
//!   comparison before it: wasmi 2.0.0 drops a comparison of a local with 0 there, but reads the register of its
//!   result;
//! - in functions whose blocks take or leave many values, those pass through locals ([`values`]);
//! - functions appended that do what operators on many bytes or entries do, and pay for those ([`bulk`]);
//! - functions appended for host calls that are referred to: each pays and calls;
//! - no start function: the host calls it, when it can already be metered;
//! - what the host looks at exported under names the module does not use.
//!
//! Everything else is the same; only function indices move by one. Custom sections are dropped.

mod bulk;
mod code;
mod layout;
mod names;
mod values;

use nonos_package::{fuel, instructions::Module as Checked, limits};
use nonos_types::Pages;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, ElementSection, EntityType, ExportSection, FunctionSection,
    GlobalSection, GlobalType, ImportSection, Instruction, MemorySection, MemoryType, Module, RawSection,
    TableSection, TypeSection, ValType,
    reencode::{self, Reencode},
};

use self::{
    bulk::Bulk,
    code::{Code, Globals, charge},
    layout::{Functions, Layout},
};
use crate::Error;

pub(crate) use names::Names;

/// Module name of the appended import; the host ABI's is another.
pub(crate) const HOST_MODULE: &str = "nonos:meter";
/// Name of the appended import.
pub(crate) const HOST_METER: &str = "charge";
/// What the appended import is called with when no further call may be opened; not a possible cost.
pub(crate) const NO_ROOM: i64 = -1;

/// Rewrites `wasm`, which has passed [`nonos_package::instructions::check`].
/// Its memory gets `max_pages` as maximum, if that is less than its own.
pub(crate) fn rewrite(wasm: &[u8], checked: &Checked, max_pages: Pages) -> Result<(Vec<u8>, Names), Error> {
    let layout = Layout::read(wasm)?;
    let names = Names::new(&layout, checked);
    let globals = Globals::new(&layout);
    let mut references = References(&layout.functions);
    let mut bulk = Bulk::new(&layout, checked, globals);
    let code = bodies(wasm, &layout, checked, globals, &mut bulk)?;

    let mut out = Module::new();
    let mut types = TypeSection::new();
    if let Some(section) = layout.types.clone() {
        references.parse_type_section(&mut types, section)?;
    }
    types.ty().function([ValType::I64], []);
    bulk.types(&mut types);
    out.section(&types);

    let mut imports = ImportSection::new();
    if let Some(section) = layout.imports.clone() {
        references.parse_import_section(&mut imports, section)?;
    }
    imports.import(HOST_MODULE, HOST_METER, EntityType::Function(layout.type_count()));
    out.section(&imports);

    let mut functions = FunctionSection::new();
    let own = layout
        .functions
        .types
        .iter()
        .skip(layout.functions.imported as usize);
    let trampolines = layout.functions.trampolines.iter();
    own.chain(trampolines.map(|import| &layout.functions.types[*import as usize]))
        .copied()
        .chain(bulk.function_types())
        .for_each(|ty| {
            functions.function(ty);
        });
    out.section(&functions);

    let mut tables = TableSection::new();
    for ty in &layout.tables {
        tables.table(references.table_type(*ty)?);
    }
    out.section(&tables);
    if layout.memory {
        out.section(&memory(checked, max_pages));
    }
    let mut section = GlobalSection::new();
    if let Some(reader) = layout.globals.clone() {
        references.parse_global_section(&mut section, reader)?;
    }
    added_globals(&mut section, &layout);
    out.section(&section);
    let mut exports = ExportSection::new();
    layout.exports(&mut exports);
    names.export(&mut exports, &layout);
    out.section(&exports);
    let mut elements = ElementSection::new();
    if let Some(reader) = layout.elements.clone() {
        references.parse_element_section(&mut elements, reader)?;
    }
    out.section(&elements);
    if let Some((count, data)) = &layout.data {
        out.section(&DataCountSection { count: *count });
        out.section(&code);
        out.section(&RawSection {
            id: 11,
            data: &wasm[data.clone()],
        });
    } else {
        out.section(&code);
    }
    Ok((out.finish(), names))
}

fn bodies<'a>(
    wasm: &'a [u8],
    layout: &'a Layout<'a>,
    checked: &'a Checked,
    globals: Globals,
    bulk: &mut Bulk<'a>,
) -> Result<CodeSection, Error> {
    let mut code = Code {
        wasm,
        layout,
        checked,
        globals,
        bulk,
    };
    let mut section = CodeSection::new();
    let types = layout
        .functions
        .types
        .iter()
        .skip(layout.functions.imported as usize);
    for (ty, body) in types.zip(&layout.bodies) {
        section.raw(&code.body(&layout.type_list[*ty as usize], body)?);
    }
    let meter = layout.functions.imported;
    for import in &layout.functions.trampolines {
        let call = checked.imports[*import as usize];
        let mut body = wasm_encoder::Function::new([]);
        let mut emit = |instruction: Instruction<'static>| {
            body.instruction(&instruction);
        };
        charge(globals.fuel, meter, fuel::trampoline(call), &mut emit);
        (0..call.params().len() as u32).for_each(|local| emit(Instruction::LocalGet(local)));
        emit(Instruction::Call(*import));
        emit(Instruction::End);
        section.function(&body);
    }
    code.bulk.functions(&mut section);
    Ok(section)
}

fn memory(checked: &Checked, max_pages: Pages) -> MemorySection {
    let mut memory = MemorySection::new();
    memory.memory(MemoryType {
        minimum: u64::from(checked.pages.get()),
        maximum: Some(u64::from(checked.max_pages.min(max_pages).get())),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memory
}

/// The globals of [`Globals`], in that order.
fn added_globals(section: &mut GlobalSection, layout: &Layout<'_>) {
    let mut add = |val_type, init: ConstExpr| {
        let ty = GlobalType {
            val_type,
            mutable: true,
            shared: false,
        };
        section.global(ty, &init);
    };
    add(ValType::I64, ConstExpr::i64_const(0));
    add(
        ValType::I32,
        ConstExpr::i32_const(i32::from(limits::CALL_DEPTH) - 1),
    );
    add(ValType::I32, ConstExpr::i32_const(0));
    for length in layout.data_left.iter().chain(&layout.elements_left).flatten() {
        add(ValType::I32, ConstExpr::i32_const(length.cast_signed()));
    }
}

/// Copies sections; function indices in them are references.
struct References<'a>(&'a Functions);

impl Reencode for References<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> u32 {
        self.0.reference(function)
    }
}

impl From<reencode::Error> for Error {
    fn from(error: reencode::Error) -> Self {
        match error {
            reencode::Error::ParseError(error) => malformed(error),
            other => Self::Malformed {
                offset: 0,
                what: other.to_string(),
            },
        }
    }
}

fn malformed(error: wasmparser::BinaryReaderError) -> Error {
    Error::Malformed {
        offset: error.offset(),
        what: error.message().to_owned(),
    }
}
