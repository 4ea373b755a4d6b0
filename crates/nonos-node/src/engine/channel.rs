//! Messages of channels: which of them a job reads, and which are known.

use nonos_types::{ByteLen, CapsuleHash, Inbound, InboundTape, JobId, Offer, ReceiptId, Sequence};

use super::{Engine, Error, Facts, effect::Answer};
use crate::{
    api::RequestError,
    channel::{self, Source, Unreadable},
};

/// Messages in one answer.
const PAGE: usize = 64;

impl Engine {
    /// The messages that an offer names, in their order.
    pub(super) fn messages_of(&self, offer: &Offer) -> Result<Result<Vec<Source>, Unreadable>, Error> {
        Ok(channel::find_all(
            &*self.store,
            offer.inbound.as_ref().map_or(&[], Inbound::receipts),
        )?)
    }

    /// Why this node lets no run read them, as far as is known without the bytes.
    pub(super) fn unreadable(
        &self,
        offer: &Offer,
        facts: Option<&Facts>,
    ) -> Result<Option<Unreadable>, Error> {
        let Some(inbound) = &offer.inbound else {
            return Ok(None);
        };
        let limit = ByteLen::new(self.config.executor.max_input);
        let actual = inbound.len();
        if actual > limit {
            return Ok(Some(Unreadable::Input { actual, limit }));
        }
        let checked = self.messages_of(offer)?.and_then(|sources| {
            channel::check_sources(&sources)?;
            facts.map_or(Ok(()), |facts| channel::check_channels(facts, &sources))
        });
        Ok(checked.err())
    }

    /// A receipt is known to verify: jobs may have waited for it.
    pub(super) fn heard(&mut self, receipt: ReceiptId) -> Result<(), Error> {
        let waits = |id: &&JobId| {
            self.jobs.get(id).is_some_and(|job| {
                let names = |it: &Inbound| it.receipts().contains(&receipt);
                job.offer.inbound.as_ref().is_some_and(names)
            })
        };
        let waiting: Vec<JobId> = self.open.iter().filter(waits).copied().collect();
        for id in waiting {
            let job = self.jobs.get_mut(&id).expect("listed above");
            let code = job.refused.as_ref().map(|it| it.code);
            if code == Some(UNKNOWN) {
                job.not_before_ms = self.now.millis;
                self.consider(id)?;
            }
        }
        Ok(())
    }

    /// The messages that a submission names.
    pub(super) fn named(&self, receipts: &[ReceiptId]) -> Result<Result<Vec<Source>, RequestError>, Error> {
        if receipts.len() > InboundTape::MAX_MESSAGES {
            let most = InboundTape::MAX_MESSAGES;
            return Ok(Err(refusal(format!("a run reads at most {most} messages"))));
        }
        let found = channel::find_all(&*self.store, receipts)?;
        let checked = found.and_then(|sources| channel::check_sources(&sources).map(|()| sources));
        Ok(checked.map_err(|error| refusal(error.to_string())))
    }

    /// One message.
    pub(super) fn message_of(&self, receipt: ReceiptId) -> Result<Result<Source, RequestError>, Error> {
        let found = channel::find(&*self.store, receipt)?;
        let found = found.ok_or(Unreadable::Unknown { receipt });
        let checked = found.and_then(|source| source.speaks().map(|()| source));
        Ok(checked.map_err(|error| refusal(error.to_string())))
    }

    /// Receipts of a capsule, from behind a number that was given with one of them.
    pub(super) fn messages(&self, capsule: CapsuleHash, after: u64) -> Result<Answer, Error> {
        let listed = channel::list(&*self.store, capsule, Sequence::new(after), PAGE)?;
        Ok(Answer::Messages {
            next: listed.last().map_or(after, |(at, _)| at.get()),
            sources: listed.into_iter().map(|(_, source)| source).collect(),
        })
    }
}

fn refusal(message: String) -> RequestError {
    let fault = "caller".to_owned();
    RequestError { message, fault }
}

/// The code of [`Unreadable::Unknown`].
const UNKNOWN: &str = "inbound.unknown";
