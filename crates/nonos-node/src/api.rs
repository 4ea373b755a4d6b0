//! What a running node can be asked and what it answers, the same in the process and over its socket.

mod bundle;
mod channel;
mod listed;
mod receipt;
mod reload;
mod resume;
mod settle;
mod why;

use nonos_types::{
    Amount, ByteLen, CapsuleHash, EvidenceId, ExecHash, Fault, FeeKind, Fuel, JobId, NetworkId, NodeId,
    PoiHash, ReceiptId, Role, Slot, Timestamp,
};
use nonos_worker::Protection;
use serde::{Deserialize, Serialize};

pub use self::{
    bundle::{BundleBegun, BundleOutcome, BundleView, Exported, Imported, Tally},
    channel::{MessagePage, MessageView},
    listed::{CapsuleList, CapsuleView, JobList},
    receipt::{ReceiptExport, ReceiptExported},
    reload::{ConfigView, Reloaded},
    resume::Resumption,
    settle::{
        BatchView, Countersigned, EntryView, LineView, PlaceView, SettleAsk, SettleStatus, SettlementWritten,
        StageView, WorkBegun, WorkOutcome, WorkView,
    },
    why::{Finding, Subject, WhyNot},
};
use crate::{Pin, QuietHours, config::Policy};

/// A question to a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// How is it? [`Status`].
    Status,
    /// Whom does it know? [`PeerView`]s.
    Peers,
    /// A line of text by which others find this node and its mesh. [`Invited`].
    Invite,
    /// Stay connected to the nodes of an invitation, after a restart, too. [`Done`].
    Join {
        /// The line.
        invitation: String,
    },
    /// Keep a capsule and give it to others: the bytes of a package, in hexadecimal. [`Published`].
    Publish {
        /// The package.
        package_hex: String,
        /// May capsules be missing that it depends on?
        #[serde(default)]
        without_dependencies: bool,
    },
    /// The messages of a capsule's channel that are known here. [`MessagePage`].
    Messages {
        /// The capsule.
        capsule: CapsuleHash,
        /// What the page before said is next; 0 for the first.
        #[serde(default)]
        after: u64,
    },
    /// One of them, with its bytes. [`MessageView`].
    Message {
        /// Its receipt.
        receipt: ReceiptId,
    },
    /// Offer a job. [`Submitted`].
    Submit(Submission),
    /// The jobs it knows, newest first. [`JobView`]s.
    Jobs,
    /// The newest of them, without inputs and results: no files are read for it. [`JobList`].
    RecentJobs {
        /// At most so many.
        most: u16,
    },
    /// The capsules that are kept here. [`CapsuleList`].
    Capsules,
    /// Let nobody begin a job of this node any more. [`Done`].
    Cancel {
        /// Its name.
        job: JobId,
    },
    /// One of them. [`JobView`].
    Job {
        /// Its name.
        job: JobId,
    },
    /// The books. [`Books`].
    Ledger,
    /// Recompute the books from their feed. [`Verified`].
    VerifyLedger,
    /// Go on in a new incarnation with books that were put back to an older state, or whose key was used elsewhere; say
    /// what that means. [`Resumption`].
    ResumeBooks {
        /// Do it; else it is only said.
        #[serde(default)]
        confirmed: bool,
        /// Also if no peer was asked what it has of this node.
        #[serde(default)]
        accept_fork_risk: bool,
    },
    /// Scores of peers. [`TrustView`]s.
    Trust,
    /// Every point of one peer's score. [`TrustPoint`]s.
    Explain {
        /// The peer.
        node: NodeId,
    },
    /// What shows a fault: the accusation's bytes, in hexadecimal. [`EvidenceView`].
    Evidence {
        /// Its name.
        evidence: EvidenceId,
    },
    /// Put a peer on the blacklist, as the operator's own decision. [`Done`].
    Block {
        /// The peer.
        node: NodeId,
        /// Why: one line of 1 to 512 bytes, for the operator.
        reason: String,
        /// For how many seconds; else until it is taken off.
        for_s: Option<u64>,
    },
    /// Lift a blacklisting. [`Done`].
    Unblock {
        /// The peer.
        node: NodeId,
    },
    /// Have no connection to these peers, until it is asked with others; with none, to all again. It is no judgement, and
    /// is forgotten when the node stops. [`Done`].
    Avoid {
        /// The peers.
        peers: Vec<NodeId>,
    },
    /// Which roles it takes, and why. [`RoleView`]s.
    Roles,
    /// What keeps a job from being run or paid, a peer from being connected or given jobs, a capsule from being had or run.
    /// [`WhyNot`].
    WhyNot {
        /// The name of one of these, in hexadecimal.
        about: String,
    },
    /// Read `config.toml` again, and go by it as far as that can be while the node runs. If anything is wrong with it,
    /// nothing changes. [`Reloaded`].
    Reload,
    /// The machine, as measured and signed. [`ProfileView`].
    Profile,
    /// What has happened since. [`EventPage`].
    Events {
        /// Number of the last event seen; 0 for all that are kept.
        after: u64,
    },
    /// Write what the mesh would carry to a file. It goes on while nobody waits; one at a time. [`BundleBegun`].
    ExportBundle {
        /// The file, by its absolute path.
        path: String,
        /// May one that is there be written over?
        replace: bool,
    },
    /// Take in what such a file carries, as if peers had given it. It goes on while nobody waits; one at a time.
    /// [`BundleBegun`].
    ImportBundle {
        /// The file, by its absolute path.
        path: String,
    },
    /// Write a receipt, with all that a verifier needs, to a file. [`ReceiptExported`].
    ExportReceipt(ReceiptExport),
    /// How far is that? [`BundleView`].
    Bundle {
        /// Its number; that of the last one is remembered.
        number: u64,
    },
    /// Batches of the books; what it answers with, the question says.
    Settle {
        /// The question.
        ask: SettleAsk,
    },
    /// Finish what is at hand, and stop. [`Done`].
    Stop,
}

