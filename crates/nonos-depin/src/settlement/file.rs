//! A batch with its proofs and what an anchor has of it, for anybody to check without a node.

use nonos_types::{ByteLen, Envelope, NodeId, Signed, VkDigest};
use nonos_verify::{Claim, Proof, Public, Statement as _, Verifier, VerifyError};

use crate::{
    Batch, BatchError,
    anchor::{Commitment, Countersignature},
    rollup::RollupStatement,
};

const MAGIC: [u8; 8] = *b"NONOSETL";
const VERSION: u16 = 1;
/// Bytes of a chunk's statement.
const STATEMENT: usize = RollupStatement::MAX_PUBLIC.get() as usize;

/// A chunk, and the proof of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What is proved.
    pub statement: RollupStatement,
    /// The proof; not verified.
    pub proof: Proof,
}

impl Chunk {
    /// Longest proof that is kept: some of the one backend there is, and room for a larger one.
    pub const MAX_PROOF: ByteLen = ByteLen::new(32 << 10);

    /// Statement, verifying key, and the proof with its length.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [
            &self.statement.bytes()[..],
            self.proof.vk.as_bytes(),
            &(self.proof.bytes.len() as u32).to_be_bytes(),
            &self.proof.bytes,
        ]
        .concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let chunk = input.chunk().ok()?;
        input.0.is_empty().then_some(chunk)
    }

    fn claim(&self) -> Claim {
        Claim {
            public: self.statement.public(),
            proof: self.proof.clone(),
        }
    }
}

/// A batch that its author signed, the proofs of its chunks, and who has seen it.
///
/// Reading checks the form, [`SettlementFile::check`] everything that takes neither a clock nor a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementFile {
    /// The signed batch.
    pub batch: Envelope,
    /// Its chunks, in order.
    pub chunks: Vec<Chunk>,
    /// What witnesses have signed of it.
    pub countersignatures: Vec<Envelope>,
    /// Which accounts speak for the author on chains; read by who knows chains.
    pub accounts: Vec<Envelope>,
}

/// What a file shows.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The batch: signed, and proved.
    pub batch: Batch,
    /// How many proofs were verified.
    pub proofs: usize,
    /// Who signed to have seen it. Whether one trusts them is for the reader to say.
    pub witnesses: Vec<(NodeId, Countersignature)>,
}

