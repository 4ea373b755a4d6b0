//! Why there is no run.

use nonos_types::{ByteLen, Fault, Fuel, Nonce, ValueType};

/// Why a capsule could not be loaded or run. A run that ends badly is no error but an
/// [`Outcome`](nonos_types::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The module cannot be a capsule, or does not go with its policy.
    #[error("the module cannot be a capsule under this policy")]
    Refused(#[from] nonos_package::Error),
    /// The module cannot be metered.
    #[error("the module cannot be metered")]
    Metering(#[from] nonos_package::fuel::Error),
    /// The module cannot be read. What passes [`nonos_package::instructions::check`] can.
    #[error("malformed module at byte {offset}: {what}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What the reader says.
        what: String,
    },
    /// The interpreter cannot hold the module: a function needs too many registers, say.
    #[error("the interpreter refuses the module: {what}")]
    Unsupported {
        /// What the interpreter says.
        what: String,
    },
    /// The budget is larger than a run can count.
    #[error("a budget of {budget} fuel exceeds {limit}")]
    BudgetTooLarge {
        /// What was asked for.
        budget: Fuel,
        /// Most there can be.
        limit: Fuel,
    },
    /// The entry is a host call that the module exports again.
    #[error("`{entry}` is an imported function")]
    EntryIsImported {
        /// Name of the entry.
        entry: String,
    },
    /// There are mesh messages for a capsule whose policy allows none.
    #[error("the policy allows no mesh messages, but the inbound tape is not empty")]
    NoMesh,
    /// The entry takes other arguments.
    #[error("`{entry}` takes ({}), not ({})", list(expected), list(given))]
    Arguments {
        /// Name of the entry.
        entry: String,
        /// What it takes.
        expected: Vec<ValueType>,
        /// What it was given.
        given: Vec<ValueType>,
    },
    /// The run wrote more to an output tape than a run may.
    #[error("the run writes more than {limit} to tape {tape}")]
    OutputTooLong {
        /// The tape.
        tape: u32,
        /// Most it may hold.
        limit: ByteLen,
    },
    /// The nonce has been used. Signing a second run under it would be evidence against the executor.
    #[error("nonce {nonce} has been used")]
    NonceReused {
        /// The nonce.
        nonce: Nonce,
    },
    /// The record of used nonces could not be read or written; nothing was run.
    #[error("the record of used nonces cannot be kept")]
    Store(#[source] nonos_store::Error),
    /// A record of a run with a sealed input needs the commitment to it, and only then has one.
    #[error("the run has {}sealed input, but the commitment says otherwise", if *.sealed { "a " } else { "no " })]
    SealMismatch {
        /// Whether the run had a sealed input.
        sealed: bool,
    },
    /// This machine has no memory left for the run, which the policy allows it.
    #[error("this machine has no memory left for the run")]
    HostMemory,
    /// A limit or check of the interpreter bound before ours.
    #[error("the interpreter stopped the run: {what}")]
    Interpreter {
        /// What it says.
        what: String,
    },
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(error) => error.fault(),
            Self::Store(error) => error.fault(),
            Self::Metering(_)
            | Self::Malformed { .. }
            | Self::Unsupported { .. }
            | Self::EntryIsImported { .. }
            | Self::OutputTooLong { .. } => Fault::Peer,
            Self::BudgetTooLarge { .. }
            | Self::NoMesh
            | Self::Arguments { .. }
            | Self::NonceReused { .. }
            | Self::SealMismatch { .. } => Fault::Caller,
            Self::HostMemory => Fault::Environment,
            Self::Interpreter { .. } => Fault::Bug,
        }
    }
}

fn list(types: &[ValueType]) -> String {
    types
        .iter()
        .map(ValueType::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
