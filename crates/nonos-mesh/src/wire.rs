//! Requests and responses as bytes; `docs/spec/mesh.md`.

pub(crate) mod onion;

use nonos_types::{
    ByteLen, Envelope, Error, Kind, MessageId, Outline, SegmentTask, Shards,
    wire::{decode, encode, fixed},
};

use crate::{
    Cursor, Object, Page, Part,
    core::{
        feed, journal,
        reconcile::{Answer, Ask, Limits},
        segment,
    },
};

const REQUEST: &str = "mesh request";
const RESPONSE: &str = "mesh response";

/// What a node asks a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Read {
        object: Object,
        offset: ByteLen,
        most: ByteLen,
    },
    After {
        cursor: Cursor,
        shards: Shards,
    },
    Outline {
        object: Object,
    },
    Reconcile {
        ask: Ask,
    },
    Messages {
        ids: Vec<MessageId>,
    },
    Journal {
        ask: journal::Ask,
    },
    /// An envelope, whose signature is verified where that holds up nobody.
    Segment {
        task: Vec<u8>,
    },
    /// What a node has signed, for a witness to sign; its signature is verified where that holds up nobody.
    Witness {
        asked: Envelope,
    },
    /// This is what I say of myself; what have you of me?
    Hello {
        /// An envelope with a descriptor, whose signature is verified where that holds up nobody.
        own: Vec<u8>,
    },
    Feed {
        ask: feed::Ask,
    },
}

