use super::{accusation::bad, pair};
use crate::{Error, EvidenceId, NetworkId, NodeId, Proven, Receipt, SegmentChain, Signed};

/// Two receipts that one executor signed for one attempt, which say that different things came of it. A nonce is spent before
/// its run, so that who takes a job up again does so under the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceReuse {
    /// That with the lesser name, so that the same two make one evidence.
    pub first: Signed<Receipt>,
    /// The other.
    pub second: Signed<Receipt>,
}

impl NonceReuse {
    /// The fault that these two receipts show, if they show one.
    pub fn of(one: &Signed<Receipt>, other: &Signed<Receipt>) -> Option<Self> {
        let (first, second) = pair::ordered(one, other, Signed::receipt_id);
        let both = Self {
            first: first.clone(),
            second: second.clone(),
        };
        both.is_reuse().then_some(both)
    }

    /// Are they of one nonce, and of two runs? The same run may be proved and asked a fee for again, in other segments: that
    /// says nothing else.
    pub fn is_reuse(&self) -> bool {
        let nonce = |it: &Signed<Receipt>| (it.signer(), it.record.proven.nonce);
        let run = |it: &Signed<Receipt>| Proven {
            segment_chain: SegmentChain::ZERO,
            ..it.record.proven.clone()
        };
        nonce(&self.first) == nonce(&self.second)
            && run(&self.first) != run(&self.second)
            && self.first.receipt_id() < self.second.receipt_id()
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.first.signer()
    }

    /// The evidence's name: the nonce's, which names network, job, slot, executor and attempt. However many receipts there are
    /// of one nonce, it is one fault.
    pub fn id(&self) -> EvidenceId {
        EvidenceId::hash(&[b"nonce-reuse", self.first.record.proven.nonce.as_bytes()])
    }

    /// Of an accusation for this network.
    pub(super) fn read(first: &[u8], second: &[u8], network: NetworkId) -> Result<Self, Error> {
        let (first, second) = pair::read(first, second)?;
        let evidence = Self { first, second };
        if evidence.first.network() != network {
            return Err(bad("network_id"));
        }
        if !evidence.is_reuse() {
            return Err(bad("nonce_reuse"));
        }
        Ok(evidence)
    }
}
