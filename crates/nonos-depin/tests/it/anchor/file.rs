use std::fs;

use nonos_depin::anchor::{
    Anchor as _, Commitment, Error, Export, FileAnchor, FileDamage, Quorum, State, countersign,
    testing::{self, Site as _},
};
use nonos_types::*;

use super::{Carried, NODE, WITNESSES, commitment, two_of_three};
use crate::support::{NETWORK, NOW, id, key};

#[test]
fn the_file_passes_the_suite() {
    testing::check_anchor(Carried::new);
}

#[test]
fn two_of_three_witnesses_make_final() {
    let mut site = Carried::new();
    let mut anchor = site.open();
    anchor.submit(&commitment(1), NOW).expect("it follows");
    let later = Timestamp::new(NOW.get() + 60);
    let answers = [
        countersign(&commitment(1), later, &key(WITNESSES[0])),
        countersign(&commitment(1), NOW, &key(WITNESSES[0])),
        countersign(&commitment(1), NOW, &key(WITNESSES[2])),
    ];
    for one_witness in &answers[..2] {
        let state = anchor.acknowledge(one_witness).expect("a witness");
        assert!(
            matches!(state, State::Submitted { .. }),
            "the same witness twice is one: {state:?}"
        );
    }
    let State::Final(evidence) = anchor.acknowledge(&answers[2]).expect("a witness") else {
        panic!("two of three are enough");
    };
    assert_eq!(evidence.at, later, "final since the second of them signed");
    assert_eq!(evidence.source, "2 of 3 witnesses");
    for signer in [WITNESSES[0], WITNESSES[2]] {
        assert!(
            evidence.reference.contains(&id(&key(signer)).to_string()),
            "{evidence:?}"
        );
    }
}

#[test]
fn nothing_is_final_where_nobody_witnesses() {
    let site = Carried::new();
    let mut anchor =
        FileAnchor::create(&site.path(), NETWORK, &key(NODE), Quorum::NOBODY).expect("a new file");
    anchor.submit(&commitment(1), NOW).expect("it follows");
    let answer = countersign(&commitment(1), NOW, &key(WITNESSES[0]));
    let refused = anchor.acknowledge(&answer);
    assert!(matches!(refused, Err(Error::NotWitness { .. })), "{refused:?}");
    let state = anchor.poll(&commitment(1).batch, NOW).expect("a poll");
    assert!(matches!(state, State::Submitted { .. }), "{state:?}");
}

#[test]
fn refuses_a_countersignature_of_a_stranger() {
    let mut anchor = Carried::new().open();
    anchor.submit(&commitment(1), NOW).expect("it follows");
    let stranger = countersign(&commitment(1), NOW, &key(99));
    let refused = anchor.acknowledge(&stranger);
    assert!(
        matches!(refused, Err(Error::NotWitness { signer }) if signer == id(&key(99))),
        "{refused:?}"
    );
}

#[test]
fn refuses_a_countersignature_of_what_is_not_there() {
    let mut anchor = Carried::new().open();
    anchor.submit(&commitment(1), NOW).expect("it follows");
    let other = Commitment {
        entries: 1,
        ..commitment(1)
    };
    let refused = anchor.acknowledge(&countersign(&other, NOW, &key(WITNESSES[0])));
    assert!(
        matches!(refused, Err(Error::UnknownCommitment { commitment }) if commitment == other.digest()),
        "{refused:?}"
    );
}

#[test]
fn refuses_a_forged_countersignature() {
    let mut anchor = Carried::new().open();
    anchor.submit(&commitment(1), NOW).expect("it follows");
    let mut bytes = countersign(&commitment(1), NOW, &key(WITNESSES[0])).to_bytes();
    *bytes.last_mut().expect("it has bytes") ^= 1;
    let forged = Envelope::from_bytes::<nonos_depin::anchor::Countersignature>(&bytes).expect("an envelope");
    let refused = anchor.acknowledge(&forged);
    assert!(matches!(refused, Err(Error::Unreadable(_))), "{refused:?}");
}

