use nonos_types::{
    Amount, Attempt, ByteLen, Digest, ExecutionRecord, Fuel, NodeId, Pages, Payload as _, Sequence, Slot,
    Tag, Timestamp,
};

/// A key of a table.
///
/// Implementations must give different keys different bytes, and must read back what they write. The order of the
/// bytes is the order of the table; numbers are big-endian so that it is theirs.
pub trait Key: Sized {
    /// The bytes.
    fn to_key(&self) -> Vec<u8>;

    /// Reads all of `bytes`; `None` if they are not a key.
    fn from_key(bytes: &[u8]) -> Option<Self>;
}

/// A value of a table. Implementations must read back what they write.
///
/// ```
/// use nonos_store::{Batch, Durability, MemoryStore, Record, Store as _, Table};
/// use nonos_types::Sequence;
///
/// #[derive(Debug, PartialEq)]
/// struct Count(u32);
///
/// impl Record for Count {
///     fn to_record(&self) -> Vec<u8> {
///         self.0.to_be_bytes().to_vec()
///     }
///
///     fn from_record(bytes: &[u8]) -> Option<Self> {
///         Some(Self(u32::from_be_bytes(bytes.try_into().ok()?)))
///     }
/// }
///
/// const COUNTS: Table<Sequence, Count> = Table::new("count");
/// let (store, mut batch) = (MemoryStore::new(), Batch::new());
/// COUNTS.put(&mut batch, &Sequence::new(3), &Count(7));
/// store.write(&batch, Durability::Buffered)?;
/// assert_eq!(COUNTS.get(&store, &Sequence::new(3))?, Some(Count(7)));
/// # Ok::<_, nonos_store::Error>(())
/// ```
pub trait Record: Sized {
    /// The bytes.
    fn to_record(&self) -> Vec<u8>;

    /// Reads all of `bytes`; `None` if they are not such a value.
    fn from_record(bytes: &[u8]) -> Option<Self>;
}

/// Same bytes as key and as value.
macro_rules! both {
    ($([$($generics:tt)*] $name:ty, $bytes:ty: $to:expr, $from:expr;)*) => {$(
        impl<$($generics)*> Key for $name {
            fn to_key(&self) -> Vec<u8> {
                let to: fn(&Self) -> $bytes = $to;
                to(self).to_vec()
            }

            fn from_key(bytes: &[u8]) -> Option<Self> {
                <$bytes>::try_from(bytes).ok().map($from)
            }
        }

        impl<$($generics)*> Record for $name {
            fn to_record(&self) -> Vec<u8> {
                self.to_key()
            }

            fn from_record(bytes: &[u8]) -> Option<Self> {
                Self::from_key(bytes)
            }
        }
    )*};
}

both! {
    [T: Tag] Digest<T>, [u8; 32]: |it| it.to_bytes(), Self::from_bytes;
    [] NodeId, [u8; 32]: |it| *it.as_bytes(), Self::from_bytes;
    [] Amount, [u8; 16]: |it| it.to_be_bytes(), Self::from_be_bytes;
    [] Timestamp, [u8; 8]: |it| it.get().to_be_bytes(), |it| Self::new(u64::from_be_bytes(it));
    [] Fuel, [u8; 8]: |it| it.get().to_be_bytes(), |it| Self::new(u64::from_be_bytes(it));
    [] ByteLen, [u8; 8]: |it| it.get().to_be_bytes(), |it| Self::new(u64::from_be_bytes(it));
    [] Pages, [u8; 4]: |it| it.get().to_be_bytes(), |it| Self::new(u32::from_be_bytes(it));
    [] Attempt, [u8; 4]: |it| it.get().to_be_bytes(), |it| Self::new(u32::from_be_bytes(it));
    [] Sequence, [u8; 8]: |it| it.get().to_be_bytes(), |it| Self::new(u64::from_be_bytes(it));
    [] Slot, [u8; 2]: |it| it.get().to_be_bytes(), |it| Self::new(u16::from_be_bytes(it));
    [] Vec<u8>, Vec<u8>: |it| it.clone(), |it| it;
    [] (), [u8; 0]: |_| [], |_| ();
}

impl<T: Tag> Key for (NodeId, Digest<T>) {
    fn to_key(&self) -> Vec<u8> {
        [*self.0.as_bytes(), self.1.to_bytes()].concat()
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let (node, digest) = bytes.split_first_chunk()?;
        Some((NodeId::from_bytes(*node), Digest::from_key(digest)?))
    }
}

impl Record for ExecutionRecord {
    fn to_record(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn from_record(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes).ok()
    }
}
