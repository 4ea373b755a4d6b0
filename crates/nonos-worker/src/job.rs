//! A run to be done, and how long and how large it may be.

use std::time::Duration;

use nonos_capsule::{Inputs, Run, Sandbox};
use nonos_package::Policy;
use nonos_types::{ByteLen, Value};

/// A run to be done.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The module.
    pub module: &'a [u8],
    /// What it may use and do.
    pub policy: &'a Policy,
    /// Arguments of the entry.
    pub arguments: &'a [Value],
    /// The tapes.
    pub inputs: &'a Inputs,
}

impl Job<'_> {
    /// Runs it in this process.
    ///
    /// # Errors
    /// What the sandbox says.
    pub fn run_here(&self) -> Result<Run, nonos_capsule::Error> {
        Sandbox::new()
            .load_module(self.module, self.policy)?
            .run(self.arguments, self.inputs)
    }
}

/// What a worker may take for one run. Fuel and pages end a run long before: these are for an interpreter that does
/// not do as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space.
    pub memory: ByteLen,
    /// Time of the processor, in whole seconds.
    pub cpu: Duration,
    /// Time from start to end.
    pub time: Duration,
}

/// Address space of what does not depend on the job: the program, the interpreter's stack (132 MiB), output tapes
/// (3 × 128 MiB), checkpoints.
const OVERHEAD: u64 = 1 << 30;
/// Address space for each byte of the module: copies of it, its code in the interpreter's form.
const PER_MODULE_BYTE: u64 = 64;
/// Copies of the input tapes.
const TAPE_COPIES: u64 = 3;
/// Time for loading, whatever the fuel.
const LOADING: Duration = Duration::from_secs(30);
/// Fuel that the slowest machine gets through in a second.
const FUEL_PER_SECOND: u64 = 1 << 22;
/// How much longer than the processor's time a run may take, on a machine with other work.
const SHARE: u32 = 4;

impl Limits {
    /// What is enough for any run of this job.
    ///
    /// ```
    /// use nonos_capsule::Inputs;
    /// use nonos_package::Policy;
    /// use nonos_worker::{Job, Limits};
    ///
    /// let policy = Policy::for_module("main");
    /// let limits = Limits::of(&Job { module: &[], policy: &policy, arguments: &[], inputs: &Inputs::default() });
    /// assert!(limits.memory > policy.max_pages.bytes());
    /// assert_eq!(limits.cpu.as_secs(), 30 + (1 << 30) / (1 << 22));
    /// ```
    pub fn of(job: &Job<'_>) -> Self {
        let tapes = job.inputs.input.len()
            + job.inputs.inbound.len()
            + job.inputs.sealed.as_ref().map_or(0, |it| it.bytes.len());
        let memory = OVERHEAD
            .saturating_add(job.policy.max_pages.bytes().get())
            .saturating_add(PER_MODULE_BYTE.saturating_mul(job.module.len() as u64))
            .saturating_add(TAPE_COPIES.saturating_mul(tapes as u64));
        let cpu = LOADING + Duration::from_secs(job.policy.fuel.get().div_ceil(FUEL_PER_SECOND));
        Self {
            memory: ByteLen::new(memory),
            cpu,
            time: cpu * SHARE,
        }
    }

    /// For a worker that runs nothing.
    pub(crate) const IDLE: Self = Self {
        memory: ByteLen::new(OVERHEAD),
        cpu: LOADING,
        time: LOADING,
    };
}
