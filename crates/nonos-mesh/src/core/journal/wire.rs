use nonos_types::{
    ByteLen, Consistency, Digest, Epoch, Error, Inclusion, JournalRoot, MessageId, RelayHead, Tag,
    wire::{decode, encode, fixed},
};

const ASK: &str = "journal ask";
const ANSWER: &str = "journal answer";

/// What a peer asks a relay about a head it has signed.
///
/// ```
/// use nonos_mesh::core::journal::Ask;
/// use nonos_types::{Epoch, MessageId};
///
/// let [message, head] = [b"message", b"a head!"].map(|it| MessageId::hash(&[it]));
/// let ask = Ask::Include { epoch: Epoch::new(500_000), message, head };
/// assert_eq!(Ask::from_bytes(&ask.to_bytes())?, ask);
/// # Ok::<_, nonos_types::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Show that a message is in the log.
    Include {
        /// The hour.
        epoch: Epoch,
        /// The message.
        message: MessageId,
        /// The head to whose root it is to be shown.
        head: MessageId,
    },
    /// Show that one head's log is the beginning of another's.
    Extend {
        /// The hour of both.
        epoch: Epoch,
        /// The head of the shorter log.
        first: MessageId,
        /// That of the longer one.
        second: MessageId,
    },
}

/// What the relay answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There it is.
    Included(Inclusion),
    /// So it goes on.
    Extended(Consistency),
    /// There is no such message, head or hour here any more. That blames nobody.
    Absent,
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
        Include(Include),
        #[prost(message, tag = "2")]
        Extend(Extend),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Include {
        #[prost(uint64, tag = "1")]
        pub(super) epoch: u64,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) message: Vec<u8>,
        #[prost(bytes = "vec", tag = "3")]
        pub(super) head: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Extend {
        #[prost(uint64, tag = "1")]
        pub(super) epoch: u64,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) first: Vec<u8>,
        #[prost(bytes = "vec", tag = "3")]
        pub(super) second: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(oneof = "Said", tags = "1, 2, 3")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(message, tag = "1")]
        Included(Included),
        #[prost(message, tag = "2")]
        Extended(Extended),
        #[prost(message, tag = "3")]
        Absent(Absent),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Included {
        #[prost(uint64, tag = "1")]
        pub(super) index: u64,
        #[prost(bytes = "vec", repeated, tag = "2")]
        pub(super) path: Vec<Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Extended {
        #[prost(bytes = "vec", repeated, tag = "1")]
        pub(super) path: Vec<Vec<u8>>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(super) struct Absent {}
}

impl Ask {
    /// Most bytes.
    pub const MAX: ByteLen = ByteLen::new(96);

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let asked = match self {
            Self::Include { epoch, message, head } => proto::Asked::Include(proto::Include {
                epoch: epoch.get(),
                message: message.as_bytes().to_vec(),
                head: head.as_bytes().to_vec(),
            }),
            Self::Extend { epoch, first, second } => proto::Asked::Extend(proto::Extend {
                epoch: epoch.get(),
                first: first.as_bytes().to_vec(),
                second: second.as_bytes().to_vec(),
            }),
        };
        encode(&proto::Ask { asked: Some(asked) })
    }

    /// Reads what a peer asks.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Ask = decode(ASK, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ASK,
            field: "asked",
        };
        Ok(match message.asked.ok_or(missing)? {
            proto::Asked::Include(it) => Self::Include {
                epoch: Epoch::new(it.epoch),
                message: digest(ASK, "message", &it.message)?,
                head: digest(ASK, "head", &it.head)?,
            },
            proto::Asked::Extend(it) => Self::Extend {
                epoch: Epoch::new(it.epoch),
                first: digest(ASK, "first", &it.first)?,
                second: digest(ASK, "second", &it.second)?,
            },
        })
    }
}

impl Answer {
    /// Most bytes: the longest proof, and what is around it.
    pub const MAX: ByteLen = ByteLen::new(34 * (RelayHead::MAX_PATH as u64 + 1) + 32);

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = |path: &[JournalRoot]| path.iter().map(|it| it.as_bytes().to_vec()).collect();
        let said = match self {
            Self::Included(it) => proto::Said::Included(proto::Included {
                index: it.index,
                path: bytes(&it.path),
            }),
            Self::Extended(it) => proto::Said::Extended(proto::Extended {
                path: bytes(&it.path),
            }),
            Self::Absent => proto::Said::Absent(proto::Absent {}),
        };
        encode(&proto::Answer { said: Some(said) })
    }

    /// Reads what a relay says. Whether it shows what was asked for is for the asker to check:
    /// [`Inclusion::root`], [`Consistency::holds`].
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Answer = decode(ANSWER, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: ANSWER,
            field: "said",
        };
        Ok(match message.said.ok_or(missing)? {
            proto::Said::Included(it) => Self::Included(Inclusion {
                index: it.index,
                path: path(&it.path, RelayHead::MAX_PATH)?,
            }),
            // One more than the levels of the tree: where the shorter log ends, too.
            proto::Said::Extended(it) => Self::Extended(Consistency {
                path: path(&it.path, RelayHead::MAX_PATH + 1)?,
            }),
            proto::Said::Absent(_) => Self::Absent,
        })
    }
}

fn path(roots: &[Vec<u8>], most: usize) -> Result<Vec<JournalRoot>, Error> {
    if roots.len() > most {
        return Err(Error::BadField {
            message: ANSWER,
            field: "path",
        });
    }
    roots.iter().map(|it| digest(ANSWER, "path", it)).collect()
}

fn digest<T: Tag>(message: &'static str, field: &'static str, bytes: &[u8]) -> Result<Digest<T>, Error> {
    fixed(message, field, bytes).map(Digest::from_bytes)
}
