//! Segments of a run's proof that its executor gives to other nodes. These are not gossiped: the two say them to each
//! other.

use crate::{
    Amount, BackendId, ByteLen, Error, Further, JobId, NetworkId, NodeId, Payload, ProofDigest,
    SegmentDigest, SegmentTaskId, Signed, Slot, Timestamp, VkDigest,
    message::job::{amount, slot},
    record::bytes::digest,
    wire::{self, proto},
};

const TASK: &str = "segment-task";
const RESULT: &str = "segment-result";

/// The executor of a job, who signs it, asks a helper to prove a segment of its run, and owes it the fee if the proof is
/// used. Saying it again asks what has become of it.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::*;
///
/// let task = SegmentTask {
///     network: NetworkId::named("example"),
///     job: JobId::ZERO,
///     slot: Slot::ZERO,
///     helper: NodeId::from_bytes([2; 32]),
///     index: 1,
///     of: 3,
///     segment: SegmentDigest::ZERO,
///     segment_len: ByteLen::new(70_000),
///     steps: 4095,
///     backend: BackendId::new("stark-koalabear/2"),
///     verifying_key: VkDigest::ZERO,
///     fee: Amount::from_atto(5),
///     deadline: Timestamp::new(1_800_000_060),
///     at: Timestamp::new(1_800_000_000),
/// };
/// let signed = Signed::new(task.clone(), &SigningKey::from_bytes(&[1; 32]));
/// let read = Signed::<SegmentTask>::from_bytes(&signed.to_bytes())?;
/// assert_eq!((read.value(), read.task()), (&task, signed.task()));
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentTask {
    /// Network of the job.
    pub network: NetworkId,
    /// The job.
    pub job: JobId,
    /// Which of its executors asks.
    pub slot: Slot,
    /// Whom it asks.
    pub helper: NodeId,
    /// Which segment, from 0.
    pub index: u32,
    /// Segments of the run: 2 to [`SegmentTask::MAX_OF`].
    pub of: u32,
    /// What to prove: a segment job, which the executor gives.
    pub segment: SegmentDigest,
    /// Its bytes: 1 to [`SegmentTask::MAX_SEGMENT`].
    pub segment_len: ByteLen,
    /// Machine steps to execute at most, more than none.
    pub steps: u32,
    /// The proof system.
    pub backend: BackendId,
    /// Key that the proof is verified under; it says which profile.
    pub verifying_key: VkDigest,
    /// What is paid for the proof, more than nothing.
    pub fee: Amount,
    /// Until when it is wanted, by the executor's clock.
    pub deadline: Timestamp,
    /// When it was asked.
    pub at: Timestamp,
}

impl SegmentTask {
    /// Most segments of a run that are given away: more proofs than a receipt's may hold.
    pub const MAX_OF: u32 = 1024;
    /// Longest segment job that is given away.
    pub const MAX_SEGMENT: ByteLen = ByteLen::new(64 << 20);
}

impl Signed<SegmentTask> {
    /// Its name.
    pub fn task(&self) -> SegmentTaskId {
        self.digest()
    }
}

impl Payload for SegmentTask {
    const TYPE: &'static str = TASK;
    const MAX: ByteLen = ByteLen::new(384);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::SegmentTask {
            network_id: self.network.as_bytes().to_vec(),
            job_id: self.job.as_bytes().to_vec(),
            slot: self.slot.get().into(),
            helper: self.helper.as_bytes().to_vec(),
            index: self.index,
            of: self.of,
            segment: self.segment.as_bytes().to_vec(),
            segment_len: self.segment_len.get(),
            steps: self.steps,
            backend: self.backend.as_str().to_owned(),
            verifying_key: self.verifying_key.as_bytes().to_vec(),
            fee: self.fee.to_be_bytes().to_vec(),
            deadline: self.deadline.get(),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let it: proto::SegmentTask = Further::refuse(TASK, Self::MAX, bytes)?;
        let bad = |field| Error::BadField { message: TASK, field };
        let check = |field, holds: bool| if holds { Ok(()) } else { Err(bad(field)) };
        let fee = amount(TASK, "fee", &it.fee)?;
        check("of", (2..=Self::MAX_OF).contains(&it.of))?;
        check("index", it.index < it.of)?;
        let len = 1..=Self::MAX_SEGMENT.get();
        check("segment_len", len.contains(&it.segment_len))?;
        check("steps", it.steps > 0)?;
        check("fee", fee > Amount::ZERO)?;
        check("deadline", it.deadline >= it.at)?;
        Ok(Self {
            network: digest(TASK, "network_id", &it.network_id)?,
            job: digest(TASK, "job_id", &it.job_id)?,
            slot: slot(TASK, it.slot)?,
            helper: NodeId::from_bytes(wire::fixed(TASK, "helper", &it.helper)?),
            index: it.index,
            of: it.of,
            segment: digest(TASK, "segment", &it.segment)?,
            segment_len: ByteLen::new(it.segment_len),
            steps: it.steps,
            backend: it.backend.parse().map_err(|_| bad("backend"))?,
            verifying_key: digest(TASK, "verifying_key", &it.verifying_key)?,
            fee,
            deadline: Timestamp::new(it.deadline),
            at: Timestamp::new(it.at),
        })
    }

    /// Nobody owes himself.
    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.helper {
            Err(Error::WrongSigner { message: TASK })
        } else {
            Ok(())
        }
    }
}

/// A helper, who signs it, has proved the segment of a task. It gives the proof as an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentResult {
    /// The task.
    pub task: SegmentTaskId,
    /// The proof.
    pub proof: ProofDigest,
    /// Its bytes: 1 to [`SegmentResult::MAX_PROOF`].
    pub proof_len: ByteLen,
    /// When.
    pub at: Timestamp,
}

impl SegmentResult {
    /// Longest proof of a segment.
    pub const MAX_PROOF: ByteLen = ByteLen::new(4 << 20);
}

impl Payload for SegmentResult {
    const TYPE: &'static str = RESULT;
    const MAX: ByteLen = ByteLen::new(96);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&proto::SegmentResult {
            task: self.task.as_bytes().to_vec(),
            proof: self.proof.as_bytes().to_vec(),
            proof_len: self.proof_len.get(),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let it: proto::SegmentResult = Further::refuse(RESULT, Self::MAX, bytes)?;
        if it.proof_len == 0 || it.proof_len > Self::MAX_PROOF.get() {
            return Err(Error::BadField {
                message: RESULT,
                field: "proof_len",
            });
        }
        Ok(Self {
            task: digest(RESULT, "task", &it.task)?,
            proof: digest(RESULT, "proof", &it.proof)?,
            proof_len: ByteLen::new(it.proof_len),
            at: Timestamp::new(it.at),
        })
    }
}
