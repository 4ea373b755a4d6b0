//! Books that were put back to an older state: how it is noticed, and how they go on.

use std::{fmt, sync::atomic::Ordering};

use ed25519_dalek::SigningKey;
use nonos_store::Store;
use nonos_types::{FeedHead, Incarnation, Signed, Timestamp, Voucher};

use super::{Ledger, Received};
use crate::{
    Body, Entry, Error, Reason, Resume,
    post::{next, next_incarnation},
    tables::{At, ENTRIES, HEAD, Head, ISSUED, Way},
};

/// Where the newest head is kept apart from the books, so that books which were put back to an older state are told
/// by it.
///
/// Implementations must keep what was saved over a power cut, and lose nothing that was saved before when they fail.
pub trait Checkpoint: fmt::Debug + Send + Sync {
    /// What was saved last; nothing if nothing ever was.
    ///
    /// # Errors
    /// [`nonos_store::Error::Storage`], [`nonos_store::Error::Damaged`].
    fn load(&self) -> Result<Option<FeedHead>, nonos_store::Error>;

    /// Saves a head, durably.
    ///
    /// # Errors
    /// [`nonos_store::Error::Storage`].
    fn save(&self, head: &FeedHead) -> Result<(), nonos_store::Error>;
}

/// What a head that was heard of says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Heard {
    /// It is an entry of these books.
    Ours,
    /// It is of an incarnation before: what came of it may be missing here, and no more will come.
    Past,
    /// It is of this incarnation, and not in these books: they were put back, or another node has the same key.
    Elsewhere,
    /// The books go on in a later incarnation elsewhere: these must not.
    Later,
}

impl Ledger {
    /// Has the newest head saved there, too, from now on. Nothing that depends on an entry is returned before.
    ///
    /// # Errors
    /// [`Error::Behind`] if what was saved is not in the books; [`Error::Store`].
    pub fn with_checkpoint(self, checkpoint: impl Checkpoint + 'static) -> Result<Self, Error> {
        let head = self.head()?;
        match self.with_old_checkpoint(checkpoint)? {
            (_, Some(known)) => Err(Error::Behind {
                head: Box::new(head),
                known: Box::new(known),
            }),
            (ledger, None) => Ok(ledger),
        }
    }

    /// The same, but books that are behind what was saved are stopped until they are resumed, and the checkpoint
    /// stays as it is. Gives what was saved then.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn with_old_checkpoint(
        mut self,
        checkpoint: impl Checkpoint + 'static,
    ) -> Result<(Self, Option<FeedHead>), Error> {
        let (head, known) = (self.head()?, checkpoint.load()?);
        let behind = match known {
            Some(known) => (self.hear(&known)? != Heard::Ours).then_some(known),
            None => None,
        };
        if behind.is_some() {
            self.stop();
        } else if head != FeedHead::NONE {
            checkpoint.save(&head)?;
        }
        self.checkpoint = Some(Box::new(checkpoint));
        Ok((self, behind))
    }

    /// The newest entry; the default if there is none.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn head(&self) -> Result<FeedHead, Error> {
        Ok(HEAD.get(&*self.store, &())?.unwrap_or_default().0)
    }

    /// Which life of the books this is.
    ///
    /// # Errors
    /// As [`Ledger::head`].
    pub fn incarnation(&self) -> Result<Incarnation, Error> {
        Ok(self.head()?.incarnation)
    }

    /// What a head says that somebody has heard of from these books' author.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Derived`], [`Error::Store`].
    pub fn hear(&self, heard: &FeedHead) -> Result<Heard, Error> {
        let head = self.head()?;
        if heard.incarnation > head.incarnation {
            return Ok(Heard::Later);
        }
        let known = heard == &FeedHead::NONE
            || heard.sequence <= head.sequence && {
                let entry = ENTRIES.get(&*self.store, &At(heard.sequence))?;
                let entry = entry.and_then(|bytes| Signed::<Entry>::from_bytes(&bytes).ok());
                entry.is_some_and(|it| it.digest(self.author) == heard.digest)
            };
        Ok(match known {
            true => Heard::Ours,
            false if heard.incarnation < head.incarnation => Heard::Past,
            false => Heard::Elsewhere,
        })
    }

    /// Appends nothing more, until [`Ledger::resume`]: for one whose key may be used elsewhere.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// Goes on in a new incarnation, after all that is known: the newest of the heads that were heard of, if it is
    /// newer than these books. Whatever was signed up to there stays owed, and can be
    /// [taken back](Ledger::take_back) where it turns up.
    ///
    /// # Errors
    /// [`Error::NotAfter`] if `last` is not so far as the books are, [`Error::TooManyIncarnations`], and those of
    /// appending.
    pub fn resume(
        &self,
        last: FeedHead,
        reason: Reason,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<FeedHead, Error> {
        let _turn = self.turn();
        let incarnation = next_incarnation(last.incarnation)?;
        let body = Body::Resume(Resume { last, reason });
        let head = self.append_as(&*self.store, incarnation, body, key, now)?;
        self.save(&head)?;
        self.stopped.store(false, Ordering::Release);
        Ok(head)
    }

    /// Books a voucher that the author signed in an incarnation before and has lost, if it is the next one to its
    /// payee. It was owed all the time.
    ///
    /// # Errors
    /// [`Error::ForeignNetwork`], [`Error::WrongKey`] if the author has not signed it,
    /// [`Error::OtherIncarnation`] if it is not of one before, what else is wrong with it as in
    /// [`Ledger::receive`], and those of appending.
    pub fn take_back(
        &self,
        voucher: &Signed<Voucher>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Received, Error> {
        self.books(&*self.store).check_network(voucher.network)?;
        if voucher.signer() != self.author {
            return Err(Error::WrongKey { author: self.author });
        }
        let _turn = self.turn();
        let expected = self.incarnation()?;
        if voucher.incarnation >= expected {
            return Err(Error::OtherIncarnation {
                expected,
                actual: voucher.incarnation,
            });
        }
        let (payee, sequence) = (voucher.payee, voucher.sequence);
        let way = Way(payee, voucher.incarnation);
        let have = ISSUED.get(&*self.store, &way)?.unwrap_or_default().sequence;
        if sequence <= have {
            let known = self.issued(way, sequence)?;
            return match known.is_some_and(|it| it.id() == voucher.id()) {
                true => Ok(Received::Known),
                false => Err(Error::Conflict {
                    payer: self.author,
                    sequence,
                }),
            };
        }
        if sequence > next(have)? {
            return Ok(Received::Gap { have });
        }
        let body = Body::Paid {
            voucher: Box::new(voucher.clone()),
        };
        self.append(body, key, now)?;
        Ok(Received::Booked)
    }

    /// Whether a voucher is in the books, on whichever side.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn has(&self, voucher: &Signed<Voucher>) -> Result<bool, Error> {
        let (sequence, incarnation) = (voucher.sequence, voucher.incarnation);
        let known = if voucher.signer() == self.author {
            self.issued(Way(voucher.payee, incarnation), sequence)?
        } else {
            self.got(Way(voucher.signer(), incarnation), sequence)?
        };
        Ok(known.is_some_and(|it| it.id() == voucher.id()))
    }

    pub(super) fn save(&self, head: &FeedHead) -> Result<(), Error> {
        match &self.checkpoint {
            Some(checkpoint) => Ok(checkpoint.save(head)?),
            None => Ok(()),
        }
    }

    pub(super) fn head_of(store: &dyn Store) -> Result<FeedHead, Error> {
        let Head(head) = HEAD.get(store, &())?.unwrap_or_default();
        Ok(head)
    }
}
