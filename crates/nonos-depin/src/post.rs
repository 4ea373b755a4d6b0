//! The rules of the books: what an entry may say after those before it, and what follows from it.
//!
//! Appending and verifying both go through [`post`], so that there is one set of rules.

use std::collections::BTreeMap;

use nonos_store::{Batch, Store, Table};
use nonos_types::{
    Amount, FeeKind, FeedHead, Incarnation, JobId, Line, NetworkId, NodeId, Sequence, Signed, Timestamp,
    Voucher,
};

use crate::{
    Account, Damage, Error, SignedAmount,
    account::{Posting, transfer},
    entry::{Body, Claimed, Entry, Resume},
    tables::{
        Asked, At, BALANCES, BOOKED, CLAIMS, Channel, ENTRIES, EXECUTED, Fee, FeeIn, HEAD, HOLDS, Head, Held,
        ISSUED, ISSUED_AT, JobSlot, PAID, PeerSequence, PeerSlot, REBOOKED, RECEIVED, RECEIVED_AT, REPAID,
        Way,
    },
};

/// The most the books take for one job, in one claim, and in all from one peer or to it: 2⁹⁶ atto-NONOS, so
/// that no balance of an account can overflow by what peers sign.
pub const MAX_AMOUNT: Amount = Amount::from_atto(1 << 96);

/// The last incarnation there is. Each can repeat the fees of those before once, so that what a payer can make
/// others write without owing anything is bounded.
pub const MAX_INCARNATION: Incarnation = Incarnation::new(63);

/// Whose books, and where they are.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    pub(crate) store: &'a dyn Store,
    /// Where their entries are.
    pub(crate) feed: &'a dyn Store,
    pub(crate) network: NetworkId,
    pub(crate) author: NodeId,
}

/// Everything an entry changes but the feed itself. The entry must have its place in the feed already.
pub(crate) fn post(books: Books<'_>, entry: &Signed<Entry>) -> Result<Batch, Error> {
    let mut posting = Post {
        books,
        at: At(entry.sequence),
        incarnation: entry.incarnation,
        batch: Batch::new(),
        postings: Vec::new(),
    };
    books.check_network(entry.network)?;
    let Head(before) = HEAD.get(books.store, &())?.unwrap_or_default();
    if !matches!(entry.body, Body::Resume(_)) {
        check_incarnation(before.incarnation, entry.incarnation)?;
    }
    match &entry.body {
        Body::Hold { job, amount } => posting.hold(*job, *amount)?,
        Body::Release { job } => posting.release(*job)?,
        Body::Claimed(it) => posting.claimed(it)?,
        Body::Paid { voucher } => posting.paid(voucher)?,
        Body::Received { voucher } => posting.received(voucher)?,
        Body::Resume(it) => check_resume(before, it, entry.incarnation)?,
    }
    let head = Head(FeedHead {
        incarnation: entry.incarnation,
        sequence: entry.sequence,
        digest: entry.digest(books.author),
    });
    let Post {
        mut batch, postings, ..
    } = posting;
    balance(books.store, &mut batch, &postings)?;
    HEAD.put(&mut batch, &(), &head);
    Ok(batch)
}

impl Books<'_> {
    /// The line for the same fee in an entry: of which incarnation its voucher is, and how much it is.
    fn line(&self, at: At, like: &Line) -> Result<(Incarnation, Amount), Error> {
        let corrupt = |source| Error::Corrupt { entry: at.0, source };
        let bytes = ENTRIES.get(self.feed, &at)?.ok_or(corrupt(Damage::Missing))?;
        let entry =
            Signed::<Entry>::from_bytes(&bytes).map_err(|error| corrupt(Damage::Unreadable(error)))?;
        let (Body::Paid { voucher } | Body::Received { voucher }) = &entry.body else {
            return Err(corrupt(Damage::OutOfPlace));
        };
        let name = |it: &Line| (it.job, it.slot, it.kind);
        let line = voucher.lines.iter().find(|it| name(it) == name(like));
        let line = line.ok_or(corrupt(Damage::OutOfPlace))?;
        Ok((voucher.incarnation, line.amount))
    }

    pub(crate) fn check_network(&self, actual: NetworkId) -> Result<(), Error> {
        if actual == self.network {
            Ok(())
        } else {
            Err(Error::ForeignNetwork {
                expected: self.network,
                actual,
            })
        }
    }
}

