use nonos_types::{CommitmentScheme, ResultDigest, SealedDigest};

use super::*;

const SPEC: &str = include_str!("../../../../docs/spec/sealed-job.md");
const INPUT: &[u8] = b"balance: 1200";
const JOB_SALT: Salt = Salt::new([5; 16]);

fn requester() -> Identity {
    Identity::from_seed([1; 32])
}

fn executor() -> Identity {
    Identity::from_seed([2; 32])
}

fn place() -> Place {
    Place {
        network: NetworkId::from_bytes([3; 32]),
        job: JobId::from_bytes([4; 32]),
        slot: Slot::new(300),
        executor: executor().node_id(),
    }
}

fn label() -> InputLabel {
    InputLabel {
        network: place().network,
        requester: requester().node_id(),
        commitment: Commitment {
            scheme: CommitmentScheme::POSEIDON2_KOALABEAR_1,
            digest: [6; 32],
        },
    }
}

fn key() -> ContentKey {
    content_key(&requester(), &JOB_SALT, &label())
}

fn secret() -> BoxSecret {
    slot_secret(&executor(), &place())
}

fn award() -> SealedKey {
    seal_key(&requester(), &secret().public(), &place(), &key()).expect("a sound key")
}

fn results() -> BoxSecret {
    result_secret(&requester(), place().network, &JOB_SALT)
}

fn result() -> Vec<u8> {
    seal_result(&executor(), &results().public(), &place(), b"an opening").expect("a sound key")
}

/// Another place, label and so on, of which one part is different.
fn other_places() -> [Place; 4] {
    [
        Place {
            network: NetworkId::ZERO,
            ..place()
        },
        Place {
            job: JobId::ZERO,
            ..place()
        },
        Place {
            slot: Slot::new(301),
            ..place()
        },
        Place {
            executor: requester().node_id(),
            ..place()
        },
    ]
}

#[test]
fn what_is_sealed_is_that_of_the_spec() {
    let input = seal_input(&key(), &label(), &[7; 32], INPUT).expect("short");
    let result = result();
    let (input_name, result_name) = (SealedDigest::hash(&[&input]), ResultDigest::hash(&[&result]));
    for row in [
        format!("| `box_key` | `{}` |", hex::encode(secret().public().as_bytes())),
        format!(
            "| `result_key` | `{}` |",
            hex::encode(results().public().as_bytes())
        ),
        format!("| `sealed_key` | `{}` |", hex::encode(award().as_bytes())),
        format!(
            "| `object` of the input, of {} bytes | `{input_name}` |",
            input.len()
        ),
        format!(
            "| `object` of the result, of {} bytes | `{result_name}` |",
            result.len()
        ),
    ] {
        assert!(SPEC.contains(&row), "the page lacks {row}");
    }
}

#[test]
fn an_input_opens_with_its_key_and_label_only() {
    let sealed = seal_input(&key(), &label(), &[7; 32], INPUT).expect("short");
    let (salt, input) = open_input(&key(), &label(), &sealed).expect("it opens");
    assert_eq!((*salt, &input[..]), ([7; 32], INPUT));

    let refused = |key: &ContentKey, label: &InputLabel| open_input(key, label, &sealed).err();
    let not_opened = Some(BoxError::NotOpened);
    let other = content_key(&requester(), &Salt::new([8; 16]), &label());
    assert_eq!(refused(&other, &label()), not_opened);
    let mut labels = [label(); 4];
    labels[0].network = NetworkId::ZERO;
    labels[1].requester = executor().node_id();
    labels[2].commitment.scheme = CommitmentScheme::POSEIDON_PALLAS_1;
    labels[3].commitment.digest = [0; 32];
    for label in labels {
        assert_eq!(refused(&key(), &label), not_opened, "{label:?}");
    }
}

/// Else one key would encrypt two inputs under one nonce.
#[test]
fn the_key_of_an_input_is_another_for_each_input_job_and_requester() {
    let mut keys = vec![
        key(),
        content_key(&executor(), &JOB_SALT, &label()),
        content_key(&requester(), &Salt::new([8; 16]), &label()),
    ];
    let mut labels = [label(); 4];
    labels[0].network = NetworkId::ZERO;
    labels[1].requester = executor().node_id();
    labels[2].commitment.scheme = CommitmentScheme::POSEIDON_PALLAS_1;
    labels[3].commitment.digest = [0; 32];
    keys.extend(labels.map(|label| content_key(&requester(), &JOB_SALT, &label)));
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "{at}");
    }
}

