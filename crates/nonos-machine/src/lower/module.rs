//! What of a checked module its functions refer to, and its initial state.
//!
//! The cells of [`Space::Global`]: the module's globals by their index; behind them the sizes of the tables
//! that may grow and the lengths of the passive segments; then the entries of all tables, and those of the
//! passive element segments. The bytes of the passive data segments lie aside, each from a whole word on.

use std::collections::BTreeMap;

use nonos_package::{HostCall, HostSet, instructions, limits};
use nonos_types::TrapKind;
use wasmparser::{BinaryReaderError, FuncType, FunctionBody, ValType};

use super::{
    LowerError,
    calls::type_word,
    emit::{Emitter, Label},
    routine::Routines,
    sections::{Mode, Sections, Word},
};
use crate::isa::{ASIDE, Space};

/// A global of a module.
#[derive(Clone, Copy)]
pub(super) struct Global {
    /// Whether it is an `i32`.
    pub(super) narrow: bool,
    /// The value, if it never changes.
    pub(super) constant: Option<u64>,
}

/// A function's type: whether each value is an `i32`. A reference is a whole word.
#[derive(Clone, Default)]
pub(super) struct Signature {
    pub(super) params: Vec<bool>,
    pub(super) results: Vec<bool>,
}

/// A number that is known, or that a cell of [`Space::Global`] has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Fixed(u32),
    Cell(u32),
}

/// A table.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) size: Size,
    /// The most entries it may have.
    pub(super) limit: u32,
    /// Its first entry, among the entries of all tables.
    pub(super) offset: u32,
}

/// A segment that code can refer to.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    /// Bytes or entries; 0 from the start, unless it is passive.
    pub(super) length: Size,
    /// Where it begins: byte address aside, or first entry among those of passive element segments.
    pub(super) start: u32,
}

/// Where a run ends early.
pub(super) struct Ends {
    /// By `exit`.
    pub(super) exit: Label,
    /// By a trap, in the order of [`TrapKind::ALL`].
    pub(super) traps: [Label; TrapKind::ALL.len()],
}

impl Ends {
    fn new(out: &mut Emitter) -> Self {
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
    pub(super) tables: Vec<Table>,
    pub(super) data: Vec<Segment>,
    pub(super) elements: Vec<Segment>,
    /// Index in [`Space::Global`] of the first entry of all tables.
    pub(super) entries: u32,
    /// Index in [`Space::Global`] of the first entry of all passive element segments.
    pub(super) passive_entries: u32,
    /// What runs before the entry.
    pub(super) start: Option<u32>,
    pub(super) hosts: HostSet,
    /// The most pages the memory may have.
    pub(super) most_pages: u32,
    /// Where runs end.
    pub(super) ends: Ends,
    pub(super) routines: Routines,
    /// Where each function begins.
    pub(super) labels: Vec<Label>,
    types: Vec<Signature>,
    /// By type index, the first type that is equal.
    canonical: Vec<u32>,
    /// Type of each function, imported ones included.
    functions: Vec<u32>,
}

/// What of a module is not referred to by code.
pub(super) struct Rest<'a> {
    pub(super) bodies: Vec<FunctionBody<'a>>,
    /// Initial cells, by key.
    pub(super) cells: BTreeMap<u32, Word>,
}

impl Module {
    /// Reads a module that `checked` describes.
    pub(super) fn read<'a>(
        wasm: &'a [u8],
        checked: instructions::Module,
        hosts: HostSet,
        most_pages: u32,
        out: &mut Emitter,
    ) -> Result<(Self, Rest<'a>), LowerError> {
        let sections = Sections::read(wasm).map_err(malformed)?;
        let mut cells = BTreeMap::new();
        let mut next = sections.globals.len() as u32;
        let globals = globals(&sections, &mut cells);
        let (tables, entry_count) = tables(&sections, &mut next, &mut cells);
        let data = data(&sections, &mut next, &mut cells);
        let mut elements = lengths(&sections.elements, Vec::len, &mut next, &mut cells);
        let passive_entries = next + entry_count;
        let mut passive = 0;
        for ((mode, words), segment) in sections.elements.iter().zip(&mut elements) {
            let first = match *mode {
                Mode::Active { table, start } => next + tables[table as usize].offset + start as u32,
                Mode::Passive => {
                    segment.start = passive;
                    passive += words.len() as u32;
                    passive_entries + segment.start
                }
                Mode::Declared => continue,
            };
            cells.extend(
                (first..)
                    .map(|index| Space::Global.key(index))
                    .zip(words.iter().copied()),
            );
        }
        let module = Self {
            imports: checked.imports,
            globals,
            tables,
            data,
            elements,
            entries: next,
            passive_entries,
            start: sections.start,
            hosts,
            most_pages,
            ends: Ends::new(out),
            routines: Routines::new(out),
            labels: sections.functions.iter().map(|_| out.label()).collect(),
            types: sections.types.iter().map(signature).collect(),
            canonical: canonical(&sections.types),
            functions: sections.functions,
        };
        let bodies = sections.bodies;
        Ok((module, Rest { bodies, cells }))
    }

    pub(super) fn signature(&self, function: u32) -> Option<&Signature> {
        self.ty(*self.functions.get(function as usize)?)
    }

    /// The type with an index.
    pub(super) fn ty(&self, index: u32) -> Option<&Signature> {
        self.types.get(index as usize)
    }

    /// The number that equal types have in common, of the type with an index.
    pub(super) fn canonical(&self, index: u32) -> u32 {
        self.canonical[index as usize]
    }

    /// That number, of the type of a function.
    pub(super) fn type_of(&self, function: u32) -> u32 {
        self.canonical(self.functions[function as usize])
    }

    /// The reference to a function that begins at `pc`.
    pub(super) fn reference(&self, function: u32, pc: u32) -> u64 {
        type_word(self.type_of(function)) | u64::from(pc)
    }
}

