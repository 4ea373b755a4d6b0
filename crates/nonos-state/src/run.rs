use nonos_types::{MemoryHash, StateHash};

/// How far each tape of the host ABI has been read (0–2) or written (3–5), in 64-bit words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapePositions(pub [u64; 6]);

/// What a checkpoint covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunState<'a> {
    /// The linear memory.
    pub memory: MemoryHash,
    /// The capsule's own globals by index, mutable or not, 32-bit values zero-extended. What a runtime adds to a
    /// module for its own use does not belong here.
    pub globals: &'a [u64],
    /// The tapes.
    pub tapes: TapePositions,
}

impl RunState<'_> {
    /// Names the state.
    pub fn hash(&self) -> StateHash {
        let globals: Vec<u8> = self.globals.iter().flat_map(|word| word.to_le_bytes()).collect();
        let tapes: Vec<u8> = self.tapes.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        StateHash::hash(&[self.memory.as_bytes(), &globals, &tapes])
    }
}
