use std::collections::BTreeSet;

use negentropy::{Id, Negentropy};
use nonos_types::{ByteLen, Kind, MessageId, Shards, Timestamp};

use super::{Answer, Ask, Limits, Said, Summary, Unsound, Window, frame, summary::View};

/// What one answer has brought: names that were not found in this reconciliation before, in their order. At most
/// a frame's worth of either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What the peer has and this node has not, as far as the peer can be believed: to be fetched by name, and to be
    /// let in like anything else.
    pub need: Vec<MessageId>,
    /// What this node has and the peer has not.
    pub have: Vec<MessageId>,
}

/// How it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// With this ask.
    Ask(Ask),
    /// All is found.
    Done,
    /// The next ask or its answer could exceed what the round may have. Who fetches what was found and begins again
    /// goes on from here: where the sets do not differ any more costs next to nothing.
    Cut,
}

/// Reconciles one kind with one peer. It asks; a [`Responder`](super::Responder) answers.
///
/// ```
/// use nonos_mesh::core::reconcile::{Initiator, Limits, Responder, Step, Summary, Window};
/// use nonos_types::{Kind, MessageId, Timestamp};
///
/// let (mut ours, mut theirs) = (Summary::new(1000), Summary::new(1000));
/// let (at, id) = (Timestamp::new(7), MessageId::hash(&[b"a message"]));
/// theirs.insert_name(Kind::Receipt, at, id);
///
/// let window = Window { from: Timestamp::ZERO, until: Timestamp::new(100) };
/// let (mut initiator, ask) = Initiator::begin(&ours, Kind::Receipt, window, Limits::ROUND);
/// let mut responder = Responder::new(&ask);
/// let answer = responder.answer(&theirs, &ask)?;
/// let (found, step) = initiator.hear(&ours, &answer)?;
/// assert_eq!((found.need, found.have, step), (vec![id], vec![], Step::Done));
/// # ours.insert_name(Kind::Receipt, at, id);
/// # Ok::<_, nonos_mesh::core::reconcile::Unsound>(())
/// ```
#[derive(Debug)]
pub struct Initiator {
    kind: Kind,
    window: Window,
    shards: Shards,
    /// What it may still send and hear.
    left: ByteLen,
    asked: Option<Ask>,
    asks: u32,
    idle: u32,
    need: BTreeSet<MessageId>,
    have: BTreeSet<MessageId>,
}

impl Initiator {
    /// What an answer may have at most.
    const ANSWER: ByteLen = Limits::MESSAGE;

    /// Begins, with the first ask. `left` is what the round may still have in both directions.
    pub fn begin(summary: &Summary, kind: Kind, window: Window, left: ByteLen) -> (Self, Ask) {
        Self::within(summary, kind, Shards::ALL, window, left)
    }

    /// The same of these shards only, if it is a kind that has some.
    pub fn within(
        summary: &Summary,
        kind: Kind,
        shards: Shards,
        window: Window,
        left: ByteLen,
    ) -> (Self, Ask) {
        let from = window.from.max(summary.floor(kind));
        let window = Window { from, ..window };
        let ask = first(summary, kind, shards, window);
        let mut initiator = Self {
            kind,
            window,
            shards,
            left,
            asked: None,
            asks: 0,
            idle: 0,
            need: BTreeSet::new(),
            have: BTreeSet::new(),
        };
        initiator.ask(ask.clone());
        (initiator, ask)
    }

    /// What it may still send and hear.
    pub fn left(&self) -> ByteLen {
        self.left
    }

    /// Hears the answer to the last ask. The summary may have changed since: what was found and fetched belongs in it.
    ///
    /// # Errors
    /// [`Unsound`]: the peer does not reconcile. What was found before can be fetched all the same.
    pub fn hear(&mut self, summary: &Summary, answer: &Answer) -> Result<(Found, Step), Unsound> {
        let asked = self.asked.take().ok_or(Unsound::Unasked)?;
        let len = answer.to_bytes().len();
        self.left = ByteLen::new(self.left.get().saturating_sub(len as u64));
        if answer.kind != self.kind {
            let expected = Some(self.kind);
            return Err(Unsound::WrongKind { expected });
        }
        let (found, next) = match &answer.said {
            Said::Floor(floor) => (Found::default(), Some(self.from(summary, *floor)?)),
            Said::Frame(bytes) => self.reconcile(summary, bytes)?,
        };
        let Some(next) = next else {
            return Ok((found, Step::Done));
        };
        if next == asked {
            return Err(Unsound::NoProgress);
        }
        self.idle = if found == Found::default() {
            self.idle + 1
        } else {
            0
        };
        if self.idle >= Limits::IDLE {
            return Err(Unsound::NoProgress);
        }
        if self.asks >= Limits::ASKS {
            let limit = Limits::ASKS;
            return Err(Unsound::TooManyFrames { limit });
        }
        let most = next.to_bytes().len() as u64 + Self::ANSWER.get();
        if most > self.left.get() {
            return Ok((found, Step::Cut));
        }
        self.ask(next.clone());
        Ok((found, Step::Ask(next)))
    }

    fn ask(&mut self, ask: Ask) {
        let len = ask.to_bytes().len() as u64;
        self.left = ByteLen::new(self.left.get().saturating_sub(len));
        self.asks += 1;
        self.asked = Some(ask);
    }

    /// Begins again where the peer's set begins, which is later than was asked for.
    fn from(&mut self, summary: &Summary, floor: Timestamp) -> Result<Ask, Unsound> {
        if floor <= self.window.from || self.asks > 1 {
            return Err(Unsound::NoProgress);
        }
        self.window.from = floor;
        self.window.until = self.window.until.max(floor);
        Ok(first(summary, self.kind, self.shards, self.window))
    }

    fn reconcile(&mut self, summary: &Summary, bytes: &[u8]) -> Result<(Found, Option<Ask>), Unsound> {
        frame::check(bytes)?;
        let (mut have, mut need) = (vec![], vec![]);
        let mut protocol = protocol(summary.view(self.kind, self.shards, self.window));
        protocol.set_initiator();
        let next = protocol.reconcile_with_ids(bytes, &mut have, &mut need);
        let next = next.map_err(|_| Unsound::Malformed)?;
        let found = Found {
            need: new(&mut self.need, need),
            have: new(&mut self.have, have),
        };
        let ask = next.map(|frame| Ask {
            kind: self.kind,
            window: self.window,
            shards: self.shards,
            frame,
        });
        Ok((found, ask))
    }
}

fn first(summary: &Summary, kind: Kind, shards: Shards, window: Window) -> Ask {
    let frame = protocol(summary.view(kind, shards, window)).initiate();
    let frame = frame.expect("it was not begun before");
    Ask {
        kind,
        window,
        shards,
        frame,
    }
}

/// The protocol over these names. It keeps nothing from one frame to the next.
pub(super) fn protocol(view: View<'_>) -> Negentropy<'_, View<'_>> {
    Negentropy::owned(view, Limits::FRAME.get()).expect("more than the least")
}

/// Those that were not known; a range whose frame was full is said again, with what was said of it before.
fn new(known: &mut BTreeSet<MessageId>, ids: Vec<Id>) -> Vec<MessageId> {
    let ids: BTreeSet<_> = ids
        .into_iter()
        .map(|id| MessageId::from_bytes(id.to_bytes()))
        .collect();
    ids.into_iter().filter(|id| known.insert(*id)).collect()
}