fn globals(sections: &Sections<'_>, cells: &mut BTreeMap<u32, Word>) -> Vec<Global> {
    let mut globals = Vec::new();
    for (index, (ty, word)) in (0..).zip(&sections.globals) {
        let constant = match word {
            Word::Value(value) if !ty.mutable => Some(*value),
            // Where a function begins is not known before all code is there.
            _ => None,
        };
        if constant.is_none() {
            cells.insert(Space::Global.key(index), *word);
        }
        globals.push(Global {
            narrow: ty.content_type == ValType::I32,
            constant,
        });
    }
    globals
}

/// The tables, and how many entries there are.
fn tables(sections: &Sections<'_>, next: &mut u32, cells: &mut BTreeMap<u32, Word>) -> (Vec<Table>, u32) {
    let mut offset = 0;
    let mut tables = Vec::new();
    for (index, ty) in (0..).zip(&sections.tables) {
        let initial = ty.initial as u32;
        let most = ty.maximum.unwrap_or(u64::MAX).min(limits::TABLE) as u32;
        let (size, limit) = if sections.grown.contains(&index) {
            (cell(u64::from(initial), next, cells), most)
        } else {
            (Size::Fixed(initial), initial)
        };
        tables.push(Table { size, limit, offset });
        offset += limit;
    }
    (tables, offset)
}

/// The data segments. Active ones go to the memory, passive ones aside.
fn data(sections: &Sections<'_>, next: &mut u32, cells: &mut BTreeMap<u32, Word>) -> Vec<Segment> {
    let mut segments = lengths(&sections.data, |bytes| bytes.len(), next, cells);
    let mut words = 0;
    for ((mode, bytes), segment) in sections.data.iter().zip(&mut segments) {
        match *mode {
            Mode::Active { start, .. } => place(cells, Space::Linear, 0, start, bytes),
            Mode::Passive => {
                segment.start = words * 8;
                place(cells, Space::Global, ASIDE + words, 0, bytes);
                words += bytes.len().div_ceil(8) as u32;
            }
            Mode::Declared => {}
        }
    }
    segments
}

/// The segments without where they begin.
fn lengths<T>(
    segments: &[(Mode, T)],
    length: impl Fn(&T) -> usize,
    next: &mut u32,
    cells: &mut BTreeMap<u32, Word>,
) -> Vec<Segment> {
    let of = |(mode, content): &(Mode, T)| Segment {
        length: match mode {
            Mode::Passive => cell(length(content) as u64, next, cells),
            // Instantiation drops it.
            _ => Size::Fixed(0),
        },
        start: 0,
    };
    segments.iter().map(of).collect()
}

/// Takes the next cell of [`Space::Global`].
fn cell(value: u64, next: &mut u32, cells: &mut BTreeMap<u32, Word>) -> Size {
    let index = *next;
    *next += 1;
    cells.insert(Space::Global.key(index), Word::Value(value));
    Size::Cell(index)
}

/// Writes bytes to cells, from a byte address behind cell number `first` on.
fn place(cells: &mut BTreeMap<u32, Word>, space: Space, first: u32, mut address: u64, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let skip = (address % 8) as usize;
        let (now, rest) = bytes.split_at(bytes.len().min(8 - skip));
        let index = u32::try_from(address / 8).expect("segments are inside of the memory");
        let cell = cells.entry(space.key(first + index)).or_insert(Word::Value(0));
        if let Word::Value(value) = cell {
            let mut word = value.to_le_bytes();
            word[skip..skip + now.len()].copy_from_slice(now);
            *value = u64::from_le_bytes(word);
        }
        address += now.len() as u64;
        bytes = rest;
    }
}

fn signature(ty: &FuncType) -> Signature {
    let narrow = |ty: &ValType| *ty == ValType::I32;
    Signature {
        params: ty.params().iter().map(narrow).collect(),
        results: ty.results().iter().map(narrow).collect(),
    }
}

fn canonical(types: &[FuncType]) -> Vec<u32> {
    let mut first = std::collections::HashMap::new();
    (0..)
        .zip(types)
        .map(|(index, ty)| *first.entry(ty).or_insert(index))
        .collect()
}

/// An error of reading, which a checked module does not have.
pub(super) fn malformed(error: BinaryReaderError) -> LowerError {
    LowerError::Module(instructions::Error::Invalid {
        offset: error.offset(),
        detail: error.message().to_owned(),
    })
}
