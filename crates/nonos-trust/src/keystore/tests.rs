//! What is there whenever a change of the passphrase is cut off.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::*;
use crate::keystore::file::Step;

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

/// As a process that was killed leaves it: nothing more is done to what is there then.
fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a directory");
    fs::set_permissions(to.path(), fs::Permissions::from_mode(0o700)).expect("is ours");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), to.path().join(entry.file_name())).expect("copied");
    }
    to
}

#[test]
fn a_change_that_is_cut_off_leaves_one_keystore_under_one_passphrase() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/node.key");
    let (old, new) = (passphrase("old"), passphrase("new"));
    let made = create(&path, entropy(1), &old, Cost::MIN)
        .expect("is made")
        .node_id();
    let before = copy(&directory.path().join("keys"));
    let mut left = Vec::new();
    change(&path, &old, &new, entropy(2), Cost::MIN, &mut |step| {
        left.push((step, copy(&directory.path().join("keys"))));
    })
    .expect("is changed");
    let steps: Vec<Step> = left.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [Step::Cleared, Step::Written, Step::Renamed, Step::Synced]);
    left.insert(0, (Step::Cleared, before));
    for (step, left) in &left {
        let path = left.path().join("node.key");
        let is_new = matches!(step, Step::Renamed | Step::Synced);
        let (works, refused) = if is_new { (&new, &old) } else { (&old, &new) };
        assert_eq!(open(&path, works).expect("one works").node_id(), made, "{step:?}");
        let error = open(&path, refused).expect_err("the other does not");
        assert!(
            matches!(error, KeystoreError::WrongPassphraseOrDamaged),
            "{step:?}: {error:?}"
        );
        // Whatever was left, it can be changed again, and then nothing is left.
        let third = passphrase("third");
        change_passphrase(&path, works, &third, entropy(3), Cost::MIN).expect("is changed");
        assert_eq!(open(&path, &third).expect("opens").node_id(), made);
        assert_eq!(
            fs::read_dir(left.path()).expect("a directory").count(),
            1,
            "{step:?}"
        );
    }
}

#[test]
fn a_changed_keystore_is_private_and_has_no_salt_or_nonce_of_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/node.key");
    create(&path, entropy(1), &passphrase("old"), Cost::MIN).expect("is made");
    let before = fs::read(&path).expect("is there");
    change_passphrase(
        &path,
        &passphrase("old"),
        &passphrase("new"),
        entropy(2),
        Cost::MIN,
    )
    .expect("is changed");
    let after = fs::read(&path).expect("is there");
    let mode = fs::metadata(&path).expect("is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_ne!(before[11..27], after[11..27], "the salt");
    assert_ne!(before[27..51], after[27..51], "the nonce");
    assert_eq!(before[51..83], after[51..83], "the public key");
}
