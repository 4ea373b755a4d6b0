//! What a node decides: a machine that is told what happened and says what to do. It reads no clock, sends nothing
//! and waits for nothing; it writes to its store.
//!
//! Everything it knows of jobs follows from the messages in its journal, in their order. `apply` is that; `react`
//! is what a message that is new makes this node do. A restart applies the journal, and then resumes.

mod blocks;
mod bounty;
mod carriers;
mod challenge;
mod channel;
mod contest;
mod control;
mod credit;
mod describe;
mod duties;
mod effect;
mod executor;
mod facts;
mod feeds;
mod heads;
mod helper;
mod import;
mod job;
mod jobs;
mod listed;
mod neighbours;
mod onion;
mod parked;
mod payee;
mod peers;
mod reload;
mod requester;
mod restore;
mod reuse;
mod roles;
mod sealed;
mod segments;
mod shards;
#[cfg(test)]
mod tests;
mod traffic;
mod verifier;
mod view;
mod why;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use nonos_depin::Ledger;
use nonos_mesh::{
    Acceptance, Ticket,
    core::{Directory, journal::Heads},
};
use nonos_store::{Batch, Durability, Store, Table};
use nonos_trust::{Identity, TrustBook};
use nonos_types::{
    ByteLen, Descriptor, EvidenceId, FeedHead, JobId, Message, NetworkId, NodeId, Payload, ReceiptId, Role,
    Sequence, Signed, Timestamp, Work,
};

use self::{
    bounty::Bounties,
    carriers::Carriers,
    challenge::Challenges,
    contest::Contest,
    control::Controls,
    describe::Said,
    duties::Duties,
    feeds::Feeds,
    heads::Kept,
    helper::Helping,
    job::Job,
    neighbours::Around,
    onion::Hops,
    parked::{Last, Need, Parked},
    peers::{LastGood, PeerState},
    restore::Loss,
    segments::Sharing,
    shards::Listening,
    verifier::Retry,
};
pub(crate) use self::{
    challenge::Storage,
    effect::{
        Answer, Bounds, Checked, Effect, Fate, Files, Gives, Input, Measured, Moment, Opened, Origin, Ready,
        Reply,
    },
    facts::Facts,
    helper::{Helped, profile_of},
    job::Refused,
    neighbours::Connection,
    onion::guards,
    segments::{Do, Plan, Told},
    verifier::Unchecked,
    view::json,
    why::refused_facts,
};
use crate::{
    Conduct, Config, Error, api::NodeEvent, api::What, config::Policy, journal::Journal, relay::Relay,
};

/// Milliseconds, of things this node did itself.
const PROVE_MS: Table<ReceiptId, Timestamp> = Table::new("prove-ms");
const VERIFY_MS: Table<ReceiptId, Timestamp> = Table::new("verify-ms");

/// Events that are kept.
const EVENTS: usize = 10_000;
/// Names of receipts and of evidence that are remembered to be worth nothing.
const WORTHLESS: usize = 4096;

/// A node's state and what it decides.
pub(crate) struct Engine {
    me: NodeId,
    network: NetworkId,
    identity: Arc<Identity>,
    config: Config,
    conduct: Conduct,
    store: Arc<dyn Store>,
    journal: Journal,
    last: Sequence,
    ledger: Ledger,
    trust: TrustBook,
    about: About,
    jobs: BTreeMap<JobId, Job>,
    /// Those of them for which something may be left to do.
    open: BTreeSet<JobId>,
    /// Jobs whose capsule and input are being fetched, and whose they are.
    preparing: BTreeMap<JobId, NodeId>,
    /// Receipts that verify, of the jobs above, and what others say of them.
    receipts: BTreeMap<ReceiptId, Signed<nonos_types::Receipt>>,
    verdicts: BTreeMap<ReceiptId, Vec<(NodeId, bool)>>,
    parked: Parked,
    /// Receipts being verified, and who passed them on.
    checking: BTreeMap<ReceiptId, Option<NodeId>>,
    /// Receipts to verify later, and how often those were put off that are being verified.
    retries: BTreeMap<ReceiptId, Retry>,
    tries: BTreeMap<ReceiptId, u32>,
    /// Receipts whose proofs do not hold.
    bad: Last<ReceiptId>,
    /// Evidence being judged.
    judging: BTreeSet<EvidenceId>,
    /// Evidence that shows nothing.
    cleared: Last<EvidenceId>,
    /// What relays have signed of late, and what of that is in the journal.
    heads: Heads,
    kept_heads: Kept,
    /// What this node has accepted, for which it signs.
    relay: Relay,
    carriers: Carriers,
    contest: Contest,
    challenges: Challenges,
    feeds: Feeds,
    controls: Controls,
    bounties: Bounties,
    /// Somebody else signs with this node's key, or its data were lost.
    doubled: bool,
    loss: Loss,
    directory: Directory,
    said: Said,
    /// Nodes with private addresses were left out, there being too many in one place.
    crowded: bool,
    /// Where nodes were that this node was connected to, however long ago.
    last_good: LastGood,
    /// Whom it dials and lets go.
    around: Around,
    descriptor_at: Timestamp,
    addresses: Vec<String>,
    hops: Hops,
    connected: BTreeMap<NodeId, PeerState>,
    listening: Listening,
    /// Peers that the operator wants no connection to.
    avoided: BTreeSet<NodeId>,
    /// Those it has none to because of what is thought of them.
    barred: BTreeSet<NodeId>,
    events: VecDeque<NodeEvent>,
    event_number: u64,
    /// Roles in which it has done something.
    taken: BTreeSet<Role>,
    duties: Duties,
    /// What became of its configuration's file since it started.
    configured: crate::api::ConfigView,
    /// The run of this node's that is proved in segments, and segments of others'.
    sharing: Option<Sharing>,
    helping: Helping,
    counts: Counts,
    effects: Vec<Effect>,
    opened: Timestamp,
    now: Moment,
}

