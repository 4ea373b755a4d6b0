use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ed25519_dalek::SigningKey;
use nonos_depin::{Body, Ledger, fees::Shares};
use nonos_mesh::{
    Cursor,
    core::{
        journal,
        onion::Mix,
        reconcile::{Round, Scope, Serve},
    },
};
use nonos_store::{Batch, Durability, KeyRange, MemoryStore, Store, Visit};
use nonos_trust::{Identity, ProofCheck, ProofVerdict, TrustBook};
use nonos_types::*;

use crate::{
    Conduct, Config,
    api::{ProfileView, Request, RequestError, Submission},
    engine::{
        About, Checked, Effect, Engine, Facts, Fate, Gives, Input, Machine, Measured, Moment, Origin, Parts,
        Ready,
    },
    journal::Journal,
    relay::Relay,
};

use super::sealed::Vault;

pub(super) const START: u64 = 1_800_000_000;
pub(super) const PROOF: &[u8] = b"a proof";
pub(super) const TAPES: &[u8] = b"tapes";
const NEVER: usize = usize::MAX;

pub(super) fn network() -> NetworkId {
    NetworkId::named("tests")
}

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn id(key: &SigningKey) -> NodeId {
    NodeId::from_bytes(key.verifying_key().to_bytes())
}

pub(super) fn signed<P>(value: P, key: &SigningKey) -> Message
where
    P: Payload<Error = Error>,
    Message: From<Signed<P>>,
{
    Signed::new(value, key).into()
}

pub(super) fn facts() -> Facts {
    Facts {
        capsule: Digest::from_bytes([5; 32]),
        entry: "main".to_owned(),
        params: vec![],
        fuel: Fuel::new(1000),
        pages: Pages::new(1),
        base: Amount::from_atto(100),
        shares: Shares {
            seeders: BasisPoints::new(1000).expect("10 %"),
            verifiers: BasisPoints::new(2000).expect("20 %"),
        },
        net: nonos_package::Net::MeshOnly,
        dependencies: vec![Digest::from_bytes([6; 32])],
    }
}

pub(super) fn offer(salt: u8, created: u64, deadline: u64) -> Offer {
    Offer {
        network: network(),
        capsule: facts().capsule,
        entry: "main".to_owned(),
        arguments: vec![],
        input: Digest::from_bytes([7; 32]),
        input_len: ByteLen::new(8),
        backend: crate::choice::System::Stark.id(),
        max_fee: Amount::from_atto(1000),
        fuel_price: Amount::ZERO,
        verifiers: 1,
        slots: std::num::NonZeroU8::MIN,
        created: Timestamp::new(created),
        deadline: Timestamp::new(deadline),
        salt: Salt::new([salt; 16]),
        sealed: None,
        result_key: None,
        weights: Weights::default(),
        inbound: None,
    }
}

/// What an executor would sign for an offer.
pub(super) fn receipt(offer: &Signed<Offer>, key: &SigningKey, attempt: u32, at: u64) -> Signed<Receipt> {
    receipt_of(offer, Slot::ZERO, key, attempt, at)
}

