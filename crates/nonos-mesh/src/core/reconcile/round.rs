use nonos_types::{ByteLen, Kind, Timestamp};

use super::{Answer, Ask, Found, Initiator, Limits, ORDER, Step, Summary, Unsound, Window};

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
    /// Kinds still to do, in their order, this one not among them.
    rest: Vec<Kind>,
    initiator: Initiator,
    done: bool,
}

impl Round {
    /// Begins a round with `first`, which is the first of [`ORDER`] or where the last round was cut; a kind that is
    /// not reconciled is taken for the first. Gives the first ask.
    pub fn begin(summary: &Summary, first: Kind, now: Timestamp) -> (Self, Ask) {
        let at = ORDER.iter().position(|kind| *kind == first).unwrap_or(0);
        let kind = ORDER[at];
        let (initiator, ask) = Initiator::begin(summary, kind, Window::of(kind, now), Limits::ROUND);
        let round = Self {
            now,
            kind,
            rest: ORDER[at + 1..].to_vec(),
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
        if self.rest.is_empty() {
            self.done = true;
            return None;
        }
        self.kind = self.rest.remove(0);
        let left = self.left();
        // The first ask is short, but its answer need not be.
        if left.get() < 2 * Limits::MESSAGE.get() {
            return None;
        }
        let window = Window::of(self.kind, self.now);
        let (initiator, ask) = Initiator::begin(summary, self.kind, window, left);
        self.initiator = initiator;
        Some(ask)
    }
}
