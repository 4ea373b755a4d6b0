//! A receipt in a file, with all that its verifier needs: `docs/spec/receipt-file.md`.

use nonos_types::{ByteLen, Error, Fault, Payload as _, ProofDigest, Receipt, Signed, TapesDigest, wire};
use prost::Message;

use crate::{Claim, Proof, Public};

/// The first bytes of a receipt file.
const MAGIC: [u8; 4] = *b"NONR";
/// The version of its format.
const VERSION: u8 = 1;
const NAME: &str = "receipt file";

/// A signed receipt with the tapes and the proof that it commits to, and perhaps the capsule.
///
/// One that exists has the bytes that its receipt commits to. It says nothing of whether the proof verifies: a
/// [`Verifier`](crate::Verifier) for the receipt's backend and key does, of the [`claim`](ReceiptFile::claim).
///
/// The example `verify_receipt` at the top of the repository goes all the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFile {
    receipt: Signed<Receipt>,
    tapes: Vec<u8>,
    proof: Vec<u8>,
    package: Option<Vec<u8>>,
}

/// Field names and numbers of the body.
#[derive(Clone, PartialEq, Message)]
struct Body {
    #[prost(bytes = "vec", tag = "1")]
    receipt: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    tapes: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    proof: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    package: Vec<u8>,
}

/// Why bytes are not a receipt file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptFileError {
    /// It begins otherwise.
    #[error("not a receipt file: it does not begin with NONR")]
    NotOne,
    /// Of a version that is not known here.
    #[error("a receipt file of version {found}: this program reads version {VERSION}")]
    Version {
        /// The version.
        found: u8,
    },
    /// The body is too long, or not in its one encoding.
    #[error(transparent)]
    Body(Error),
    /// The receipt in it is none, or not signed by its executor.
    #[error("the receipt in it: {0}")]
    Receipt(#[source] Error),
    /// Bytes that are not those the receipt commits to.
    #[error("the {part} are not those that the receipt commits to")]
    NotCommitted {
        /// Which bytes.
        part: &'static str,
    },
}

impl ReceiptFileError {
    /// Who must act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl ReceiptFile {
    /// Longest file: 150 MiB.
    pub const MAX: ByteLen = ByteLen::new(150 << 20);

    /// Puts them together. Whether the package is the receipt's capsule is for who can read packages to say.
    ///
    /// # Errors
    /// [`ReceiptFileError::NotCommitted`], [`ReceiptFileError::Body`] if it is too long.
    pub fn new(
        receipt: Signed<Receipt>,
        tapes: Vec<u8>,
        proof: Vec<u8>,
        package: Option<Vec<u8>>,
    ) -> Result<Self, ReceiptFileError> {
        let is = |len: ByteLen, bytes: &[u8]| len == ByteLen::from(bytes.len());
        let tapes_are = is(receipt.tapes_len, &tapes) && TapesDigest::hash(&[&tapes]) == receipt.tapes;
        let proof_is = is(receipt.proof_len, &proof) && ProofDigest::hash(&[&proof]) == receipt.proof;
        for (part, good) in [("tapes", tapes_are), ("proof's bytes", proof_is)] {
            if !good {
                return Err(ReceiptFileError::NotCommitted { part });
            }
        }
        let file = Self {
            receipt,
            tapes,
            proof,
            // An absent package and an empty one have the same bytes.
            package: package.filter(|it| !it.is_empty()),
        };
        let parts = [
            &file.tapes,
            &file.proof,
            file.package.as_ref().unwrap_or(&Vec::new()),
        ]
        .map(Vec::len);
        // Signatures, names and lengths of fields are less than a mebibyte, whatever they are.
        let actual = ByteLen::from(parts.iter().sum::<usize>() + (1 << 20));
        if actual > Self::MAX {
            return Err(ReceiptFileError::Body(Error::TooLong {
                message: NAME,
                limit: Self::MAX,
                actual,
            }));
        }
        Ok(file)
    }

    /// The one encoding of this file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = Body {
            receipt: self.receipt.to_bytes(),
            tapes: self.tapes.clone(),
            proof: self.proof.clone(),
            package: self.package.clone().unwrap_or_default(),
        };
        [&MAGIC[..], &[VERSION], &wire::encode(&body)].concat()
    }

    /// Reads a file: all of `bytes`, in its one encoding. Verifies the receipt's signature.
    ///
    /// # Errors
    /// [`ReceiptFileError`] names what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptFileError> {
        let (version, body) = (bytes.strip_prefix(&MAGIC))
            .and_then(<[u8]>::split_first)
            .ok_or(ReceiptFileError::NotOne)?;
        if *version != VERSION {
            return Err(ReceiptFileError::Version { found: *version });
        }
        let body: Body = wire::decode(NAME, Self::MAX, body).map_err(ReceiptFileError::Body)?;
        let receipt = Signed::from_bytes(&body.receipt).map_err(ReceiptFileError::Receipt)?;
        Self::new(receipt, body.tapes, body.proof, Some(body.package))
    }

    /// The receipt; its signer is the executor.
    #[must_use]
    pub fn receipt(&self) -> &Signed<Receipt> {
        &self.receipt
    }

    /// The public tapes' bytes.
    #[must_use]
    pub fn tapes(&self) -> &[u8] {
        &self.tapes
    }

    /// The package that came with it, unchecked.
    #[must_use]
    pub fn package(&self) -> Option<&[u8]> {
        self.package.as_deref()
    }

    /// What is to be verified, of a program as the statement has it attached.
    #[must_use]
    pub fn claim(&self, program: Vec<u8>) -> Claim {
        Claim::of_receipt(&self.receipt, program, self.tapes.clone(), self.proof.clone())
    }
}

impl Claim {
    /// What a receipt claims, of a program as the statement has it attached, the tapes and the proof. That these are
    /// those the receipt commits to is not looked at here.
    #[must_use]
    pub fn of_receipt(receipt: &Receipt, program: Vec<u8>, tapes: Vec<u8>, proof: Vec<u8>) -> Self {
        Self {
            public: Public::new(receipt.record.to_bytes())
                .attach(program)
                .attach(tapes),
            proof: Proof::new(receipt.verifying_key, proof),
        }
    }
}
