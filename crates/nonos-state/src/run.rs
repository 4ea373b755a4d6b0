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
    /// The tables by index: for each entry 0 if it is null, else 1 more than the index of its function.
    pub tables: &'a [Vec<u64>],
    /// The tapes.
    pub tapes: TapePositions,
}

impl RunState<'_> {
    /// Names the state.
    pub fn hash(&self) -> StateHash {
        let globals = bytes(self.globals);
        let tapes = bytes(&self.tapes.0);
        let tables: Vec<Vec<u8>> = self.tables.iter().map(|entries| bytes(entries)).collect();
        let mut parts: Vec<&[u8]> = vec![self.memory.as_bytes(), &globals, &tapes];
        parts.extend(tables.iter().map(Vec::as_slice));
        StateHash::hash(&parts)
    }
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
