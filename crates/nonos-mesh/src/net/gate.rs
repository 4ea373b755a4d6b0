use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use libp2p::Multiaddr;
use nonos_types::{ByteLen, Clock, Kind, Message, NetworkId, NodeId, Timestamp};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::{Config, Event, Ticket};
use crate::core::{Admission, Came, Clocks, Counters, Drops, Full, Intake, Refusal, Skew, Topic, Way};

/// What waits to be decoded.
pub(super) struct Inbound {
    pub(super) topic: Topic,
    pub(super) bytes: Vec<u8>,
    pub(super) ticket: Ticket,
}

/// Admission as the swarm, the admitting task and the node share it. No lock is held while anything is decoded,
/// or across an await.
pub(super) struct Gate {
    network: NetworkId,
    clock: Arc<dyn Clock + Send + Sync>,
    started: Instant,
    clocks: Mutex<Clocks>,
    admission: Mutex<Admission>,
    intake: Mutex<Intake<Inbound>>,
    arrived: Notify,
    drops: Counters,
    addresses: Mutex<Vec<Multiaddr>>,
}

impl Gate {
    pub(super) fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            network: config.network,
            clock: Arc::clone(&config.clock),
            started: Instant::now(),
            clocks: Mutex::default(),
            admission: Mutex::new(Admission::new(config.network, limits.budgets, config.clock.now())),
            intake: Mutex::new(Intake::new(limits.intake)),
            arrived: Notify::new(),
            drops: Counters::default(),
            addresses: Mutex::default(),
        }
    }

    pub(super) fn network(&self) -> NetworkId {
        self.network
    }

    /// Takes a message that has just arrived, if it is worth decoding. Costs next to nothing.
    pub(super) fn take(&self, from: NodeId, inbound: Inbound) -> Result<(), Box<(Ticket, Refusal)>> {
        let len = ByteLen::from(inbound.bytes.len());
        let kind = inbound.topic.kind();
        let screened = lock(&self.admission).screen(kind, from, len, self.now());
        if let Err(refusal) = screened {
            self.drops.count(refusal);
            return Err(Box::new((inbound.ticket, refusal)));
        }
        let pushed = lock(&self.intake).push(from, len, inbound);
        pushed.map_err(|Full(inbound)| {
            self.drops.count(Refusal::QueueFull);
            Box::new((inbound.ticket, Refusal::QueueFull))
        })?;
        self.arrived.notify_one();
        Ok(())
    }

    /// Decodes what was taken and hands it to the node, as fast as the node takes it; `refused` is told the rest.
    /// Returns when the node no longer listens.
    pub(super) async fn admit_all(
        &self,
        events: mpsc::Sender<Event>,
        refused: mpsc::Sender<(Ticket, Refusal)>,
    ) {
        loop {
            self.wait().await;
            // What waits, waits where sources take turns, and takes no room from other events.
            let Ok(room) = events.reserve().await else {
                return;
            };
            let Some((from, inbound)) = lock(&self.intake).pop() else {
                continue;
            };
            match self.admit(&inbound) {
                Ok(message) => room.send(Event::Message {
                    message,
                    from,
                    ticket: inbound.ticket,
                }),
                Err(refusal) => {
                    drop(room);
                    tracing::debug!(%from, %refusal, "not let in");
                    if refused.send((inbound.ticket, refusal)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Until something waits.
    async fn wait(&self) {
        while lock(&self.intake).is_empty() {
            self.arrived.notified().await;
        }
    }

    fn admit(&self, inbound: &Inbound) -> Result<Message, Refusal> {
        let len = ByteLen::from(inbound.bytes.len());
        let message = Admission::decode(inbound.topic, &inbound.bytes)
            .inspect_err(|refusal| self.drops.count(*refusal))?;
        self.compare(&message, Came::Gossiped);
        let admitted = lock(&self.admission).admit(&message, len, self.now());
        admitted.inspect_err(|refusal| self.drops.count(*refusal))?;
        Ok(message)
    }

    pub(super) fn check(&self, bytes: &[u8], from: NodeId) -> Result<Message, Refusal> {
        let checked = Message::from_bytes_of_any_kind(bytes)
            .map_err(Refusal::from)
            .and_then(|message| {
                self.compare(&message, Came::Later);
                lock(&self.admission).admit_asked(&message, self.now())?;
                Ok(message)
            });
        checked.inspect_err(|refusal| {
            self.drops.count(*refusal);
            tracing::debug!(%from, %refusal, "not let in");
        })
    }

    /// Lets a message in that somebody entrusted to this node without showing itself: by the rules of one that is gossiped.
    /// All that comes so shares the budget of one neighbour.
    pub(super) fn entrusted(&self, bytes: &[u8]) -> Result<Message, Refusal> {
        let len = ByteLen::from(bytes.len());
        let admit = || {
            let message = Message::from_bytes_of_any_kind(bytes)?;
            let now = self.now();
            let mut admission = lock(&self.admission);
            admission.screen(message.kind(), NodeId::NONE, len, now)?;
            admission.admit(&message, len, now)?;
            Ok(message)
        };
        admit().inspect_err(|refusal| self.drops.count(*refusal))
    }

    /// Lets in what a peer says of itself when it meets this node: by the rules of what it gossips.
    pub(super) fn told(&self, bytes: &[u8], from: NodeId) -> Result<Message, Refusal> {
        let len = ByteLen::from(bytes.len());
        let admit = || {
            lock(&self.admission).screen(Kind::Descriptor, from, len, self.now())?;
            let message = Message::from_bytes(Kind::Descriptor, bytes)?;
            // What others say comes by gossip.
            if message.signer() != from {
                return Err(Refusal::BadSignature);
            }
            lock(&self.admission).admit(&message, len, self.now())?;
            Ok(message)
        };
        admit().inspect_err(|refusal| self.drops.count(*refusal))
    }

    /// What is not let in for its time says most about clocks.
    fn compare(&self, message: &Message, came: Came) {
        if message.network() == self.network {
            let (now, running) = (self.now(), self.running());
            lock(&self.clocks).heard(message.signer(), message.at(), came, now, running);
        }
    }

    pub(super) fn connected(&self, peer: NodeId, way: Option<Way>) {
        let mut clocks = lock(&self.clocks);
        match way {
            Some(way) => clocks.connected(peer, way),
            None => clocks.disconnected(peer),
        }
    }

    pub(super) fn skew(&self) -> Skew {
        lock(&self.clocks).skew(self.running())
    }

    fn running(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn saw(&self, message: &Message) {
        lock(&self.admission).saw(message.id());
    }

    pub(super) fn know(&self, author: NodeId, known: bool) {
        lock(&self.admission).know(author, known);
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.drops
    }

    pub(super) fn drops(&self) -> Drops {
        self.drops.read()
    }

    pub(super) fn addresses(&self) -> Vec<Multiaddr> {
        lock(&self.addresses).clone()
    }

    pub(super) fn set_addresses(&self, addresses: Vec<Multiaddr>) {
        *lock(&self.addresses) = addresses;
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
