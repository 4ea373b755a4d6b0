//! Messages of channels, as a run reads them: the mesh inbound tape. Its bytes are those of `docs/spec/channel.md`.

use crate::{ByteLen, CapsuleHash, Error, InboundDigest, ReceiptId};

const TAPE: &str = "inbound tape";
const WORD: usize = 8;
/// Receipt, capsule and length.
const HEAD: usize = 32 + 32 + WORD;

/// A message of a capsule's channel: what the outbound tape of a run says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundMessage {
    /// The receipt of the run.
    pub receipt: ReceiptId,
    /// The capsule that was run, whose channel it is.
    pub capsule: CapsuleHash,
    /// What it wrote; at least one byte.
    pub bytes: Vec<u8>,
}

/// The messages that a run reads, in the order in which it does: no message twice.
///
/// ```
/// use nonos_types::{CapsuleHash, InboundDigest, InboundMessage, InboundTape, ReceiptId};
///
/// let mut tape = InboundTape::default();
/// tape.push(InboundMessage {
///     receipt: ReceiptId::hash(&[b"a receipt"]),
///     capsule: CapsuleHash::hash(&[b"a capsule"]),
///     bytes: b"hello".to_vec(),
/// })?;
/// let bytes = tape.to_bytes();
/// assert_eq!(bytes.len(), 72 + 8);
/// assert_eq!(InboundTape::from_bytes(&bytes)?, tape);
/// assert_eq!(InboundTape::default().digest(), InboundDigest::hash(&[b""]));
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundTape {
    messages: Vec<InboundMessage>,
    len: usize,
}

impl InboundTape {
    /// Most messages.
    pub const MAX_MESSAGES: usize = 64;
    /// Most bytes.
    pub const MAX: ByteLen = ByteLen::new(4 << 20);

    /// Adds a message behind the others.
    ///
    /// # Errors
    /// [`Error::BadField`] for a message of no bytes, one that is there already, and one too many; [`Error::TooLong`] if
    /// the tape has no room for it.
    pub fn push(&mut self, message: InboundMessage) -> Result<(), Error> {
        let bad = |field| Error::BadField { message: TAPE, field };
        if message.bytes.is_empty() {
            return Err(bad("length"));
        }
        if self.messages.len() == Self::MAX_MESSAGES {
            return Err(bad("messages"));
        }
        if self.messages.iter().any(|it| it.receipt == message.receipt) {
            return Err(bad("receipt"));
        }
        let len = self.len.saturating_add(HEAD).saturating_add(message.bytes.len());
        let len = len.checked_next_multiple_of(WORD).unwrap_or(usize::MAX);
        crate::wire::check_len(TAPE, Self::MAX, len)?;
        self.len = len;
        self.messages.push(message);
        Ok(())
    }

    /// The messages, in order.
    pub fn messages(&self) -> &[InboundMessage] {
        &self.messages
    }

    /// Length of the tape.
    pub fn len(&self) -> ByteLen {
        ByteLen::from(self.len)
    }

    /// Are there no messages?
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The tape.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut tape = Vec::with_capacity(self.len);
        for InboundMessage {
            receipt,
            capsule,
            bytes,
        } in &self.messages
        {
            tape.extend_from_slice(receipt.as_bytes());
            tape.extend_from_slice(capsule.as_bytes());
            tape.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            tape.extend_from_slice(bytes);
            tape.resize(tape.len().next_multiple_of(WORD), 0);
        }
        tape
    }

    /// What its record says of it.
    pub fn digest(&self) -> InboundDigest {
        InboundDigest::hash(&[&self.to_bytes()])
    }

    /// Reads a tape.
    ///
    /// # Errors
    /// [`Error::TooLong`] before anything is read; [`Error::Malformed`] where it ends within a message,
    /// [`Error::NotCanonical`] where the bytes that fill up a word are not zero; and those of [`InboundTape::push`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        crate::wire::check_len(TAPE, Self::MAX, bytes.len())?;
        let malformed = Error::Malformed { message: TAPE };
        let (mut tape, mut rest) = (Self::default(), bytes);
        while !rest.is_empty() {
            let (receipt, behind) = rest.split_first_chunk().ok_or(malformed.clone())?;
            let (capsule, behind) = behind.split_first_chunk().ok_or(malformed.clone())?;
            let (len, behind) = behind.split_first_chunk().ok_or(malformed.clone())?;
            let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| malformed.clone())?;
            let padded = len.checked_next_multiple_of(WORD).ok_or(malformed.clone())?;
            let (message, behind) = behind.split_at_checked(padded).ok_or(malformed.clone())?;
            let (message, padding) = message.split_at(len);
            if padding.iter().any(|byte| *byte != 0) {
                return Err(Error::NotCanonical { message: TAPE });
            }
            tape.push(InboundMessage {
                receipt: ReceiptId::from_bytes(*receipt),
                capsule: CapsuleHash::from_bytes(*capsule),
                bytes: message.to_vec(),
            })?;
            rest = behind;
        }
        Ok(tape)
    }
}

/// The messages that a job names for its run, and the tape that they make: what everybody builds who has their receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    receipts: Vec<ReceiptId>,
    digest: InboundDigest,
    len: ByteLen,
}

impl Inbound {
    /// The messages of these receipts, which make a tape of this digest and length.
    ///
    /// # Errors
    /// [`Error::BadField`]: `inbound` if there are none, too many, or one twice; `inbound_tape` if no tape of so many
    /// messages has that length.
    pub fn new(receipts: Vec<ReceiptId>, digest: InboundDigest, len: ByteLen) -> Result<Self, Error> {
        let bad = |field| Error::BadField {
            message: "offer",
            field,
        };
        let count = receipts.len();
        let mut sorted = receipts.clone();
        sorted.sort_unstable();
        if count == 0 || count > InboundTape::MAX_MESSAGES || sorted.windows(2).any(|it| it[0] == it[1]) {
            return Err(bad("inbound"));
        }
        // Each has a head and a byte at least.
        let least = (count * (HEAD + WORD)) as u64;
        let words = len.get().is_multiple_of(WORD as u64);
        if len.get() < least || len > InboundTape::MAX || !words {
            return Err(bad("inbound_tape"));
        }
        Ok(Self {
            receipts,
            digest,
            len,
        })
    }

    /// What a tape is named by; `None` for an empty one.
    pub fn of(tape: &InboundTape) -> Option<Self> {
        let receipts = tape.messages.iter().map(|it| it.receipt).collect();
        Self::new(receipts, tape.digest(), tape.len()).ok()
    }

    /// Names of the receipts, in the order in which the run reads their messages.
    pub fn receipts(&self) -> &[ReceiptId] {
        &self.receipts
    }

    /// Digest of the tape.
    pub fn digest(&self) -> InboundDigest {
        self.digest
    }

    /// Length of the tape.
    pub fn len(&self) -> ByteLen {
        self.len
    }
}
