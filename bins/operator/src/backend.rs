//! The proof systems on the command line: which is wanted, which is taken, and why.

use crate::{commands::Context, failure::Failure, output::say};
use nonos_machine::{
    End, Inputs, Limits, execute, execute_traced,
    isa::Program,
    tables::{MAX_ROWS, PublicRun, TapeWords, public},
};
use nonos_node::{
    Backends,
    choice::{Backend, Choice, Facts, Halo2Plan, Method, Profile, Purpose, System, Wish, choose},
};
use nonos_types::{ByteLen, Fuel};
use nonos_verify::ProveError;
use nonos_verify_halo2::{ParamsEvent, ParamsStore};

/// Steps that are counted of a run, at most: ten seconds of the machine.
const PATIENCE: u64 = 1 << 30;

/// A proof system, or none in particular.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Name {
    /// Whichever suits the run and the purpose; says which, and why.
    #[default]
    Auto,
    /// A batch STARK: quick.
    Stark,
    /// halo2: compact proofs, which hide sealed tapes.
    Halo2,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum PurposeName {
    /// To have it soon.
    #[default]
    Quick,
    /// To keep or send it.
    Compact,
}

/// A profile of the STARK.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum ProfileName {
    /// The time of proving.
    #[default]
    Fast,
    /// The size of the proof.
    Small,
    /// Soundness: 128 bits.
    Strong,
}

/// By what to prove, for commands that do.
#[derive(Clone, Debug, clap::Args)]
// Named after the struct, the group would clash with that of the options it stands among.
#[group(skip)]
pub(crate) struct Options {
    /// The proof system.
    #[arg(long, value_enum, default_value_t)]
    backend: Name,
    /// What the proof is wanted for.
    #[arg(long, value_enum, default_value_t)]
    purpose: PurposeName,
    /// What a STARK is optimised for [default: what the purpose says].
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// Memory that proving may take, such as 2GiB: a STARK proves a run that needs more in segments, one after the
    /// other [default: three quarters of what is free].
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    max_memory: Option<ByteLen>,
}

/// A number of bytes with its unit.
fn memory(text: &str) -> Result<ByteLen, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let found = units
        .iter()
        .find_map(|(unit, log)| Some((text.strip_suffix(unit)?, log)));
    let size = found.and_then(|(number, log)| number.trim().parse::<u64>().ok()?.checked_mul(1 << log));
    size.map(ByteLen::new)
        .ok_or_else(|| "a whole number with its unit, such as 512MiB or 2GiB".to_owned())
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Fast => Self::Fast,
            ProfileName::Small => Self::Small,
            ProfileName::Strong => Self::Strong,
        }
    }
}

impl From<Name> for Backend {
    fn from(name: Name) -> Self {
        match name {
            Name::Auto => Self::Auto,
            Name::Stark => Self::Is(System::Stark),
            Name::Halo2 => Self::Is(System::Halo2),
        }
    }
}

impl Options {
    /// What is wanted.
    pub(crate) fn wish(&self) -> Wish {
        Wish {
            backend: self.backend.into(),
            purpose: match self.purpose {
                PurposeName::Quick => Purpose::Quick,
                PurposeName::Compact => Purpose::Compact,
            },
            profile: self.profile.map(Profile::from),
        }
    }

    /// Memory that proving may take.
    pub(crate) fn memory(&self) -> Option<ByteLen> {
        let most_of_it = |free: ByteLen| ByteLen::new(free.get() / 4 * 3);
        self.max_memory.or_else(|| free_memory().map(most_of_it))
    }

    /// Takes a proof system for jobs that others will run, and says why.
    pub(crate) fn of_jobs(&self) -> Result<Choice, Failure> {
        let choice = choose(&self.wish(), &Facts::default())?;
        announce(&choice);
        Ok(choice)
    }

    /// Takes a proof system for a run, and says why.
    pub(crate) fn choose(&self, run: &DryRun<'_>, backends: &Backends) -> Result<Choice, Failure> {
        let choice = run.choose(&self.wish(), backends)?;
        announce(&choice);
        Ok(choice)
    }
}

fn announce(choice: &Choice) {
    say(&format!("backend {}: {}", choice.method, choice.reason));
}

