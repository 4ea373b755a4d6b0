//! What a peer's deeds make of it: scores, and states that do not flicker.

use nonos_types::{EvidenceId, Timestamp};
use serde::Serialize;

use crate::{
    Context, Deed, Ppm, Weight,
    score::{HalfLife, Mass, ONE, score},
};

const DAY: u64 = 24 * 60 * 60;
const MONTH: u64 = 30 * DAY;
/// Operator's acts kept per peer.
const MAX_ACTS: usize = 16;

/// What is thought of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Little is known of it.
    New,
    /// It has done ten deeds or more, about as many good as expected or better.
    Known,
    /// It has done thirty deeds or more, and surely most of them well.
    Trusted,
    /// It has done something bad lately.
    Probation,
    /// Nothing is taken from it or given to it.
    Blacklisted,
}

/// What is thought of a peer at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// In a word.
    pub state: State,
    /// Expected share of good deeds, in the first context of [`Context::ALL`] in which there are deeds.
    pub score: Ppm,
    /// In each context, in the order of [`Context::ALL`].
    pub scores: [ContextScore; 5],
}

impl Standing {
    /// Its score in a context.
    pub fn of(&self, context: Context) -> ContextScore {
        self.scores[context as usize]
    }
}

/// What is thought of a peer in one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ContextScore {
    /// Expected share of good deeds.
    pub score: Ppm,
    /// What that share is at least, most likely. Decisions are made by this: it rises with the number of deeds.
    pub lower_bound: Ppm,
    /// Good deeds ever counted.
    pub good: u64,
    /// Bad deeds ever counted.
    pub bad: u64,
}

/// What an operator did about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Put it on the blacklist.
    Block,
    /// Took it off.
    Unblock,
}

/// Why a peer is on the blacklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// It was convicted. It stays until the operator takes it off.
    Evidence(EvidenceId),
    /// The operator put it there, and takes it off, or has said until when it stays.
    Operator {
        /// When it comes off by itself.
        until: Option<Timestamp>,
    },
    /// Three probations in 30 days. It comes off by itself.
    Faults {
        /// When it comes off.
        until: Timestamp,
    },
}

/// Deeds in one context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) good: u64,
    pub(crate) bad: u64,
    pub(crate) good_mass: Mass,
    pub(crate) bad_mass: Mass,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    New,
    Known,
    Trusted,
}

/// All that is kept of a peer, but its points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) tallies: [Tally; 5],
    /// Latest time anything was counted or done; nothing is read at an earlier one.
    pub(crate) latest: Timestamp,
    pub(crate) level: Level,
    /// When it did the last thing it is on probation for.
    pub(crate) probation: Option<Timestamp>,
    /// When probations began, within 30 days; at most two, since the third blacklists.
    pub(crate) probations: Vec<Timestamp>,
    pub(crate) block: Option<Block>,
    pub(crate) acts: Vec<(Timestamp, Act)>,
    /// Number of the oldest point kept, and of the next one.
    pub(crate) points: (u64, u64),
}

