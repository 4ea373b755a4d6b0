use super::*;

fn opening() -> Opening {
    Opening {
        salt: Salt::new([7; 32]),
        tapes: [
            TapeWords::from_bytes(b"the result"),
            TapeWords::default(),
            TapeWords {
                // Written behind the last byte: part of what is committed to.
                words: vec![u64::MAX],
                len: 3,
            },
        ],
    }
}

#[test]
fn an_opening_is_read_as_it_was_written() {
    let (first, bytes) = (opening(), opening().to_bytes());
    assert_eq!(bytes.len(), 32 + 3 * 12 + 8 * 3);
    let second = Opening::from_bytes(&bytes).expect("an opening");
    assert_eq!(
        (second.salt.as_bytes(), &second.tapes),
        (first.salt.as_bytes(), &first.tapes)
    );
}

#[test]
fn refuses_an_opening_that_is_cut_or_prolonged() {
    let bytes = opening().to_bytes();
    for len in 0..bytes.len() {
        assert!(Opening::from_bytes(&bytes[..len]).is_none(), "{len}");
    }
    assert!(Opening::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
}

/// The commitment would take such a length modulo 2^32, and another number of words.
#[test]
fn refuses_a_length_that_does_not_go_with_the_words() {
    let with = |len: u64, count: u32| {
        let mut bytes = opening().to_bytes().to_vec();
        let last = bytes.len() - 8 - 12;
        bytes[last..last + 8].copy_from_slice(&len.to_le_bytes());
        bytes[last + 8..last + 12].copy_from_slice(&count.to_le_bytes());
        bytes
    };
    for good in 1..=8 {
        assert!(Opening::from_bytes(&with(good, 1)).is_some(), "{good}");
    }
    for bad in [0, 9, (1 << 32) + 3, u64::MAX] {
        assert!(Opening::from_bytes(&with(bad, 1)).is_none(), "{bad}");
    }
    for count in [0, 2, 1 << 24, u32::MAX] {
        assert!(
            Opening::from_bytes(&with(8 * u64::from(count), count)).is_none(),
            "{count}"
        );
    }
}

#[test]
fn every_backend_has_a_scheme_that_its_statements_are_proved_by() {
    for system in System::ALL {
        assert_eq!(scheme_of(&system.id()), Some(system.scheme()));
    }
    assert_eq!(scheme_of(&"halo3/1".parse().expect("a name")), None);
}
