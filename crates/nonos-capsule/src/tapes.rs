//! Tapes: all that enters a run and all that leaves it, as 64-bit little-endian words.

use std::fmt;

use nonos_state::TapePositions;
use nonos_types::TrapKind;

/// What a run reads.
///
/// ```
/// use nonos_capsule::Inputs;
///
/// let inputs = Inputs { input: b"public".to_vec(), ..Inputs::default() };
/// assert!(inputs.sealed.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Tape 0: public input.
    pub input: Vec<u8>,
    /// Tape 1: sealed (private) input; an empty tape if there is none.
    pub sealed: Option<Sealed>,
    /// Tape 2: messages of the capsule's channel, recorded before the run.
    pub inbound: Vec<u8>,
}

/// An input that only the requester and the executor know.
///
/// ```
/// use nonos_capsule::{Inputs, Sealed};
///
/// let sealed = Sealed { bytes: b"balance: 1200".to_vec(), salt: [7; 32] };
/// let inputs = Inputs { sealed: Some(sealed), ..Inputs::default() };
/// assert!(!format!("{inputs:?}").contains("1200"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The tape.
    pub bytes: Vec<u8>,
    /// The secret salt of its commitment. It goes into the attested roots too: they depend on the input, and
    /// without it they would confirm a guess.
    pub salt: [u8; 32],
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("len", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Inputs {
    pub(crate) fn salt(&self) -> Option<&[u8; 32]> {
        self.sealed.as_ref().map(|sealed| &sealed.salt)
    }
}

/// What a run wrote, each tape truncated to its committed length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Tape 3: the result.
    pub result: Vec<u8>,
    /// Tape 4: messages to publish after the run.
    pub outbound: Vec<u8>,
    /// Tape 5: the log.
    pub log: Vec<u8>,
}

/// Why a tape call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The capsule broke the rules of the ABI: the run traps.
    Trap(TrapKind),
    /// The tape would exceed [`MAX_OUTPUT_WORDS`]: there is no outcome.
    TooLong { tape: u32 },
}

const BAD: Refusal = Refusal::Trap(TrapKind::BadTapeCall);

/// Words an output tape may hold: 128 MiB. A run that writes more has no outcome.
pub const MAX_OUTPUT_WORDS: usize = 1 << 24;

/// The six tapes of a run in progress.
#[derive(Debug)]
pub(crate) struct Tapes {
    inputs: [Input; 3],
    outputs: [Output; 3],
}

#[derive(Debug)]
struct Input {
    bytes: Vec<u8>,
    /// Words read.
    at: usize,
}

#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    committed: Option<usize>,
}

impl Tapes {
    pub(crate) fn new(inputs: &Inputs) -> Self {
        let tape = |bytes: &[u8]| Input {
            bytes: bytes.to_vec(),
            at: 0,
        };
        let sealed = inputs.sealed.as_ref().map_or(&[][..], |sealed| &sealed.bytes);
        Self {
            inputs: [tape(&inputs.input), tape(sealed), tape(&inputs.inbound)],
            outputs: Default::default(),
        }
    }

    /// Length of an input tape in bytes.
    pub(crate) fn len(&self, tape: u32) -> Result<u64, Refusal> {
        self.inputs
            .get(tape as usize)
            .map(|tape| tape.bytes.len() as u64)
            .ok_or(BAD)
    }

    /// The next word of an input tape; 0 at its end, without moving.
    pub(crate) fn read(&mut self, tape: u32) -> Result<u64, Refusal> {
        let tape = self.inputs.get_mut(tape as usize).ok_or(BAD)?;
        let rest = &tape.bytes[(tape.at * 8).min(tape.bytes.len())..];
        if rest.is_empty() {
            return Ok(0);
        }
        let mut word = [0; 8];
        let take = rest.len().min(8);
        word[..take].copy_from_slice(&rest[..take]);
        tape.at += 1;
        Ok(u64::from_le_bytes(word))
    }

    /// Appends a word to an output tape.
    pub(crate) fn write(&mut self, tape: u32, word: u64) -> Result<(), Refusal> {
        let out = self.output(tape)?;
        if out.committed.is_some_and(|len| len < out.bytes.len()) {
            return Err(BAD);
        }
        if out.bytes.len() >= MAX_OUTPUT_WORDS * 8 {
            return Err(Refusal::TooLong { tape });
        }
        out.committed = None;
        out.bytes.extend_from_slice(&word.to_le_bytes());
        Ok(())
    }

