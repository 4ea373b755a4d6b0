//! What brings a node to another machine: its key, and what it needs to go on without contradicting itself.

use std::fmt;

use nonos_types::{ByteLen, FeedHead, NodeId, Timestamp, wire};
use zeroize::Zeroizing;

use super::{
    Cost, Entropy, KeystoreError, Passphrase,
    format::{Header, Kind},
};
use crate::Identity;

/// Bytes of the secret key, which comes before all else that is encrypted.
const SEED: usize = 32;
/// Bytes of the cipher's tag.
const TAG: usize = 16;
/// Longest name of a network.
const MAX_NETWORK: usize = 256;
/// Longest configuration.
const MAX_CONFIG: usize = 1 << 20;
/// Longest file with the key of a chain's account.
const MAX_ACCOUNT: usize = 4096;

/// A node's backup.
///
/// ```
/// use nonos_trust::{Identity, keystore::{Backup, Cost, Entropy, Passphrase}};
/// use nonos_types::Timestamp;
///
/// let backup = Backup {
///     identity: Identity::from_seed([7; 32]),
///     network: "example".to_owned(),
///     head: None,
///     config: String::new(),
///     account: Vec::new(),
///     made: Timestamp::new(1_800_000_000),
/// };
/// let passphrase = Passphrase::new(b"another horse".to_vec())?;
/// let fresh = Entropy { seed: [0; 32], salt: [2; 16], nonce: [3; 24] }; // from the system's generator
/// let bytes = backup.seal(fresh, &passphrase, Cost::MIN)?;
///
/// assert_eq!(Backup::label(&bytes)?.node, backup.identity.node_id());
/// assert_eq!(Backup::open(&bytes, &passphrase)?.network, "example");
/// # Ok::<_, nonos_trust::keystore::KeystoreError>(())
/// ```
pub struct Backup {
    /// The node's key.
    pub identity: Identity,
    /// Name of the network that its books are of.
    pub network: String,
    /// The newest entry of its books, if one is known: without it a restored node could sign a second first entry.
    pub head: Option<FeedHead>,
    /// Its configuration, as it was written.
    pub config: String,
    /// The file with the key of its account on a chain, encrypted as it is there; nothing if it has none.
    pub account: Vec<u8>,
    /// When it was made, by the clock of its machine.
    pub made: Timestamp,
}

/// What can be read of a backup without its passphrase, and is believed to be what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Whose it is.
    pub node: NodeId,
    /// What it costs to try a passphrase on it.
    pub cost: Cost,
}

#[derive(Clone, PartialEq, prost::Message)]
struct BackupProto {
    #[prost(string, tag = "1")]
    network: String,
    #[prost(bytes = "vec", tag = "2")]
    head: Vec<u8>,
    #[prost(string, tag = "3")]
    config: String,
    #[prost(bytes = "vec", tag = "4")]
    account: Vec<u8>,
    #[prost(uint64, tag = "5")]
    made: u64,
}

impl Backup {
    /// Most bytes of one.
    pub const MAX: ByteLen = ByteLen::new(2 << 20);

    /// Encrypts it. `fresh` gives salt and nonce; its seed is not used.
    ///
    /// # Errors
    /// [`KeystoreError::TooLongForBackup`], [`KeystoreError::OutOfMemory`].
    pub fn seal(
        &self,
        fresh: Entropy,
        passphrase: &Passphrase,
        cost: Cost,
    ) -> Result<Vec<u8>, KeystoreError> {
        for (part, limit, actual) in self.lengths() {
            if actual > limit {
                return Err(KeystoreError::TooLongForBackup {
                    part,
                    actual: ByteLen::from(actual),
                    limit: ByteLen::from(limit),
                });
            }
        }
        let header = Header {
            kind: Kind::Backup,
            cost,
            salt: fresh.salt,
            nonce: fresh.nonce,
            public_key: *self.identity.node_id().as_bytes(),
        };
        let proto = BackupProto {
            network: self.network.clone(),
            head: self.head.map(|it| it.to_bytes().to_vec()).unwrap_or_default(),
            config: self.config.clone(),
            account: self.account.clone(),
            made: self.made.get(),
        };
        let about = wire::encode(&proto);
        // Of the full size at once: growing would leave copies of the key behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(SEED + about.len()));
        plain.extend_from_slice(&*Zeroizing::new(self.identity.signing_key().to_bytes()));
        plain.extend_from_slice(&about);
        let sealed = header.seal(&passphrase.0, &plain)?;
        Ok([&header.to_bytes()[..], &sealed].concat())
    }

    /// Whose a backup says it is. Without the passphrase nobody knows whether that is true.
    ///
    /// # Errors
    /// [`KeystoreError::NotABackup`], [`KeystoreError::UnknownBackupVersion`], [`KeystoreError::CostOutOfRange`].
    pub fn label(bytes: &[u8]) -> Result<Label, KeystoreError> {
        let (header, _) = split(bytes)?;
        Ok(Label {
            node: NodeId::from_bytes(header.public_key),
            cost: header.cost,
        })
    }

