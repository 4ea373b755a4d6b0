//! Bytes of an input tape.

use crate::{Tape, host};

/// Reads an input tape, by bytes, slices or words. It is also an iterator of its bytes.
#[derive(Debug)]
pub struct Reader {
    tape: Tape,
    /// Bytes of the tape that were not taken yet.
    left: u64,
    /// What is left of the last word, in its low bytes, and how many those are.
    word: u64,
    have: u32,
}

impl Reader {
    pub(crate) fn new(tape: Tape) -> Self {
        Self {
            tape,
            left: host::len(tape as i32).cast_unsigned(),
            word: 0,
            have: 0,
        }
    }

    /// Bytes that were not read yet.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Reads as many bytes as there is room for, or are left; says how many.
    #[inline]
    pub fn read(&mut self, to: &mut [u8]) -> usize {
        let count = usize::try_from(self.left).map_or(to.len(), |left| left.min(to.len()));
        let mut to = &mut to[..count];
        while !to.is_empty() {
            if self.have == 0 {
                self.fill();
            }
            let now = to.len().min(self.have as usize);
            let (here, rest) = to.split_at_mut(now);
            here.copy_from_slice(&self.word.to_le_bytes()[..now]);
            self.take(now as u32);
            to = rest;
        }
        count
    }

    /// Reads the whole of an array; `None` if fewer bytes are left, and then reads none.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.left < N as u64 {
            return None;
        }
        let mut array = [0; N];
        self.read(&mut array);
        Some(array)
    }

    /// Reads a number of eight bytes, little-endian; `None` if fewer are left, and then reads none.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        if self.have == 0 && self.left >= 8 {
            // The usual case: a word is what the tape gives at once.
            self.left -= 8;
            return Some(host::read(self.tape as i32).cast_unsigned());
        }
        self.array().map(u64::from_le_bytes)
    }

    #[inline]
    fn fill(&mut self) {
        self.word = host::read(self.tape as i32).cast_unsigned();
        self.have = 8;
    }

    #[inline]
    fn take(&mut self, bytes: u32) {
        self.word = self.word.checked_shr(8 * bytes).unwrap_or(0);
        self.have -= bytes;
        self.left -= u64::from(bytes);
    }
}

impl Iterator for Reader {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        if self.left == 0 {
            return None;
        }
        if self.have == 0 {
            self.fill();
        }
        let byte = self.word as u8;
        self.take(1);
        Some(byte)
    }
}