/// All proof systems, with halo2's parameters in their directory.
pub(crate) fn all(context: &Context) -> Result<Backends, Failure> {
    let params = ParamsStore::in_directory(context.params()?).on_event(|event| match event {
        ParamsEvent::Generating { k } => say(&format!("deriving the public parameters for k = {k}, once")),
        ParamsEvent::Replacing { k } => say(&format!(
            "the parameters for k = {k} on disk are damaged: replacing them"
        )),
        ParamsEvent::NotCached { k, cause } => say(&format!(
            "the parameters for k = {k} cannot be kept on disk ({cause}): deriving them each time"
        )),
        _ => (),
    });
    Backends::new(params).map_err(Failure::Halo2)
}

/// A run of the provable machine, to learn what a proof of it takes.
pub(crate) struct DryRun<'a> {
    program: &'a Program,
    inputs: Inputs<'a>,
    fuel: Fuel,
    sealed: bool,
    /// How it ended, and after how many steps.
    pub(crate) run: nonos_machine::Run,
}

impl<'a> DryRun<'a> {
    /// Counts the steps of a run, of which tapes are `sealed` or not.
    pub(crate) fn new(program: &'a Program, inputs: Inputs<'a>, fuel: Fuel, sealed: bool) -> Self {
        let limits = Limits {
            fuel,
            steps: PATIENCE,
        };
        Self {
            run: execute(program, &inputs, limits),
            program,
            inputs,
            fuel,
            sealed,
        }
    }

    fn choose(&self, wish: &Wish, backends: &Backends) -> Result<Choice, Failure> {
        let mut facts = Facts {
            steps: Some(self.steps()),
            halo2: None,
            free_memory: free_memory(),
        };
        let longest = System::ALL.map(System::most_steps).into_iter().max();
        if longest.is_some_and(|longest| self.steps() > longest) {
            return Err(self.too_long());
        }
        let choice = choose(wish, &facts)?;
        // A plan takes a second or more: it is made only where it can change the choice.
        if choice.method != Method::Halo2 || wish.backend != Backend::Auto || self.sealed {
            return Ok(choice);
        }
        facts.halo2 = Some(self.halo2_plan(backends)?);
        Ok(choose(wish, &facts)?)
    }

    /// Where it was stopped counting it may have more steps.
    fn steps(&self) -> u64 {
        self.run.steps
    }

    /// The program.
    pub(crate) fn program(&self) -> &Program {
        self.program
    }

    /// It is longer than any proof.
    fn too_long(&self) -> Failure {
        Failure::TooManySteps {
            steps: self.run.steps,
            at_least: self.run.end == End::TooManySteps,
            limit: System::ALL.map(System::most_steps).into_iter().max().unwrap_or(0),
        }
    }

    /// It is longer than what is planned.
    pub(crate) fn too_long_to_plan(&self) -> Failure {
        Failure::TooLongToPlan {
            steps: self.run.steps,
            at_least: self.run.end == End::TooManySteps,
            limit: MAX_ROWS as u64,
        }
    }

    fn halo2_plan(&self, backends: &Backends) -> Result<Halo2Plan, Failure> {
        let Some((trace, public)) = self.traced() else {
            return Ok(Halo2Plan::TooLarge);
        };
        match backends.halo2().estimate(self.program, &trace, &public) {
            Ok(estimate) => Ok(Halo2Plan::Needs(ByteLen::new(estimate.memory))),
            Err(ProveError::TooLarge { .. }) => Ok(Halo2Plan::TooLarge),
            Err(error) => Err(Failure::Prove(error)),
        }
    }

    /// The run again, recorded, with what a verifier would compute of it were nothing sealed; nothing if it is longer
    /// than any one proof.
    pub(crate) fn traced(&self) -> Option<(nonos_machine::trace::Trace, nonos_machine::air::Public)> {
        let limits = Limits {
            fuel: self.fuel,
            steps: MAX_ROWS as u64,
        };
        let (_, trace) = execute_traced(self.program, &self.inputs, limits);
        let trace = trace?;
        let tapes = [self.inputs.input, &[], self.inputs.inbound, &[]].map(TapeWords::from_bytes);
        let public = public(self.program, &PublicRun::of(self.program, &trace, tapes));
        Some((trace, public))
    }
}

/// Memory that is free (Linux).
pub(crate) fn free_memory() -> Option<ByteLen> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(ByteLen::new(kibibytes * 1024))
}
