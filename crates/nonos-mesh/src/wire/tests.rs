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
    let read = (object, any::<u64>(), 1..=Part::MAX.get()).prop_map(|(object, offset, most)| Request::Read {
        object,
        offset: ByteLen::new(offset),
        most: ByteLen::new(most),
    });
    let after = (any::<u64>(), 1..=15_u32).prop_map(|(cursor, bits)| Request::After {
        cursor: Cursor::new(cursor),
        shards: Shards::from_bits(bits).expect("four bits"),
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
        Just(Request::Reconcile { ask: ask() }),
        any::<u64>().prop_map(|from| Request::Feed {
            ask: feed::Ask::Range {
                from: nonos_types::Sequence::new(from)
            }
        })
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
        Just(Response::Feed(feed::Answer::Refused(feed::Refused::Stopped))),
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
    let after = |cursor, shards| Request::After {
        cursor: Cursor::new(cursor),
        shards,
    };
    assert_eq!(after(0, Shards::ALL).to_bytes(), [0x12, 0]);
    assert_eq!(after(5, Shards::ALL).to_bytes(), [0x12, 2, 0x08, 5]);
    let two = Shards::from_bits(0b0101).expect("two");
    assert_eq!(after(5, two).to_bytes(), [0x12, 4, 0x08, 5, 0x10, 5]);
    // All of them have one encoding, and there is nothing to ask about none.
    for bits in [0, 15, 16, 0x7f] {
        assert!(
            Request::from_bytes(&[0x12, 4, 0x08, 5, 0x10, bits]).is_err(),
            "{bits}"
        );
    }
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

#[test]
fn refuses_what_is_said_at_a_meeting_that_is_longer_than_a_descriptor() {
    let most = usize::try_from(Kind::Descriptor.max_len().get()).expect("small");
    let asked = |len| Request::Hello { own: vec![7; len] };
    let said = |len| Response::Hello(vec![7; len]);
    for len in [0, most] {
        assert_eq!(Request::from_bytes(&asked(len).to_bytes()), Ok(asked(len)));
        assert_eq!(Response::from_bytes(&said(len).to_bytes()), Ok(said(len)));
    }
    let error = |message| Error::BadField {
        message,
        field: "hello",
    };
    let asked = Request::from_bytes(&asked(most + 1).to_bytes());
    assert_eq!(asked, Err(error(REQUEST)));
    let said = Response::from_bytes(&said(most + 1).to_bytes());
    assert_eq!(said, Err(error(RESPONSE)));
    // Field 11, field 12.
    assert_eq!(Request::Hello { own: vec![7] }.to_bytes(), [0x5a, 1, 7]);
    assert_eq!(Response::Hello(vec![7]).to_bytes(), [0x62, 1, 7]);
}

#[test]
fn what_is_asked_of_books_and_said_of_them_has_the_form_of_that() {
    let ask = feed::Ask::Range {
        from: nonos_types::Sequence::new(7),
    };
    // Field 13, field 14.
    assert_eq!(Request::Feed { ask }.to_bytes(), [0x6a, 4, 0x0a, 2, 0x08, 7]);
    let refused = Response::Feed(feed::Answer::Refused(feed::Refused::Stranger));
    assert_eq!(refused.to_bytes(), [0x72, 2, 0x10, 1]);
    let error = |message| Error::BadField {
        message,
        field: "feed",
    };
    assert_eq!(Request::from_bytes(&[0x6a, 1, 7]), Err(error(REQUEST)));
    assert_eq!(Response::from_bytes(&[0x72, 2, 0x10, 3]), Err(error(RESPONSE)));
}