pub(super) fn receipt_of(
    offer: &Signed<Offer>,
    slot: Slot,
    key: &SigningKey,
    attempt: u32,
    at: u64,
) -> Signed<Receipt> {
    let run = Assignment {
        network: network(),
        job: offer.job(),
        slot,
        executor: id(key),
        attempt: Attempt::new(attempt),
    };
    let proven = Proven {
        network: run.network,
        job: run.job,
        slot: run.slot,
        nonce: run.nonce(),
        executor: run.executor,
        capsule: offer.capsule,
        machine: MachineVersion::new(1),
        policy: Digest::from_bytes([6; 32]),
        entry: offer.entry.clone(),
        arguments: offer.arguments.clone(),
        input: offer.input,
        sealed_input: None,
        inbound: offer.inbound_digest(),
        output: Output::Digest(Digest::from_bytes([10; 32])),
        outcome: Outcome::Return(vec![]),
        fuel_used: Fuel::new(500),
        peak_pages: Pages::new(1),
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    let receipt = Receipt {
        record: ExecutionRecord { proven, attested },
        attempt: run.attempt,
        backend: offer.backend.clone(),
        verifying_key: Digest::from_bytes([11; 32]),
        proof: ProofDigest::hash(&[PROOF]),
        proof_len: ByteLen::from(PROOF.len()),
        tapes: TapesDigest::hash(&[TAPES]),
        tapes_len: ByteLen::from(TAPES.len()),
        fee: facts().fee(offer, Fuel::new(500)),
        transfers: vec![],
        at: Timestamp::new(at),
        result: None,
    };
    Signed::new(receipt, key)
}

/// What verifying a receipt comes to.
pub(super) fn value_of(receipt: ReceiptId) -> TranscriptDigest {
    TranscriptDigest::hash(&[receipt.as_bytes()])
}

pub(super) fn submission(verifiers: u16, deadline_s: u64) -> Submission {
    Submission {
        capsule: facts().capsule,
        arguments: vec![],
        input_hex: String::new(),
        inbound: vec![],
        max_fee: Amount::from_atto(1000),
        fuel_price: Amount::ZERO,
        verifiers,
        slots: 1,
        deadline_s,
        backend: None,
        sealed_input_hex: None,
        seal_result: false,
        weights: vec![],
    }
}

/// A store whose nth write from now fails, once.
pub(super) struct Failing {
    inner: MemoryStore,
    left: AtomicUsize,
    /// Is what fails written all the same?
    written: bool,
    pub(super) writes: AtomicUsize,
}

impl Failing {
    fn over(inner: MemoryStore, written: bool) -> Arc<Self> {
        Arc::new(Self {
            inner,
            left: AtomicUsize::new(NEVER),
            written,
            writes: AtomicUsize::new(0),
        })
    }

    pub(super) fn fail_after(&self, writes: usize) {
        self.left.store(writes, Ordering::Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.left.load(Ordering::Relaxed) == NEVER
    }
}

impl Store for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, nonos_store::Error> {
        self.inner.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), nonos_store::Error> {
        self.inner.scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), nonos_store::Error> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let left = self.left.load(Ordering::Relaxed);
        if left != 0 {
            if left != NEVER {
                self.left.store(left - 1, Ordering::Relaxed);
            }
            return self.inner.write(batch, durability);
        }
        self.left.store(NEVER, Ordering::Relaxed);
        if self.written {
            self.inner.write(batch, durability)?;
        }
        Err(nonos_store::Error::Storage {
            source: "no space left".into(),
        })
    }
}

/// What is beside the key.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside(Arc<std::sync::Mutex<Option<FeedHead>>>);

impl nonos_depin::Checkpoint for Beside {
    fn load(&self) -> Result<Option<FeedHead>, nonos_store::Error> {
        Ok(*self.0.lock().expect("nobody has panicked"))
    }

    fn save(&self, head: &FeedHead) -> Result<(), nonos_store::Error> {
        *self.0.lock().expect("nobody has panicked") = Some(*head);
        Ok(())
    }
}

pub(super) struct Node {
    pub(super) key: SigningKey,
    pub(super) store: Arc<Failing>,
    pub(super) beside: Beside,
    pub(super) engine: Engine,
    pub(super) conduct: Conduct,
    /// What it starts with.
    config: Config,
    pub(super) up: bool,
    /// Runs that go on: until when, and of what.
    pub(super) running: Vec<(u64, Box<Signed<Offer>>, Slot, Attempt)>,
    /// Attempts that ended, and how many of the next fail.
    pub(super) ran: Vec<(JobId, Attempt)>,
    pub(super) failing_runs: u32,
    pub(super) unprepared: bool,
    pub(super) crashes: usize,
}

