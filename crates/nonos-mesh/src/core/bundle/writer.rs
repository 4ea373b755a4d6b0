use std::io::Write;

use nonos_types::{ByteLen, Message, NetworkId};

use super::{BundleError, END, Hasher, Item, Last, MESSAGE, OBJECT, header};
use crate::Object;

/// Writes a bundle, record by record.
///
/// ```
/// use nonos_mesh::{Object, core::bundle::{Item, Reader, Writer, sort}};
/// use nonos_types::{InputDigest, NetworkId};
///
/// let network = NetworkId::named("example");
/// let mut messages = vec![]; // what the journal holds
/// sort(&mut messages);
///
/// let mut writer = Writer::new(vec![], network)?;
/// for message in &messages {
///     writer.message(message)?;
/// }
/// let input = Object::Input(InputDigest::hash(&[b"abc"]));
/// writer.object(&input, b"abc")?;
/// let file = writer.finish()?;
///
/// let items = Reader::new(&file[..], network)?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(items, [Item::Object(input, b"abc".to_vec())]);
/// # Ok::<_, nonos_mesh::core::bundle::BundleError>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    digest: Hasher,
    last: Last,
}

impl<W: Write> Writer<W> {
    /// Begins a bundle of a network.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn new(mut sink: W, network: NetworkId) -> Result<Self, BundleError> {
        let header = header(network);
        sink.write_all(&header)?;
        let mut digest = Hasher::new();
        digest.part(&header);
        Ok(Self {
            sink,
            digest,
            last: Last::Nothing,
        })
    }

    /// Writes a message. All come before the first object, in the order of [`sort`](super::sort).
    ///
    /// # Errors
    /// [`BundleError::OutOfOrder`], [`BundleError::Io`].
    pub fn message(&mut self, message: &Message) -> Result<(), BundleError> {
        let bytes = message.to_bytes();
        if !self.last.admits_message(&bytes) {
            return Err(BundleError::OutOfOrder);
        }
        let len = u32::try_from(bytes.len()).expect("no message is that long");
        self.record(&[&[MESSAGE][..], &len.to_be_bytes()].concat(), &bytes)?;
        self.last = Last::Message(bytes);
        Ok(())
    }

    /// Writes an object. They are in their order, each once.
    ///
    /// # Errors
    /// [`BundleError::OutOfOrder`], [`BundleError::TooLong`], [`BundleError::WrongObject`], [`BundleError::UnknownObject`],
    /// [`BundleError::Io`].
    pub fn object(&mut self, object: &Object, bytes: &[u8]) -> Result<(), BundleError> {
        if !Item::carries(object) {
            let (kind, _) = object.to_code();
            return Err(BundleError::UnknownObject { kind });
        }
        if !self.last.admits_object(object) {
            return Err(BundleError::OutOfOrder);
        }
        let (limit, actual) = (Item::longest(object), ByteLen::from(bytes.len()));
        if actual > limit {
            return Err(BundleError::TooLong { limit, actual });
        }
        if !object.is_of(bytes) {
            return Err(BundleError::WrongObject { object: *object });
        }
        let (kind, digest) = object.to_code();
        let len = u32::try_from(bytes.len()).expect("within the limit");
        let head = [&[OBJECT, kind][..], &digest, &len.to_be_bytes()].concat();
        self.record(&head, bytes)?;
        self.last = Last::Object(*object);
        Ok(())
    }

    /// Ends the bundle. What is not ended is read as cut off.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn finish(mut self) -> Result<W, BundleError> {
        self.digest.part(&[END]);
        self.sink.write_all(&[END])?;
        self.sink.write_all(self.digest.finish().as_bytes())?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn record(&mut self, head: &[u8], body: &[u8]) -> Result<(), BundleError> {
        self.digest.part(head).part(body);
        self.sink.write_all(head)?;
        self.sink.write_all(body)?;
        Ok(())
    }
}
