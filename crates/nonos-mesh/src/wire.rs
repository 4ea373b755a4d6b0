//! Requests and responses as bytes; `docs/spec/mesh.md`.

pub(crate) mod onion;

use nonos_types::{
    ByteLen, Envelope, Error, MessageId, Outline, SegmentTask,
    wire::{decode, encode, fixed},
};

use crate::{
    Cursor, Object, Page, Part,
    core::{
        journal,
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
    /// It has no such object.
    NotFound,
    /// It has too much to do.
    Busy,
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(oneof = "Asked", tags = "1, 2, 3, 4, 5, 6, 7, 9")]
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
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Response {
        #[prost(oneof = "Said", tags = "1, 2, 3, 4, 5, 6, 7, 8, 10")]
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
            Self::After { cursor } => proto::Asked::After(proto::After { cursor: cursor.get() }),
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
            proto::Said::Refused(NOT_FOUND) => Self::NotFound,
            proto::Said::Refused(BUSY) => Self::Busy,
            proto::Said::Refused(_) => return Err(bad("refused")),
        })
    }
}

#[cfg(test)]
mod tests {
    use nonos_types::{
        CapsuleHash, InputDigest, ProofDigest, ResultDigest, SealedDigest, SegmentDigest, TapesDigest,
    };
    use proptest::prelude::*;

    use super::*;

    fn digest() -> impl Strategy<Value = [u8; 32]> {
        any::<[u8; 32]>()
    }

    fn request() -> impl Strategy<Value = Request> {
        let object = (0..7, digest()).prop_map(|(kind, digest)| match kind {
            0 => Object::Capsule(CapsuleHash::from_bytes(digest)),
            1 => Object::Input(InputDigest::from_bytes(digest)),
            2 => Object::Tapes(TapesDigest::from_bytes(digest)),
            3 => Object::Sealed(SealedDigest::from_bytes(digest)),
            4 => Object::Result(ResultDigest::from_bytes(digest)),
            5 => Object::Segment(SegmentDigest::from_bytes(digest)),
            _ => Object::Proof(ProofDigest::from_bytes(digest)),
        });
        let read =
            (object, any::<u64>(), 1..=Part::MAX.get()).prop_map(|(object, offset, most)| Request::Read {
                object,
                offset: ByteLen::new(offset),
                most: ByteLen::new(most),
            });
        let after = any::<u64>().prop_map(|cursor| Request::After {
            cursor: Cursor::new(cursor),
        });
        let outline = digest().prop_map(|digest| Request::Outline {
            object: Object::Proof(ProofDigest::from_bytes(digest)),
        });
        let names = prop::collection::vec(digest(), 1..=Request::NAMES);
        let messages = names.prop_map(|names| Request::Messages {
            ids: names.into_iter().map(MessageId::from_bytes).collect(),
        });
        let journal = prop::array::uniform3(digest()).prop_map(|[message, head, epoch]| Request::Journal {
            ask: journal::Ask::Include {
                epoch: nonos_types::Epoch::new(epoch[0].into()),
                message: MessageId::from_bytes(message),
                head: MessageId::from_bytes(head),
            },
        });
        prop_oneof![
            read,
            after,
            outline,
            messages,
            journal,
            Just(Request::Reconcile { ask: ask() })
        ]
    }

    /// Of a node that has nothing.
    fn ask() -> Ask {
        let summary = crate::core::reconcile::Summary::new(1);
        let now = nonos_types::Timestamp::new(1_800_000_000);
        crate::core::reconcile::Round::begin(&summary, nonos_types::Kind::Offer, now).1
    }

