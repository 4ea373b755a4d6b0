//! The suite finds anchors that break a promise each.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nonos_depin::anchor::{
    Anchor, Anchored, BatchId, Chain, Commitment, Error, Evidence, FileAnchor, State, Submission,
    testing::{self, Site},
};
use nonos_types::Timestamp;

use super::Carried;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    CallsFinalWhatNobodySaw,
    ForgetsTheChainRule,
    RecordsTwice,
    TakesForeign,
    TakesOtherContent,
    VerifiesByNameOnly,
    SeesNoRival,
    GivesHistoryBackwards,
    GivesAllHistory,
    KnowsUnknown,
    ForgetsOnRestart,
    NeverFinal,
}

struct Broken {
    inner: FileAnchor,
    fault: Fault,
    restarted: bool,
    twice: Option<BatchId>,
}

impl Broken {
    fn turn(&self, state: State) -> State {
        let forged = Evidence {
            source: "nobody".to_owned(),
            reference: "nothing".to_owned(),
            at: Timestamp::new(1),
        };
        match (self.fault, state) {
            (Fault::CallsFinalWhatNobodySaw, State::Submitted { .. }) => State::Final(forged),
            (Fault::NeverFinal, State::Final(evidence)) => State::Submitted {
                reference: evidence.reference,
            },
            (_, state) => state,
        }
    }
}

impl Anchor for Broken {
    fn chain(&self) -> Chain {
        self.inner.chain()
    }

    fn submit(&mut self, commitment: &Commitment, now: Timestamp) -> Result<Submission, Error> {
        let known = self.inner.poll(&commitment.batch, now)? != State::Pending;
        if self.fault == Fault::RecordsTwice && known {
            self.twice = Some(commitment.batch);
        }
        let submission = match (self.fault, self.inner.submit(commitment, now)) {
            (Fault::ForgetsTheChainRule, Err(Error::StalePrev { .. }))
            | (Fault::TakesForeign, Err(Error::ForeignNetwork { .. } | Error::ForeignSubmitter { .. }))
            | (Fault::TakesOtherContent, Err(Error::Differs { .. })) => Ok(Submission {
                batch: commitment.batch,
                state: State::Submitted {
                    reference: String::new(),
                },
            }),
            (_, result) => result,
        }?;
        Ok(Submission {
            state: self.turn(submission.state),
            ..submission
        })
    }

    fn poll(&mut self, batch: &BatchId, now: Timestamp) -> Result<State, Error> {
        let state = self.inner.poll(batch, now)?;
        if self.fault == Fault::KnowsUnknown && state == State::Pending {
            return Ok(State::Submitted {
                reference: String::new(),
            });
        }
        if self.fault == Fault::ForgetsOnRestart && self.restarted {
            return Ok(State::Pending);
        }
        Ok(self.turn(state))
    }

    fn head(&mut self) -> Result<Option<BatchId>, Error> {
        self.inner.head()
    }

    fn history(&mut self, newest: usize) -> Result<Vec<Anchored>, Error> {
        let newest = if self.fault == Fault::GivesAllHistory {
            99
        } else {
            newest
        };
        let mut history = self.inner.history(newest)?;
        for anchored in &mut history {
            anchored.state = self.turn(anchored.state.clone());
        }
        if let Some(batch) = self.twice
            && let Some(again) = history.iter().find(|it| it.commitment.batch == batch).cloned()
        {
            history.push(again);
        }
        if self.fault == Fault::GivesHistoryBackwards {
            history.reverse();
        }
        Ok(history)
    }

    fn verify(&mut self, commitment: &Commitment) -> Result<State, Error> {
        let state = match (self.fault, self.inner.verify(commitment)) {
            (Fault::VerifiesByNameOnly, Err(Error::Differs { .. })) => {
                self.inner.poll(&commitment.batch, Timestamp::ZERO)?
            }
            (Fault::SeesNoRival, Err(Error::OtherBatch { .. })) => {
                return Err(Error::NotAnchored {
                    batch: commitment.batch,
                });
            }
            (_, result) => result?,
        };
        Ok(self.turn(state))
    }
}

struct BrokenSite {
    inner: Carried,
    fault: Fault,
    times: u32,
}

impl Site for BrokenSite {
    type Anchor = Broken;

    fn open(&mut self) -> Broken {
        self.times += 1;
        Broken {
            inner: self.inner.open(),
            fault: self.fault,
            restarted: self.times > 1,
            twice: None,
        }
    }

    fn take_up(&mut self, anchor: &mut Broken) {
        self.inner.take_up(&mut anchor.inner);
    }

    fn conclude(&mut self, anchor: &mut Broken) {
        self.inner.conclude(&mut anchor.inner);
    }
}

#[test]
fn the_suite_names_the_promise_that_an_anchor_breaks() {
    for (fault, promise) in [
        (
            Fault::CallsFinalWhatNobodySaw,
            "is not final before there is evidence",
        ),
        (
            Fault::ForgetsTheChainRule,
            "refuses a first commitment that follows something",
        ),
        (Fault::RecordsTwice, "records a commitment once"),
        (Fault::TakesForeign, "refuses a commitment of another network"),
        (
            Fault::TakesOtherContent,
            "refuses other content for what is on its way",
        ),
        (Fault::VerifiesByNameOnly, "finds another root"),
        (Fault::SeesNoRival, "finds another batch in the place of one"),
        (
            Fault::GivesHistoryBackwards,
            "gives back what was submitted, in its order",
        ),
        (
            Fault::GivesAllHistory,
            "gives back the newest where fewer are asked for",
        ),
        (Fault::KnowsUnknown, "knows nothing of a batch it was never given"),
        (Fault::ForgetsOnRestart, "stays final after a restart"),
        (Fault::NeverFinal, "says of what is final that it is"),
    ] {
        let fresh = || BrokenSite {
            inner: Carried::new(),
            fault,
            times: 0,
        };
        let panic =
            catch_unwind(AssertUnwindSafe(|| testing::check_anchor(fresh))).expect_err("the suite finds it");
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or_default();
        assert!(said.contains(promise), "{fault:?}: {said}");
    }
}
