//! The shim: its functions, and what each needs.

use std::collections::{BTreeMap, BTreeSet};

use nonos_package::{HostCall, abi};
use wasmparser::Operator;

use crate::{Error, module::Sections};

/// What the shim is made from.
const TEXT: &str = include_str!("shim.wat");

/// The shim as a module.
pub(crate) fn assemble() -> Result<Vec<u8>, Error> {
    crate::assemble(TEXT)
}

/// What a function index of the shim stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    Host(HostCall),
    /// The program's `_start`.
    Program,
    /// One of its own, by number.
    Own(u32),
}

pub(crate) struct Shim<'a> {
    pub(crate) sections: Sections<'a>,
    imports: Vec<Function>,
    /// Function indices, by export name.
    pub(crate) exports: BTreeMap<&'a str, u32>,
    /// What each of its own functions calls, by number.
    calls: Vec<Vec<u32>>,
}

impl<'a> Shim<'a> {
    pub(crate) fn read(wasm: &'a [u8]) -> Result<Self, Error> {
        let sections = Sections::read(wasm)?;
        let function = |(module, name, _): (&str, &str, u32)| match HostCall::from_name(name) {
            Some(call) if module == abi::MODULE => Function::Host(call),
            _ => Function::Program,
        };
        let imports = sections.function_imports().map(function).collect();
        let mut exports = BTreeMap::new();
        for export in sections.exports.clone().into_iter().flatten() {
            let export = export?;
            exports.insert(export.name, export.index);
        }
        let mut calls = Vec::new();
        for body in &sections.bodies {
            let mut called = Vec::new();
            for op in body.get_operators_reader()? {
                if let Operator::Call { function_index } = op? {
                    called.push(function_index);
                }
            }
            calls.push(called);
        }
        Ok(Self {
            sections,
            imports,
            exports,
            calls,
        })
    }

    pub(crate) fn function(&self, index: u32) -> Function {
        let imported = self.imports.len() as u32;
        match self.imports.get(index as usize) {
            Some(function) => *function,
            None => Function::Own(index - imported),
        }
    }

    /// What is needed for the functions with these indices.
    pub(crate) fn reached(&self, roots: impl IntoIterator<Item = u32>) -> BTreeSet<Function> {
        let mut found = BTreeSet::new();
        let mut left: Vec<u32> = roots.into_iter().collect();
        while let Some(index) = left.pop() {
            let function = self.function(index);
            if found.insert(function)
                && let Function::Own(number) = function
            {
                left.extend(&self.calls[number as usize]);
            }
        }
        found
    }
}
