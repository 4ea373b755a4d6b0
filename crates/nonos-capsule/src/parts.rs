//! The parts of an instance that the host looks at.

use std::collections::HashMap;

use nonos_types::{Fuel, Pages, StateHash};
use wasmi::{AsContext, AsContextMut, Func, Global, Instance, Memory, Nullable, Ref, Table, Val};

use crate::{host::Host, meter::Names};

/// Entries of tables that cost as much as a page of memory where they are hashed.
const ENTRIES_PER_PAGE: u64 = 512;

/// The parts of an instance.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) fuel: Global,
    memory: Option<Memory>,
    globals: Vec<Global>,
    tables: Vec<Table>,
    functions: Functions,
}

/// The words of a state that lie outside of the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) globals: Vec<u64>,
    pub(crate) tables: Vec<Vec<u64>>,
}

impl Parts {
    /// The parts of an instance of a metered module.
    pub(crate) fn of(instance: &Instance, ctx: impl AsContext, names: &Names) -> Option<Self> {
        let ctx = ctx.as_context();
        let memory = match &names.memory {
            Some(name) => Some(instance.get_memory(ctx, name)?),
            None => None,
        };
        let globals = names.globals.iter().map(|name| instance.get_global(ctx, name));
        let tables = names.tables.iter().map(|name| instance.get_table(ctx, name));
        let functions = names.functions.iter();
        let functions = functions.map(|(index, name)| Some((*index, instance.get_func(ctx, name)?)));
        Some(Self {
            fuel: instance.get_global(ctx, &names.fuel)?,
            memory,
            globals: globals.collect::<Option<_>>()?,
            tables: tables.collect::<Option<_>>()?,
            functions: Functions::of(functions.collect::<Option<Vec<_>>>()?),
        })
    }

    /// What is left of the slice.
    pub(crate) fn fuel(&self, ctx: impl AsContext) -> u64 {
        match self.fuel.get(ctx) {
            Val::I64(fuel) => fuel.cast_unsigned(),
            _ => unreachable!("the meter declares it as an i64"),
        }
    }

    /// How many pages of memory cost as much to hash as the state does now.
    pub(crate) fn pages(&self, ctx: impl AsContext) -> u64 {
        let ctx = ctx.as_context();
        let entries: u64 = self.tables.iter().map(|table| table.size(ctx)).sum();
        self.memory.map_or(0, |memory| memory.size(ctx)) + entries.div_ceil(ENTRIES_PER_PAGE)
    }

    /// Takes a checkpoint, and tells how much memory there is.
    pub(crate) fn checkpoint(
        &self,
        mut ctx: impl AsContextMut<Data = Host>,
        used: Fuel,
    ) -> Result<(StateHash, Pages), nonos_state::Error> {
        let words = self.words(&ctx);
        let mut ctx = ctx.as_context_mut();
        let (memory, host) = match self.memory {
            Some(memory) => {
                let (bytes, host) = memory.data_and_store_mut(&mut ctx);
                (&*bytes, host)
            }
            None => (&[][..], ctx.data_mut()),
        };
        let positions = host.tapes.positions();
        let state = host.checkpoints.take(used, memory, &words, positions)?;
        let pages = memory.len() as u64 / Pages::SIZE.get();
        Ok((state, Pages::new(pages as u32)))
    }

    /// What the globals and tables hold.
    fn words(&self, ctx: impl AsContext) -> Words {
        let ctx = ctx.as_context();
        let word = |value: Ref| self.functions.word(value);
        let entries = |table: Table| (0..table.size(ctx)).filter_map(move |index| table.get(ctx, index));
        Words {
            globals: self
                .globals
                .iter()
                .map(|global| match global.get(ctx) {
                    Val::I32(value) => u64::from(value.cast_unsigned()),
                    Val::I64(value) => value.cast_unsigned(),
                    Val::FuncRef(value) => word(Ref::Func(value)),
                    // Only null; floats are refused by the engine.
                    _ => 0,
                })
                .collect(),
            tables: self
                .tables
                .iter()
                .map(|table| entries(*table).map(word).collect())
                .collect(),
        }
    }
}

/// Tells functions by what they print as: the interpreter compares them in no other way.
#[derive(Clone, Debug)]
struct Functions(HashMap<String, u32>);

impl Functions {
    fn of(functions: Vec<(u32, Func)>) -> Self {
        let printed = functions
            .into_iter()
            .map(|(index, function)| (format!("{function:?}"), index));
        Self(printed.collect())
    }

    /// 0 for null, else the index of the function and 1.
    fn word(&self, value: Ref) -> u64 {
        match value {
            Ref::Func(Nullable::Val(function)) => {
                let index = self.0.get(&format!("{function:?}"));
                u64::from(*index.expect("whatever a reference names is exported to the host")) + 1
            }
            Ref::Func(Nullable::Null) | Ref::Extern(_) => 0,
        }
    }
}
