//! What of the configuration the edge acts by, which can change while the node runs.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    sync::{PoisonError, RwLock},
};

use nonos_types::ByteLen;

use crate::{Config, config::Memory, config::Proving};

/// Longest configuration.
const CONFIG_BYTES: u64 = 1 << 20;

/// What the edge acts by.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    /// Most bytes of an input.
    pub(crate) max_input: ByteLen,
    pub(crate) proving: Proving,
    /// Memory that a proof may take.
    pub(crate) memory: Option<ByteLen>,
}

impl Live {
    fn of(config: &Config) -> Self {
        Self {
            max_input: ByteLen::new(config.executor.max_input),
            proving: config.proving.clone(),
            memory: config.limits.memory.map(Memory::get),
        }
    }
}

/// The same, for all who look at it.
#[derive(Debug)]
pub(crate) struct Configured(RwLock<Live>);

impl Configured {
    pub(crate) fn new(config: &Config) -> Self {
        Self(RwLock::new(Live::of(config)))
    }

    pub(super) fn set(&self, config: &Config) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Live::of(config);
    }

    pub(super) fn get(&self) -> Live {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads the file again.
///
/// # Errors
/// All that is wrong with it, in words.
pub(super) fn read(path: &Path) -> Result<Box<Config>, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(CONFIG_BYTES + 1).read_to_string(&mut text));
    match read {
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        Ok(len) if len as u64 > CONFIG_BYTES => {
            return Err(format!("{} is longer than {CONFIG_BYTES} bytes", path.display()));
        }
        Ok(_) => {}
    }
    Config::check(&text).map(Box::new).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        all.join("; ")
    })
}