/// A job to offer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// What to run; the node fetches it from peers if it does not have it.
    pub capsule: CapsuleHash,
    /// Arguments of the entry that the capsule's policy names, as decimal integers.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Public input, in hexadecimal.
    pub input_hex: String,
    /// Receipts whose messages the run reads, in this order: at most 64, of the capsule itself or of those in its
    /// dependency map.
    #[serde(default)]
    pub inbound: Vec<ReceiptId>,
    /// Most to pay for each executor.
    pub max_fee: Amount,
    /// What to pay, beyond the capsule's base fee, for a million units of fuel.
    pub fuel_price: Amount,
    /// How many verifiers to pay for each.
    pub verifiers: u16,
    /// How many executors run it: 1 to 8.
    #[serde(default = "one")]
    pub slots: u8,
    /// Seconds until a receipt is wanted.
    pub deadline_s: u64,
    /// The proof system, as [`Backend`](crate::choice::Backend) reads it; the configuration's if none is named.
    #[serde(default)]
    pub backend: Option<String>,
    /// An input that only those see who are awarded the job, in hexadecimal.
    #[serde(default)]
    pub sealed_input_hex: Option<SecretHex>,
    /// Are result, outbound messages and log for this node alone? What the entry returns, or its exit code, stays public.
    #[serde(default)]
    pub seal_result: bool,
    /// Whom it would have run it before others (up to 16 times as probably), or not at all (0). Who is not named has weight 1.
    #[serde(default)]
    pub weights: Vec<(NodeId, u8)>,
}

/// Something secret in hexadecimal, which is not shown where a request is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHex(pub String);

impl std::fmt::Debug for SecretHex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHex(…)")
    }
}

fn one() -> u8 {
    1
}

/// A job that was offered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Submitted {
    /// Its name.
    pub job: JobId,
    /// The proof system that the offer names.
    pub backend: String,
    /// Why that one.
    pub backend_reason: String,
}

/// An invitation to a mesh.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invited {
    /// The line, as [`Invitation`](nonos_mesh::core::Invitation) reads it.
    pub invitation: String,
    /// Is the node only to be found on its own machine?
    pub only_here: bool,
}

/// A capsule that was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// Its name.
    pub capsule: CapsuleHash,
    /// Name and version in its manifest.
    pub name: String,
}

/// It is done.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Done {}