/// What the engine says of the node it belongs to, and does not decide.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) data_dir: String,
    pub(crate) snapshot: nonos_types::PoiHash,
    pub(crate) profile: crate::api::ProfileView,
    pub(crate) backends: Vec<nonos_types::BackendId>,
    /// What the snapshot says of the machine.
    pub(crate) machine: Machine,
    /// Cores that proofs may use.
    pub(crate) cores: u32,
    /// What it executes, compared with others.
    pub(crate) capacity: nonos_types::Capacity,
    /// The work that was done for its name.
    pub(crate) stamp: nonos_types::Stamp,
    pub(crate) started_ms: u64,
}

/// What roles are decided by of the machine's snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// Processor time, in thousandths of a core.
    pub(crate) millicores: u64,
    pub(crate) memory: ByteLen,
    pub(crate) storage_free: ByteLen,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    executed: u64,
    verified_ok: u64,
    verified_bad: u64,
    /// Segments of this node's runs that helpers proved, and of others' that this node did.
    segments_given: u64,
    segments_helped: u64,
}

/// What to do with a message.
enum Decision {
    /// It is right: keep it, and pass it on.
    Accept,
    /// Not now, or not for us.
    Ignore,
    /// It is wrong, and whoever passed it on should have seen that.
    Reject,
    /// The answer comes later.
    Later,
}

pub(crate) struct Parts {
    pub(crate) identity: Arc<Identity>,
    pub(crate) config: Config,
    pub(crate) conduct: Conduct,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Journal,
    pub(crate) relay: Relay,
    pub(crate) ledger: Ledger,
    /// What is known to have been signed, if the books are behind that.
    pub(crate) behind: Option<FeedHead>,
    pub(crate) trust: TrustBook,
    pub(crate) about: About,
}

