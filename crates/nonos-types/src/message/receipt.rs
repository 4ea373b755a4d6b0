use super::job::amount;
use crate::{
    Amount, Assignment, Attempt, BackendId, ByteLen, Error, ExecutionRecord, Further, NetworkId, NodeId,
    Payload, ProofDigest, ReceiptId, SealedResult, Shard, TapesDigest, Timestamp, TranscriptDigest,
    VerdictCommitment, VkDigest,
    record::bytes::digest,
    wire::{self, proto},
};

const RECEIPT: &str = "receipt";
const VERDICT: &str = "verdict";

/// An executor, who signs it, has run a job and proved it. Tapes and proof are fetched by those who verify; the
/// receipt commits to their bytes, so that who changes them on the way blames nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The run.
    pub record: ExecutionRecord,
    /// How often this executor had tried before: what the record's nonce is made with.
    pub attempt: Attempt,
    /// Who reads the proof.
    pub backend: BackendId,
    /// The key to read it under.
    pub verifying_key: VkDigest,
    /// Digest of the proof's bytes.
    pub proof: ProofDigest,
    /// Their length; at most [`Receipt::MAX_PROOF`].
    pub proof_len: ByteLen,
    /// Digest of the public tapes' bytes.
    pub tapes: TapesDigest,
    /// Their length; at most [`Receipt::MAX_TAPES`].
    pub tapes_len: ByteLen,
    /// What the executor asks for, shares of seeders and verifiers included.
    pub fee: Amount,
    /// From whom it got the capsule for this job; at most 16.
    pub transfers: Vec<Transfer>,
    /// When it was proved.
    pub at: Timestamp,
    /// If the offer has its results sealed: where they are, for the requester.
    pub result: Option<SealedResult>,
}

/// From whom the executor got how much of the capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Who gave it.
    pub seeder: NodeId,
    /// How much.
    pub bytes: ByteLen,
}

impl Receipt {
    /// Longest proof.
    pub const MAX_PROOF: ByteLen = ByteLen::new(64 << 20);
    /// Longest tapes.
    pub const MAX_TAPES: ByteLen = ByteLen::new(64 << 20);
    /// Most transfers.
    pub const MAX_TRANSFERS: usize = 16;

    /// What the run was for.
    pub fn assignment(&self) -> Assignment {
        let proven = &self.record.proven;
        Assignment {
            network: proven.network,
            job: proven.job,
            slot: proven.slot,
            executor: proven.executor,
            attempt: self.attempt,
        }
    }
}

impl Payload for Receipt {
    const TYPE: &'static str = RECEIPT;
    const MAX: ByteLen = ByteLen::new(66 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Receipt {
            record: self.record.to_bytes(),
            attempt: self.attempt.get(),
            backend: self.backend.as_str().to_owned(),
            verifying_key: self.verifying_key.as_bytes().to_vec(),
            proof: self.proof.as_bytes().to_vec(),
            proof_len: self.proof_len.get(),
            tapes: self.tapes.as_bytes().to_vec(),
            tapes_len: self.tapes_len.get(),
            fee: self.fee.to_be_bytes().to_vec(),
            transfers: self
                .transfers
                .iter()
                .map(|it| proto::Transfer {
                    seeder: it.seeder.as_bytes().to_vec(),
                    bytes: it.bytes.get(),
                })
                .collect(),
            at: self.at.get(),
            result: self.result.map(SealedResult::to_proto),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Receipt = Further::refuse(RECEIPT, Self::MAX, bytes)?;
        let bad = |field| Error::BadField {
            message: RECEIPT,
            field,
        };
        let within = |field, len, most: ByteLen| {
            let good = len > 0 && len <= most.get();
            good.then_some(ByteLen::new(len)).ok_or(bad(field))
        };
        let transfer = |it: &proto::Transfer| {
            Ok(Transfer {
                seeder: NodeId::from_bytes(wire::fixed(RECEIPT, "transfers", &it.seeder)?),
                bytes: ByteLen::new(it.bytes),
            })
        };
        if message.transfers.len() > Self::MAX_TRANSFERS {
            return Err(bad("transfers"));
        }
        let receipt = Self {
            record: ExecutionRecord::from_bytes(&message.record)?,
            attempt: Attempt::new(message.attempt),
            backend: message.backend.parse().map_err(|_| bad("backend"))?,
            verifying_key: digest(RECEIPT, "verifying_key", &message.verifying_key)?,
            proof: digest(RECEIPT, "proof", &message.proof)?,
            proof_len: within("proof_len", message.proof_len, Self::MAX_PROOF)?,
            tapes: digest(RECEIPT, "tapes", &message.tapes)?,
            tapes_len: within("tapes_len", message.tapes_len, Self::MAX_TAPES)?,
            fee: amount(RECEIPT, "fee", &message.fee)?,
            transfers: message
                .transfers
                .iter()
                .map(transfer)
                .collect::<Result<_, Error>>()?,
            at: Timestamp::new(message.at),
            result: (message.result.as_ref())
                .map(|it| SealedResult::from_proto(RECEIPT, it))
                .transpose()?,
        };
        if receipt.record.proven.nonce == receipt.assignment().nonce() {
            Ok(receipt)
        } else {
            Err(bad("attempt"))
        }
    }

    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.record.proven.executor {
            Ok(())
        } else {
            Err(Error::WrongSigner { message: RECEIPT })
        }
    }
}

