//! Lowering: a checked wasm module to register code, deterministically.
//!
//! The verifier lowers the module again, so what is here is part of what a proof means.
//!
//! A frame has the link word in register 0, the parameters and locals from register 1, and the operand stack
//! above them. A call's frame begins above what is live; its arguments are written there, and the result is
//! found in its register 1. Fuel is charged by the first instruction of a metered block
//! ([`nonos_package::fuel`]), or by one of its own where that instruction is reached on other ways too.

mod compute;
mod emit;
mod function;
mod locals;
mod module;
mod values;

use nonos_package::{HostSet, fuel, instructions, limits};
use nonos_types::{Fault, Pages};
use wasmparser::{FunctionBody, Operator, ValType};

pub use instructions::Signature;

use self::{
    emit::{Emitter, Label},
    function::Function,
    module::{Ends, Module, malformed},
    values::{Operand, copy, with_b},
};
use crate::isa::{Halts, Instr, Program, ext, flag, tape};

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
    let checked = instructions::check(wasm)?;
    let entry = checked.exports.get(options.entry).cloned();
    let entry = entry.ok_or_else(|| LowerError::NoEntry {
        entry: options.entry.to_owned(),
    })?;
    let imported = checked.imports.len();
    let body = (entry.function as usize).checked_sub(imported);
    let body = body.ok_or_else(|| LowerError::ImportedEntry {
        entry: options.entry.to_owned(),
    })?;
    if checked.pages > options.max_pages {
        return Err(LowerError::Memory {
            initial: checked.pages,
            allowed: options.max_pages,
        });
    }
    let pages = checked.pages.get();
    let most_pages = checked.max_pages.min(options.max_pages).get();

    let mut out = Emitter::default();
    let ends = Ends::new(&mut out);
    let (module, rest) = Module::read(wasm, checked, options.hosts, most_pages, ends)?;
    let stub = Stub::emit(&mut out, &module, &entry.signature);
    let mut starts = Vec::new();
    let mut calls = Vec::new();
    for (index, body) in rest.bodies.iter().enumerate() {
        out.fence();
        starts.push(out.position());
        calls.extend(function(&module, &mut out, (imported + index) as u32, body)?);
    }
    out.set_target(stub.call, starts[body]);
    for (at, function) in calls {
        out.set_target(at, starts[function as usize - imported]);
    }
    Ok(Lowered {
        program: Program {
            code: out.finish()?,
            data: rest.data,
            pages,
            room: limits::CALL_DEPTH,
            halts: stub.halts,
        },
        entry: entry.signature,
    })
}

/// The code around the entry: it takes the arguments, calls, and gives the result.
struct Stub {
    call: usize,
    halts: Halts,
}

impl Stub {
    const TAPE: u16 = 1;
    const BASE: u16 = 2;

    fn emit(out: &mut Emitter, module: &Module, entry: &Signature) -> Self {
        let first = Self::BASE + function::RESULT;
        let on_tape = |out: &mut Emitter, number: u8, instr: Instr| {
            out.emit(copy(Self::TAPE, Operand::Const(u64::from(number))));
            move |out: &mut Emitter, register: u16| {
                out.emit(Instr {
                    flags: instr.flags | flag::RA,
                    ia: Self::TAPE,
                    ic: register,
                    ..instr
                });
            }
        };
        if !entry.params.is_empty() {
            let read = Instr {
                flags: flag::EXT | flag::WC,
                op: ext::HOST | ext::HOST_READ,
                ..Instr::default()
            };
            let read = on_tape(out, tape::ARGUMENTS, read);
            for (register, _) in (first..).zip(&entry.params) {
                read(out, register);
            }
        }
        let call = out.emit_call(Self::BASE);
        if entry.result.is_some() {
            let write = Instr {
                flags: flag::EXT | flag::COPY,
                op: ext::HOST | ext::HOST_WRITE,
                ..Instr::default()
            };
            on_tape(out, tape::VALUES, with_b(write, Operand::Register(first)))(out, 0);
        }
        let halts = Halts {
            returned: Self::halt(out),
            exited: Self::bound_halt(out, module.ends.exit),
            out_of_fuel: Self::halt(out),
            traps: std::array::from_fn(|kind| Self::bound_halt(out, module.ends.traps[kind])),
        };
        Self { call, halts }
    }

    fn halt(out: &mut Emitter) -> u32 {
        let at = out.position();
        out.emit(Instr {
            flags: flag::COPY | flag::HALT,
            ..Instr::default()
        });
        at
    }

    fn bound_halt(out: &mut Emitter, label: Label) -> u32 {
        out.bind(label);
        Self::halt(out)
    }
}

/// Lowers a function and returns its calls: the instruction, and the function it calls.
fn function(
    module: &Module,
    out: &mut Emitter,
    index: u32,
    body: &FunctionBody<'_>,
) -> Result<Vec<(usize, u32)>, LowerError> {
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

    let mut lowering = Function::new(module, out, locals, signature.result);
    for (place, (operator, offset)) in operators.iter().zip(offsets).enumerate() {
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
    Ok(lowering.finish())
}

fn unsupported(function: u32, offset: usize, operator: &Operator<'_>) -> LowerError {
    LowerError::Module(instructions::Error::Opcode {
        function,
        offset,
        opcode: instructions::opcode(operator),
    })
}