impl Engine {
    /// Reads the journal, and takes up what was left.
    pub(crate) fn open(parts: Parts, now: Moment) -> Result<Self, Error> {
        let directory = parts.config.directory.limits();
        let listening = Listening::new(parts.config.mesh.shards);
        let around = Around::new(parts.identity.signing_key().as_bytes(), now);
        let duties = Self::duties(&parts.config, &parts.about, &*parts.store, now)?;
        let mut engine = Self {
            me: parts.identity.node_id(),
            network: NetworkId::named(&parts.config.network),
            identity: parts.identity,
            config: parts.config,
            conduct: parts.conduct,
            journal: parts.journal,
            store: parts.store,
            last: Sequence::ZERO,
            ledger: parts.ledger,
            trust: parts.trust,
            about: parts.about,
            jobs: BTreeMap::new(),
            open: BTreeSet::new(),
            preparing: BTreeMap::new(),
            receipts: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            parked: Parked::default(),
            checking: BTreeMap::new(),
            retries: BTreeMap::new(),
            tries: BTreeMap::new(),
            bad: Last::new(WORTHLESS),
            judging: BTreeSet::new(),
            cleared: Last::new(WORTHLESS),
            heads: Heads::new(),
            kept_heads: Kept::default(),
            relay: parts.relay,
            carriers: Carriers::default(),
            contest: Contest::default(),
            challenges: Challenges::default(),
            feeds: Feeds::default(),
            controls: Controls::default(),
            bounties: Bounties::default(),
            doubled: false,
            loss: Loss::default(),
            directory: Directory::new(directory),
            said: Said::default(),
            crowded: false,
            last_good: LastGood::default(),
            around,
            descriptor_at: Timestamp::ZERO,
            addresses: Vec::new(),
            hops: Hops::default(),
            connected: BTreeMap::new(),
            listening,
            avoided: BTreeSet::new(),
            barred: BTreeSet::new(),
            events: VecDeque::new(),
            event_number: 0,
            taken: BTreeSet::new(),
            duties,
            configured: crate::api::ConfigView::default(),
            sharing: None,
            helping: Helping::default(),
            counts: Counts::default(),
            effects: Vec::new(),
            opened: now.time,
            now,
        };
        engine.directory.keep(engine.me, true);
        engine.read_last_good()?;
        engine.read_seen()?;
        engine.read_feeds()?;
        loop {
            let page = engine.journal.after(engine.last, 1000)?;
            if page.is_empty() {
                break;
            }
            for (position, bytes) in page {
                let message = Message::from_bytes_of_any_kind(&bytes)
                    .map_err(|source| Error::BadJournal { position, source })?;
                engine.journal.index(&message, position)?;
                engine.journal.saw(&message, position)?;
                engine.apply(&message);
                engine.last = position;
            }
        }
        engine.directory.forget();
        engine.open_relay();
        engine.open_books(parts.behind)?;
        engine.resume()?;
        Ok(engine)
    }

    /// What to do, since the last time this was asked.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Something happened.
    ///
    /// # Errors
    /// If the store fails: then the node must stop, since it cannot keep its word.
    pub(crate) fn handle(&mut self, input: Input, now: Moment) -> Result<(), Error> {
        self.now = now;
        match input {
            Input::Message { message, origin } => self.message(*message, origin),
            Input::Shards(peer, shards) => {
                self.listening.peer_said(peer, shards);
                Ok(())
            }
            Input::Connected(peer) => self.peer_connected(peer),
            Input::Disconnected(peer) => {
                self.peer_disconnected(peer);
                Ok(())
            }
            Input::Listening(address) => {
                if !self.addresses.contains(&address) && self.addresses.len() < Descriptor::MAX_ADDRESSES {
                    self.addresses.push(address);
                }
                self.describe()
            }
            Input::OnionKeys(keys) => self.new_onion_keys(keys),
            Input::Guards(guards) => self.keep_guards(&guards),
            Input::Wanted(peer) => self.dial_wanted(peer),
            Input::Links(connections) => {
                self.links(connections);
                Ok(())
            }
            Input::Prepared { job, result } => self.prepared(job, result),
            Input::SubmissionReady {
                submission,
                result,
                reply,
            } => self.submission_ready(&submission, result, reply),
            Input::Progress { job, stage, permille } => {
                self.event(Some(Role::Executor), What::Proving { job, stage, permille });
                Ok(())
            }
            Input::Ran { job, result, ms } => self.ran(job, result, ms),
            Input::Unopened { job, reason } => self.unopened(job, reason),
            Input::ResultOpened { job, receipt, opened } => self.result_opened(job, receipt, opened),
            Input::Segments(told) => self.told(told),
            Input::Asked { from, task, reply } => {
                let answer = self.asked(from, *task)?;
                // Who waits for it waits no longer than it may.
                let _gone = reply.send(answer);
                Ok(())
            }
            Input::FeedAsked { from, ask, reply } => {
                let answer = self.feed_asked(from, ask)?;
                let _gone = reply.send(answer);
                Ok(())
            }
            Input::FeedSaid { peer, ask, answer } => self.feed_said(peer, ask, answer),
            Input::Helped(helped) => {
                self.helped(helped);
                Ok(())
            }
            Input::Checked(checked) => self.checked(*checked),
            Input::Judged {
                accusation,
                judgement,
                origin,
            } => self.judged(&accusation, &judgement, origin),
            Input::Challenged { peer, capsule, kept } => self.challenged(peer, capsule, kept),
            Input::Contested {
                verdict,
                receipt,
                found,
                shown,
            } => self.contested(*verdict, *receipt, &found, shown),
            Input::RelaySaid {
                message,
                head,
                inclusion,
            } => self.relay_said(message, *head, inclusion),
            Input::Read { peer, next, messages } => {
                self.read(peer, next, messages);
                Ok(())
            }
            Input::CaughtUp { peer, resume, needed } => {
                self.caught_up(peer, resume, needed);
                Ok(())
            }
            Input::Sent { to, bytes } => {
                let bytes = bytes.get();
                self.event(Some(Role::Seeder), What::Seeded { to, bytes });
                Ok(())
            }
            Input::Fetched { capsule, from } => self.fetched(capsule, &from),
            Input::Import {
                message,
                before,
                reply,
            } => {
                let fate = self.import(*message, before)?;
                // The import ends with whoever waits for this.
                let _gone = reply.send(fate);
                Ok(())
            }
            Input::Request { request, reply } => self.request(request, reply),
            Input::Measured(measured) => self.measured(measured),
            Input::Reload { read, reply } => self.reload(read, reply),
            Input::Tick => self.tick(),
        }
    }

