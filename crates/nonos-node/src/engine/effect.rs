use std::sync::Arc;

use nonos_mesh::{
    Acceptance, Cursor, Object, Ticket,
    core::{
        feed,
        onion::{Guards, Mix},
        reconcile::Scope,
        segment,
    },
};
use nonos_trust::{Judgement, ProofVerdict, boxes::ContentKey};
use nonos_types::{
    Accusation, Attempt, ByteLen, CapsuleHash, Inclusion, InputDigest, JobId, Kind, Message, MessageId,
    NodeId, Offer, OnionKey, Receipt, ReceiptId, RelayHead, SealedTape, SegmentTask, Shard, Shards, Signed,
    Timestamp, TranscriptDigest, Value, Verdict,
};

use super::{Connection, Facts, Refused};
use crate::{
    Conduct,
    api::{Request, RequestError, Submission},
    channel::Source,
};

/// Where an answer to a request goes.
pub(crate) type Reply = tokio::sync::oneshot::Sender<Result<serde_json::Value, RequestError>>;

/// A point in time: by the calendar, and by a clock that is never set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) time: Timestamp,
    pub(crate) millis: u64,
}

/// How a message came.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    pub(crate) peer: Option<NodeId>,
    /// If by gossip: whoever passed it on waits for an answer.
    pub(crate) ticket: Option<Ticket>,
    /// If by gossip: the shard of the topic.
    pub(crate) shard: Option<Shard>,
    /// If somebody entrusted it to this node without showing itself: if it is right, this node is the first to gossip it.
    pub(crate) entrusted: bool,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    Message {
        message: Box<Message>,
        origin: Origin,
    },
    /// What a peer hears everything of.
    Shards(NodeId, Shards),
    Connected(NodeId),
    Disconnected(NodeId),
    Listening(String),
    /// Keys for onion packets, to be announced.
    OnionKeys(Vec<OnionKey>),
    /// Guards, to be kept.
    Guards(Guards),
    /// Frames wait for a connection to this node.
    Wanted(NodeId),
    /// All connections there are.
    Links(Vec<Connection>),
    /// A capsule and an input are here, or are not.
    Prepared {
        job: JobId,
        result: Result<Arc<Facts>, Refused>,
    },
    SubmissionReady {
        submission: Submission,
        result: Result<Ready, RequestError>,
        reply: Reply,
    },
    Progress {
        job: JobId,
        stage: String,
        permille: u16,
    },
    Ran {
        job: JobId,
        result: Result<Box<Signed<Receipt>>, String>,
        ms: u64,
    },
    /// The sealed input of a job is not what its offer says: nothing was run, and no nonce spent.
    Unopened {
        job: JobId,
        reason: String,
    },
    /// A sealed result was fetched and opened, or was not.
    ResultOpened {
        job: JobId,
        receipt: ReceiptId,
        opened: Opened,
    },
    /// Something happened to a run of this node that is proved in segments.
    Segments(super::Told),
    /// An executor asks to have a segment proved.
    Asked {
        from: NodeId,
        task: Box<Signed<SegmentTask>>,
        reply: std::sync::mpsc::SyncSender<segment::Answer>,
    },
    /// A peer asks for entries of books.
    FeedAsked {
        from: NodeId,
        ask: feed::Ask,
        reply: std::sync::mpsc::SyncSender<Option<feed::Answer>>,
    },
    /// A peer was asked for entries of books; `None` if it did not answer.
    FeedSaid {
        peer: NodeId,
        ask: feed::Ask,
        answer: Option<feed::Answer>,
    },
    /// A segment of another's run was proved, or could not be.
    Helped(super::Helped),
    Checked(Box<Checked>),
    Judged {
        accusation: Box<Signed<Accusation>>,
        judgement: Judgement,
        origin: Origin,
    },
    /// A peer was asked for a part of a capsule that it gave before.
    Challenged {
        peer: NodeId,
        capsule: CapsuleHash,
        kept: super::Storage,
    },
    /// The proof that a verdict is about was checked again: what was found, and what its receipt commits to.
    Contested {
        verdict: Box<Signed<Verdict>>,
        receipt: Box<Signed<Receipt>>,
        found: ProofVerdict,
        shown: Option<(Vec<u8>, Vec<u8>)>,
    },
    /// A relay was asked where in the log of its head a message is; `None` if it did not show it.
    RelaySaid {
        message: MessageId,
        head: Box<Signed<RelayHead>>,
        inclusion: Option<Inclusion>,
    },
    /// A page of a peer's journal was read.
    Read {
        peer: NodeId,
        next: Option<Cursor>,
        messages: usize,
    },
    /// Messages that only a peer had were asked for, and handled before this.
    CaughtUp {
        peer: NodeId,
        /// Where the next round goes on, if this one is over.
        resume: Option<Kind>,
        /// Messages that were asked for; `None` if the peer did not answer.
        needed: Option<usize>,
    },
    /// A peer has got a whole object.
    Sent {
        to: NodeId,
        bytes: ByteLen,
    },
    /// A peer has given a capsule.
    Fetched {
        capsule: CapsuleHash,
        from: Vec<nonos_types::Transfer>,
    },
    /// A message of a bundle: should it be taken in, or, if it was offered `before`, what became of it?
    Import {
        message: Box<Message>,
        before: bool,
        reply: tokio::sync::oneshot::Sender<Fate>,
    },
    Request {
        request: Request,
        reply: Reply,
    },
    Measured(Measured),
    /// The configuration's file was read again; or why it could not be, or what is wrong with it.
    Reload {
        read: Result<Box<crate::Config>, String>,
        reply: Reply,
    },
    Tick,
}