fn check_incarnation(expected: Incarnation, actual: Incarnation) -> Result<(), Error> {
    if actual == expected {
        Ok(())
    } else {
        Err(Error::OtherIncarnation { expected, actual })
    }
}

/// What goes on in `incarnation` goes on after all that is known.
fn check_resume(head: FeedHead, resume: &Resume, incarnation: Incarnation) -> Result<(), Error> {
    let last = resume.last;
    if (last.incarnation, last.sequence) < (head.incarnation, head.sequence) {
        return Err(Error::NotAfter {
            head: Box::new(head),
            last: Box::new(last),
        });
    }
    check_incarnation(next_incarnation(last.incarnation)?, incarnation)
}

pub(crate) fn next_incarnation(last: Incarnation) -> Result<Incarnation, Error> {
    let next = last.checked_add(Incarnation::new(1)).ok_or(Error::Overflow)?;
    check_most(next)?;
    Ok(next)
}

pub(crate) fn check_most(actual: Incarnation) -> Result<(), Error> {
    if actual <= MAX_INCARNATION {
        Ok(())
    } else {
        Err(Error::TooManyIncarnations {
            most: MAX_INCARNATION,
            actual,
        })
    }
}

pub(crate) fn check_amount(amount: Amount) -> Result<(), Error> {
    if amount <= MAX_AMOUNT {
        Ok(())
    } else {
        Err(Error::TooMuch { most: MAX_AMOUNT })
    }
}

/// The voucher that pays `lines` after those before it.
pub(crate) fn next_voucher(
    books: Books<'_>,
    payee: NodeId,
    lines: Vec<Line>,
    at: Timestamp,
) -> Result<Voucher, Error> {
    let Head(head) = HEAD.get(books.store, &())?.unwrap_or_default();
    let way = Way(payee, head.incarnation);
    let before = ISSUED.get(books.store, &way)?.unwrap_or_default();
    let total = lines
        .iter()
        .try_fold(before.total, |sum, line| sum.checked_add(line.amount));
    let total = total.ok_or(Error::TooMuch { most: MAX_AMOUNT })?;
    check_amount(total)?;
    Ok(Voucher {
        network: books.network,
        payee,
        incarnation: head.incarnation,
        sequence: next(before.sequence)?,
        total,
        lines,
        at,
    })
}

/// The sequence after this one.
pub(crate) fn next(sequence: Sequence) -> Result<Sequence, Error> {
    sequence.checked_add(Sequence::new(1)).ok_or(Error::Overflow)
}

struct Post<'a> {
    books: Books<'a>,
    at: At,
    incarnation: Incarnation,
    batch: Batch,
    postings: Vec<Posting>,
}