    fn message(&mut self, message: Message, origin: Origin) -> Result<(), Error> {
        if self.journal.has(&message)? {
            if let Message::Descriptor(it) = &message {
                self.directory.learn(it, origin.peer, self.now.time);
            }
            self.report(origin.ticket, Acceptance::Ignore);
            return Ok(());
        }
        if message.signer() == self.me {
            self.report(origin.ticket, Acceptance::Ignore);
            return match &message {
                Message::RelayHead(it) if self.is_old_head(it) => Ok(()),
                // All else that this node has signed it has in its journal.
                _ => self.saw_own(message),
            };
        }
        let decision = match self.judge_shard(&message, &origin) {
            Some(decision) => decision,
            None => self.judge(&message, &origin)?,
        };
        self.decided(message, origin, decision)
    }

    fn judge(&mut self, message: &Message, origin: &Origin) -> Result<Decision, Error> {
        Ok(match message {
            Message::Descriptor(it) => self.judge_descriptor(it)?,
            Message::Offer(it) => self.judge_offer(it)?,
            Message::Claim(it) => self.judge_claim(it, origin)?,
            Message::Award(it) => self.judge_award(it, origin)?,
            Message::Cancel(it) => self.judge_cancel(it, origin)?,
            Message::Receipt(it) => self.judge_receipt(it, origin)?,
            Message::Verdict(it) => self.judge_verdict(it, origin)?,
            Message::Voucher(it) => self.judge_voucher(it, origin)?,
            Message::Accusation(it) => self.judge_accusation(it, origin)?,
            Message::RelayHead(it) => self.judge_head(it)?,
        })
    }

    fn decided(&mut self, message: Message, origin: Origin, decision: Decision) -> Result<(), Error> {
        match decision {
            Decision::Accept => {
                self.pass_on(&message, &origin);
                self.report(origin.ticket, Acceptance::Accept);
                self.keep(&message, false)?;
                if let Message::Descriptor(it) = &message {
                    self.directory.learn(it, origin.peer, self.now.time);
                }
                self.react(&message)
            }
            Decision::Ignore => {
                self.report(origin.ticket, Acceptance::Ignore);
                Ok(())
            }
            Decision::Reject => {
                self.report(origin.ticket, Acceptance::Reject);
                Ok(())
            }
            Decision::Later => {
                match message {
                    Message::Receipt(it) => self.check(it, origin),
                    Message::Accusation(it) => self.judge_later(it, origin)?,
                    _ => unreachable!("only what is checked at length is put off"),
                }
                Ok(())
            }
        }
    }

    /// Adds a message to what is known. The same for a message that comes and for one read from the journal.
    fn apply(&mut self, message: &Message) {
        if message.signer() == self.me {
            self.heard_of_books(message);
        }
        match message {
            Message::Descriptor(it) => self.apply_descriptor(it),
            Message::Offer(it) => self.apply_offer(it),
            Message::Claim(it) => {
                if let Some(job) = self.jobs.get_mut(&it.job) {
                    job.claim(it);
                }
            }
            Message::Award(it) => {
                if let Some(job) = self.jobs.get_mut(&it.job) {
                    job.award(it);
                }
            }
            Message::Cancel(it) => {
                if let Some(job) = self.jobs.get_mut(&it.job) {
                    job.cancelled = true;
                }
            }
            Message::Receipt(it) => self.apply_receipt(it),
            Message::Verdict(it) => {
                // Those about receipts of jobs that are forgotten are, too.
                if !self.receipts.contains_key(&it.receipt) {
                    return;
                }
                if it.is_showing() {
                    return self.bounties.shown(it.receipt, it.signer());
                }
                let verdicts = self.verdicts.entry(it.receipt).or_default();
                if !verdicts.iter().any(|(verifier, _)| *verifier == it.signer()) {
                    verdicts.push((it.signer(), it.valid));
                    if let Some(Work::Committed(to)) = it.work {
                        self.bounties
                            .committed(it.receipt, it.signer(), to, self.now.millis);
                    }
                }
            }
            Message::Voucher(it) => self.apply_voucher(it),
            Message::Accusation(it) => self.counts.verified_bad += u64::from(it.signer() == self.me),
            Message::RelayHead(it) => self.apply_head(it),
        }
    }

