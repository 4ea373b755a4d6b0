//! What a worker has given up.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a worker gives up, or is bound by, before it reads what it is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layer {
    /// It inherits no environment.
    Environment,
    /// It has no descriptors but its three pipes.
    Descriptors,
    /// It is the only thread of its process.
    SingleThread,
    /// It is in a session of its own, without a terminal.
    Session,
    /// It cannot gain privileges by executing a program.
    NoNewPrivileges,
    /// Others of the same user cannot read its memory, and it leaves no core.
    NotDumpable,
    /// It is killed when the process that started it ends.
    DiesWithParent,
    /// Address space, processor time, files, descriptors and processes are bounded.
    ResourceLimits,
    /// Landlock: no file can be opened, made, or executed.
    Files,
    /// Landlock: no TCP port can be bound or connected to.
    Network,
    /// Landlock: no signals to others, no abstract sockets of others.
    Scope,
    /// Seccomp: whatever system call is not on a list of a few kills it.
    SystemCalls,
}

impl Layer {
    /// All, in the order in which they are put on.
    pub const ALL: &'static [Self] = &[
        Self::Environment,
        Self::Descriptors,
        Self::SingleThread,
        Self::Session,
        Self::NoNewPrivileges,
        Self::NotDumpable,
        Self::DiesWithParent,
        Self::ResourceLimits,
        Self::Files,
        Self::Network,
        Self::Scope,
        Self::SystemCalls,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Descriptors => "descriptors",
            Self::SingleThread => "single-thread",
            Self::Session => "session",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::NotDumpable => "not-dumpable",
            Self::DiesWithParent => "dies-with-parent",
            Self::ResourceLimits => "resource-limits",
            Self::Files => "files",
            Self::Network => "network",
            Self::Scope => "scope",
            Self::SystemCalls => "system-calls",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The layers that were put on, as the worker has found when it did so: not every kernel has all.
///
/// ```
/// use nonos_worker::{Layer, Protection};
///
/// let some: Protection = [Layer::Session, Layer::Environment].into_iter().collect();
/// assert!(some.has(Layer::Session));
/// assert_eq!(some.to_string(), "environment, session");
/// assert_eq!(some.missing().count(), Layer::ALL.len() - 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Lists", into = "Lists")]
pub struct Protection(u32);

#[derive(Serialize, Deserialize)]
struct Lists {
    applied: Vec<Layer>,
    #[serde(default, skip_deserializing)]
    missing: Vec<Layer>,
}

impl Protection {
    /// Was this put on?
    pub const fn has(self, layer: Layer) -> bool {
        self.0 & (1 << layer as u32) != 0
    }

    /// What was put on.
    pub fn applied(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.iter().copied().filter(move |layer| self.has(*layer))
    }

    /// What was not.
    pub fn missing(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.iter().copied().filter(move |layer| !self.has(*layer))
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Option<Self> {
        if bits >> Layer::ALL.len() == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Notes whether a layer was put on.
    pub(crate) fn note(&mut self, layer: Layer, applied: bool) {
        self.0 |= u32::from(applied) << layer as u32;
    }
}

impl FromIterator<Layer> for Protection {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        let mut all = Self::default();
        layers.into_iter().for_each(|layer| all.note(layer, true));
        all
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.applied().map(Layer::name).collect();
        f.write_str(&names.join(", "))
    }
}

impl From<Lists> for Protection {
    fn from(lists: Lists) -> Self {
        lists.applied.into_iter().collect()
    }
}

impl From<Protection> for Lists {
    fn from(protection: Protection) -> Self {
        Self {
            applied: protection.applied().collect(),
            missing: protection.missing().collect(),
        }
    }
}
