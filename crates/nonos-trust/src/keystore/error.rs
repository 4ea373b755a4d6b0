use std::{io, path::PathBuf};

use nonos_types::{ByteLen, Fault};

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// There is no such file.
    #[error("there is no keystore at {}", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Something is there already; it was left as it is.
    #[error("{} exists already, and is left as it is", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Others than the owner may read or change it.
    #[error("{} has mode {mode:04o}: others may use it; `chmod {remedy:o} {}`", path.display(), path.display())]
    WideMode {
        /// File or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        remedy: u32,
    },
    /// Not a file of this format, or not all of one.
    #[error("not a keystore, or a damaged one: {part}")]
    NotAKeystore {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// A version this program does not know.
    #[error("keystore version {version} is not known to this program")]
    UnknownVersion {
        /// The version.
        version: u8,
    },
    /// The keystore is behind a link: to replace the link would leave the keystore as it was.
    #[error("{} is a symbolic link: name the file that it leads to, or put that in its place", path.display())]
    Linked {
        /// The link.
        path: PathBuf,
    },
    /// Not a backup, or not all of one.
    #[error("not a backup, or a damaged one: {part}")]
    NotABackup {
        /// The part that is wrong, for people.
        part: &'static str,
    },
    /// A backup of a version this program does not know.
    #[error("backup version {version} is not known to this program: use the newer program")]
    UnknownBackupVersion {
        /// The version.
        version: u8,
    },
    /// The two cannot be told apart.
    #[error("wrong passphrase or damaged backup")]
    WrongPassphraseOrDamagedBackup,
    /// What should be kept is longer than a backup can be.
    #[error("{part} of {actual} is too long for a backup, which holds {limit} of it")]
    TooLongForBackup {
        /// What.
        part: &'static str,
        /// Its length.
        actual: ByteLen,
        /// Most of it.
        limit: ByteLen,
    },
    /// Another number of words than a key has.
    #[error("a key has {expected} words, and these are {found}", expected = super::WORDS)]
    WordCount {
        /// How many there are.
        found: usize,
    },
    /// A word that is not in the list; it is not repeated here, since it is a part of a secret.
    #[error("word {place} is not in the list of English words of BIP-39")]
    UnknownWord {
        /// Which one, from 1.
        place: usize,
    },
    /// The words do not belong together.
    #[error("these words are no key: one of them is another word, or they are in another order")]
    WordsChecksum,
    /// Key derivation outside of its limits; nothing was derived.
    #[error(
        "key derivation with {memory}, {passes} passes and {lanes} lanes is outside of 19 MiB to 1 GiB, 1 to 16 \
         passes, 1 to 4 lanes"
    )]
    CostOutOfRange {
        /// Memory.
        memory: ByteLen,
        /// Passes over it.
        passes: u32,
        /// Lanes of it.
        lanes: u32,
    },
    /// The two cannot be told apart.
    #[error("wrong passphrase or damaged keystore")]
    WrongPassphraseOrDamaged,
    /// A passphrase must not be empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Key derivation needs memory the machine does not give.
    #[error("no {memory} of memory for key derivation")]
    OutOfMemory {
        /// What it needs.
        memory: ByteLen,
    },
    /// The file system failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

impl KeystoreError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. }
            | Self::Exists { .. }
            | Self::UnknownVersion { .. }
            | Self::CostOutOfRange { .. }
            | Self::WrongPassphraseOrDamaged
            | Self::NotAKeystore { .. }
            | Self::Linked { .. }
            | Self::NotABackup { .. }
            | Self::UnknownBackupVersion { .. }
            | Self::WrongPassphraseOrDamagedBackup
            | Self::TooLongForBackup { .. }
            | Self::WordCount { .. }
            | Self::UnknownWord { .. }
            | Self::WordsChecksum
            | Self::EmptyPassphrase => Fault::Caller,
            Self::WideMode { .. } | Self::OutOfMemory { .. } | Self::Io { .. } => Fault::Environment,
        }
    }
}