#[test]
fn an_award_opens_for_the_awarded_alone() {
    assert_eq!(open_key(&secret(), &place(), &award()), Ok(key()));
    let not_opened = Err(BoxError::NotOpened);
    // Whoever else overhears it.
    let stranger = slot_secret(&Identity::from_seed([9; 32]), &place());
    assert_eq!(open_key(&stranger, &place(), &award()), not_opened);
    let requester = slot_secret(&requester(), &place());
    assert_eq!(open_key(&requester, &place(), &award()), not_opened);
    for place in other_places() {
        // Its own keys are others there; and with the right one the label still is not right.
        let theirs = slot_secret(&executor(), &place);
        assert_ne!(theirs.public(), secret().public());
        assert_eq!(open_key(&theirs, &place, &award()), not_opened, "{place:?}");
        assert_eq!(open_key(&secret(), &place, &award()), not_opened, "{place:?}");
    }
}

#[test]
fn a_result_opens_for_the_requester_alone() {
    let opened = open_result(&results(), &place(), &result()).expect("it opens");
    assert_eq!(&opened[..], b"an opening");
    let refused = |secret: &BoxSecret, place: &Place| open_result(secret, place, &result()).err();
    let not_opened = Some(BoxError::NotOpened);
    let network = place().network;
    for stranger in [
        result_secret(&executor(), network, &JOB_SALT),
        result_secret(&requester(), NetworkId::ZERO, &JOB_SALT),
        result_secret(&requester(), network, &Salt::new([8; 16])),
        secret(),
    ] {
        assert_eq!(refused(&stranger, &place()), not_opened);
    }
    for place in other_places() {
        assert_eq!(refused(&results(), &place), not_opened, "{place:?}");
    }
}

/// An executor that had one key for both could be shown a result, and be made to tell what it takes for a key.
#[test]
fn an_award_is_no_result() {
    let opened = open_result(&secret(), &place(), award().as_bytes());
    assert_eq!(opened.err(), Some(BoxError::NotOpened));
}

#[test]
fn refuses_a_byte_changed_anywhere() {
    let input = seal_input(&key(), &label(), &[7; 32], INPUT).expect("short");
    let (award, result) = (*award().as_bytes(), result());
    for at in 0..input.len() {
        let mut changed = input.clone();
        changed[at] ^= 1;
        assert_eq!(
            open_input(&key(), &label(), &changed).err(),
            Some(BoxError::NotOpened),
            "{at}"
        );
    }
    // The highest bit of an X25519 key is ignored; it is in the hash all the same.
    for at in 0..award.len() {
        for bit in [1, 0x80] {
            let mut changed = award;
            changed[at] ^= bit;
            let changed = SealedKey::from_bytes(changed);
            assert_eq!(
                open_key(&secret(), &place(), &changed),
                Err(BoxError::NotOpened),
                "{at}"
            );
        }
    }
    for at in 0..result.len() {
        let mut changed = result.clone();
        changed[at] ^= 0x80;
        let opened = open_result(&results(), &place(), &changed);
        assert_eq!(opened.err(), Some(BoxError::NotOpened), "{at}");
    }
}

#[test]
fn refuses_what_is_cut_or_prolonged() {
    let input = seal_input(&key(), &label(), &[7; 32], INPUT).expect("short");
    let result = result();
    for len in 0..input.len() {
        assert_eq!(
            open_input(&key(), &label(), &input[..len]).err(),
            Some(BoxError::NotOpened)
        );
    }
    for len in 0..result.len() {
        let opened = open_result(&results(), &place(), &result[..len]);
        assert_eq!(opened.err(), Some(BoxError::NotOpened), "{len}");
    }
    let long = [&input[..], &[0]].concat();
    assert_eq!(
        open_input(&key(), &label(), &long).err(),
        Some(BoxError::NotOpened)
    );
    let long = [&result[..], &[0]].concat();
    assert_eq!(
        open_result(&results(), &place(), &long).err(),
        Some(BoxError::NotOpened)
    );
}

