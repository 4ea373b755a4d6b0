//! Binding a program's WASI imports to functions over the tapes.

use std::collections::{BTreeMap, BTreeSet};

use nonos_package::{HostCall, HostSet, abi};
use wasm_encoder::{
    CodeSection, CustomSection, DataCountSection, DataSection, ElementSection, EntityType, ExportSection,
    FunctionSection, GlobalSection, ImportSection, MemorySection, Module, StartSection, TableSection,
    TypeSection,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{ExternalKind, TypeRef};

use crate::{
    Error,
    module::Sections,
    names,
    shim::{self, Function, Shim},
};

/// The import module that is bound.
pub const MODULE: &str = "wasi_snapshot_preview1";
/// What a program for WASI exports to be called, and what is called of what it becomes.
pub const ENTRY: &str = "_start";

/// A module that needs nothing of WASI any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The module.
    pub wasm: Vec<u8>,
    /// The imports that were bound, by name.
    pub replaced: Vec<String>,
    /// The host calls that the functions make which were linked in: the manifest has to allow them.
    pub host_calls: HostSet,
}

/// Why capsules have no such function.
fn reason(name: &str) -> Option<&'static str> {
    match name {
        "clock_time_get" | "clock_res_get" => {
            Some("a run has no clock, so that it can be repeated and proved; a time that matters is input")
        }
        "random_get" => Some(
            "a run has no randomness, so that it can be repeated and proved; a seed is input, public or sealed",
        ),
        _ if name.starts_with("path_") || name.starts_with("fd_prestat") => {
            Some("a capsule has no files, only standard input, output and error")
        }
        _ if name.starts_with("sock_") => Some("a capsule has no sockets"),
        _ => None,
    }
}

/// Binds what a module imports from [`MODULE`] to functions over the tapes that are added to it. `None` if it imports
/// nothing from there: it stays as it is.
///
/// # Errors
/// [`Error::Unsupported`], with the import's name; [`Error::ImportType`], [`Error::NoStart`], [`Error::NoMemory`],
/// [`Error::Malformed`].
pub fn link(wasm: &[u8]) -> Result<Option<Linked>, Error> {
    let program = Sections::read(wasm)?;
    let wanted: BTreeSet<&str> = program
        .imports
        .iter()
        .filter(|import| import.module == MODULE)
        .map(|import| import.name)
        .collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    if let Some(offset) = program.other {
        return Err(Error::Malformed {
            offset,
            detail: "a section that capsules do not have".to_owned(),
        });
    }
    let bytes = shim::assemble()?;
    let shim = Shim::read(&bytes)?;
    let start = admit(&program, &shim)?;
    let replaced = wanted.iter().map(|name| (*name).to_owned()).collect();
    let plan = Plan::new(&program, &shim, &wanted, start);
    Ok(Some(Linked {
        wasm: plan.module()?,
        replaced,
        host_calls: plan.host_calls(),
    }))
}

/// Checks what the program imports and exports; gives the function index of its `_start`.
fn admit(program: &Sections<'_>, shim: &Shim<'_>) -> Result<u32, Error> {
    for import in program.imports.iter().filter(|import| import.module == MODULE) {
        let name = import.name.to_owned();
        let function = shim.exports.get(import.name).filter(|_| import.name != ENTRY);
        let Some(function) = function else {
            let reason = reason(import.name);
            return Err(Error::Unsupported { name, reason });
        };
        let TypeRef::Func(ty) = import.ty else {
            return Err(Error::ImportType { name });
        };
        if program.ty(ty) != shim.sections.type_of(*function) {
            return Err(Error::ImportType { name });
        }
    }
    if program
        .memories
        .as_ref()
        .is_none_or(|memories| memories.count() == 0)
    {
        return Err(Error::NoMemory);
    }
    if program.bodies.len() != program.functions.len() {
        return Err(Error::Malformed {
            offset: 0,
            detail: "functions without code, or code without functions".to_owned(),
        });
    }
    let mut start = None;
    for export in program.exports.clone().into_iter().flatten() {
        let export = export?;
        if export.name == ENTRY && export.kind == ExternalKind::Func {
            start = Some(export.index);
        }
    }
    let plain = |function: &u32| {
        let ty = program.type_of(*function);
        ty.is_some_and(|ty| ty.params().is_empty() && ty.results().is_empty())
    };
    start.filter(plain).ok_or(Error::NoStart)
}

