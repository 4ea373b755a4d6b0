//! Bytes on the pipes: numbers little-endian, what varies in length behind its length.

use nonos_capsule::MAX_OUTPUT_WORDS;
use nonos_types::Value;

/// Version of what is said on the pipes.
pub(crate) const VERSION: u32 = 1;
/// Most bytes of a tape, in either direction.
pub(crate) const MAX_TAPE: u64 = MAX_OUTPUT_WORDS as u64 * 8;

/// Bytes of an argument or result.
pub(crate) const VALUE: usize = 9;

/// Reads a frame from its start.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// What is behind its length, at most `limit`.
    pub(crate) fn bytes(&mut self, limit: u64) -> Option<&'a [u8]> {
        let len = self.u64().filter(|len| *len <= limit)?;
        self.take(usize::try_from(len).ok()?)
    }

    /// A list behind its length, at most `limit`.
    pub(crate) fn list<T>(
        &mut self,
        limit: u64,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let len = self.u64().filter(|len| *len <= limit)?;
        (0..len).map(|_| item(self)).collect()
    }

    pub(crate) fn value(&mut self) -> Option<Value> {
        let (kind, word) = (self.u8()?, self.u64()?);
        match kind {
            0 => Some(Value::I32(u32::try_from(word).ok()?)),
            1 => Some(Value::I64(word)),
            _ => None,
        }
    }

    /// Was that all?
    pub(crate) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&(len as u64).to_le_bytes());
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_values(out: &mut Vec<u8>, values: &[Value]) {
    put_len(out, values.len());
    for value in values {
        out.push(match value {
            Value::I32(_) => 0,
            Value::I64(_) => 1,
        });
        out.extend_from_slice(&value.word().to_le_bytes());
    }
}
