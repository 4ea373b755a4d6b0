use crate::{Error, EvidenceId, InvalidProof, NetworkId, NodeId, Signed, Verdict, wire::proto};

/// A verifier's verdict, and what shows whether it is true: the receipt it is about, with the tapes and the proof that the
/// receipt commits to. It is false if it says that a proof holds which does not, or that one does not which holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FalseVerdict {
    /// What the verifier signed.
    pub verdict: Signed<Verdict>,
    /// What it is about.
    pub item: InvalidProof,
}

impl FalseVerdict {
    /// Is it a verdict about this receipt? Whether it is true is another question.
    pub fn is_about(&self) -> bool {
        let receipt = &self.item.receipt;
        self.verdict.network == receipt.network() && self.verdict.receipt == receipt.receipt_id()
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.verdict.signer()
    }

    /// The evidence's name: the verifier's, the receipt's, and what was said. Who has said both has one such fault, and what is
    /// found of the true one says nothing of the other.
    pub fn id(&self) -> EvidenceId {
        EvidenceId::hash(&[
            b"false-verdict",
            self.subject().as_bytes(),
            self.verdict.receipt.as_bytes(),
            &[u8::from(self.verdict.valid)],
        ])
    }

    pub(super) fn to_proto(&self) -> proto::FalseVerdict {
        proto::FalseVerdict {
            verdict: self.verdict.to_bytes(),
            item: Some(self.item.to_proto()),
        }
    }

    pub(super) fn from_proto(it: proto::FalseVerdict, network: NetworkId) -> Result<Self, Error> {
        let missing = Error::Missing {
            message: super::accusation::NAME,
            field: "item",
        };
        let evidence = Self {
            verdict: Signed::from_bytes(&it.verdict)?,
            item: InvalidProof::from_proto(it.item.ok_or(missing)?, network)?,
        };
        if !evidence.is_about() {
            return Err(super::accusation::bad("false_verdict"));
        }
        Ok(evidence)
    }
}
