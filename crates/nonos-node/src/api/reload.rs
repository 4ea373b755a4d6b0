//! Reading the configuration again.

use nonos_types::Timestamp;
use serde::{Deserialize, Serialize};

/// The configuration was read again, and is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Keys that had changed, and hold by now.
    pub applied: Vec<String>,
    /// Keys that had changed, and hold from the next start on.
    pub restart: Vec<String>,
}

/// What became of `config.toml` since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigView {
    /// When it was last read again and taken.
    pub reloaded: Option<Timestamp>,
    /// Why it was not taken when it was last read, if it was not.
    pub refused: Option<String>,
    /// Keys that hold from the next start on.
    pub restart: Vec<String>,
}