#[test]
fn a_node_is_no_witness_of_itself() {
    let site = Carried::new();
    let quorum = Quorum::new([id(&key(NODE)), id(&key(21))], 1).expect("a quorum");
    let refused = FileAnchor::create(&site.path(), NETWORK, &key(NODE), quorum);
    assert!(matches!(refused.err(), Some(Error::Oneself)));
    assert!(!site.path().exists(), "nothing is written when it is refused");
}

#[test]
fn does_not_begin_a_file_over_another() {
    let mut site = Carried::new();
    drop(site.open());
    let refused = FileAnchor::create(&site.path(), NETWORK, &key(NODE), two_of_three());
    assert!(matches!(refused.err(), Some(Error::Io { action: "create", .. })));
    drop(site.open());
}

#[test]
fn refuses_a_file_of_another_node_or_network() {
    let mut site = Carried::new();
    drop(site.open());
    let open = |network, seed| FileAnchor::open(&site.path(), network, &key(seed), two_of_three()).err();
    let refused = open(NETWORK, 2);
    assert!(
        matches!(refused, Some(Error::ForeignSubmitter { .. })),
        "{refused:?}"
    );
    let refused = open(NetworkId::from_bytes([9; 32]), NODE);
    assert!(
        matches!(refused, Some(Error::ForeignNetwork { .. })),
        "{refused:?}"
    );
}

#[test]
fn is_open_once_at_a_time() {
    let mut site = Carried::new();
    let anchor = site.open();
    let second = FileAnchor::open(&site.path(), NETWORK, &key(NODE), two_of_three());
    assert!(matches!(second.err(), Some(Error::InUse { .. })));
    drop(anchor);
    site.open();
}

/// A file with two commitments and a countersignature, and where its records end.
fn sample(site: &mut Carried) -> (Vec<u8>, Vec<usize>) {
    let mut ends = Vec::new();
    let mut anchor = site.open();
    let len = || fs::metadata(site.path()).expect("a file").len() as usize;
    ends.push(len());
    anchor.submit(&commitment(1), NOW).expect("it follows");
    ends.push(len());
    let answer = countersign(&commitment(1), NOW, &key(WITNESSES[0]));
    anchor.acknowledge(&answer).expect("a witness");
    ends.push(len());
    anchor.submit(&commitment(2), NOW).expect("it follows");
    ends.push(len());
    (fs::read(site.path()).expect("a file"), ends)
}

#[test]
fn wherever_a_write_stops_what_was_whole_stays_and_the_rest_is_named() {
    let mut site = Carried::new();
    let (bytes, ends) = sample(&mut site);
    // Every byte around where something ends, and some of the rest: each cut is on the disk several times.
    let near = |cut: &usize| ends.iter().any(|end| end.abs_diff(*cut) <= 10) || cut.is_multiple_of(29);
    for cut in (ends[0]..=bytes.len()).filter(near) {
        fs::write(site.path(), &bytes[..cut]).expect("a write");
        let whole = *ends
            .iter()
            .rfind(|end| **end <= cut)
            .expect("the header is whole");
        let batches = ends[1..].iter().filter(|end| **end <= cut).count();
        let batches = [0, 1, 1, 2][batches];

        let export = Export::read(&site.path()).expect("what is whole can be read");
        assert_eq!(export.commitments.len(), batches, "cut at {cut}");
        assert_eq!(
            fs::read(site.path()).expect("a file").len(),
            cut,
            "reading changes nothing"
        );

        let mut anchor = site.open();
        assert_eq!(
            anchor.history(9).expect("a history").len(),
            batches,
            "cut at {cut}"
        );
        let torn = anchor.torn().map(|torn| (torn.at as usize, torn.len as usize));
        assert_eq!(
            torn,
            (cut != whole).then_some((whole, cut - whole)),
            "cut at {cut}"
        );
        if let Some(kept) = anchor.torn().and_then(|torn| torn.kept.clone()) {
            assert_eq!(
                fs::read(kept).expect("it is kept"),
                bytes[whole..cut],
                "cut at {cut}"
            );
        }
        assert_eq!(
            fs::read(site.path()).expect("a file"),
            bytes[..whole],
            "cut at {cut}"
        );

        // And on it goes.
        for number in 1..=3 {
            anchor
                .submit(&commitment(number), NOW)
                .expect("it follows, or is there");
        }
        drop(anchor);
        assert_eq!(
            site.open().history(9).expect("a history").len(),
            3,
            "cut at {cut}"
        );
    }
}

