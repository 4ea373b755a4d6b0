use nonos_types::*;

use super::{
    sample::{descriptor, digest, key},
    wire::{Broken, Field},
};

#[test]
fn names_are_32_bytes() {
    let key = key();
    Broken::of(&descriptor(), &key).has_fixed(32, &[(1, "network_id"), (7, "profile")]);
}

#[test]
fn is_whole() {
    let key = key();
    Broken::of(&descriptor(), &key).is_cut();
}

#[test]
fn refuses_addresses_that_are_too_many_too_long_empty_or_not_printable() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    let addresses = |texts: &[&str]| {
        let texts = texts.iter().map(|it| Field::from(*it)).collect();
        broken.fields.with_all(5, texts)
    };
    broken.accepts(&addresses(&[]));
    broken.accepts(&addresses(&["/a"; 8]));
    broken.refuses_field(&addresses(&["/a"; 9]), "addresses");
    broken.accepts(&addresses(&[&"x".repeat(128)]));
    broken.refuses_field(&addresses(&[&"x".repeat(129)]), "addresses");
    for bad in ["", "/ip4/1.2.3.4 ", "/dns/ø", "/a\n", "/a\u{7f}", "\u{1b}[2J"] {
        broken.refuses_field(&addresses(&["/a", bad]), "addresses");
    }
    let not_utf8 = broken.fields.with(5, vec![0xff]);
    broken.refuses(
        &not_utf8,
        Error::Malformed {
            message: "descriptor",
        },
    );
}

#[test]
fn refuses_software_that_is_too_long_or_not_printable() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    broken.accepts(&broken.fields.without(8));
    broken.accepts(&broken.fields.with(8, "x".repeat(32).as_str()));
    for bad in ["x".repeat(33).as_str(), "a b", "a\t", "nønos"] {
        broken.refuses_field(&broken.fields.with(8, bad), "software");
    }
}

#[test]
fn refuses_to_be_valid_for_more_than_a_day_or_backwards() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    let until = |at: u64| broken.fields.with(4, at);
    let (from, day) = (1_700_000_000, 86_400);
    broken.accepts(&until(from));
    broken.accepts(&until(from + day));
    broken.refuses_field(&until(from + day + 1), "valid_until");
    broken.refuses_field(&until(u64::MAX), "valid_until");
    broken.refuses_field(&until(from - 1), "valid_until");
    broken.refuses_field(&broken.fields.without(4), "valid_until");
}

#[test]
fn refuses_an_unknown_role() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    broken.accepts(&broken.fields.without(6));
    broken.accepts(&broken.fields.with(6, 0b1111));
    for bits in [0b1_0000, 0b1_0001, 0x101, u64::from(u32::MAX)] {
        broken.refuses_field(&broken.fields.with(6, bits), "roles");
    }
}

#[test]
fn refuses_more_capacity_than_counts() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    broken.accepts(&broken.fields.without(9));
    broken.accepts(&broken.fields.with(9, 16));
    broken.refuses_field(&broken.fields.with(9, 17), "capacity");
    broken.refuses_field(&broken.fields.with(9, 256 + 1), "capacity");
    assert_eq!(Capacity::new(usize::MAX), Capacity::MAX);
}

#[test]
fn refuses_onion_keys_that_are_too_many_not_in_order_or_no_keys() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    let onion = |epoch: u8, len: usize| [&[8, epoch, 0x12, len as u8][..], &vec![7; len]].concat();
    let keys = |keys: &[Vec<u8>]| {
        let fields = keys.iter().map(|it| Field::from(it.as_slice())).collect();
        broken.fields.with_all(10, fields)
    };
    broken.accepts(&keys(&[]));
    broken.accepts(&keys(&[onion(1, 32), onion(2, 32), onion(3, 32)]));
    let four = [onion(1, 32), onion(2, 32), onion(3, 32), onion(4, 32)];
    broken.refuses_field(&keys(&four), "onion_keys");
    broken.refuses_field(&keys(&[onion(2, 32), onion(1, 32)]), "onion_keys");
    broken.refuses_field(&keys(&[onion(2, 32), onion(2, 32)]), "onion_keys");
    for len in [0, 31, 33] {
        let error = Descriptor::from_bytes(&keys(&[onion(1, len)]).to_bytes());
        assert!(error.is_err(), "{len}");
    }
}

