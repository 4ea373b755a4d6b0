//! One node's books.

mod read;
mod resume;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ed25519_dalek::SigningKey;
use nonos_store::{Durability, Overlay, Store};
use nonos_types::{
    Amount, FeeKind, FeedHead, Incarnation, JobId, Line, NetworkId, NodeId, Receipt, Sequence, Signed,
    Timestamp, Voucher,
};

pub use self::resume::{Checkpoint, Heard};
use crate::{
    Body, Claimed, Entry, Error, audit,
    post::{Books, check_amount, check_most, next, next_voucher, post},
    tables::{At, BOOKED, CLAIMS, ENTRIES, Fee, HOLDS, Held, PAID, PeerSlot, RECEIVED, Way},
};

/// One node's books over a store that nobody else writes `ledger-…` tables to.
///
/// Every change is one durable write, done when the call returns. A call that failed may be repeated, also after
/// a restart: what it had written already is not written again.
pub struct Ledger {
    store: Arc<dyn Store>,
    network: NetworkId,
    author: NodeId,
    checkpoint: Option<Box<dyn Checkpoint>>,
    /// Nothing is appended.
    stopped: AtomicBool,
    /// Held from reading what an entry depends on until the entry is written.
    turn: Mutex<()>,
}

/// What became of a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// It is in the books now.
    Booked,
    /// It was before.
    Known,
    /// It can be booked when those between are: ask the payer for the one after `have`.
    Gap {
        /// The newest that is in the books; 0 for none.
        have: Sequence,
    },
}

