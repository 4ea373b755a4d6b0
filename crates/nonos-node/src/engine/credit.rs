//! How much may be unpaid between this node and a peer.

use nonos_types::{Amount, NodeId, Offer, Signed};

use super::{Engine, Error, executor::Refusal};

impl Engine {
    /// Would a run for this offer leave more unpaid than its requester may?
    pub(super) fn over_credit(&self, offer: &Signed<Offer>) -> Result<Option<Refusal>, Error> {
        let requester = offer.signer();
        let unpaid = self.ledger.unpaid_by(requester)?;
        let state = self.trust.standing(requester, self.now.time)?.state;
        let limit = self.config.credit.limit(state);
        let with = unpaid.checked_add(offer.max_fee);
        Ok((with.is_none_or(|it| it > limit)).then(|| Refusal::Credit {
            unpaid: unpaid.to_string(),
            fee: offer.max_fee.to_string(),
            limit: limit.to_string(),
        }))
    }

    /// Would this node owe a peer more than it wants to, with so much more?
    pub(super) fn would_owe_too_much(&self, peer: NodeId, more: Amount) -> Result<bool, Error> {
        let owed = self.ledger.owed_by(peer)?;
        let mine = if owed.atto() < 0 {
            owed.magnitude()
        } else {
            Amount::ZERO
        };
        let with = mine.checked_add(more);
        Ok(with.is_none_or(|it| it > self.config.credit.most_owed))
    }

    /// May a slot of a job be awarded to a peer, if all it has of this node's jobs has to be paid?
    pub(super) fn may_owe(&self, peer: NodeId, max_fee: Amount) -> Result<bool, Error> {
        let own = self.open.iter().filter_map(|id| self.jobs.get(id));
        let own = own.filter(|job| job.offer.signer() == self.me);
        let mut more = Some(max_fee);
        for job in own {
            let awaited = |seat: &&super::job::Seat| seat.paid.is_none() && seat.executor() == Some(peer);
            for _ in job.seats.iter().filter(awaited) {
                more = more.and_then(|sum| sum.checked_add(job.offer.max_fee));
            }
        }
        match more {
            Some(more) => Ok(!self.would_owe_too_much(peer, more)?),
            None => Ok(false),
        }
    }
}
