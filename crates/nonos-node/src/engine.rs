//! What a node decides: a machine that is told what happened and says what to do. It reads no clock, sends nothing
//! and waits for nothing; it writes to its store.
//!
//! Everything it knows of jobs follows from the messages in its journal, in their order. `apply` is that; `react`
//! is what a message that is new makes this node do. A restart applies the journal, and then resumes.

mod effect;
mod executor;
mod facts;
mod job;
mod requester;
mod verifier;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use nonos_depin::Ledger;
use nonos_mesh::{Acceptance, Cursor, Ticket};
use nonos_store::{Batch, Durability, Store, Table};
use nonos_trust::{Identity, TrustBook};
use nonos_types::{
    Descriptor, JobId, Message, NetworkId, NodeId, Payload, ReceiptId, Role, Sequence, Signed,
    Timestamp, Verdict, Voucher,
};

use self::job::Job;
pub(crate) use self::{
    effect::{Answer, Checked, Effect, Files, Input, Moment, Origin, Ready, Reply},
    facts::Facts,
    view::json,
};
use crate::{Conduct, Config, Error, api::NodeEvent, api::What, journal::Journal};

/// Milliseconds, of things this node did itself.
const PROVE_MS: Table<ReceiptId, Timestamp> = Table::new("prove-ms");
const VERIFY_MS: Table<ReceiptId, Timestamp> = Table::new("verify-ms");

/// Events that are kept.
const EVENTS: usize = 10_000;
/// Descriptors that are kept.
const DIRECTORY: usize = 10_000;
/// Jobs that are kept in memory.
const JOBS: usize = 10_000;
/// Receipts that are fetched and verified at a time; more of them are left to be read later.
const CHECKING: usize = 64;
/// Seconds between two reads of what a peer has accepted.
const CATCH_UP_S: u64 = 10;
/// Seconds a descriptor is published before it ends.
const DESCRIPTOR_S: u64 = 6 * 60 * 60;
/// Most peers this node dials of its own accord.
const DIAL: usize = 16;

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
    receipts: BTreeMap<ReceiptId, Signed<nonos_types::Receipt>>,
    verdicts: BTreeMap<ReceiptId, Vec<(NodeId, bool)>>,
    /// Verdicts about receipts that are not verified here yet.
    early: VecDeque<Signed<Verdict>>,
    /// Receipts being verified.
    checking: BTreeSet<ReceiptId>,
    /// Evidence being judged.
    judging: BTreeSet<nonos_types::EvidenceId>,
    directory: BTreeMap<NodeId, Signed<Descriptor>>,
    descriptor_at: Timestamp,
    addresses: Vec<String>,
    connected: BTreeMap<NodeId, PeerState>,
    events: VecDeque<NodeEvent>,
    event_number: u64,
    roles: BTreeSet<Role>,
    counts: Counts,
    effects: Vec<Effect>,
    now: Moment,
}

/// What the engine says of the node it belongs to, and does not decide.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) data_dir: String,
    pub(crate) snapshot: nonos_types::PoiHash,
    pub(crate) profile: crate::api::ProfileView,
    pub(crate) backends: Vec<nonos_types::BackendId>,
    pub(crate) started_ms: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct PeerState {
    /// How far its journal was read.
    cursor: Cursor,
    /// Is a page on its way?
    reading: bool,
    read_at: Timestamp,
    /// Something was left out, so that it is to be read from the start.
    again: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    executed: u64,
    verified_ok: u64,
    verified_bad: u64,
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
    pub(crate) ledger: Ledger,
    pub(crate) trust: TrustBook,
    pub(crate) about: About,
}