/// How a node is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub id: NodeId,
    /// Its network.
    pub network: NetworkId,
    /// Version of the program.
    pub version: String,
    /// Where its data are.
    pub data_dir: String,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Multiaddrs it listens on.
    pub addresses: Vec<String>,
    /// Peers it is connected to.
    pub peers: usize,
    /// Roles in which it has done something since it started.
    pub roles: Vec<Role>,
    /// Roles that it announces.
    pub announced: Vec<Role>,
    /// What its operator lets it use, and what is used.
    pub limits: LimitsView,
    /// Digest of the machine's snapshot.
    pub snapshot: PoiHash,
    /// What the processes give up in which capsules run; none if they run in the node's, or not at all.
    pub sandbox: Option<Protection>,
    /// Jobs by state.
    pub jobs: Vec<(JobState, usize)>,
    /// Runs proved here.
    pub executed: u64,
    /// Segments of these that other nodes proved, since this one started.
    #[serde(default)]
    pub segments_given: u64,
    /// Segments of others' runs that this node proved, since it started.
    #[serde(default)]
    pub segments_helped: u64,
    /// Receipts of others that verified here.
    pub verified_ok: u64,
    /// Receipts of others that did not.
    pub verified_bad: u64,
    /// Earned minus spent, in atto-NONOS.
    pub balance: String,
    /// Peers it refuses.
    pub blacklisted: Vec<NodeId>,
    /// How well it is hidden; none if the onion layer is off.
    pub anonymity: Option<AnonymityView>,
    /// How the machine's clock goes with those of its peers.
    #[serde(default)]
    pub clock: ClockView,
    /// What became of `config.toml` since it started.
    #[serde(default)]
    pub config: ConfigView,
    /// Messages dropped, by reason.
    pub dropped: Vec<(String, u64)>,
    /// What the operator should look at.
    pub warnings: Vec<String>,
}

/// How a machine's clock goes with those of its peers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// Peers whose clocks were heard.
    pub heard: usize,
    /// Of these, those that agree on what time it is.
    pub agree: usize,
    /// Can it be told whether this one is right?
    pub is_known: bool,
    /// If it is wrong: how far it is from theirs, such as `15 min ahead of`.
    pub off_by: Option<String>,
}

/// How well a node is hidden when it looks up capsules and publishes its receipts, as far as it can tell. All else that it
/// does is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnonymityView {
    /// What it does where it cannot hide.
    pub policy: Policy,
    /// Nodes on a route now, the one it ends at included; none if there is no route.
    pub hops: Option<usize>,
    /// Why there is none.
    pub why_open: Option<String>,
    /// Nodes that frames may go through: among so many it hides.
    pub mixes: usize,
    /// Of these, those that fewer than two neighbours have told of: with fewer than two, all.
    #[serde(default)]
    pub unconfirmed: usize,
    /// Are no two nodes of a route told of by the same neighbour, where that can be?
    #[serde(default)]
    pub introducers_apart: bool,
    /// Neighbours that its frames enter by.
    pub guards: usize,
    /// Does it send frames when it has nothing to say? If not, it can be seen when it has.
    pub cover: bool,
    /// Of the last frames that went around and should have come back: how many there were.
    pub around: u32,
    /// How many of them came back.
    pub back: u32,
    /// Frames of its own that said something.
    pub own: u64,
    /// Frames of its own that said nothing.
    pub cover_frames: u64,
    /// Frames of others that it passed on.
    pub forwarded: u64,
    /// Frames that it did not take, by reason.
    pub refused: Vec<(String, u64)>,
    /// Frames that were lost here.
    pub lost: u64,
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that nobody answered.
    pub failed: u64,
}

/// What a node may use, and does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LimitsView {
    /// Cores that proofs, and verifications, may each use.
    pub cores: u32,
    /// Memory of a run and of a proof.
    pub memory: Option<ByteLen>,
    /// Most of the data directory.
    pub disk: Option<ByteLen>,
    /// What it has now.
    pub disk_used: ByteLen,
    /// Kilobits per second of objects that peers get.
    pub upload_kbit_s: Option<u32>,
    /// Most bytes sent and received in a calendar month.
    pub monthly: Option<ByteLen>,
    /// Bytes sent this month (UTC), but for the last ten seconds.
    pub sent_this_month: ByteLen,
    /// Bytes received.
    pub received_this_month: ByteLen,
    /// When nothing is run and seeded for others.
    pub quiet_hours: Vec<QuietHours>,
    /// Limits that are reached: `limits.quiet-hours`, `limits.monthly`, `limits.disk`.
    pub reached: Vec<String>,
}