    fn response() -> impl Strategy<Value = Response> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..200);
        let part = (bytes(), 0..1000_u64).prop_map(|(bytes, more)| {
            Response::Part(Part {
                total: ByteLen::new(bytes.len() as u64 + more),
                bytes,
            })
        });
        let page = (any::<u64>(), prop::collection::vec(bytes(), 0..10)).prop_map(|(next, messages)| {
            Response::Page(Page {
                next: Cursor::new(next),
                messages,
            })
        });
        let outline = (0..2_000_000_usize).prop_map(|len| {
            let outline = Outline::of::<InputDigest>(&vec![7; len]);
            Response::Outline(outline)
        });
        let messages = prop::collection::vec(bytes(), 0..10).prop_map(Response::Messages);
        let answer = {
            let summary = crate::core::reconcile::Summary::new(1);
            let answer = crate::core::reconcile::Responder::new(&ask()).answer(&summary, &ask());
            Response::Reconciled(answer.expect("sound"))
        };
        let path = prop::collection::vec(digest(), 0..=nonos_types::RelayHead::MAX_PATH);
        let journal = (any::<u64>(), path).prop_map(|(index, path)| {
            let path = path
                .into_iter()
                .map(nonos_types::JournalRoot::from_bytes)
                .collect();
            Response::Journal(journal::Answer::Included(nonos_types::Inclusion { index, path }))
        });
        prop_oneof![
            part,
            page,
            outline,
            messages,
            journal,
            Just(Response::Journal(journal::Answer::Absent)),
            Just(answer),
            Just(Response::NotFound),
            Just(Response::Busy)
        ]
    }

    proptest! {
        #[test]
        fn requests_are_read_as_written(request in request()) {
            let bytes = request.to_bytes();
            prop_assert!(ByteLen::from(bytes.len()) <= Request::MAX);
            prop_assert_eq!(Request::from_bytes(&bytes), Ok(request));
        }

        #[test]
        fn responses_are_read_as_written(response in response()) {
            prop_assert_eq!(Response::from_bytes(&response.to_bytes()), Ok(response));
        }

        #[test]
        fn any_bytes_are_read_back_as_the_same_bytes_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(request) = Request::from_bytes(&bytes) {
                prop_assert_eq!(request.to_bytes(), &bytes[..]);
            }
            if let Ok(response) = Response::from_bytes(&bytes) {
                prop_assert_eq!(response.to_bytes(), &bytes[..]);
            }
        }
    }

    /// Those of `docs/spec/mesh.md`, without their frames.
    #[test]
    fn the_vectors_are_as_specified() {
        let after = |cursor| Request::After {
            cursor: Cursor::new(cursor),
        };
        assert_eq!(after(0).to_bytes(), [0x12, 0]);
        assert_eq!(after(5).to_bytes(), [0x12, 2, 0x08, 5]);
        let ask = journal::Ask::Include {
            epoch: nonos_types::Epoch::new(5),
            message: MessageId::from_bytes([2; 32]),
            head: MessageId::from_bytes([3; 32]),
        };
        let start = [0x32, 0x48, 0x0a, 0x46, 0x08, 5, 0x12, 0x20];
        let (message, head) = ([&[2; 32][..], &[0x1a, 0x20]].concat(), [3; 32]);
        assert_eq!(
            Request::Journal { ask }.to_bytes(),
            [&start[..], &message, &head].concat()
        );
        let absent = Response::Journal(journal::Answer::Absent);
        assert_eq!(absent.to_bytes(), [0x3a, 2, 0x1a, 0]);
        let part = Response::Part(Part {
            total: ByteLen::new(2),
            bytes: vec![7, 8],
        });
        assert_eq!(part.to_bytes(), [0x0a, 6, 0x08, 2, 0x12, 2, 7, 8]);
        let page = Response::Page(Page {
            next: Cursor::new(5),
            messages: vec![],
        });
        assert_eq!(page.to_bytes(), [0x12, 2, 0x08, 5]);
        let outline = Request::Outline {
            object: Object::Proof(ProofDigest::ZERO),
        };
        let mut expected = vec![0x1a, 36, 0x08, 4, 0x12, 32];
        expected.extend([0; 32]);
        assert_eq!(outline.to_bytes(), expected);
        let outline = Response::Outline(Outline::of::<InputDigest>(&[7, 8]));
        assert_eq!(outline.to_bytes(), [0x22, 2, 0x08, 2]);
        assert_eq!(Response::NotFound.to_bytes(), [0x18, 1]);
        assert_eq!(Response::Busy.to_bytes(), [0x18, 2]);
    }

    #[test]
    fn the_longest_page_fits_a_response() {
        let each = usize::try_from(Page::MAX_BYTES.get()).expect("small") / Page::MAX_MESSAGES;
        let page = Response::Page(Page {
            next: Cursor::new(u64::MAX),
            messages: vec![vec![7; each]; Page::MAX_MESSAGES],
        });
        let bytes = page.to_bytes();
        assert_eq!(Response::from_bytes(&bytes), Ok(page));
    }

    #[test]
    fn the_longest_message_fits_a_page_and_what_one_source_may_have_waiting() {
        let room = crate::core::IntakeLimits::default().bytes_per_source;
        for kind in nonos_types::Kind::ALL {
            assert!(kind.max_len() <= Page::MAX_BYTES, "{}", kind.name());
            assert!(kind.max_len() <= room, "{}", kind.name());
        }
    }

    #[test]
    fn refuses_no_names_too_many_and_such_that_are_cut() {
        let request = |names: usize| {
            let asked = Some(proto::Asked::Messages(vec![7; names]));
            Request::from_bytes(&encode(&proto::Request { asked }))
        };
        let error = Error::BadField {
            message: REQUEST,
            field: "messages",
        };
        assert!(request(32).is_ok() && request(32 * Request::NAMES).is_ok());
        for len in [0, 31, 33, 32 * (Request::NAMES + 1)] {
            assert_eq!(request(len), Err(error.clone()), "{len}");
        }
    }

    #[test]
    fn refuses_tasks_and_answers_to_them_that_are_too_long() {
        let most = Envelope::max_len::<SegmentTask>().get() as usize;
        let task = |len| Request::Segment { task: vec![7; len] };
        assert_eq!(Request::from_bytes(&task(most).to_bytes()), Ok(task(most)));
        let (message, field) = (REQUEST, "segment");
        let error = Error::BadField { message, field };
        assert_eq!(Request::from_bytes(&task(most + 1).to_bytes()), Err(error));
        let most = segment::Answer::MAX.get() as usize;
        let answer = |len| Response::Segment(vec![7; len]);
        assert_eq!(Response::from_bytes(&answer(most).to_bytes()), Ok(answer(most)));
        let message = RESPONSE;
        let error = Error::BadField { message, field };
        assert_eq!(Response::from_bytes(&answer(most + 1).to_bytes()), Err(error));
    }

    /// An envelope of this many bytes.
    fn envelope(len: usize) -> Vec<u8> {
        #[derive(Debug)]
        struct Note(usize);
        impl nonos_types::Payload for Note {
            const TYPE: &'static str = "note";
            const MAX: ByteLen = ByteLen::new(1024);
            type Error = Error;
            fn to_bytes(&self) -> Vec<u8> {
                vec![7; self.0]
            }
            fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
                Ok(Self(bytes.len()))
            }
        }
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
        let signed = |len| Envelope::sign(&Note(len), &key).to_bytes();
        let short = signed(len - 120);
        // Lengths above 127 take two bytes.
        signed(2 * len - 120 - short.len())
    }

    #[test]
    fn refuses_what_witnesses_are_asked_or_say_that_is_too_long_or_no_envelope() {
        let asked = |bytes: Vec<u8>| {
            let asked = Some(proto::Asked::Witness(bytes));
            Request::from_bytes(&encode(&proto::Request { asked }))
        };
        let said = |bytes: Vec<u8>| {
            let said = Some(proto::Said::Witness(bytes));
            Response::from_bytes(&encode(&proto::Response { said }))
        };
        let error = |message| Error::BadField {
            message,
            field: "witness",
        };
        for (len, fits) in [(512, true), (513, false)] {
            assert_eq!(envelope(len).len(), len);
            assert_eq!(asked(envelope(len)).is_ok(), fits, "{len}");
        }
        for (len, fits) in [(320, true), (321, false)] {
            assert_eq!(said(envelope(len)).is_ok(), fits, "{len}");
        }
        let good = asked(envelope(512)).expect("it fits");
        assert_eq!(Request::from_bytes(&good.to_bytes()), Ok(good));
        let good = said(envelope(320)).expect("it fits");
        assert_eq!(Response::from_bytes(&good.to_bytes()), Ok(good));
        assert_eq!(asked(vec![7; 100]), Err(error(REQUEST)));
        assert_eq!(said(vec![7; 100]), Err(error(RESPONSE)));
        // Field 9, field 10.
        assert_eq!(
            encode(&proto::Request {
                asked: Some(proto::Asked::Witness(vec![7]))
            }),
            [0x4a, 1, 7]
        );
        assert_eq!(
            encode(&proto::Response {
                said: Some(proto::Said::Witness(vec![7]))
            }),
            [0x52, 1, 7]
        );
    }

    #[test]
    fn refuses_an_outline_of_another_shape() {
        let bytes = Response::Outline(Outline::of::<InputDigest>(&vec![7; 600_000])).to_bytes();
        assert!(Response::from_bytes(&bytes).is_ok());
        let message = |len, nodes| {
            let said = proto::Said::Outline(proto::Outline { len, nodes });
            Response::from_bytes(&encode(&proto::Response { said: Some(said) }))
        };
        let error = Error::BadField {
            message: RESPONSE,
            field: "nodes",
        };
        assert!(message(600_000, vec![7; 96]).is_ok());
        for (len, nodes) in [
            (600_000, 64),
            (600_000, 128),
            (600_000, 95),
            (600_000, 97),
            (10, 32),
            (u64::MAX, 0),
        ] {
            assert_eq!(message(len, vec![7; nodes]), Err(error.clone()), "{len} {nodes}");
        }
    }

    #[test]
    fn refuses_to_give_more_than_a_part() {
        let request = |most| Request::Read {
            object: Object::Input(InputDigest::ZERO),
            offset: ByteLen::ZERO,
            most: ByteLen::new(most),
        };
        let error = Error::BadField {
            message: REQUEST,
            field: "most",
        };
        for most in [0, Part::MAX.get() + 1] {
            assert_eq!(Request::from_bytes(&request(most).to_bytes()), Err(error.clone()));
        }
    }
}
