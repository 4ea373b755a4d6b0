use std::{cmp::Reverse, collections::BinaryHeap};

use nonos_types::NodeId;

use super::frame::Frame;

/// A frame and where it goes next.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) to: NodeId,
    pub(super) frame: Frame,
}

/// Frames that are held until their time. It has room for so many, and takes no more.
#[derive(Debug)]
pub(super) struct Mixer {
    held: BinaryHeap<Reverse<Held>>,
    most: usize,
    number: u64,
}

/// Ordered by its time; of those with the same time, by when it came.
#[derive(Debug)]
struct Held {
    due: (u64, u64),
    outgoing: Outgoing,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}
impl Eq for Held {}
impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl Mixer {
    pub(super) fn new(most: usize) -> Self {
        Self {
            held: BinaryHeap::new(),
            most,
            number: 0,
        }
    }

    /// Holds a frame until a time in milliseconds; `false` if there is no room.
    pub(super) fn hold(&mut self, outgoing: Outgoing, due: u64) -> bool {
        let room = self.held.len() < self.most;
        if room {
            self.number += 1;
            let due = (due, self.number);
            self.held.push(Reverse(Held { due, outgoing }));
        }
        room
    }

    /// The next one whose time has come.
    pub(super) fn release(&mut self, now: u64) -> Option<Outgoing> {
        if self.due()? > now {
            return None;
        }
        self.held.pop().map(|Reverse(held)| held.outgoing)
    }

    /// When the next one's time comes.
    pub(super) fn due(&self) -> Option<u64> {
        self.held.peek().map(|Reverse(held)| held.due.0)
    }
}