/// What the peer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Part(Part),
    Page(Page),
    Outline(Outline),
    Reconciled(Answer),
    Messages(Vec<Vec<u8>>),
    Journal(journal::Answer),
    /// An answer to a task, verified by who asked.
    Segment(Vec<u8>),
    /// What a witness has signed; verified by who asked.
    Witness(Envelope),
    /// The newest descriptor that it has of who asked, or nothing; verified by who asked.
    Hello(Vec<u8>),
    /// Entries, verified by who asked.
    Feed(feed::Answer),
    /// It has no such object.
    NotFound,
    /// It has too much to do.
    Busy,
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(oneof = "Asked", tags = "1, 2, 3, 4, 5, 6, 7, 9, 11, 13")]
        pub(super) asked: Option<Asked>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Asked {
        #[prost(message, tag = "1")]
        Read(Read),
        #[prost(message, tag = "2")]
        After(After),
        #[prost(message, tag = "3")]
        Outline(Name),
        #[prost(bytes = "vec", tag = "4")]
        Reconcile(Vec<u8>),
        #[prost(bytes = "vec", tag = "5")]
        Messages(Vec<u8>),
        #[prost(bytes = "vec", tag = "6")]
        Journal(Vec<u8>),
        #[prost(bytes = "vec", tag = "7")]
        Segment(Vec<u8>),
        #[prost(bytes = "vec", tag = "9")]
        Witness(Vec<u8>),
        #[prost(bytes = "vec", tag = "11")]
        Hello(Vec<u8>),
        #[prost(bytes = "vec", tag = "13")]
        Feed(Vec<u8>),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Name {
        #[prost(uint32, tag = "1")]
        pub(super) kind: u32,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) digest: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Read {
        #[prost(uint32, tag = "1")]
        pub(super) kind: u32,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) digest: Vec<u8>,
        #[prost(uint64, tag = "3")]
        pub(super) offset: u64,
        #[prost(uint64, tag = "4")]
        pub(super) most: u64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct After {
        #[prost(uint64, tag = "1")]
        pub(super) cursor: u64,
        #[prost(uint32, optional, tag = "2")]
        pub(super) shards: Option<u32>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Response {
        #[prost(oneof = "Said", tags = "1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(message, tag = "1")]
        Part(Part),
        #[prost(message, tag = "2")]
        Page(Page),
        #[prost(uint32, tag = "3")]
        Refused(u32),
        #[prost(message, tag = "4")]
        Outline(Outline),
        #[prost(bytes = "vec", tag = "5")]
        Reconciled(Vec<u8>),
        #[prost(message, tag = "6")]
        Messages(Messages),
        #[prost(bytes = "vec", tag = "7")]
        Journal(Vec<u8>),
        #[prost(bytes = "vec", tag = "8")]
        Segment(Vec<u8>),
        #[prost(bytes = "vec", tag = "10")]
        Witness(Vec<u8>),
        #[prost(bytes = "vec", tag = "12")]
        Hello(Vec<u8>),
        #[prost(bytes = "vec", tag = "14")]
        Feed(Vec<u8>),
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Messages {
        #[prost(bytes = "vec", repeated, tag = "1")]
        pub(super) messages: Vec<Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Outline {
        #[prost(uint64, tag = "1")]
        pub(super) len: u64,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) nodes: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Part {
        #[prost(uint64, tag = "1")]
        pub(super) total: u64,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) bytes: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Page {
        #[prost(uint64, tag = "1")]
        pub(super) next: u64,
        #[prost(bytes = "vec", repeated, tag = "2")]
        pub(super) messages: Vec<Vec<u8>>,
    }
}

/// As long as a descriptor at most.
fn descriptor(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (bytes.len() as u64 <= Kind::Descriptor.max_len().get()).then_some(bytes)
}

const NOT_FOUND: u32 = 1;
const BUSY: u32 = 2;

fn object(kind: u32, digest: &[u8]) -> Result<Object, Error> {
    let digest = fixed(REQUEST, "digest", digest)?;
    let kind = u8::try_from(kind).ok();
    kind.and_then(|kind| Object::from_code(kind, digest))
        .ok_or(Error::BadField {
            message: REQUEST,
            field: "kind",
        })
}

impl Request {
    /// The longest is an ask of a reconciliation.
    pub(crate) const MAX: ByteLen = ByteLen::new(Limits::MESSAGE.get() + 8);
    /// Most bytes of what a witness is asked to sign.
    const WITNESS: ByteLen = ByteLen::new(512);
    /// Most messages that are asked for by name at a time.
    pub(crate) const NAMES: usize = Page::MAX_MESSAGES;

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let asked = match self {
            Self::Read { object, offset, most } => {
                let (kind, digest) = object.to_code();
                proto::Asked::Read(proto::Read {
                    kind: kind.into(),
                    digest: digest.to_vec(),
                    offset: offset.get(),
                    most: most.get(),
                })
            }
            Self::After { cursor, shards } => proto::Asked::After(proto::After {
                cursor: cursor.get(),
                shards: shards.to_wire(),
            }),
            Self::Outline { object } => {
                let (kind, digest) = object.to_code();
                proto::Asked::Outline(proto::Name {
                    kind: kind.into(),
                    digest: digest.to_vec(),
                })
            }
            Self::Reconcile { ask } => proto::Asked::Reconcile(ask.to_bytes()),
            Self::Messages { ids } => {
                let ids = ids.iter().flat_map(|it| it.to_bytes());
                proto::Asked::Messages(ids.collect())
            }
            Self::Journal { ask } => proto::Asked::Journal(ask.to_bytes()),
            Self::Segment { task } => proto::Asked::Segment(task.clone()),
            Self::Witness { asked } => proto::Asked::Witness(asked.to_bytes()),
            Self::Hello { own } => proto::Asked::Hello(own.clone()),
            Self::Feed { ask } => proto::Asked::Feed(ask.to_bytes()),
        };
        encode(&proto::Request { asked: Some(asked) })
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |field| Error::BadField {
            message: REQUEST,
            field,
        };
        let message: proto::Request = decode(REQUEST, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: REQUEST,
            field: "asked",
        };
        Ok(match message.asked.ok_or(missing)? {
            proto::Asked::Read(it) => {
                let object = object(it.kind, &it.digest)?;
                let most = ByteLen::new(it.most);
                if most == ByteLen::ZERO || most > Part::MAX {
                    return Err(bad("most"));
                }
                Self::Read {
                    object,
                    offset: ByteLen::new(it.offset),
                    most,
                }
            }
            proto::Asked::After(it) => Self::After {
                cursor: Cursor::new(it.cursor),
                shards: Shards::from_wire(it.shards).ok_or(bad("shards"))?,
            },
            proto::Asked::Outline(it) => Self::Outline {
                object: object(it.kind, &it.digest)?,
            },
            proto::Asked::Reconcile(ask) => Self::Reconcile {
                ask: Ask::from_bytes(&ask).map_err(|_| bad("reconcile"))?,
            },
            proto::Asked::Messages(names) => {
                let (names, rest) = names.as_chunks();
                if names.is_empty() || names.len() > Self::NAMES || !rest.is_empty() {
                    return Err(bad("messages"));
                }
                Self::Messages {
                    ids: names.iter().map(|it| MessageId::from_bytes(*it)).collect(),
                }
            }
            proto::Asked::Journal(ask) => Self::Journal {
                ask: journal::Ask::from_bytes(&ask).map_err(|_| bad("journal"))?,
            },
            proto::Asked::Segment(task) => {
                if task.len() as u64 > Envelope::max_len::<SegmentTask>().get() {
                    return Err(bad("segment"));
                }
                Self::Segment { task }
            }
            proto::Asked::Witness(asked) => Self::Witness {
                asked: Envelope::from_bytes_within(Self::WITNESS, &asked).map_err(|_| bad("witness"))?,
            },
            proto::Asked::Hello(own) => Self::Hello {
                own: descriptor(own).ok_or(bad("hello"))?,
            },
            proto::Asked::Feed(ask) => Self::Feed {
                ask: feed::Ask::from_bytes(&ask).map_err(|_| bad("feed"))?,
            },
        })
    }
}

impl Response {
    /// Most bytes of what a witness signs.
    const WITNESS: ByteLen = ByteLen::new(320);
    /// A full page, with six bytes before each message and the rest around it; parts are shorter.
    pub(crate) const MAX: ByteLen = ByteLen::new(Page::MAX_BYTES.get() + 6 * Page::MAX_MESSAGES as u64 + 64);

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let said = match self {
            Self::Part(it) => proto::Said::Part(proto::Part {
                total: it.total.get(),
                bytes: it.bytes.clone(),
            }),
            Self::Page(it) => proto::Said::Page(proto::Page {
                next: it.next.get(),
                messages: it.messages.clone(),
            }),
            Self::Outline(it) => proto::Said::Outline(proto::Outline {
                len: it.len().get(),
                nodes: it.nodes().concat(),
            }),
            Self::Reconciled(answer) => proto::Said::Reconciled(answer.to_bytes()),
            Self::Messages(messages) => proto::Said::Messages(proto::Messages {
                messages: messages.clone(),
            }),
            Self::Journal(answer) => proto::Said::Journal(answer.to_bytes()),
            Self::Segment(answer) => proto::Said::Segment(answer.clone()),
            Self::Witness(signed) => proto::Said::Witness(signed.to_bytes()),
            Self::Hello(newest) => proto::Said::Hello(newest.clone()),
            Self::Feed(answer) => proto::Said::Feed(answer.to_bytes()),
            Self::NotFound => proto::Said::Refused(NOT_FOUND),
            Self::Busy => proto::Said::Refused(BUSY),
        };
        encode(&proto::Response { said: Some(said) })
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |field| Error::BadField {
            message: RESPONSE,
            field,
        };
        let message: proto::Response = decode(RESPONSE, Self::MAX, bytes)?;
        let missing = Error::Missing {
            message: RESPONSE,
            field: "said",
        };
        Ok(match message.said.ok_or(missing)? {
            proto::Said::Part(it) => {
                let bytes = ByteLen::from(it.bytes.len());
                if bytes > Part::MAX || bytes.get() > it.total {
                    return Err(bad("bytes"));
                }
                Self::Part(Part {
                    total: ByteLen::new(it.total),
                    bytes: it.bytes,
                })
            }
            proto::Said::Page(it) => {
                if it.messages.len() > Page::MAX_MESSAGES {
                    return Err(bad("messages"));
                }
                Self::Page(Page {
                    next: Cursor::new(it.next),
                    messages: it.messages,
                })
            }
            proto::Said::Outline(it) => {
                let (nodes, rest) = it.nodes.as_chunks::<32>();
                let outline = Outline::new(ByteLen::new(it.len), nodes.to_vec());
                let outline = outline.filter(|_| rest.is_empty());
                Self::Outline(outline.ok_or(bad("nodes"))?)
            }
            proto::Said::Reconciled(answer) => {
                Self::Reconciled(Answer::from_bytes(&answer).map_err(|_| bad("reconciled"))?)
            }
            proto::Said::Messages(it) => {
                if it.messages.len() > Request::NAMES {
                    return Err(bad("messages"));
                }
                Self::Messages(it.messages)
            }
            proto::Said::Journal(answer) => {
                Self::Journal(journal::Answer::from_bytes(&answer).map_err(|_| bad("journal"))?)
            }
            proto::Said::Segment(answer) => {
                if answer.len() as u64 > segment::Answer::MAX.get() {
                    return Err(bad("segment"));
                }
                Self::Segment(answer)
            }
            proto::Said::Witness(signed) => Self::Witness(
                Envelope::from_bytes_within(Self::WITNESS, &signed).map_err(|_| bad("witness"))?,
            ),
            proto::Said::Hello(newest) => Self::Hello(descriptor(newest).ok_or(bad("hello"))?),
            proto::Said::Feed(answer) => {
                Self::Feed(feed::Answer::from_bytes(&answer).map_err(|_| bad("feed"))?)
            }
            proto::Said::Refused(NOT_FOUND) => Self::NotFound,
            proto::Said::Refused(BUSY) => Self::Busy,
            proto::Said::Refused(_) => return Err(bad("refused")),
        })
    }
}

#[cfg(test)]
mod tests;
