//! Lowering: a checked wasm module to register code, deterministically.
//!
//! The verifier lowers the module again, so what is here is part of what a proof means.
//!
//! A frame has the link word in register 0, the parameters and locals from register 1, and the operand stack
//! above them. A call's frame begins above what is live; its arguments are written there, and the results are
//! found in its registers from 1 on. A tail call takes over the frame, and the link word. Fuel is charged by the first instruction of a metered block
//! ([`nonos_package::fuel`]), or by one of its own where that instruction is reached on other ways too.

mod branch;
mod bulk;
mod calls;
mod compute;
mod emit;
mod function;
mod host;
mod locals;
mod memory;
mod module;
mod moves;
mod routine;
mod sections;
mod short;
mod stub;
mod values;

use std::collections::BTreeSet;

use nonos_package::{HostSet, fuel, instructions, limits};
use nonos_types::{Fault, Pages};
use wasmparser::{FunctionBody, Operator, ValType};

pub use instructions::Signature;

use self::{
    emit::Emitter,
    function::Function,
    module::{Module, malformed},
    routine::Routines,
    sections::Word,
};
use crate::{
    isa::Program,
    source::{Origin, Source},
};

/// What a policy says about how a module runs.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The exported function to run.
    pub entry: &'a str,
    /// The most memory it may have, counted in pages of 64 KiB.
    pub max_pages: Pages,
    /// The host calls it may make; another traps.
    pub hosts: HostSet,
}

/// A module as register code, and the type of its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// The code and the initial state.
    pub program: Program,
    /// Parameters and result of the entry.
    pub entry: Signature,
}

/// Why a module cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// The module is not a capsule's.
    #[error(transparent)]
    Module(#[from] instructions::Error),
    /// No function of that name is exported.
    #[error("no function `{entry}` is exported")]
    NoEntry {
        /// The name.
        entry: String,
    },
    /// The entry is a host call.
    #[error("`{entry}` is an imported function")]
    ImportedEntry {
        /// The name.
        entry: String,
    },
    /// The module starts with more memory than it may have.
    #[error("the module starts with {initial} pages of memory, {allowed} are allowed")]
    Memory {
        /// Pages at the start.
        initial: Pages,
        /// Pages allowed.
        allowed: Pages,
    },
    /// The code is longer than an instruction can name.
    #[error("{instructions} instructions are more than a program can have")]
    TooLong {
        /// Instructions.
        instructions: usize,
    },
}

impl LowerError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoEntry { .. } | Self::ImportedEntry { .. } => Fault::Caller,
            Self::Module(_) | Self::Memory { .. } | Self::TooLong { .. } => Fault::Peer,
        }
    }
}

/// Lowers `wasm` for runs that begin at an exported function.
///
/// # Errors
/// [`LowerError`], if the module is outside of the instruction set or does not fit `options`.
///
/// ```
/// use nonos_machine::{Options, lower};
/// use nonos_package::HostSet;
/// use nonos_types::Pages;
///
/// let wasm = wat::parse_str(r#"(module (func (export "one") (result i32) i32.const 1))"#)?;
/// let options = Options { entry: "one", max_pages: Pages::new(0), hosts: HostSet::EMPTY };
/// let lowered = lower(&wasm, &options)?;
/// assert!(lowered.entry.params.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn lower(wasm: &[u8], options: &Options<'_>) -> Result<Lowered, LowerError> {
    lower_into(&mut Emitter::default(), wasm, options)
}

/// Lowers `wasm` as [`lower`] does, and says where each instruction comes from.
///
/// # Errors
/// As [`lower`].
pub fn lower_with_source(wasm: &[u8], options: &Options<'_>) -> Result<(Lowered, Source), LowerError> {
    let mut out = Emitter::with_source();
    let lowered = lower_into(&mut out, wasm, options)?;
    Ok((lowered, out.take_source().unwrap_or_default()))
}

