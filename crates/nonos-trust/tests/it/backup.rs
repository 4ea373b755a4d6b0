//! Backups and words.

use nonos_trust::{
    Identity,
    keystore::{self, Backup, Cost, Entropy, KeystoreError, Passphrase},
};
use nonos_types::{EntryDigest, FeedHead, Incarnation, Sequence, Timestamp};

const SPEC: &str = include_str!("../../../../docs/spec/keystore.md");

fn entropy(seed: u8) -> Entropy {
    Entropy {
        seed: [seed; 32],
        salt: [seed ^ 0x10; 16],
        nonce: [seed ^ 0x20; 24],
    }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec()).expect("is not empty")
}

fn backup() -> Backup {
    Backup {
        identity: Identity::from_seed([1; 32]),
        network: "a test".to_owned(),
        head: Some(FeedHead {
            incarnation: Incarnation::new(2),
            sequence: Sequence::new(57),
            digest: EntryDigest::from_bytes([3; 32]),
        }),
        config: "network = \"a test\"\n".to_owned(),
        account: vec![4; 5],
        made: Timestamp::new(1_800_000_000),
    }
}

fn sealed() -> Vec<u8> {
    backup()
        .seal(entropy(1), &passphrase("another horse"), Cost::MIN)
        .expect("is sealed")
}

fn open(bytes: &[u8]) -> Result<Backup, KeystoreError> {
    Backup::open(bytes, &passphrase("another horse"))
}

#[test]
fn gives_back_what_was_put_into_it() {
    let (made, opened) = (backup(), open(&sealed()).expect("opens"));
    assert_eq!(opened.identity.node_id(), made.identity.node_id());
    assert_eq!(opened.identity.signing_key(), made.identity.signing_key());
    assert_eq!(
        (
            opened.network,
            opened.head,
            opened.config,
            opened.account,
            opened.made
        ),
        (made.network, made.head, made.config, made.account, made.made)
    );
    let bare = Backup {
        head: None,
        account: Vec::new(),
        ..backup()
    };
    let bytes = bare
        .seal(entropy(1), &passphrase("x"), Cost::MIN)
        .expect("is sealed");
    let opened = Backup::open(&bytes, &passphrase("x")).expect("opens");
    assert_eq!((opened.head, opened.account), (None, vec![]));
}

#[test]
fn says_whose_it_is_without_its_passphrase() {
    let label = Backup::label(&sealed()).expect("a backup");
    assert_eq!(label.node, backup().identity.node_id());
    assert_eq!(label.cost, Cost::MIN);
}

#[test]
fn bytes_are_those_of_the_spec() {
    let vector: String = SPEC
        .split("```text")
        .nth(2)
        .and_then(|it| it.split("```").next())
        .expect("the page has a second vector")
        .lines()
        .filter_map(|line| line.split("  ").next())
        .flat_map(str::split_whitespace)
        .collect();
    assert_eq!(hex::encode(sealed()), vector);
}

#[test]
fn refuses_the_keystores_passphrase_and_any_other() {
    for wrong in [
        "correct horse",
        "another hors",
        "another horse\n",
        "Another horse",
    ] {
        let error = Backup::open(&sealed(), &passphrase(wrong)).expect_err("is wrong");
        assert!(
            matches!(error, KeystoreError::WrongPassphraseOrDamagedBackup),
            "{error:?}"
        );
    }
}

#[test]
fn refuses_a_flipped_byte_in_each_part() {
    let good = sealed();
    // All of the header; of what is encrypted, the key, what follows it, and the tag.
    let tag = good.len() - 16;
    for at in (0..83).chain([83, 83 + 32, tag - 1, tag, good.len() - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let error = open(&bad).expect_err("is damaged");
        let as_expected = match at {
            0..4 => matches!(error, KeystoreError::NotABackup { .. }),
            4 => matches!(error, KeystoreError::UnknownBackupVersion { version: 0 }),
            // Other costs make another key, or are no costs.
            5 | 10 => matches!(error, KeystoreError::CostOutOfRange { .. }),
            _ => matches!(error, KeystoreError::WrongPassphraseOrDamagedBackup),
        };
        assert!(as_expected, "byte {at}: {error:?}");
    }
}

#[test]
fn refuses_what_is_cut_off_and_what_is_longer() {
    let good = sealed();
    for len in [0, 3, 4, 5, 50, 82, 83, 130] {
        let error = open(&good[..len]).expect_err("is cut off");
        assert!(
            matches!(error, KeystoreError::NotABackup { .. }),
            "{len} bytes: {error:?}"
        );
    }
    for bad in [&good[..131], &good[..good.len() - 1], &[&good[..], &[0]].concat()] {
        let error = open(bad).expect_err("has another length");
        assert!(
            matches!(error, KeystoreError::WrongPassphraseOrDamagedBackup),
            "{} bytes: {error:?}",
            bad.len()
        );
    }
    let mut long = good;
    long.resize((2 << 20) + 1, 0);
    let error = open(&long).expect_err("is too long");
    assert!(matches!(error, KeystoreError::NotABackup { .. }), "{error:?}");
}

/// Were anything allocated or computed first, this test would not come to its end.
#[test]
fn refuses_key_derivation_outside_its_limits() {
    let good = sealed();
    let costs: [(u32, u8, u8); 8] = [
        (u32::MAX, 1, 1),
        ((1 << 20) + 1, 1, 1),
        ((19 << 10) - 1, 1, 1),
        (0, 1, 1),
        (19 << 10, 0, 1),
        (19 << 10, 17, 1),
        (19 << 10, 1, 0),
        (19 << 10, 1, 5),
    ];
    for (memory, passes, lanes) in costs {
        let mut bad = good.clone();
        bad[5..9].copy_from_slice(&memory.to_be_bytes());
        bad[9..11].copy_from_slice(&[passes, lanes]);
        for error in [open(&bad).err(), Backup::label(&bad).err()] {
            assert!(
                matches!(error, Some(KeystoreError::CostOutOfRange { .. })),
                "{memory} KiB, {passes} passes, {lanes} lanes: {error:?}"
            );
        }
    }
}

#[test]
fn a_keystore_is_no_backup_and_a_backup_no_keystore() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/node.key");
    keystore::create(&path, entropy(1), &passphrase("x"), Cost::MIN).expect("is made");
    let keystore = std::fs::read(&path).expect("is there");
    let error = Backup::label(&keystore).expect_err("a keystore");
    assert!(matches!(error, KeystoreError::NotABackup { .. }), "{error:?}");
    std::fs::write(&path, sealed()).expect("is ours");
    let error = keystore::public_key(&path).expect_err("a backup");
    assert!(matches!(error, KeystoreError::NotAKeystore { .. }), "{error:?}");
    // Nor with the other's first bytes: they are authenticated.
    let forged = [b"NONB", &keystore[4..]].concat();
    let error = Backup::open(&forged, &passphrase("x")).expect_err("another kind");
    assert!(
        matches!(error, KeystoreError::WrongPassphraseOrDamagedBackup),
        "{error:?}"
    );
}