/// The points of low order of the curve and of its twist, in all their encodings: those of RFC 7748's security
/// considerations. Each is taken to zero by every secret, so that everybody has what is encrypted with it.
fn low_order() -> Vec<[u8; 32]> {
    let points = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let bytes = points.map(|it| hex::decode(it).expect("hex").try_into().expect("32 bytes"));
    let high = |mut point: [u8; 32]| {
        point[31] |= 0x80;
        point
    };
    bytes.into_iter().chain(bytes.map(high)).collect()
}

#[test]
fn refuses_a_key_of_low_order() {
    for point in low_order() {
        let weak = BoxKey::from_bytes(point);
        assert!(!is_sound(&weak), "{weak:?}");
        let sealed = seal_key(&requester(), &weak, &place(), &key());
        assert_eq!(sealed, Err(BoxError::WeakKey), "{weak:?}");
        let sealed = seal_result(&executor(), &weak, &place(), b"an opening");
        assert_eq!(sealed, Err(BoxError::WeakKey), "{weak:?}");
        // Nor is anything taken that was made with one.
        let mut award = *award().as_bytes();
        award[..32].copy_from_slice(&point);
        let opened = open_key(&secret(), &place(), &SealedKey::from_bytes(award));
        assert_eq!(opened, Err(BoxError::WeakKey), "{weak:?}");
    }
    assert!(is_sound(&secret().public()));
    assert!(is_sound(&results().public()));
}

/// Who sees the ciphertext learns of the length to which power of two it belongs, and no more.
#[test]
fn lengths_are_told_to_a_power_of_two() {
    let sealed = |len: usize| {
        let sealed = seal_input(&key(), &label(), &[7; 32], &vec![1; len]).expect("short");
        assert_eq!(ByteLen::from(sealed.len()), sealed_len(ByteLen::from(len)));
        assert!(is_sealed_len(ByteLen::from(sealed.len())));
        let (_, input) = open_input(&key(), &label(), &sealed).expect("it opens");
        assert_eq!(input.len(), len);
        sealed.len() - 16
    };
    // 32 bytes of salt and 8 of the length are in it.
    assert_eq!([0, 1, 216].map(sealed), [256; 3]);
    assert_eq!([217, 472].map(sealed), [512; 2]);
    assert_eq!(sealed(473), 1024);
    for bad in [0, 16, 128 + 16, 255 + 16, 256, 257 + 16, (128 << 20) + 16] {
        assert!(!is_sealed_len(ByteLen::new(bad)), "{bad}");
    }
    assert!(is_sealed_len(SealedTape::MAX));
}

#[test]
fn refuses_to_seal_what_is_too_long() {
    let most = (64 << 20) - 8 - 32;
    let limit = ByteLen::new((64 << 20) - 8);
    let long = vec![0; most + 1];
    let actual = ByteLen::new(limit.get() + 1);
    let error = Some(BoxError::TooLong { limit, actual });
    assert_eq!(seal_input(&key(), &label(), &[7; 32], &long).err(), error);
    assert_eq!(sealed_len(ByteLen::from(most)), SealedTape::MAX);
    assert!(!is_sealed_len(sealed_len(ByteLen::from(most + 1))));
    assert!(!is_sealed_len(sealed_len(ByteLen::MAX)));
}

/// Only who has the key can make such; none may find this program unprepared.
#[test]
fn refuses_what_opens_and_is_not_of_the_format() {
    let sealed = |padded: &[u8]| encrypt(&key().0, &label().to_bytes(), padded);
    let refused = |padded: &[u8]| open_input(&key(), &label(), &sealed(padded)).err();
    let malformed = |part| Some(BoxError::Malformed { part });
    let padded = |len: u64, total: usize| {
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.resize(total, 0);
        bytes
    };
    assert!(open_input(&key(), &label(), &sealed(&padded(32, 256))).is_ok());
    assert_eq!(refused(&padded(31, 256)), malformed("the salt"));
    assert_eq!(refused(&[0; 7]), malformed("the length"));
    for (len, total) in [
        (32, 255),
        (32, 512),
        (249, 256),
        (248, 512),
        ((64 << 20) + 1, 256),
        (u64::MAX, 256),
    ] {
        assert_eq!(
            refused(&padded(len, total)),
            malformed("the length"),
            "{len} in {total}"
        );
    }
    let mut dirty = padded(32, 256);
    dirty[255] = 1;
    assert_eq!(refused(&dirty), malformed("the padding"));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?} {:?}", key(), secret(), award());
    assert_eq!(shown, "ContentKey(…) BoxSecret(…) SealedKey(…)");
}
