//! The name section, when functions have moved.

use std::collections::BTreeMap;

use wasm_encoder::{IndirectNameMap, NameMap, NameSection, reencode};
use wasmparser::{Name, NameSectionReader};

use crate::Error;

/// The names of the program's functions and of their locals, of its globals and segments, and of the shim's functions.
/// Functions for which `gone` is true are named by the shim. Labels and names of types go.
pub(crate) fn moved(
    program: NameSectionReader<'_>,
    moved: impl Fn(u32) -> Option<u32>,
    gone: impl Fn(u32) -> bool,
    shim: Option<NameSectionReader<'_>>,
    own: impl Fn(u32) -> Option<u32>,
) -> Result<NameSection, Error> {
    let mut functions = BTreeMap::new();
    let mut locals = BTreeMap::new();
    let mut module = None;
    let mut others: [Option<NameMap>; 5] = Default::default();
    for name in program {
        match name? {
            Name::Module { name, .. } => module = Some(name),
            Name::Function(map) => {
                for it in map {
                    let it = it?;
                    if let Some(index) = moved(it.index).filter(|_| !gone(it.index)) {
                        functions.insert(index, it.name);
                    }
                }
            }
            Name::Local(maps) => {
                for it in maps {
                    let it = it?;
                    if let Some(index) = moved(it.index).filter(|_| !gone(it.index)) {
                        locals.insert(index, named(it.names)?);
                    }
                }
            }
            Name::Table(map) => others[0] = Some(named(map)?),
            Name::Memory(map) => others[1] = Some(named(map)?),
            Name::Global(map) => others[2] = Some(named(map)?),
            Name::Element(map) => others[3] = Some(named(map)?),
            Name::Data(map) => others[4] = Some(named(map)?),
            _ => {}
        }
    }
    for name in shim.into_iter().flatten() {
        if let Name::Function(map) = name? {
            for it in map {
                let it = it?;
                if let Some(index) = own(it.index) {
                    functions.insert(index, it.name);
                }
            }
        }
    }
    let mut section = NameSection::new();
    if let Some(name) = module {
        section.module(name);
    }
    let mut map = NameMap::new();
    functions
        .iter()
        .for_each(|(index, name)| map.append(*index, name));
    section.functions(&map);
    if !locals.is_empty() {
        let mut maps = IndirectNameMap::new();
        locals
            .iter()
            .for_each(|(index, names)| maps.append(*index, names));
        section.locals(&maps);
    }
    let append: [fn(&mut NameSection, &NameMap); 5] = [
        NameSection::tables,
        NameSection::memories,
        NameSection::globals,
        NameSection::elements,
        NameSection::data,
    ];
    for (append, map) in append.iter().zip(&others) {
        if let Some(map) = map {
            append(&mut section, map);
        }
    }
    Ok(section)
}

fn named(map: wasmparser::NameMap<'_>) -> Result<NameMap, reencode::Error> {
    let mut names = NameMap::new();
    for it in map {
        let it = it.map_err(reencode::Error::ParseError)?;
        names.append(it.index, it.name);
    }
    Ok(names)
}
