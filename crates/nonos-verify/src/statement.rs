//! What is proved: a relation between public data and a witness, with a native check.

use crate::StatementId;
use nonos_types::ByteLen;
use std::sync::Arc;

/// The public side of one statement as bytes: what a verifier is handed.
///
/// `statement` is the canonical encoding that every backend absorbs before its first challenge. Attachments are
/// the data that the statement only names by digest (a capsule, its public tapes); the statement's decoder
/// checks them against it. Clones are cheap.
///
/// ```
/// use nonos_verify::Public;
/// let public = Public::new(vec![1, 2, 3]).attach(vec![4, 5]);
/// assert_eq!(public.statement(), [1, 2, 3]);
/// assert_eq!(public.attachment(0), Some(&[4, 5][..]));
/// assert_eq!(public.len(), nonos_types::ByteLen::new(5));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Public {
    statement: Arc<[u8]>,
    attachments: Vec<Arc<[u8]>>,
}

impl Public {
    /// Public data without attachments.
    pub fn new(statement: impl Into<Arc<[u8]>>) -> Self {
        Self {
            statement: statement.into(),
            attachments: Vec::new(),
        }
    }

    /// Adds the next attachment; their order is the statement's to define.
    #[must_use]
    pub fn attach(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.attachments.push(bytes.into());
        self
    }

    /// The canonical statement bytes.
    #[must_use]
    pub fn statement(&self) -> &[u8] {
        &self.statement
    }

    /// The attachment at `index`, if there is one.
    #[must_use]
    pub fn attachment(&self, index: usize) -> Option<&[u8]> {
        self.attachments.get(index).map(|bytes| &**bytes)
    }

    /// How many attachments there are.
    #[must_use]
    pub fn attachments(&self) -> usize {
        self.attachments.len()
    }

    /// Statement and attachments together.
    #[must_use]
    pub fn len(&self) -> ByteLen {
        let attached: usize = self.attachments.iter().map(|bytes| bytes.len()).sum();
        ByteLen::from(self.statement.len() + attached)
    }

    /// Whether there is no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == ByteLen::ZERO
    }
}

/// Public bytes that do not decode to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("public data: {part} is malformed")]
pub struct Malformed {
    /// The part that is wrong, for people: a field, an attachment.
    pub part: &'static str,
}

/// A witness under which the statement does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the statement does not hold: {clause}")]
pub struct Violation {
    /// The clause of the relation that fails, for people.
    pub clause: &'static str,
}

/// A relation that can be proved by any backend.
///
/// Implementations must:
/// - give [`bytes`](Self::bytes) that are injective: different statements, different bytes. Attachments are
///   bound through a digest in these bytes;
/// - decode only what [`public`](Self::public) yields, byte for byte, in time and memory linear in its length,
///   and compare each attachment with its digest;
/// - change [`ID`](Self::ID) whenever the meaning of the bytes changes;
/// - have a [`check`](Self::check) that is deterministic and says exactly what a proof says.
///
/// [`testing::Product`](crate::testing::Product) is a small one to copy.
pub trait Statement: Sized + Send + Sync + 'static {
    /// Name and version of the relation.
    const ID: StatementId;

    /// Longest public data, attachments included; longer ones are refused before decoding.
    const MAX_PUBLIC: ByteLen;

    /// What the prover knows and the verifier does not.
    type Witness: Send + Sync;

    /// Canonical encoding, absorbed by every backend before its first challenge.
    fn bytes(&self) -> Vec<u8>;

    /// The data named by digest in [`bytes`](Self::bytes), in a fixed order. None by default.
    fn attachments(&self) -> Vec<Arc<[u8]>> {
        Vec::new()
    }

    /// Decodes what [`public`](Self::public) yields.
    ///
    /// # Errors
    /// [`Malformed`] for anything else; it names the part.
    fn decode(public: &Public) -> Result<Self, Malformed>;

    /// The native relation: does it hold for this witness?
    ///
    /// # Errors
    /// [`Violation`] names the clause that fails.
    fn check(&self, witness: &Self::Witness) -> Result<(), Violation>;

    /// Statement bytes and attachments, as handed to a verifier.
    fn public(&self) -> Public {
        self.attachments()
            .into_iter()
            .fold(Public::new(self.bytes()), Public::attach)
    }
}
