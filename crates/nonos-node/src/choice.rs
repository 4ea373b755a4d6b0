//! Which proof system proves a run, and why.
//!
//! ```
//! use nonos_node::choice::{Facts, Wish, choose};
//!
//! let run = Facts { steps: Some(4_720), ..Facts::default() };
//! let choice = choose(&Wish::default(), &run)?;
//! assert_eq!(choice.method.to_string(), "stark-koalabear/2, profile fast");
//! assert_eq!(choice.reason, "a quick proof is wanted, and stark proves quickest");
//! # Ok::<_, nonos_node::choice::NoMethod>(())
//! ```

use std::{fmt, str::FromStr};

use nonos_machine::tables::MAX_ROWS;
use nonos_types::{BackendId, ByteLen, CommitmentScheme, Fault};
use nonos_verify_halo2::Halo2;
use nonos_verify_stark::{SegmentStatement, Stark};
use serde::{Deserialize, Serialize};

pub use nonos_verify_stark::Profile;

/// A proof system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// halo2: compact proofs that hide, slow to make.
    Halo2,
    /// A batch STARK: quick proofs, ten times as long.
    Stark,
}

impl System {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Stark, Self::Halo2];

    /// Its name in proofs, receipts and offers, with the version of its format.
    pub const fn id(self) -> BackendId {
        match self {
            Self::Halo2 => Halo2::ID,
            Self::Stark => Stark::ID,
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Halo2 => "halo2",
            Self::Stark => "stark",
        }
    }

    /// What it commits to sealed tapes by.
    pub const fn scheme(self) -> CommitmentScheme {
        match self {
            Self::Halo2 => CommitmentScheme::POSEIDON_PALLAS_1,
            Self::Stark => CommitmentScheme::POSEIDON2_KOALABEAR_1,
        }
    }

    /// Steps of the longest run that it proves.
    pub const fn most_steps(self) -> u64 {
        match self {
            Self::Halo2 => MAX_ROWS as u64,
            // In segments.
            Self::Stark => Stark::MAX_STEPS as u64 * SegmentStatement::MAX_COUNT as u64,
        }
    }
}

/// How a run is proved: a system, and what its proofs are optimised for where it can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// By halo2.
    Halo2,
    /// By the STARK, under this profile.
    Stark(Profile),
}

impl Method {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Stark(Profile::Fast),
        Self::Stark(Profile::Small),
        Self::Stark(Profile::Strong),
        Self::Halo2,
    ];

    /// The proof system.
    pub const fn system(self) -> System {
        match self {
            Self::Halo2 => System::Halo2,
            Self::Stark(_) => System::Stark,
        }
    }

    /// Name of the profile, if the system has several.
    pub fn profile(self) -> Option<&'static str> {
        match self {
            Self::Stark(Profile::Small) => Some("small"),
            Self::Stark(Profile::Strong) => Some("strong"),
            Self::Stark(_) => Some("fast"),
            Self::Halo2 => None,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.system().id())?;
        match self.profile() {
            Some(profile) => write!(f, ", profile {profile}"),
            None => Ok(()),
        }
    }
}

/// What somebody asks for who names a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Backend {
    /// Whichever suits the run.
    #[default]
    Auto,
    /// This one.
    Is(System),
}

/// There is no such backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no backend `{name}`; there are: {}", Backend::NAMES.join(", "))]
pub struct UnknownName {
    /// The name.
    pub name: String,
}

impl Backend {
    /// The names for people.
    pub const NAMES: [&'static str; 3] = ["auto", System::Stark.name(), System::Halo2.name()];

    const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Is(system) => system.name(),
        }
    }
}

impl FromStr for Backend {
    type Err = UnknownName;

    /// Takes the names for people, and those in proofs.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = System::ALL
            .into_iter()
            .find(|it| it.name() == name || it.id().as_str() == name);
        match known {
            Some(system) => Ok(Self::Is(system)),
            None if name == "auto" => Ok(Self::Auto),
            None => Err(UnknownName {
                name: name.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for Backend {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<Self, UnknownName> {
        name.parse()
    }
}

impl From<Backend> for String {
    fn from(backend: Backend) -> Self {
        backend.name().to_owned()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a proof is wanted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To have it soon.
    #[default]
    Quick,
    /// To keep or send it: small, whatever it takes.
    Compact,
}

/// What somebody wants who has a run proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// By which proof system.
    pub backend: Backend,
    /// What for.
    pub purpose: Purpose,
    /// Under which profile, if the STARK proves it; else the purpose says.
    pub profile: Option<Profile>,
}

/// What is known of a run before it is proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Machine steps, if they were counted.
    pub steps: Option<u64>,
    /// What halo2 would take, if that was planned.
    pub halo2: Option<Halo2Plan>,
    /// Memory that is free, if the system tells.
    pub free_memory: Option<ByteLen>,
}

/// What halo2 would take for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halo2Plan {
    /// More than it has room for.
    TooLarge,
    /// This much memory.
    Needs(ByteLen),
}

/// How a run is proved, and why so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How.
    pub method: Method,
    /// Why, in a few words.
    pub reason: String,
}

/// Why no proof system proves a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoMethod {
    /// None of those that may be taken can.
    #[error("no backend proves this run: {}", join(reasons))]
    Cannot {
        /// Each, and why it cannot.
        reasons: Vec<(System, Obstacle)>,
    },
    /// A profile was named, and a backend that has none.
    #[error("only the stark backend has profiles")]
    NoProfiles,
}

