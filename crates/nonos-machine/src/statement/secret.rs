//! What a statement of sealed tapes does not say.

use std::fmt;

pub use nonos_seal::Salt;
use nonos_seal::{commit_input, commit_input_by, commit_outputs_by};
use nonos_types::{Commitment, CommitmentScheme, Output, Proven};
use zeroize::Zeroizing;

use super::StatementError;
use crate::tables::{Hidden, TapeWords};

/// A sealed input with the salt of its commitment: the commitment's opening.
///
/// ```
/// use nonos_machine::SealedInput;
/// use nonos_seal::{Salt, commit_input};
///
/// let input = SealedInput { bytes: b"balance: 1200".to_vec().into(), salt: Salt::new([7; 32]) };
/// assert_eq!(input.commitment(), commit_input(b"balance: 1200", &Salt::new([7; 32])));
/// ```
#[derive(Clone)]
pub struct SealedInput {
    /// The tape.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The salt.
    pub salt: Salt,
}

impl SealedInput {
    /// The commitment that it opens, under [`CommitmentScheme::POSEIDON_PALLAS_1`].
    pub fn commitment(&self) -> Commitment {
        commit_input(&self.bytes, &self.salt)
    }

    /// The commitment that it opens, under another scheme; `None` for one that is not known.
    pub fn commitment_by(&self, scheme: CommitmentScheme) -> Option<Commitment> {
        commit_input_by(scheme, &self.bytes, &self.salt)
    }
}

impl fmt::Debug for SealedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedInput").finish_non_exhaustive()
    }
}

/// What the prover of a run knows and its verifier does not: nothing, unless a tape is sealed.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The sealed input.
    pub input: Option<SealedInput>,
    /// The salt of the commitment to the outputs, where they are sealed.
    pub outputs: Option<Salt>,
    /// Scheme of the commitment that [`ExecutionStatement::of_run`](crate::ExecutionStatement::of_run) makes to them: that
    /// of the backend which is to prove it. A sealed input must be committed to under the same.
    pub scheme: CommitmentScheme,
}

impl Default for Secret {
    /// Nothing; what will be sealed is sealed for the halo2 backend.
    fn default() -> Self {
        Self {
            input: None,
            outputs: None,
            scheme: CommitmentScheme::POSEIDON_PALLAS_1,
        }
    }
}

impl Secret {
    pub(super) fn tape(&self) -> &[u8] {
        self.input.as_ref().map_or(&[], |input| &input.bytes)
    }

    /// Whether it opens what the record commits to.
    pub(super) fn opens(&self, proven: &Proven) -> Result<(), StatementError> {
        let differs = |part| Err(StatementError::Differs { part });
        let opened = match (&self.input, proven.sealed_input) {
            (None, None) => true,
            (Some(input), Some(sealed)) => input.commitment_by(sealed.scheme) == Some(sealed),
            _ => false,
        };
        if !opened {
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

/// The record's commitments to the input and to the outputs.
fn commitments(proven: &Proven) -> [Option<Commitment>; 2] {
    let output = match proven.output {
        Output::Commitment(commitment) => Some(commitment),
        Output::Digest(_) => None,
    };
    [proven.sealed_input, output]
}

/// The scheme of the record's commitments, if it has any.
pub(super) fn scheme(proven: &Proven) -> Option<CommitmentScheme> {
    commitments(proven)
        .into_iter()
        .flatten()
        .next()
        .map(|it| it.scheme)
}

/// The digests of the record's commitments, if they are all of one scheme that can be proved.
pub(super) fn digests(proven: &Proven) -> Option<[Option<[u8; 32]>; 2]> {
    const KNOWN: [CommitmentScheme; 2] = [
        CommitmentScheme::POSEIDON_PALLAS_1,
        CommitmentScheme::POSEIDON2_KOALABEAR_1,
    ];
    let scheme = scheme(proven);
    let commitments = commitments(proven);
    let known = |it: &Commitment| Some(it.scheme) == scheme && KNOWN.contains(&it.scheme);
    let all_known = commitments.iter().flatten().all(known);
    all_known.then(|| commitments.map(|it| it.map(|it| it.digest)))
}

/// The commitment to result, outbound and log, as they were written; `None` under a scheme that is not known.
pub(super) fn seal(scheme: CommitmentScheme, outputs: &[TapeWords], salt: &Salt) -> Option<Commitment> {
    let tape = |place: usize| outputs.get(place).cloned().unwrap_or_default();
    commit_outputs_by(scheme, &[tape(0), tape(1), tape(2)], salt)
}
