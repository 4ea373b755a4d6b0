use std::collections::{BTreeSet, VecDeque};

use nonos_types::{JobId, Message, NodeId, ReceiptId};

/// What a message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The offer of its job.
    Job(JobId),
    /// That a receipt is verified here.
    Receipt(ReceiptId),
    /// That a job is awarded to its signer.
    Award(JobId, NodeId),
    /// The voucher before it.
    Voucher(NodeId),
}

/// Messages that came before what they are about. Gossip keeps no order.
#[derive(Debug, Default)]
pub(super) struct Parked {
    messages: VecDeque<(Need, Message)>,
}

impl Parked {
    /// Messages kept; the oldest make room.
    const MOST: usize = 2048;
    /// Of one signer.
    const OF_ONE: usize = 256;

    pub(super) fn park(&mut self, need: Need, message: Message) {
        let signer = message.signer();
        if self.messages.iter().any(|(_, it)| *it == message)
            || self
                .messages
                .iter()
                .filter(|(_, it)| it.signer() == signer)
                .count()
                >= Self::OF_ONE
        {
            return;
        }
        if self.messages.len() == Self::MOST {
            self.messages.pop_front();
        }
        self.messages.push_back((need, message));
    }

    /// Those that wait for this, in the order in which they came.
    pub(super) fn take(&mut self, need: Need) -> Vec<Message> {
        let mut found = Vec::new();
        self.messages.retain(|(it, message)| {
            let fits = *it == need;
            if fits {
                found.push(message.clone());
            }
            !fits
        });
        found
    }

    /// What waits for this.
    pub(super) fn waiting(&self, need: Need) -> impl Iterator<Item = &Message> {
        let waiting = self.messages.iter().filter(move |(it, _)| *it == need);
        waiting.map(|(_, message)| message)
    }

    /// What a message waits for, if it is here.
    pub(super) fn need_of(&self, message: &Message) -> Option<Need> {
        let parked = self.messages.iter().find(|(_, it)| it == message);
        parked.map(|(need, _)| *need)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }
}

/// The last so many of what was put in.
#[derive(Debug)]
pub(super) struct Last<T> {
    set: BTreeSet<T>,
    order: VecDeque<T>,
    most: usize,
}

impl<T: Ord + Copy> Last<T> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            set: BTreeSet::new(),
            order: VecDeque::new(),
            most,
        }
    }

    pub(super) fn insert(&mut self, it: T) {
        if !self.set.insert(it) {
            return;
        }
        if self.order.len() == self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        self.order.push_back(it);
    }

    pub(super) fn contains(&self, it: &T) -> bool {
        self.set.contains(it)
    }
}

#[cfg(test)]
mod tests {
    use super::Last;

    #[test]
    fn the_oldest_make_room() {
        let mut last = Last::new(2);
        for it in [1, 2, 2, 3] {
            last.insert(it);
        }
        assert_eq!([1, 2, 3].map(|it| last.contains(&it)), [false, true, true]);
    }
}