#[test]
fn names_the_record_with_a_changed_byte_and_leaves_the_file() {
    let mut site = Carried::new();
    let (bytes, ends) = sample(&mut site);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        fs::write(site.path(), &changed).expect("a write");
        let record = ends.iter().filter(|end| **end <= at).count() as u64;
        let refused = FileAnchor::open(&site.path(), NETWORK, &key(NODE), two_of_three()).err();
        match refused {
            // The chain that the header names is bound to the first record.
            Some(Error::Damaged { record: named, .. }) => {
                assert!(
                    named == record || (record == 0 && named == 1),
                    "byte {at}: record {named}"
                );
            }
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(
            fs::read(site.path()).expect("a file"),
            changed,
            "it is left as it is"
        );
    }
}

#[test]
fn refuses_records_that_were_left_out_or_exchanged() {
    let mut site = Carried::new();
    let (bytes, ends) = sample(&mut site);
    let [header, first, second, third] = [
        &bytes[..ends[0]],
        &bytes[ends[0]..ends[1]],
        &bytes[ends[1]..ends[2]],
        &bytes[ends[2]..ends[3]],
    ];
    for wrong in [
        vec![header, second, third],
        vec![header, first, third],
        vec![header, first, third, second],
        vec![header, first, first, second, third],
    ] {
        fs::write(site.path(), wrong.concat()).expect("a write");
        let refused = Export::read(&site.path());
        let Err(Error::Damaged { source, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(matches!(source, FileDamage::Digest), "{source:?}");
    }
}

#[test]
fn refuses_what_is_no_file_of_commitments() {
    let site = Carried::new();
    for bytes in [&b""[..], b"NONO", &[0; 74], &[0xff; 200]] {
        fs::write(site.path(), bytes).expect("a write");
        let refused = Export::read(&site.path());
        assert!(
            matches!(
                refused,
                Err(Error::Damaged {
                    record: 0,
                    source: FileDamage::NotOne,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    let mut next = b"NONOANCH\0\x02".to_vec();
    next.extend([0; 64]);
    fs::write(site.path(), next).expect("a write");
    let refused = Export::read(&site.path());
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                source: FileDamage::UnknownVersion { version: 2 },
                ..
            })
        ),
        "{refused:?}"
    );
}

#[test]
fn somebody_else_reads_what_was_signed() {
    let mut site = Carried::new();
    sample(&mut site);
    let export = Export::read(&site.path()).expect("a file");
    assert_eq!(export.chain.submitter, id(&key(NODE)));
    assert_eq!(export.torn, None);
    let read: Vec<_> = export
        .commitments
        .iter()
        .map(|(commitment, _)| *commitment)
        .collect();
    assert_eq!(read, [commitment(1), commitment(2)]);
    assert_eq!(export.commitments[0].1.get(&id(&key(WITNESSES[0]))), Some(&NOW));
    for (envelope, (commitment, _)) in export.signed.iter().zip(&export.commitments) {
        let (signed, signer) = envelope.open::<Commitment>().expect("it is signed");
        assert_eq!((signed, signer), (*commitment, id(&key(NODE))));
    }
}

#[test]
fn the_file_has_the_bytes_of_its_page() {
    let mut site = Carried::new();
    let (bytes, _) = sample(&mut site);
    let expected: String = include_str!("../../vectors/anchor.hex")
        .split_whitespace()
        .collect();
    assert_eq!(hex::encode(bytes), expected);
}
