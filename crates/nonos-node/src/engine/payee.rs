//! As one who is paid: vouchers.

use nonos_depin::{MAX_AMOUNT, Received};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{FeeKind, Line, Offer, Shard, Signed, Voucher};

use super::{Decision, Engine, Error, Need, Origin};
use crate::api::{Booked, What};

impl Engine {
    /// A voucher is for jobs that its signer offered, and within what he offered for them, or ran, and within what he gets
    /// for that: else anyone could fill these books with debts that nobody will pay.
    pub(super) fn judge_voucher(&mut self, it: &Signed<Voucher>, origin: &Origin) -> Result<Decision, Error> {
        if it.total > MAX_AMOUNT {
            return Ok(Decision::Reject);
        }
        for line in &it.lines {
            let offer = match self.jobs.get(&line.job) {
                Some(job) => job.offer.clone(),
                None => match self.journal.offer(line.job)? {
                    Some(offer) => offer,
                    None if it.payee != self.me && self.is_elsewhere(line.job)? => continue,
                    None if it.payee == self.me => {
                        self.want_offer(line.job, origin);
                        return Ok(self.park(Need::Job(line.job), it.clone(), origin));
                    }
                    None => return Ok(self.park(Need::Job(line.job), it.clone(), origin)),
                },
            };
            let known = offer.slots().any(|slot| slot == line.slot);
            // Who hears nothing of the job passes it on without knowing better.
            let wrong = match self.could_judge(origin, Shard::of(&offer.capsule)) {
                true => Decision::Reject,
                false => Decision::Ignore,
            };
            if line.amount > offer.max_fee || !known {
                return Ok(wrong);
            }
            if line.kind == FeeKind::Prove {
                if let Some(decision) = self.judge_proving(it, line, &offer, origin)? {
                    return Ok(decision);
                }
            } else if offer.signer() != it.signer() {
                return Ok(wrong);
            }
        }
        // Books that are stopped take it from the journal when they go on.
        if it.payee != self.me || self.doubled {
            return Ok(Decision::Accept);
        }
        match self
            .ledger
            .receive(it, self.identity.signing_key(), self.now.time)
        {
            Ok(Received::Booked | Received::Known) => Ok(Decision::Accept),
            Ok(Received::Gap { have }) => Ok(match self.saw_voucher_conflict(it, Some(have))? {
                true => Decision::Ignore,
                false => self.park(Need::Voucher(it.signer()), it.clone(), origin),
            }),
            Err(error)
                if matches!(
                    error.fault(),
                    nonos_types::Fault::Peer | nonos_types::Fault::Caller
                ) =>
            {
                // Only the payee can tell: whoever passed it on could not.
                tracing::warn!(payer = %it.signer(), %error, "voucher refused");
                self.saw_voucher_conflict(it, None)?;
                Ok(Decision::Ignore)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who pays for segments is the executor of the receipt that he names. Whoever has proved some for him need not have
    /// verified it. Nothing, if the line is right.
    fn judge_proving(
        &mut self,
        it: &Signed<Voucher>,
        line: &Line,
        offer: &Signed<Offer>,
        origin: &Origin,
    ) -> Result<Option<Decision>, Error> {
        let receipt = match self.receipts.get(&line.receipt) {
            Some(receipt) => Some(receipt.clone()),
            None => self.journal.receipt(line.receipt)?,
        };
        if let Some(receipt) = receipt {
            let proven = &receipt.record.proven;
            let right = receipt.signer() == it.signer() && proven.job == line.job && proven.slot == line.slot;
            let wrong = match self.could_judge(origin, Shard::of(&proven.capsule)) {
                true => Decision::Reject,
                false => Decision::Ignore,
            };
            return Ok((!right).then_some(wrong));
        }
        if it.payee == self.me && self.has_helped(line, it.signer())? {
            return Ok(None);
        }
        Ok(Some(if self.jobs.contains_key(&offer.job()) {
            self.park(Need::Receipt(line.receipt), it.clone(), origin)
        } else {
            Decision::Ignore
        }))
    }

    pub(super) fn saw_voucher(&mut self, it: &Signed<Voucher>) -> Result<(), Error> {
        if it.payee != self.me || self.doubled {
            return Ok(());
        }
        self.booked_voucher(it)?;
        self.book_unbooked()?;
        self.unpark(Need::Voucher(it.signer()))
    }

    /// A voucher to this node is in its books.
    pub(super) fn booked_voucher(&mut self, it: &Signed<Voucher>) -> Result<(), Error> {
        for line in &it.lines {
            let booked = Booked {
                slot: line.slot,
                kind: line.kind,
                peer: it.signer(),
                paid: false,
                amount: line.amount,
            };
            self.event(
                None,
                What::Booked {
                    job: line.job,
                    booked,
                },
            );
            self.paid_by_executor(it.signer(), line);
            // Each receipt that is known here and paid for is one deed.
            if line.kind == FeeKind::Execute && self.receipts.contains_key(&line.receipt) {
                self.observe(
                    it.signer(),
                    Context::Pay,
                    Deed::Good,
                    Cause::Receipt(line.receipt),
                )?;
            }
        }
        Ok(())
    }
}