    /// Sets the exact length of an output tape: `8·words − 7 ..= 8·words` bytes, or 0 of an empty one.
    pub(crate) fn commit(&mut self, tape: u32, len: u64) -> Result<(), Refusal> {
        let out = self.output(tape)?;
        let full = out.bytes.len() as u64;
        if len > full || full - len > 7 {
            return Err(BAD);
        }
        out.committed = Some(len as usize);
        Ok(())
    }

    fn output(&mut self, tape: u32) -> Result<&mut Output, Refusal> {
        let index = (tape as usize).checked_sub(self.inputs.len()).ok_or(BAD)?;
        self.outputs.get_mut(index).ok_or(BAD)
    }

    /// How far each tape was read or written.
    pub(crate) fn positions(&self) -> TapePositions {
        let [a, b, c] = self.inputs.each_ref().map(|tape| tape.at as u64);
        let [d, e, f] = self.outputs.each_ref().map(|tape| (tape.bytes.len() / 8) as u64);
        TapePositions([a, b, c, d, e, f])
    }

    pub(crate) fn finish(self) -> Outputs {
        let [result, outbound, log] = self.outputs.map(|mut tape| {
            if let Some(len) = tape.committed {
                tape.bytes.truncate(len);
            }
            tape.bytes
        });
        Outputs {
            result,
            outbound,
            log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tapes(input: &[u8]) -> Tapes {
        Tapes::new(&Inputs {
            input: input.to_vec(),
            ..Inputs::default()
        })
    }

    #[test]
    fn reading_pads_the_last_word_and_stops_at_the_end() {
        let mut tapes = tapes(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff, 2]);
        assert_eq!(tapes.len(0), Ok(10));
        assert_eq!(tapes.read(0), Ok(1));
        assert_eq!(tapes.read(0), Ok(0x2ff));
        assert_eq!(tapes.positions().0[0], 2);
        assert_eq!(tapes.read(0), Ok(0));
        assert_eq!(tapes.positions().0[0], 2, "reading at the end does not move");
    }

    #[test]
    fn input_calls_refuse_output_tapes_and_unknown_ones() {
        let mut tapes = tapes(b"x");
        for tape in [3, 5, 6, u32::MAX] {
            assert_eq!(tapes.len(tape), Err(BAD));
            assert_eq!(tapes.read(tape), Err(BAD));
        }
        for tape in [0, 2, 6, 7, u32::MAX] {
            assert_eq!(tapes.write(tape, 0), Err(BAD));
            assert_eq!(tapes.commit(tape, 0), Err(BAD));
        }
    }

    #[test]
    fn commit_cuts_at_most_seven_bytes() {
        let mut tapes = tapes(b"");
        assert_eq!(tapes.commit(5, 1), Err(BAD), "an empty tape has length 0");
        tapes.write(3, u64::MAX).expect("open");
        tapes.write(3, u64::MAX).expect("open");
        for len in [0, 8, 17, u64::MAX] {
            assert_eq!(tapes.commit(3, len), Err(BAD), "{len}");
        }
        for len in [16, 9, 12] {
            assert_eq!(tapes.commit(3, len), Ok(()), "{len}");
        }
        assert_eq!(tapes.write(3, 0), Err(BAD), "a cut word is the last");
        assert_eq!(tapes.commit(4, 0), Ok(()));
        assert_eq!(tapes.write(4, 7), Ok(()), "whole words do not close a tape");
        assert_eq!(tapes.positions().0[3..], [2, 1, 0]);
        let outputs = tapes.finish();
        assert_eq!((outputs.result, outputs.outbound.len()), (vec![0xff; 12], 8));
    }

    #[test]
    fn a_full_tape_takes_no_more_words() {
        let mut tapes = tapes(b"");
        for _ in 0..MAX_OUTPUT_WORDS {
            tapes.write(5, 0).expect("below the limit");
        }
        assert_eq!(tapes.write(5, 0), Err(Refusal::TooLong { tape: 5 }));
    }
}
