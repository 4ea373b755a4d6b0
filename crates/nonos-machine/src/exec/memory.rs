//! Linear memory.

use std::ops::Range;

use nonos_types::{Pages, TrapKind};

#[derive(Clone)]
pub(super) struct Memory {
    bytes: Vec<u8>,
}

const PAGE: usize = Pages::new(1).bytes().get() as usize;

impl Memory {
    pub(super) fn new(pages: u32) -> Self {
        Self {
            bytes: vec![0; pages as usize * PAGE],
        }
    }

    pub(super) fn pages(&self) -> u32 {
        (self.bytes.len() / PAGE) as u32
    }

    /// Adds pages, if there are then at most `most`, and gives how many.
    pub(super) fn grow(&mut self, pages: u64, most: u32) -> Option<u32> {
        let after = u64::from(self.pages()).checked_add(pages)?;
        if after > u64::from(most) {
            return None;
        }
        self.bytes.resize(after as usize * PAGE, 0);
        Some(pages as u32)
    }

    pub(super) fn range(&self, address: u64, width: usize) -> Result<Range<usize>, TrapKind> {
        let start = usize::try_from(address).map_err(|_| TrapKind::MemoryOutOfBounds)?;
        let end = start.checked_add(width).filter(|end| *end <= self.bytes.len());
        Ok(start..end.ok_or(TrapKind::MemoryOutOfBounds)?)
    }

    /// At most 8 bytes, zero-extended.
    pub(super) fn load(&self, range: Range<usize>) -> u64 {
        let mut word = [0; 8];
        word[..range.len()].copy_from_slice(&self.bytes[range]);
        u64::from_le_bytes(word)
    }

    pub(super) fn store(&mut self, range: Range<usize>, value: u64) {
        let width = range.len();
        self.bytes[range].copy_from_slice(&value.to_le_bytes()[..width]);
    }

    /// The word of a cell; 0 past the end.
    pub(super) fn word(&self, index: usize) -> u64 {
        let range = index * 8..index * 8 + 8;
        if range.end > self.bytes.len() {
            0
        } else {
            self.load(range)
        }
    }

    /// `None` past the end.
    pub(super) fn set_word(&mut self, index: usize, value: u64) -> Option<()> {
        let range = index.checked_mul(8)?..index.checked_mul(8)?.checked_add(8)?;
        (range.end <= self.bytes.len()).then(|| self.store(range, value))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
