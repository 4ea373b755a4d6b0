use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use nonos_depin_evm::{Entropy, EvmKey, KeyError};

const PASSPHRASE: &[u8] = b"correct horse";

fn entropy() -> Entropy {
    Entropy {
        secret: [1; 32],
        salt: [0x11; 16],
        nonce: [0x21; 24],
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

#[test]
fn the_file_has_the_bytes_of_its_page_and_opens() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("evm");
    let key = EvmKey::create(&path, entropy(), PASSPHRASE).expect("a new key");
    assert_eq!(
        key.address().to_string(),
        "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"
    );
    let expected: String = include_str!("../vectors/key.hex").split_whitespace().collect();
    assert_eq!(hex::encode(fs::read(&path).expect("a file")), expected);
    assert_eq!(mode(&path), 0o600);
    let opened = EvmKey::open(&path, PASSPHRASE).expect("the key");
    assert_eq!(opened.address(), key.address());
    assert_eq!(EvmKey::address_in(&path).expect("a file"), key.address());
    assert_eq!(format!("{opened:?}"), format!("EvmKey({})", key.address()));
}

#[test]
fn refuses_a_wrong_passphrase_and_any_changed_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("evm");
    EvmKey::create(&path, entropy(), PASSPHRASE).expect("a new key");
    let refused = EvmKey::open(&path, b"wrong");
    assert!(
        matches!(refused, Err(KeyError::WrongPassphraseOrDamaged)),
        "{refused:?}"
    );
    let good = fs::read(&path).expect("a file");
    // One of each field: a try takes a while.
    for at in [0, 4, 5, 21, 45, 65, 97] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).expect("a write");
        let refused = EvmKey::open(&path, PASSPHRASE).expect_err("it is changed");
        match at {
            0 => assert!(matches!(refused, KeyError::NotAKey { .. }), "{refused:?}"),
            4 => assert!(
                matches!(refused, KeyError::UnknownVersion { version: 0 }),
                "{refused:?}"
            ),
            _ => assert!(
                matches!(refused, KeyError::WrongPassphraseOrDamaged),
                "{at}: {refused:?}"
            ),
        }
    }
    for bad in [
        &good[..0],
        &good[..4],
        &good[..112],
        &[&good[..], &[0]].concat()[..],
    ] {
        fs::write(&path, bad).expect("a write");
        let refused = EvmKey::open(&path, PASSPHRASE);
        assert!(matches!(refused, Err(KeyError::NotAKey { .. })), "{refused:?}");
    }
}

#[test]
fn is_never_made_over_another_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("evm");
    fs::write(&path, "mine").expect("a write");
    let refused = EvmKey::create(&path, entropy(), PASSPHRASE);
    assert!(matches!(refused, Err(KeyError::Exists { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "mine");
    assert_eq!(
        fs::read_dir(directory.path()).expect("a directory").count(),
        1,
        "and nothing is left beside it"
    );
}

#[test]
fn refuses_a_file_that_others_may_use() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("evm");
    EvmKey::create(&path, entropy(), PASSPHRASE).expect("a new key");
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        let refused = EvmKey::open(&path, PASSPHRASE);
        assert!(
            matches!(refused, Err(KeyError::WideMode { .. })),
            "{mode:o}: {refused:?}"
        );
    }
}

#[test]
fn refuses_what_is_no_key_no_file_and_no_passphrase() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("evm");
    let refused = EvmKey::open(&path, PASSPHRASE);
    assert!(matches!(refused, Err(KeyError::Missing { .. })), "{refused:?}");
    let refused = EvmKey::open(directory.path(), PASSPHRASE);
    assert!(matches!(refused, Err(KeyError::NotAKey { .. })), "{refused:?}");
    let mut zero = entropy();
    zero.secret = [0; 32];
    let refused = EvmKey::create(&path, zero, PASSPHRASE);
    assert!(matches!(refused, Err(KeyError::NoKey)), "{refused:?}");
    let refused = EvmKey::create(&path, entropy(), b"");
    assert!(matches!(refused, Err(KeyError::EmptyPassphrase)), "{refused:?}");
    assert!(!path.exists(), "nothing is written for these");
}
