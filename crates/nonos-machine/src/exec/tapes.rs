//! Tapes: what enters and leaves a run.

use nonos_types::TrapKind;

use super::{Inputs, OUTPUTS};
use crate::{isa::tape, tables::TapeWords};

#[derive(Clone)]
pub(super) struct Tapes<'a> {
    inputs: [&'a [u8]; 3],
    arguments: &'a [u64],
    outputs: [Output; tape::OUTPUTS.len()],
    /// Words read of each input tape.
    read: [u32; tape::INPUTS.len()],
}

#[derive(Clone, Default)]
struct Output {
    /// Words written before those below: of a run that is taken up in the middle.
    before: u64,
    words: Vec<u64>,
    /// Bytes that `commit_len` cut off.
    pad: u8,
}

impl Output {
    fn count(&self) -> u64 {
        self.before + self.words.len() as u64
    }
}

const BAD: TrapKind = TrapKind::BadTapeCall;

impl<'a> Tapes<'a> {
    pub(super) fn new(inputs: &Inputs<'a>) -> Self {
        Self {
            inputs: [inputs.input, inputs.sealed, inputs.inbound],
            arguments: inputs.arguments,
            outputs: Default::default(),
            read: [0; tape::INPUTS.len()],
        }
    }

    /// Bytes of an input tape.
    pub(super) fn len(&self, number: u8) -> Result<u64, TrapKind> {
        let bytes = self.inputs.get(usize::from(number)).ok_or(BAD)?;
        Ok(bytes.len() as u64)
    }

    /// The next word of an input tape, 0 at its end.
    pub(super) fn read(&mut self, number: u8) -> Result<u64, TrapKind> {
        let place = place(&tape::INPUTS, number)?;
        let index = self.read[place] as usize;
        let word = match self.inputs.get(place) {
            Some(bytes) => bytes
                .get(index * 8..)
                .filter(|rest| !rest.is_empty())
                .map(|rest| {
                    let mut word = [0; 8];
                    let length = rest.len().min(8);
                    word[..length].copy_from_slice(&rest[..length]);
                    u64::from_le_bytes(word)
                }),
            None => self.arguments.get(index).copied(),
        };
        self.read[place] += u32::from(word.is_some());
        Ok(word.unwrap_or_default())
    }

    /// Whether `commit_len` has cut the last word of an output tape.
    pub(super) fn is_cut(&self, number: u64) -> bool {
        let place = tape::OUTPUTS.iter().position(|tape| u64::from(*tape) == number);
        place.is_some_and(|place| self.outputs[place].pad > 0)
    }

    pub(super) fn write(&mut self, number: u8, word: u64) -> Result<(), TrapKind> {
        let output = &mut self.outputs[place(&tape::OUTPUTS, number)?];
        if output.pad > 0 {
            return Err(BAD);
        }
        output.words.push(word);
        Ok(())
    }

    pub(super) fn commit(&mut self, number: u8, bytes: u64) -> Result<(), TrapKind> {
        let output = &mut self.outputs[place(&tape::OUTPUTS, number)?];
        let pad = (output.count() * 8).checked_sub(bytes).ok_or(BAD)?;
        let pad = u8::try_from(pad).ok().filter(|pad| *pad < 8).ok_or(BAD)?;
        output.pad = pad;
        Ok(())
    }

    /// The cell of a tape's position.
    pub(super) fn cell(&self, number: u8) -> Result<u64, TrapKind> {
        if let Ok(place) = place(&tape::INPUTS, number) {
            return Ok(u64::from(self.read[place]));
        }
        let output = &self.outputs[place(&tape::OUTPUTS, number)?];
        Ok(output.count() | u64::from(output.pad) << 32)
    }

    /// Sets the cell of a tape's position, of a run that is taken up in the middle.
    pub(super) fn set_cell(&mut self, number: u8, value: u64) -> Result<(), TrapKind> {
        if let Ok(place) = place(&tape::INPUTS, number) {
            self.read[place] = u32::try_from(value).map_err(|_| BAD)?;
        } else {
            let output = &mut self.outputs[place(&tape::OUTPUTS, number)?];
            output.before = value & u64::from(u32::MAX);
            output.pad = u8::try_from(value >> 32).ok().filter(|pad| *pad < 8).ok_or(BAD)?;
        }
        Ok(())
    }

    /// What was written, in the order of [`tape::OUTPUTS`].
    pub(super) fn written(&self) -> [TapeWords; tape::OUTPUTS.len()] {
        self.outputs.each_ref().map(|output| TapeWords {
            words: output.words.clone(),
            len: 8 * output.words.len() as u64 - u64::from(output.pad),
        })
    }

    /// What the entry stub wrote.
    pub(super) fn values(&self) -> &[u64] {
        &self.outputs[tape::OUTPUTS.len() - 1].words
    }

    pub(super) fn outputs(&self) -> [Vec<u8>; OUTPUTS.len()] {
        std::array::from_fn(|place| {
            let output = &self.outputs[place];
            let mut bytes: Vec<u8> = output.words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes.truncate(bytes.len() - usize::from(output.pad));
            bytes
        })
    }
}

/// Where a tape is in a list of tapes.
fn place(tapes: &[u8], number: u8) -> Result<usize, TrapKind> {
    tapes.iter().position(|tape| *tape == number).ok_or(BAD)
}