    /// What a new message makes this node do.
    fn react(&mut self, message: &Message) -> Result<(), Error> {
        match message {
            Message::Descriptor(it) => {
                self.saw_books(it)?;
                self.new_candidate(it)
            }
            Message::Offer(it) => {
                self.unpark(Need::Job(it.job()))?;
                self.consider(it.job())
            }
            Message::Claim(it) => self.award(it.job),
            Message::Award(it) => {
                self.unpark(Need::Award(it.job, it.executor))?;
                self.awarded(it.job)
            }
            Message::Cancel(it) => self.cancelled(it.job),
            Message::Receipt(_) | Message::RelayHead(_) => Ok(()),
            Message::Verdict(it) => self.saw_verdict(it),
            Message::Voucher(it) => self.saw_voucher(it),
            Message::Accusation(_) => Ok(()),
        }
    }

    /// Takes up messages that have waited.
    fn unpark(&mut self, need: Need) -> Result<(), Error> {
        for message in self.parked.take(need) {
            self.message(message, Origin::default())?;
        }
        Ok(())
    }

    /// Keeps a message until what it is about is here.
    fn park(&mut self, need: Need, message: impl Into<Message>, origin: &Origin) -> Decision {
        self.read_soon(origin);
        self.parked.park(need, message.into());
        Decision::Ignore
    }

    /// Journals and applies a message.
    fn keep(&mut self, message: &Message, own: bool) -> Result<(), Error> {
        if !self.journal.has(message)? {
            self.journal.append(message, &mut self.last, own)?;
            self.apply(message);
            // From here on peers get it from this node, by gossip or when they ask.
            if let Message::Receipt(it) = message
                && !own
            {
                self.relay.accept(it.id(), self.now.time);
            }
        }
        Ok(())
    }

    /// Signs, keeps and publishes a message of this node.
    fn say<P>(&mut self, payload: P) -> Result<Signed<P>, Error>
    where
        P: Payload<Error = nonos_types::Error> + Clone,
        Message: From<Signed<P>>,
    {
        let signed = Signed::new(payload, self.identity.signing_key());
        self.tell(signed.clone())?;
        Ok(signed)
    }

    /// Keeps and publishes a message of this node.
    fn tell<P>(&mut self, signed: Signed<P>) -> Result<(), Error>
    where
        Message: From<Signed<P>>,
    {
        let message = Message::from(signed);
        if self.is_superseded() {
            return Ok(());
        }
        if matches!(message, Message::Receipt(_)) && self.config.onion.policy != Policy::Off {
            self.journal.hold(message.id());
        }
        self.keep(&message, true)?;
        self.effects.push(Effect::Publish(Box::new(message)));
        Ok(())
    }

    fn report(&mut self, ticket: Option<Ticket>, acceptance: Acceptance) {
        let acceptance = self.passes_on(acceptance);
        if let Some(ticket) = ticket {
            self.effects.push(Effect::Report { ticket, acceptance });
        }
    }

    /// Who is no broadcaster passes nothing on; what it has accepted it gives to those who ask.
    fn passes_on(&self, acceptance: Acceptance) -> Acceptance {
        match acceptance {
            Acceptance::Accept if !self.is(Role::Broadcaster) => Acceptance::Ignore,
            other => other,
        }
    }

    fn event(&mut self, role: Option<Role>, what: What) {
        self.taken.extend(role);
        self.event_number += 1;
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(NodeEvent {
            number: self.event_number,
            at: self.now.time,
            role,
            what,
        });
    }

    fn remember(
        &self,
        table: &Table<ReceiptId, Timestamp>,
        receipt: ReceiptId,
        ms: u64,
    ) -> Result<(), Error> {
        let mut batch = Batch::new();
        table.put(&mut batch, &receipt, &Timestamp::new(ms));
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }
}
