//! The proof object: `docs/spec/proof.md`.

use crate::{BackendId, Proof};
use nonos_types::{ByteLen, CapsuleHash, ExecHash, ExecutionRecord, Fault, ProofDigest, Timestamp, VkDigest};
use prost::Message;

/// Longest encoded proof object.
pub const MAX_OBJECT: ByteLen = ByteLen::new(65 << 20);

/// A proof with what it is about, when it was made, and how to read it.
///
/// ```
/// use nonos_types::{CapsuleHash, ExecHash, Timestamp, VkDigest};
/// use nonos_verify::{BackendId, Proof, ProofObject};
///
/// let object = ProofObject {
///     capsule: CapsuleHash::hash(&[b"a capsule"]),
///     exec: ExecHash::hash(&[b"a record"]),
///     proof: Proof::new(VkDigest::hash(&[b"a key"]), vec![1, 2, 3]),
///     timestamp: Timestamp::new(1_700_000_000),
///     backend: BackendId::new("halo2-ipa/v1"),
/// };
/// assert_eq!(ProofObject::decode(&object.encode()?)?, object);
/// # Ok::<_, nonos_verify::ObjectError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofObject {
    /// The capsule that ran.
    pub capsule: CapsuleHash,
    /// The run.
    pub exec: ExecHash,
    /// The proof and the key to read it under.
    pub proof: Proof,
    /// When the prover says it was made. Not proved.
    pub timestamp: Timestamp,
    /// Who reads the proof's bytes.
    pub backend: BackendId,
}

/// Field names and numbers of the wire form.
#[derive(Clone, PartialEq, Message)]
struct Wire {
    #[prost(bytes = "vec", tag = "1")]
    capsule_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    exec_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    proof_bytes: Vec<u8>,
    #[prost(uint64, tag = "4")]
    timestamp: u64,
    #[prost(string, tag = "5")]
    backend: String,
    #[prost(bytes = "vec", tag = "6")]
    vk_digest: Vec<u8>,
}

/// Why bytes are not a proof object, or an object is not about a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Longer than [`MAX_OBJECT`]; nothing of it was read.
    #[error("a proof object of {found} is longer than the limit of {limit}")]
    TooLong {
        /// Its length.
        found: ByteLen,
        /// The longest allowed.
        limit: ByteLen,
    },
    /// Not a protobuf message of this type.
    #[error("proof object: not its protobuf encoding")]
    Malformed,
    /// A readable message in another form than the one the encoder gives: fields unknown, repeated or out of
    /// order, a number longer than needed.
    #[error("proof object: not in canonical form")]
    NotCanonical,
    /// A field that is absent or outside its domain.
    #[error("proof object: field `{field}` is missing or out of its domain")]
    BadField {
        /// Name of the field.
        field: &'static str,
    },
    /// The object is about another capsule or another run than the record.
    #[error("proof object: `{field}` is not the record's")]
    OtherRun {
        /// Name of the field that differs.
        field: &'static str,
    },
}

impl ObjectError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl ProofObject {
    /// The canonical bytes.
    ///
    /// # Errors
    /// [`ObjectError::BadField`] for an empty proof, [`ObjectError::TooLong`] for one that is too long: what
    /// encodes, decodes.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        if self.proof.bytes.is_empty() {
            return Err(ObjectError::BadField { field: "proof_bytes" });
        }
        let wire = Wire {
            capsule_hash: self.capsule.as_bytes().to_vec(),
            exec_hash: self.exec.as_bytes().to_vec(),
            proof_bytes: self.proof.bytes.to_vec(),
            timestamp: self.timestamp.get(),
            backend: self.backend.as_str().to_owned(),
            vk_digest: self.proof.vk.as_bytes().to_vec(),
        };
        bounded(wire.encoded_len())?;
        Ok(wire.encode_to_vec())
    }

    /// Reads what [`encode`](Self::encode) gives, and nothing else.
    ///
    /// # Errors
    /// [`ObjectError`] names what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        bounded(bytes.len())?;
        let wire = Wire::decode(bytes).map_err(|_cause| ObjectError::Malformed)?;
        if wire.encode_to_vec() != bytes {
            return Err(ObjectError::NotCanonical);
        }
        if wire.proof_bytes.is_empty() {
            return Err(ObjectError::BadField { field: "proof_bytes" });
        }
        let vk = VkDigest::from_bytes(digest("vk_digest", &wire.vk_digest)?);
        Ok(Self {
            capsule: CapsuleHash::from_bytes(digest("capsule_hash", &wire.capsule_hash)?),
            exec: ExecHash::from_bytes(digest("exec_hash", &wire.exec_hash)?),
            proof: Proof::new(vk, wire.proof_bytes),
            timestamp: Timestamp::new(wire.timestamp),
            backend: wire
                .backend
                .parse()
                .map_err(|_name| ObjectError::BadField { field: "backend" })?,
        })
    }

    /// Digest of the proof's bytes, as receipts carry it.
    #[must_use]
    pub fn proof_digest(&self) -> ProofDigest {
        ProofDigest::hash(&[&self.proof.bytes])
    }

    /// Is this object about the run of `record`? It says nothing of whether the proof verifies.
    ///
    /// # Errors
    /// [`ObjectError::OtherRun`] names the hash that differs.
    pub fn is_about(&self, record: &ExecutionRecord) -> Result<(), ObjectError> {
        if self.capsule != record.proven.capsule {
            Err(ObjectError::OtherRun {
                field: "capsule_hash",
            })
        } else if self.exec != record.exec_hash() {
            Err(ObjectError::OtherRun { field: "exec_hash" })
        } else {
            Ok(())
        }
    }
}

fn bounded(len: usize) -> Result<(), ObjectError> {
    let found = ByteLen::from(len);
    if found > MAX_OBJECT {
        Err(ObjectError::TooLong {
            found,
            limit: MAX_OBJECT,
        })
    } else {
        Ok(())
    }
}

fn digest(field: &'static str, bytes: &[u8]) -> Result<[u8; 32], ObjectError> {
    bytes
        .try_into()
        .map_err(|_length| ObjectError::BadField { field })
}
