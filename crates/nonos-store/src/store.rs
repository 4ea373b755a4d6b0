use std::ops::ControlFlow;

use crate::{Batch, Error};

/// What is lost when the machine stops right after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Perhaps this write, and those since the last durable one. Faster.
    Buffered,
    /// Nothing: this write and all before it are on the disk when the call returns.
    Durable,
}

/// Keys from `start` up to, not including, `end`.
///
/// ```
/// use nonos_store::{Durability, KeyRange, MemoryStore, Store as _};
/// use std::ops::ControlFlow;
///
/// let store = MemoryStore::new();
/// for key in ["apple", "pear", "plum"] {
///     store.put(key.as_bytes(), b"", Durability::Buffered)?;
/// }
/// let range = KeyRange { start: b"p".to_vec(), end: Some(b"pl".to_vec()) };
/// let mut keys = vec![];
/// store.scan(&range, &mut |key, _| {
///     keys.push(key.to_vec());
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(keys, [b"pear"]);
/// # Ok::<_, nonos_store::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key.
    pub start: Vec<u8>,
    /// First key after the range; `None` for no end.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self {
        start: Vec::new(),
        end: None,
    };
}

/// Is shown a key and its value, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// A map from byte strings to byte strings, ordered by key. For users, [`Table`](crate::Table) is the face of it.
///
/// Implementations must
/// - apply a batch as a whole or not at all, in its order, also as seen by others at the same time;
/// - check what a batch requires to be new, and apply it, with no other write in between;
/// - scan in ascending byte order, once per key, and see of any batch all or nothing;
/// - have a written batch seen by every later read;
/// - keep a [`Durable`](Durability::Durable) write, and every write before it, over a power cut;
/// - take empty values and keys of any bytes.
///
/// [`testing`](crate::testing) checks all of this but the power cut.
pub trait Store: Send + Sync {
    /// The value under a key.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Shows `visit` the keys of a range with their values until it breaks. `visit` must not write to the store.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::Damaged`].
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error>;

    /// Applies a batch.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Storage`], [`Error::Damaged`]; nothing is written then.
    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error>;

    /// Writes one value.
    ///
    /// # Errors
    /// As [`Store::write`].
    fn put(&self, key: &[u8], value: &[u8], durability: Durability) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.put(key.to_vec(), value.to_vec());
        self.write(&batch, durability)
    }

    /// Deletes a key, if it is there.
    ///
    /// # Errors
    /// As [`Store::write`].
    fn delete(&self, key: &[u8], durability: Durability) -> Result<(), Error> {
        let mut batch = Batch::new();
        batch.delete(key.to_vec());
        self.write(&batch, durability)
    }
}

impl<S: Store + ?Sized> Store for &S {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        (**self).scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        (**self).write(batch, durability)
    }
}

impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        (**self).get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        (**self).scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        (**self).write(batch, durability)
    }
}