impl Post<'_> {
    fn transfer(&mut self, from: Account, to: Account, amount: Amount) -> Result<(), Error> {
        self.postings.extend(transfer(from, to, amount)?);
        Ok(())
    }

    fn hold(&mut self, job: JobId, amount: Amount) -> Result<(), Error> {
        check_amount(amount)?;
        if let Some(Held { amount: held, .. }) = HOLDS.get(self.books.store, &job)? {
            return Err(Error::HeldOtherwise { job, held });
        }
        HOLDS.put(&mut self.batch, &job, &Held { amount, open: true });
        self.transfer(Account::Committed, Account::Held, amount)
    }

    fn release(&mut self, job: JobId) -> Result<(), Error> {
        let held = HOLDS.get(self.books.store, &job)?.filter(|it| it.open);
        let Held { amount, .. } = held.ok_or(Error::NotHeld { job })?;
        HOLDS.put(&mut self.batch, &job, &Held { amount, open: false });
        self.transfer(Account::Held, Account::Committed, amount)
    }

    fn claimed(&mut self, claim: &Claimed) -> Result<(), Error> {
        let Claimed {
            receipt,
            requester,
            job,
            slot,
            amount,
        } = *claim;
        check_amount(amount)?;
        if requester == self.books.author {
            return Err(Error::Oneself);
        }
        let fee = Fee(requester, job, slot, FeeKind::Execute);
        let paid = BOOKED.get(self.books.store, &fee)?.is_some();
        let key = PeerSlot(requester, job, slot);
        let before = CLAIMS.get(self.books.store, &key)?;
        if paid || before.is_some_and(|it| it.receipt == receipt) {
            return Err(Error::ClaimedBefore { receipt });
        }
        if let Some(before) = before {
            self.transfer(Account::Due(requester), Account::Asked, before.amount)?;
        }
        let asked = Asked {
            receipt,
            amount,
            open: true,
        };
        CLAIMS.put(&mut self.batch, &key, &asked);
        self.transfer(Account::Asked, Account::Due(requester), amount)
    }

    fn paid(&mut self, voucher: &Signed<Voucher>) -> Result<(), Error> {
        let (payee, author) = (voucher.payee, self.books.author);
        if voucher.signer() != author {
            return Err(Error::WrongKey { author });
        }
        // One of an incarnation before was lost, and is back.
        let is_back = voucher.incarnation < self.incarnation;
        if !is_back {
            check_incarnation(self.incarnation, voucher.incarnation)?;
        }
        let way = Way(payee, voucher.incarnation);
        let before = ISSUED.get(self.books.store, &way)?;
        let after = self.advance(before, voucher)?;
        ISSUED.put(&mut self.batch, &way, &after);
        ISSUED_AT.put(&mut self.batch, &PeerSequence(way, voucher.sequence), &self.at);
        for line in &voucher.lines {
            let fee = Fee(payee, line.job, line.slot, line.kind);
            let amount = self.counts(&PAID, &REPAID, fee, voucher.incarnation, line)?;
            if line.kind == FeeKind::Execute {
                let key = JobSlot(line.job, line.slot);
                match EXECUTED.get(self.books.store, &key)? {
                    None => EXECUTED.put(&mut self.batch, &key, &payee),
                    // What was signed is owed, also if somebody else was paid before it was back.
                    Some(_) if is_back => {}
                    Some(payee) => {
                        let (job, slot) = (line.job, line.slot);
                        return Err(Error::PaidToAnother { job, slot, payee });
                    }
                }
            }
            self.transfer(Account::Ext(payee), Account::Spent(line.kind), amount)?;
        }
        Ok(())
    }

    fn received(&mut self, voucher: &Signed<Voucher>) -> Result<(), Error> {
        let payer = voucher.signer();
        if voucher.payee != self.books.author {
            return Err(Error::NotPayee { payee: voucher.payee });
        }
        check_most(voucher.incarnation)?;
        let way = Way(payer, voucher.incarnation);
        let before = RECEIVED.get(self.books.store, &way)?;
        let after = self.advance(before, voucher)?;
        RECEIVED.put(&mut self.batch, &way, &after);
        RECEIVED_AT.put(&mut self.batch, &PeerSequence(way, voucher.sequence), &self.at);
        for line in &voucher.lines {
            let fee = Fee(payer, line.job, line.slot, line.kind);
            let amount = self.counts(&BOOKED, &REBOOKED, fee, voucher.incarnation, line)?;
            self.transfer(Account::Earned(line.kind), Account::Ext(payer), amount)?;
            if line.kind == FeeKind::Execute {
                self.close_claim(payer, line)?;
            }
        }
        Ok(())
    }

    /// What a line adds to what counts for its fee: all, if the fee is new. A payer that lost its books may sign for
    /// a fee again in a later incarnation; then the larger one counts, once, whichever of them comes first.
    fn counts(
        &mut self,
        counted: &Table<Fee, At>,
        repeated: &Table<FeeIn, ()>,
        fee: Fee,
        incarnation: Incarnation,
        line: &Line,
    ) -> Result<Amount, Error> {
        let Some(at) = counted.get(self.books.store, &fee)? else {
            counted.put(&mut self.batch, &fee, &self.at);
            return Ok(line.amount);
        };
        let (before, amount) = self.books.line(at, line)?;
        let again = FeeIn(fee, incarnation);
        if before == incarnation || repeated.get(self.books.store, &again)?.is_some() {
            return Err(same_line(line));
        }
        repeated.put(&mut self.batch, &again, &());
        repeated.put(&mut self.batch, &FeeIn(fee, before), &());
        match line.amount.checked_sub(amount) {
            Some(more) if more > Amount::ZERO => {
                counted.put(&mut self.batch, &fee, &self.at);
                Ok(more)
            }
            _ => Ok(Amount::ZERO),
        }
    }

    /// Who is paid for a run asks no more for it.
    fn close_claim(&mut self, payer: NodeId, line: &Line) -> Result<(), Error> {
        let key = PeerSlot(payer, line.job, line.slot);
        if let Some(asked) = CLAIMS.get(self.books.store, &key)?.filter(|it| it.open) {
            self.transfer(Account::Due(payer), Account::Asked, asked.amount)?;
            CLAIMS.put(&mut self.batch, &key, &Asked { open: false, ..asked });
        }
        Ok(())
    }

    /// State of a channel after a voucher, which must be the next one.
    fn advance(&self, before: Option<Channel>, voucher: &Voucher) -> Result<Channel, Error> {
        self.books.check_network(voucher.network)?;
        let before = before.unwrap_or_default();
        let expected = next(before.sequence)?;
        if voucher.sequence != expected {
            return Err(Error::NotNext {
                expected,
                actual: voucher.sequence,
            });
        }
        let Voucher { sequence, total, .. } = *voucher;
        if total > MAX_AMOUNT {
            return Err(Error::TotalTooLarge {
                total,
                most: MAX_AMOUNT,
            });
        }
        let sum = voucher
            .lines
            .iter()
            .try_fold(before.total, |sum, line| sum.checked_add(line.amount));
        let expected = sum.ok_or(Error::Overflow)?;
        if total != expected {
            return Err(Error::WrongTotal {
                expected,
                actual: total,
            });
        }
        Ok(Channel { sequence, total })
    }
}

