//! Whether evidence shows a fault: the same answer for everyone who can check the proof, with no network and no
//! clock.

use nonos_types::{
    Accusation, BadRelay, ByteLen, Equivocation, Evidence, EvidenceId, ForkedHead, InvalidProof, NetworkId,
    NodeId, NonceReuse, ProofDigest, Receipt, Signed, TapesDigest,
};

/// Checks a proof.
///
/// Implementations must
/// - give the same answer for the same bytes, whatever the time, the load or the network;
/// - answer [`ProofVerdict::Invalid`] only if the proof is malformed or refused under a verifying key they know;
/// - answer [`ProofVerdict::Unknown`] for everything else: an unknown key, backend or version, a capsule that is
///   not at hand, a limit of their own, a panic.
pub trait ProofCheck {
    /// Does `proof`, with these public `tapes`, prove the receipt's record? Both are the bytes its signer
    /// committed to.
    fn check(&self, receipt: &Receipt, tapes: &[u8], proof: &[u8]) -> ProofVerdict;
}

/// What a check of a proof finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofVerdict {
    /// It proves the record.
    Valid,
    /// It does not, under a known key.
    Invalid,
    /// This node cannot tell.
    Unknown {
        /// Why, for people.
        reason: String,
    },
}

/// What an accusation comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The evidence shows the fault.
    Guilty {
        /// Whose fault.
        subject: NodeId,
        /// On what evidence.
        evidence: EvidenceId,
    },
    /// The evidence shows no fault of the accused: nobody is blamed, since bytes can be changed on the way.
    Innocent,
    /// This node cannot tell, and blames nobody.
    Indeterminate {
        /// Why, for people.
        reason: String,
    },
}

/// Judges an accusation. Its signature and those of receipt, heads and descriptors in it were verified when it was read.
///
/// E1, an invalid proof: the receipt is of the accusation's network, tapes and proof are the bytes that its executor
/// signed for, and the check finds them invalid.
///
/// E4, a bad relay: all this, and the receipt is in a log that the relay signed for.
///
/// E9, a forked head: two heads of the relay are for one network, hour and size, and have different roots. That needs
/// no check of a proof.
///
/// E2, a nonce that was used twice: two receipts of the executor are of one nonce, and of runs that differ. Nor does that.
///
/// E7, an equivocation: two descriptors of the node are for one network and number, and differ. Nor does that.
///
/// ```
/// use nonos_trust::{Judgement, ProofCheck, ProofVerdict, judge};
/// use nonos_types::{Accusation, Receipt, Signed};
///
/// /// A node without any verifying key.
/// struct Keyless;
/// impl ProofCheck for Keyless {
///     fn check(&self, _: &Receipt, _: &[u8], _: &[u8]) -> ProofVerdict {
///         ProofVerdict::Unknown { reason: "no verifying key".to_owned() }
///     }
/// }
///
/// fn is_blamed(accusation: &Signed<Accusation>) -> bool {
///     matches!(judge(accusation, &Keyless), Judgement::Guilty { .. }) // never, by this node
/// }
/// ```
pub fn judge(accusation: &Signed<Accusation>, check: &dyn ProofCheck) -> Judgement {
    match &accusation.evidence {
        Evidence::InvalidProof(it) => {
            let guilty = || (it.receipt.signer(), it.id());
            judge_invalid_proof(accusation.network, it, check, guilty)
        }
        Evidence::BadRelay(it) => judge_bad_relay(accusation.network, it, check),
        Evidence::ForkedHead(it) => judge_forked_head(accusation.network, it),
        Evidence::Equivocation(it) => judge_equivocation(accusation.network, it),
        Evidence::NonceReuse(it) => judge_nonce_reuse(accusation.network, it),
    }
}

/// Reading has seen to the way from receipt to root; a value that was not read may be anything.
fn judge_bad_relay(network: NetworkId, it: &BadRelay, check: &dyn ProofCheck) -> Judgement {
    // The head is of the receipt's network, and whether that is the accusation's is seen to below.
    if !it.is_included() {
        return Judgement::Innocent;
    }
    judge_invalid_proof(network, &it.item, check, || (it.head.signer(), it.id()))
}

fn judge_forked_head(network: NetworkId, it: &ForkedHead) -> Judgement {
    if it.first.network != network || !it.is_fork() {
        return Judgement::Innocent;
    }
    Judgement::Guilty {
        subject: it.subject(),
        evidence: it.id(),
    }
}

fn judge_equivocation(network: NetworkId, it: &Equivocation) -> Judgement {
    if it.first.network != network || !it.is_equivocal() {
        return Judgement::Innocent;
    }
    Judgement::Guilty {
        subject: it.subject(),
        evidence: it.id(),
    }
}

fn judge_nonce_reuse(network: NetworkId, it: &NonceReuse) -> Judgement {
    if it.first.network() != network || !it.is_reuse() {
        return Judgement::Innocent;
    }
    Judgement::Guilty {
        subject: it.subject(),
        evidence: it.id(),
    }
}

/// Is the proof invalid that the receipt commits to? If so, who is guilty of what?
fn judge_invalid_proof(
    network: NetworkId,
    it: &InvalidProof,
    check: &dyn ProofCheck,
    guilty: impl FnOnce() -> (NodeId, EvidenceId),
) -> Judgement {
    let InvalidProof {
        receipt,
        tapes,
        proof,
    } = it;
    let as_signed = receipt.network() == network
        && ByteLen::from(tapes.len()) == receipt.tapes_len
        && ByteLen::from(proof.len()) == receipt.proof_len
        && TapesDigest::hash(&[tapes]) == receipt.tapes
        && ProofDigest::hash(&[proof]) == receipt.proof;
    if !as_signed {
        return Judgement::Innocent;
    }
    match check.check(receipt.value(), tapes, proof) {
        ProofVerdict::Valid => Judgement::Innocent,
        ProofVerdict::Invalid => {
            let (subject, evidence) = guilty();
            Judgement::Guilty { subject, evidence }
        }
        ProofVerdict::Unknown { reason } => Judgement::Indeterminate { reason },
    }
}
