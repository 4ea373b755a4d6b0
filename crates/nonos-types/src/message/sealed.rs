//! What a job's messages say of things that not everybody may see.

use std::fmt;

use crate::{
    ByteLen, Commitment, CommitmentScheme, Error, NodeId, ResultDigest, SealedDigest,
    record::bytes::digest,
    wire::{self, proto},
};

/// An X25519 public key that something is encrypted to, made for one purpose: one slot of one job, or the results of one
/// job.
///
/// Whether it is a usable key is decided where something is encrypted to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxKey([u8; 32]);

impl BoxKey {
    /// Takes its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Absent, or 32 bytes.
    pub(super) fn optional(
        message: &'static str,
        field: &'static str,
        bytes: &[u8],
    ) -> Result<Option<Self>, Error> {
        let key = (!bytes.is_empty()).then(|| wire::fixed(message, field, bytes).map(Self));
        key.transpose()
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "box:{}", hex::encode(self.0))
    }
}

/// The key of a sealed input, encrypted to the [`BoxKey`] of who was awarded the slot: a fresh public key, and a ciphertext
/// with its tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealedKey([u8; Self::LEN]);

impl SealedKey {
    /// Its bytes.
    pub const LEN: usize = 32 + 32 + 16;

    /// Takes its bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Absent, or [`SealedKey::LEN`] bytes.
    pub(super) fn optional(
        message: &'static str,
        field: &'static str,
        bytes: &[u8],
    ) -> Result<Option<Self>, Error> {
        let key = (!bytes.is_empty()).then(|| wire::fixed(message, field, bytes).map(Self));
        key.transpose()
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedKey(…)")
    }
}

/// The sealed input of a job: what it is, for who cannot read it, and where its ciphertext is, for who is given the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedTape {
    /// To the input, salted. It is in the record of each run, so that no executor can take another input, and several runs
    /// are of the same.
    pub commitment: Commitment,
    /// The ciphertext, which executors fetch by this digest.
    pub object: SealedDigest,
    /// Its length; 1 to [`SealedTape::MAX`].
    pub len: ByteLen,
}

impl SealedTape {
    /// Longest ciphertext: 64 MiB and its tag.
    pub const MAX: ByteLen = ByteLen::new((64 << 20) + 16);

    pub(super) fn to_proto(self) -> proto::SealedTape {
        proto::SealedTape {
            scheme: self.commitment.scheme.0,
            digest: self.commitment.digest.to_vec(),
            object: self.object.as_bytes().to_vec(),
            len: self.len.get(),
        }
    }

    pub(super) fn from_proto(message: &'static str, it: &proto::SealedTape) -> Result<Self, Error> {
        Ok(Self {
            commitment: Commitment {
                scheme: CommitmentScheme(it.scheme),
                digest: wire::fixed(message, "sealed", &it.digest)?,
            },
            object: digest(message, "sealed", &it.object)?,
            len: within(message, "sealed", it.len, Self::MAX)?,
        })
    }
}

/// The sealed result of a run: the opening of its outputs' commitment, encrypted to the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedResult {
    /// The ciphertext, which the requester fetches by this digest.
    pub object: ResultDigest,
    /// Its length; 1 to [`SealedResult::MAX`].
    pub len: ByteLen,
}

impl SealedResult {
    /// Longest ciphertext: a public key, 64 MiB and their tag.
    pub const MAX: ByteLen = ByteLen::new((64 << 20) + 32 + 16);

    pub(super) fn to_proto(self) -> proto::SealedResult {
        proto::SealedResult {
            object: self.object.as_bytes().to_vec(),
            len: self.len.get(),
        }
    }

    pub(super) fn from_proto(message: &'static str, it: &proto::SealedResult) -> Result<Self, Error> {
        Ok(Self {
            object: digest(message, "result", &it.object)?,
            len: within(message, "result", it.len, Self::MAX)?,
        })
    }
}

fn within(message: &'static str, field: &'static str, len: u64, most: ByteLen) -> Result<ByteLen, Error> {
    let good = len > 0 && len <= most.get();
    good.then_some(ByteLen::new(len))
        .ok_or(Error::BadField { message, field })
}

/// How much a requester would have some executors take a job before others: a node's tickets in the order of executors are
/// its capacity times its weight.
///
/// ```
/// use nonos_types::{NodeId, Weights};
///
/// let [a, b, c] = [1, 2, 3].map(|byte| NodeId::from_bytes([byte; 32]));
/// let weights = Weights::new([(b, 0), (a, 16)])?;
/// assert_eq!([a, b, c].map(|node| weights.of(node)), [16, 0, 1]);
/// assert!(Weights::new([(a, 17)]).is_err());
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(Vec<(NodeId, u8)>);

impl Weights {
    /// Most nodes.
    pub const MOST: usize = 32;
    /// The greatest weight. The least is 0: such a node takes no slot of the job.
    pub const MAX: u8 = 16;

    /// Of these nodes, in any order; a weight of 1 is that of who is not listed, and says nothing.
    ///
    /// # Errors
    /// [`Error::BadField`] for a node that is there twice, more than [`Weights::MOST`], or a weight above [`Weights::MAX`].
    pub fn new(weights: impl IntoIterator<Item = (NodeId, u8)>) -> Result<Self, Error> {
        let mut weights: Vec<_> = weights.into_iter().collect();
        weights.sort_unstable();
        if !weights.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(BAD);
        }
        weights.retain(|(_, weight)| *weight != 1);
        let good = weights.len() <= Self::MOST && weights.iter().all(|(_, weight)| *weight <= Self::MAX);
        good.then_some(Self(weights)).ok_or(BAD)
    }

    /// That of a node; 1 if it is not listed.
    pub fn of(&self, node: NodeId) -> u8 {
        let place = self.0.binary_search_by_key(&node, |(it, _)| *it);
        place.map_or(1, |at| self.0[at].1)
    }

    /// Those that are not 1, by node.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, u8)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn to_proto(&self) -> Vec<proto::ExecutorWeight> {
        let weight = |(node, weight): (NodeId, u8)| proto::ExecutorWeight {
            node: node.as_bytes().to_vec(),
            weight: weight.into(),
        };
        self.iter().map(weight).collect()
    }

    /// As they come: in order, and none that says nothing.
    pub(super) fn from_proto(
        message: &'static str,
        weights: &[proto::ExecutorWeight],
    ) -> Result<Self, Error> {
        let bad = Error::BadField {
            message,
            field: "weights",
        };
        if weights.len() > Self::MOST {
            return Err(bad);
        }
        let mut read = Vec::with_capacity(weights.len());
        for it in weights {
            let node = NodeId::from_bytes(wire::fixed(message, "weights", &it.node)?);
            let weight = u8::try_from(it.weight).ok().filter(|weight| *weight <= Self::MAX);
            match (weight, read.last()) {
                (Some(1) | None, _) => return Err(bad),
                (_, Some((before, _))) if *before >= node => return Err(bad),
                (Some(weight), _) => read.push((node, weight)),
            }
        }
        Ok(Self(read))
    }
}

const BAD: Error = Error::BadField {
    message: "offer",
    field: "weights",
};
