//! Asking for entries of nodes' books: a node for its own, or whoever has seen one for an entry of a certain name. What an entry
//! says is not read here. `docs/spec/sync.md`, "Feeds".

use nonos_types::{
    ByteLen, EntryDigest, Envelope, Error, FeedHead, FeedPlace, Incarnation, NodeId, Sequence, Timestamp,
    wire::{decode, encode, fixed},
};

use super::{Rate, budget::Bucket, recent::Recent};

const ASK: &str = "feed ask";
const ANSWER: &str = "feed answer";

/// What a peer is asked.
///
/// ```
/// use nonos_mesh::core::feed::Ask;
/// use nonos_types::Sequence;
///
/// let ask = Ask::Range { from: Sequence::new(7) };
/// assert_eq!(Ask::from_bytes(&ask.to_bytes())?, ask);
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Its own entries from this one on, as many as there is room for; of 0, the newest only.
    Range {
        /// The first.
        from: Sequence,
    },
    /// An entry that another has signed, if it was seen.
    Named {
        /// Who has signed it.
        author: NodeId,
        /// Its name.
        digest: EntryDigest,
    },
}

/// Why a peer gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Who asks has no dealings with it.
    Stranger,
    /// Its books are stopped: entries may be missing, or be signed elsewhere.
    Stopped,
}

/// What a peer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Entries, in their order.
    Entries {
        /// The newest that there is; of another's, none is said.
        head: FeedHead,
        /// Envelopes.
        entries: Vec<Vec<u8>>,
    },
    /// None are given.
    Refused(Refused),
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Ask {
        #[prost(oneof = "Asked", tags = "1, 2")]
        pub(super) asked: Option<Asked>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Asked {
        #[prost(message, tag = "1")]
        Range(Range),
        #[prost(message, tag = "2")]
        Named(Named),
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(super) struct Range {
        #[prost(uint64, tag = "1")]
        pub(super) from: u64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Named {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) author: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) digest: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(oneof = "Said", tags = "1, 2")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(message, tag = "1")]
        Entries(Entries),
        #[prost(uint32, tag = "2")]
        Refused(u32),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Entries {
        #[prost(uint32, tag = "1")]
        pub(super) incarnation: u32,
        #[prost(uint64, tag = "2")]
        pub(super) sequence: u64,
        #[prost(bytes = "vec", tag = "3")]
        pub(super) digest: Vec<u8>,
        #[prost(bytes = "vec", repeated, tag = "4")]
        pub(super) entries: Vec<Vec<u8>>,
    }
}

impl Ask {
    /// Longest ask.
    pub const MAX: ByteLen = ByteLen::new(80);

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let asked = match self {
            Self::Range { from } => proto::Asked::Range(proto::Range { from: from.get() }),
            Self::Named { author, digest } => proto::Asked::Named(proto::Named {
                author: author.as_bytes().to_vec(),
                digest: digest.as_bytes().to_vec(),
            }),
        };
        encode(&proto::Ask { asked: Some(asked) })
    }

    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Ask = decode(ASK, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ASK,
            field: "asked",
        };
        Ok(match message.asked.ok_or(missing)? {
            proto::Asked::Range(it) => Self::Range {
                from: Sequence::new(it.from),
            },
            proto::Asked::Named(it) => Self::Named {
                author: NodeId::from_bytes(fixed(ASK, "author", &it.author)?),
                digest: EntryDigest::from_bytes(fixed(ASK, "digest", &it.digest)?),
            },
        })
    }
}

impl Refused {
    const fn code(self) -> u32 {
        match self {
            Self::Stranger => 1,
            Self::Stopped => 2,
        }
    }
}

impl Answer {
    /// Most entries, and most bytes of them together.
    pub const MAX_ENTRIES: usize = 64;
    /// See [`Answer::MAX_ENTRIES`].
    pub const MAX_BYTES: ByteLen = ByteLen::new(256 << 10);
    /// Longest answer: six bytes before each entry, and the head.
    pub const MAX: ByteLen = ByteLen::new(Self::MAX_BYTES.get() + 6 * Self::MAX_ENTRIES as u64 + 64);

    /// It has none.
    pub const NONE: Self = Self::Entries {
        head: FeedHead::NONE,
        entries: Vec::new(),
    };

    /// Entries, as many of them as there is room for.
    pub fn fitting(head: FeedHead, entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut left = Self::MAX_BYTES.get();
        let fits = |bytes: &Vec<u8>| {
            let rest = left.checked_sub(bytes.len() as u64);
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        Self::Entries {
            head,
            entries: entries
                .into_iter()
                .take(Self::MAX_ENTRIES)
                .take_while(fits)
                .collect(),
        }
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let said = match self {
            Self::Entries { head, entries } => proto::Said::Entries(proto::Entries {
                incarnation: head.incarnation.get(),
                sequence: head.sequence.get(),
                digest: head.digest.as_bytes().to_vec(),
                entries: entries.clone(),
            }),
            Self::Refused(why) => proto::Said::Refused(why.code()),
        };
        encode(&proto::Answer { said: Some(said) })
    }

    /// Reads them. Entries are envelopes of a length that entries may have; nothing else of them is looked at.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |field| Error::BadField {
            message: ANSWER,
            field,
        };
        let message: proto::Answer = decode(ANSWER, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ANSWER,
            field: "said",
        };
        let it = match message.said.ok_or(missing)? {
            proto::Said::Entries(it) => it,
            proto::Said::Refused(1) => return Ok(Self::Refused(Refused::Stranger)),
            proto::Said::Refused(2) => return Ok(Self::Refused(Refused::Stopped)),
            proto::Said::Refused(_) => return Err(bad("refused")),
        };
        let longest = Envelope::max_len::<FeedPlace>().get();
        let sum: usize = it.entries.iter().map(Vec::len).sum();
        if it.entries.len() > Self::MAX_ENTRIES
            || sum as u64 > Self::MAX_BYTES.get()
            || it.entries.iter().any(|entry| entry.len() as u64 > longest)
        {
            return Err(bad("entries"));
        }
        Ok(Self::Entries {
            head: FeedHead {
                incarnation: Incarnation::new(it.incarnation),
                sequence: Sequence::new(it.sequence),
                digest: EntryDigest::from_bytes(fixed(ANSWER, "digest", &it.digest)?),
            },
            entries: it.entries,
        })
    }
}

