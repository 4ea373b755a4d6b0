//! What a statement of sealed tapes does not say.

use std::fmt;

pub use nonos_seal::Salt;
use nonos_seal::{commit_input, commit_outputs};
use nonos_types::{Commitment, CommitmentScheme, Output, Proven};
use zeroize::Zeroizing;

use super::StatementError;
use crate::tables::{Hidden, TapeWords};

/// A sealed input with the salt of its commitment: the commitment's opening.
#[derive(Clone)]
pub struct SealedInput {
    /// The tape.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The salt.
    pub salt: Salt,
}

impl SealedInput {
    /// The commitment that it opens.
    pub fn commitment(&self) -> Commitment {
        commit_input(&self.bytes, &self.salt)
    }
}

impl fmt::Debug for SealedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedInput").finish_non_exhaustive()
    }
}

/// What the prover of a run knows and its verifier does not: nothing, unless a tape is sealed.
#[derive(Clone, Debug, Default)]
pub struct Secret {
    /// The sealed input.
    pub input: Option<SealedInput>,
    /// The salt of the commitment to the outputs, where they are sealed.
    pub outputs: Option<Salt>,
}

impl Secret {
    pub(super) fn tape(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], |input| &input.bytes)
    }

    /// Whether it opens what the record commits to.
    pub(super) fn opens(&self, proven: &Proven) -> Result<(), StatementError> {
        let differs = |part| Err(StatementError::Differs { part });
        if self.input.as_ref().map(SealedInput::commitment) != proven.sealed_input {
            return differs("sealed input");
        }
        if self.outputs.is_some() != hidden(proven).outputs {
            return differs("sealed output");
        }
        Ok(())
    }
}

/// Which tapes of a run the verifier does not see.
pub(super) fn hidden(proven: &Proven) -> Hidden {
    Hidden {
        input: proven.sealed_input.is_some(),
        outputs: matches!(proven.output, Output::Commitment(_)),
    }
}

/// The digests of the record's commitments, if they are all of the scheme that can be proved.
pub(super) fn digests(proven: &Proven) -> Option<[Option<[u8; 32]>; 2]> {
    let output = match proven.output {
        Output::Commitment(commitment) => Some(commitment),
        Output::Digest(_) => None,
    };
    let commitments = [proven.sealed_input, output];
    let known = |it: &Commitment| it.scheme == CommitmentScheme::POSEIDON_PALLAS_1;
    let all_known = commitments.iter().flatten().all(known);
    all_known.then(|| commitments.map(|it| it.map(|it| it.digest)))
}

/// The commitment to result, outbound and log, as they were written.
pub(super) fn seal(outputs: &[TapeWords], salt: &Salt) -> Commitment {
    let tape = |place: usize| outputs.get(place).cloned().unwrap_or_default();
    commit_outputs(&[tape(0), tape(1), tape(2)], salt)
}
