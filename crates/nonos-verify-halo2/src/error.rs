//! What can go wrong, by cause.

use nonos_machine::air::Bus;
use nonos_types::Fault;

/// Why a system cannot be built, a proof not made, or a proof not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A constraint, count or message part has a higher degree than this proof system can take.
    #[error("table {table}: {item} has degree {degree}, at most {limit} is possible")]
    Degree {
        /// Table.
        table: &'static str,
        /// Constraint id, or the part of a message.
        item: &'static str,
        /// Its degree.
        degree: usize,
        /// The limit.
        limit: usize,
    },
    /// The next row is used where there may be none.
    #[error("table {table}: {item} uses the next row outside a transition constraint")]
    NextRow {
        /// Table.
        table: &'static str,
        /// Constraint id, or `message`.
        item: &'static str,
    },
    /// A message uses a column with no known range, so that packing it would not be injective.
    #[error("table {table}: a message on bus {bus:?} uses a value of unknown range")]
    NoInterval {
        /// Table.
        table: &'static str,
        /// Bus.
        bus: Bus,
    },
    /// A value bound to a public one has no known range.
    #[error("table {table}: public constraint {id} has no known range")]
    NoPublicInterval {
        /// Table.
        table: &'static str,
        /// Constraint id.
        id: &'static str,
    },
    /// A public constraint is on rows other than the first or last, or names a public value that is not declared.
    #[error("table {table}: public constraint {id} is misplaced")]
    MisplacedPublic {
        /// Table.
        table: &'static str,
        /// Constraint id.
        id: &'static str,
    },
    /// The messages of one bus differ in length.
    #[error("messages on bus {bus:?} have {found} parts where others have {expected}")]
    Arity {
        /// Bus.
        bus: Bus,
        /// Parts of the first message seen.
        expected: usize,
        /// Parts of the other.
        found: usize,
    },
    /// The messages of a bus do not fit in one field element.
    #[error("messages on bus {bus:?} need {bits} bits, at most {limit} fit")]
    TooWide {
        /// Bus.
        bus: Bus,
        /// Bits needed.
        bits: u32,
        /// Bits available.
        limit: u32,
    },
    /// A lookup bus is used as an exchange, or the other way round, or its count may be negative.
    #[error("bus {bus:?} is used in the wrong way by {by}")]
    BusMisuse {
        /// Bus.
        bus: Bus,
        /// Table, or the part of the public data.
        by: &'static str,
    },
    /// A public value is outside the range that the tables can hold.
    #[error("public data: a value on bus {bus:?}, part {part}, is out of range")]
    PublicMessage {
        /// Bus.
        bus: Bus,
        /// Part of the message.
        part: usize,
    },
    /// A public first or last value is missing, surplus, or wider than declared.
    #[error("public data: value {index} of the {end} row is missing, surplus or too wide")]
    PublicValue {
        /// `first` or `last`.
        end: &'static str,
        /// Its index.
        index: usize,
    },
    /// A public digest is not a field element in its one encoding, or nothing here hashes.
    #[error("public data: digest {index} is not a field element, or nothing is hashed")]
    PublicDigest {
        /// Its index.
        index: usize,
    },
    /// The rows do not fit in any layout.
    #[error("the trace needs {needed} columns of 2^{k} rows, at most {limit} are allowed")]
    TooLarge {
        /// Columns needed at the largest size allowed.
        needed: usize,
        /// Logarithm of the rows.
        k: u8,
        /// Columns allowed.
        limit: usize,
    },
    /// A layout is not one of this system.
    #[error("the layout is not one of this system: {part}")]
    Layout {
        /// The part that is wrong.
        part: &'static str,
    },
    /// The witness looks up a message that its table does not hold.
    #[error("table {table}, row {row}: looks up a message on bus {bus:?} that is not there")]
    NotInTable {
        /// Table.
        table: &'static str,
        /// Row.
        row: usize,
        /// Bus.
        bus: Bus,
    },
    /// Something is sent on a bus and not received, or received and not sent.
    #[error("bus {bus:?} is not balanced")]
    Unbalanced {
        /// Bus.
        bus: Bus,
    },
    /// The witness breaks a constraint.
    #[error("the witness does not satisfy the constraints")]
    Unsatisfied,
    /// The proof's bytes are not an encoding of a proof.
    #[error("malformed proof: {part}")]
    Malformed {
        /// The part that is wrong.
        part: &'static str,
    },
    /// The proof has the form of one, but does not prove the statement.
    #[error("the proof does not prove the statement")]
    Rejected,
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system")]
    Entropy,
    /// The proof system refused what this crate gave it.
    #[error("the proof system failed while {stage}")]
    Backend {
        /// What was being done.
        stage: &'static str,
    },
}

impl Error {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Error::Malformed { .. } | Error::Rejected | Error::Layout { .. } => Fault::Peer,
            Error::TooLarge { .. }
            | Error::PublicMessage { .. }
            | Error::PublicValue { .. }
            | Error::PublicDigest { .. } => Fault::Caller,
            Error::Entropy => Fault::Environment,
            _ => Fault::Bug,
        }
    }
}
