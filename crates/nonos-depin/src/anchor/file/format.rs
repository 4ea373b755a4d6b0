//! The file's bytes: a header, then records, each bound to all before it.

use std::io::{self, BufRead, Read};

use nonos_types::{ByteLen, Digest, Envelope, NetworkId, NodeId, Tag};

use super::{Chain, Commitment, Countersignature, FileDamage};

const MAGIC: [u8; 8] = *b"NONOANCH";
const VERSION: u16 = 1;
pub(super) const HEADER_LEN: usize = 8 + 2 + 32 + 32;
/// Kind, length, and the digest of both that tells a record cut short from a damaged length.
const HEAD_LEN: usize = 1 + 4 + 4;
/// Most bytes of an envelope.
const MAX_BODY: ByteLen = Envelope::max_len::<Commitment>();
const COMMITTED: u8 = 1;
const COUNTERSIGNED: u8 = 2;

/// `nonos/v1/anchor-file`
pub(super) enum FileTag {}

impl Tag for FileTag {
    const DOMAIN: &'static str = "nonos/v1/anchor-file";
}

/// Digest of all the file up to here.
pub(super) type Link = Digest<FileTag>;

pub(super) struct Header(pub(super) Chain);

impl Header {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Chain { network, submitter } = &self.0;
        [
            &MAGIC[..],
            &VERSION.to_be_bytes(),
            network.as_bytes(),
            submitter.as_bytes(),
        ]
        .concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, FileDamage> {
        let bytes: &[u8; HEADER_LEN] = bytes.try_into().map_err(|_| FileDamage::NotOne)?;
        let (magic, rest) = bytes.split_at(8);
        let (version, rest) = rest.split_at(2);
        let (network, submitter) = rest.split_at(32);
        if magic != MAGIC {
            return Err(FileDamage::NotOne);
        }
        let version = u16::from_be_bytes([version[0], version[1]]);
        if version != VERSION {
            return Err(FileDamage::UnknownVersion { version });
        }
        let fixed = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).expect("split into 32 bytes");
        Ok(Self(Chain {
            network: NetworkId::from_bytes(fixed(network)),
            submitter: NodeId::from_bytes(fixed(submitter)),
        }))
    }

    pub(super) fn link(&self) -> Link {
        Link::hash(&[&self.to_bytes()])
    }
}

#[derive(Clone)]
pub(super) enum Record {
    Committed(Envelope),
    Countersigned(Envelope),
}

impl Record {
    /// Its bytes after all before, whose digest is `prev`, and the digest with it.
    pub(super) fn to_bytes(&self, prev: &Link) -> (Vec<u8>, Link) {
        let (kind, envelope) = match self {
            Self::Committed(envelope) => (COMMITTED, envelope),
            Self::Countersigned(envelope) => (COUNTERSIGNED, envelope),
        };
        let body = envelope.to_bytes();
        let len = u32::try_from(body.len()).expect("an envelope of a bounded payload is short");
        let mut bytes = vec![kind];
        bytes.extend(len.to_be_bytes());
        bytes.extend(check(prev, &bytes));
        let link = link(prev, kind, &body);
        bytes.extend(&body);
        bytes.extend(link.as_bytes());
        (bytes, link)
    }
}

fn check(prev: &Link, kind_and_len: &[u8]) -> [u8; 4] {
    let digest = Link::hash(&[prev.as_bytes(), kind_and_len]).to_bytes();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn link(prev: &Link, kind: u8, body: &[u8]) -> Link {
    Link::hash(&[prev.as_bytes(), &[kind], body])
}

/// What is next in a file.
pub(super) enum Next {
    End,
    /// Its beginning is as it must be, and the file ends before it does.
    Unfinished,
    Damaged(FileDamage),
    Whole {
        record: Record,
        link: Link,
        /// Bytes in the file.
        len: u64,
    },
}

pub(super) fn read(input: &mut impl BufRead, prev: &Link) -> io::Result<Next> {
    if input.fill_buf()?.is_empty() {
        return Ok(Next::End);
    }
    let head = read_some(input, HEAD_LEN)?;
    if head.len() < HEAD_LEN {
        return Ok(Next::Unfinished);
    }
    if head[5..] != check(prev, &head[..5]) {
        return Ok(Next::Damaged(FileDamage::Digest));
    }
    let kind = head[0];
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    if u64::from(len) > MAX_BODY.get() {
        return Ok(Next::Damaged(FileDamage::Unreadable(
            nonos_types::Error::TooLong {
                message: "record",
                limit: MAX_BODY,
                actual: ByteLen::new(len.into()),
            },
        )));
    }
    let len = len as usize;
    let rest = read_some(input, len + 32)?;
    if rest.len() < len + 32 {
        return Ok(Next::Unfinished);
    }
    let (body, end) = rest.split_at(len);
    let link = link(prev, kind, body);
    if end != link.as_bytes() {
        return Ok(Next::Damaged(FileDamage::Digest));
    }
    let envelope = match kind {
        COMMITTED => Envelope::from_bytes::<Commitment>(body).map(Record::Committed),
        COUNTERSIGNED => Envelope::from_bytes::<Countersignature>(body).map(Record::Countersigned),
        _ => Err(nonos_types::Error::BadField {
            message: "record",
            field: "kind",
        }),
    };
    Ok(match envelope {
        Ok(record) => Next::Whole {
            record,
            link,
            len: (HEAD_LEN + rest.len()) as u64,
        },
        Err(error) => Next::Damaged(FileDamage::Unreadable(error)),
    })
}

/// Reads `len` bytes, or fewer where the input ends.
pub(super) fn read_some(input: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    input.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

// The longest body is that of a commitment.
const _: () = assert!(Envelope::max_len::<Countersignature>().get() <= MAX_BODY.get());
