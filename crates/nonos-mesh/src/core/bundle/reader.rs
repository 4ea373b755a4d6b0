use std::io::Read;

use nonos_types::{ByteLen, NetworkId};

use super::{BundleError, Digest, END, Hasher, Item, Last, MAGIC, MESSAGE, OBJECT, VERSION, header};
use crate::Object;

/// How far a reader has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read in all.
    pub read: ByteLen,
    /// Bytes up to the end of the last whole record.
    pub whole: ByteLen,
    /// Messages given.
    pub messages: u64,
    /// Objects given.
    pub objects: u64,
}

/// Reads a bundle, record by record: what is whole is given, until something is wrong, which ends it. A bundle that was
/// cut off is read as far as it goes; read again when it is whole, it gives the same first, which a node that has it
/// already ignores.
///
/// ```
/// use nonos_mesh::core::bundle::{BundleError, Reader, Writer};
/// use nonos_types::NetworkId;
///
/// let network = NetworkId::named("example");
/// let file = Writer::new(vec![], network)?.finish()?;
/// assert!(Reader::new(&file[..], network)?.next().is_none());
///
/// let mut cut = Reader::new(&file[..file.len() - 1], network)?;
/// let error = cut.next().expect("it is cut").unwrap_err();
/// assert!(matches!(error, BundleError::Truncated { .. }));
/// assert!(cut.next().is_none());
/// # Ok::<_, BundleError>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    digest: Hasher,
    last: Last,
    progress: Progress,
    over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header of a bundle that should be of this network. Reads small pieces: a file should be buffered.
    ///
    /// # Errors
    /// [`BundleError::NotABundle`], [`BundleError::UnknownVersion`], [`BundleError::ForeignNetwork`],
    /// [`BundleError::Truncated`], [`BundleError::Io`].
    pub fn new(source: R, network: NetworkId) -> Result<Self, BundleError> {
        let mut reader = Self {
            source,
            digest: Hasher::new(),
            last: Last::Nothing,
            progress: Progress::default(),
            over: false,
        };
        let magic = reader.up_to(MAGIC.len())?;
        if magic.is_empty() || !MAGIC.starts_with(&magic) {
            return Err(BundleError::NotABundle);
        }
        if magic.len() < MAGIC.len() {
            return Err(reader.truncated());
        }
        let version: [u8; 2] = reader.array()?;
        let found = u16::from_be_bytes(version);
        if found != VERSION {
            return Err(BundleError::UnknownVersion { found });
        }
        let found = NetworkId::from_bytes(reader.array()?);
        if found != network {
            return Err(BundleError::ForeignNetwork { found });
        }
        reader.digest.part(&header(network));
        reader.progress.whole = reader.progress.read;
        Ok(reader)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    fn record(&mut self) -> Result<Option<Item>, BundleError> {
        let [tag] = self.array()?;
        let item = match tag {
            END => return self.end().map(|()| None),
            MESSAGE => self.message()?,
            OBJECT => self.object()?,
            _ => return Err(BundleError::UnknownRecord { tag }),
        };
        self.progress.whole = self.progress.read;
        match &item {
            Item::Message(_) => self.progress.messages += 1,
            Item::Object(..) => self.progress.objects += 1,
        }
        Ok(Some(item))
    }

    fn message(&mut self) -> Result<Item, BundleError> {
        let len: [u8; 4] = self.array()?;
        if len == [0; 4] {
            return Err(BundleError::EmptyMessage);
        }
        let bytes = self.body(len, Item::longest_message())?;
        if !self.last.admits_message(&bytes) {
            return Err(BundleError::OutOfOrder);
        }
        self.digest.part(&[&[MESSAGE][..], &len].concat()).part(&bytes);
        self.last = Last::Message(bytes.clone());
        Ok(Item::Message(bytes))
    }

    fn object(&mut self) -> Result<Item, BundleError> {
        let [kind] = self.array()?;
        let digest = self.array()?;
        let object = Object::from_code(kind, digest).filter(Item::carries);
        let object = object.ok_or(BundleError::UnknownObject { kind })?;
        if !self.last.admits_object(&object) {
            return Err(BundleError::OutOfOrder);
        }
        let len: [u8; 4] = self.array()?;
        let bytes = self.body(len, Item::longest(&object))?;
        if !object.is_of(&bytes) {
            return Err(BundleError::WrongObject { object });
        }
        let head = [&[OBJECT, kind][..], &digest, &len].concat();
        self.digest.part(&head).part(&bytes);
        self.last = Last::Object(object);
        Ok(Item::Object(object, bytes))
    }

    fn end(&mut self) -> Result<(), BundleError> {
        self.digest.part(&[END]);
        let stated = Digest::from_bytes(self.array()?);
        if stated != self.digest.finish() {
            return Err(BundleError::Damaged);
        }
        self.progress.whole = self.progress.read;
        match self.up_to(1)?[..] {
            [] => Ok(()),
            _ => Err(BundleError::Trailing),
        }
    }

    fn body(&mut self, len: [u8; 4], limit: ByteLen) -> Result<Vec<u8>, BundleError> {
        let len = u32::from_be_bytes(len);
        let actual = ByteLen::new(len.into());
        if actual > limit {
            return Err(BundleError::TooLong { limit, actual });
        }
        self.exactly(len as usize)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        let bytes = self.exactly(N)?;
        Ok(bytes.try_into().expect("as many as were asked for"))
    }

    fn exactly(&mut self, len: usize) -> Result<Vec<u8>, BundleError> {
        let bytes = self.up_to(len)?;
        if bytes.len() < len {
            return Err(self.truncated());
        }
        Ok(bytes)
    }

    fn truncated(&self) -> BundleError {
        let Progress {
            read,
            whole,
            messages,
            objects,
        } = self.progress;
        BundleError::Truncated {
            read,
            whole,
            messages,
            objects,
        }
    }

    /// So many bytes, or as many as there are. Room is made as they come, not as they are promised.
    fn up_to(&mut self, len: usize) -> Result<Vec<u8>, BundleError> {
        let mut bytes = vec![];
        let read = self.source.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        self.progress.read = ByteLen::new(self.progress.read.get() + read as u64);
        Ok(bytes)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Item, BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let record = self.record().transpose();
        self.over = !matches!(record, Some(Ok(_)));
        record
    }
}