impl Peer {
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let mut peer = self.clone();
        peer.settle(now);
        let scores = peer.scores(now);
        let state = match (peer.block, peer.probation, peer.level) {
            (Some(_), _, _) => State::Blacklisted,
            (None, Some(_), _) => State::Probation,
            (None, None, Level::New) => State::New,
            (None, None, Level::Known) => State::Known,
            (None, None, Level::Trusted) => State::Trusted,
        };
        Standing {
            state,
            score: leading(&scores).score,
            scores,
        }
    }

    pub(crate) fn block(&self, now: Timestamp) -> Option<Block> {
        match self.block {
            Some(Block::Faults { until } | Block::Operator { until: Some(until) })
                if until <= self.now(now) =>
            {
                None
            }
            block => block,
        }
    }

    pub(crate) fn count(&mut self, context: Context, deed: Deed, weight: Weight, now: Timestamp) {
        self.settle(now);
        let was_trusted = self.level == Level::Trusted;
        let tally = &mut self.tallies[context as usize];
        match deed {
            Deed::Good => {
                tally.good = tally.good.saturating_add(1);
                tally.good_mass.add(weight.get(), now, HalfLife::Good);
            }
            Deed::Bad => {
                tally.bad = tally.bad.saturating_add(1);
                tally.bad_mass.add(weight.get(), now, HalfLife::Bad);
            }
        }
        self.latest = self.latest.max(now);
        let bound = self.scores(now)[context as usize].lower_bound;
        // Who is trusted has done enough for one fault to be weighed against it.
        if deed == Deed::Bad && (!was_trusted || bound < Ppm::percent(25)) {
            self.fault(now);
        }
        self.settle(now);
    }

    /// The operator does something; where he blocks it, until then, or until he acts again.
    pub(crate) fn act(&mut self, act: Act, until: Option<Timestamp>, now: Timestamp) {
        self.settle(now);
        self.latest = self.latest.max(now);
        match act {
            Act::Block if !self.stays_longer(until) => self.block = Some(Block::Operator { until }),
            Act::Block => {}
            Act::Unblock => {
                self.block = None;
                self.probations.clear();
                self.probation = Some(self.latest);
            }
        }
        if self.acts.len() == MAX_ACTS {
            self.acts.remove(0);
        }
        self.acts.push((now, act));
    }

    /// Is it on the blacklist already, and at least as long? What evidence shows does not pass, and who is blocked for a while
    /// comes off no earlier than he would have.
    fn stays_longer(&self, until: Option<Timestamp>) -> bool {
        match (self.block, until) {
            (Some(Block::Evidence(_)), _) => true,
            (Some(Block::Faults { until: faults }), Some(until)) => faults >= until,
            _ => false,
        }
    }

    fn fault(&mut self, now: Timestamp) {
        let now = self.now(now);
        let ago = |since: &Timestamp| now.get().saturating_sub(since.get());
        // Faults of one day are one probation.
        if self.probations.last().is_none_or(|last| ago(last) >= DAY) {
            self.probations.retain(|it| ago(it) < MONTH);
            self.probations.push(now);
        }
        self.probation = Some(now);
        if self.probations.len() >= 3 {
            self.probations.clear();
            let until = Timestamp::new(now.get().saturating_add(MONTH));
            let stays = match self.block {
                Some(Block::Operator { until: Some(ends) }) => ends >= until,
                other => other.is_some(),
            };
            if !stays {
                self.block = Some(Block::Faults { until });
            }
        }
    }

    /// Lets pass what passes with time, and sets the level by the scores.
    fn settle(&mut self, now: Timestamp) {
        let now = self.now(now);
        self.block = self.block(now);
        let scores = self.scores(now);
        if let Some(last) = self.probation {
            let recovered = scores.iter().zip(&self.tallies).all(|(score, tally)| {
                score.lower_bound >= Ppm::percent(30) || tally.bad_mass.at(now, HalfLife::Bad) < ONE / 4
            });
            if recovered && now.get() - last.get() >= DAY {
                self.probation = None;
            }
        }
        let ContextScore {
            score,
            lower_bound,
            good,
            bad,
        } = leading(&scores);
        let deeds = good.saturating_add(bad);
        // Below where it was reached, so that a score at the threshold does not flicker.
        let known = if self.level >= Level::Known { 40 } else { 45 };
        let trusted = if self.level == Level::Trusted { 55 } else { 60 };
        self.level = if deeds >= 30 && lower_bound >= Ppm::percent(trusted) {
            Level::Trusted
        } else if deeds >= 10 && score >= Ppm::percent(known) {
            Level::Known
        } else {
            Level::New
        };
    }

    fn scores(&self, now: Timestamp) -> [ContextScore; 5] {
        let now = self.now(now);
        self.tallies.each_ref().map(|tally| {
            let (score, lower_bound) = score(
                tally.good_mass.at(now, HalfLife::Good),
                tally.bad_mass.at(now, HalfLife::Bad),
            );
            ContextScore {
                score,
                lower_bound,
                good: tally.good,
                bad: tally.bad,
            }
        })
    }

    /// A clock that runs back does not bring evidence back.
    fn now(&self, now: Timestamp) -> Timestamp {
        now.max(self.latest)
    }
}

fn leading(scores: &[ContextScore; 5]) -> ContextScore {
    let first = scores.iter().find(|it| it.good > 0 || it.bad > 0);
    *first.unwrap_or(&scores[Context::Execute as usize])
}
