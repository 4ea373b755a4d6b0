use nonos_types::{ByteLen, MemoryHash, Pages};

use crate::Error;

const PAGE: usize = 65_536;
const LEAF: &str = "nonos/v1/memory-page";
const NODE: &str = "nonos/v1/memory-node";

type Node = [u8; 32];

/// Merkle tree over the 64 KiB pages of a memory.
///
/// Nodes are joined in pairs from the left; a node without a partner moves up as it is. The root also covers the
/// number of pages. Costs one BLAKE3 pass over the pages named, and a few hashes per level.
#[derive(Clone, Debug)]
pub struct MemoryTree {
    /// `levels[0]` are the pages' hashes; each further level has half as many, rounded up; the last has one.
    levels: Vec<Vec<Node>>,
    /// Hash of a page of zeros, which fresh pages are.
    zero: Node,
}

impl MemoryTree {
    /// The tree of a memory without pages.
    pub fn new() -> Self {
        Self {
            levels: vec![Vec::new()],
            zero: leaf(&[0; PAGE]),
        }
    }

    /// The tree of this memory.
    ///
    /// # Errors
    /// [`Error::NotPages`].
    pub fn of(memory: &[u8]) -> Result<Self, Error> {
        let mut tree = Self::new();
        tree.rehash(memory)?;
        Ok(tree)
    }

    /// Pages of the memory last seen.
    pub fn pages(&self) -> Pages {
        Pages::new(self.levels[0].len() as u32)
    }

    /// Hashes every page again: right whatever was written.
    ///
    /// # Errors
    /// [`Error::NotPages`], [`Error::Shrunk`].
    pub fn rehash(&mut self, memory: &[u8]) -> Result<(), Error> {
        let pages = self.check(memory)?;
        self.update(memory, 0..pages)
    }

    /// Hashes the pages of `dirty` again, and those that were added since. `dirty` must name every old page that
    /// was written; naming more, or one twice, does no harm.
    ///
    /// # Errors
    /// [`Error::NotPages`], [`Error::Shrunk`], [`Error::NoSuchPage`]; the tree is then as before.
    pub fn update(&mut self, memory: &[u8], dirty: impl IntoIterator<Item = u32>) -> Result<(), Error> {
        let pages = self.check(memory)?;
        let mut changed: Vec<u32> = dirty.into_iter().chain(self.pages().get()..pages).collect();
        changed.sort_unstable();
        changed.dedup();
        if let Some(&page) = changed.last().filter(|&&page| page >= pages) {
            return Err(Error::NoSuchPage {
                page,
                pages: Pages::new(pages),
            });
        }
        self.levels[0].resize(pages as usize, [0; 32]);
        for &page in &changed {
            let bytes = &memory[page as usize * PAGE..][..PAGE];
            self.levels[0][page as usize] = if is_zero(bytes) { self.zero } else { leaf(bytes) };
        }
        self.join(changed);
        Ok(())
    }

    /// Names the memory.
    pub fn root(&self) -> MemoryHash {
        let top = self
            .levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_default();
        MemoryHash::hash(&[&self.pages().get().to_le_bytes(), &top])
    }

    /// Computes the nodes above the changed ones.
    fn join(&mut self, mut changed: Vec<u32>) {
        let mut depth = 0;
        while self.levels[depth].len() > 1 {
            let width = self.levels[depth].len().div_ceil(2);
            if self.levels.len() == depth + 1 {
                self.levels.push(Vec::new());
            }
            let (below, above) = self.levels.split_at_mut(depth + 1);
            let (below, above) = (&below[depth], &mut above[0]);
            above.resize(width, [0; 32]);
            changed.iter_mut().for_each(|index| *index /= 2);
            changed.dedup();
            for &index in &changed {
                let at = index as usize;
                above[at] = match below.get(2 * at + 1) {
                    Some(right) => node(&below[2 * at], right),
                    None => below[2 * at],
                };
            }
            depth += 1;
        }
    }

    fn check(&self, memory: &[u8]) -> Result<u32, Error> {
        if !memory.len().is_multiple_of(PAGE) || memory.len() / PAGE >= 65_536 {
            return Err(Error::NotPages {
                actual: ByteLen::from(memory.len()),
            });
        }
        let pages = (memory.len() / PAGE) as u32;
        let (before, after) = (self.pages(), Pages::new(pages));
        if after < before {
            Err(Error::Shrunk { before, after })
        } else {
            Ok(pages)
        }
    }
}

impl Default for MemoryTree {
    fn default() -> Self {
        Self::new()
    }
}

fn is_zero(page: &[u8]) -> bool {
    page.chunks_exact(64)
        .all(|chunk| chunk.iter().fold(0, |sum, byte| sum | byte) == 0)
}

fn leaf(page: &[u8]) -> Node {
    *blake3::Hasher::new_derive_key(LEAF)
        .update(page)
        .finalize()
        .as_bytes()
}

fn node(left: &Node, right: &Node) -> Node {
    *blake3::Hasher::new_derive_key(NODE)
        .update(left)
        .update(right)
        .finalize()
        .as_bytes()
}
