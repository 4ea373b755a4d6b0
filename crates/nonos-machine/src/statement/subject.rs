//! What a statement is about.

use std::sync::Arc;

use nonos_package::{Package, Policy};
use nonos_types::CapsuleHash;

use super::StatementError;
use crate::lower::{Lowered, Options, lower};

/// What is run: a capsule, or a plain module under the default policy.
///
/// ```
/// use nonos_machine::Subject;
///
/// let wasm = wat::parse_str(r#"(module (func (export "one") (result i32) i32.const 1))"#)?;
/// let subject = Subject::Module(wasm.into());
/// assert!(!subject.lower("one")?.program.code.is_empty());
/// assert!(subject.lower("two").is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A capsule.
    Capsule(Box<Package>),
    /// A wasm module without a package, under [`Policy::for_module`].
    Module(Arc<[u8]>),
}

impl Subject {
    /// The digest that a record names it by: the package's, or of the module's bytes.
    pub fn capsule_hash(&self) -> CapsuleHash {
        match self {
            Self::Capsule(package) => package.capsule_hash(),
            Self::Module(wasm) => CapsuleHash::hash(&[wasm]),
        }
    }

    /// The policy of a call of `entry`.
    pub fn policy(&self, entry: &str) -> Policy {
        match self {
            Self::Capsule(package) => package.policy().clone(),
            Self::Module(_) => Policy::for_module(entry),
        }
    }

    /// The module's bytes.
    pub fn module(&self) -> &[u8] {
        match self {
            Self::Capsule(package) => package.module(),
            Self::Module(wasm) => wasm,
        }
    }

    /// Lowers the module for a run from `entry`.
    ///
    /// # Errors
    /// [`StatementError::Lower`], [`StatementError::Differs`] for another entry than the policy's.
    pub fn lower(&self, entry: &str) -> Result<Lowered, StatementError> {
        let policy = self.policy(entry);
        if policy.entry != entry {
            return Err(StatementError::Differs { part: "entry" });
        }
        let options = Options {
            entry,
            max_pages: policy.max_pages,
            hosts: policy.host,
        };
        Ok(lower(self.module(), &options)?)
    }

    /// The statement's first attachment: the program, behind a byte that says what it is.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Capsule(package) => (0, package.bytes()),
            Self::Module(wasm) => (1, &wasm[..]),
        };
        [&[kind], bytes].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, package) => Some(Self::Capsule(Box::new(Package::decode(package).ok()?))),
            (1, wasm) => Some(Self::Module(wasm.into())),
            _ => None,
        }
    }
}
