//! The messages of channels.

use crate::{Reader, Tape};

/// The messages on the inbound tape, in order.
#[derive(Debug)]
pub struct Messages {
    tape: Reader,
    /// Bytes of the tape that belong to the message that was given last.
    unread: u64,
}

/// A message of a channel.
#[derive(Debug)]
pub struct Message<'a> {
    /// Names it: the receipt of the run that said it.
    pub receipt: [u8; 32],
    /// Whose channel it is: a capsule's hash.
    pub capsule: [u8; 32],
    /// Bytes that were not read yet.
    left: u64,
    messages: &'a mut Messages,
}

impl Messages {
    pub(crate) fn new() -> Self {
        Self {
            tape: Reader::new(Tape::Inbound),
            unread: 0,
        }
    }

    /// The next message, past what was not read of the one before; `None` if there is none.
    #[expect(clippy::should_implement_trait, reason = "a message borrows the tape")]
    pub fn next(&mut self) -> Option<Message<'_>> {
        while self.unread >= 8 && self.tape.u64().is_some() {
            self.unread -= 8;
        }
        while self.unread > 0 && self.tape.next().is_some() {
            self.unread -= 1;
        }
        let receipt = self.tape.array()?;
        let capsule = self.tape.array()?;
        let left = self.tape.u64()?;
        // Messages begin at whole words.
        self.unread = left.next_multiple_of(8);
        Some(Message {
            receipt,
            capsule,
            left,
            messages: self,
        })
    }
}

impl Message<'_> {
    /// Bytes that were not read yet.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Reads as many bytes as there is room for, or are left; says how many.
    pub fn read(&mut self, to: &mut [u8]) -> usize {
        let count = usize::try_from(self.left).map_or(to.len(), |left| left.min(to.len()));
        let count = self.messages.tape.read(&mut to[..count]);
        self.left -= count as u64;
        self.messages.unread -= count as u64;
        if self.left == 0 {
            // What fills up the last word.
            while self.messages.unread > 0 && self.messages.tape.next().is_some() {
                self.messages.unread -= 1;
            }
        }
        count
    }

    /// Reads a number of eight bytes, little-endian; `None` if fewer are left, and then reads none.
    pub fn u64(&mut self) -> Option<u64> {
        if self.left < 8 {
            return None;
        }
        let mut bytes = [0; 8];
        self.read(&mut bytes);
        Some(u64::from_le_bytes(bytes))
    }
}