impl Ledger {
    /// Opens the books of `author`; an empty store has empty ones. The newest entry is checked, the others by
    /// [`Ledger::verify`].
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Derived`], [`Error::OtherBooks`], [`Error::Store`].
    pub fn open(store: Arc<dyn Store>, network: NetworkId, author: NodeId) -> Result<Self, Error> {
        let books = Books {
            store: &*store,
            feed: &*store,
            network,
            author,
        };
        audit::check_head(books)?;
        Ok(Self {
            store,
            network,
            author,
            checkpoint: None,
            stopped: AtomicBool::new(false),
            turn: Mutex::new(()),
        })
    }

    /// Sets `amount` aside for a job. Does nothing if the job has had it already, or if it is zero.
    ///
    /// # Errors
    /// [`Error::HeldOtherwise`], [`Error::TooMuch`], and those of appending: [`Error::WrongKey`],
    /// [`Error::Overflow`], [`Error::Raced`], [`Error::Store`].
    pub fn hold(&self, job: JobId, amount: Amount, key: &SigningKey, now: Timestamp) -> Result<(), Error> {
        let _turn = self.turn();
        match HOLDS.get(&*self.store, &job)? {
            Some(Held { amount: held, .. }) if held != amount => Err(Error::HeldOtherwise { job, held }),
            None if amount > Amount::ZERO => self.append(Body::Hold { job, amount }, key, now),
            _ => Ok(()),
        }
    }

    /// Ends what [`Ledger::hold`] began, whether or not anything was paid. Does nothing if nothing is held.
    ///
    /// # Errors
    /// Those of appending.
    pub fn release(&self, job: JobId, key: &SigningKey, now: Timestamp) -> Result<(), Error> {
        let _turn = self.turn();
        match HOLDS.get(&*self.store, &job)? {
            Some(Held { open: true, .. }) => self.append(Body::Release { job }, key, now),
            _ => Ok(()),
        }
    }

    /// Notes that the author asks `requester` for the fee of his receipt. Does nothing if it is noted, or paid,
    /// already, or zero. A further receipt for the same slot replaces the one before.
    ///
    /// # Errors
    /// [`Error::ForeignNetwork`], [`Error::NotExecutor`], [`Error::Oneself`], [`Error::TooMuch`], and those of
    /// appending.
    pub fn claim(
        &self,
        receipt: &Signed<Receipt>,
        requester: NodeId,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<(), Error> {
        let proven = &receipt.record.proven;
        self.books(&*self.store).check_network(proven.network)?;
        if receipt.signer() != self.author {
            return Err(Error::NotExecutor {
                executor: receipt.signer(),
            });
        }
        if requester == self.author {
            return Err(Error::Oneself);
        }
        check_amount(receipt.fee)?;
        let claim = Claimed {
            receipt: receipt.receipt_id(),
            requester,
            job: proven.job,
            slot: proven.slot,
            amount: receipt.fee,
        };
        let _turn = self.turn();
        let before = CLAIMS.get(&*self.store, &PeerSlot(requester, claim.job, claim.slot))?;
        let fee = Fee(requester, claim.job, claim.slot, FeeKind::Execute);
        if claim.amount == Amount::ZERO
            || before.is_some_and(|it| it.receipt == claim.receipt)
            || BOOKED.get(&*self.store, &fee)?.is_some()
        {
            return Ok(());
        }
        self.append(Body::Claimed(claim), key, now)
    }

    /// Signs the next voucher to `payee`. Lines that it was paid already (same job, slot and kind, whatever the
    /// amount), that come twice, or that are of nothing, are left out; `None` if no other is there. The voucher
    /// is in the books before it is returned.
    ///
    /// There is no limit here to what a payee may be owed: the caller sets it. After a call that failed with
    /// [`Error::Store`] nothing may be left to pay because it was written all the same: [`Ledger::last_voucher`]
    /// has the voucher then.
    ///
    /// # Errors
    /// [`Error::PaidToAnother`] if another was paid for running the slot, [`Error::Oneself`],
    /// [`Error::TooManyLines`], [`Error::TooMuch`], and those of appending.
    pub fn pay(
        &self,
        payee: NodeId,
        lines: Vec<Line>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Option<Signed<Voucher>>, Error> {
        let _turn = self.turn();
        let paid = self.pay_in(&*self.store, payee, lines, key, now)?;
        if paid.is_some() {
            self.save(&self.head()?)?;
        }
        Ok(paid)
    }

    /// The same for several payees, each as by [`Ledger::pay`], in one write: all of them are in the books, or none.
    /// One that comes again is paid again, what is new of it.
    ///
    /// # Errors
    /// As [`Ledger::pay`]; nobody is paid then.
    pub fn pay_all(
        &self,
        dues: impl IntoIterator<Item = (NodeId, Vec<Line>)>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Vec<Signed<Voucher>>, Error> {
        let _turn = self.turn();
        let overlay = Overlay::new(&*self.store);
        let mut vouchers = Vec::new();
        for (payee, lines) in dues {
            vouchers.extend(self.pay_in(&overlay, payee, lines, key, now)?);
        }
        if !vouchers.is_empty() {
            overlay.commit(Durability::Durable)?;
            self.save(&self.head()?)?;
        }
        Ok(vouchers)
    }

    fn pay_in(
        &self,
        store: &dyn Store,
        payee: NodeId,
        lines: Vec<Line>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Option<Signed<Voucher>>, Error> {
        if payee == self.author {
            return Err(Error::Oneself);
        }
        let lines = Self::unpaid(store, payee, lines)?;
        if lines.is_empty() {
            return Ok(None);
        }
        if lines.len() > Voucher::MAX_LINES {
            return Err(Error::TooManyLines {
                most: Voucher::MAX_LINES,
            });
        }
        let voucher = Signed::new(next_voucher(self.books(store), payee, lines, now)?, key);
        let body = Body::Paid {
            voucher: Box::new(voucher.clone()),
        };
        let incarnation = voucher.incarnation;
        self.check_running()?;
        self.append_as(store, incarnation, body, key, now)?;
        Ok(Some(voucher))
    }

    fn unpaid(store: &dyn Store, payee: NodeId, mut lines: Vec<Line>) -> Result<Vec<Line>, Error> {
        let mut names = BTreeSet::new();
        lines.retain(|it| it.amount > Amount::ZERO && names.insert((it.job, it.slot, it.kind)));
        let mut unpaid = Vec::new();
        for line in lines {
            let fee = Fee(payee, line.job, line.slot, line.kind);
            if PAID.get(store, &fee)?.is_none() {
                unpaid.push(line);
            }
        }
        Ok(unpaid)
    }

    /// Books a voucher to the author, if it is the next one of its payer.
    ///
    /// # Errors
    /// What is wrong with the voucher: [`Error::ForeignNetwork`], [`Error::NotPayee`],
    /// [`Error::TooManyIncarnations`], [`Error::WrongTotal`], [`Error::TotalTooLarge`], [`Error::Conflict`],
    /// [`Error::SameLine`]; and those of appending.
    pub fn receive(
        &self,
        voucher: &Signed<Voucher>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Received, Error> {
        self.books(&*self.store).check_network(voucher.network)?;
        if voucher.payee != self.author {
            return Err(Error::NotPayee { payee: voucher.payee });
        }
        check_most(voucher.incarnation)?;
        let (payer, sequence) = (voucher.signer(), voucher.sequence);
        let way = Way(payer, voucher.incarnation);
        let _turn = self.turn();
        let have = RECEIVED.get(&*self.store, &way)?.unwrap_or_default().sequence;
        if sequence <= have {
            let known = self
                .got(way, sequence)?
                .ok_or_else(|| derived("ledger-received-at"))?;
            return if known.id() == voucher.id() {
                Ok(Received::Known)
            } else {
                Err(Error::Conflict { payer, sequence })
            };
        }
        if sequence > next(have)? {
            return Ok(Received::Gap { have });
        }
        let body = Body::Received {
            voucher: Box::new(voucher.clone()),
        };
        self.append(body, key, now)?;
        Ok(Received::Booked)
    }

    fn append(&self, body: Body, key: &SigningKey, now: Timestamp) -> Result<(), Error> {
        self.check_running()?;
        let head = self.append_as(&*self.store, self.incarnation()?, body, key, now)?;
        self.save(&head)
    }

    /// Appends to the books as they are in `store`: the store itself, or what is to be written to it at once.
    fn append_as(
        &self,
        store: &dyn Store,
        incarnation: Incarnation,
        body: Body,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<FeedHead, Error> {
        self.check_key(key)?;
        let head = Self::head_of(store)?;
        let entry = Entry {
            network: self.network,
            incarnation,
            sequence: next(head.sequence)?,
            prev: head.digest,
            body,
            at: now,
        };
        let entry = Signed::new(entry, key);
        let mut batch = post(self.books(store), &entry)?;
        ENTRIES.insert(&mut batch, &At(entry.sequence), &entry.to_bytes());
        store.write(&batch, Durability::Durable)?;
        Ok(FeedHead {
            incarnation,
            sequence: entry.sequence,
            digest: entry.digest(self.author),
        })
    }

    fn check_running(&self) -> Result<(), Error> {
        if self.stopped.load(Ordering::Acquire) {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }

    fn check_key(&self, key: &SigningKey) -> Result<(), Error> {
        if key.verifying_key().as_bytes() == self.author.as_bytes() {
            Ok(())
        } else {
            Err(Error::WrongKey { author: self.author })
        }
    }

    fn books<'a>(&self, store: &'a dyn Store) -> Books<'a> {
        Books {
            store,
            feed: store,
            network: self.network,
            author: self.author,
        }
    }

    // A panic while it is held leaves nothing half done: the store writes whole batches.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("network", &self.network)
            .field("author", &self.author)
            .finish_non_exhaustive()
    }
}

fn derived(table: &str) -> Error {
    Error::Derived {
        table: table.to_owned(),
    }
}