    /// Opens one.
    ///
    /// # Errors
    /// As [`Backup::label`], before any work; [`KeystoreError::WrongPassphraseOrDamagedBackup`],
    /// [`KeystoreError::OutOfMemory`].
    pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Self, KeystoreError> {
        let (header, sealed) = split(bytes)?;
        let plain = header.open(&passphrase.0, sealed)?;
        Self::read(header, &plain)
    }

    /// Whoever has the passphrase can have written anything.
    fn read(header: Header, plain: &[u8]) -> Result<Self, KeystoreError> {
        let bad = |part| KeystoreError::NotABackup { part };
        let (seed, about) = plain.split_at_checked(SEED).ok_or(bad("the length"))?;
        let proto: BackupProto =
            wire::decode("backup", Self::MAX, about).map_err(|_| bad("what was encrypted"))?;
        let head = match proto.head.as_slice() {
            [] => None,
            bytes => Some(FeedHead::from_bytes(
                bytes.try_into().map_err(|_| bad("the head of the books"))?,
            )),
        };
        let backup = Self {
            identity: header.identity(seed)?,
            network: proto.network,
            head,
            config: proto.config,
            account: proto.account,
            made: Timestamp::new(proto.made),
        };
        match backup.lengths().iter().find(|(_, limit, actual)| actual > limit) {
            Some((part, ..)) => Err(bad(part)),
            None => Ok(backup),
        }
    }

    fn lengths(&self) -> [(&'static str, usize, usize); 3] {
        [
            ("the network's name", MAX_NETWORK, self.network.len()),
            ("the configuration", MAX_CONFIG, self.config.len()),
            ("the key of the account", MAX_ACCOUNT, self.account.len()),
        ]
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backup({})", self.identity.node_id())
    }
}

fn split(bytes: &[u8]) -> Result<(Header, &[u8]), KeystoreError> {
    if ByteLen::from(bytes.len()) > Backup::MAX {
        return Err(Kind::Backup.bad("the length"));
    }
    Header::split(Kind::Backup, bytes, |rest| rest >= SEED + TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            kind: Kind::Backup,
            cost: Cost::MIN,
            salt: [2; 16],
            nonce: [3; 24],
            public_key: *Identity::from_seed([1; 32]).node_id().as_bytes(),
        }
    }

    fn proto() -> BackupProto {
        BackupProto {
            network: "n".to_owned(),
            head: vec![4; FeedHead::LEN],
            config: "c".to_owned(),
            account: vec![5],
            made: 6,
        }
    }

    fn read(seed: &[u8], proto: &BackupProto) -> Result<Backup, KeystoreError> {
        Backup::read(header(), &[seed, &wire::encode(proto)].concat())
    }

    #[track_caller]
    fn refused(read: Result<Backup, KeystoreError>, expected: &str) {
        match read {
            Err(KeystoreError::NotABackup { part }) => assert_eq!(part, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }

    /// Each of these can be made by who has the passphrase only.
    #[test]
    fn refuses_what_no_node_puts_into_a_backup() {
        read(&[1; 32], &proto()).expect("it is good");
        let changed = |change: fn(&mut BackupProto)| {
            let mut it = proto();
            change(&mut it);
            read(&[1; 32], &it)
        };
        refused(
            read(&[9; 32], &proto()),
            "the public key is not that of the secret one",
        );
        refused(Backup::read(header(), &[1; 31]), "the length");
        refused(changed(|it| it.head = vec![4; 43]), "the head of the books");
        refused(changed(|it| it.network = "n".repeat(257)), "the network's name");
        refused(
            changed(|it| it.config = "c".repeat((1 << 20) + 1)),
            "the configuration",
        );
        refused(changed(|it| it.account = vec![5; 4097]), "the key of the account");
        let longer = [&[1; 32], &wire::encode(&proto())[..], &[0x38, 1]].concat();
        refused(Backup::read(header(), &longer), "what was encrypted");
    }

    #[test]
    fn refuses_to_make_what_it_would_not_open() {
        let backup = Backup {
            config: "c".repeat((1 << 20) + 1),
            ..read(&[1; 32], &proto()).expect("it is good")
        };
        let fresh = Entropy {
            seed: [0; 32],
            salt: [2; 16],
            nonce: [3; 24],
        };
        let passphrase = Passphrase::new(b"x".to_vec()).expect("is not empty");
        let error = backup.seal(fresh, &passphrase, Cost::MIN).expect_err("too long");
        assert!(
            matches!(error, KeystoreError::TooLongForBackup { .. }),
            "{error:?}"
        );
    }
}