/// Where functions go.
struct Plan<'a> {
    program: &'a Sections<'a>,
    shim: &'a Shim<'a>,
    /// What of the shim is needed.
    needed: BTreeSet<Function>,
    /// Function indices in the linked module: of the program's functions, by their index.
    moved: Vec<u32>,
    /// … of the host calls.
    hosts: BTreeMap<HostCall, u32>,
    /// Host calls that the program does not import itself.
    added: Vec<HostCall>,
    /// … of the shim's own functions, by their number.
    own: BTreeMap<u32, u32>,
    /// Function index, in the program, of its `_start`.
    start: u32,
}

impl<'a> Plan<'a> {
    fn new(program: &'a Sections<'a>, shim: &'a Shim<'a>, wanted: &BTreeSet<&str>, start: u32) -> Self {
        let roots = wanted.iter().chain([&ENTRY]).map(|name| shim.exports[name]);
        let needed = shim.reached(roots);
        let mut hosts = BTreeMap::new();
        let mut next = 0;
        for (module, name, _) in program
            .function_imports()
            .filter(|(module, ..)| *module != MODULE)
        {
            if let (abi::MODULE, Some(call)) = (module, HostCall::from_name(name)) {
                hosts.entry(call).or_insert(next);
            }
            next += 1;
        }
        let mut added = Vec::new();
        for function in &needed {
            if let Function::Host(call) = function
                && !hosts.contains_key(call)
            {
                hosts.insert(*call, next);
                added.push(*call);
                next += 1;
            }
        }
        let first = next;
        let mut own = BTreeMap::new();
        next += program.functions.len() as u32;
        for function in &needed {
            if let Function::Own(number) = function {
                own.insert(*number, next);
                next += 1;
            }
        }
        let mut moved = Vec::new();
        let mut kept = 0;
        for (module, name, _) in program.function_imports() {
            if module == MODULE {
                let Function::Own(number) = shim.function(shim.exports[name]) else {
                    unreachable!("the shim exports only functions of its own");
                };
                moved.push(own[&number]);
            } else {
                moved.push(kept);
                kept += 1;
            }
        }
        moved.extend(first..first + program.functions.len() as u32);
        Self {
            program,
            shim,
            needed,
            moved,
            hosts,
            added,
            own,
            start,
        }
    }

    fn host_calls(&self) -> HostSet {
        let host = |function: &Function| match function {
            Function::Host(call) => Some(*call),
            _ => None,
        };
        self.needed.iter().filter_map(host).collect()
    }

    /// Where a function of the shim is.
    fn of_shim(&self, index: u32) -> u32 {
        match self.shim.function(index) {
            Function::Host(call) => self.hosts[&call],
            Function::Program => self.moved[self.start as usize],
            Function::Own(number) => self.own[&number],
        }
    }

