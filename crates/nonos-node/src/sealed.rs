//! What a job hides, for those who may see it: seals and opens inputs and results (`docs/spec/sealed-job.md`), and says
//! which offers and claims cannot be right.

use nonos_machine::{Salt, SealedInput, tables::TapeWords};
use nonos_seal::{commit_input_by, commit_outputs_by};
use nonos_trust::{
    Identity,
    boxes::{self, BoxError, BoxSecret, ContentKey, InputLabel, Place},
};
use nonos_types::{
    Award, BackendId, BoxKey, ByteLen, Claim, CommitmentScheme, JobId, NetworkId, NodeId, Offer, Output,
    Receipt, ResultDigest, SealedDigest, SealedKey, SealedResult, SealedTape, Signed, Slot,
};
use zeroize::Zeroizing;

use crate::choice::System;

/// Why something sealed is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unopened {
    #[error(transparent)]
    Box(#[from] BoxError),
    #[error("the job has no sealed input")]
    NothingSealed,
    #[error("the award brings no key")]
    NoKey,
    #[error("the receipt promises no sealed result")]
    NoResult,
    #[error("its length is another than the message says")]
    Length,
    #[error("it is not what the commitment commits to")]
    Commitment,
    #[error("what was sealed is no opening of three tapes")]
    Opening,
}

/// What a backend commits to sealed tapes by, if it is known here.
pub(crate) fn scheme_of(backend: &BackendId) -> Option<CommitmentScheme> {
    let system = System::ALL.into_iter().find(|it| it.id() == *backend);
    system.map(System::scheme)
}

/// What of an offer cannot be right, whoever made it.
pub(crate) fn fault_of_offer(offer: &Offer) -> Option<&'static str> {
    let scheme = scheme_of(&offer.backend);
    if let Some(sealed) = &offer.sealed {
        // Of a backend that is not known here nothing is known.
        if scheme.is_some_and(|scheme| scheme != sealed.commitment.scheme) {
            return Some("scheme");
        }
        if !boxes::is_sealed_len(sealed.len) {
            return Some("length");
        }
    }
    let weak = offer.result_key.as_ref().is_some_and(|key| !boxes::is_sound(key));
    weak.then_some("result key")
}

/// What of a claim cannot be right.
pub(crate) fn fault_of_claim(offer: &Offer, claim: &Signed<Claim>) -> Option<&'static str> {
    match (&offer.sealed, &claim.box_key) {
        _ if offer.weights.of(claim.signer()) == 0 => Some("weight"),
        (None, None) => None,
        (Some(_), Some(key)) if boxes::is_sound(key) => None,
        _ => Some("box key"),
    }
}

/// What of a receipt cannot be of an offer.
pub(crate) fn fault_of_receipt(offer: &Offer, receipt: &Receipt) -> Option<&'static str> {
    let proven = &receipt.record.proven;
    if proven.sealed_input != offer.sealed.map(|it| it.commitment) {
        return Some("sealed input");
    }
    let output = match (offer.result_key, proven.output) {
        (None, Output::Digest(_)) => true,
        (Some(_), Output::Commitment(it)) => {
            scheme_of(&offer.backend).is_none_or(|scheme| scheme == it.scheme)
        }
        _ => false,
    };
    if !output {
        return Some("sealed output");
    }
    (receipt.result.is_some() != offer.result_key.is_some()).then_some("sealed result")
}

fn label(network: NetworkId, requester: NodeId, sealed: &SealedTape) -> InputLabel {
    InputLabel {
        network,
        requester,
        commitment: sealed.commitment,
    }
}

fn place(network: NetworkId, job: JobId, slot: Slot, executor: NodeId) -> Place {
    Place {
        network,
        job,
        slot,
        executor,
    }
}

/// Seals the input of a job that is to be offered; the ciphertext is the object that is named.
pub(crate) fn seal_input(
    identity: &Identity,
    network: NetworkId,
    job_salt: &nonos_types::Salt,
    scheme: CommitmentScheme,
    salt: &Salt,
    input: &[u8],
) -> Result<(SealedTape, Vec<u8>), BoxError> {
    let commitment = commit_input_by(scheme, input, salt).expect("every backend here has a scheme");
    let label = InputLabel {
        network,
        requester: identity.node_id(),
        commitment,
    };
    let key = boxes::content_key(identity, job_salt, &label);
    let bytes = boxes::seal_input(&key, &label, salt.as_bytes(), input)?;
    let tape = SealedTape {
        commitment,
        object: SealedDigest::hash(&[&bytes]),
        len: ByteLen::from(bytes.len()),
    };
    Ok((tape, bytes))
}

/// What the results of a job that is to be offered are sealed to.
pub(crate) fn result_key(identity: &Identity, network: NetworkId, job_salt: &nonos_types::Salt) -> BoxKey {
    boxes::result_secret(identity, network, job_salt).public()
}

/// What this node claims a slot with, if the offer asks for it.
pub(crate) fn claim_key(identity: &Identity, offer: &Signed<Offer>, slot: Slot) -> Option<BoxKey> {
    let secret = slot_secret(identity, offer, slot);
    offer.sealed.map(|_| secret.public())
}

fn slot_secret(identity: &Identity, offer: &Signed<Offer>, slot: Slot) -> BoxSecret {
    let place = place(offer.network, offer.job(), slot, identity.node_id());
    boxes::slot_secret(identity, &place)
}