/// How often each peer may ask.
#[derive(Debug)]
pub struct Asked(Recent<NodeId, Bucket>);

impl Asked {
    /// Questions of one peer: enough to read on through a long feed, an answer a second.
    pub const RATE: Rate = Rate {
        per_second: 1,
        burst: 16,
    };
    /// Peers told apart at least; there are fewer connections.
    const PEERS: usize = 256;

    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self(Recent::new(Self::PEERS))
    }

    /// May it ask now? It is counted if so.
    pub fn may(&mut self, peer: NodeId, now: Timestamp) -> bool {
        let bucket = self.0.entry(peer, || Bucket::new(Self::RATE, now));
        bucket.take_pieces(1, now)
    }
}

impl Default for Asked {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: FeedHead = FeedHead {
        incarnation: Incarnation::new(1),
        sequence: Sequence::new(300),
        digest: EntryDigest::from_bytes([9; 32]),
    };

    fn entries(each: usize, count: usize) -> Answer {
        let entries = vec![vec![7; each]; count];
        Answer::Entries { head: HEAD, entries }
    }

    #[test]
    fn asks_and_answers_are_read_as_written_and_as_specified() {
        let range = Ask::Range {
            from: Sequence::new(7),
        };
        let named = Ask::Named {
            author: NodeId::from_bytes([2; 32]),
            digest: EntryDigest::from_bytes([3; 32]),
        };
        assert_eq!(range.to_bytes(), [0x0a, 2, 0x08, 7]);
        let bytes = [&[0x12, 68, 0x0a, 32][..], &[2; 32], &[0x12, 32], &[3; 32]].concat();
        assert_eq!(named.to_bytes(), bytes);
        for ask in [range, named] {
            assert_eq!(Ask::from_bytes(&ask.to_bytes()), Ok(ask));
        }
        let one = entries(1, 1);
        let bytes = [
            &[0x0a, 42, 0x08, 1, 0x10, 0xac, 2, 0x1a, 32][..],
            &[9; 32],
            &[0x22, 1, 7],
        ]
        .concat();
        assert_eq!(one.to_bytes(), bytes);
        let refused = [Refused::Stranger, Refused::Stopped].map(Answer::Refused);
        for answer in [one, Answer::NONE, refused[0].clone(), refused[1].clone()] {
            assert_eq!(Answer::from_bytes(&answer.to_bytes()), Ok(answer));
        }
        assert_eq!(refused[1].to_bytes(), [0x10, 2]);
        assert!(Answer::from_bytes(&[0x10, 3]).is_err());
    }

    #[test]
    fn refuses_more_entries_than_there_may_be_longer_ones_and_more_of_them_together() {
        let longest = usize::try_from(Envelope::max_len::<FeedPlace>().get()).expect("small");
        let error = Err(Error::BadField {
            message: ANSWER,
            field: "entries",
        });
        let read = |answer: Answer| Answer::from_bytes(&answer.to_bytes()).map(drop);
        for (each, count, fits) in [
            (100, 64, true),
            (100, 65, false),
            (longest, 1, true),
            (longest + 1, 1, false),
            (4096, 64, true),
            (4097, 64, false),
        ] {
            let expected = if fits { Ok(()) } else { error.clone() };
            assert_eq!(read(entries(each, count)), expected, "{count} of {each}");
        }
    }

    #[test]
    fn an_answer_has_as_many_entries_as_fit() {
        let fitting = |each: usize, count: usize| {
            let answer = Answer::fitting(HEAD, vec![vec![7; each]; count]);
            assert_eq!(Answer::from_bytes(&answer.to_bytes()).as_ref(), Ok(&answer));
            let Answer::Entries { entries, .. } = answer else {
                unreachable!("entries")
            };
            entries.len()
        };
        assert_eq!(
            [fitting(10, 3), fitting(10, 100), fitting(10_000, 100)],
            [3, 64, 26]
        );
    }

    #[test]
    fn who_asks_without_end_is_answered_once_a_second() {
        let (mut asked, now) = (Asked::new(), Timestamp::new(1_800_000_000));
        let peer = |n| NodeId::from_bytes([n; 32]);
        let mut answered = |n, now| (0..100).filter(|_| asked.may(peer(n), now)).count();
        assert_eq!([answered(1, now), answered(2, now)], [16, 16]);
        assert_eq!(answered(1, Timestamp::new(now.get() + 3)), 3);
    }
}
