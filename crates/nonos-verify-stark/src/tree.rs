//! The commitment to all cells: a Merkle tree of Poseidon2 digests.
//!
//! A leaf has four cells: the digest of a leaf is that of its sixteen limbs, the digest of a node that of its two
//! children's. There is a leaf for every key, [`HEIGHT`] levels below the root, so that the place of a cell in the tree
//! is its key and nothing else; a leaf that was never touched holds zeros.

pub(crate) mod chips;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use p3_field::PrimeCharacteristicRing;

use crate::config::Val;
use crate::poseidon::{DIGEST, Digest, WIDTH, compress};

/// Levels below the root. Keys have 29 bits, of which two say which cell of its leaf.
pub(crate) const HEIGHT: u8 = 27;
/// Cells of a leaf.
pub(crate) const CELLS: usize = 4;
/// What a leaf holds.
pub(crate) type Leaf = [u64; CELLS];

/// Digests of subtrees without anything in them, by height.
static EMPTY: LazyLock<Vec<Digest>> = LazyLock::new(|| {
    let mut digests = vec![digest(&Leaf::default())];
    for height in 0..usize::from(HEIGHT) {
        digests.push(join([digests[height]; 2]));
    }
    digests
});

/// The limbs of a leaf.
pub(crate) fn limbs(leaf: &Leaf) -> [Val; WIDTH] {
    std::array::from_fn(|i| Val::from_u16((leaf[i / 4] >> (16 * (i % 4))) as u16))
}

fn digest(leaf: &Leaf) -> Digest {
    compress(limbs(leaf))
}

/// The input of a node's digest.
pub(crate) fn pair([left, right]: [Digest; 2]) -> [Val; WIDTH] {
    std::array::from_fn(|i| if i < DIGEST { left[i] } else { right[i - DIGEST] })
}

fn join(children: [Digest; 2]) -> Digest {
    compress(pair(children))
}

/// A leaf before and after a piece of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeafChange {
    pub(crate) old: Leaf,
    pub(crate) new: Leaf,
    /// Whether the piece touches the cell, and when last.
    pub(crate) stamps: [Option<u32>; CELLS],
    /// Whether the cell's last value is public.
    pub(crate) out: [bool; CELLS],
}

/// A node above a changed leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeChange {
    pub(crate) height: u8,
    pub(crate) index: u32,
    /// Its children.
    pub(crate) old: [Digest; 2],
    pub(crate) new: [Digest; 2],
    pub(crate) touched: [bool; 2],
}

/// What a piece of a run does to the tree.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) leaves: Vec<(u32, LeafChange)>,
    /// From the root down.
    pub(crate) nodes: Vec<NodeChange>,
    pub(crate) before: Digest,
    pub(crate) after: Digest,
}

/// The tree, or the part of it that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// By height and index; those that are absent are empty.
    nodes: HashMap<(u8, u32), Digest>,
}

/// What proves a piece of a run needs of the tree: digests beside the paths from the leaves that it touches to the
/// root, those of empty subtrees left out.
pub(crate) type Siblings = BTreeMap<(u8, u32), Digest>;

impl Tree {
    /// Of a program's initial cells.
    pub(crate) fn initial(data: &[(u32, u64)]) -> Self {
        let mut leaves: BTreeMap<u32, Leaf> = BTreeMap::new();
        for (key, value) in data {
            leaves.entry(key >> 2).or_default()[(key & 3) as usize] = *value;
        }
        Self::open(&leaves, &Siblings::new())
    }

    /// Of some leaves and what is beside their paths.
    pub(crate) fn open(leaves: &BTreeMap<u32, Leaf>, siblings: &Siblings) -> Self {
        let mut tree = Self {
            nodes: siblings.iter().map(|(place, digest)| (*place, *digest)).collect(),
        };
        let mut level: Vec<u32> = vec![];
        for (index, leaf) in leaves {
            tree.nodes.insert((0, *index), digest(leaf));
            level.push(*index);
        }
        for height in 1..=HEIGHT {
            level = parents(&level);
            for index in &level {
                let digest = join(tree.children(height, *index));
                tree.nodes.insert((height, *index), digest);
            }
        }
        tree
    }

    pub(crate) fn root(&self) -> Digest {
        self.get(HEIGHT, 0)
    }

    fn get(&self, height: u8, index: u32) -> Digest {
        let known = self.nodes.get(&(height, index)).copied();
        known.unwrap_or_else(|| EMPTY[usize::from(height)])
    }

    fn children(&self, height: u8, index: u32) -> [Digest; 2] {
        [0, 1].map(|side| self.get(height - 1, 2 * index + side))
    }

