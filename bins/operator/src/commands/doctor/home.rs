//! The data directory: is it there, whole, its owner's alone, and does its key open?

use super::Check;
use crate::{commands::config::read, failure::Failure};
use nonos_node::{Config, DataDir, DataDirError};
use nonos_trust::keystore::{self, KeystoreError, Passphrase};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Is there a node's data directory, and is it free, or used by a node that answers?
pub(super) fn data_directory(path: &Path, running: bool) -> Check {
    const NAME: &str = "data directory";
    let shown = path.display().to_string();
    if running {
        return Check::ok(NAME, format!("{shown}: a node runs on it, and answers"));
    }
    // It is not opened: that would migrate it.
    let error = match DataDir::format(path) {
        Ok(_) => return used(path, &shown),
        Err(error) => error,
    };
    let remedy = match &error {
        DataDirError::Missing { .. } => format!("operator init --data {shown}"),
        DataDirError::NewerFormat { .. } => "use the newer program that wrote it".to_owned(),
        _ => "put the file back from a backup".to_owned(),
    };
    let caller = error.fault() == nonos_types::Fault::Caller;
    let check = Check::failed(NAME, with_causes(&error), remedy);
    if caller { check.by_caller() } else { check }
}

/// Of one that says its format: has somebody its lock, and is its key there?
fn used(path: &Path, shown: &str) -> Check {
    const NAME: &str = "data directory";
    let key = path.join("keys/node.key");
    if !key.exists() {
        let reason = format!("{} is missing: a new key would be another node", key.display());
        return Check::failed(NAME, reason, "put the keystore back from its backup");
    }
    let lock = fs::File::open(path.join("run/lock"));
    // Shared, and for a moment: it keeps out nobody who has it.
    if let Ok(lock) = lock
        && matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
    {
        let pid = fs::read_to_string(path.join("run/lock")).unwrap_or_default();
        let reason = format!(
            "{shown} is in use by process {}, which does not answer",
            pid.trim()
        );
        return Check::failed(
            NAME,
            reason,
            format!("wait until it answers; if it does not, kill {}", pid.trim()),
        );
    }
    Check::ok(NAME, format!("{shown}: no node runs on it"))
}

/// Is everything in it?
pub(super) fn parts(path: &Path) -> Check {
    const NAME: &str = "parts";
    if !path.join("format").exists() {
        return Check::unknown(NAME, "there is no data directory to look into");
    }
    let gone = |name: &&str| !path.join(name).is_dir();
    let missing: Vec<&str> = ["keys", "capsules", "inputs", "proofs", "run"]
        .into_iter()
        .filter(gone)
        .collect();
    if let Some(name) = missing.first() {
        return Check::failed(
            NAME,
            format!("{} is missing", missing.join(", ")),
            format!(
                "put it back from a backup; if there is none, mkdir -m 700 {}",
                path.join(name).display()
            ),
        );
    }
    let (db, head) = (path.join("db"), path.join("keys/books.head"));
    if !db.exists() && head.exists() {
        return Check::failed(
            NAME,
            format!("{} is missing, and the node has kept books", db.display()),
            "put it back from a backup, then `operator run --old-books`; `operator ledger resume` says what it means",
        );
    }
    let rocks = db.join("rocks");
    if rocks.is_dir() && !rocks.join("CURRENT").is_file() {
        return Check::failed(
            NAME,
            format!("{} is damaged: it has no file CURRENT", rocks.display()),
            "put `db` back from a backup, then `operator run --old-books`",
        );
    }
    Check::ok(
        NAME,
        if db.exists() {
            "all are there"
        } else {
            "all are there; the node was never started"
        },
    )
}

/// May nobody else read or change it?
pub(super) fn rights(path: &Path) -> Check {
    const NAME: &str = "rights";
    if !path.exists() {
        return Check::unknown(NAME, "there is no data directory to look into");
    }
    let mut files: Vec<PathBuf> = ["keys", "run", "inputs", "proofs"].map(|it| path.join(it)).into();
    let keys = fs::read_dir(path.join("keys")).into_iter().flatten();
    files.extend(keys.flatten().map(|it| it.path()));
    let me = rustix::process::geteuid().as_raw();
    for file in files {
        let Ok(found) = file.symlink_metadata() else {
            continue;
        };
        let shown = file.display();
        if found.uid() != me && me != 0 {
            return Check::failed(
                NAME,
                format!("{shown} belongs to user {}, and this is user {me}", found.uid()),
                format!("run as that user, or chown -R {me} {}", path.display()),
            );
        }
        if found.mode() & 0o077 != 0 {
            let mode = if found.is_dir() { 700 } else { 600 };
            return Check::failed(
                NAME,
                format!("{shown} has mode {:03o}: others can use it", found.mode() & 0o777),
                format!("chmod {mode} {shown}; consider known what others could read"),
            );
        }
    }
    let config = path.join("config.toml");
    match config.metadata() {
        Ok(found) if found.mode() & 0o022 != 0 => Check::failed(
            NAME,
            format!("{} can be changed by others", config.display()),
            format!("chmod go-w {}", config.display()),
        ),
        _ => Check::ok(NAME, "only its owner can use it"),
    }
}

/// Is it a keystore, and does it open?
pub(super) fn keystore(path: &Path, passphrase: Option<Result<Passphrase, Failure>>) -> Check {
    const NAME: &str = "keystore";
    let failed = |error: &KeystoreError| match error {
        KeystoreError::WideMode { .. } => Check::unknown(NAME, "it is not read while its rights are wrong"),
        KeystoreError::Missing { .. } => Check::unknown(NAME, "there is none to look into"),
        _ => Check::failed(
            NAME,
            with_causes(error),
            format!(
                "give the right passphrase, or put {} back from its backup",
                path.display()
            ),
        ),
    };
    let id = match keystore::public_key(path) {
        Ok(id) => id,
        Err(error) => return failed(&error),
    };
    match passphrase {
        None => Check::ok(
            NAME,
            format!("of node {id}; it was not opened: --passphrase-file FILE does"),
        ),
        Some(Err(error)) => Check::failed(
            NAME,
            with_causes(&error),
            "chmod 600 the passphrase file, and name the right one",
        )
        .by_caller(),
        Some(Ok(passphrase)) => match keystore::open(path, &passphrase) {
            Ok(_) => Check::ok(NAME, format!("of node {id}; it opens")),
            Err(error) => failed(&error),
        },
    }
}

/// The configuration, or the default where it cannot be read; and whether it can.
pub(super) fn config(path: &Path) -> (Config, Check) {
    const NAME: &str = "configuration";
    let file = path.join("config.toml");
    let remedy = format!("operator config check {}", file.display());
    if !path.join("format").exists() {
        return (
            Config::default(),
            Check::unknown(NAME, "there is no data directory to look into"),
        );
    }
    let text = match read(&file) {
        Ok(text) => text,
        Err(error) => {
            let remedy = format!("operator config default > {}", file.display());
            return (
                Config::default(),
                Check::failed(NAME, with_causes(&error), remedy),
            );
        }
    };
    match Config::check(&text) {
        Ok(config) => (config, Check::ok(NAME, format!("{} is right", file.display()))),
        Err(errors) => {
            let more = match errors.len() {
                1 => String::new(),
                all => format!(", and {} more", all - 1),
            };
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            (
                Config::default(),
                Check::failed(NAME, format!("{first}{more}"), remedy).by_caller(),
            )
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