/// What became of a sealed result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is what the record commits to.
    Good,
    /// It was fetched, and is not.
    Bad(String),
    /// It is not to be had yet.
    Missing(String),
}

/// What became of a message of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is here now.
    Taken,
    /// It was here before.
    Known,
    /// It is being verified or judged.
    Checked,
    /// So many are that it has to be offered again.
    Busy,
    /// It is not believed before something else is here.
    Waits(&'static str),
    Refused(&'static str),
}

/// What only the edge can measure. Bytes and counts are since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Tasks that could run, in thousandths of the machine's cores; zero if the system does not tell.
    pub(crate) cpu: u64,
    /// Memory in use, in thousandths; zero if the system does not tell.
    pub(crate) memory: u64,
    /// Requests of peers that were turned away, and messages that found no room.
    pub(crate) busy: u64,
    pub(crate) lost: u64,
    /// Bytes of the data directory, and of those what could be dropped.
    pub(crate) disk: u64,
    pub(crate) spare: u64,
}

/// What peers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Nothing at all.
    Nothing,
    /// Messages, and objects that are this node's own.
    Own,
    /// Whatever is here.
    All,
}

/// A submission whose capsule and input are here.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) facts: Arc<Facts>,
    pub(crate) input: InputDigest,
    pub(crate) input_len: ByteLen,
    pub(crate) arguments: Vec<Value>,
    pub(crate) salt: nonos_types::Salt,
    pub(crate) sealed: Option<SealedTape>,
    pub(crate) inbound: Option<nonos_types::Inbound>,
}

