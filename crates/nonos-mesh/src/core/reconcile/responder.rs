use nonos_types::{ByteLen, Kind, Shards, Timestamp};

use super::{Answer, Ask, Limits, ORDER, Said, Summary, Unsound, Window, initiator::protocol};
use crate::core::{Rate, budget::Bucket};

/// Answers what one peer asks about one kind and time.
#[derive(Debug)]
pub struct Responder {
    kind: Kind,
    window: Window,
    shards: Shards,
    asks: u32,
    left: ByteLen,
    last: Option<Ask>,
}

impl Responder {
    /// For what this ask begins.
    pub fn new(ask: &Ask) -> Self {
        Self {
            kind: ask.kind,
            window: ask.window,
            shards: ask.shards,
            asks: 0,
            left: Limits::ROUND,
            last: None,
        }
    }

    /// Answers.
    ///
    /// # Errors
    /// [`Unsound`]: the peer does not reconcile.
    pub fn answer(&mut self, summary: &Summary, ask: &Ask) -> Result<Answer, Unsound> {
        if ask.kind != self.kind {
            let expected = Some(self.kind);
            return Err(Unsound::WrongKind { expected });
        }
        if (ask.window, ask.shards) != (self.window, self.shards) {
            return Err(Unsound::WrongWindow);
        }
        if self.last.as_ref() == Some(ask) {
            return Err(Unsound::NoProgress);
        }
        if self.asks >= Limits::ASKS {
            let limit = Limits::ASKS;
            return Err(Unsound::TooManyFrames { limit });
        }
        self.spend(ask.to_bytes().len())?;
        self.asks += 1;
        self.last = Some(ask.clone());
        let floor = summary.floor(self.kind);
        // A floor that rises later is not told: the asker has begun, and what is here is answered for.
        let said = if self.asks == 1 && floor > self.window.from {
            Said::Floor(floor)
        } else {
            let frame = protocol(summary.view(self.kind, self.shards, self.window)).reconcile(&ask.frame);
            Said::Frame(frame.map_err(|_| Unsound::Malformed)?)
        };
        let answer = Answer {
            kind: self.kind,
            said,
        };
        self.spend(answer.to_bytes().len())?;
        Ok(answer)
    }

    fn spend(&mut self, len: usize) -> Result<(), Unsound> {
        let limit = Limits::ROUND;
        let left = self.left.checked_sub(len.into());
        self.left = left.ok_or(Unsound::OverBudget { limit })?;
        Ok(())
    }
}

/// Answers all that one peer asks, and bounds how often it may begin: a burst, and then as often as the fastest
/// [`Pace`](super::Pace) does.
///
/// ```
/// use nonos_mesh::core::reconcile::{ORDER, Round, Serve, Summary, Unsound};
/// use nonos_types::Timestamp;
///
/// let now = Timestamp::new(1_800_000_000);
/// let summary = Summary::new(10);
/// let mut serve = Serve::new(now);
/// // A peer that begins again and again:
/// let refused = (0..1000).find_map(|begun| {
///     let (_, ask) = Round::begin(&summary, ORDER[begun % 2], now);
///     serve.answer(&summary, &ask, now).err()
/// });
/// assert_eq!(refused, Some(Unsound::TooOften));
/// ```
#[derive(Debug)]
pub struct Serve {
    bucket: Bucket,
    responder: Option<Responder>,
}

impl Serve {
    /// Seconds that a kind costs. All kinds together cost less than the fastest pace takes for them.
    const EACH: u32 = 2;
    /// Rounds at once: two bursts, and what comes meanwhile, since a connection may be lost in the first.
    const BURST: u32 = 8;

    /// For a peer that has come now.
    pub fn new(now: Timestamp) -> Self {
        let rate = Rate {
            per_second: 1,
            burst: Self::EACH * Self::BURST * ORDER.len() as u32,
        };
        Self {
            bucket: Bucket::new(rate, now),
            responder: None,
        }
    }

    /// Answers an ask, one of those before it or one that begins a kind.
    ///
    /// # Errors
    /// [`Unsound`]: the peer does not reconcile, and what it began is over.
    pub fn answer(&mut self, summary: &Summary, ask: &Ask, now: Timestamp) -> Result<Answer, Unsound> {
        let mut responder = match self.responder.take() {
            Some(it)
                if (it.kind, it.window, it.shards) == (ask.kind, ask.window, ask.shards)
                    && it.last.as_ref() != Some(ask) =>
            {
                it
            }
            _ => {
                if !self.bucket.take_pieces(Self::EACH, now) {
                    return Err(Unsound::TooOften);
                }
                Responder::new(ask)
            }
        };
        let answer = responder.answer(summary, ask)?;
        self.responder = Some(responder);
        Ok(answer)
    }
}
