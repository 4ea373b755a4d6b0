//! Which node proves which segment of a long run: the rules of `docs/spec/segment.md`, "Sharing", without a network.
//!
//! Whoever drives it asks the helpers, verifies what they give and proves what it is told to; it knows no proofs and no
//! prices.

use std::{collections::BTreeMap, time::Duration};

use nonos_types::NodeId;

#[cfg(test)]
mod tests;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask a helper for the first time to prove a segment.
    Give {
        /// Whom.
        helper: NodeId,
        /// Which segment.
        index: u32,
        /// Until when it is wanted.
        deadline: Duration,
    },
    /// Ask it what has become of it.
    Poll {
        /// Whom.
        helper: NodeId,
        /// Which segment.
        index: u32,
    },
    /// Get the proof that a helper says it has, and verify it.
    Check {
        /// Whose.
        helper: NodeId,
        /// Of which segment.
        index: u32,
    },
    /// Prove a segment here.
    Prove {
        /// Which.
        index: u32,
    },
    /// A helper that took a segment on has not delivered it in time.
    Late {
        /// Who.
        helper: NodeId,
        /// Which segment.
        index: u32,
    },
}

/// What a helper says that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is at it.
    Accepted,
    /// Not now.
    Busy,
    /// Not at all: it asks for more, has not what it takes, or does not want to.
    Declined,
    /// It has a proof.
    Proved,
    /// Nothing.
    Nothing,
}

/// What came of checking a helper's proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is one.
    Good,
    /// It is none: the helper answers for it.
    Bad,
    /// It could not be had.
    Missing,
}

/// Who has proved a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// This node.
    Own,
    /// A helper.
    Helper(NodeId),
}

/// How long helpers are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A helper has so many times as long as the slowest segment took that was proved here,
    pub times: u32,
    /// at least this,
    pub least: Duration,
    /// and at most this, which it also has as long as none was.
    pub most: Duration,
    /// Between two questions to a helper.
    pub poll: Duration,
    /// Before one that is busy is asked again; twice as long after each time, up to `most`.
    pub busy: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            times: 6,
            least: Duration::from_secs(60),
            most: Duration::from_secs(600),
            poll: Duration::from_secs(1),
            busy: Duration::from_secs(5),
        }
    }
}

