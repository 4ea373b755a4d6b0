//! Rewrites a module so that it pays its fuel and counts its open calls itself.
//!
//! The interpreter's own fuel and stack limit mean something else in every version of it; ours have to mean
//! the same here and in the provable machine. So the metered module is the same program with
//!
//! - three globals appended: `fuel`, what is left of the current slice, `room`, the calls still allowed, and
//!   `condition`, for `select`;
//! - one import appended, [`HOST_MODULE`]`.`[`HOST_METER`]`(i64)`, called with a cost that the slice does not
//!   cover, or with [`NO_ROOM`]; the host refills the slice or ends the run;
//! - before the first operator of each charge of [`nonos_package::fuel::charges`]:
//!   `if fuel < cost { meter(cost) }; fuel -= cost`;
//! - around each call of a function of the module: `if room == 0 { meter(NO_ROOM) }; room -= 1; call; room += 1`;
//! - before each `select`: `condition = …; condition`, which keeps the interpreter from fusing it with the
//!   comparison before it: wasmi 2.0.0 drops a comparison of a local with 0 there, but reads the register of its
//!   result;
//! - the memory and the globals exported under names the module does not use.
//!
//! Everything else is copied byte for byte; only function indices move by one. Custom sections and tables, which no capsule
//! instruction can use, are dropped.

use std::{collections::BTreeMap, ops::Range};

use nonos_package::{HostCall, fuel, instructions::Module as Checked, limits};
use nonos_types::Pages;
use wasm_encoder::{
    BlockType, ConstExpr, Encode, EntityType, ExportKind, ExportSection, GlobalSection, GlobalType,
    ImportSection, Instruction, MemorySection, MemoryType, Module, RawSection, TypeSection, ValType,
};
use wasmparser::{ExternalKind, FunctionBody, Operator, Parser, Payload};

use crate::Error;

/// Module name of the appended import; the host ABI's is another.
pub(crate) const HOST_MODULE: &str = "nonos:meter";
/// Name of the appended import.
pub(crate) const HOST_METER: &str = "charge";
/// What the appended import is called with when no further call may be opened; not a possible cost.
pub(crate) const NO_ROOM: i64 = -1;

/// A rewritten module and what the host needs to know about it.
#[derive(Clone, Debug)]
pub(crate) struct Metered {
    pub(crate) wasm: Vec<u8>,
    /// Export name of `fuel`.
    pub(crate) fuel: String,
    /// Export name of the memory.
    pub(crate) memory: Option<String>,
    /// Export names of the module's own globals, by index.
    pub(crate) globals: Vec<String>,
}

/// The sections that are kept, in the order in which a module must have them. No capsule instruction can
/// use a table, so tables and their segments are dropped, as are custom sections and the count of data
/// segments.
const ORDER: [u8; 8] = [TYPE, IMPORT, 3, MEMORY, GLOBAL, EXPORT, CODE, 11];

const TYPE: u8 = 1;
const IMPORT: u8 = 2;
const MEMORY: u8 = 5;
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const CODE: u8 = 10;

