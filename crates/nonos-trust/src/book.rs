use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use nonos_store::{Batch, Durability, Store, Table};
use nonos_types::{Accusation, Evidence, EvidenceId, NodeId, Signed, Timestamp};

use crate::{
    Act, Block, Cause, Context, Deed, Error, Judgement, Observation, Point, Reason, Standing, Weight,
    codec::{Case, PointKey, SeenKey},
    standing::Peer,
};

const PEERS: Table<NodeId, Peer> = Table::new("trust-peer");
const POINTS: Table<PointKey, Point> = Table::new("trust-point");
const SEEN: Table<SeenKey, ()> = Table::new("trust-seen");
const CONVICTED: Table<EvidenceId, Case> = Table::new("trust-convicted");
const HELD: Table<EvidenceId, Case> = Table::new("trust-held");
const REASONS: Table<NodeId, Reason> = Table::new("trust-reason");
const EVIDENCE: Table<EvidenceId, Vec<u8>> = Table::new("trust-evidence");
/// Convictions that the program cannot be at fault for.
const CONTROLLED: Table<EvidenceId, ()> = Table::new("trust-controlled");

/// The brake: more than one of so many peers guilty within this time in seconds.
const BRAKE_SHARE: usize = 5;
const BRAKE_TIME: u64 = 10 * 60;
/// Runs found right from which on a peer is no newcomer to the brake. They take proofs: what only has to be said is cheap.
const ESTABLISHED: u64 = 10;

/// The brake counts newcomers by themselves: names cost nothing, and whoever throws many away freezes nothing but the
/// convictions of others like them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Newcomer,
    Established,
}

impl Class {
    fn of(peer: &Peer) -> Self {
        match peer.tallies[Context::Execute as usize].good {
            ESTABLISHED.. => Self::Established,
            _ => Self::Newcomer,
        }
    }
}

/// What a node knows of its peers, in a store.
///
/// What changes it is on the disk when the call returns. There must be one book for a store.
///
/// ```
/// use std::sync::Arc;
/// use nonos_store::MemoryStore;
/// use nonos_trust::{Cause, Context, Deed, Observation, State, TrustBook};
/// use nonos_types::{JobId, NodeId, Timestamp};
///
/// let book = TrustBook::open(Arc::new(MemoryStore::new()))?;
/// let (peer, now) = (NodeId::from_bytes([1; 32]), Timestamp::new(1_700_000_000));
/// assert_eq!(book.standing(peer, now)?.score.get(), 300_000); // a newcomer
///
/// let cause = Cause::Job(JobId::hash(&[b"a job"]));
/// let observation = Observation { peer, context: Context::Execute, deed: Deed::Good, cause };
/// let standing = book.observe(&observation, now)?;
/// assert_eq!((standing.state, standing.score.get()), (State::New, 533_333));
/// assert_eq!(book.observe(&observation, now)?, standing); // the same job counts once
/// assert_eq!(book.explain(peer)?[0].cause, cause);
/// # Ok::<_, nonos_trust::Error>(())
/// ```
pub struct TrustBook {
    store: Arc<dyn Store>,
    /// Held from reading a peer to writing it.
    writing: Mutex<()>,
    /// Latest time any call brought.
    latest: AtomicU64,
    /// Fewer guilty peers than this never brake.
    brake_peers: usize,
}

/// What came of an accusation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conviction {
    /// The subject is on the blacklist from now on.
    New,
    /// It was convicted before, on this or on other evidence; nothing changed.
    Known,
    /// The judgement blames nobody; nothing changed.
    NotGuilty,
    /// So many peers are guilty at once that this program is the likelier cause. The accusation is kept, the subject
    /// is not blamed. Once [`TrustBook::frozen`] is over, the same accusation convicts.
    Frozen,
}

impl TrustBook {
    /// Points kept of each peer. Older ones have been counted, but are no longer explained, and their causes could
    /// be counted again.
    pub const MAX_POINTS: u64 = 1000;
    /// Accusations kept while convictions are frozen; the oldest make room.
    pub const MAX_HELD: usize = 64;
    /// Guilty peers from which on the brake works.
    pub const BRAKE_PEERS: usize = 3;

    /// The book in this store.
    ///
    /// # Errors
    /// None today: a store that cannot be read says so when it is asked.
    pub fn open(store: Arc<dyn Store>) -> Result<Self, Error> {
        Ok(Self {
            store,
            writing: Mutex::new(()),
            latest: AtomicU64::new(0),
            brake_peers: Self::BRAKE_PEERS,
        })
    }