/// The segments of a run, and who is at which.
///
/// This node proves one segment at a time, and each helper has one at a time. A helper that is late gets no other while
/// that one is wanted; one that gave a bad proof, declined, or was late twice, gets no more of this run. Whatever a helper does not bring is
/// proved by another, or here: a run never depends on helpers.
///
/// ```
/// use std::time::Duration;
/// use nonos_mesh::core::assignment::{Assignment, By, Found, Patience, Said, Step};
/// use nonos_types::NodeId;
///
/// let (helper, now) = (NodeId::from_bytes([2; 32]), Duration::ZERO);
/// let mut run = Assignment::new([true, true], Patience::default());
/// run.set_helpers([helper]);
/// let steps = run.steps(now);
/// assert_eq!(steps[0], Step::Prove { index: 0 });
/// assert!(matches!(steps[1], Step::Give { index: 1, .. }));
///
/// run.said(helper, 1, Said::Proved, now);
/// assert_eq!(run.steps(now), [Step::Check { helper, index: 1 }]);
/// assert!(run.checked(helper, 1, Found::Good, now));
/// assert!(run.proved(0, now));
/// assert!(run.is_finished());
/// assert_eq!(run.by(1), Some(By::Helper(helper)));
/// ```
#[derive(Clone, Debug)]
pub struct Assignment {
    patience: Patience,
    segments: Vec<Segment>,
    /// Those that may be asked, the best first.
    present: Vec<NodeId>,
    helpers: BTreeMap<NodeId, Helper>,
    /// What is proved here, and since when.
    here: Option<(u32, Duration)>,
    /// How long the slowest took that was proved here.
    slowest: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Segment {
    /// May it be given away?
    shared: bool,
    by: Option<By>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Helper {
    given: Option<Given>,
    /// It gets no more of this run.
    done_with: bool,
    /// Not asked before.
    not_before: Duration,
    refusals: u32,
    /// How often it was late.
    lates: u32,
}

/// How often a helper may be late.
const LATES: u32 = 2;

#[derive(Clone, Copy, Debug)]
struct Given {
    index: u32,
    since: Duration,
    deadline: Duration,
    /// It said that it would.
    accepted: bool,
    late: bool,
    asked: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A question is on its way.
    Waiting,
    /// It is asked again then.
    Again(Duration),
    /// It has a proof, which is to be checked.
    Delivered,
    /// That is going on.
    Checking,
}

impl Assignment {
    /// Of a run in so many segments: whether each may be given away.
    pub fn new(shared: impl IntoIterator<Item = bool>, patience: Patience) -> Self {
        let segment = |shared| Segment { shared, by: None };
        Self {
            patience,
            segments: shared.into_iter().map(segment).collect(),
            present: vec![],
            helpers: BTreeMap::new(),
            here: None,
            slowest: None,
        }
    }

    /// Those that may be asked from now on, the best first. What others have is not waited for, and taken if they come
    /// back with it in time.
    pub fn set_helpers(&mut self, helpers: impl IntoIterator<Item = NodeId>) {
        self.present = helpers.into_iter().collect();
    }

    /// Is every segment proved?
    pub fn is_finished(&self) -> bool {
        self.segments.iter().all(|it| it.by.is_some())
    }

    /// Segments.
    pub fn count(&self) -> u32 {
        self.segments.len() as u32
    }

    /// Segments that are proved.
    pub fn done(&self) -> u32 {
        self.segments.iter().filter(|it| it.by.is_some()).count() as u32
    }

    /// Who has proved a segment, if anyone has.
    pub fn by(&self, index: u32) -> Option<By> {
        self.segments.get(index as usize)?.by
    }

    /// What each helper is owed for: the segments whose proofs are used.
    pub fn owed(&self) -> BTreeMap<NodeId, u32> {
        let mut owed = BTreeMap::new();
        for it in &self.segments {
            if let Some(By::Helper(helper)) = it.by {
                *owed.entry(helper).or_default() += 1;
            }
        }
        owed
    }

    /// What is to be done now; each step is said once.
    pub fn steps(&mut self, now: Duration) -> Vec<Step> {
        let mut steps = vec![];
        if self.is_finished() {
            return steps;
        }
        self.find_late(now, &mut steps);
        self.prove_here(now, &mut steps);
        self.give(now, &mut steps);
        self.ask_again(now, &mut steps);
        steps
    }

    /// A helper answered, or did not.
    pub fn said(&mut self, helper: NodeId, index: u32, said: Said, now: Duration) {
        let (poll, busy, most) = (self.patience.poll, self.patience.busy, self.patience.most);
        let Some(it) = self.helpers.get_mut(&helper) else {
            return;
        };
        let Some(given) = it
            .given
            .as_mut()
            .filter(|it| it.index == index && it.asked == Asked::Waiting)
        else {
            return;
        };
        match said {
            Said::Accepted => {
                given.accepted = true;
                given.asked = Asked::Again(now + poll);
                it.refusals = 0;
            }
            Said::Nothing => given.asked = Asked::Again(now + poll),
            Said::Proved => {
                given.accepted = true;
                given.asked = Asked::Delivered;
            }
            Said::Busy => {
                it.given = None;
                it.not_before = now + most.min(busy * (1 << it.refusals.min(8)));
                it.refusals += 1;
            }
            Said::Declined => {
                it.given = None;
                it.done_with = true;
            }
        }
    }

    /// A helper's proof was checked. Is it used? Only then the helper is owed for it.
    pub fn checked(&mut self, helper: NodeId, index: u32, found: Found, now: Duration) -> bool {
        let poll = self.patience.poll;
        let Some(it) = self.helpers.get_mut(&helper) else {
            return false;
        };
        let Some(given) = it
            .given
            .as_mut()
            .filter(|it| it.index == index && it.asked == Asked::Checking)
        else {
            return false;
        };
        match found {
            Found::Missing => {
                given.asked = Asked::Again(now + poll);
                false
            }
            Found::Bad => {
                it.given = None;
                it.done_with = true;
                false
            }
            Found::Good => {
                it.given = None;
                self.take(index, By::Helper(helper))
            }
        }
    }

    /// A segment is proved here. Is the proof used? Not if a helper's came before.
    pub fn proved(&mut self, index: u32, now: Duration) -> bool {
        if let Some((_, since)) = self.here.take_if(|(it, _)| *it == index) {
            let took = now.saturating_sub(since);
            self.slowest = Some(self.slowest.map_or(took, |it| it.max(took)));
        }
        self.take(index, By::Own)
    }

    fn take(&mut self, index: u32, by: By) -> bool {
        match self.segments.get_mut(index as usize) {
            Some(it) if it.by.is_none() => {
                it.by = Some(by);
                true
            }
            _ => false,
        }
    }

    /// Who is asked and gone: is it still there?
    fn is_present(&self, helper: NodeId) -> bool {
        self.present.contains(&helper)
    }

    fn find_late(&mut self, now: Duration, steps: &mut Vec<Step>) {
        for (helper, it) in &mut self.helpers {
            let Some(given) = &mut it.given else { continue };
            // What others have brought is not missed.
            if self.segments[given.index as usize].by.is_some() {
                if !matches!(given.asked, Asked::Waiting | Asked::Checking) {
                    it.given = None;
                }
                continue;
            }
            let delivered = matches!(given.asked, Asked::Delivered | Asked::Checking);
            if now >= given.deadline && !given.late && !delivered {
                given.late = true;
                it.lates += 1;
                it.done_with |= it.lates >= LATES;
                if given.accepted {
                    steps.push(Step::Late {
                        helper: *helper,
                        index: given.index,
                    });
                }
            }
        }
    }

    /// How long a helper is waited for. What is known now counts, also where it was told a later deadline: it is not late
    /// before that, but nobody is idle meanwhile.
    fn wait(&self) -> Duration {
        let Patience {
            times, least, most, ..
        } = self.patience;
        self.slowest.map_or(most, |it| (it * times).clamp(least, most))
    }

    /// Is nobody at it of whom it may be expected?
    fn is_free(&self, index: u32, now: Duration) -> bool {
        let wait = self.wait();
        let expected = |(helper, it): (&NodeId, &Helper)| {
            it.given.is_some_and(|given| {
                let delivered = matches!(given.asked, Asked::Delivered | Asked::Checking);
                let in_time = !given.late && now < given.since + wait;
                given.index == index && (delivered || in_time) && self.is_present(*helper)
            })
        };
        self.segments[index as usize].by.is_none()
            && self.here.is_none_or(|(it, _)| it != index)
            && !self.helpers.iter().any(expected)
    }

    fn prove_here(&mut self, now: Duration, steps: &mut Vec<Step>) {
        if self.here.is_some() {
            return;
        }
        // What nobody else may prove goes first, so that something is left to give.
        let free = (0..self.count()).filter(|it| self.is_free(*it, now));
        let next = free.min_by_key(|it| (self.segments[*it as usize].shared, *it));
        if let Some(index) = next {
            self.here = Some((index, now));
            steps.push(Step::Prove { index });
        }
    }

    fn give(&mut self, now: Duration, steps: &mut Vec<Step>) {
        let patience = self.wait();
        for helper in self.present.clone() {
            let it = self.helpers.entry(helper).or_default();
            if it.given.is_some() || it.done_with || now < it.not_before {
                continue;
            }
            let next =
                (0..self.count()).find(|it| self.segments[*it as usize].shared && self.is_free(*it, now));
            let Some(index) = next else { return };
            let deadline = now + patience;
            let given = Given {
                index,
                since: now,
                deadline,
                accepted: false,
                late: false,
                asked: Asked::Waiting,
            };
            self.helpers.entry(helper).or_default().given = Some(given);
            steps.push(Step::Give {
                helper,
                index,
                deadline,
            });
        }
    }

    fn ask_again(&mut self, now: Duration, steps: &mut Vec<Step>) {
        for helper in &self.present {
            let Some(given) = self.helpers.get_mut(helper).and_then(|it| it.given.as_mut()) else {
                continue;
            };
            let (helper, index) = (*helper, given.index);
            match given.asked {
                Asked::Again(at) if now >= at => {
                    given.asked = Asked::Waiting;
                    steps.push(Step::Poll { helper, index });
                }
                Asked::Delivered => {
                    given.asked = Asked::Checking;
                    steps.push(Step::Check { helper, index });
                }
                _ => {}
            }
        }
    }
}