/// Rewrites `wasm`, which has passed [`nonos_package::instructions::check`].
/// Its memory gets `max_pages` as maximum, if that is less than its own.
pub(crate) fn rewrite(wasm: &[u8], checked: &Checked, max_pages: Pages) -> Result<Metered, Error> {
    let module = Layout::read(wasm)?;
    let prefix = module.free_prefix();
    let code = Code {
        calls: &checked.imports,
        imports: checked.imports.len() as u32,
        globals: module.globals,
    };

    let mut sections: BTreeMap<u8, Vec<u8>> = module
        .sections
        .iter()
        .map(|(id, range)| (*id, wasm[range.clone()].to_vec()))
        .collect();

    let mut ty = TypeSection::new();
    ty.ty().function([ValType::I64], []);
    append(&mut sections, TYPE, 1, &items_of(&ty))?;

    let mut import = ImportSection::new();
    import.import(HOST_MODULE, HOST_METER, EntityType::Function(module.types));
    append(&mut sections, IMPORT, 1, &items_of(&import))?;

    let mut global = GlobalSection::new();
    let mutable = |val_type| GlobalType {
        val_type,
        mutable: true,
        shared: false,
    };
    global.global(mutable(ValType::I64), &ConstExpr::i64_const(0));
    global.global(
        mutable(ValType::I32),
        &ConstExpr::i32_const(limits::CALL_DEPTH as i32 - 1),
    );
    global.global(mutable(ValType::I32), &ConstExpr::i32_const(0));
    append(&mut sections, GLOBAL, 3, &items_of(&global))?;

    if module.memory {
        let mut memory = MemorySection::new();
        memory.memory(MemoryType {
            minimum: u64::from(checked.pages.get()),
            maximum: Some(u64::from(checked.max_pages.min(max_pages).get())),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        sections.insert(MEMORY, content_of(&memory));
    }

    let (exports, names) = module.exports(&prefix, code.imports);
    sections.insert(EXPORT, content_of(&exports));

    let mut bodies = Vec::new();
    (module.bodies.len() as u32).encode(&mut bodies);
    for body in &module.bodies {
        code.body(wasm, body)?.as_slice().encode(&mut bodies);
    }
    sections.insert(CODE, bodies);

    let mut out = Module::new();
    for id in ORDER {
        if let Some(data) = sections.get(&id) {
            out.section(&RawSection { id, data });
        }
    }
    Ok(Metered {
        wasm: out.finish(),
        ..names
    })
}

/// What the rewriting needs to know of a module.
#[derive(Default)]
struct Layout<'a> {
    sections: Vec<(u8, Range<usize>)>,
    types: u32,
    globals: u32,
    memory: bool,
    exports: Vec<(&'a str, ExternalKind, u32)>,
    bodies: Vec<FunctionBody<'a>>,
}

impl<'a> Layout<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self, Error> {
        let mut layout = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.map_err(malformed)?;
            if let Some((id, range)) = payload.as_section()
                && ORDER.contains(&id)
                && id != CODE
            {
                layout.sections.push((id, range));
            }
            layout.section(payload).map_err(malformed)?;
        }
        Ok(layout)
    }

    fn section(&mut self, payload: Payload<'a>) -> wasmparser::Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                self.types = types.count();
            }
            Payload::MemorySection(memories) => {
                self.memory = memories.count() > 0;
            }
            Payload::GlobalSection(globals) => {
                self.globals = globals.count();
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    /// A prefix of no exported name.
    fn free_prefix(&self) -> String {
        let mut prefix = String::from("nonos:");
        while self.exports.iter().any(|(name, ..)| name.starts_with(&prefix)) {
            prefix.push(':');
        }
        prefix
    }

    fn exports(&self, prefix: &str, imports: u32) -> (ExportSection, Metered) {
        let mut section = ExportSection::new();
        for &(name, kind, index) in &self.exports {
            let (kind, index) = match kind {
                ExternalKind::Func => (ExportKind::Func, index + u32::from(index >= imports)),
                ExternalKind::Memory => (ExportKind::Memory, index),
                ExternalKind::Global => (ExportKind::Global, index),
                // Tables are dropped, and tags refused.
                ExternalKind::Table | ExternalKind::Tag => continue,
            };
            section.export(name, kind, index);
        }
        let fuel = format!("{prefix}fuel");
        section.export(&fuel, ExportKind::Global, self.globals);
        let memory = self.memory.then(|| format!("{prefix}memory"));
        if let Some(name) = &memory {
            section.export(name, ExportKind::Memory, 0);
        }
        let mut globals = Vec::new();
        for index in 0..self.globals {
            let name = format!("{prefix}global{index}");
            section.export(&name, ExportKind::Global, index);
            globals.push(name);
        }
        (
            section,
            Metered {
                wasm: Vec::new(),
                fuel,
                memory,
                globals,
            },
        )
    }
}

/// Rewrites function bodies.
struct Code<'a> {
    /// The host calls, by function index.
    calls: &'a [HostCall],
    /// Imported functions of the original module; the meter import takes this index.
    imports: u32,
    /// Globals of the original module; `fuel`, `room` and `condition` take the next three indices.
    globals: u32,
}