/// Some engines, and what is on the way between them.
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    queue: VecDeque<(usize, Effect)>,
    pub(super) millis: u64,
    /// Receipts whose proofs do not hold, and whose objects nobody gives.
    pub(super) invalid: BTreeSet<ReceiptId>,
    pub(super) missing: BTreeSet<ReceiptId>,
    /// Nodes whose verifiers find everything wrong, from this time on.
    pub(super) defect: Option<u64>,
    /// Checks that were made, by node.
    pub(super) checks: BTreeMap<(usize, ReceiptId), usize>,
    pub(super) reads: usize,
    pub(super) prepares: usize,
    pub(super) proving_s: u64,
    /// Questions that relays were asked, and whether they answer.
    pub(super) asked_relays: usize,
    pub(super) refusing: bool,
    /// Questions about books.
    pub(super) feeds_asked: usize,
    /// Verdicts that were held against their proofs again.
    pub(super) contests: usize,
    /// Who was asked for a part of what, and what comes of the next such questions.
    pub(super) challenged: Vec<(NodeId, CapsuleHash, u64)>,
    pub(super) keeps: VecDeque<crate::engine::Storage>,
    /// Addresses that were dialled, and those that nodes stay connected to.
    pub(super) dialled: Vec<(usize, String)>,
    pub(super) kept: Vec<(usize, String)>,
    /// Peers that were let go.
    pub(super) let_go: Vec<(usize, NodeId)>,
    /// Peers that were let in again.
    pub(super) let_in: Vec<(usize, NodeId)>,
    /// What is run.
    pub(super) capsule: CapsuleHash,
    /// Messages that were found missing and fetched.
    pub(super) fetched: usize,
    /// Nodes that no claims reach.
    pub(super) deaf: BTreeSet<usize>,
    /// What was published, by whom.
    pub(super) published: Vec<(usize, Message)>,
    /// Receipts wait with who made them, not being hidden yet.
    pub(super) withhold: bool,
    /// Who may be a hop, as last said.
    pub(super) mixes: BTreeMap<usize, Vec<Mix>>,
    /// What nodes have said that they give.
    pub(super) gives: Vec<(usize, Gives)>,
    /// What their edges were told to go by.
    pub(super) configured: Vec<(usize, Box<Config>)>,
    /// Shuffles what is on the way.
    pub(super) seed: Option<u64>,
    /// One node crashes after that many of its inputs, before anything is done of what it decided.
    pub(super) crash: Option<(usize, usize)>,
    pub(super) inputs: Vec<usize>,
    /// What is sealed, and what is done with it.
    pub(super) vault: Vault,
    /// Runs in segments, and who proves them.
    pub(super) segments: super::segments::Shared,
}

fn config() -> Config {
    Config {
        network: "tests".to_owned(),
        award_timeout_s: 60,
        directory: crate::config::Directory {
            stamp_bits: 0,
            ..Default::default()
        },
        ..Config::default()
    }
}

fn parts(
    key: &SigningKey,
    store: &Arc<Failing>,
    beside: &Beside,
    config: &Config,
    conduct: Conduct,
) -> Parts {
    let store: Arc<dyn Store> = Arc::clone(store) as _;
    let ledger = Ledger::open(Arc::clone(&store), network(), id(key)).expect("books");
    let (ledger, behind) = ledger.with_old_checkpoint(beside.clone()).expect("books");
    Parts {
        identity: Arc::new(Identity::from_seed(key.to_bytes())),
        config: config.clone(),
        conduct,
        ledger,
        behind,
        trust: TrustBook::open(Arc::clone(&store)).expect("a book"),
        journal: Journal::new(Arc::clone(&store)),
        relay: Relay::default(),
        store,
        about: About {
            data_dir: String::new(),
            snapshot: PoiHash::ZERO,
            profile: ProfileView {
                profile: serde_json::Value::Null,
                taken_at: Timestamp::ZERO,
                snapshot: PoiHash::ZERO,
                signed_hex: String::new(),
                poi_v1_hex: String::new(),
            },
            backends: crate::Backends::known().to_vec(),
            machine: Machine {
                millicores: 2000,
                memory: ByteLen::new(8 << 30),
                storage_free: ByteLen::new(100 << 30),
            },
            cores: 2,
            capacity: Capacity::ONE,
            stamp: Stamp::NONE,
            started_ms: 0,
        },
    }
}

impl World {
    pub(super) fn new(nodes: u8) -> Self {
        Self::failing(nodes, false)
    }

    /// Stores fail with or without having written.
    pub(super) fn failing(nodes: u8, written: bool) -> Self {
        let mut world = Self {
            nodes: vec![],
            queue: VecDeque::new(),
            millis: 0,
            invalid: BTreeSet::new(),
            missing: BTreeSet::new(),
            defect: None,
            checks: BTreeMap::new(),
            reads: 0,
            prepares: 0,
            proving_s: 5,
            asked_relays: 0,
            refusing: false,
            feeds_asked: 0,
            contests: 0,
            challenged: vec![],
            keeps: VecDeque::new(),
            dialled: vec![],
            kept: vec![],
            let_go: vec![],
            let_in: vec![],
            capsule: facts().capsule,
            fetched: 0,
            deaf: BTreeSet::new(),
            published: vec![],
            withhold: false,
            mixes: BTreeMap::new(),
            gives: vec![],
            configured: vec![],
            seed: None,
            crash: None,
            inputs: vec![0; nodes.into()],
            vault: Vault::default(),
            segments: super::segments::Shared::default(),
        };
        for seed in 1..=nodes {
            let store = Failing::over(MemoryStore::new(), written);
            let (conduct, beside) = (Conduct::Honest, Beside::default());
            let parts = parts(&key(seed), &store, &beside, &config(), conduct);
            let engine = Engine::open(parts, world.now()).expect("it opens");
            world.nodes.push(Node {
                key: key(seed),
                store,
                beside,
                engine,
                conduct,
                config: config(),
                up: true,
                running: vec![],
                ran: vec![],
                failing_runs: 0,
                unprepared: false,
                crashes: 0,
            });
        }
        for node in 0..world.nodes.len() {
            world.connect(node);
        }
        world.run();
        world
    }