/// A role, and why it is taken or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoleView {
    /// Which.
    pub role: Role,
    /// Is it taken, and announced?
    pub taken: bool,
    /// Since when.
    pub since: Timestamp,
    /// What the operator wants.
    pub pin: Pin,
    /// Why, for programs: `able`, `pinned`, or the input of the check that failed.
    pub code: String,
    /// Why, for people.
    pub reason: String,
    /// Seconds until it changes, if all stays as it is and it does.
    pub changes_in_s: Option<u64>,
    /// What it is decided by, in this order.
    pub checks: Vec<CheckView>,
    /// Jobs of others of which a slot has no executor.
    pub waiting_jobs: u64,
    /// Other nodes that announce to be executors.
    pub other_executors: u64,
}

/// An input, and what it is compared with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckView {
    /// Its name.
    pub input: String,
    /// `yes-no` (1 or 0), `bytes`, `permille`, `count`.
    pub unit: String,
    /// Its value; of a load, its moving average.
    pub value: u64,
    /// The least that is right.
    pub least: Option<u64>,
    /// The most that is right.
    pub most: Option<u64>,
    /// Is it within?
    pub holds: bool,
    /// Is it not counted, since jobs wait and there is no other executor?
    pub waived: bool,
}

/// A peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerView {
    /// Its name.
    pub id: NodeId,
    /// Where it is connected, if it is.
    pub address: Option<String>,
    /// Did this node dial?
    pub outbound: bool,
    /// What its descriptor says it does.
    pub roles: Vec<Role>,
    /// What its descriptor says it runs.
    pub software: String,
    /// Its standing.
    pub state: String,
}

/// Where a job stands, as far as this node has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Offered; nobody runs it.
    Offered,
    /// Somebody may run it.
    Awarded,
    /// Runs here.
    Running,
    /// A receipt is there and verifies.
    Proved,
    /// Every executor is paid.
    Paid,
    /// The requester wants nobody to begin it any more.
    Cancelled,
    /// Its deadline has passed without a good receipt.
    Expired,
}

/// A job, as this node sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobView {
    /// Its name.
    pub job: JobId,
    /// Who offered it.
    pub requester: NodeId,
    /// What to run.
    pub capsule: CapsuleHash,
    /// The proof system.
    pub backend: String,
    /// Most that is paid for a slot.
    pub max_fee: Amount,
    /// When it was offered.
    pub created: Timestamp,
    /// Until when.
    pub deadline: Timestamp,
    /// Where it stands.
    pub state: JobState,
    /// Who may run it: the executor of the receipt below, else of the first slot that has one.
    pub executor: Option<NodeId>,
    /// The good receipt, of the first slot that has one.
    pub receipt: Option<ReceiptView>,
    /// What became of each slot.
    pub slots: Vec<SlotView>,
    /// Public input, if this node has it.
    pub input_hex: Option<String>,
    /// Receipts whose messages the run reads.
    #[serde(default)]
    pub inbound: Vec<ReceiptId>,
    /// Valid verdicts seen, this node's included.
    pub verdicts: Vec<NodeId>,
    /// What this node has booked for it.
    pub booked: Vec<Booked>,
    /// Its segments, if this node runs or ran it and has cut the run.
    #[serde(default)]
    pub segments: Option<SegmentsView>,
    /// Why this node does not run it.
    pub refused: Option<String>,
    /// The same for programs: `fuel`, `price`, `limits.quiet-hours`, …
    pub refused_code: Option<String>,
    /// What of it is not public.
    #[serde(default)]
    pub sealing: Sealing,
    /// Weights of executors that are not 1.
    #[serde(default)]
    pub weights: Vec<(NodeId, u8)>,
    /// Milliseconds from the offer to the good receipt, both by this node's clock.
    pub proved_after_ms: Option<u64>,
}

