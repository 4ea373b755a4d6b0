//! Why a module cannot be linked.

use nonos_types::Fault;

/// Why a module cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is no module.
    #[error("{detail}")]
    Text {
        /// Where, and what.
        detail: String,
    },
    /// Bytes that are no module.
    #[error("offset {offset:#x}: malformed module: {detail}")]
    Malformed {
        /// Byte offset in the module.
        offset: usize,
        /// What the reader says.
        detail: String,
    },
    /// A WASI function that capsules do not have.
    #[error("the program imports `{name}` of WASI, which capsules do not have{}", reason.map(|reason| format!(": {reason}")).unwrap_or_default())]
    Unsupported {
        /// Its name.
        name: String,
        /// Why there can be none, if that is so.
        reason: Option<&'static str>,
    },
    /// A WASI function imported with another type than it has.
    #[error("the program imports `{name}` of WASI with a wrong type")]
    ImportType {
        /// Its name.
        name: String,
    },
    /// A module for WASI without its entry.
    #[error(
        "the program imports WASI, but exports no function `_start` without parameters and results: it is no command"
    )]
    NoStart,
    /// A module for WASI without a memory of its own.
    #[error("the program imports WASI, but has no memory of its own")]
    NoMemory,
}

impl Error {
    /// Who has to act: always who made the module.
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl From<wasmparser::BinaryReaderError> for Error {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Malformed {
            offset: error.offset(),
            detail: error.message().to_owned(),
        }
    }
}

impl From<wasm_encoder::reencode::Error> for Error {
    fn from(error: wasm_encoder::reencode::Error) -> Self {
        match error {
            wasm_encoder::reencode::Error::ParseError(error) => error.into(),
            other => Self::Malformed {
                offset: 0,
                detail: other.to_string(),
            },
        }
    }
}
