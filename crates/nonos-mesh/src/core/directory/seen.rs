use std::collections::BTreeSet;

use nonos_types::{NodeId, Timestamp};

/// How a node came to be listed: what a [`Directory`](super::Directory) knows of it that its descriptor does not say. It is this
/// node's own observation, so that nobody can make himself older than he is, or better known.
///
/// ```
/// use nonos_mesh::core::Seen;
/// use nonos_types::{NodeId, Timestamp};
///
/// let [neighbour, other] = [1, 2].map(|byte| NodeId::from_bytes([byte; 32]));
/// let mut seen = Seen::at(Timestamp::new(1_800_000_000));
/// assert!(seen.by(neighbour) && seen.by(other) && !seen.by(other));
/// assert_eq!(seen.introducer(), Some(neighbour));
/// assert!(seen.is_confirmed());
/// assert_eq!(Seen::from_bytes(&seen.to_bytes()), Some(seen));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    since: Timestamp,
    introducer: Option<NodeId>,
    by: BTreeSet<NodeId>,
}

impl Seen {
    /// Neighbours that are remembered to have shown a descriptor.
    pub const NEIGHBOURS: usize = 8;
    /// From so many on, a node is not only one neighbour's to know.
    pub const CONFIRMED: usize = 2;

    /// First listed at this time, shown by nobody.
    pub fn at(since: Timestamp) -> Self {
        Self {
            since,
            introducer: None,
            by: BTreeSet::new(),
        }
    }

    /// A neighbour has shown its descriptor. Says whether that changes anything.
    pub fn by(&mut self, neighbour: NodeId) -> bool {
        self.introducer.get_or_insert(neighbour);
        self.by.len() < Self::NEIGHBOURS && self.by.insert(neighbour)
    }

    /// Since when it is listed, without a gap.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// The first neighbour that has shown its descriptor; the node itself, if nobody has told of it before it came.
    pub fn introducer(&self) -> Option<NodeId> {
        self.introducer
    }

    /// Neighbours that have shown its descriptor, at most [`Seen::NEIGHBOURS`], by name.
    pub fn shown_by(&self) -> impl Iterator<Item = NodeId> {
        self.by.iter().copied()
    }

    /// Have at least [`Seen::CONFIRMED`] neighbours shown it?
    pub fn is_confirmed(&self) -> bool {
        self.by.len() >= Self::CONFIRMED
    }

    /// To be kept: the time, the introducer, then the others.
    pub fn to_bytes(&self) -> Vec<u8> {
        let others = self.by.iter().filter(|it| Some(**it) != self.introducer);
        let mut bytes = self.since.get().to_be_bytes().to_vec();
        for node in self.introducer.iter().chain(others) {
            bytes.extend(node.as_bytes());
        }
        bytes
    }

    /// What was kept; `None` if it was not this.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (since, nodes) = bytes.split_first_chunk()?;
        let (nodes, []) = nodes.as_chunks::<32>() else {
            return None;
        };
        let mut seen = Self::at(Timestamp::new(u64::from_be_bytes(*since)));
        let all_new = nodes.iter().all(|node| seen.by(NodeId::from_bytes(*node)));
        all_new.then_some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(byte: u8) -> NodeId {
        NodeId::from_bytes([byte; 32])
    }

    #[test]
    fn the_first_is_the_introducer_and_no_more_are_remembered_than_need_be() {
        let mut seen = Seen::at(Timestamp::new(7));
        assert!(!seen.is_confirmed());
        for byte in (100..200).rev() {
            seen.by(node(byte));
            assert_eq!(seen.is_confirmed(), byte < 199);
        }
        assert_eq!(seen.introducer(), Some(node(199)));
        assert_eq!(seen.shown_by().count(), Seen::NEIGHBOURS);
        assert!(seen.to_bytes().len() <= 8 + 32 * Seen::NEIGHBOURS);
        assert_eq!(Seen::from_bytes(&seen.to_bytes()), Some(seen));
    }

    #[test]
    fn what_was_not_kept_so_is_nothing() {
        let kept = {
            let mut seen = Seen::at(Timestamp::new(7));
            seen.by(node(2));
            seen.by(node(1));
            seen.to_bytes()
        };
        assert!(Seen::from_bytes(&kept).is_some());
        assert_eq!(Seen::from_bytes(&kept[..kept.len() - 1]), None);
        assert_eq!(Seen::from_bytes(&kept[..7]), None);
        let twice = [&kept[..], &kept[8..40]].concat();
        assert_eq!(Seen::from_bytes(&twice), None);
        let many: Vec<u8> = (0..9).flat_map(|byte| [byte; 32]).collect();
        assert_eq!(Seen::from_bytes(&[&kept[..8], &many].concat()), None);
    }
}
