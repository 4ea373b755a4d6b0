use std::collections::BTreeMap;

use nonos_types::{Consistency, Inclusion, JournalRoot, MessageId, RelayHead};

/// The messages of an hour in the order in which they were accepted, and the tree over them.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    positions: BTreeMap<MessageId, u64>,
    /// Roots of all whole trees of 2^level messages, from the left.
    levels: Vec<Vec<JournalRoot>>,
    /// Sizes that heads were signed of.
    heads: BTreeMap<MessageId, u64>,
    signed: u64,
}

impl Log {
    pub(super) fn size(&self) -> u64 {
        self.positions.len() as u64
    }

    pub(super) fn has_news(&self) -> bool {
        self.size() > self.signed
    }

    /// Adds a message, unless it is there or there is no room.
    pub(super) fn push(&mut self, message: MessageId) -> bool {
        let size = self.size();
        if size >= RelayHead::MAX_SIZE || self.positions.contains_key(&message) {
            return false;
        }
        self.positions.insert(message, size);
        let mut root = JournalRoot::leaf(&message);
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(vec![]);
            }
            let roots = &mut self.levels[level];
            roots.push(root);
            if roots.len() % 2 == 1 {
                break;
            }
            root = JournalRoot::join(&roots[roots.len() - 2], &root);
        }
        true
    }

    pub(super) fn signed(&mut self, head: MessageId, size: u64) {
        self.signed = self.signed.max(size);
        self.heads.insert(head, size);
    }

    /// The size that a head was signed of.
    pub(super) fn size_at(&self, head: &MessageId) -> Option<u64> {
        self.heads.get(head).copied()
    }

    /// Of all of it, which is something.
    pub(super) fn root(&self) -> JournalRoot {
        self.root_of(0, self.size())
    }

    pub(super) fn inclusion(&self, message: &MessageId, size: u64) -> Option<Inclusion> {
        let index = *self.positions.get(message)?;
        if index >= size {
            return None;
        }
        let (mut from, mut to, mut path) = (0, size, vec![]);
        while to - from > 1 {
            let middle = from + left(to - from);
            if index < middle {
                path.push(self.root_of(middle, to));
                to = middle;
            } else {
                path.push(self.root_of(from, middle));
                from = middle;
            }
        }
        path.reverse();
        Some(Inclusion { index, path })
    }

    pub(super) fn consistency(&self, first: u64, second: u64) -> Option<Consistency> {
        if first > second {
            return None;
        }
        let (mut from, mut to, mut path) = (0, second, vec![]);
        while to != first {
            let middle = from + left(to - from);
            if first <= middle {
                path.push(self.root_of(middle, to));
                to = middle;
            } else {
                path.push(self.root_of(from, middle));
                from = middle;
            }
        }
        // The root of the whole first log is known to who asks.
        if from > 0 {
            path.push(self.root_of(from, to));
        }
        path.reverse();
        Some(Consistency { path })
    }

    /// Of the messages from one position to before another, of which there is one at least.
    fn root_of(&self, from: u64, to: u64) -> JournalRoot {
        let count = to - from;
        if count.is_power_of_two() && from.is_multiple_of(count) {
            let level = count.trailing_zeros() as usize;
            return self.levels[level][(from / count) as usize];
        }
        let middle = from + left(count);
        JournalRoot::join(&self.root_of(from, middle), &self.root_of(middle, to))
    }
}

/// How many of so many messages are in the left tree: the most that make a whole one and leave something.
fn left(count: u64) -> u64 {
    count.next_power_of_two() / 2
}
