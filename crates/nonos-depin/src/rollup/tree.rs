//! The state tree: sparse, binary, of depth 96. An empty leaf is 0; a node is the hash of its two children.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::account::POSITION_BITS;
use super::field::Root;

/// Levels from a leaf to the root.
pub const DEPTH: usize = POSITION_BITS as usize;

/// What a subtree of each height is where nothing is in it.
static EMPTY: LazyLock<[Root; DEPTH + 1]> = LazyLock::new(|| {
    let mut empty = [Root::ZERO; DEPTH + 1];
    for height in 0..DEPTH {
        empty[height + 1] = Root::of_two(empty[height], empty[height]);
    }
    empty
});

/// Root of the tree of an author who has no account yet.
pub fn empty_root() -> Root {
    EMPTY[DEPTH]
}

/// Every node that is not that of an empty subtree, under its height and its place at that height.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree(HashMap<(u8, u128), Root>);

impl Tree {
    pub(crate) fn root(&self) -> Root {
        self.node(DEPTH, 0)
    }

    pub(crate) fn leaf(&self, position: u128) -> Root {
        self.node(0, position)
    }

    /// What a path from this leaf joins with at each height, from the leaf up.
    pub(crate) fn siblings(&self, position: u128) -> [Root; DEPTH] {
        std::array::from_fn(|height| self.node(height, (position >> height) ^ 1))
    }

    /// Puts a leaf, and hashes its path again.
    pub(crate) fn set(&mut self, position: u128, leaf: Root) {
        let siblings = self.siblings(position);
        for (height, node) in path(leaf, position, &siblings).into_iter().enumerate() {
            self.0.insert((height as u8, position >> height), node);
        }
    }

    fn node(&self, height: usize, place: u128) -> Root {
        let found = self.0.get(&(height as u8, place));
        found.copied().unwrap_or(EMPTY[height])
    }
}

/// The nodes from a leaf to the root, both included.
fn path(leaf: Root, position: u128, siblings: &[Root; DEPTH]) -> [Root; DEPTH + 1] {
    let mut nodes = [leaf; DEPTH + 1];
    for (height, sibling) in siblings.iter().enumerate() {
        let node = nodes[height];
        nodes[height + 1] = if position >> height & 1 == 0 {
            Root::of_two(node, *sibling)
        } else {
            Root::of_two(*sibling, node)
        };
    }
    nodes
}

/// Where a path from a leaf ends.
pub(super) fn climb(leaf: Root, position: u128, siblings: &[Root; DEPTH]) -> Root {
    path(leaf, position, siblings)[DEPTH]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::Fp;

    fn leaf(value: u64) -> Root {
        Root::new(Fp::from(value))
    }

    #[test]
    fn a_leaf_is_found_where_it_was_put_and_nowhere_else() {
        let mut tree = Tree::default();
        assert_eq!(tree.root(), empty_root());
        let (near, far) = (5, 5 | 1 << (DEPTH - 1));
        tree.set(near, leaf(7));
        tree.set(far, leaf(8));
        let root = tree.root();
        for (position, value) in [(near, 7), (far, 8)] {
            let siblings = tree.siblings(position);
            assert_eq!(climb(leaf(value), position, &siblings), root);
            assert_ne!(climb(leaf(value + 1), position, &siblings), root);
            assert_ne!(climb(leaf(value), position ^ 1, &siblings), root);
        }
        assert_eq!(climb(Root::ZERO, 4, &tree.siblings(4)), root);
    }

    #[test]
    fn the_root_does_not_depend_on_the_order_of_leaves() {
        let (mut one, mut other) = (Tree::default(), Tree::default());
        one.set(3, leaf(1));
        one.set(9, leaf(2));
        other.set(9, leaf(4));
        other.set(3, leaf(1));
        other.set(9, leaf(2));
        assert_eq!(one.root(), other.root());
    }
}