impl NoMethod {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        Fault::Caller
    }
}

fn join(reasons: &[(System, Obstacle)]) -> String {
    let each = reasons
        .iter()
        .map(|(system, why)| format!("{} {why}", system.name()));
    each.collect::<Vec<_>>().join("; ")
}

/// Why a proof system cannot prove a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It has too many steps.
    Steps {
        /// How many.
        steps: u64,
        /// Most that fit.
        most: u64,
    },
    /// Its tables are too large.
    TooLarge,
    /// It needs more memory than is free.
    Memory {
        /// How much.
        needs: ByteLen,
        /// How much is free.
        free: ByteLen,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps { steps, most } => {
                write!(
                    f,
                    "proves at most {most} machine steps, and the run takes {steps}"
                )
            }
            Self::TooLarge => f.write_str("has no room for the run's tables"),
            Self::Memory { needs, free } => {
                let mebibytes = |len: &ByteLen| len.get().div_ceil(1 << 20);
                write!(
                    f,
                    "needs about {} MiB of memory, and {} MiB are free",
                    mebibytes(needs),
                    mebibytes(free)
                )
            }
        }
    }
}

/// Decides: whoever is named, else the first that can of those that suit the purpose, best first.
///
/// Measured on two cores: of a run of 4,720 steps halo2 makes 42 KB in 3.7 s, the STARK 372 KB in 0.09 s or 191 KB in
/// 0.16 s. So the STARK is for who waits, and halo2 for who keeps or sends.
///
/// # Errors
/// [`NoMethod`] says what each lacks.
pub fn choose(wish: &Wish, run: &Facts) -> Result<Choice, NoMethod> {
    let order = match (wish.backend, wish.purpose) {
        (Backend::Is(System::Halo2), _) if wish.profile.is_some() => return Err(NoMethod::NoProfiles),
        (Backend::Is(system), _) => vec![system],
        (Backend::Auto, Purpose::Quick) => vec![System::Stark, System::Halo2],
        (Backend::Auto, Purpose::Compact) => vec![System::Halo2, System::Stark],
    };
    let mut reasons = Vec::new();
    for system in order {
        match obstacle(system, run, wish.backend) {
            Some(why) => reasons.push((system, why)),
            None => {
                let method = match system {
                    System::Halo2 => Method::Halo2,
                    System::Stark => Method::Stark(wish.profile.unwrap_or(match wish.purpose {
                        Purpose::Quick => Profile::Fast,
                        Purpose::Compact => Profile::Small,
                    })),
                };
                let reason = if reasons.is_empty() {
                    preferred(wish, system).to_owned()
                } else {
                    join(&reasons)
                };
                return Ok(Choice { method, reason });
            }
        }
    }
    Err(NoMethod::Cannot { reasons })
}

/// Why the first choice is the first.
fn preferred(wish: &Wish, system: System) -> &'static str {
    match (wish.backend, system) {
        (Backend::Is(_), _) => "it was asked for",
        (Backend::Auto, System::Stark) => "a quick proof is wanted, and stark proves quickest",
        (Backend::Auto, System::Halo2) => "a compact proof is wanted, and halo2's are smallest",
    }
}

/// Why a system cannot prove a run. Who names it has looked at its plan, or wants to try: for him memory is no obstacle.
fn obstacle(system: System, run: &Facts, wanted: Backend) -> Option<Obstacle> {
    let most = system.most_steps();
    if let Some(steps) = run.steps
        && steps > most
    {
        return Some(Obstacle::Steps { steps, most });
    }
    match (system, run.halo2, run.free_memory) {
        (System::Halo2, Some(Halo2Plan::TooLarge), _) => Some(Obstacle::TooLarge),
        (System::Halo2, Some(Halo2Plan::Needs(needs)), Some(free))
            if needs > free && wanted == Backend::Auto =>
        {
            Some(Obstacle::Memory { needs, free })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