/// Why a file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It does not begin like one.
    #[error("it is no settlement file")]
    NotOne,
    /// A version this program does not know.
    #[error("version {version} of settlement files is not known to this program")]
    UnknownVersion {
        /// The version.
        version: u16,
    },
    /// It is not of the form.
    #[error("{part} is malformed")]
    Malformed {
        /// What.
        part: &'static str,
    },
    /// Longer than a settlement file is.
    #[error("a settlement file has at most {limit}")]
    TooLong {
        /// How long it may be.
        limit: ByteLen,
    },
    /// The batch's signature or bytes are bad.
    #[error("the batch is not signed by its author")]
    Batch(#[source] nonos_types::Error),
    /// The chunks are not those of the batch.
    #[error(transparent)]
    Chunks(#[from] BatchError),
    /// A proof is refused.
    #[error("the proof of chunk {index} is refused")]
    Proof {
        /// Which.
        index: u32,
        /// Why.
        #[source]
        source: VerifyError,
    },
    /// A countersignature's signature or bytes are bad.
    #[error("a countersignature is not signed by a witness")]
    Countersignature(#[source] nonos_types::Error),
    /// A countersignature is of another batch.
    #[error("{signer} has countersigned another batch")]
    OtherCommitment {
        /// Who.
        signer: NodeId,
    },
}

impl SettlementFile {
    /// Longest: a batch of a thousand chunks.
    pub const MAX: ByteLen = ByteLen::new(36 << 20);
    /// Most witnesses who have signed.
    pub const MAX_COUNTERSIGNATURES: usize = 256;
    /// Most accounts.
    pub const MAX_ACCOUNTS: usize = 16;
    /// Most bytes of an envelope in it.
    pub(super) const MAX_ENVELOPE: usize = 1024;

    /// The bytes of `docs/spec/settlement.md`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        put(&mut bytes, &self.batch);
        bytes.extend((self.chunks.len() as u32).to_be_bytes());
        for chunk in &self.chunks {
            bytes.extend(chunk.to_bytes());
        }
        for envelopes in [&self.countersignatures, &self.accounts] {
            bytes.extend((envelopes.len() as u16).to_be_bytes());
            for envelope in envelopes {
                put(&mut bytes, envelope);
            }
        }
        bytes
    }

    /// Reads all of `bytes`. Nothing is reserved by what they claim: each part is there, or refused.
    ///
    /// # Errors
    /// [`FileError::TooLong`], [`FileError::NotOne`], [`FileError::UnknownVersion`], [`FileError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        if ByteLen::from(bytes.len()) > Self::MAX {
            return Err(FileError::TooLong { limit: Self::MAX });
        }
        let mut input = Input(bytes);
        if input.take::<8>("head").ok() != Some(MAGIC) {
            return Err(FileError::NotOne);
        }
        let version = u16::from_be_bytes(input.take("version")?);
        if version != VERSION {
            return Err(FileError::UnknownVersion { version });
        }
        let batch = input.envelope("batch")?;
        let count = u32::from_be_bytes(input.take("number of chunks")?);
        if u64::from(count) > u64::from(Batch::MAX_POSTINGS) {
            return Err(FileError::Malformed {
                part: "number of chunks",
            });
        }
        let chunks = (0..count).map(|_| input.chunk()).collect::<Result<_, _>>()?;
        let countersignatures = input.envelopes("countersignature", Self::MAX_COUNTERSIGNATURES)?;
        let accounts = input.envelopes("account", Self::MAX_ACCOUNTS)?;
        if !input.0.is_empty() {
            return Err(FileError::Malformed { part: "end" });
        }
        Ok(Self {
            batch,
            chunks,
            countersignatures,
            accounts,
        })
    }

    /// Whether the author signed the batch, the chunks make it up, each proof holds, and the countersignatures are of it.
    ///
    /// Not checked: that the postings are those of signed vouchers (which takes the entries), that it follows another
    /// batch ([`Batch::follows`]), what is on a chain.
    ///
    /// # Errors
    /// [`FileError`] names the first that does not hold.
    pub fn check(&self, verifier: &dyn Verifier) -> Result<Checked, FileError> {
        let signed: Signed<Batch> = Signed::from_bytes(&self.batch.to_bytes()).map_err(FileError::Batch)?;
        let batch = signed.value().clone();
        let statements: Vec<RollupStatement> = self.chunks.iter().map(|it| it.statement.clone()).collect();
        batch.check_chunks(&statements)?;
        let claims: Vec<Claim> = self.chunks.iter().map(Chunk::claim).collect();
        for (verdict, index) in verifier.verify_batch(&claims).into_iter().zip(0..) {
            verdict.map_err(|source| FileError::Proof { index, source })?;
        }
        let digest = super::commitment(&batch).digest();
        let mut witnesses = Vec::new();
        for envelope in &self.countersignatures {
            let (countersignature, signer) = envelope
                .open::<Countersignature>()
                .map_err(FileError::Countersignature)?;
            if countersignature.commitment != digest {
                return Err(FileError::OtherCommitment { signer });
            }
            witnesses.push((signer, countersignature));
        }
        Ok(Checked {
            batch,
            proofs: claims.len(),
            witnesses,
        })
    }
}

impl Checked {
    /// What is to be found at an anchor.
    pub fn commitment(&self) -> Commitment {
        super::commitment(&self.batch)
    }
}

fn put(bytes: &mut Vec<u8>, envelope: &Envelope) {
    let envelope = envelope.to_bytes();
    bytes.extend((envelope.len() as u16).to_be_bytes());
    bytes.extend(envelope);
}

/// Bytes that are taken from the front.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], FileError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(FileError::Malformed { part })?;
        self.0 = rest;
        Ok(*field)
    }

    fn some(&mut self, len: usize, part: &'static str) -> Result<&[u8], FileError> {
        let (field, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(FileError::Malformed { part })?;
        self.0 = rest;
        Ok(field)
    }

    fn envelope(&mut self, part: &'static str) -> Result<Envelope, FileError> {
        let len = usize::from(u16::from_be_bytes(self.take(part)?));
        let bytes = self.some(len, part)?;
        let most = ByteLen::from(SettlementFile::MAX_ENVELOPE);
        Envelope::from_bytes_within(most, bytes).map_err(|_| FileError::Malformed { part })
    }

    fn envelopes(&mut self, part: &'static str, most: usize) -> Result<Vec<Envelope>, FileError> {
        let count = usize::from(u16::from_be_bytes(self.take(part)?));
        if count > most {
            return Err(FileError::Malformed { part });
        }
        (0..count).map(|_| self.envelope(part)).collect()
    }

    fn chunk(&mut self) -> Result<Chunk, FileError> {
        let part = "chunk";
        let malformed = FileError::Malformed { part };
        let statement: [u8; STATEMENT] = self.take(part)?;
        let statement = RollupStatement::decode(&Public::new(statement.to_vec()));
        let statement = statement.map_err(|_| malformed)?;
        let vk = VkDigest::from_bytes(self.take(part)?);
        let len = u32::from_be_bytes(self.take(part)?);
        if u64::from(len) > Chunk::MAX_PROOF.get() {
            return Err(FileError::Malformed { part });
        }
        let proof = Proof::new(vk, self.some(len as usize, part)?.to_vec());
        Ok(Chunk { statement, proof })
    }
}
