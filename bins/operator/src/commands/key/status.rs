//! `operator key status`.

use super::Context;
use crate::{datadir::DataArgs, failure::Failure, files, output::utc, passphrase::PassphraseArgs};
use nonos_node::{BooksView, Config, DataDir, DataDirError, check_books};
use nonos_trust::keystore;
use nonos_types::{NodeId, Timestamp};
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Longest configuration.
const CONFIG_BYTES: u64 = 1 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Serialize)]
struct Shown {
    node: NodeId,
    keystore: PathBuf,
    /// Permission bits of file and directory.
    mode: String,
    directory_mode: String,
    /// What it costs to try a passphrase.
    memory_kib: u64,
    passes: u32,
    lanes: u32,
    /// When the file was written; a change of the passphrase writes it anew.
    written: Option<Timestamp>,
    /// Format of the data.
    format: u32,
    /// Absent if they were not compared.
    books: Option<BooksView>,
    /// What was not checked, and why.
    unchecked: Vec<String>,
}

impl Status {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let data = self.data.path()?;
        let path = DataDir::keystore_in(&data);
        // First of all what needs no key, and refuses data that are none or newer.
        let format = DataDir::format(&data)?;
        let node = keystore::public_key(&path)?;
        let cost = keystore::cost(&path)?;
        let mut unchecked = Vec::new();
        match self.passphrase.given()? {
            Some(passphrase) => drop(keystore::open(&path, &passphrase)?),
            None => unchecked.push(
                "whether the file is whole and the key is the node's: give --passphrase-file FILE".to_owned(),
            ),
        }
        let books = books(&data, format)?;
        if let Err(why) = &books {
            unchecked.push(format!("the books: {why}"));
        }
        let shown = Shown {
            node,
            mode: mode(&path)?,
            directory_mode: mode(path.parent().unwrap_or(Path::new(".")))?,
            memory_kib: cost.memory().get() >> 10,
            passes: cost.passes(),
            lanes: cost.lanes(),
            written: written(&path)?,
            keystore: path,
            format,
            books: books.ok(),
            unchecked,
        };
        context.output.show(&shown, || rows(&shown))
    }
}

/// Whether the books go as far as what was saved; else why they were not compared.
fn books(data: &Path, format: u32) -> Result<Result<BooksView, String>, Failure> {
    if !DataDir::is_current(format) {
        return Ok(Err(format!(
            "the data are of format {format}, and `operator run` migrates them"
        )));
    }
    let open = match DataDir::open(data) {
        Err(DataDirError::Locked { pid, .. }) => {
            return Ok(Err(format!(
                "process {pid} uses them, and compared them as it started"
            )));
        }
        open => open?,
    };
    let config = files::read_text(&open.config(), CONFIG_BYTES)
        .and_then(|text| Config::parse(&text).map_err(Failure::from));
    match config {
        Ok(config) => Ok(Ok(check_books(&open, &config.network)?)),
        Err(error) => Ok(Err(format!("the configuration cannot be read: {error}"))),
    }
}

fn rows(shown: &Shown) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("node", shown.node.to_string()),
        ("keystore", shown.keystore.display().to_string()),
        (
            "modes",
            format!("{} in a directory of {}", shown.mode, shown.directory_mode),
        ),
        (
            "Argon2id",
            format!(
                "{} MiB, {} passes, {} lanes",
                shown.memory_kib >> 10,
                shown.passes,
                shown.lanes
            ),
        ),
        ("written", shown.written.map_or_else(|| "-".to_owned(), utc)),
        ("format of the data", shown.format.to_string()),
    ];
    if let Some(books) = &shown.books {
        rows.push(("books", said(books)));
    }
    rows.extend(shown.unchecked.iter().map(|it| ("not checked", it.clone())));
    rows
}

fn said(books: &BooksView) -> String {
    match books {
        BooksView::Empty => "nothing was ever booked".to_owned(),
        BooksView::Agree { head } => format!("go as far as was saved: {head}"),
        BooksView::Behind { head, known } => format!(
            "end at {head}, and {known} was signed: `operator run --old-books`, then `operator ledger resume`"
        ),
        BooksView::NothingSaved { head } => {
            format!("end at {head}, and nothing is saved of them beside the key: the next start saves it")
        }
        BooksView::Restored => {
            "the key was restored, and nobody has said how far they went: `operator run --old-books`, then `operator \
             ledger resume`"
                .to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn mode(path: &Path) -> Result<String, Failure> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    Ok(format!("{:04o}", metadata.permissions().mode() & 0o7777))
}

/// File systems keep no time of making; a keystore is never changed, but replaced.
fn written(path: &Path) -> Result<Option<Timestamp>, Failure> {
    let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
    let written = metadata.modified().ok();
    let since = written.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    Ok(since.map(|it| Timestamp::new(it.as_secs())))
}

fn unreadable(path: &Path, source: std::io::Error) -> Failure {
    Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    }
}
