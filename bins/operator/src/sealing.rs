//! Sealed tapes: what the prover keeps to itself, and what opens the commitments in a proof.

use crate::{failure::Failure, files};
use nonos_capsule::{Inputs, Sealed};
use nonos_machine::{ExecutionStatement, Salt, SealedInput, Secret, tables::TapeWords};
use nonos_types::{Commitment, CommitmentScheme, Output};
use serde::Serialize;
use std::path::PathBuf;

/// A sealed input, for commands that run something.
#[derive(Debug, clap::Args)]
pub(crate) struct SealedArgs {
    /// Sealed input tape ("-" for stdin): a proof shows that it is the one committed to, and nothing else of it
    /// [default: none].
    #[arg(long, value_name = "FILE")]
    sealed: Option<PathBuf>,
}

impl SealedArgs {
    /// The tape, with a fresh salt.
    pub(crate) fn read(&self) -> Result<Option<Sealed>, Failure> {
        let Some(path) = &self.sealed else {
            return Ok(None);
        };
        Ok(Some(Sealed {
            bytes: files::read(path, files::INPUT_BYTES)?,
            salt: fresh()?,
        }))
    }
}

/// What of a run its proof hides beside the sealed input.
#[derive(Debug, clap::Args)]
// Named after the struct, the group would clash with that of the options it stands among.
#[group(skip)]
pub(crate) struct Options {
    /// Commits to result, outbound messages and log, instead of showing them to the verifier.
    #[arg(long)]
    seal_results: bool,
    /// Writes what opens the proof's commitments to a file, as JSON. Who has it can show what was sealed: keep it secret.
    #[arg(long, value_name = "FILE")]
    openings: Option<PathBuf>,
}

#[derive(Serialize)]
struct Openings {
    sealed_input: Option<Opening>,
    output: Option<Opening>,
}

#[derive(Serialize)]
struct Opening {
    commitment: Commitment,
    salt: String,
    tapes: Vec<Tape>,
}

#[derive(Serialize)]
struct Tape {
    bytes: u64,
    /// Whole words; for an output also what was written behind its last byte.
    words_hex: String,
}

impl From<&TapeWords> for Tape {
    fn from(tape: &TapeWords) -> Self {
        let words: Vec<u8> = tape.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self {
            bytes: tape.len,
            words_hex: hex::encode(words),
        }
    }
}

fn fresh() -> Result<[u8; 32], Failure> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(Failure::Random)?;
    Ok(salt)
}

/// The sealed input as a prover takes it.
pub(crate) fn input(inputs: &Inputs) -> Option<SealedInput> {
    inputs.sealed.as_ref().map(|sealed| SealedInput {
        bytes: sealed.bytes.clone().into(),
        salt: Salt::new(sealed.salt),
    })
}

impl Options {
    /// Is anything of a run on these tapes kept from the verifier?
    pub(crate) fn seals(&self, inputs: &Inputs) -> bool {
        self.seal_results || inputs.sealed.is_some()
    }

    /// What the verifier will not see of a run on these tapes.
    pub(crate) fn secret(&self, inputs: &Inputs, scheme: CommitmentScheme) -> Result<Secret, Failure> {
        let salt = if self.seal_results { Some(fresh()?) } else { None };
        Ok(Secret {
            input: input(inputs),
            outputs: salt.map(Salt::new),
            scheme,
        })
    }

    /// Writes the openings, if they are asked for.
    pub(crate) fn keep(&self, statement: &ExecutionStatement, secret: &Secret) -> Result<(), Failure> {
        let Some(path) = &self.openings else {
            return Ok(());
        };
        let proven = &statement.record().proven;
        let open = |commitment, salt: &Salt, tapes: &[TapeWords]| Opening {
            commitment,
            salt: hex::encode(salt.as_bytes()),
            tapes: tapes.iter().map(Tape::from).collect(),
        };
        let sealed_input = secret.input.as_ref().zip(proven.sealed_input);
        let sealed_input = sealed_input.map(|(input, commitment)| {
            let tape = TapeWords::from_bytes(&input.bytes);
            open(commitment, &input.salt, &[tape])
        });
        let output = match (&secret.outputs, proven.output) {
            (Some(salt), Output::Commitment(commitment)) => {
                let run = statement.repeat(secret)?;
                Some(open(commitment, salt, &run.written[..3]))
            }
            _ => None,
        };
        let openings = Openings { sealed_input, output };
        let json = serde_json::to_vec_pretty(&openings).expect("strings and numbers are JSON");
        files::write_secret(path, &json)
    }
}