impl Engine {
    /// Reads the journal, and takes up what was left.
    pub(crate) fn open(parts: Parts, now: Moment) -> Result<Self, Error> {
        let mut engine = Self {
            me: parts.identity.node_id(),
            network: NetworkId::named(&parts.config.network),
            identity: parts.identity,
            config: parts.config,
            conduct: parts.conduct,
            journal: Journal::new(Arc::clone(&parts.store)),
            store: parts.store,
            last: Sequence::ZERO,
            ledger: parts.ledger,
            trust: parts.trust,
            about: parts.about,
            jobs: BTreeMap::new(),
            receipts: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            early: VecDeque::new(),
            checking: BTreeSet::new(),
            judging: BTreeSet::new(),
            directory: BTreeMap::new(),
            descriptor_at: Timestamp::ZERO,
            addresses: Vec::new(),
            connected: BTreeMap::new(),
            events: VecDeque::new(),
            event_number: 0,
            roles: BTreeSet::new(),
            counts: Counts::default(),
            effects: Vec::new(),
            now,
        };
        loop {
            let page = engine.journal.after(engine.last, 1000)?;
            if page.is_empty() {
                break;
            }
            for (position, bytes) in page {
                let message = Message::from_bytes_of_any_kind(&bytes)
                    .map_err(|source| Error::BadJournal { position, source })?;
                engine.apply(&message);
                engine.last = position;
            }
        }
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
            Input::Connected(peer) => self.peer_connected(peer),
            Input::Disconnected(peer) => {
                if self.connected.remove(&peer).is_some() {
                    self.event(None, What::Disconnected { peer });
                }
                Ok(())
            }
            Input::Listening(address) => {
                if !self.addresses.contains(&address) && self.addresses.len() < Descriptor::MAX_ADDRESSES {
                    self.addresses.push(address);
                }
                self.describe()
            }
            Input::Prepared { job, result } => self.prepared(job, result),
            Input::SubmissionReady { submission, result, reply } => {
                self.submission_ready(&submission, result, reply)
            }
            Input::Progress { job, stage, permille } => {
                self.event(Some(Role::Executor), What::Proving { job, stage, permille });
                Ok(())
            }
            Input::Ran { job, result, ms } => self.ran(job, result, ms),
            Input::Checked(checked) => self.checked(*checked),
            Input::Judged { accusation, judgement, origin } => self.judged(&accusation, &judgement, origin),
            Input::Read { peer, next, messages } => {
                self.read(peer, next, messages);
                Ok(())
            }
            Input::Sent { to, bytes } => {
                let bytes = bytes.get();
                self.event(Some(Role::Seeder), What::Seeded { to, bytes });
                Ok(())
            }
            Input::Fetched { capsule, from } => self.fetched(capsule, from),
            Input::Request { request, reply } => self.request(request, reply),
            Input::Tick => self.tick(),
        }
    }

    fn message(&mut self, message: Message, origin: Origin) -> Result<(), Error> {
        if self.journal.has(&message)? {
            self.report(origin.ticket, Acceptance::Ignore);
            return Ok(());
        }
        let decision = match &message {
            // What this node has signed it has in its journal, unless its data were lost; then it is news to it.
            Message::Descriptor(it) => self.judge_descriptor(it),
            Message::Offer(it) => self.judge_offer(it)?,
            Message::Claim(it) => self.judge_claim(it, &origin)?,
            Message::Award(it) => self.judge_award(it, &origin),
            Message::Receipt(it) => self.judge_receipt(it, &origin)?,
            Message::Verdict(it) => self.judge_verdict(it, &origin)?,
            Message::Voucher(it) => self.judge_voucher(it, &origin)?,
            Message::Accusation(it) => self.judge_accusation(it, &origin)?,
        };
        match decision {
            Decision::Accept => {
                self.report(origin.ticket, Acceptance::Accept);
                self.keep(&message, false)?;
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
                    Message::Accusation(it) => self.judge(it, origin),
                    _ => unreachable!("only what is checked at length is put off"),
                }
                Ok(())
            }
        }
    }

    /// Adds a message to what is known. The same for a message that comes and for one read from the journal.
    fn apply(&mut self, message: &Message) {
        match message {
            Message::Descriptor(it) => {
                let newer = (self.directory.get(&it.signer())).is_none_or(|old| it.sequence > old.sequence);
                if newer && (self.directory.len() < DIRECTORY || self.directory.contains_key(&it.signer())) {
                    self.directory.insert(it.signer(), it.clone());
                }
            }
            Message::Offer(it) => {
                let job = Job::new(it.clone(), self.now);
                self.jobs.entry(it.job()).or_insert(job);
            }
            Message::Claim(it) => {
                if let Some(job) = self.jobs.get_mut(&it.job) {
                    job.claim(it.signer());
                }
            }
            Message::Award(it) => {
                if let Some(job) = self.jobs.get_mut(&it.job) {
                    job.award(it);
                }
            }
            Message::Receipt(it) => self.apply_receipt(it),
            Message::Verdict(it) => {
                let verdicts = self.verdicts.entry(it.receipt).or_default();
                if !verdicts.iter().any(|(verifier, _)| *verifier == it.signer()) {
                    verdicts.push((it.signer(), it.valid));
                }
            }
            Message::Voucher(it) => {
                for line in &it.lines {
                    if let Some(job) = self.jobs.get_mut(&line.job) {
                        job.booked(it, line);
                    }
                }
            }
            Message::Accusation(it) => self.counts.verified_bad += u64::from(it.signer() == self.me),
        }
    }

    /// What a new message makes this node do.
    fn react(&mut self, message: &Message) -> Result<(), Error> {
        match message {
            Message::Descriptor(it) => {
                self.dial(it);
                Ok(())
            }
            Message::Offer(it) => self.consider(it.job()),
            Message::Claim(it) => self.award(it.job),
            Message::Award(it) => self.awarded(it.job),
            Message::Receipt(_) => Ok(()),
            Message::Verdict(it) => self.saw_verdict(it),
            Message::Voucher(it) => self.saw_voucher(it),
            Message::Accusation(_) => Ok(()),
        }
    }

    /// Journals and applies a message.
    fn keep(&mut self, message: &Message, own: bool) -> Result<(), Error> {
        if !self.journal.has(message)? {
            self.journal.append(message, &mut self.last, own)?;
            self.apply(message);
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
        self.keep(&message, true)?;
        self.effects.push(Effect::Publish(Box::new(message)));
        Ok(())
    }

    fn report(&mut self, ticket: Option<Ticket>, acceptance: Acceptance) {
        if let Some(ticket) = ticket {
            self.effects.push(Effect::Report { ticket, acceptance });
        }
    }

    fn event(&mut self, role: Option<Role>, what: What) {
        self.roles.extend(role);
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

    fn remember(&self, table: &Table<ReceiptId, Timestamp>, receipt: ReceiptId, ms: u64) -> Result<(), Error> {
        let mut batch = Batch::new();
        table.put(&mut batch, &receipt, &Timestamp::new(ms));
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }

    // Peers.

    fn judge_descriptor(&self, it: &Signed<Descriptor>) -> Decision {
        let old = self.directory.get(&it.signer());
        if it.valid_until < self.now.time || old.is_some_and(|old| old.sequence >= it.sequence) {
            Decision::Ignore
        } else {
            Decision::Accept
        }
    }

    fn peer_connected(&mut self, peer: NodeId) -> Result<(), Error> {
        if self.trust.is_blacklisted(peer)? {
            self.effects.push(Effect::Block(peer));
            return Ok(());
        }
        if self.connected.insert(peer, PeerState::default()).is_none() {
            self.event(None, What::Connected { peer });
        }
        self.read_on(peer);
        Ok(())
    }

    /// Dials a node whose descriptor is new, if more peers are wanted.
    fn dial(&mut self, descriptor: &Signed<Descriptor>) {
        let peer = descriptor.signer();
        if peer != self.me && !self.connected.contains_key(&peer) && self.connected.len() < DIAL {
            for address in descriptor.addresses.clone() {
                self.effects.push(Effect::Dial { peer, address });
            }
        }
    }

    /// Publishes this node's descriptor.
    fn describe(&mut self) -> Result<(), Error> {
        let executor = self.config.executor.enabled.then_some(Role::Executor);
        let roles = [Role::Seeder, Role::Verifier, Role::Broadcaster];
        let known = self.directory.get(&self.me).map_or(0, |it| it.sequence.get() + 1);
        self.descriptor_at = self.now.time;
        self.say(Descriptor {
            network: self.network,
            sequence: Sequence::new(known.max(self.now.time.get())),
            valid_from: self.now.time,
            valid_until: Timestamp::new(self.now.time.get() + Descriptor::MAX_VALIDITY),
            addresses: self.addresses.clone(),
            roles: roles.into_iter().chain(executor).collect(),
            profile: self.about.snapshot,
            software: concat!("nonos-node/", env!("CARGO_PKG_VERSION")).to_owned(),
        })?;
        Ok(())
    }

    /// Asks a peer for what it has accepted since, unless it was just asked.
    fn read_on(&mut self, peer: NodeId) {
        let now = self.now.time;
        if let Some(state) = self.connected.get_mut(&peer)
            && !state.reading
        {
            if std::mem::take(&mut state.again) {
                state.cursor = Cursor::START;
            }
            state.reading = true;
            state.read_at = now;
            let cursor = state.cursor;
            self.effects.push(Effect::Read { peer, cursor });
        }
    }

    /// A page of a peer's journal was read, and its messages handled before this.
    fn read(&mut self, peer: NodeId, next: Option<Cursor>, messages: usize) {
        let Some(state) = self.connected.get_mut(&peer) else { return };
        state.reading = false;
        if let Some(next) = next {
            state.cursor = next;
            if messages > 0 && !state.again {
                self.read_on(peer);
            }
        }
    }

    /// Something that a peer sent could not be taken now: its journal is read again, soon.
    fn later(&mut self, origin: &Origin) {
        let peers = match origin.peer {
            Some(peer) => vec![peer],
            None => self.connected.keys().copied().collect(),
        };
        for peer in peers {
            if let Some(state) = self.connected.get_mut(&peer) {
                state.again = true;
            }
        }
    }

    fn tick(&mut self) -> Result<(), Error> {
        let now = self.now.time.get();
        let due: Vec<NodeId> = (self.connected.iter())
            .filter(|(_, state)| now >= state.read_at.get() + if state.again { 2 } else { CATCH_UP_S })
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            self.read_on(peer);
        }
        if now >= self.descriptor_at.get() + DESCRIPTOR_S {
            self.describe()?;
        }
        // A job is forgotten a day after its deadline; the journal and the ledger keep what it left.
        let day = 24 * 60 * 60;
        self.jobs.retain(|_, job| now < job.offer.deadline.get() + day);
        let ids: Vec<JobId> = self.jobs.keys().copied().collect();
        for job in ids {
            self.consider(job)?;
            self.award(job)?;
            self.settle(job)?;
        }
        self.start_next()
    }

    /// Takes up what was left when the node stopped.
    fn resume(&mut self) -> Result<(), Error> {
        for (peer, _) in self.trust.convictions()? {
            if self.trust.is_blacklisted(peer)? {
                self.effects.push(Effect::Block(peer));
            }
        }
        self.publish_unpublished_vouchers()?;
        self.give_missing_verdicts()?;
        self.describe()?;
        let descriptors: Vec<_> = self.directory.values().cloned().collect();
        for descriptor in descriptors {
            if descriptor.valid_until >= self.now.time {
                self.dial(&descriptor);
            }
        }
        self.tick()
    }
}

/// The vouchers' lines that pay a run.
fn pays_run(voucher: &Voucher) -> impl Iterator<Item = &nonos_types::Line> {
    voucher.lines.iter().filter(|line| line.kind == nonos_types::FeeKind::Execute)
}
