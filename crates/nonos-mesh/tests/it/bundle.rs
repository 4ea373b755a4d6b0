use std::io::{self, Read};

use nonos_mesh::{
    Object,
    core::bundle::{BundleError, Item, Progress, Reader, Writer, sort},
};
use nonos_types::{
    ByteLen, CapsuleHash, Fault, InputDigest, Kind, Message, NetworkId, ProofDigest, ResultDigest,
    SealedDigest, SegmentDigest, Signed, TapesDigest,
};

use crate::sample::{NOW, claim, descriptor, key, network, receipt};

/// Where the records begin.
const HEADER: usize = 42;
const TRAILER: usize = 33;

fn messages() -> Vec<Message> {
    let mut messages = vec![
        descriptor(1, NOW, NOW),
        claim(network(), 2, 0, NOW),
        receipt(3, 1, NOW),
    ];
    sort(&mut messages);
    messages
}

fn objects() -> Vec<(Object, Vec<u8>)> {
    let bytes = |byte: u8| vec![byte; 100];
    let capsule = CapsuleHash::hash(&[&bytes(1)[..36]]);
    vec![
        (Object::Capsule(capsule), bytes(1)),
        (Object::Input(InputDigest::hash(&[&bytes(2)])), bytes(2)),
        (Object::Tapes(TapesDigest::hash(&[&bytes(3)])), bytes(3)),
        (Object::Proof(ProofDigest::hash(&[b""])), vec![]),
        (Object::Sealed(SealedDigest::hash(&[&bytes(5)])), bytes(5)),
        (Object::Result(ResultDigest::hash(&[&bytes(6)])), bytes(6)),
    ]
}

fn bundle() -> Vec<u8> {
    let mut writer = Writer::new(vec![], network()).expect("it is memory");
    for message in &messages() {
        writer.message(message).expect("in order");
    }
    for (object, bytes) in &objects() {
        writer.object(object, bytes).expect("in order");
    }
    writer.finish().expect("it is memory")
}

fn items() -> Vec<Item> {
    let messages = messages();
    let messages = messages.iter().map(|it| Item::Message(it.to_bytes()));
    messages
        .chain(
            objects()
                .into_iter()
                .map(|(object, bytes)| Item::Object(object, bytes)),
        )
        .collect()
}

/// All that was given, and why it ended if it was not over.
fn read(bytes: &[u8]) -> (Vec<Item>, Option<BundleError>) {
    let reader = match Reader::new(bytes, network()) {
        Ok(reader) => reader,
        Err(error) => return (vec![], Some(error)),
    };
    let mut items = vec![];
    for item in reader {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return (items, Some(error)),
        }
    }
    (items, None)
}

/// Where each record begins, and where the end does.
fn starts() -> Vec<usize> {
    let mut at = HEADER;
    let mut starts = vec![at];
    for item in items() {
        at += match item {
            Item::Message(bytes) => 5 + bytes.len(),
            Item::Object(_, bytes) => 38 + bytes.len(),
        };
        starts.push(at);
    }
    starts
}

/// Reads these records in a bundle that has no digest yet.
fn read_records(records: &[&[u8]]) -> (Vec<Item>, Option<BundleError>) {
    let empty = Writer::new(vec![], network())
        .and_then(Writer::finish)
        .expect("it is memory");
    read(&[&empty[..HEADER], &records.concat()].concat())
}