impl Code<'_> {
    fn body(&self, wasm: &[u8], body: &FunctionBody<'_>) -> Result<Vec<u8>, Error> {
        let mut charges = fuel::charges(body, self.calls)?.into_iter().peekable();
        let mut reader = body.get_operators_reader().map_err(malformed)?;
        let mut start = reader.original_position();
        let mut out = wasm[body.range().start..start].to_vec();
        let mut index = 0;
        while !reader.eof() {
            let operator = reader.read().map_err(malformed)?;
            let end = reader.original_position();
            if let Some(charge) = charges.next_if(|charge| charge.op_index == index) {
                self.charge(&mut out, charge.cost);
            }
            match operator {
                Operator::Call { function_index } if function_index < self.imports => {
                    out.extend_from_slice(&wasm[start..end]);
                }
                Operator::Call { function_index } => self.call(&mut out, function_index),
                Operator::Select => self.select(&mut out),
                _ => out.extend_from_slice(&wasm[start..end]),
            }
            start = end;
            index += 1;
        }
        debug_assert!(charges.next().is_none(), "every charge lies before an operator");
        Ok(out)
    }

    fn charge(&self, out: &mut Vec<u8>, cost: u16) {
        let fuel = self.globals;
        let cost = i64::from(cost);
        emit(
            out,
            &[
                Instruction::GlobalGet(fuel),
                Instruction::I64Const(cost),
                Instruction::I64LtU,
                Instruction::If(BlockType::Empty),
                Instruction::I64Const(cost),
                Instruction::Call(self.imports),
                Instruction::End,
                Instruction::GlobalGet(fuel),
                Instruction::I64Const(cost),
                Instruction::I64Sub,
                Instruction::GlobalSet(fuel),
            ],
        );
    }

    fn select(&self, out: &mut Vec<u8>) {
        let condition = self.globals + 2;
        emit(
            out,
            &[
                Instruction::GlobalSet(condition),
                Instruction::GlobalGet(condition),
                Instruction::Select,
            ],
        );
    }

    fn call(&self, out: &mut Vec<u8>, function: u32) {
        let room = self.globals + 1;
        emit(
            out,
            &[
                Instruction::GlobalGet(room),
                Instruction::I32Eqz,
                Instruction::If(BlockType::Empty),
                Instruction::I64Const(NO_ROOM),
                Instruction::Call(self.imports),
                Instruction::End,
                Instruction::GlobalGet(room),
                Instruction::I32Const(1),
                Instruction::I32Sub,
                Instruction::GlobalSet(room),
                Instruction::Call(function + 1),
                Instruction::GlobalGet(room),
                Instruction::I32Const(1),
                Instruction::I32Add,
                Instruction::GlobalSet(room),
            ],
        );
    }
}

fn emit(out: &mut Vec<u8>, instructions: &[Instruction<'_>]) {
    for instruction in instructions {
        instruction.encode(out);
    }
}

/// An encoded section without its length.
fn content_of(section: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.encode(&mut bytes);
    split_count(&bytes)
        .expect("wasm-encoder writes a length")
        .1
        .to_vec()
}

/// The items of an encoded section, without length and count.
fn items_of(section: &impl Encode) -> Vec<u8> {
    split_count(&content_of(section))
        .expect("wasm-encoder writes a count")
        .1
        .to_vec()
}

/// Adds `count` encoded items to a section, which may be missing.
fn append(sections: &mut BTreeMap<u8, Vec<u8>>, id: u8, count: u32, items: &[u8]) -> Result<(), Error> {
    let old = sections.remove(&id).unwrap_or_else(|| vec![0]);
    let (have, rest) = split_count(&old)?;
    let mut new = Vec::with_capacity(old.len() + items.len() + 5);
    (have + count).encode(&mut new);
    new.extend_from_slice(rest);
    new.extend_from_slice(items);
    sections.insert(id, new);
    Ok(())
}

fn split_count(bytes: &[u8]) -> Result<(u32, &[u8]), Error> {
    let mut reader = wasmparser::BinaryReader::new(bytes, 0);
    let count = reader.read_var_u32().map_err(malformed)?;
    Ok((count, &bytes[reader.original_position()..]))
}

fn malformed(error: wasmparser::BinaryReaderError) -> Error {
    Error::Malformed {
        offset: error.offset(),
        what: error.message().to_owned(),
    }
}
