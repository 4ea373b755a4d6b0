//! What a message must pass before anything acts on it, cheapest first.

use nonos_types::{ByteLen, Descriptor, Kind, Message, MessageId, NetworkId, NodeId, Timestamp};

use super::{Rate, Refusal, Topic, budget::Bucket, recent::Recent};

/// How much is let in. All of it together bounds what a node spends on others' messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// From one forwarder, before anything is decoded.
    pub forwarder: Rate,
    /// Of one author.
    pub author: Rate,
    /// Of all authors this node knows together.
    pub known: Rate,
    /// Of all others together: strangers cannot use up what is for the known, nor the known what is for strangers.
    pub newcomers: Rate,
    /// How far a message's time may be from this node's, in seconds.
    pub window: u64,
    /// How many names of messages are remembered at least, to recognise duplicates. Twice the window times both
    /// rates is enough, so that what is remembered no longer is no longer timely.
    pub remembered: usize,
    /// How many forwarders, authors and known authors are told apart at least.
    pub sources: usize,
}

impl Budgets {
    /// Seconds that a message's time may be from a node's: ten minutes that it may be on its way, and a quarter of an hour that each
    /// clock may be wrong.
    pub const WINDOW: u64 = 10 * 60 + 2 * 15 * 60;
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            forwarder: Rate {
                per_second: 100,
                burst: 512,
            },
            author: Rate {
                per_second: 20,
                burst: 256,
            },
            known: Rate {
                per_second: 80,
                burst: 1024,
            },
            newcomers: Rate {
                per_second: 20,
                burst: 256,
            },
            window: Self::WINDOW,
            remembered: 1 << 19,
            sources: 4096,
        }
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Gossip,
    CatchUp,
}

/// Lets messages in, or says why not.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_mesh::core::{Admission, Budgets, Refusal, Topic};
/// use nonos_types::{Claim, JobId, Message, NetworkId, NodeId, Signed, Slot, Timestamp};
///
/// let network = NetworkId::named("example");
/// let now = Timestamp::new(1_800_000_000);
/// let claim = Claim { network, job: JobId::ZERO, slot: Slot::ZERO, at: now, box_key: None };
/// let message = Message::from(Signed::new(claim, &SigningKey::from_bytes(&[1; 32])));
///
/// let forwarder = NodeId::from_bytes([2; 32]);
/// let mut admission = Admission::new(network, Budgets::default(), now);
/// let topic = Topic::of(&message);
/// assert_eq!(admission.offer(topic, forwarder, &message.to_bytes(), now)?, message);
/// let again = admission.offer(topic, forwarder, &message.to_bytes(), now);
/// assert_eq!(again, Err(Refusal::Duplicate));
/// # Ok::<_, Refusal>(())
/// ```
#[derive(Debug)]
pub struct Admission {
    network: NetworkId,
    budgets: Budgets,
    forwarders: Recent<NodeId, Bucket>,
    authors: Recent<NodeId, Bucket>,
    known: Recent<NodeId, ()>,
    known_budget: Bucket,
    newcomers_budget: Bucket,
    seen: Recent<Name, ()>,
}

/// The first half of a message's name. Nobody makes another message with the same, and half of it takes half the room.
type Name = [u8; 16];

fn name(id: MessageId) -> Name {
    *id.as_bytes().first_chunk().expect("32 bytes")
}

impl Admission {
    /// Knows nobody, and has seen nothing.
    pub fn new(network: NetworkId, budgets: Budgets, now: Timestamp) -> Self {
        Self {
            network,
            budgets,
            forwarders: Recent::new(budgets.sources),
            authors: Recent::new(budgets.sources),
            known: Recent::new(budgets.sources),
            known_budget: Bucket::new(budgets.known, now),
            newcomers_budget: Bucket::new(budgets.newcomers, now),
            seen: Recent::new(budgets.remembered),
        }
    }