    pub(super) fn now(&self) -> Moment {
        Moment {
            time: Timestamp::new(START + self.millis / 1000),
            millis: self.millis,
        }
    }

    pub(super) fn time(&self) -> u64 {
        self.now().time.get()
    }

    pub(super) fn id(&self, node: usize) -> NodeId {
        id(&self.nodes[node].key)
    }

    pub(super) fn index(&self, of: NodeId) -> Option<usize> {
        self.nodes.iter().position(|it| id(&it.key) == of)
    }

    fn connect(&mut self, node: usize) {
        for other in 0..self.nodes.len() {
            let (a, b) = (self.id(node), self.id(other));
            // Nodes with one key are not connected to each other.
            if a != b && self.nodes[other].up && self.nodes[node].up {
                let listens = |it: usize| self.nodes[it].engine.listening.now();
                let (of_a, of_b) = (listens(node), listens(other));
                self.give(node, Input::Shards(b, of_b));
                self.give(node, Input::Connected(b));
                self.give(other, Input::Disconnected(a));
                self.give(other, Input::Shards(a, of_a));
                self.give(other, Input::Connected(a));
            }
        }
    }

    /// The node stops without warning.
    pub(super) fn stop(&mut self, node: usize) {
        let gone = self.id(node);
        self.nodes[node].up = false;
        self.nodes[node].running.clear();
        self.segments.stop(node);
        self.queue.retain(|(of, _)| *of != node);
        for other in 0..self.nodes.len() {
            self.give(other, Input::Disconnected(gone));
        }
    }

