use crate::{
    ByteLen, Error, EvidenceId, NetworkId, NodeId, Payload, Receipt, Signed, Timestamp,
    record::bytes::digest,
    wire::{self, proto},
};

const NAME: &str = "accusation";

/// A node, who signs it, accuses another of a fault that anyone can check offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accusation {
    /// Network of the fault: the receipt's.
    pub network: NetworkId,
    /// What shows it.
    pub evidence: Evidence,
    /// When the accuser found it.
    pub at: Timestamp,
}

/// What shows a fault. That it does is not known until it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// E1: a receipt whose proof does not verify.
    InvalidProof(Box<InvalidProof>),
}

/// A signed receipt, with the tapes and proof it commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidProof {
    /// The receipt.
    pub receipt: Signed<Receipt>,
    /// Bytes of the tapes.
    pub tapes: Vec<u8>,
    /// Bytes of the proof.
    pub proof: Vec<u8>,
}

impl Evidence {
    /// Its name: the same for the same fault, whoever accuses, whenever.
    pub fn id(&self) -> EvidenceId {
        match self {
            Self::InvalidProof(it) => it.id(),
        }
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        match self {
            Self::InvalidProof(it) => it.receipt.signer(),
        }
    }
}

impl Payload for Accusation {
    const TYPE: &'static str = NAME;
    /// Less than a page of a journal, in which it has to fit. Evidence of longer proofs or tapes does not travel.
    const MAX: ByteLen = ByteLen::new(960 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let Evidence::InvalidProof(it) = &self.evidence;
        wire::encode(&proto::Accusation {
            network_id: self.network.as_bytes().to_vec(),
            evidence: Some(proto::accusation::Evidence::InvalidProof(proto::InvalidProof {
                receipt: it.receipt.to_bytes(),
                tapes: it.tapes.clone(),
                proof: it.proof.clone(),
            })),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Accusation = wire::decode(NAME, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: NAME,
            field: "evidence",
        };
        let proto::accusation::Evidence::InvalidProof(it) = message.evidence.ok_or(missing)?;
        let network = digest(NAME, "network_id", &message.network_id)?;
        let receipt: Signed<Receipt> = Signed::from_bytes(&it.receipt)?;
        if receipt.network() != network {
            return Err(Error::BadField {
                message: NAME,
                field: "network_id",
            });
        }
        Ok(Self {
            network,
            evidence: Evidence::InvalidProof(Box::new(InvalidProof {
                receipt,
                tapes: it.tapes,
                proof: it.proof,
            })),
            at: Timestamp::new(message.at),
        })
    }
}
