use nonos_types::{ByteLen, Kind, Shards, Timestamp};

use super::{Answer, Ask, Found, Initiator, Limits, ORDER, Step, Summary, Unsound, Window};
use crate::core::Topic;

/// What of the kinds that are about jobs is reconciled with a peer. Of all others it is everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Shards of any time.
    pub shards: Shards,
    /// Shards in which this node is for a while only, and from when on.
    pub guest: Shards,
    /// From when on that is.
    pub since: Timestamp,
}

impl Scope {
    /// Everything.
    pub const ALL: Self = Self {
        shards: Shards::ALL,
        guest: Shards::NONE,
        since: Timestamp::ZERO,
    };

    /// What there is to reconcile of it with a peer that has these shards.
    #[must_use]
    pub fn with(self, peer: Shards) -> Self {
        Self {
            shards: self.shards & peer,
            guest: self.guest & peer,
            since: self.since,
        }
    }

    /// In the order of [`ORDER`].
    fn parts(self) -> Vec<Part> {
        let of_kind = |kind: Kind| {
            let all = Part {
                kind,
                shards: Shards::ALL,
                from: Timestamp::ZERO,
            };
            let own = Part {
                shards: self.shards,
                ..all
            };
            let guest = Part {
                shards: self.guest,
                from: self.since,
                ..all
            };
            let parts = if Topic::is_sharded(kind) {
                vec![own, guest]
            } else {
                vec![all]
            };
            parts.into_iter().filter(|part| !part.shards.is_empty())
        };
        ORDER.into_iter().flat_map(of_kind).collect()
    }
}

/// What is reconciled in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    kind: Kind,
    shards: Shards,
    from: Timestamp,
}

impl Part {
    fn begin(self, summary: &Summary, now: Timestamp, left: ByteLen) -> (Initiator, Ask) {
        let window = Window::of(self.kind, now);
        let window = Window {
            from: window.from.max(self.from),
            ..window
        };
        Initiator::within(summary, self.kind, self.shards, window, left)
    }
}

/// What an answer brought, and how the round goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Of which kind.
    pub kind: Kind,
    /// What differs.
    pub found: Found,
    /// What to ask next; nothing where the round is over.
    pub ask: Option<Ask>,
}

/// Reconciles all kinds with one peer, one after the other in [`ORDER`], until all are done or the round has had as
/// many bytes as it may.
///
/// ```
/// use nonos_mesh::core::reconcile::{Answer, Ask, ORDER, Responder, Round, Summary};
/// use nonos_types::{Kind, MessageId, Timestamp};
///
/// let now = Timestamp::new(1_800_000_000);
/// let (ours, mut theirs) = (Summary::new(1000), Summary::new(1000));
/// let id = MessageId::hash(&[b"a receipt"]);
/// theirs.insert_name(Kind::Receipt, now, id);
///
/// let mut to_fetch = vec![];
/// let (mut round, first) = Round::begin(&ours, ORDER[0], now);
/// let mut asks = Some(first);
/// while let Some(ask) = asks {
///     // What the peer does:
///     let ask = Ask::from_bytes(&ask.to_bytes())?;
///     let answer = Responder::new(&ask).answer(&theirs, &ask)?.to_bytes();
///
///     let heard = round.hear(&ours, &Answer::from_bytes(&answer)?)?;
///     to_fetch.extend(heard.found.need); // by name, and then they are let in like any other message
///     asks = heard.ask;
/// }
/// assert_eq!(to_fetch, [id]);
/// assert_eq!(round.resume_at(), None); // all kinds are done
/// # Ok::<_, nonos_mesh::core::reconcile::Unsound>(())
/// ```
#[derive(Debug)]
pub struct Round {
    now: Timestamp,
    kind: Kind,
    /// What is still to do, in its order.
    rest: std::vec::IntoIter<Part>,
    initiator: Initiator,
    done: bool,
}

impl Round {
    /// Begins a round with `first`, which is the first of [`ORDER`] or where the last round was cut; a kind that is
    /// not reconciled is taken for the first. Gives the first ask.
    pub fn begin(summary: &Summary, first: Kind, now: Timestamp) -> (Self, Ask) {
        Self::within(summary, first, Scope::ALL, now)
    }

    /// The same, of no more than this.
    pub fn within(summary: &Summary, first: Kind, scope: Scope, now: Timestamp) -> (Self, Ask) {
        let place = |kind: Kind| ORDER.iter().position(|it| *it == kind).unwrap_or(0);
        let mut parts = scope.parts();
        let done = parts.iter().take_while(|part| place(part.kind) < place(first));
        parts.drain(..done.count());
        let mut rest = parts.into_iter();
        // The last kind is about jobs: of no shard there is nothing of it.
        let part = rest.next().unwrap_or(Part {
            kind: ORDER[0],
            shards: Shards::ALL,
            from: Timestamp::ZERO,
        });
        let kind = part.kind;
        let (initiator, ask) = part.begin(summary, now, Limits::ROUND);
        let round = Self {
            now,
            kind,
            rest,
            initiator,
            done: false,
        };
        (round, ask)
    }

    /// Hears the answer to the last ask.
    ///
    /// # Errors
    /// [`Unsound`]: the peer does not reconcile, and the round is over.
    pub fn hear(&mut self, summary: &Summary, answer: &Answer) -> Result<Heard, Unsound> {
        let kind = self.kind;
        let (found, step) = self.initiator.hear(summary, answer)?;
        let ask = match step {
            Step::Ask(ask) => Some(ask),
            Step::Done => self.next(summary),
            Step::Cut => None,
        };
        Ok(Heard { kind, found, ask })
    }

    /// With which kind the next round with this peer should begin: that in which this one was cut or failed, or none
    /// if all are done.
    pub fn resume_at(&self) -> Option<Kind> {
        (!self.done).then_some(self.kind)
    }

    /// What the round may still send and hear.
    pub fn left(&self) -> ByteLen {
        self.initiator.left()
    }

    fn next(&mut self, summary: &Summary) -> Option<Ask> {
        let Some(part) = self.rest.next() else {
            self.done = true;
            return None;
        };
        self.kind = part.kind;
        let left = self.left();
        // The first ask is short, but its answer need not be.
        if left.get() < 2 * Limits::MESSAGE.get() {
            return None;
        }
        let (initiator, ask) = part.begin(summary, self.now, left);
        self.initiator = initiator;
        Some(ask)
    }
}