    /// All that is in its store.
    pub(super) fn back_up(&self, node: usize) -> Batch {
        let mut backup = Batch::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            backup.put(key.to_vec(), value.to_vec());
            std::ops::ControlFlow::Continue(())
        };
        let store = &self.nodes[node].store;
        store.scan(&KeyRange::ALL, &mut visit).expect("a scan");
        backup
    }

    /// Its store is as it was then; what is beside the key is not.
    pub(super) fn restore(&mut self, node: usize, backup: &Batch) {
        let store = MemoryStore::new();
        store.write(backup, Durability::Durable).expect("a write");
        self.nodes[node].store = Failing::over(store, false);
    }

    /// What is beside the key is as if it had been put back, too.
    pub(super) fn forget_head(&mut self, node: usize) {
        self.nodes[node].beside = Beside::default();
    }

    /// Another node, with the key and all data of this one.
    pub(super) fn copy(&mut self, node: usize) -> usize {
        let backup = self.back_up(node);
        let store = MemoryStore::new();
        store.write(&backup, Durability::Durable).expect("a write");
        let store = Failing::over(store, false);
        let it = &self.nodes[node];
        let (key, beside, config) = (it.key.clone(), Beside::default(), it.config.clone());
        let parts = parts(&key, &store, &beside, &config, Conduct::Honest);
        let engine = Engine::open(parts, self.now()).expect("it opens");
        self.nodes.push(Node {
            key,
            store,
            beside,
            engine,
            conduct: Conduct::Honest,
            config,
            up: true,
            running: vec![],
            ran: vec![],
            failing_runs: 0,
            unprepared: false,
            crashes: 0,
        });
        self.inputs.push(0);
        let copy = self.nodes.len() - 1;
        self.connect(copy);
        copy
    }

    /// It starts with what is in its store.
    pub(super) fn start(&mut self, node: usize) {
        let now = self.now();
        let it = &mut self.nodes[node];
        it.running.clear();
        self.segments.stop(node);
        // A store that fails while it starts makes it start again.
        let engine = (0..3).find_map(|_| {
            let parts = parts(&it.key, &it.store, &it.beside, &it.config, it.conduct);
            Engine::open(parts, now).ok()
        });
        it.engine = engine.expect("it opens");
        it.up = true;
        self.queue.retain(|(of, _)| *of != node);
        self.connect(node);
    }

    /// It starts anew with another configuration.
    pub(super) fn configure(&mut self, node: usize, text: &str) {
        let new = Config::parse(text).expect("a configuration");
        let old = &mut self.nodes[node].config;
        (old.roles, old.limits, old.executor) = (new.roles, new.limits, new.executor);
        old.credit = new.credit;
        old.mesh = new.mesh;
        old.award_timeout_s = 6000;
        self.stop(node);
        self.start(node);
        self.run();
    }

    /// Its edge has measured.
    pub(super) fn measure(&mut self, node: usize, measured: Measured) {
        self.give(node, Input::Measured(measured));
        self.run();
    }

    fn restart(&mut self, node: usize) {
        self.nodes[node].crashes += 1;
        self.start(node);
    }

    pub(super) fn give(&mut self, node: usize, input: Input) {
        if !self.nodes[node].up {
            return;
        }
        let now = self.now();
        self.inputs[node] += 1;
        let it = &mut self.nodes[node];
        let failed = it.engine.handle(input, now).is_err();
        if failed || self.crash == Some((node, self.inputs[node])) {
            self.crash = self.crash.filter(|(of, _)| *of != node);
            self.restart(node);
            return;
        }
        let effects = self.nodes[node].engine.effects();
        self.queue.extend(effects.into_iter().map(|it| (node, it)));
    }

    pub(super) fn message(&mut self, node: usize, from: NodeId, message: Message) {
        if message.kind() == Kind::Claim && self.deaf.contains(&node) {
            return;
        }
        // As it comes: by its bytes.
        let message = Message::from_bytes_of_any_kind(&message.to_bytes()).expect("it can be sent");
        let origin = Origin {
            peer: Some(from),
            ..Origin::default()
        };
        let message = Box::new(message);
        self.give(node, Input::Message { message, origin });
    }

    /// To all, from one that is none of them.
    pub(super) fn inject(&mut self, message: &Message) {
        for node in 0..self.nodes.len() {
            self.message(node, message.signer(), message.clone());
        }
        self.run();
    }

    /// Does what was decided, until nothing is left.
    pub(super) fn run(&mut self) {
        for _ in 0..1_000_000 {
            let next = match &mut self.seed {
                None => 0,
                Some(seed) => {
                    *seed = seed
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (*seed >> 33) as usize % self.queue.len().max(1)
                }
            };
            let Some((node, effect)) = self.queue.remove(next) else {
                return;
            };
            self.effect(node, effect);
        }
        panic!("they never come to rest");
    }

    fn effect(&mut self, node: usize, effect: Effect) {
        let from = self.id(node);
        match effect {
            Effect::Publish(message) => {
                self.published.push((node, (*message).clone()));
                if self.withhold && matches!(*message, Message::Receipt(_)) && message.signer() == from {
                    return;
                }
                self.nodes[node].engine.journal.release(&message);
                let shard = self.nodes[node]
                    .engine
                    .journal
                    .shard_of(&message)
                    .expect("readable");
                for other in (0..self.nodes.len()).filter(|it| *it != node) {
                    let listens = self.nodes[other].engine.listening.now();
                    if shard.is_none_or(|shard| listens.contains(shard)) {
                        self.message(other, from, (*message).clone());
                    }
                }
            }
            Effect::Read { peer, cursor, shards } => self.read(node, peer, cursor, shards),
            Effect::CatchUp { peer, from, scope } => self.catch_up(node, peer, from, scope),
            Effect::Listen(_) => {
                let listens = self.nodes[node].engine.listening.now();
                for other in (0..self.nodes.len()).filter(|it| *it != node) {
                    self.give(other, Input::Shards(from, listens));
                }
            }
            Effect::GetOffer { peer, job } => {
                let name = MessageId::from_bytes(*job.as_bytes());
                let other = self.index(peer).filter(|it| self.nodes[*it].up);
                let journal = other.map(|it| self.nodes[it].engine.journal.clone());
                let bytes = journal.and_then(|it| it.give(name).expect("readable"));
                if let Some(bytes) = bytes {
                    let offer = Message::from_bytes(Kind::Offer, &bytes).expect("an offer");
                    self.message(node, peer, offer);
                }
            }
            Effect::Prepare { offer, .. } => {
                self.prepares += 1;
                let result = match self.nodes[node].unprepared {
                    true => Err("nobody gives it".to_owned().into()),
                    false => Ok(Arc::new(Facts {
                        capsule: offer.capsule,
                        ..facts()
                    })),
                };
                self.give(
                    node,
                    Input::Prepared {
                        job: offer.job(),
                        result,
                    },
                );
            }
            Effect::OpenResult { offer, receipt, .. } => {
                let opened = self.vault.open_result(&self.nodes[node].key, &offer, &receipt);
                self.give(node, opened);
            }
            Effect::Execute {
                offer,
                slot,
                attempt,
                share: true,
                ..
            } if self.segments.of > 0 => super::segments::cut(self, node, offer, slot, attempt),
            Effect::Segments(what) => super::segments::act(self, node, what),
            Effect::Help(task) => super::segments::help(self, node, *task),
            Effect::Forget(_) => self.segments.forgotten += 1,
            Effect::Execute {
                offer,
                slot,
                attempt,
                key,
                ..
            } => {
                if let Some(input) = self.vault.open_input(from, &offer, key.as_ref()) {
                    self.give(node, input);
                    return;
                }
                let due = self.millis + self.proving_s * 1000;
                self.nodes[node].running.push((due, offer, slot, attempt));
            }
            Effect::Check { receipt, origin, .. } => {
                let name = receipt.receipt_id();
                *self.checks.entry((node, name)).or_default() += 1;
                let verdict = Check(self).of(name);
                let shown = (verdict == ProofVerdict::Invalid).then(|| (TAPES.to_vec(), PROOF.to_vec()));
                let facts = Facts {
                    capsule: receipt.record.proven.capsule,
                    ..facts()
                };
                let checked = Checked {
                    receipt: *receipt,
                    origin,
                    verdict,
                    value: Some(value_of(name)),
                    facts: Some(Arc::new(facts)),
                    shown,
                    ms: 1,
                };
                self.give(node, Input::Checked(Box::new(checked)));
            }
            Effect::Judge {
                accusation, origin, ..
            } => {
                let judgement = nonos_trust::judge(&accusation, &Check(self));
                self.give(
                    node,
                    Input::Judged {
                        accusation,
                        judgement,
                        origin,
                    },
                );
            }
            Effect::AskFeed { peer, ask } => {
                let answer = self.show_books(from, peer, ask);
                self.give(node, Input::FeedSaid { peer, ask, answer });
            }
            Effect::Challenge { peer, capsule, lot } => {
                self.challenged.push((peer, capsule, lot));
                let kept = self.keeps.pop_front().expect("an answer");
                self.give(node, Input::Challenged { peer, capsule, kept });
            }
            Effect::Contest { verdict, receipt, .. } => {
                let found = Check(self).of(receipt.receipt_id());
                let shown = Some((TAPES.to_vec(), PROOF.to_vec()));
                self.contests += 1;
                self.give(
                    node,
                    Input::Contested {
                        verdict,
                        receipt,
                        found,
                        shown,
                    },
                );
            }
            Effect::AskRelay { message, head } => {
                let ask = journal::Ask::Include {
                    epoch: head.epoch,
                    message,
                    head: head.id(),
                };
                let relay = self.index(head.signer()).filter(|it| self.nodes[*it].up);
                let answer = relay.and_then(|it| {
                    let relay = &self.nodes[it].engine.relay;
                    self.asked_relays += 1;
                    relay.answer(from, &ask, self.now().time)
                });
                let inclusion = match answer {
                    Some(journal::Answer::Included(it)) if !self.refusing => Some(it),
                    _ => None,
                };
                self.give(
                    node,
                    Input::RelaySaid {
                        message,
                        head,
                        inclusion,
                    },
                );
            }
            Effect::Dial { address, .. } => self.dialled.push((node, address)),
            Effect::Keep { address } => self.kept.push((node, address.to_string())),
            Effect::LetGo(peer) => self.let_go.push((node, peer)),
            Effect::Mixes(mixes) => drop(self.mixes.insert(node, mixes)),
            Effect::Give(gives) => self.gives.push((node, gives)),
            Effect::Configure(config) => self.configured.push((node, config)),
            Effect::Block(peer) => self.give(node, Input::Disconnected(peer)),
            Effect::Unblock(peer) => self.let_in.push((node, peer)),
            _ => {}
        }
    }

    /// What a peer answers who is asked for entries of books.
    pub(super) fn show_books(
        &mut self,
        from: NodeId,
        peer: NodeId,
        ask: nonos_mesh::core::feed::Ask,
    ) -> Option<nonos_mesh::core::feed::Answer> {
        let other = self.index(peer).filter(|it| self.nodes[*it].up)?;
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        self.feeds_asked += 1;
        self.give(other, Input::FeedAsked { from, ask, reply });
        answer.try_recv().ok()?
    }

    fn read(&mut self, node: usize, peer: NodeId, cursor: Cursor, shards: Shards) {
        self.reads += 1;
        let page = self.index(peer).filter(|it| self.nodes[*it].up).map(|it| {
            let journal = self.nodes[it].engine.journal.clone();
            journal.page(cursor, 256, shards).expect("a page")
        });
        let (next, count) = (
            page.as_ref().map(|it| it.next),
            page.as_ref().map_or(0, |it| it.messages.len()),
        );
        for bytes in page.into_iter().flat_map(|it| it.messages) {
            self.message(
                node,
                peer,
                Message::from_bytes_of_any_kind(&bytes).expect("a message"),
            );
        }
        self.give(
            node,
            Input::Read {
                peer,
                next,
                messages: count,
            },
        );
    }

    fn catch_up(&mut self, node: usize, peer: NodeId, from: Kind, scope: Scope) {
        let Some(other) = self.index(peer).filter(|it| self.nodes[*it].up) else {
            let (resume, needed) = (None, None);
            self.give(node, Input::CaughtUp { peer, resume, needed });
            return;
        };
        let now = self.now().time;
        let journal = |world: &Self, node: usize| world.nodes[node].engine.journal.clone();
        let (mine, theirs) = (journal(self, node), journal(self, other));
        let (mut round, first) = Round::within(&mine.known().summary, from, scope, now);
        let mut serve = Serve::new(now);
        let (mut ask, mut needed) = (Some(first), 0);
        while let Some(next) = ask.take() {
            let answer = serve.answer(&theirs.known().summary, &next, now).expect("sound");
            let heard = round.hear(&mine.known().summary, &answer).expect("sound");
            needed += heard.found.need.len();
            self.fetched += heard.found.need.len();
            for id in heard.found.need {
                let bytes = theirs.get(id).expect("readable").expect("it says so");
                let message = Message::from_bytes_of_any_kind(&bytes).expect("a message");
                self.message(node, peer, message);
            }
            ask = heard.ask;
        }
        let (resume, needed) = (round.resume_at(), Some(needed));
        self.give(node, Input::CaughtUp { peer, resume, needed });
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.millis += 1000;
            for node in 0..self.nodes.len() {
                self.finish_runs(node);
                super::segments::finish(self, node);
                self.give(node, Input::Tick);
            }
            self.run();
        }
    }

    fn is_defect(&self) -> bool {
        self.defect.is_some_and(|from| self.millis >= from)
    }

    fn finish_runs(&mut self, node: usize) {
        let (now, time) = (self.millis, self.time());
        let it = &mut self.nodes[node];
        let (done, on) = std::mem::take(&mut it.running)
            .into_iter()
            .partition(|(due, ..)| *due <= now);
        it.running = on;
        let done: Vec<(u64, Box<Signed<Offer>>, Slot, Attempt)> = done;
        for (_, offer, slot, attempt) in done {
            let it = &mut self.nodes[node];
            let job = offer.job();
            it.ran.push((job, attempt));
            let result = if it.failing_runs > 0 {
                it.failing_runs -= 1;
                Err("it failed".to_owned())
            } else {
                let open = receipt_of(&offer, slot, &it.key, attempt.get(), time);
                Ok(Box::new(self.vault.seal_receipt(open, &offer, &it.key)))
            };
            self.give(
                node,
                Input::Ran {
                    job,
                    result,
                    ms: 5000,
                },
            );
        }
    }

    /// A job of the first node.
    pub(super) fn submit(&mut self, salt: u8, verifiers: u16, deadline_s: u64) -> Option<JobId> {
        self.submit_as(submission(verifiers, deadline_s), salt)
    }

    /// A question that needs no edge to answer.
    pub(super) fn ask(&mut self, node: usize, request: Request) -> Result<(), RequestError> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        self.give(node, Input::Request { request, reply });
        self.run();
        answer.try_recv().expect("an answer").map(drop)
    }

    /// Offers a message of a bundle; what it makes the node do is not done yet.
    pub(super) fn import(&mut self, node: usize, message: &Message, before: bool) -> Fate {
        let (reply, mut fate) = tokio::sync::oneshot::channel();
        let message = Box::new(message.clone());
        self.give(
            node,
            Input::Import {
                message,
                before,
                reply,
            },
        );
        fate.try_recv().expect("an answer")
    }

    pub(super) fn submit_as(&mut self, submission: Submission, salt: u8) -> Option<JobId> {
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        let ready = Ready {
            facts: Arc::new(Facts {
                capsule: self.capsule,
                ..facts()
            }),
            input: Digest::from_bytes([7; 32]),
            input_len: ByteLen::new(8),
            arguments: vec![],
            salt: Salt::new([salt; 16]),
            sealed: self.vault.seal(&self.nodes[0].key, &submission, salt),
            inbound: None,
        };
        let result = Ok(ready);
        self.give(
            0,
            Input::SubmissionReady {
                submission,
                result,
                reply,
            },
        );
        self.run();
        let answer = answer.try_recv().ok()?.ok()?;
        serde_json::from_value::<crate::api::Submitted>(answer)
            .ok()
            .map(|it| it.job)
    }

    /// The receipt of a job's first slot that a node would show.
    pub(super) fn good(&self, node: usize, job: JobId) -> ReceiptId {
        let engine = &self.nodes[node].engine;
        let job = &engine.jobs[&job];
        engine.good(job, &job.seats[0]).expect("a receipt")
    }

    /// What a node has paid, in order.
    pub(super) fn paid(&self, node: usize) -> Vec<(NodeId, FeeKind, u128)> {
        let entries = self.nodes[node]
            .engine
            .ledger
            .entries(None, usize::MAX)
            .expect("entries");
        let mut paid = vec![];
        for entry in entries {
            if let Body::Paid { voucher } = entry.body {
                paid.extend(
                    voucher
                        .lines
                        .iter()
                        .map(|line| (voucher.payee, line.kind, line.amount.atto())),
                );
            }
        }
        paid
    }

    /// Jobs for which a node still holds something.
    pub(super) fn held(&self, node: usize) -> usize {
        let entries = self.nodes[node]
            .engine
            .ledger
            .entries(None, usize::MAX)
            .expect("entries");
        let mut held = BTreeSet::new();
        for entry in entries {
            match entry.body {
                Body::Hold { job, .. } => drop(held.insert(job)),
                Body::Release { job } => drop(held.remove(&job)),
                _ => {}
            }
        }
        held.len()
    }

    /// Books that are whole, and say of each other the same.
    pub(super) fn assert_books_agree(&self) {
        for a in &self.nodes {
            a.engine.ledger.verify().expect("they are whole");
            for b in &self.nodes {
                let owed = |x: &Node, y: &Node| x.engine.ledger.owed_by(id(&y.key)).expect("a sum").atto();
                assert_eq!(owed(a, b), -owed(b, a));
            }
        }
    }

    pub(super) fn blacklisted(&self, node: usize, peer: NodeId) -> bool {
        self.nodes[node]
            .engine
            .trust
            .is_blacklisted(peer)
            .expect("an answer")
    }
}

/// Who knows what holds.
struct Check<'a>(&'a World);

impl Check<'_> {
    fn of(&self, name: ReceiptId) -> ProofVerdict {
        if self.0.missing.contains(&name) {
            ProofVerdict::Unknown {
                reason: "nobody gives it".to_owned(),
            }
        } else if self.0.invalid.contains(&name) || self.0.is_defect() {
            ProofVerdict::Invalid
        } else {
            ProofVerdict::Valid
        }
    }
}

impl ProofCheck for Check<'_> {
    fn check(&self, receipt: &Receipt, _: &[u8], _: &[u8]) -> ProofVerdict {
        // It is signed by its executor: its name follows from both.
        let executor = receipt.record.proven.executor;
        self.of(ReceiptId::hash(&[executor.as_bytes(), &receipt.to_bytes()]))
    }
}

pub(super) fn journal(world: &World, node: usize) -> Vec<Message> {
    let store: Arc<dyn Store> = Arc::clone(&world.nodes[node].store) as _;
    let messages = Journal::new(store).after(Sequence::ZERO, 1000).expect("messages");
    let read = |(_, bytes): (_, Vec<u8>)| Message::from_bytes_of_any_kind(&bytes).expect("a message");
    messages.into_iter().map(read).collect()
}
