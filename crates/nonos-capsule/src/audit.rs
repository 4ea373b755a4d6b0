//! The chain of host calls.

use nonos_package::HostCall;
use nonos_types::{AuditRoot, Hasher, TrapKind, tag};

/// Hashes every host call, in order, as one part of 22 bytes: call u8, trap code u8 (0 if it succeeded), tape or
/// exit code u32, argument u64, result u64, all little-endian; the arguments it does not take are zero.
///
/// One streaming hash binds each call to all before it, as a chain of digests would, at a tenth of the cost.
#[derive(Debug)]
pub(crate) struct Audit {
    hasher: Hasher<tag::Audit>,
    calls: u64,
}

/// One host call.
pub(crate) struct Entry {
    pub(crate) call: HostCall,
    pub(crate) trap: Option<TrapKind>,
    pub(crate) tape: u32,
    pub(crate) argument: u64,
    pub(crate) result: u64,
}

impl Audit {
    /// Starts an audit; the salt is its first part, empty where the run has no secret.
    pub(crate) fn new(salt: Option<&[u8; 32]>) -> Self {
        let mut hasher = Hasher::new();
        hasher.part(salt.map_or(&[], |salt| salt));
        Self { hasher, calls: 0 }
    }

    pub(crate) fn append(&mut self, entry: &Entry) {
        let mut bytes = [0; 22];
        bytes[0] = entry.call as u8;
        bytes[1] = entry.trap.map_or(0, TrapKind::code);
        bytes[2..6].copy_from_slice(&entry.tape.to_le_bytes());
        bytes[6..14].copy_from_slice(&entry.argument.to_le_bytes());
        bytes[14..].copy_from_slice(&entry.result.to_le_bytes());
        self.hasher.part(&bytes);
        self.calls += 1;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    pub(crate) fn root(&self) -> AuditRoot {
        self.hasher.finish()
    }
}
