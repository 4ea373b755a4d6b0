//! The host calls a capsule may import, and the tapes they act on. See `docs/spec/abi.md`.

use nonos_types::ValueType;
use std::fmt;

/// The import module of every host call.
pub const MODULE: &str = "nonos";

/// A sequence of 64-bit words that enters or leaves a run.
///
/// ```
/// use nonos_package::Tape;
///
/// let inputs: Vec<u8> = Tape::ALL.iter().filter(|tape| tape.is_input()).map(|tape| tape.number()).collect();
/// assert_eq!(inputs, [0, 1, 2]);
/// assert_eq!((Tape::from_number(3), Tape::from_number(6)), (Some(Tape::Result), None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tape {
    /// Public input.
    Input = 0,
    /// Sealed (private) input.
    Sealed = 1,
    /// Mesh messages recorded before the run.
    Inbound = 2,
    /// Result.
    Result = 3,
    /// Mesh messages published after the run.
    Outbound = 4,
    /// Log.
    Log = 5,
}

impl Tape {
    /// All tapes, by number.
    pub const ALL: [Self; 6] = [
        Self::Input,
        Self::Sealed,
        Self::Inbound,
        Self::Result,
        Self::Outbound,
        Self::Log,
    ];

    /// The number a capsule names the tape by.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The tape of a number, or `None` out of range.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Whether the capsule reads it; otherwise the capsule writes it.
    pub const fn is_input(self) -> bool {
        matches!(self, Self::Input | Self::Sealed | Self::Inbound)
    }
}

/// A host call.
///
/// ```
/// use nonos_package::HostCall;
/// use nonos_types::ValueType;
///
/// let read = HostCall::from_name("read").expect("there is one");
/// assert_eq!((read.params(), read.result()), (&[ValueType::I32][..], Some(ValueType::I64)));
/// assert_eq!(HostCall::from_name("open"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum HostCall {
    /// `len(tape: i32) -> i64`: length of an input tape in bytes.
    Len = 0,
    /// `read(tape: i32) -> i64`: the next 8 bytes of an input tape, little-endian, zero padded; 0 at its end.
    Read = 1,
    /// `write(tape: i32, word: i64)`: appends a word to an output tape.
    Write = 2,
    /// `commit_len(tape: i32, bytes: i64)`: the exact length of an output tape, at most 7 bytes less
    /// than the words written.
    CommitLen = 3,
    /// `checkpoint()`: hashes the state here.
    Checkpoint = 4,
    /// `exit(code: i32)`: ends the run.
    Exit = 5,
}

impl HostCall {
    /// All host calls, in the order of their bits in a [`HostSet`].
    pub const ALL: [Self; 6] = [
        Self::Len,
        Self::Read,
        Self::Write,
        Self::CommitLen,
        Self::Checkpoint,
        Self::Exit,
    ];

    /// The import name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Len => "len",
            Self::Read => "read",
            Self::Write => "write",
            Self::CommitLen => "commit_len",
            Self::Checkpoint => "checkpoint",
            Self::Exit => "exit",
        }
    }

    /// The host call of an import name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }

    /// Types of the parameters.
    pub const fn params(self) -> &'static [ValueType] {
        match self {
            Self::Len | Self::Read | Self::Exit => &[ValueType::I32],
            Self::Write | Self::CommitLen => &[ValueType::I32, ValueType::I64],
            Self::Checkpoint => &[],
        }
    }

    /// Type of the result, if any.
    pub const fn result(self) -> Option<ValueType> {
        match self {
            Self::Len | Self::Read => Some(ValueType::I64),
            _ => None,
        }
    }
}

impl fmt::Display for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of host calls: those a manifest lists.
///
/// ```
/// use nonos_package::{HostCall, HostSet};
/// let set: HostSet = [HostCall::Read, HostCall::Write].into_iter().collect();
/// assert!(set.contains(HostCall::Read) && !set.contains(HostCall::Exit));
/// assert_eq!(HostSet::from_bits(set.bits()), Some(set));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostSet(u8);

impl HostSet {
    /// No host call.
    pub const EMPTY: Self = Self(0);
    /// Every host call.
    pub const ALL: Self = Self((1 << HostCall::ALL.len()) - 1);

    /// Whether the set holds `call`.
    pub const fn contains(self, call: HostCall) -> bool {
        self.0 >> call as u8 & 1 == 1
    }

    /// The set with `call` in it.
    #[must_use]
    pub const fn with(self, call: HostCall) -> Self {
        Self(self.0 | 1 << call as u8)
    }

    /// The host calls of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = HostCall> {
        HostCall::ALL.into_iter().filter(move |call| self.contains(*call))
    }

    /// One bit per host call.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// The set of these bits; `None` if a bit stands for no host call.
    pub fn from_bits(bits: u32) -> Option<Self> {
        u8::try_from(bits)
            .ok()
            .map(Self)
            .filter(|set| set.0 & !Self::ALL.0 == 0)
    }
}

impl FromIterator<HostCall> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostCall>>(calls: I) -> Self {
        calls.into_iter().fold(Self::EMPTY, Self::with)
    }
}
