//! The author's key: a file with 32 secret bytes in hexadecimal, readable by its owner only.

use crate::failure::Failure;
use ed25519_dalek::SigningKey;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Reads a key.
pub(crate) fn read(path: &Path) -> Result<SigningKey, Failure> {
    let fail = |source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(fail)?.permissions().mode() & 0o077 != 0 {
        return Err(Failure::OpenKey {
            path: path.to_owned(),
        });
    }
    let text = Zeroizing::new(crate::files::read(path, 128)?);
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii(), &mut *seed).map_err(|_| Failure::NotAKey {
        path: path.to_owned(),
    })?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Makes a key and its file, which must not exist yet.
pub(crate) fn create(path: &Path) -> Result<SigningKey, Failure> {
    let fail = |source| Failure::File {
        action: "create",
        path: path.to_owned(),
        source,
    };
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(Failure::Random)?;
    let text = Zeroizing::new(hex::encode(*seed) + "\n");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(fail)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(fail)?;
    Ok(SigningKey::from_bytes(&seed))
}