    /// All steps for a gossiped message: [`Admission::screen`], [`Admission::decode`], [`Admission::admit`].
    ///
    /// # Errors
    /// Those of the steps.
    pub fn offer(
        &mut self,
        topic: Topic,
        from: NodeId,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Message, Refusal> {
        let len = ByteLen::from(bytes.len());
        self.screen(topic.kind(), from, len, now)?;
        let message = Self::decode(topic, bytes)?;
        self.admit(&message, len, now)?;
        Ok(message)
    }

    /// What needs neither decoding nor more than the length: costs next to nothing.
    ///
    /// # Errors
    /// [`Refusal::Oversize`], [`Refusal::OverBudget`].
    pub fn screen(&mut self, kind: Kind, from: NodeId, len: ByteLen, now: Timestamp) -> Result<(), Refusal> {
        let limit = kind.max_len();
        if len > limit {
            return Err(Refusal::Oversize { limit });
        }
        let rate = self.budgets.forwarder;
        let bucket = self.forwarders.entry(from, || Bucket::new(rate, now));
        if bucket.take(len, now) {
            Ok(())
        } else {
            Err(Refusal::OverBudget)
        }
    }

    /// Decodes and verifies the signature; uses no state, so that it can run where others do not wait for it.
    ///
    /// # Errors
    /// [`Refusal::Oversize`], [`Refusal::Malformed`], [`Refusal::BadSignature`], [`Refusal::WrongTopic`].
    pub fn decode(topic: Topic, bytes: &[u8]) -> Result<Message, Refusal> {
        let message = Message::from_bytes(topic.kind(), bytes)?;
        if topic.carries(&message) {
            Ok(message)
        } else {
            Err(Refusal::WrongTopic { kind: message.kind() })
        }
    }

    /// Network, time, duplicate, budgets of the author and of all. What passes is remembered as seen.
    ///
    /// # Errors
    /// [`Refusal::ForeignNetwork`], [`Refusal::Stale`], [`Refusal::Duplicate`], [`Refusal::OverBudget`].
    pub fn admit(&mut self, message: &Message, len: ByteLen, now: Timestamp) -> Result<(), Refusal> {
        self.check(message, Path::Gossip, now)?;
        let author = message.signer();
        let rate = self.budgets.author;
        let of_author = self.authors.entry(author, || Bucket::new(rate, now));
        let of_all = if self.known.contains(&author) {
            self.known.entry(author, || ());
            &mut self.known_budget
        } else {
            &mut self.newcomers_budget
        };
        // Both or none: who is over his own budget takes nothing from that of all.
        if !(of_author.has(len, now) && of_all.take(len, now)) {
            return Err(Refusal::OverBudget);
        }
        of_author.take(len, now);
        self.saw(message.id());
        Ok(())
    }

    /// Network and time of a message that this node asked a peer for. Budgets do not count, since the asker sets the
    /// pace; all but claims and descriptors may be of any age. That it was seen before is
    /// no reason to refuse it: what an application could not use when it was gossiped, it asks for again.
    ///
    /// # Errors
    /// [`Refusal::ForeignNetwork`], [`Refusal::Stale`].
    pub fn admit_asked(&self, message: &Message, now: Timestamp) -> Result<(), Refusal> {
        self.check(message, Path::CatchUp, now)
    }

    /// Remembers a message, such as one of this node's own, so that it is refused as a duplicate.
    pub fn saw(&mut self, message: MessageId) {
        self.seen.entry(name(message), || ());
    }

    /// Counts an author among the known, or no longer.
    pub fn know(&mut self, author: NodeId, known: bool) {
        if known {
            self.known.entry(author, || ());
        } else {
            self.known.remove(&author);
        }
    }

    fn check(&self, message: &Message, path: Path, now: Timestamp) -> Result<(), Refusal> {
        if message.network() != self.network {
            return Err(Refusal::ForeignNetwork);
        }
        if !self.is_timely(message, path, now) {
            return Err(Refusal::Stale);
        }
        if path == Path::Gossip && self.seen.contains(&name(message.id())) {
            return Err(Refusal::Duplicate);
        }
        Ok(())
    }

    fn is_timely(&self, message: &Message, path: Path, now: Timestamp) -> bool {
        let window = self.budgets.window;
        let until = |at: Timestamp| at.get().saturating_add(window) >= now.get();
        if message.at().get() > now.get().saturating_add(window) {
            return false;
        }
        match (message, path) {
            // A descriptor is gossiped again as long as it is valid, and says for how long that is.
            (Message::Descriptor(it), _) => is_valid(it, window, now),
            (Message::Claim(_), _) | (_, Path::Gossip) => until(message.at()),
            (_, Path::CatchUp) => true,
        }
    }
}

fn is_valid(descriptor: &Descriptor, window: u64, now: Timestamp) -> bool {
    descriptor.valid_until.get().saturating_add(window) >= now.get()
}
