use nonos_types::{
    CapsuleHash, Digest, EvidenceId, JobId, MessageId, NodeId, ReceiptId, SegmentTaskId, Tag, Timestamp,
};
use serde::Serialize;

/// What a peer is trusted to do. Each has a score of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// Running and proving.
    Execute,
    /// Checking what others proved.
    Verify,
    /// Passing messages on.
    Relay,
    /// Giving out capsules.
    Seed,
    /// Paying what it owes.
    Pay,
}

impl Context {
    /// Every context, in the order of [`Standing::scores`](crate::Standing::scores).
    pub const ALL: [Self; 5] = [Self::Execute, Self::Verify, Self::Relay, Self::Seed, Self::Pay];
}

/// How a peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// As it should.
    Good,
    /// Not as it should; weighs four times as much.
    Bad,
}

/// What a deed was about. One cause counts once per peer and context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// A receipt: its proof, its capsule's way, its payment.
    Receipt(ReceiptId),
    /// A job it took, whether or not a receipt came of it.
    Job(JobId),
    /// A message it sent or passed on.
    Message(MessageId),
    /// A capsule it gave or should have given.
    Capsule(CapsuleHash),
    /// Evidence on which it was convicted.
    Evidence(EvidenceId),
    /// A segment of a run that it took on to prove.
    Segment(SegmentTaskId),
    /// A part of something that it gave before, and was asked for again.
    Challenge(ChallengeId),
}

/// `nonos/v1/challenge`
#[derive(Debug)]
pub enum Challenge {}

impl Tag for Challenge {
    const DOMAIN: &'static str = "nonos/v1/challenge";
}

/// Names a question to a peer for a part of what it gave.
pub type ChallengeId = Digest<Challenge>;

/// Something this node has seen a peer do. Opinions of others are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Observation {
    /// Who did it.
    pub peer: NodeId,
    /// As what.
    pub context: Context,
    /// How.
    pub deed: Deed,
    /// What it was about.
    pub cause: Cause,
}

/// How many ordinary deeds one deed counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Weight(pub(crate) u32);

impl Weight {
    /// Of an ordinary deed.
    pub const ONE: Self = Self(1);
    /// Of a proof that does not verify.
    pub const INVALID_PROOF: Self = Self(5);
    /// Of having accepted such a proof, and signed for that; of having kept two logs.
    pub const BAD_RELAY: Self = Self(5);
    /// Of having said two things of one run.
    pub const NONCE_REUSE: Self = Self(5);
    /// Of having said two things of itself at once.
    pub const EQUIVOCATION: Self = Self(5);
    /// Of having said of a proof what is not so.
    pub const FALSE_VERDICT: Self = Self(5);
    /// Of having owed two things at once.
    pub const VOUCHER_CONFLICT: Self = Self(5);
    /// Of having kept two books.
    pub const FEED_FORK: Self = Self(5);
    /// Of having accused another of what the evidence does not show.
    pub const FALSE_ACCUSATION: Self = Self(5);

    /// How many deeds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A deed that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// As what.
    pub context: Context,
    /// How.
    pub deed: Deed,
    /// For how many deeds; before a bad deed's factor of four.
    pub weight: Weight,
    /// What it was about.
    pub cause: Cause,
}