/// A verifier, who signs it, has checked the proof of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Network of the receipt.
    pub network: NetworkId,
    /// The receipt.
    pub receipt: ReceiptId,
    /// Does its proof prove its record?
    pub valid: bool,
    /// When.
    pub at: Timestamp,
    /// The shard of the receipt's capsule; nothing from programs that know of none.
    pub shard: Option<Shard>,
    /// What it shows of its work, if it would be paid for that; only of a proof that it found right.
    pub work: Option<Work>,
}

/// What a verifier shows of its work: first a commitment, which tells nobody anything, and later what it commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It knows the value of this commitment.
    Committed(VerdictCommitment),
    /// The value.
    Shown(TranscriptDigest),
}

impl VerdictCommitment {
    /// Of one verifier to the value of one receipt: nobody else can use it, and not for another receipt.
    pub fn to(verifier: NodeId, receipt: ReceiptId, value: TranscriptDigest) -> Self {
        Self::hash(&[verifier.as_bytes(), receipt.as_bytes(), value.as_bytes()])
    }
}

impl Verdict {
    /// Is it the second one, which only says what the first has committed to?
    pub fn is_showing(&self) -> bool {
        matches!(self.work, Some(Work::Shown(_)))
    }
}

impl Payload for Verdict {
    const TYPE: &'static str = VERDICT;
    const MAX: ByteLen = ByteLen::new(128);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::Verdict {
            network_id: self.network.as_bytes().to_vec(),
            receipt: self.receipt.as_bytes().to_vec(),
            valid: self.valid,
            at: self.at.get(),
            shard: self.shard.map(|shard| shard.get().into()),
            commitment: match self.work {
                Some(Work::Committed(it)) => Some(it.as_bytes().to_vec()),
                _ => None,
            },
            transcript: match self.work {
                Some(Work::Shown(it)) => Some(it.as_bytes().to_vec()),
                _ => None,
            },
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Verdict = Further::refuse(VERDICT, Self::MAX, bytes)?;
        let bad = |field| Error::BadField {
            message: VERDICT,
            field,
        };
        let work = match (&message.commitment, &message.transcript) {
            (None, None) => None,
            (Some(it), None) => Some(Work::Committed(digest(VERDICT, "commitment", it)?)),
            (None, Some(it)) => Some(Work::Shown(digest(VERDICT, "transcript", it)?)),
            (Some(_), Some(_)) => return Err(bad("transcript")),
        };
        if work.is_some() && !message.valid {
            return Err(bad("valid"));
        }
        Ok(Self {
            network: digest(VERDICT, "network_id", &message.network_id)?,
            receipt: digest(VERDICT, "receipt", &message.receipt)?,
            valid: message.valid,
            at: Timestamp::new(message.at),
            shard: (message.shard)
                .map(|number| Shard::new(number).ok_or(bad("shard")))
                .transpose()?,
            work,
        })
    }
}