fn record_of_message(bytes: &[u8]) -> Vec<u8> {
    [&[1][..], &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn record_of_object(kind: u8, digest: &[u8; 32], bytes: &[u8]) -> Vec<u8> {
    [&[2, kind][..], digest, &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

#[test]
fn what_is_written_is_read() {
    let (read, error) = read(&bundle());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(read, items());
    for item in read {
        if let Item::Message(bytes) = item {
            assert!(Message::from_bytes_of_any_kind(&bytes).is_ok());
        }
    }
}

/// A reader that gives a byte at a time, and is interrupted.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = into.len().min(1);
        self.0.read(&mut into[..len])
    }
}

#[test]
fn a_slow_source_is_read_as_any_other() {
    let bundle = bundle();
    let reader = Reader::new(Slow(&bundle, false), network()).expect("a bundle");
    let read: Vec<_> = reader.map(|item| item.expect("whole")).collect();
    assert_eq!(read, items());
}

#[test]
fn a_source_that_fails_is_the_environments_fault() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let error = Reader::new(Broken, network()).err().expect("it fails");
    assert_eq!(error.fault(), Fault::Environment);
    assert!(matches!(error, BundleError::Io(_)), "{error:?}");
}

/// Cut anywhere, it gives what is whole, and says how much that is.
#[test]
fn a_bundle_that_was_cut_off_gives_what_is_whole() {
    let (bundle, starts, items) = (bundle(), starts(), items());
    for len in 1..bundle.len() {
        let (given, error) = read(&bundle[..len]);
        let whole = starts.iter().rposition(|start| *start <= len);
        let expected = whole.unwrap_or(0);
        assert_eq!(given, items[..expected], "{len}");
        let messages = given.iter().filter(|it| matches!(it, Item::Message(_))).count();
        match error {
            Some(BundleError::Truncated {
                read,
                whole: end,
                messages: m,
                objects: o,
            }) => {
                assert_eq!(read, ByteLen::from(len), "{len}");
                let at = whole.map_or(0, |whole| starts[whole]);
                assert_eq!(end, ByteLen::from(at), "{len}");
                assert_eq!(
                    (m, o),
                    (messages as u64, (given.len() - messages) as u64),
                    "{len}"
                );
            }
            other => panic!("{len}: {other:?}"),
        }
    }
}

#[test]
fn progress_is_told_as_it_is_made() {
    let (bundle, starts) = (bundle(), starts());
    let mut reader = Reader::new(&bundle[..], network()).expect("a bundle");
    for start in &starts {
        let at = ByteLen::from(*start);
        let Progress { read, whole, .. } = reader.progress();
        assert_eq!((read, whole), (at, at));
        let _item = reader.next();
    }
    assert!(reader.next().is_none());
    let all = ByteLen::from(bundle.len());
    let expected = Progress {
        read: all,
        whole: all,
        messages: 3,
        objects: 6,
    };
    assert_eq!(reader.progress(), expected);
}

#[test]
fn what_does_not_begin_as_a_bundle_is_none() {
    for bytes in [&b""[..], b"NONO", b"a text", &[0; 100]] {
        let (_, error) = read(bytes);
        let cut_off = b"NONOSBDL".starts_with(bytes) && !bytes.is_empty();
        match error {
            Some(BundleError::NotABundle) => assert!(!cut_off, "{bytes:?}"),
            Some(BundleError::Truncated { .. }) => assert!(cut_off, "{bytes:?}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[test]
fn other_versions_and_networks_are_refused() {
    let mut bundle = bundle();
    bundle[9] = 2;
    let (_, error) = read(&bundle);
    assert!(
        matches!(error, Some(BundleError::UnknownVersion { found: 2 })),
        "{error:?}"
    );
    bundle[9] = 1;
    let error = Reader::new(&bundle[..], NetworkId::named("other")).err();
    assert!(
        matches!(error, Some(BundleError::ForeignNetwork { found }) if found == network()),
        "{error:?}"
    );
}

#[test]
fn unknown_records_and_objects_are_refused() {
    let (_, error) = read_records(&[&[3]]);
    assert!(
        matches!(error, Some(BundleError::UnknownRecord { tag: 3 })),
        "{error:?}"
    );
    for kind in [0, 7, 8] {
        let (_, error) = read_records(&[&record_of_object(kind, &[0; 32], b"")]);
        assert!(
            matches!(error, Some(BundleError::UnknownObject { kind: it }) if it == kind),
            "{error:?}"
        );
    }
}

/// And not a byte of room is made for what is only promised.
#[test]
fn what_is_too_long_is_refused_before_it_is_read() {
    let longest = Kind::ALL
        .iter()
        .map(|it| it.max_len())
        .max()
        .expect("there are kinds");
    let promise = |tag: &[u8], len: u64| [tag, &(len as u32).to_be_bytes()].concat();
    let message = |len| read_records(&[&promise(&[1], len)]).1;
    let limit = longest;
    match message(limit.get() + 1) {
        Some(BundleError::TooLong { limit: it, actual }) => {
            assert_eq!((it, actual.get()), (limit, limit.get() + 1))
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        message(limit.get()),
        Some(BundleError::Truncated { .. })
    ));
    for (kind, most) in [
        (1, 16_879_709),
        (2, 64 << 20),
        (3, 64 << 20),
        (4, 64 << 20),
        (5, (64 << 20) + 16),
        (6, (64 << 20) + 48),
    ] {
        let head = [&[2, kind][..], &[0; 32]].concat();
        let (_, error) = read_records(&[&promise(&head, most + 1)]);
        assert!(
            matches!(error, Some(BundleError::TooLong { .. })),
            "{kind}: {error:?}"
        );
        let (_, error) = read_records(&[&promise(&head, most)]);
        assert!(
            matches!(error, Some(BundleError::Truncated { .. })),
            "{kind}: {error:?}"
        );
    }
}

#[test]
fn an_empty_message_is_refused() {
    let (_, error) = read_records(&[&record_of_message(b"")]);
    assert!(matches!(error, Some(BundleError::EmptyMessage)), "{error:?}");
}

#[test]
fn records_that_are_not_in_their_place_are_refused() {
    let object = |byte: u8| {
        let digest = InputDigest::hash(&[&[byte]]);
        (digest, record_of_object(2, digest.as_bytes(), &[byte]))
    };
    let mut inputs = [object(1), object(2)];
    inputs.sort();
    let [(_, first), (_, second)] = inputs;
    let (a, b) = (record_of_message(b"a"), record_of_message(b"b"));
    let empty = ProofDigest::hash(&[b""]);
    let proof = record_of_object(4, empty.as_bytes(), b"");
    let good = [&a[..], &b, &first, &second, &proof];
    let (given, error) = read_records(&good);
    assert_eq!(given.len(), 5);
    assert!(matches!(error, Some(BundleError::Truncated { .. })), "{error:?}");
    for bad in [
        [&b[..], &a],
        [&a, &a],
        [&first, &a],
        [&second, &first],
        [&first, &first],
        [&proof, &first],
    ] {
        let (given, error) = read_records(&bad);
        assert_eq!(given.len(), 1);
        assert!(matches!(error, Some(BundleError::OutOfOrder)), "{error:?}");
    }
}

#[test]
fn an_object_with_other_bytes_than_its_digest_is_refused() {
    for (object, bytes) in objects() {
        let mut changed = bytes.clone();
        match changed.first_mut() {
            Some(byte) => *byte ^= 1,
            None => changed.push(0),
        }
        let written = Writer::new(vec![], network()).and_then(|mut it| it.object(&object, &changed));
        assert!(
            matches!(written, Err(BundleError::WrongObject { object: it }) if it == object),
            "{written:?}"
        );
    }
    let (_, error) = read_records(&[&record_of_object(2, &[7; 32], b"abc")]);
    assert!(
        matches!(error, Some(BundleError::WrongObject { .. })),
        "{error:?}"
    );
    // A package is longer than its signature.
    let nothing = CapsuleHash::hash(&[b""]);
    let (_, error) = read_records(&[&record_of_object(1, nothing.as_bytes(), &[0; 63])]);
    assert!(
        matches!(error, Some(BundleError::WrongObject { .. })),
        "{error:?}"
    );
}

/// What was given stands or falls by itself; that the file was damaged is told at its end.
#[test]
fn a_bundle_whose_digest_is_another_is_damaged() {
    let mut bundle = bundle();
    *bundle.last_mut().expect("a digest") ^= 1;
    let (given, error) = read(&bundle);
    assert_eq!(given, items());
    assert!(matches!(error, Some(BundleError::Damaged)), "{error:?}");
    assert_eq!(error.map(|it| it.fault()), Some(Fault::Peer));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bundle = bundle();
    for at in 0..bundle.len() {
        let mut bad = bundle.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(read(&bad).1.is_some(), "byte {at}");
    }
}

/// A record that is left out leaves a bundle that is as good in itself but for its digest.
#[test]
fn a_record_that_was_taken_out_is_noticed() {
    let (bundle, starts) = (bundle(), starts());
    for record in starts.windows(2) {
        let without = [&bundle[..record[0]], &bundle[record[1]..]].concat();
        let (given, error) = read(&without);
        assert_eq!(given.len(), items().len() - 1);
        assert!(matches!(error, Some(BundleError::Damaged)), "{error:?}");
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let long = [&bundle()[..], &[0]].concat();
    let (given, error) = read(&long);
    assert_eq!(given, items());
    assert!(matches!(error, Some(BundleError::Trailing)), "{error:?}");
}

#[test]
fn the_writer_keeps_the_order_and_the_limits() {
    let sorted = messages();
    let mut writer = Writer::new(vec![], network()).expect("it is memory");
    writer.message(&sorted[1]).expect("the first");
    for bad in [&sorted[0], &sorted[1]] {
        let refused = writer.message(bad);
        assert!(matches!(refused, Err(BundleError::OutOfOrder)), "{refused:?}");
    }
    let objects = objects();
    writer.object(&objects[1].0, &objects[1].1).expect("in order");
    for (object, bytes) in &objects[..2] {
        let refused = writer.object(object, bytes);
        assert!(matches!(refused, Err(BundleError::OutOfOrder)), "{refused:?}");
    }
    let refused = writer.message(&sorted[2]);
    assert!(matches!(refused, Err(BundleError::OutOfOrder)), "{refused:?}");
    let long = vec![0; (64 << 20) + 1];
    let refused = writer.object(&Object::Proof(ProofDigest::hash(&[&long])), &long);
    assert!(matches!(refused, Err(BundleError::TooLong { .. })), "{refused:?}");
    let segment = Object::Segment(SegmentDigest::hash(&[b"a segment"]));
    let refused = writer.object(&segment, b"a segment");
    assert!(
        matches!(refused, Err(BundleError::UnknownObject { kind: 7 })),
        "{refused:?}"
    );
    // What was refused left nothing behind.
    let bytes = writer.finish().expect("it is memory");
    assert!(read(&bytes).1.is_none());
}

#[test]
fn sorting_leaves_each_message_once() {
    let mut twice = [messages(), messages()].concat();
    sort(&mut twice);
    assert_eq!(twice, messages());
}

/// That of `docs/spec/bundle.md`.
#[test]
fn the_vector_is_as_specified() {
    let hex = |text: &str| -> Vec<u8> {
        let text = text.trim();
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect()
    };
    let vector = hex(include_str!("../vectors/bundle.hex"));
    let claim = hex(include_str!(
        "../../../nonos-types/tests/vectors/message/claim.hex"
    ));
    let network = NetworkId::named("example");
    let input = Object::Input(InputDigest::hash(&[b"abc"]));
    let mut writer = Writer::new(vec![], network).expect("it is memory");
    writer
        .message(&Message::from_bytes_of_any_kind(&claim).expect("a claim"))
        .expect("the first");
    writer.object(&input, b"abc").expect("the first");
    assert_eq!(writer.finish().expect("it is memory"), vector);
    let read: Vec<_> = Reader::new(&vector[..], network)
        .expect("a bundle")
        .map(|it| it.expect("whole"))
        .collect();
    assert_eq!(read, [Item::Message(claim), Item::Object(input, b"abc".to_vec())]);
    const SPEC: &str = include_str!("../../../../docs/spec/bundle.md");
    let digest = &vector[vector.len() - TRAILER + 1..];
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(SPEC.contains(&digest), "the page lacks {digest}");
}

#[test]
fn the_signature_of_a_message_is_not_looked_at() {
    let forged = crate::sample::tampered(&Message::from(Signed::new(
        nonos_types::Verdict {
            network: network(),
            receipt: nonos_types::ReceiptId::ZERO,
            valid: true,
            at: NOW,
            shard: None,
            work: None,
        },
        &key(1),
    )));
    let (given, _) = read_records(&[&record_of_message(&forged)]);
    assert_eq!(given, [Item::Message(forged.clone())]);
    assert!(
        Message::from_bytes_of_any_kind(&forged).is_err(),
        "admission refuses it"
    );
}
