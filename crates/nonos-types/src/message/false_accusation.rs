use prost::Message as _;

use super::accusation::{Accusation, Evidence, InvalidProof, bad};
use crate::{Envelope, Error, EvidenceId, NetworkId, NodeId, Signed, wire::proto};

/// An accusation that shows no fault, whole, as its accuser signed it. Nobody can have changed it on the way: who signs for
/// evidence has to have looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseAccusation {
    /// What the accuser signed. It is not of this kind itself, so that nobody is led down a chain of them.
    pub accusation: Signed<Accusation>,
}

impl FalseAccusation {
    /// The fault of this accusation, if there can be one of its kind; whether it is false is to be judged.
    pub fn of(accusation: &Signed<Accusation>) -> Option<Self> {
        let it = Self {
            accusation: accusation.clone(),
        };
        it.is_shallow().then_some(it)
    }

    /// Is it about something else than another false accusation?
    pub fn is_shallow(&self) -> bool {
        !matches!(self.accusation.evidence, Evidence::FalseAccusation(_))
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.accusation.signer()
    }

    /// The receipt that the accusation is about.
    pub fn item(&self) -> Option<&InvalidProof> {
        self.accusation.evidence.item()
    }

    /// The evidence's name: the accusation's. Not that of what it says to show: who has signed a true one and a false one of
    /// the same fault would be protected by the true one.
    pub fn id(&self) -> EvidenceId {
        EvidenceId::hash(&[b"false-accusation", self.accusation.id().as_bytes()])
    }

    pub(super) fn to_proto(&self) -> proto::FalseAccusation {
        proto::FalseAccusation {
            accusation: self.accusation.to_bytes(),
        }
    }

    /// Of an accusation for this network.
    pub(super) fn read(bytes: &[u8], network: NetworkId) -> Result<Self, Error> {
        // Before it is read: what is within itself could be so thousands of times.
        let envelope = Envelope::from_bytes::<Accusation>(bytes)?;
        let message = super::accusation::NAME;
        let within = proto::Accusation::decode(envelope.payload());
        let within = within.map_err(|_| Error::Malformed { message })?;
        if within.false_accusation.is_some() {
            return Err(bad("false_accusation"));
        }
        let accusation: Signed<Accusation> = Signed::from_bytes(bytes)?;
        if accusation.network != network {
            return Err(bad("network_id"));
        }
        Ok(Self { accusation })
    }
}
