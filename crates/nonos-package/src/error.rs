//! Why bytes or text are not a capsule.

use crate::instructions;
use nonos_types::{ByteLen, Fault, Pages};
use std::fmt;

/// A section of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Fixed header.
    Header,
    /// Manifest.
    Manifest,
    /// The wasm module.
    Payload,
    /// Reserved.
    Proof,
    /// Dependency map.
    Dependencies,
    /// Runtime policy.
    Policy,
    /// Author's signature.
    Trailer,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Manifest => "manifest",
            Self::Payload => "payload",
            Self::Proof => "proof section",
            Self::Dependencies => "dependency map",
            Self::Policy => "policy",
            Self::Trailer => "trailer",
        })
    }
}

/// Why bytes or text are not a capsule. Offsets are in bytes from the start of the package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first four bytes are not `NONO`.
    #[error("not a capsule package: the magic number is missing")]
    BadMagic,
    /// A version of the format that this code does not know.
    #[error("offset {offset}: package version {version} is unknown")]
    UnknownVersion {
        /// Where the version is.
        offset: ByteLen,
        /// The version.
        version: u8,
    },
    /// A section that is longer than the format allows.
    #[error("offset {offset}: {section} of {actual} exceeds {limit}")]
    SectionTooLong {
        /// Where its length is written.
        offset: ByteLen,
        /// The section.
        section: Section,
        /// Its length as written.
        actual: ByteLen,
        /// The greatest length.
        limit: ByteLen,
    },
    /// The package ends within a section.
    #[error("truncated at offset {offset}: {section} needs the package to have {needed}")]
    Truncated {
        /// Where the package ends.
        offset: ByteLen,
        /// The section that is cut.
        section: Section,
        /// Length of the package that the section ends at.
        needed: ByteLen,
    },
    /// Bytes after the trailer.
    #[error("offset {offset}: {count} after the trailer")]
    TrailingBytes {
        /// Where they begin.
        offset: ByteLen,
        /// How many.
        count: ByteLen,
    },
    /// A dependency map that is not whole hashes, strictly ascending.
    #[error("offset {offset}: the dependency map is not sorted, unique, whole hashes")]
    BadDependencies {
        /// The first bad entry.
        offset: ByteLen,
    },
    /// A manifest that is not what `docs/spec/manifest.md` says.
    #[error("manifest, line {line}, column {column}: {detail}")]
    Manifest {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        detail: String,
    },
    /// The manifest is not UTF-8.
    #[error("offset {offset}: the manifest is not UTF-8")]
    NotUtf8 {
        /// The first bad byte.
        offset: ByteLen,
    },
    /// The manifest's author key is no usable ed25519 key.
    #[error("the manifest's author key is not a usable ed25519 key")]
    BadAuthorKey,
    /// The author did not sign this package.
    #[error("offset {offset}: the author's signature is not valid")]
    BadSignature {
        /// Where the signature is.
        offset: ByteLen,
    },
    /// The payload has another hash than the manifest says.
    #[error("the payload's hash is not the manifest's `exec.hash`")]
    PayloadHash,
    /// The policy section is not what the manifest derives.
    #[error("offset {offset}: the policy is not the one the manifest derives")]
    PolicyMismatch {
        /// The first byte that differs.
        offset: ByteLen,
    },
    /// Bytes that are no policy.
    #[error("not a policy")]
    Policy(#[source] nonos_types::Error),
    /// The payload is not a module that a capsule may have.
    #[error("the module cannot be a capsule")]
    Module(
        #[from]
        #[source]
        instructions::Error,
    ),
    /// The module does not export the entry as a function.
    #[error("the module exports no function `{entry}`")]
    NoEntry {
        /// The entry.
        entry: String,
    },
    /// The module starts with more memory than the policy grants.
    #[error("the module starts with {initial}, the policy grants {granted}")]
    MemoryTooLarge {
        /// What the module starts with.
        initial: Pages,
        /// What the policy grants.
        granted: Pages,
    },
    /// The manifest to be packed names another author than the key that signs.
    #[error("the manifest's `meta.author_key` is not the key that signs")]
    OtherAuthor,
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::OtherAuthor => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}
