//! The host's side of a run: tape calls, fuel slices, memory limit, audit and checkpoints.

use std::fmt;

use nonos_package::{HostCall, HostSet, Policy, abi};
use nonos_types::{Fuel, Outcome, TrapKind};
use wasmi::{Caller, Linker, StoreLimits, StoreLimitsBuilder, TrapCode};

use crate::{
    Error,
    audit::{Audit, Entry},
    checkpoint::{self, Checkpoints},
    meter::{HOST_METER, HOST_MODULE},
    parts::Parts,
    tapes::{Inputs, Refusal, Tapes},
};

/// What the interpreter's store holds.
#[derive(Debug)]
pub(crate) struct Host {
    allowed: HostSet,
    pub(crate) tapes: Tapes,
    pub(crate) audit: Audit,
    pub(crate) checkpoints: Checkpoints,
    budget: u64,
    /// Fuel that is in no slice yet.
    reserve: u64,
    /// Fuel between two due checkpoints.
    every: u64,
    /// Turns a failed allocation into a trap.
    pub(crate) limits: StoreLimits,
    pub(crate) parts: Option<Parts>,
}

/// Ends a run from within a host call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    Exit(u32),
    Trap(TrapKind),
    OutOfFuel,
    OutputTooLong { tape: u32 },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl wasmi::errors::HostError for Stop {}

impl Host {
    pub(crate) fn new(policy: &Policy, inputs: &Inputs) -> Self {
        Self {
            allowed: policy.host,
            tapes: Tapes::new(inputs),
            audit: Audit::new(inputs.salt()),
            checkpoints: Checkpoints::new(inputs.salt()),
            budget: policy.fuel.get(),
            reserve: policy.fuel.get(),
            every: policy.checkpoint_every.unwrap_or(Fuel::MAX).get(),
            // The metered module's memory has the policy's maximum, so that what fails here is this machine's
            // allocation: a trap, to be told from the −1 of a growth past the maximum.
            limits: StoreLimitsBuilder::new()
                .instances(1)
                .trap_on_grow_failure(true)
                .build(),
            parts: None,
        }
    }

    /// Fuel used, if `left` is what is left in the slice.
    pub(crate) fn used(&self, left: u64) -> Fuel {
        Fuel::new(self.budget - self.reserve - left)
    }

    pub(crate) fn budget(&self) -> Fuel {
        Fuel::new(self.budget)
    }

    /// The next slice: enough for `cost`, if there is.
    pub(crate) fn slice(&mut self, cost: u64, pages: u64) -> u64 {
        let every = self.every.max(pages * checkpoint::FUEL_PER_PAGE).max(cost);
        let slice = self.reserve.min(every);
        self.reserve -= slice;
        slice
    }
}

type Ctx<'a> = Caller<'a, Host>;

/// Defines the host ABI and the meter.
pub(crate) fn link(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    let module = abi::MODULE;
    linker.func_wrap(module, HostCall::Len.name(), |mut ctx: Ctx<'_>, tape: u32| {
        call(&mut ctx, HostCall::Len, tape, 0, |tapes| tapes.len(tape))
    })?;
    linker.func_wrap(module, HostCall::Read.name(), |mut ctx: Ctx<'_>, tape: u32| {
        call(&mut ctx, HostCall::Read, tape, 0, |tapes| tapes.read(tape))
    })?;
    linker.func_wrap(
        module,
        HostCall::Write.name(),
        |mut ctx: Ctx<'_>, tape: u32, word: u64| {
            call(&mut ctx, HostCall::Write, tape, word, |tapes| {
                tapes.write(tape, word).map(|()| 0)
            })
            .map(drop)
        },
    )?;
    linker.func_wrap(
        module,
        HostCall::CommitLen.name(),
        |mut ctx: Ctx<'_>, tape: u32, len: u64| {
            call(&mut ctx, HostCall::CommitLen, tape, len, |tapes| {
                tapes.commit(tape, len).map(|()| 0)
            })
            .map(drop)
        },
    )?;
    linker.func_wrap(module, HostCall::Checkpoint.name(), |mut ctx: Ctx<'_>| {
        call(&mut ctx, HostCall::Checkpoint, 0, 0, |_| Ok(0))?;
        take_checkpoint(&mut ctx, Due::Asked)
    })?;
    linker.func_wrap(module, HostCall::Exit.name(), |mut ctx: Ctx<'_>, code: u32| {
        call(&mut ctx, HostCall::Exit, code, 0, |_| Ok(0))?;
        Err::<(), _>(stop(Stop::Exit(code)))
    })?;
    linker.func_wrap(HOST_MODULE, HOST_METER, |mut ctx: Ctx<'_>, cost: i64| {
        charge(&mut ctx, cost)
    })?;
    Ok(())
}