fn lower_into(out: &mut Emitter, wasm: &[u8], options: &Options<'_>) -> Result<Lowered, LowerError> {
    let checked = instructions::check(wasm)?;
    let entry = checked.exports.get(options.entry).cloned();
    let entry = entry.ok_or_else(|| LowerError::NoEntry {
        entry: options.entry.to_owned(),
    })?;
    let imported = checked.imports.len();
    if (entry.function as usize) < imported {
        return Err(LowerError::ImportedEntry {
            entry: options.entry.to_owned(),
        });
    }
    if checked.pages > options.max_pages {
        return Err(LowerError::Memory {
            initial: checked.pages,
            allowed: options.max_pages,
        });
    }
    let pages = checked.pages.get();
    let most_pages = checked.max_pages.min(options.max_pages).get();

    let (module, rest) = Module::read(wasm, checked, options.hosts, most_pages, out)?;
    let halts = stub::emit(out, &module, entry.function);
    for (index, body) in rest.bodies.iter().enumerate() {
        function(&module, out, (imported + index) as u32, body)?;
    }
    let referred: BTreeSet<u32> = rest.cells.values().filter_map(Word::function).collect();
    for import in 0..imported as u32 {
        if referred.contains(&import) || out.is_used(module.labels[import as usize]) {
            trampoline(&module, out, import);
        }
    }
    Routines::emit(&module, out);
    let value = |word: Word| match word {
        Word::Value(value) => value,
        Word::Function(function) => {
            let label = module.labels[function as usize];
            module.reference(function, out.place(label))
        }
    };
    let data = rest.cells.iter().map(|(key, word)| (*key, value(*word)));
    let data = data.filter(|(_, value)| *value != 0).collect();
    Ok(Lowered {
        program: Program {
            code: out.finish()?,
            data,
            pages,
            room: limits::CALL_DEPTH,
            halts,
        },
        entry: entry.signature,
    })
}

/// Emits a function that makes a host call, for those who have a reference to it.
fn trampoline(module: &Module, out: &mut Emitter, import: u32) {
    let signature = module.signature(import).cloned().unwrap_or_default();
    let params = signature.params.len() as u32;
    out.bind(module.labels[import as usize]);
    out.at(Origin::Import { function: import });
    out.charge(fuel::trampoline(module.imports[import as usize]).into());
    let mut lowering = Function::new(module, out, signature.params, signature.results);
    let arguments = (0..params).map(|local_index| Operator::LocalGet { local_index });
    let call = Operator::Call {
        function_index: import,
    };
    for operator in arguments.chain([call, Operator::End]) {
        let lowered = lowering.operator(&operator);
        lowered.expect("these are of the instruction set");
    }
}

/// Lowers a function.
fn function(
    module: &Module,
    out: &mut Emitter,
    index: u32,
    body: &FunctionBody<'_>,
) -> Result<(), LowerError> {
    let signature = module.signature(index).cloned().unwrap_or_default();
    let params = signature.params.len();
    let mut locals = signature.params;
    for group in body.get_locals_reader().map_err(malformed)? {
        let (count, ty) = group.map_err(malformed)?;
        locals.resize(locals.len() + count as usize, ty == ValType::I32);
    }
    let operators = body
        .get_operators_reader()
        .map_err(malformed)?
        .into_iter_with_offsets();
    let operators = operators.collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    let (operators, offsets): (Vec<Operator<'_>>, Vec<usize>) = operators.into_iter().unzip();
    let charges = fuel::charges(body, &module.imports)
        .map_err(|_| unsupported(index, body.range().start, &Operator::Nop))?;
    let mut charges = charges.into_iter().peekable();
    let mut clear = locals::read_first(&operators, params, locals.len());

    out.bind(module.labels[index as usize]);
    let mut lowering = Function::new(module, out, locals, signature.results);
    for (place, (operator, offset)) in operators.iter().zip(offsets).enumerate() {
        lowering.at(Origin::Operator {
            function: index,
            operator: place as u32,
        });
        if let Some(charge) = charges.next_if(|charge| charge.op_index as usize == place)
            && lowering.is_reachable()
        {
            lowering.charge(u32::from(charge.cost));
        }
        for local in clear.drain(..) {
            lowering.clear(local);
        }
        lowering
            .operator(operator)
            .ok_or_else(|| unsupported(index, offset, operator))?;
    }
    Ok(())
}

/// An error of reading, which a checked module does not have.
pub(crate) fn malformed_source(error: wasmparser::BinaryReaderError) -> LowerError {
    malformed(error)
}

fn unsupported(function: u32, offset: usize, operator: &Operator<'_>) -> LowerError {
    LowerError::Module(instructions::Error::Opcode {
        function,
        offset,
        opcode: instructions::opcode(operator),
    })
}
