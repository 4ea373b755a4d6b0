//! Bytes of an output tape.

use crate::{Tape, host};
use core::fmt;

/// Writes an output tape. What is no whole word yet is written when it is finished or dropped.
///
/// It takes text by [`write!`], too; formatting is costly where every step is proved.
#[derive(Debug)]
pub struct Writer {
    tape: Tape,
    /// Bytes written.
    size: u64,
    /// Those that are no whole word yet, and how many they are.
    word: u64,
    have: u32,
}

impl Writer {
    pub(crate) fn new(tape: Tape) -> Self {
        Self {
            tape,
            size: 0,
            word: 0,
            have: 0,
        }
    }

    /// Appends bytes.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.u64(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.word |= u64::from(*byte) << (8 * self.have);
            self.have += 1;
            self.size += 1;
            if self.have == 8 {
                self.push(self.word);
                (self.word, self.have) = (0, 0);
            }
        }
    }

    /// Appends a number as eight bytes, little-endian.
    #[inline]
    pub fn u64(&mut self, number: u64) {
        self.size += 8;
        let shift = 8 * self.have;
        self.push(self.word | number << shift);
        self.word = number.checked_shr(64 - shift).unwrap_or(0);
    }

    /// Writes the last word and states the length.
    pub fn finish(self) {
        drop(self);
    }

    #[inline]
    fn push(&self, word: u64) {
        host::write(self.tape as i32, word.cast_signed());
    }
}

impl Drop for Writer {
    #[inline]
    fn drop(&mut self) {
        if self.have > 0 {
            self.push(self.word);
            host::commit_len(self.tape as i32, self.size.cast_signed());
        }
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}
