/// Writes that happen together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    new: Vec<Vec<u8>>,
    ops: Vec<Op>,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// Removes a key, if it is there.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value; of several for one key the last one counts.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> &mut Self {
        self.ops.push(Op::Put { key, value });
        self
    }

    /// Removes a key, if it is there.
    pub fn delete(&mut self, key: Vec<u8>) -> &mut Self {
        self.ops.push(Op::Delete { key });
        self
    }

    /// Refuses the whole batch if this key is there before it.
    pub fn require_new(&mut self, key: Vec<u8>) -> &mut Self {
        self.new.push(key);
        self
    }

    /// Keys that must not be there before.
    pub fn required_new(&self) -> &[Vec<u8>] {
        &self.new
    }

    /// The writes in order.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }
}