#[test]
fn a_family_is_a_name_or_is_not_there() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    broken.accepts(&broken.fields.with(13, vec![0; 32]));
    for len in [0, 31, 33] {
        let fields = broken.fields.with(13, vec![7; len]);
        assert!(Descriptor::from_bytes(&fields.to_bytes()).is_err(), "{len}");
    }
    let named = Descriptor {
        family: Some(digest(7)),
        ..descriptor()
    };
    let bytes = [&descriptor().to_bytes()[..], &[13 << 3 | 2, 32], &[7; 32]].concat();
    assert_eq!(
        named.to_bytes(),
        bytes,
        "without one a descriptor has the bytes it had"
    );
    assert_eq!(Descriptor::from_bytes(&bytes), Ok(named));
}

#[test]
fn books_have_an_entry_or_are_not_there() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    let head = [&[8, 2, 0x10, 7, 0x1a, 32][..], &[9; 32]].concat();
    let with = Descriptor {
        books: Some(FeedHead {
            incarnation: Incarnation::new(2),
            sequence: Sequence::new(7),
            digest: EntryDigest::from_bytes([9; 32]),
        }),
        ..descriptor()
    };
    let bytes = [
        &descriptor().to_bytes()[..],
        &[14 << 3 | 2, head.len() as u8],
        &head,
    ]
    .concat();
    assert_eq!(
        with.to_bytes(),
        bytes,
        "without them a descriptor has the bytes it had"
    );
    assert_eq!(Descriptor::from_bytes(&bytes), Ok(with));
    broken.accepts(
        &broken
            .fields
            .with(14, [&[0x10, 7, 0x1a, 32][..], &[9; 32]].concat()),
    );
    broken.refuses_field(
        &broken.fields.with(14, [&[8, 2, 0x1a, 32][..], &[9; 32]].concat()),
        "books",
    );
    for len in [0, 31, 33] {
        let head = [&[0x10, 7, 0x1a, len as u8][..], &vec![9; len]].concat();
        let fields = broken.fields.with(14, head);
        assert!(Descriptor::from_bytes(&fields.to_bytes()).is_err(), "{len}");
    }
}

#[test]
fn shards_are_some_and_not_all_or_are_not_there() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    for bits in 1..15 {
        broken.accepts(&broken.fields.with(12, bits));
    }
    for bits in [0, 15, 16, 17, u64::from(u32::MAX)] {
        broken.refuses_field(&broken.fields.with(12, bits), "shards");
    }
    let some = Descriptor {
        shards: Shards::from_bits(0b0101).expect("two"),
        ..descriptor()
    };
    let bytes = [&descriptor().to_bytes()[..], &[12 << 3, 0b0101]].concat();
    assert_eq!(
        some.to_bytes(),
        bytes,
        "with all of them a descriptor has the bytes it had"
    );
    assert_eq!(Descriptor::from_bytes(&bytes), Ok(some));
    assert_eq!(descriptor().shards, Shards::ALL);
}

#[test]
fn a_stamp_is_work_for_one_name_in_one_network() {
    let (network, node) = (digest(1), NodeId::from_bytes([2; 32]));
    let stamp = Stamp::find(network, node, 12);
    assert!(stamp.bits(network, node) >= 12);
    let worth = |network, node| stamp.bits(network, node);
    assert!(worth(digest(3), node) < 12 && worth(network, NodeId::from_bytes([3; 32])) < 12);
}

#[test]
fn roles_have_the_bits_of_the_spec() {
    let key = key();
    let broken = Broken::of(&descriptor(), &key);
    for (bit, role) in Role::ALL.into_iter().enumerate() {
        let bytes = broken.fields.with(6, 1 << bit).to_bytes();
        let read = Descriptor::from_bytes(&bytes).expect("a role");
        assert_eq!(read.roles.iter().collect::<Vec<_>>(), [role]);
        let row = format!("| {bit} | `{role}` |");
        assert!(super::SPEC.contains(&row), "the page lacks {row}");
    }
    assert_eq!(Roles::NONE.iter().count(), 0);
}

#[test]
fn the_widest_fits() {
    let key = key();
    let wide = Descriptor {
        network: digest(255),
        sequence: Sequence::MAX,
        valid_from: Timestamp::MAX,
        valid_until: Timestamp::MAX,
        addresses: vec!["~".repeat(128); 8],
        roles: Role::ALL.into_iter().collect(),
        profile: digest(255),
        software: "~".repeat(32),
        capacity: Capacity::MAX,
        onion_keys: (0..3)
            .map(|epoch| OnionKey {
                epoch: u64::MAX - 2 + epoch,
                key: [255; 32],
            })
            .collect(),
        stamp: Stamp::new(u64::MAX),
        shards: Shards::from_bits(14).expect("three"),
        family: Some(digest(255)),
        books: Some(FeedHead {
            incarnation: Incarnation::MAX,
            sequence: Sequence::MAX,
            digest: EntryDigest::from_bytes([255; 32]),
        }),
        further: Further::NONE,
    };
    Broken::of(&wide, &key);
}
