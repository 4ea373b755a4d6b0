//! Where one segment ends and the next begins.

use nonos_machine::{State, isa::Program};
use p3_field::{PrimeCharacteristicRing, PrimeField32};

use crate::config::Val;
use crate::poseidon::{DIGEST, Digest};
use crate::tree::Tree;

/// Root of the Merkle tree over all cells of the machine: registers, linear memory, tape positions, globals.
///
/// Poseidon2 over KoalaBear, eight field elements of four little-endian bytes; `docs/spec/segment.md`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemoryRoot([u8; Self::BYTES]);

impl MemoryRoot {
    /// Bytes of a root.
    pub const BYTES: usize = 4 * DIGEST;

    /// Reads a root; `None` where a field element is not reduced.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let root = Self(bytes);
        let is_reduced = |word: [u8; 4]| u32::from_le_bytes(word) < Val::ORDER_U32;
        root.words().all(is_reduced).then_some(root)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    fn words(&self) -> impl Iterator<Item = [u8; 4]> {
        self.0.as_chunks().0.iter().copied()
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut words = self.words().map(u32::from_le_bytes);
        std::array::from_fn(|_| Val::from_u32(words.next().expect("eight words")))
    }

    pub(crate) fn of(digest: &Digest) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (word, element) in bytes.as_chunks_mut().0.iter_mut().zip(digest) {
            *word = element.as_canonical_u32().to_le_bytes();
        }
        Self(bytes)
    }
}

impl std::fmt::Debug for MemoryRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The machine between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Registers of the machine itself, fuel, and how much each output tape holds.
    pub state: State,
    /// Everything else.
    pub memory: MemoryRoot,
}

impl Boundary {
    /// Bytes of a boundary.
    pub const BYTES: usize = 54 + MemoryRoot::BYTES;

    /// In which every run of a program begins.
    pub fn initial(program: &Program) -> Self {
        Self {
            state: State::initial(program),
            memory: MemoryRoot::of(&Tree::initial(&program.data).root()),
        }
    }

    /// Little-endian: pc (4), fp (4), room (2), pages (4), fuel (8), positions of the output tapes (4 · 8), root (32).
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let State {
            pc,
            fp,
            room,
            pages,
            fuel,
            outputs,
        } = self.state;
        let mut bytes = [0; Self::BYTES];
        let parts = [
            &pc.to_le_bytes()[..],
            &fp.to_le_bytes(),
            &room.to_le_bytes(),
            &pages.to_le_bytes(),
            &fuel.to_le_bytes(),
            &outputs.map(u64::to_le_bytes).concat(),
            self.memory.as_bytes(),
        ];
        bytes.copy_from_slice(&parts.concat());
        bytes
    }

    /// Reads them; `None` if the root is not reduced, or a tape's position is not one.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let mut rest = &bytes[..];
        let mut next = |n: usize| {
            let mut word = [0; 8];
            let (part, after) = rest.split_at(n);
            word[..n].copy_from_slice(part);
            rest = after;
            u64::from_le_bytes(word)
        };
        // What is read is as wide as what it is read into.
        let mut state = State {
            pc: next(4) as u32,
            fp: next(4) as u32,
            room: next(2) as u16,
            pages: next(4) as u32,
            fuel: next(8),
            outputs: [0; 4],
        };
        state.outputs.fill_with(|| next(8));
        let memory = MemoryRoot::from_bytes(rest.try_into().ok()?)?;
        let is_position = |position: &u64| position >> 35 == 0;
        let fits = state.outputs.iter().all(is_position);
        fits.then_some(Self { state, memory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `docs/spec/segment.md`.
    #[test]
    fn roots_are_those_of_the_specification() {
        let spec = include_str!("../../../../docs/spec/segment.md");
        let memories: [(&str, &[(u32, u64)]); 3] = [
            ("no cell", &[]),
            ("cell 0", &[(0, 1)]),
            ("cell 2^27", &[(1 << 27, 0x0807_0605_0403_0201)]),
        ];
        let mut wrong = vec![];
        for (name, cells) in memories {
            let root = MemoryRoot::of(&Tree::initial(cells).root());
            let line = spec.lines().find(|line| line.starts_with(&format!("| {name}")));
            let line = line.expect("a line for each");
            if !line.ends_with(&format!("| `{root:?}` |")) {
                wrong.push((name, root));
            }
        }
        assert_eq!(wrong, []);
    }

    #[test]
    fn a_boundary_is_read_back_and_nothing_else_is_read() {
        let boundary = Boundary {
            state: State {
                pc: 1,
                fp: 2,
                room: 3,
                pages: 4,
                fuel: 1 << 40,
                outputs: [5, 7 << 32 | 6, 0, 1],
            },
            memory: MemoryRoot::of(&Tree::initial(&[(9, 9)]).root()),
        };
        let bytes = boundary.to_bytes();
        assert_eq!(Boundary::from_bytes(&bytes), Some(boundary));
        let mut wide = bytes;
        wide[22 + 7] = 1;
        assert_eq!(Boundary::from_bytes(&wide), None, "a position of 64 bits");
        let mut wide = bytes;
        wide[54..58].copy_from_slice(&Val::ORDER_U32.to_le_bytes());
        assert_eq!(
            Boundary::from_bytes(&wide),
            None,
            "an element that is not reduced"
        );
    }
}
