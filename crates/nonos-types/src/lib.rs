//! The values every part of a NØN-OS operator node speaks in: digests, names, units, money, outcomes, signed
//! envelopes and the record of a run.
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use nonos_types::{
//!     Assignment, Attested, AuditRoot, CapsuleHash, CheckpointRoot, Envelope, ExecutionRecord, Fuel,
//!     InboundDigest, InputDigest, MachineVersion, NodeId, Outcome, Output, OutputDigest, Pages, PolicyHash,
//!     Proven, SegmentChain, Value,
//! };
//!
//! let key = SigningKey::from_bytes(&[1; 32]);
//! let executor = NodeId::from_bytes(key.verifying_key().to_bytes());
//! let run = Assignment { executor, ..Assignment::NONE };
//! let record = ExecutionRecord {
//!     proven: Proven {
//!         network: run.network,
//!         job: run.job,
//!         slot: run.slot,
//!         nonce: run.nonce(),
//!         executor,
//!         capsule: CapsuleHash::hash(&[b"the package"]),
//!         machine: MachineVersion::new(1),
//!         policy: PolicyHash::hash(&[b"the policy"]),
//!         entry: "main".to_owned(),
//!         arguments: vec![],
//!         input: InputDigest::hash(&[b"abc"]),
//!         sealed_input: None,
//!         inbound: InboundDigest::hash(&[b""]),
//!         output: Output::Digest(OutputDigest::hash(&[b"result", b"", b""])),
//!         outcome: Outcome::Return(vec![Value::I32(0)]),
//!         fuel_used: Fuel::new(1234),
//!         peak_pages: Pages::new(2),
//!         segment_chain: SegmentChain::ZERO,
//!     },
//!     attested: Attested {
//!         checkpoint_root: CheckpointRoot::ZERO,
//!         audit_root: AuditRoot::ZERO,
//!         poi_pre: None,
//!         poi_post: None,
//!     },
//! };
//!
//! let sent = Envelope::sign(&record, &key).to_bytes();
//! let (received, signer) = Envelope::from_bytes::<ExecutionRecord>(&sent)?.open::<ExecutionRecord>()?;
//! assert_eq!((received.exec_hash(), signer), (record.exec_hash(), executor));
//! # Ok::<_, nonos_types::Error>(())
//! ```
//!
//! # What it does not do
//! It does no work of its own: nothing here runs, proves, stores or sends. It reads no clock ([`Clock`] is an
//! argument), draws no randomness and holds no secret; keys are lent to [`Envelope::sign`].
//!
//! # The types to know
//! - [`Digest`]: 32 bytes that say what they are a digest of; [`CapsuleHash`], [`ExecHash`] and the others.
//! - [`ExecutionRecord`]: [`Proven`], which is the statement of a proof, and [`Attested`], which is not proved.
//! - [`Envelope`] and [`Payload`]: what is signed, verified before it is decoded.
//! - [`Message`]: what nodes send one another, verified when it exists: [`Descriptor`], [`Offer`], [`Claim`],
//!   [`Award`], [`Cancel`], [`Receipt`], [`Verdict`], [`Voucher`], [`Accusation`], [`RelayHead`].
//! - [`InboundTape`]: messages of channels, as a run reads them.
//! - [`wire`]: protobuf with one encoding per value.
//! - [`Amount`], [`Fuel`], [`Pages`], [`ByteLen`]: numbers with units.
//!
//! # Errors
//! One [`Error`], by cause; [`Error::fault`] says who must act.
//!
//! The bytes are specified in `docs/spec/digest.md`, `docs/spec/record.md`, `docs/spec/message.md`,
//! `docs/spec/envelope.md` and `docs/spec/channel.md`.

mod amount;
mod channel;
mod digest;
mod envelope;
mod error;
mod feed;
mod further;
mod id;
mod journal;
mod message;
mod name;
mod outcome;
mod outline;
mod record;
mod segment;
mod units;
pub mod wire;

pub use crate::{
    amount::Amount,
    channel::{Inbound, InboundMessage, InboundTape},
    digest::{
        AuditRoot, CapsuleHash, CheckpointRoot, Digest, EntryDigest, EvidenceId, ExecHash, FamilyId, Hasher,
        InboundDigest, InputDigest, JobId, JournalLeafDigest, JournalRoot, MemoryHash, MessageId, NetworkId,
        Nonce, OutputDigest, PoiHash, PolicyHash, ProofDigest, ReceiptId, ResultDigest, SealedDigest,
        SegmentChain, SegmentDigest, SegmentTaskId, StateHash, Tag, TapesDigest, TranscriptDigest,
        VerdictCommitment, VkDigest, tag,
    },
    envelope::{Envelope, Payload},
    error::{Error, Fault},
    feed::FeedHead,
    further::Further,
    id::{Assignment, NodeId},
    journal::{Consistency, Inclusion},
    message::{
        Accusation, Award, BadRelay, BoxKey, Cancel, Capacity, Claim, Descriptor, Equivocation, Evidence,
        FalseAccusation, FalseVerdict, FeeKind, FeedFork, FeedPlace, ForkedHead, InvalidProof, Kind, Line,
        Message, NonceReuse, Offer, OnionKey, Receipt, RelayHead, Role, Roles, Salt, SealedKey, SealedResult,
        SealedTape, Shard, Shards, Signed, Stamp, Transfer, Verdict, Voucher, VoucherConflict, Weights, Work,
    },
    name::{BackendId, BadName, MAX_NAME, StatementId},
    outcome::{Outcome, TrapKind, Value, ValueType},
    outline::{Domain, Outline},
    record::{Attested, Commitment, CommitmentScheme, ExecutionRecord, Output, Proven},
    segment::{SegmentResult, SegmentTask},
    units::{
        Attempt, BasisPoints, ByteLen, Clock, Epoch, Fuel, Incarnation, MachineVersion, Pages, Sequence,
        Slot, Timestamp,
    },
};
