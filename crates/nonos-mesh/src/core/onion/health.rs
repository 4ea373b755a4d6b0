use std::collections::{BTreeMap, BTreeSet};

use nonos_types::NodeId;

/// Which nodes lose frames, as far as can be told from what got through. Nobody knows which hop lost a frame: all of its
/// hops are taken half as often, and twice as often again by each that gets through.
///
/// A node that drops what goes by others could so make them be taken less: by no more than [`Health::MOST`] halvings, and
/// for a minute each.
#[derive(Debug, Default)]
pub(super) struct Health {
    halvings: BTreeMap<NodeId, u32>,
    forgot: u64,
}

impl Health {
    /// Most halvings.
    pub(super) const MOST: u32 = 4;
    /// Milliseconds until one is forgiven.
    const FORGIVE: u64 = 60_000;

    pub(super) fn lost(&mut self, nodes: &BTreeSet<NodeId>) {
        for node in nodes {
            let halvings = self.halvings.entry(*node).or_default();
            *halvings = (*halvings + 1).min(Self::MOST);
        }
    }

    pub(super) fn passed(&mut self, nodes: &BTreeSet<NodeId>) {
        self.forgive(|node| nodes.contains(node));
    }

    /// Time passes.
    pub(super) fn advance(&mut self, now: u64) {
        if now >= self.forgot.saturating_add(Self::FORGIVE) {
            self.forgot = now;
            self.forgive(|_| true);
        }
    }

    fn forgive(&mut self, who: impl Fn(&NodeId) -> bool) {
        self.halvings.retain(|node, halvings| {
            *halvings -= u32::from(who(node));
            *halvings > 0
        });
    }

    /// By how much the weight of a node is divided.
    pub(super) fn divisor(&self, node: NodeId) -> u64 {
        1 << self.halvings.get(&node).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(numbers: &[u8]) -> BTreeSet<NodeId> {
        numbers.iter().map(|it| NodeId::from_bytes([*it; 32])).collect()
    }

    #[test]
    fn who_loses_everything_is_told_from_who_was_there_by_chance() {
        let mut health = Health::default();
        let of = |health: &Health, it: u8| health.divisor(NodeId::from_bytes([it; 32]));
        for other in 1..10 {
            health.lost(&nodes(&[0, other]));
            health.passed(&nodes(&[other]));
        }
        assert_eq!(of(&health, 0), 16);
        assert!((1..10).all(|it| of(&health, it) == 1));
        health.passed(&nodes(&[0]));
        assert_eq!(of(&health, 0), 8);
    }

    #[test]
    fn what_was_lost_is_forgiven_in_time() {
        let mut health = Health::default();
        health.lost(&nodes(&[0]));
        health.lost(&nodes(&[0]));
        let node = NodeId::from_bytes([0; 32]);
        health.advance(Health::FORGIVE - 1);
        assert_eq!(health.divisor(node), 4);
        health.advance(Health::FORGIVE);
        assert_eq!(health.divisor(node), 2);
        health.advance(Health::FORGIVE * 2 - 1);
        assert_eq!(health.divisor(node), 2);
        health.advance(Health::FORGIVE * 2);
        assert_eq!(health.divisor(node), 1);
    }
}
