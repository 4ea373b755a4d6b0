//! The reader of keystores, as far as it takes no passphrase: what is not one is refused before any work.

use nonos_trust::keystore;
use std::{fs, os::unix::fs::PermissionsExt as _};

/// Checks one input.
///
/// # Panics
/// If the file system fails, or the reader is wrong.
pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.key");
    fs::write(&path, bytes).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    if let Ok(key) = keystore::public_key(&path) {
        assert!(bytes.starts_with(b"NONK"));
        assert!(
            bytes.windows(32).any(|it| it == key.as_bytes()),
            "the key is in the file"
        );
    }
    assert_eq!(fs::read(&path).expect("it is there"), bytes, "it is only read");
}