fn stop(why: Stop) -> wasmi::Error {
    wasmi::Error::host(why)
}

/// One host call: refused if the manifest does not list it, recorded in any case.
fn call(
    ctx: &mut Ctx<'_>,
    call: HostCall,
    tape: u32,
    argument: u64,
    act: impl FnOnce(&mut Tapes) -> Result<u64, Refusal>,
) -> Result<u64, wasmi::Error> {
    let host = ctx.data_mut();
    let result = if host.allowed.contains(call) {
        act(&mut host.tapes)
    } else {
        Err(Refusal::Trap(TrapKind::ForbiddenHostCall))
    };
    let (trap, value) = match result {
        Ok(value) => (None, value),
        Err(Refusal::Trap(kind)) => (Some(kind), 0),
        Err(Refusal::TooLong { tape }) => return Err(stop(Stop::OutputTooLong { tape })),
    };
    host.audit.append(&Entry {
        call,
        trap,
        tape,
        argument,
        result: value,
    });
    match trap {
        None => Ok(value),
        Some(kind) => Err(stop(Stop::Trap(kind))),
    }
}

/// The slice does not cover `cost`, or no call may be opened.
fn charge(ctx: &mut Ctx<'_>, cost: i64) -> Result<(), wasmi::Error> {
    // `NO_ROOM` is the only negative value a metered module passes.
    let Ok(cost) = u64::try_from(cost) else {
        return Err(stop(Stop::Trap(TrapKind::StackExhausted)));
    };
    let parts = ctx.data().parts.clone().ok_or_else(unbound)?;
    let left = parts.fuel(&*ctx);
    if ctx.data().reserve + left < cost {
        return Err(stop(Stop::OutOfFuel));
    }
    take_checkpoint(ctx, Due::Interval)?;
    let pages = parts.pages(&*ctx);
    let more = ctx.data_mut().slice(cost - left, pages);
    let fuel = wasmi::Val::I64((left + more) as i64);
    parts
        .fuel
        .set(ctx, fuel)
        .map_err(|error| wasmi::Error::new(error.to_string()))
}

/// Why a checkpoint is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Interval,
    Asked,
}

fn take_checkpoint(ctx: &mut Ctx<'_>, due: Due) -> Result<(), wasmi::Error> {
    let parts = ctx.data().parts.clone().ok_or_else(unbound)?;
    let used = ctx.data().used(parts.fuel(&*ctx));
    let pages = parts.pages(&*ctx);
    if due == Due::Asked && !ctx.data().checkpoints.affordable(used, pages) {
        return Ok(());
    }
    parts
        .checkpoint(ctx, used)
        .map(drop)
        .map_err(|error| wasmi::Error::new(error.to_string()))
}

fn unbound() -> wasmi::Error {
    wasmi::Error::new("a host call before the instance is bound")
}

/// What ended a run, in our words.
pub(crate) fn ended(error: &wasmi::Error) -> Result<Outcome, Error> {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return match *stop {
            Stop::Exit(code) => Ok(Outcome::Exit(code)),
            Stop::Trap(kind) => Ok(Outcome::Trap(kind)),
            Stop::OutOfFuel => Ok(Outcome::OutOfFuel),
            Stop::OutputTooLong { tape } => Err(Error::OutputTooLong {
                tape,
                limit: nonos_types::ByteLen::from(crate::tapes::MAX_OUTPUT_WORDS * 8),
            }),
        };
    }
    let kind = match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull) => TrapKind::IndirectCallNull,
        Some(TrapCode::BadSignature) => TrapKind::IndirectCallType,
        Some(TrapCode::IntegerDivisionByZero) => TrapKind::DivisionByZero,
        Some(TrapCode::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(TrapCode::OutOfSystemMemory | TrapCode::GrowthOperationLimited) => {
            return Err(Error::HostMemory);
        }
        _ => {
            return Err(Error::Interpreter {
                what: error.to_string(),
            });
        }
    };
    Ok(Outcome::Trap(kind))
}