    /// What is beside the paths from these leaves to the root.
    pub(crate) fn siblings<'a>(&self, leaves: impl IntoIterator<Item = &'a u32>) -> Siblings {
        let mut siblings = Siblings::new();
        let mut level: Vec<u32> = leaves.into_iter().copied().collect();
        for height in 0..HEIGHT {
            for index in &level {
                let beside = index ^ 1;
                if level.binary_search(&beside).is_err()
                    && let Some(digest) = self.nodes.get(&(height, beside))
                {
                    siblings.insert((height, beside), *digest);
                }
            }
            level = parents(&level);
        }
        siblings
    }

    /// Writes the leaves' new values.
    pub(crate) fn update(&mut self, leaves: BTreeMap<u32, LeafChange>) -> Update {
        let before = self.root();
        let mut nodes = vec![];
        let mut old: HashMap<u32, Digest> = HashMap::new();
        let mut level = vec![];
        for (index, change) in &leaves {
            old.insert(*index, self.get(0, *index));
            self.nodes.insert((0, *index), digest(&change.new));
            level.push(*index);
        }
        for height in 1..=HEIGHT {
            let above = parents(&level);
            let mut changed = HashMap::new();
            for index in above.iter().copied() {
                let sides = [2 * index, 2 * index + 1];
                let new = self.children(height, index);
                let touched = sides.map(|child| old.contains_key(&child));
                let was: [Digest; 2] =
                    std::array::from_fn(|side| old.get(&sides[side]).copied().unwrap_or(new[side]));
                nodes.push(NodeChange {
                    height,
                    index,
                    old: was,
                    new,
                    touched,
                });
                changed.insert(index, self.get(height, index));
                self.nodes.insert((height, index), join(new));
            }
            (level, old) = (above, changed);
        }
        nodes.reverse();
        Update {
            leaves: leaves.into_iter().collect(),
            nodes,
            before,
            after: self.root(),
        }
    }
}

/// The level above, of indices in ascending order.
fn parents(level: &[u32]) -> Vec<u32> {
    let mut above: Vec<u32> = level.iter().map(|index| index / 2).collect();
    above.dedup();
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: Leaf, new: Leaf) -> LeafChange {
        LeafChange {
            old,
            new,
            ..LeafChange::default()
        }
    }

    #[test]
    fn the_root_names_every_cell_and_its_place() {
        let data = [(3, 7), (4, 7), ((1 << 29) - 1, 9)];
        let root = Tree::initial(&data).root();
        assert_eq!(Tree::initial(&data).root(), root);
        for other in [
            [(3, 8), (4, 7), ((1 << 29) - 1, 9)],
            [(2, 7), (4, 7), ((1 << 29) - 1, 9)],
            [(3, 7), (5, 7), ((1 << 29) - 1, 9)],
            [(3, 7), (4, 7), ((1 << 29) - 2, 9)],
        ] {
            assert_ne!(Tree::initial(&other).root(), root);
        }
        assert_eq!(Tree::initial(&[]).root(), EMPTY[usize::from(HEIGHT)]);
    }

    #[test]
    fn an_update_gives_the_tree_of_the_new_cells() {
        let mut tree = Tree::initial(&[(3, 7), (1000, 1)]);
        let before = tree.root();
        let changes = [
            (0, change([0, 0, 0, 7], [5, 0, 0, 7])),
            (9, change([0; 4], [1, 2, 3, 4])),
        ];
        let update = tree.update(changes.into_iter().collect());
        let new = [(0, 5), (3, 7), (36, 1), (37, 2), (38, 3), (39, 4), (1000, 1)];
        assert_eq!(
            (update.before, update.after),
            (before, Tree::initial(&new).root())
        );
        assert_eq!(update.nodes[0].height, HEIGHT);
        assert_eq!(join(update.nodes[0].old), before);
        assert_eq!(join(update.nodes[0].new), update.after);
    }

    #[test]
    fn leaves_with_their_siblings_are_enough_for_an_update() {
        let whole = Tree::initial(&[(3, 7), (8, 2), (1000, 1), (1 << 28, 5)]);
        let leaves: BTreeMap<u32, Leaf> = [(0, [0, 0, 0, 7]), (77, [0; 4])].into();
        let part = Tree::open(&leaves, &whole.siblings(leaves.keys()));
        assert_eq!(part.root(), whole.root());
        let changes: BTreeMap<u32, LeafChange> =
            [(0, change([0, 0, 0, 7], [1; 4])), (77, change([0; 4], [2; 4]))].into();
        let (mut whole, mut part) = (whole, part);
        let (expected, found) = (whole.update(changes.clone()), part.update(changes));
        assert_eq!(expected.nodes, found.nodes);
        assert_eq!(expected.after, found.after);
    }
}
