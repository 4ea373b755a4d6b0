//! Whether evidence shows a fault: the same answer for everyone who can check the proof, with no network and no
//! clock.

use nonos_types::{
    Accusation, BadRelay, ByteLen, Evidence, EvidenceId, FalseAccusation, FalseVerdict, InvalidProof,
    NetworkId, NodeId, ProofDigest, Receipt, Signed, TapesDigest,
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
/// E3, a false verdict: it is about the receipt, tapes and proof are the bytes that the receipt's executor signed for, and the
/// check finds the contrary of what the verdict says.
///
/// E6, a voucher conflict: two vouchers of one channel cannot both be. E5, a feed fork: two entries of one author are for one
/// place in its books, and differ. Neither needs a check.
///
/// E8, a false accusation: judged by itself, it shows no fault. If it cannot be judged here, nor can this.
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
            let whose = || (it.receipt.signer(), it.id());
            judge_invalid_proof(accusation.network, it, check, whose)
        }
        Evidence::BadRelay(it) => judge_bad_relay(accusation.network, it, check),
        Evidence::ForkedHead(it) => {
            let shown = it.first.network == accusation.network && it.is_fork();
            shown_by_itself(shown, &accusation.evidence)
        }
        Evidence::Equivocation(it) => {
            let shown = it.first.network == accusation.network && it.is_equivocal();
            shown_by_itself(shown, &accusation.evidence)
        }
        Evidence::NonceReuse(it) => {
            let shown = it.first.network() == accusation.network && it.is_reuse();
            shown_by_itself(shown, &accusation.evidence)
        }
        Evidence::VoucherConflict(it) => {
            let shown = it.first.network == accusation.network && it.is_conflict();
            shown_by_itself(shown, &accusation.evidence)
        }
        Evidence::FeedFork(it) => {
            let shown = it.first.network == accusation.network && it.is_fork();
            shown_by_itself(shown, &accusation.evidence)
        }
        Evidence::FalseVerdict(it) => judge_false_verdict(accusation.network, it, check),
        Evidence::FalseAccusation(it) => judge_false_accusation(accusation.network, it, check),
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

/// What two signed messages show, or do not, needs no check of a proof. Reading has seen to it; a value that was not read may
/// be anything.
fn shown_by_itself(shown: bool, evidence: &Evidence) -> Judgement {
    if shown {
        guilty(evidence.subject(), evidence.id())
    } else {
        Judgement::Innocent
    }
}

fn judge_false_verdict(network: NetworkId, it: &FalseVerdict, check: &dyn ProofCheck) -> Judgement {
    if !it.is_about() {
        return Judgement::Innocent;
    }
    match found(network, &it.item, check) {
        None => Judgement::Innocent,
        Some(ProofVerdict::Unknown { reason }) => Judgement::Indeterminate { reason },
        Some(ProofVerdict::Valid) if it.verdict.valid => Judgement::Innocent,
        Some(ProofVerdict::Invalid) if !it.verdict.valid => Judgement::Innocent,
        Some(ProofVerdict::Valid | ProofVerdict::Invalid) => guilty(it.subject(), it.id()),
    }
}

/// One accusation within another, and no more: reading refuses what is deeper, and so does this.
fn judge_false_accusation(network: NetworkId, it: &FalseAccusation, check: &dyn ProofCheck) -> Judgement {
    if it.accusation.network != network || !it.is_shallow() {
        return Judgement::Innocent;
    }
    match judge(&it.accusation, check) {
        Judgement::Innocent => guilty(it.subject(), it.id()),
        Judgement::Guilty { .. } => Judgement::Innocent,
        unclear @ Judgement::Indeterminate { .. } => unclear,
    }
}

fn guilty(subject: NodeId, evidence: EvidenceId) -> Judgement {
    Judgement::Guilty { subject, evidence }
}

/// Is the proof invalid that the receipt commits to? If so, who is guilty of what?
fn judge_invalid_proof(
    network: NetworkId,
    it: &InvalidProof,
    check: &dyn ProofCheck,
    whose: impl FnOnce() -> (NodeId, EvidenceId),
) -> Judgement {
    match found(network, it, check) {
        None | Some(ProofVerdict::Valid) => Judgement::Innocent,
        Some(ProofVerdict::Invalid) => {
            let (subject, evidence) = whose();
            guilty(subject, evidence)
        }
        Some(ProofVerdict::Unknown { reason }) => Judgement::Indeterminate { reason },
    }
}

/// What the check finds of the proof that a receipt commits to; nothing, if these are not the bytes that it does commit to.
fn found(network: NetworkId, it: &InvalidProof, check: &dyn ProofCheck) -> Option<ProofVerdict> {
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
    as_signed.then(|| check.check(receipt.value(), tapes, proof))
}