/// A receipt whose proof was checked.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) receipt: Signed<Receipt>,
    pub(crate) origin: Origin,
    pub(crate) verdict: ProofVerdict,
    /// Of a valid one: what verifying it came to.
    pub(crate) value: Option<TranscriptDigest>,
    pub(crate) facts: Option<Arc<Facts>>,
    /// Of an invalid one: its tapes and its proof.
    pub(crate) shown: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) ms: u64,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Effect {
    Publish(Box<Message>),
    Report {
        ticket: Ticket,
        acceptance: Acceptance,
    },
    Dial {
        peer: NodeId,
        address: String,
    },
    /// From now on give peers that.
    Give(Gives),
    /// From now on act by this configuration, as far as it can change.
    Configure(Box<crate::Config>),
    /// Stay connected to whoever is there.
    Keep {
        address: nonos_mesh::Multiaddr,
    },
    /// End the connection to this one, unless it is in use.
    LetGo(NodeId),
    Block(NodeId),
    Unblock(NodeId),
    Weigh {
        peer: NodeId,
        score_ppm: u32,
    },
    /// These may be hops.
    Mixes(Vec<Mix>),
    Read {
        peer: NodeId,
        cursor: Cursor,
        shards: Shards,
    },
    /// Find out which messages only a peer has, and get them.
    CatchUp {
        peer: NodeId,
        from: Kind,
        scope: Scope,
    },
    /// Listen to these shards, too, and no longer to others that are not always listened to.
    Listen(Shards),
    /// Get the offer of a job from a peer.
    GetOffer {
        peer: NodeId,
        job: JobId,
    },
    /// Get the capsule and the input of an offer, and of another's what the run needs besides.
    Prepare {
        offer: Box<Signed<Offer>>,
        messages: Vec<Source>,
        sources: Vec<NodeId>,
    },
    /// Get the capsule of a submission, and keep its input.
    PrepareSubmission {
        submission: Submission,
        messages: Vec<Source>,
        sources: Vec<NodeId>,
        reply: Reply,
    },
    Execute {
        offer: Box<Signed<Offer>>,
        slot: nonos_types::Slot,
        attempt: Attempt,
        conduct: Conduct,
        messages: Vec<Source>,
        transfers: Vec<nonos_types::Transfer>,
        /// Of the sealed input, if there is one.
        key: Option<ContentKey>,
        /// May it be cut, if it is long, so that others prove parts of it?
        share: bool,
    },
    /// Get the sealed result of a run for a job of this node's, and see whether it opens.
    OpenResult {
        offer: Box<Signed<Offer>>,
        receipt: Box<Signed<Receipt>>,
        sources: Vec<NodeId>,
    },
    /// Something about a run that is proved in segments.
    Segments(super::Do),
    /// Get a segment of another's run, and prove it.
    Help(Box<Signed<SegmentTask>>),
    /// Drop an object that nobody needs any more.
    Forget(Object),
    /// Get what a receipt commits to, and verify its proof.
    Check {
        receipt: Box<Signed<Receipt>>,
        origin: Origin,
        sources: Vec<NodeId>,
    },
    Judge {
        accusation: Box<Signed<Accusation>>,
        origin: Origin,
        sources: Vec<NodeId>,
    },
    /// Ask a peer for entries of books.
    AskFeed {
        peer: NodeId,
        ask: feed::Ask,
    },
    /// Ask a peer for a part of a capsule, drawn by lot.
    Challenge {
        peer: NodeId,
        capsule: CapsuleHash,
        lot: u64,
    },
    /// Check again the proof that a verdict contradicts, and get what its receipt commits to.
    Contest {
        verdict: Box<Signed<Verdict>>,
        receipt: Box<Signed<Receipt>>,
        sources: Vec<NodeId>,
    },
    /// Ask the relay who signed a head where in its log a message is.
    AskRelay {
        message: MessageId,
        head: Box<Signed<RelayHead>>,
    },
    /// Answer with what only the edge knows added: peers, drops.
    Answer {
        what: Answer,
        reply: Reply,
    },
    Stop,
}

/// What a capsule may at most use to be run here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) fuel: nonos_types::Fuel,
    pub(crate) pages: nonos_types::Pages,
}

impl Bounds {
    pub(crate) fn of(config: &crate::Config) -> Self {
        Self {
            fuel: config.executor.max_fuel,
            pages: config.max_pages(),
        }
    }
}

/// An answer that the edge completes.
#[derive(Debug)]
pub(crate) enum Answer {
    Status(Box<crate::api::Status>),
    Peers(Vec<crate::api::PeerView>),
    Publish {
        package_hex: String,
        without_dependencies: bool,
    },
    Messages {
        next: u64,
        sources: Vec<Source>,
    },
    Message(Source),
    Evidence {
        view: crate::api::EvidenceView,
        capsule: Option<CapsuleHash>,
    },
    ExportBundle {
        path: String,
        replace: bool,
    },
    ImportBundle {
        path: String,
    },
    Bundle {
        number: u64,
    },
    ExportReceipt(crate::api::ReceiptExport),
    Settle(crate::api::SettleAsk),
    /// What keeps a capsule from being run, but for what its package says.
    WhyNotCapsule {
        capsule: CapsuleHash,
        bounds: Bounds,
        findings: Vec<crate::api::Finding>,
    },
    Capsules,
    /// Read the configuration's file again.
    Reload,
    Job(Box<crate::api::JobView>, Box<Files>),
    Jobs(Vec<(crate::api::JobView, Files)>),
}

/// What of a job is in files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) input: Option<InputDigest>,
    pub(crate) tapes: Option<(nonos_types::TapesDigest, ByteLen)>,
    /// The receipt whose sealed result this node can open, and what it was offered by.
    pub(crate) sealed: Option<(Signed<Offer>, Signed<Receipt>)>,
}
