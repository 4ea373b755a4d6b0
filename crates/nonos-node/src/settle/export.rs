//! Writes a batch with its proofs to a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nonos_types::Fault;

use super::{Error, Settler};
use crate::api::SettlementWritten;

impl Settler {
    pub(super) fn export(&self, number: u64, path: &str, replace: bool) -> Result<SettlementWritten, Error> {
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            return Err(Error::caller(format!(
                "{}: the node needs a file's absolute path",
                path.display()
            )));
        }
        let (file, batch) = self.read(|settlement, _| {
            let batch = settlement.signed(number)?.value().id().to_string();
            Ok((settlement.file(number)?, batch))
        })?;
        let bytes = file.to_bytes();
        write(&path, &bytes, replace).map_err(|error| cannot(&path, &error))?;
        Ok(SettlementWritten {
            path: path.display().to_string(),
            bytes: bytes.len() as u64,
            number,
            batch,
            proofs: file.chunks.len(),
            countersignatures: file.countersignatures.len(),
            accounts: file.accounts.len(),
        })
    }
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::AlreadyExists => " (--force writes over it)",
        _ => "",
    };
    let fault = match error.kind() {
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotFound
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory => Fault::Caller,
        _ => Fault::Environment,
    };
    Error::Words {
        message: format!("cannot write {}: {error}{remedy}", path.display()),
        fault,
    }
}

/// Beside its place, and moved there when it is whole and on the disk.
fn write(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut part = name.to_owned();
    part.push(".part");
    let part = path.with_file_name(part);
    // What is left of one that was not finished; and a link to somewhere else is not followed.
    let _none = fs::remove_file(&part);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    let written = fill(file, bytes).and_then(|()| {
        if replace {
            fs::rename(&part, path)
        } else {
            // A link, unlike a rename, is never made over a file that is there.
            fs::hard_link(&part, path).and_then(|()| fs::remove_file(&part))
        }
    });
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
