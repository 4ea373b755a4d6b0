//! What can be asked of the books.

use std::ops::Bound;

use nonos_store::Store;
use nonos_types::{Amount, Incarnation, JobId, NetworkId, NodeId, Sequence, Signed, Slot, Voucher};

use super::{Ledger, derived};
use crate::{
    Account, Balance, Body, Damage, Entry, Error, SignedAmount,
    audit::{self, Report},
    post::Books,
    tables::{At, BALANCES, ENTRIES, EXECUTED, ISSUED, ISSUED_AT, JobSlot, PeerSequence, RECEIVED_AT, Way},
};

impl Ledger {
    /// A voucher the author signed; to answer who lacks it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Derived`], [`Error::Store`].
    pub fn voucher(
        &self,
        payee: NodeId,
        incarnation: Incarnation,
        sequence: Sequence,
    ) -> Result<Option<Signed<Voucher>>, Error> {
        self.issued(Way(payee, incarnation), sequence)
    }

    pub(super) fn issued(&self, way: Way, sequence: Sequence) -> Result<Option<Signed<Voucher>>, Error> {
        let Some(at) = ISSUED_AT.get(&*self.store, &PeerSequence(way, sequence))? else {
            return Ok(None);
        };
        let Way(payee, incarnation) = way;
        let name = |it: &Voucher| (it.payee, it.incarnation, it.sequence);
        match self.entry(at)?.body {
            Body::Paid { voucher } if name(&voucher) == (payee, incarnation, sequence) => Ok(Some(*voucher)),
            _ => Err(derived("ledger-issued-at")),
        }
    }

    /// The newest voucher the author signed to `payee` in this incarnation; after a restart it may not have been
    /// sent.
    ///
    /// # Errors
    /// As [`Ledger::voucher`].
    pub fn last_voucher(&self, payee: NodeId) -> Result<Option<Signed<Voucher>>, Error> {
        let way = Way(payee, self.incarnation()?);
        match ISSUED.get(&*self.store, &way)? {
            Some(channel) => self.issued(way, channel.sequence),
            None => Ok(None),
        }
    }

    /// A voucher the author got.
    ///
    /// # Errors
    /// As [`Ledger::voucher`].
    pub fn received(
        &self,
        payer: NodeId,
        incarnation: Incarnation,
        sequence: Sequence,
    ) -> Result<Option<Signed<Voucher>>, Error> {
        self.got(Way(payer, incarnation), sequence)
    }

    pub(super) fn got(&self, way: Way, sequence: Sequence) -> Result<Option<Signed<Voucher>>, Error> {
        let Some(at) = RECEIVED_AT.get(&*self.store, &PeerSequence(way, sequence))? else {
            return Ok(None);
        };
        let Way(payer, incarnation) = way;
        let name = |it: &Signed<Voucher>| (it.signer(), it.incarnation, it.sequence);
        match self.entry(at)?.body {
            Body::Received { voucher } if name(&voucher) == (payer, incarnation, sequence) => {
                Ok(Some(*voucher))
            }
            _ => Err(derived("ledger-received-at")),
        }
    }

    /// What the books come to.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn balance(&self) -> Result<Balance, Error> {
        Balance::of(&self.accounts()?).ok_or_else(|| derived("ledger-balance"))
    }

    /// Every account with a balance, in order. Their sum is zero.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn accounts(&self) -> Result<Vec<(Account, SignedAmount)>, Error> {
        let _turn = self.turn();
        Ok(BALANCES.entries(&*self.store, Bound::Unbounded, usize::MAX)?)
    }

    /// What a peer owes the author by signed vouchers; negative if the author owes the peer. When each has all
    /// vouchers of the other, the peer's books say the opposite.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn owed_by(&self, peer: NodeId) -> Result<SignedAmount, Error> {
        Ok(BALANCES
            .get(&*self.store, &Account::Ext(peer))?
            .unwrap_or_default())
    }

    /// Has a peer ever owed the author anything by a signed voucher, or been owed?
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn has_dealt_with(&self, peer: NodeId) -> Result<bool, Error> {
        Ok(BALANCES.get(&*self.store, &Account::Ext(peer))?.is_some())
    }

    /// What a peer has had of the author and not paid: what it owes, and what was asked of it and is not signed.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn unpaid_by(&self, peer: NodeId) -> Result<Amount, Error> {
        let asked = BALANCES
            .get(&*self.store, &Account::Due(peer))?
            .unwrap_or_default();
        let unpaid = self.owed_by(peer)?.checked_add(asked).ok_or(Error::Overflow)?;
        Ok(unpaid.non_negative().unwrap_or(Amount::ZERO))
    }

    /// Every peer that ever owed or was owed, with [`Ledger::owed_by`].
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn peers(&self) -> Result<Vec<(NodeId, SignedAmount)>, Error> {
        let first = Account::Ext(NodeId::from_bytes([0; 32]));
        let accounts = BALANCES.entries(&*self.store, Bound::Included(&first), usize::MAX)?;
        let peer = |(account, amount)| match account {
            Account::Ext(peer) => Some((peer, amount)),
            _ => None,
        };
        Ok(accounts.into_iter().filter_map(peer).collect())
    }

    /// At most `limit` entries after one, or from the first, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Store`].
    pub fn entries(&self, after: Option<Sequence>, limit: usize) -> Result<Vec<Entry>, Error> {
        let after = after.map(At);
        let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let stored = ENTRIES.entries(&*self.store, from, limit)?;
        let read = |(at, bytes): (At, Vec<u8>)| {
            audit::read(self.books(&*self.store), at, &bytes).map(|entry| entry.value().clone())
        };
        stored.into_iter().map(read).collect()
    }

    /// At most `limit` entries after one, as they were signed, in order: what batches are made of.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Store`].
    pub fn feed(&self, after: Sequence, limit: usize) -> Result<Vec<Signed<Entry>>, Error> {
        let stored = ENTRIES.entries(&*self.store, Bound::Excluded(&At(after)), limit)?;
        let read = |(at, bytes): (At, Vec<u8>)| audit::read(self.books(&*self.store), at, &bytes);
        stored.into_iter().map(read).collect()
    }

    /// Computes everything again from the entries: signatures, sequence, chain, rules, sums, and every table
    /// that is derived from them. Nothing can be appended meanwhile.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the first bad entry, [`Error::Derived`] the first table that differs;
    /// [`Error::Store`].
    pub fn verify(&self) -> Result<Report, Error> {
        let _turn = self.turn();
        audit::verify(self.books(&*self.store))
    }

    /// Writes the derived tables again from the entries, which must be whole; for [`Error::Derived`].
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Store`]; nothing is changed then.
    pub fn rebuild(store: &dyn Store, network: NetworkId, author: NodeId) -> Result<Report, Error> {
        audit::rebuild(Books {
            store,
            feed: store,
            network,
            author,
        })
    }

    /// Who was paid for running a slot of a job.
    ///
    /// # Errors
    /// [`Error::Derived`], [`Error::Store`].
    pub fn paid(&self, job: JobId, slot: Slot) -> Result<Option<NodeId>, Error> {
        Ok(EXECUTED.get(&*self.store, &JobSlot(job, slot))?)
    }

    fn entry(&self, at: At) -> Result<Entry, Error> {
        let bytes = ENTRIES.get(&*self.store, &at)?.ok_or(Error::Corrupt {
            entry: at.0,
            source: Damage::Missing,
        })?;
        audit::read(self.books(&*self.store), at, &bytes).map(|entry| entry.value().clone())
    }
}