/// What of a job only some may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// Length of the sealed input's ciphertext, if there is one: of the input it tells the next power of two.
    pub input_len: Option<ByteLen>,
    /// Are results sealed to the requester?
    pub result: bool,
    /// Of this node's own job: why no result is paid yet, though a proof has verified.
    pub unopened: Option<String>,
}

/// The segments of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentsView {
    /// How many.
    pub of: u32,
    /// What a helper gets for each.
    pub price: Amount,
    /// Those that are proved, in the order in which they were.
    pub proved: Vec<SegmentView>,
}

/// A segment that is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentView {
    /// Which, from 0.
    pub index: u32,
    /// Whose proof is used: the executor's own, or a helper's.
    pub by: NodeId,
}

/// A slot of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SlotView {
    /// Which.
    pub slot: Slot,
    /// Who would run it, in the order of their claims.
    pub claims: Vec<NodeId>,
    /// Who may.
    pub executor: Option<NodeId>,
    /// The good receipt.
    pub receipt: Option<ReceiptId>,
}

/// A receipt that verifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptView {
    /// Its name.
    pub receipt: ReceiptId,
    /// The run's name.
    pub exec_hash: ExecHash,
    /// Who ran it.
    pub executor: NodeId,
    /// Which of the job's executors.
    pub slot: Slot,
    /// How it ended.
    pub outcome: String,
    /// Fuel used.
    pub fuel: Fuel,
    /// What the executor asks for.
    pub fee: Amount,
    /// Length of the proof.
    pub proof_bytes: u64,
    /// Milliseconds to prove, where this node did.
    pub prove_ms: Option<u64>,
    /// Milliseconds to verify, where this node did.
    pub verify_ms: Option<u64>,
    /// Result tape.
    pub result_hex: Option<String>,
    /// Bytes that the tapes, or the sealed result, have, if these are more than an answer carries.
    #[serde(default)]
    pub too_long: Option<u64>,
    /// Outbound tape: a message of the capsule's channel.
    #[serde(default)]
    pub outbound_hex: Option<String>,
}

/// An amount in this node's books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Of which of the job's executors.
    pub slot: Slot,
    /// For what.
    pub kind: FeeKind,
    /// The other side.
    pub peer: NodeId,
    /// Did this node pay it?
    pub paid: bool,
    /// How much.
    pub amount: Amount,
}

/// The books.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Books {
    /// Sums by account: the ledger's own balance.
    pub balance: serde_json::Value,
    /// What each peer owes this node, in atto-NONOS; negative where this node owes.
    pub owed_by: Vec<(NodeId, String)>,
}

/// The books were recomputed, and are right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verified {
    /// Entries in the feed.
    pub entries: u64,
    /// Hash of the newest.
    pub head: String,
}

/// A peer's standing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrustView {
    /// The peer.
    pub node: NodeId,
    /// New, known, trusted, probation, blacklisted.
    pub state: String,
    /// Expected share of good deeds in parts per million, in the first context in which there are any: execute, verify, relay,
    /// seed, pay.
    pub score_ppm: u32,
    /// Scores by context: name, score, lower bound (parts per million).
    pub contexts: Vec<(String, u32, u32)>,
    /// What it was blacklisted for.
    pub evidence: Vec<EvidenceId>,
    /// If it is on the blacklist: why.
    #[serde(default)]
    pub block: Option<BlockView>,
}

/// Why a peer is on the blacklist.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlockView {
    /// `evidence`, `faults` (three probations in 30 days), or `operator`.
    pub by: String,
    /// When it comes off by itself.
    pub until: Option<Timestamp>,
    /// What the operator said, if he has blocked it.
    pub reason: Option<String>,
}

/// One point of a score.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrustPoint {
    /// When.
    pub at: Timestamp,
    /// In which context; `operator` is what the operator did about it, which is in no score.
    pub context: String,
    /// Good or bad.
    pub good: bool,
    /// What it rests on.
    pub cause: String,
}

/// Evidence, for anyone to check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EvidenceView {
    /// Its name.
    pub evidence: EvidenceId,
    /// Whose fault it shows.
    pub subject: NodeId,
    /// The accusation's bytes.
    pub accusation_hex: String,
    /// The capsule's package, if this node has it: what is needed besides.
    pub package_hex: Option<String>,
}