/// The vectors of BIP-39 with 32 bytes of entropy.
const VECTORS: [([u8; 32], &str); 4] = [
    (
        [0; 32],
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
         abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
    ),
    (
        [0x7f; 32],
        "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner \
         thank year wave sausage worth title",
    ),
    (
        [0x80; 32],
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter \
         advice cage absurd amount doctor acoustic bless",
    ),
    (
        [0xff; 32],
        "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
    ),
];

#[test]
fn words_are_those_of_bip_39_and_lead_back() {
    for (seed, words) in VECTORS {
        let identity = Identity::from_seed(seed);
        assert_eq!(*keystore::to_words(&identity), words);
        let back = keystore::from_words(words).expect("a key");
        assert_eq!(back.signing_key().to_bytes(), seed);
    }
}

#[test]
fn words_are_read_as_people_write_them() {
    let (seed, words) = VECTORS[1];
    let written = format!("  {}\n", words.to_uppercase().replace(' ', "\n\t "));
    let identity = keystore::from_words(&written).expect("a key");
    assert_eq!(identity.signing_key().to_bytes(), seed);
}

#[test]
fn refuses_words_that_are_no_key() {
    let (_, words) = VECTORS[1];
    // Another word of the list, in each place but one in 256 tries: so the checksum is what refuses it.
    for place in [0, 11, 23] {
        let mut other: Vec<&str> = words.split(' ').collect();
        other[place] = "zebra";
        let error = keystore::from_words(&other.join(" ")).expect_err("another word");
        assert!(
            matches!(error, KeystoreError::WordsChecksum),
            "{place}: {error:?}"
        );
    }
    let mut swapped: Vec<&str> = words.split(' ').collect();
    swapped.swap(0, 1);
    let error = keystore::from_words(&swapped.join(" ")).expect_err("another order");
    assert!(matches!(error, KeystoreError::WordsChecksum), "{error:?}");

    for place in [1, 24] {
        let mut unknown: Vec<&str> = words.split(' ').collect();
        unknown[place - 1] = "hunter2";
        let error = keystore::from_words(&unknown.join(" ")).expect_err("no word of the list");
        assert!(
            matches!(error, KeystoreError::UnknownWord { place: found } if found == place),
            "{error:?}"
        );
        assert!(
            !error.to_string().contains("hunter2"),
            "a secret's part is not repeated"
        );
    }

    let (_, zoo) = VECTORS[3];
    let short: Vec<&str> = zoo.split(' ').take(12).collect();
    for (text, count) in [
        (String::new(), 0),
        (short.join(" "), 12),
        (format!("{zoo} zoo"), 25),
    ] {
        let error = keystore::from_words(&text).expect_err("another number");
        assert!(
            matches!(error, KeystoreError::WordCount { found } if found == count),
            "{error:?}"
        );
    }
}

#[test]
fn refuses_to_change_a_keystore_behind_a_link_or_under_another_passphrase() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/node.key");
    keystore::create(&path, entropy(1), &passphrase("old"), Cost::MIN).expect("is made");
    let before = std::fs::read(&path).expect("is there");
    let change = |path: &std::path::Path, old: &str| {
        keystore::change_passphrase(path, &passphrase(old), &passphrase("new"), entropy(2), Cost::MIN)
    };
    let error = change(&path, "other").expect_err("another passphrase");
    assert!(
        matches!(error, KeystoreError::WrongPassphraseOrDamaged),
        "{error:?}"
    );
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink(&path, &link).expect("is made");
    let error = change(&link, "old").expect_err("a link");
    assert!(matches!(error, KeystoreError::Linked { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).expect("is there"), before);
}

#[test]
fn shows_no_secret() {
    let id = backup().identity.node_id();
    assert_eq!(format!("{:?}", backup()), format!("Backup({id})"));
}