    fn module(&self) -> Result<Vec<u8>, Error> {
        let mut of_program = OfProgram(self);
        let mut of_shim = OfShim(self);
        let (program, shim) = (self.program, &self.shim.sections);
        let mut out = Module::new();

        let mut types = TypeSection::new();
        if let Some(reader) = program.types.clone() {
            of_program.parse_type_section(&mut types, reader)?;
        }
        if let Some(reader) = shim.types.clone() {
            // Its types refer to no others.
            RoundtripReencoder.parse_type_section(&mut types, reader)?;
        }
        out.section(&types);

        let mut imports = ImportSection::new();
        for import in program.imports.iter().filter(|import| import.module != MODULE) {
            of_program.parse_import(&mut imports, *import)?;
        }
        for (_, name, ty) in shim.function_imports() {
            if self.added.iter().any(|call| call.name() == name) {
                imports.import(abi::MODULE, name, EntityType::Function(of_shim.type_index(ty)));
            }
        }
        if !imports.is_empty() {
            out.section(&imports);
        }

        let mut functions = FunctionSection::new();
        program.functions.iter().for_each(|ty| {
            functions.function(*ty);
        });
        for number in self.own.keys() {
            functions.function(of_shim.type_index(shim.functions[*number as usize]));
        }
        out.section(&functions);
        if let Some(reader) = program.tables.clone() {
            let mut tables = TableSection::new();
            of_program.parse_table_section(&mut tables, reader)?;
            out.section(&tables);
        }
        if let Some(reader) = program.memories.clone() {
            let mut memories = MemorySection::new();
            of_program.parse_memory_section(&mut memories, reader)?;
            out.section(&memories);
        }
        let mut globals = GlobalSection::new();
        if let Some(reader) = program.globals.clone() {
            of_program.parse_global_section(&mut globals, reader)?;
        }
        if let Some(reader) = shim.globals.clone() {
            of_shim.parse_global_section(&mut globals, reader)?;
        }
        out.section(&globals);
        out.section(&self.exports()?);
        if let Some(start) = program.start {
            out.section(&StartSection {
                function_index: self.moved[start as usize],
            });
        }
        if let Some(reader) = program.elements.clone() {
            let mut elements = ElementSection::new();
            of_program.parse_element_section(&mut elements, reader)?;
            out.section(&elements);
        }
        if let Some(count) = program.data_count {
            out.section(&DataCountSection { count });
        }
        let mut code = CodeSection::new();
        for body in &program.bodies {
            of_program.parse_function_body(&mut code, body.clone())?;
        }
        for number in self.own.keys() {
            of_shim.parse_function_body(&mut code, shim.bodies[*number as usize].clone())?;
        }
        out.section(&code);
        if let Some(reader) = program.data.clone() {
            let mut data = DataSection::new();
            of_program.parse_data_section(&mut data, reader)?;
            out.section(&data);
        }
        if let Some(names) = program.names.clone() {
            let moved = |function: u32| self.moved.get(function as usize).copied();
            let own = |function: u32| match self.shim.function(function) {
                Function::Own(number) => self.own.get(&number).copied(),
                _ => None,
            };
            let gone = |function: u32| {
                let import = program.function_imports().nth(function as usize);
                import.is_some_and(|(module, ..)| module == MODULE)
            };
            out.section(&names::moved(names, moved, gone, shim.names.clone(), own)?);
        }
        for (name, data) in &program.customs {
            out.section(&CustomSection {
                name: (*name).into(),
                data: (*data).into(),
            });
        }
        Ok(out.finish())
    }

    /// What the program exports; its entry is the shim's.
    fn exports(&self) -> Result<ExportSection, Error> {
        let mut exports = ExportSection::new();
        for export in self.program.exports.clone().into_iter().flatten() {
            let export = export?;
            let index = match export.kind {
                ExternalKind::Func if export.name == ENTRY => self.of_shim(self.shim.exports[ENTRY]),
                ExternalKind::Func => self.moved(export.index)?,
                _ => export.index,
            };
            exports.export(export.name, RoundtripReencoder.export_kind(export.kind), index);
        }
        Ok(exports)
    }

    fn moved(&self, function: u32) -> Result<u32, Error> {
        let moved = self.moved.get(function as usize).copied();
        moved.ok_or_else(|| Error::Malformed {
            offset: 0,
            detail: format!("there is no function {function}"),
        })
    }
}

/// Copies the program's sections.
struct OfProgram<'a>(&'a Plan<'a>);

impl Reencode for OfProgram<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> u32 {
        // One that does not exist does not exist afterwards either: packing refuses it.
        self.0.moved(function).unwrap_or(u32::MAX)
    }
}

/// Copies the shim's: behind the program's.
struct OfShim<'a>(&'a Plan<'a>);

impl Reencode for OfShim<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> u32 {
        self.0.of_shim(function)
    }

    fn type_index(&mut self, ty: u32) -> u32 {
        ty + self.0.program.type_list.len() as u32
    }

    fn global_index(&mut self, global: u32) -> u32 {
        global + self.0.program.global_count()
    }
}