/// The input's key for the executor that is awarded; nothing if the offer has no sealed input.
pub(crate) fn award_key(
    identity: &Identity,
    offer: &Signed<Offer>,
    slot: Slot,
    executor: NodeId,
    to: Option<&BoxKey>,
) -> Result<Option<SealedKey>, Unopened> {
    let Some(sealed) = &offer.sealed else {
        return Ok(None);
    };
    let to = to.ok_or(Unopened::NoKey)?;
    let label = label(offer.network, identity.node_id(), sealed);
    let key = boxes::content_key(identity, &offer.salt, &label);
    let place = place(offer.network, offer.job(), slot, executor);
    Ok(Some(boxes::seal_key(identity, to, &place, &key)?))
}

/// The input's key, of an award to this node; nothing if the offer has no sealed input.
pub(crate) fn open_award(
    identity: &Identity,
    offer: &Signed<Offer>,
    award: Option<&Award>,
) -> Result<Option<ContentKey>, Unopened> {
    if offer.sealed.is_none() {
        return Ok(None);
    }
    let mine = award.filter(|it| it.executor == identity.node_id());
    let award = mine.ok_or(Unopened::NoKey)?;
    let key = award.sealed_key.as_ref().ok_or(Unopened::NoKey)?;
    let secret = slot_secret(identity, offer, award.slot);
    let place = place(offer.network, offer.job(), award.slot, award.executor);
    Ok(Some(boxes::open_key(&secret, &place, key)?))
}

/// The sealed input of an offer, if it is the one that the offer commits to.
pub(crate) fn open_input(
    offer: &Signed<Offer>,
    key: &ContentKey,
    bytes: &[u8],
) -> Result<SealedInput, Unopened> {
    let sealed = offer.sealed.as_ref().ok_or(Unopened::NothingSealed)?;
    let label = label(offer.network, offer.signer(), sealed);
    let (salt, bytes) = boxes::open_input(key, &label, bytes)?;
    let salt = Salt::new(*salt);
    let committed = commit_input_by(sealed.commitment.scheme, &bytes, &salt);
    if committed != Some(sealed.commitment) {
        return Err(Unopened::Commitment);
    }
    Ok(SealedInput { bytes, salt })
}

/// What opens the commitment to a run's outputs: its salt, and result, outbound and log as they were written.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) salt: Salt,
    pub(crate) tapes: [TapeWords; 3],
}

impl Opening {
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let words: usize = self.tapes.iter().map(|it| it.words.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(32 + 3 * 12 + 8 * words));
        bytes.extend_from_slice(self.salt.as_bytes());
        for tape in &self.tapes {
            bytes.extend_from_slice(&tape.len.to_le_bytes());
            let count = u32::try_from(tape.words.len()).expect("a run writes fewer than 2^24 words");
            bytes.extend_from_slice(&count.to_le_bytes());
            let words = tape.words.iter().flat_map(|word| word.to_le_bytes());
            bytes.extend(words);
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (salt, mut rest) = bytes.split_first_chunk::<32>()?;
        let mut tapes: [TapeWords; 3] = Default::default();
        for tape in &mut tapes {
            let (len, after) = rest.split_first_chunk::<8>()?;
            let (count, after) = after.split_first_chunk::<4>()?;
            let (len, count) = (u64::from_le_bytes(*len), u32::from_le_bytes(*count));
            let whole = 8 * u64::from(count);
            // What a run can have written; the commitment holds no other.
            if count >= 1 << 24 || len > whole || len + 7 < whole {
                return None;
            }
            let (words, after) = after.split_at_checked(usize::try_from(whole).ok()?)?;
            let (words, _) = words.as_chunks::<8>();
            tape.words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
            tape.len = len;
            rest = after;
        }
        let salt = Salt::new(*salt);
        rest.is_empty().then_some(Self { salt, tapes })
    }
}

/// Seals the outputs of a run of this node's to the requester of the job; the ciphertext is the object that is named.
pub(crate) fn seal_result(
    identity: &Identity,
    offer: &Signed<Offer>,
    slot: Slot,
    opening: &Opening,
) -> Result<(SealedResult, Vec<u8>), Unopened> {
    let to = offer.result_key.as_ref().ok_or(Unopened::NoKey)?;
    let place = place(offer.network, offer.job(), slot, identity.node_id());
    let bytes = boxes::seal_result(identity, to, &place, &opening.to_bytes())?;
    let result = SealedResult {
        object: ResultDigest::hash(&[&bytes]),
        len: ByteLen::from(bytes.len()),
    };
    Ok((result, bytes))
}

/// The outputs of a run for a job of this node's, if they are those that the record commits to.
pub(crate) fn open_result(
    identity: &Identity,
    offer: &Signed<Offer>,
    receipt: &Receipt,
    bytes: &[u8],
) -> Result<Opening, Unopened> {
    let proven = &receipt.record.proven;
    let (Some(result), Output::Commitment(commitment)) = (&receipt.result, proven.output) else {
        return Err(Unopened::NoResult);
    };
    if ByteLen::from(bytes.len()) != result.len {
        return Err(Unopened::Length);
    }
    let secret = boxes::result_secret(identity, offer.network, &offer.salt);
    let place = place(offer.network, offer.job(), proven.slot, proven.executor);
    let opened = boxes::open_result(&secret, &place, bytes)?;
    let opening = Opening::from_bytes(&opened).ok_or(Unopened::Opening)?;
    match commit_outputs_by(commitment.scheme, &opening.tapes, &opening.salt) {
        Some(committed) if committed == commitment => Ok(opening),
        _ => Err(Unopened::Commitment),
    }
}

#[cfg(test)]
mod tests;