    /// Lets the brake work only from so many guilty peers on; [`TrustBook::BRAKE_PEERS`] if this is not called.
    #[must_use]
    pub fn brake_from(self, peers: usize) -> Self {
        Self {
            brake_peers: peers,
            ..self
        }
    }

    /// Counts what a peer did, unless the same cause was counted for it in this context before.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn observe(&self, observation: &Observation, now: Timestamp) -> Result<Standing, Error> {
        let _writing = self.lock(now);
        let Observation {
            peer: id,
            context,
            deed,
            cause,
        } = *observation;
        let mut peer = self.peer(id)?.unwrap_or_default();
        if self.is_seen(id, context, cause)? {
            return Ok(peer.standing(now));
        }
        let point = Point {
            at: now,
            context,
            deed,
            weight: Weight::ONE,
            cause,
        };
        let mut batch = Batch::new();
        self.count(&mut batch, id, &mut peer, point)?;
        self.write(&batch)?;
        Ok(peer.standing(now))
    }

    /// What is thought of a peer; of an unknown one, what is thought of any newcomer.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn standing(&self, peer: NodeId, now: Timestamp) -> Result<Standing, Error> {
        self.tick(now);
        Ok(self.peer(peer)?.unwrap_or_default().standing(now))
    }

    /// Is it on the blacklist, by the latest time this book was told?
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn is_blacklisted(&self, peer: NodeId) -> Result<bool, Error> {
        let now = Timestamp::new(self.latest.load(Ordering::Relaxed));
        Ok(self.block_of(peer, now)?.is_some())
    }

    /// Why it is on the blacklist, if it is.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn block_of(&self, peer: NodeId, now: Timestamp) -> Result<Option<Block>, Error> {
        self.tick(now);
        Ok(self.peer(peer)?.and_then(|it| it.block(now)))
    }

    /// Acts on a judged accusation: the guilty go on the blacklist until the operator takes them off, and the
    /// accusation is kept to show to others. One accusation is kept of each who is convicted.
    ///
    /// If more than a fifth of the known peers, and at least three, are guilty within ten minutes, nobody more is
    /// convicted: see [`Conviction::Frozen`]. Of peers with fewer than ten runs found right, and of all others, each for
    /// itself.
    ///
    /// # Errors
    /// [`Error::OtherJudgement`], [`Error::Store`].
    pub fn convict(
        &self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
        now: Timestamp,
    ) -> Result<Conviction, Error> {
        self.convict_if(accusation, judgement, false, now)
    }

    /// The same where the caller knows by a control that this program is not at fault: that just now it found another's
    /// proof of the same kind right. Such a conviction is not frozen, and freezes none.
    ///
    /// # Errors
    /// As [`TrustBook::convict`].
    pub fn convict_controlled(
        &self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
        now: Timestamp,
    ) -> Result<Conviction, Error> {
        self.convict_if(accusation, judgement, true, now)
    }

    fn convict_if(
        &self,
        accusation: &Signed<Accusation>,
        judgement: &Judgement,
        controlled: bool,
        now: Timestamp,
    ) -> Result<Conviction, Error> {
        let _writing = self.lock(now);
        let id = accusation.evidence.id();
        let subject = accusation.evidence.subject();
        match judgement {
            Judgement::Innocent | Judgement::Indeterminate { .. } => return Ok(Conviction::NotGuilty),
            Judgement::Guilty {
                subject: of,
                evidence: on,
            } if (*of, *on) != (subject, id) => return Err(Error::OtherJudgement { evidence: id }),
            Judgement::Guilty { .. } => {}
        }
        let mut peer = self.peer(subject)?.unwrap_or_default();
        if CONVICTED.get(&*self.store, &id)?.is_some() || matches!(peer.block, Some(Block::Evidence(_))) {
            return Ok(Conviction::Known);
        }
        let case = Case { subject, at: now };
        let mut batch = Batch::new();
        if controlled {
            CONTROLLED.put(&mut batch, &id, &());
        } else if self.brakes(Class::of(&peer), Some(subject), now)? {
            self.hold(&mut batch, id, case)?;
            EVIDENCE.put(&mut batch, &id, &accusation.to_bytes());
            self.write(&batch)?;
            return Ok(Conviction::Frozen);
        }
        HELD.delete(&mut batch, &id);
        CONVICTED.insert(&mut batch, &id, &case);
        EVIDENCE.put(&mut batch, &id, &accusation.to_bytes());
        peer.block = Some(Block::Evidence(id));
        let (context, weight) = match &accusation.evidence {
            Evidence::InvalidProof(_) => (Context::Execute, Weight::INVALID_PROOF),
            Evidence::BadRelay(_) | Evidence::ForkedHead(_) => (Context::Relay, Weight::BAD_RELAY),
            Evidence::NonceReuse(_) => (Context::Execute, Weight::NONCE_REUSE),
            Evidence::Equivocation(_) => (Context::Relay, Weight::EQUIVOCATION),
            Evidence::FalseVerdict(_) => (Context::Verify, Weight::FALSE_VERDICT),
            Evidence::VoucherConflict(_) => (Context::Pay, Weight::VOUCHER_CONFLICT),
            Evidence::FeedFork(_) => (Context::Pay, Weight::FEED_FORK),
            Evidence::FalseAccusation(_) => (Context::Verify, Weight::FALSE_ACCUSATION),
        };
        let point = Point {
            at: now,
            context,
            deed: Deed::Bad,
            weight,
            cause: Cause::Evidence(id),
        };
        if self.is_seen(subject, point.context, point.cause)? {
            PEERS.put(&mut batch, &subject, &peer);
        } else {
            self.count(&mut batch, subject, &mut peer, point)?;
        }
        self.write(&batch)?;
        Ok(Conviction::New)
    }

    /// Are convictions frozen, since too many peers are guilty at once? The operator should know.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn frozen(&self, now: Timestamp) -> Result<bool, Error> {
        self.tick(now);
        Ok(self.brakes(Class::Newcomer, None, now)? || self.brakes(Class::Established, None, now)?)
    }

    /// Are they for peers that have proved runs, so that this node's own verdicts are in doubt? That is nothing that
    /// newcomers can bring about.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn in_doubt(&self, now: Timestamp) -> Result<bool, Error> {
        self.tick(now);
        self.brakes(Class::Established, None, now)
    }

    /// Every peer there are deeds of, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(&self, now: Timestamp) -> Result<Vec<(NodeId, Standing)>, Error> {
        self.tick(now);
        let peers = PEERS.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
        Ok(peers
            .into_iter()
            .map(|(id, peer)| (id, peer.standing(now)))
            .collect())
    }

    /// The deeds a peer's scores are made of, oldest first; at most the last [`TrustBook::MAX_POINTS`].
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn explain(&self, peer: NodeId) -> Result<Vec<Point>, Error> {
        let _writing = self.guard();
        let Some(Peer {
            points: (first, next),
            ..
        }) = self.peer(peer)?
        else {
            return Ok(Vec::new());
        };
        let from = PointKey(peer, first);
        let limit = usize::try_from(next - first).unwrap_or(usize::MAX);
        let points = POINTS.entries(&*self.store, Bound::Included(&from), limit)?;
        Ok(points.into_iter().map(|(_, point)| point).collect())
    }

    /// The accusation that was kept of this evidence.
    ///
    /// # Errors
    /// [`Error::DamagedEvidence`], [`Error::Store`].
    pub fn evidence(&self, id: EvidenceId) -> Result<Option<Signed<Accusation>>, Error> {
        let bytes = EVIDENCE.get(&*self.store, &id)?;
        let read = |bytes: Vec<u8>| Signed::from_bytes(&bytes);
        let damaged = |source| Error::DamagedEvidence { evidence: id, source };
        bytes.map(read).transpose().map_err(damaged)
    }

    /// Who was convicted and on what evidence, those the operator took off the blacklist since included.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn convictions(&self) -> Result<Vec<(NodeId, EvidenceId)>, Error> {
        self.cases(&CONVICTED)
    }

    /// Who was accused while convictions were frozen, and on what evidence.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn held(&self) -> Result<Vec<(NodeId, EvidenceId)>, Error> {
        self.cases(&HELD)
    }

    /// The operator puts a peer on the blacklist. It stays until [`TrustBook::unblock`].
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn block(&self, peer: NodeId, now: Timestamp) -> Result<(), Error> {
        self.act(peer, Act::Block, None, None, now)
    }

    /// The operator puts a peer on the blacklist and says why. It stays until then, or until [`TrustBook::unblock`]. Who is
    /// there on evidence stays there on evidence.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn block_for(
        &self,
        peer: NodeId,
        reason: &Reason,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.act(peer, Act::Block, Some(reason), until, now)
    }

    /// What the operator has said of a peer, when he last put it on the blacklist.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn reason(&self, peer: NodeId) -> Result<Option<Reason>, Error> {
        Ok(REASONS.get(&*self.store, &peer)?)
    }

    /// The operator takes a peer off the blacklist. It is on probation then, and its deeds stay counted. The same
    /// evidence does not convict it again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn unblock(&self, peer: NodeId, now: Timestamp) -> Result<(), Error> {
        self.act(peer, Act::Unblock, None, None, now)
    }

    /// The last 16 things the operator did about a peer, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn acts(&self, peer: NodeId) -> Result<Vec<(Timestamp, Act)>, Error> {
        Ok(self.peer(peer)?.unwrap_or_default().acts)
    }

    fn act(
        &self,
        id: NodeId,
        act: Act,
        reason: Option<&Reason>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let _writing = self.lock(now);
        let mut peer = self.peer(id)?.unwrap_or_default();
        peer.act(act, until, now);
        let mut batch = Batch::new();
        match reason {
            Some(reason) => REASONS.put(&mut batch, &id, reason),
            None => REASONS.delete(&mut batch, &id),
        }
        PEERS.put(&mut batch, &id, &peer);
        self.write(&batch)
    }

    /// Counts a point that was not seen, and forgets the oldest one if there are too many.
    fn count(&self, batch: &mut Batch, id: NodeId, peer: &mut Peer, point: Point) -> Result<(), Error> {
        peer.count(point.context, point.deed, point.weight, point.at);
        let (first, next) = &mut peer.points;
        POINTS.put(batch, &PointKey(id, *next), &point);
        *next += 1;
        SEEN.insert(batch, &SeenKey(id, point.context, point.cause), &());
        if *next - *first > Self::MAX_POINTS {
            let key = PointKey(id, *first);
            if let Some(oldest) = POINTS.get(&*self.store, &key)? {
                SEEN.delete(batch, &SeenKey(id, oldest.context, oldest.cause));
            }
            POINTS.delete(batch, &key);
            *first += 1;
        }
        PEERS.put(batch, &id, peer);
        Ok(())
    }

    fn hold(&self, batch: &mut Batch, id: EvidenceId, case: Case) -> Result<(), Error> {
        // Heard again, it is not a newer fault.
        if HELD.get(&*self.store, &id)?.is_some() {
            return Ok(());
        }
        let held = HELD.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
        if held.len() >= Self::MAX_HELD
            && let Some((oldest, _)) = held.iter().min_by_key(|(id, case)| (case.at, *id))
        {
            HELD.delete(batch, oldest);
            EVIDENCE.delete(batch, oldest);
        }
        HELD.put(batch, &id, &case);
        Ok(())
    }

    /// Are too many of a class guilty at once, `another` included?
    fn brakes(&self, class: Class, another: Option<NodeId>, now: Timestamp) -> Result<bool, Error> {
        let peers = PEERS.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
        let classes: BTreeMap<NodeId, Class> =
            peers.iter().map(|(id, peer)| (*id, Class::of(peer))).collect();
        let is_of = |id: &NodeId| classes.get(id).copied().unwrap_or(Class::Newcomer) == class;
        let controlled = CONTROLLED.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
        let controlled: BTreeSet<EvidenceId> = controlled.into_iter().map(|(id, ())| id).collect();
        let mut guilty: BTreeSet<_> = another.into_iter().collect();
        for table in [&CONVICTED, &HELD] {
            let cases = table.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
            let counts = |(id, case): &&(EvidenceId, Case)| {
                let recent = now.get().saturating_sub(case.at.get()) < BRAKE_TIME;
                recent && is_of(&case.subject) && !controlled.contains(id)
            };
            guilty.extend(cases.iter().filter(counts).map(|(_, case)| case.subject));
        }
        if guilty.len() < self.brake_peers {
            return Ok(false);
        }
        let known: BTreeSet<_> = classes.keys().filter(|id| is_of(id)).chain(&guilty).collect();
        Ok(guilty.len() * BRAKE_SHARE > known.len())
    }

    fn cases(&self, table: &Table<EvidenceId, Case>) -> Result<Vec<(NodeId, EvidenceId)>, Error> {
        let cases = table.entries(&*self.store, Bound::Unbounded, usize::MAX)?;
        Ok(cases.into_iter().map(|(id, case)| (case.subject, id)).collect())
    }

    fn peer(&self, id: NodeId) -> Result<Option<Peer>, Error> {
        Ok(PEERS.get(&*self.store, &id)?)
    }

    fn is_seen(&self, id: NodeId, context: Context, cause: Cause) -> Result<bool, Error> {
        Ok(SEEN.get(&*self.store, &SeenKey(id, context, cause))?.is_some())
    }

    fn write(&self, batch: &Batch) -> Result<(), Error> {
        Ok(self.store.write(batch, Durability::Durable)?)
    }

    fn lock(&self, now: Timestamp) -> MutexGuard<'_, ()> {
        self.tick(now);
        self.guard()
    }

    /// What the lock guards is in the store, where a panic leaves a batch whole or not at all.
    fn guard(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, now: Timestamp) {
        self.latest.fetch_max(now.get(), Ordering::Relaxed);
    }
}

impl fmt::Debug for TrustBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustBook")
    }
}