/// The machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileView {
    /// What was measured.
    pub profile: serde_json::Value,
    /// When.
    pub taken_at: Timestamp,
    /// Digest of the snapshot.
    pub snapshot: PoiHash,
    /// The signed snapshot, in hexadecimal.
    pub signed_hex: String,
    /// The same in the `poi-v1` export format, in hexadecimal.
    pub poi_v1_hex: String,
}

/// Events, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventPage {
    /// Ask for the next ones with this.
    pub next: u64,
    /// Events.
    pub events: Vec<NodeEvent>,
}

/// Something a node did in a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeEvent {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// In which role.
    pub role: Option<Role>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum What {
    /// A peer got a whole object from this node.
    Seeded {
        /// The peer.
        to: NodeId,
        /// Bytes.
        bytes: u64,
    },
    /// A peer is connected.
    Connected {
        /// The peer.
        peer: NodeId,
    },
    /// A peer is gone.
    Disconnected {
        /// The peer.
        peer: NodeId,
    },
    /// A run began.
    Running {
        /// The job.
        job: JobId,
    },
    /// Proving goes on.
    Proving {
        /// The job.
        job: JobId,
        /// What is done now.
        stage: String,
        /// Parts done, of 1000.
        permille: u16,
    },
    /// A run is proved, and its receipt made known.
    Proved {
        /// The job.
        job: JobId,
        /// Milliseconds.
        ms: u64,
    },
    /// A run was cut, to be proved by segments.
    Cut {
        /// The job.
        job: JobId,
        /// How many.
        segments: u32,
    },
    /// A helper was asked to prove a segment.
    SegmentGiven {
        /// The job.
        job: JobId,
        /// Which segment.
        index: u32,
        /// Whom.
        helper: NodeId,
    },
    /// A helper did not do what it took on.
    SegmentLost {
        /// The job.
        job: JobId,
        /// Which segment.
        index: u32,
        /// Who.
        helper: NodeId,
        /// `late` or `bad proof`.
        reason: String,
    },
    /// A segment is proved, and its proof verified.
    SegmentTaken {
        /// The job.
        job: JobId,
        /// Which segment.
        index: u32,
        /// By whom; by this node, too.
        by: NodeId,
    },
    /// This node took on a segment of another's run.
    SegmentTook {
        /// The job.
        job: JobId,
        /// Which segment.
        index: u32,
        /// Whose run.
        executor: NodeId,
    },
    /// It has proved it, or could not.
    SegmentMade {
        /// The job.
        job: JobId,
        /// Which segment.
        index: u32,
        /// Whose run.
        executor: NodeId,
        /// Why it could not.
        failed: Option<String>,
    },
    /// A run failed here.
    Failed {
        /// The job.
        job: JobId,
        /// Why.
        reason: String,
    },
    /// A receipt was checked.
    Checked {
        /// The job.
        job: JobId,
        /// Who made it.
        executor: NodeId,
        /// Does it verify?
        valid: bool,
        /// Milliseconds.
        ms: u64,
    },
    /// A fee was booked.
    Booked {
        /// The job.
        job: JobId,
        /// The entry.
        booked: Booked,
    },
    /// A peer was blacklisted.
    Blacklisted {
        /// The peer.
        peer: NodeId,
        /// For what.
        evidence: EvidenceId,
    },
}

/// Why a request failed.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// For people, with the remedy.
    pub message: String,
    /// Who must act: `caller`, `peer`, `environment`, `bug`.
    pub fault: String,
}

impl RequestError {
    /// From an error and its causes.
    pub fn new(error: &dyn std::error::Error, fault: Fault) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        let fault = match fault {
            Fault::Caller => "caller",
            Fault::Peer => "peer",
            Fault::Environment => "environment",
            Fault::Bug => "bug",
        };
        Self {
            message,
            fault: fault.to_owned(),
        }
    }

    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self.fault.as_str() {
            "caller" => Fault::Caller,
            "peer" => Fault::Peer,
            "environment" => Fault::Environment,
            _ => Fault::Bug,
        }
    }
}
