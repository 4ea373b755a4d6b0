//! Peers, receipts and accusations to test with.

use ed25519_dalek::SigningKey;
use nonos_store::MemoryStore;
use nonos_trust::{
    Cause, Context, Deed, Judgement, Observation, ProofCheck, ProofVerdict, Standing, TrustBook,
};
use nonos_types::*;
use std::sync::Arc;

pub(crate) const DAY: u64 = 24 * 60 * 60;
/// A time that is no multiple of any half-life.
pub(crate) const NOW: Timestamp = Timestamp::new(1_700_000_000);

pub(crate) fn later(seconds: u64) -> Timestamp {
    Timestamp::new(NOW.get() + seconds)
}

pub(crate) fn network() -> NetworkId {
    NetworkId::named("test")
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn id(key: &SigningKey) -> NodeId {
    NodeId::from_bytes(key.verifying_key().to_bytes())
}

pub(crate) fn peer(seed: u8) -> NodeId {
    id(&key(seed))
}

pub(crate) fn book() -> TrustBook {
    TrustBook::open(Arc::new(MemoryStore::new())).expect("opens")
}

pub(crate) fn cause(number: u64) -> Cause {
    Cause::Job(JobId::hash(&[&number.to_le_bytes()]))
}

/// Execution, for a job of this number.
pub(crate) fn run(peer: NodeId, deed: Deed, job: u64) -> Observation {
    Observation {
        peer,
        context: Context::Execute,
        deed,
        cause: cause(job),
    }
}

/// So many deeds at a time, for jobs from `first` on.
pub(crate) fn runs(
    book: &TrustBook,
    peer: NodeId,
    deed: Deed,
    jobs: std::ops::Range<u64>,
    at: Timestamp,
) -> Standing {
    for job in jobs {
        book.observe(&run(peer, deed, job), at).expect("is counted");
    }
    book.standing(peer, at).expect("is known")
}

pub(crate) const TAPES: &[u8] = b"the tapes";
pub(crate) const PROOF: &[u8] = b"the proof";

/// A receipt for job `job` over [`TAPES`] and [`PROOF`].
pub(crate) fn receipt(executor: &SigningKey, job: u8) -> Signed<Receipt> {
    let run = Assignment {
        network: network(),
        job: JobId::hash(&[&[job]]),
        slot: Slot::ZERO,
        executor: id(executor),
        attempt: Attempt::ZERO,
    };
    let record = ExecutionRecord {
        proven: Proven {
            network: run.network,
            job: run.job,
            slot: run.slot,
            nonce: run.nonce(),
            executor: run.executor,
            capsule: CapsuleHash::hash(&[b"a capsule"]),
            machine: MachineVersion::new(1),
            policy: PolicyHash::hash(&[b"a policy"]),
            entry: "main".to_owned(),
            arguments: vec![],
            input: InputDigest::hash(&[b"abc"]),
            sealed_input: None,
            inbound: InboundDigest::hash(&[b""]),
            output: Output::Digest(OutputDigest::hash(&[b"result", b"", b""])),
            outcome: Outcome::Return(vec![Value::I32(0)]),
            fuel_used: Fuel::new(1234),
            peak_pages: Pages::new(2),
            segment_chain: SegmentChain::ZERO,
        },
        attested: Attested {
            checkpoint_root: CheckpointRoot::ZERO,
            audit_root: AuditRoot::ZERO,
            poi_pre: None,
            poi_post: None,
        },
    };
    let receipt = Receipt {
        record,
        attempt: run.attempt,
        backend: BackendId::new("toy/v1"),
        verifying_key: VkDigest::hash(&[b"a key"]),
        proof: ProofDigest::hash(&[PROOF]),
        proof_len: ByteLen::from(PROOF.len()),
        tapes: TapesDigest::hash(&[TAPES]),
        tapes_len: ByteLen::from(TAPES.len()),
        fee: Amount::ZERO,
        transfers: vec![],
        at: NOW,
        result: None,
    };
    Signed::new(receipt, executor)
}

/// What `accuser` says of a receipt, its tapes and its proof.
pub(crate) fn accuse(
    accuser: &SigningKey,
    network: NetworkId,
    receipt: Signed<Receipt>,
    tapes: &[u8],
    proof: &[u8],
) -> Signed<Accusation> {
    let evidence = InvalidProof {
        receipt,
        tapes: tapes.to_vec(),
        proof: proof.to_vec(),
    };
    let accusation = Accusation {
        network,
        evidence: Evidence::InvalidProof(Box::new(evidence)),
        at: NOW,
    };
    Signed::new(accusation, accuser)
}

/// The accusation of the executor of job `job`, true if its proof is bad.
pub(crate) fn accusation(executor: &SigningKey, job: u8) -> Signed<Accusation> {
    accuse(&key(200), network(), receipt(executor, job), TAPES, PROOF)
}

/// The head of a relay's log in which this receipt is the second of three, and where it is.
pub(crate) fn relayed(relay: &SigningKey, receipt: &Signed<Receipt>) -> (Signed<RelayHead>, Inclusion) {
    let [first, third] = [b"first", b"third"].map(|it| JournalRoot::leaf(&MessageId::hash(&[it])));
    let pair = JournalRoot::join(&first, &JournalRoot::leaf(&receipt.id()));
    let head = RelayHead {
        network: receipt.network(),
        epoch: Epoch::of(NOW),
        size: 3,
        root: JournalRoot::join(&pair, &third),
        previous: None,
        at: NOW,
    };
    let inclusion = Inclusion {
        index: 1,
        path: vec![first, third],
    };
    (Signed::new(head, relay), inclusion)
}

/// What is said of a relay that accepted a receipt.
pub(crate) fn accuse_relay(network: NetworkId, evidence: BadRelay) -> Signed<Accusation> {
    let accusation = Accusation {
        network,
        evidence: Evidence::BadRelay(Box::new(evidence)),
        at: NOW,
    };
    Signed::new(accusation, &key(200))
}

/// A relay that accepted the receipt of this executor.
pub(crate) fn bad_relay(relay: &SigningKey, executor: &SigningKey) -> BadRelay {
    let receipt = receipt(executor, 0);
    let (head, inclusion) = relayed(relay, &receipt);
    BadRelay {
        head,
        inclusion,
        item: InvalidProof {
            receipt,
            tapes: TAPES.to_vec(),
            proof: PROOF.to_vec(),
        },
    }
}

/// Says the same of every proof, but only of the bytes of the sample.
pub(crate) struct Check(pub(crate) ProofVerdict);

impl ProofCheck for Check {
    fn check(&self, _: &Receipt, tapes: &[u8], proof: &[u8]) -> ProofVerdict {
        assert_eq!((tapes, proof), (TAPES, PROOF), "asked of bytes nobody signed for");
        self.0.clone()
    }
}

pub(crate) fn unknown() -> ProofVerdict {
    ProofVerdict::Unknown {
        reason: "no such key".to_owned(),
    }
}

/// What one who finds every proof invalid judges.
pub(crate) fn guilty(accusation: &Signed<Accusation>) -> Judgement {
    nonos_trust::judge(accusation, &Check(ProofVerdict::Invalid))
}