fn same_line(line: &Line) -> Error {
    Error::SameLine {
        job: line.job,
        slot: line.slot,
        kind: line.kind,
    }
}

/// Adds postings to the balances; their sum must be zero.
fn balance(store: &dyn Store, batch: &mut Batch, postings: &[Posting]) -> Result<(), Error> {
    let mut sums = BTreeMap::<Account, SignedAmount>::new();
    let mut all = SignedAmount::ZERO;
    for Posting { account, amount } in postings {
        let sum = sums.entry(*account).or_default();
        *sum = sum.checked_add(*amount).ok_or(Error::Overflow)?;
        all = all.checked_add(*amount).ok_or(Error::Overflow)?;
    }
    if all != SignedAmount::ZERO {
        return Err(Error::Unbalanced);
    }
    for (account, sum) in sums {
        let before = BALANCES.get(store, &account)?.unwrap_or_default();
        let after = before.checked_add(sum).ok_or(Error::Overflow)?;
        BALANCES.put(batch, &account, &after);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nonos_store::MemoryStore;

    use super::*;

    #[test]
    fn refuses_postings_that_are_not_zero_in_sum() {
        let [to, from] = transfer(Account::Committed, Account::Held, Amount::from_atto(5)).expect("it fits");
        let post = |postings: &[Posting]| balance(&MemoryStore::new(), &mut Batch::new(), postings);
        assert!(post(&[to, from]).is_ok());
        assert!(matches!(post(&[to]), Err(Error::Unbalanced)));
    }
}
