//! How a run ends, and with which values.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::Error;

/// An integer argument or result of a wasm function.
///
/// Shown signed, as wasm runtimes do; read signed or unsigned.
///
/// ```
/// use nonos_types::{Value, ValueType};
///
/// assert_eq!(Value::parse(ValueType::I32, "-1")?, Value::I32(u32::MAX));
/// assert_eq!(Value::parse(ValueType::I32, "4294967295")?, Value::I32(u32::MAX));
/// assert_eq!(Value::I32(u32::MAX).to_string(), "-1");
/// assert_eq!(Value::I32(u32::MAX).word(), 0xffff_ffff);
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// 32 bits.
    I32(u32),
    /// 64 bits.
    I64(u64),
}

/// Type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl Value {
    /// Reads a decimal integer, signed or unsigned.
    ///
    /// # Errors
    /// [`Error::BadValue`] if it is none or does not fit.
    pub fn parse(kind: ValueType, text: &str) -> Result<Self, Error> {
        let bad = Error::BadValue { expected: kind };
        match kind {
            ValueType::I32 => text
                .parse::<u32>()
                .or_else(|_| text.parse::<i32>().map(i32::cast_unsigned))
                .map(Self::I32)
                .map_err(|_| bad),
            ValueType::I64 => text
                .parse::<u64>()
                .or_else(|_| text.parse::<i64>().map(i64::cast_unsigned))
                .map(Self::I64)
                .map_err(|_| bad),
        }
    }

    /// Its type.
    pub const fn kind(self) -> ValueType {
        match self {
            Self::I32(_) => ValueType::I32,
            Self::I64(_) => ValueType::I64,
        }
    }

    /// The 64-bit word that holds it in a register: zero-extended.
    pub const fn word(self) -> u64 {
        match self {
            Self::I32(value) => value as u64,
            Self::I64(value) => value,
        }
    }

    /// The signed integer of these bits.
    pub const fn signed(self) -> i64 {
        match self {
            Self::I32(value) => value.cast_signed() as i64,
            Self::I64(value) => value.cast_signed(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signed().fmt(f)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.signed())
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
        })
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The entry function returned.
    #[serde(serialize_with = "named::values")]
    Return(Vec<Value>),
    /// The capsule called `exit`.
    #[serde(serialize_with = "named::code")]
    Exit(u32),
    /// An instruction or host call trapped.
    #[serde(serialize_with = "named::trap")]
    Trap(TrapKind),
    /// The budget did not cover the block the run was about to enter.
    OutOfFuel,
}

/// The names of the outcomes' fields in JSON.
mod named {
    use serde::{Serialize, Serializer};

    use super::{TrapKind, Value};

    #[derive(Serialize)]
    struct Return<'a> {
        values: &'a [Value],
    }
    #[derive(Serialize)]
    struct Exit {
        code: u32,
    }
    #[derive(Serialize)]
    struct Trap {
        trap: TrapKind,
    }

    pub(super) fn values<S: Serializer>(values: &[Value], serializer: S) -> Result<S::Ok, S::Error> {
        Return { values }.serialize(serializer)
    }
    pub(super) fn code<S: Serializer>(code: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        Exit { code: *code }.serialize(serializer)
    }
    pub(super) fn trap<S: Serializer>(trap: &TrapKind, serializer: S) -> Result<S::Ok, S::Error> {
        Trap { trap: *trap }.serialize(serializer)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return(values) => {
                f.write_str("return")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))
            }
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Trap(kind) => write!(f, "trap {kind}"),
            Self::OutOfFuel => f.write_str("out of fuel"),
        }
    }
}

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a run trapped. Codes and names are part of the record's format.
        ///
        /// ```
        /// use nonos_types::TrapKind;
        ///
        /// for kind in TrapKind::ALL {
        ///     assert_eq!(TrapKind::from_code(kind.code()), Some(*kind));
        ///     assert_eq!(kind.name().parse(), Ok(*kind));
        /// }
        /// assert_eq!(TrapKind::from_code(0), None);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum TrapKind {
            $($(#[$doc])* $name = $code,)*
        }

        impl TrapKind {
            /// Every kind, by ascending code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its stable code.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The kind of this code.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

traps! {
    /// `unreachable` was executed.
    Unreachable = 1, "unreachable";
    /// Division or remainder by zero.
    DivisionByZero = 2, "division-by-zero";
    /// The quotient does not fit.
    IntegerOverflow = 3, "integer-overflow";
    /// An access past the end of the memory.
    MemoryOutOfBounds = 4, "memory-out-of-bounds";
    /// An access past the end of a table.
    TableOutOfBounds = 5, "table-out-of-bounds";
    /// An indirect call of an empty table entry.
    IndirectCallNull = 6, "indirect-call-null";
    /// An indirect call of a function of another type.
    IndirectCallType = 7, "indirect-call-type";
    /// Too many open calls.
    StackExhausted = 8, "stack-exhausted";
    /// A host call the manifest does not list.
    ForbiddenHostCall = 9, "forbidden-host-call";
    /// A host call that does not fit its tape.
    BadTapeCall = 10, "bad-tape-call";
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TrapKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == text)
            .ok_or(Error::BadField {
                message: "trap",
                field: "name",
            })
    }
}

impl Serialize for TrapKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
