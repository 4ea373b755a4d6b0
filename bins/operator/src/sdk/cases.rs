//! Files with tests of a capsule: `docs/spec/capsule-test.md`.

use super::SdkError;
use crate::{failure::Failure, files};
use nonos_types::Fuel;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Longest file with tests.
const CASES_BYTES: u64 = 1 << 20;

/// A run, and what must come of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The entry, if it is not the manifest's.
    pub(crate) entry: Option<String>,
    pub(crate) input: Vec<u8>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) inbound: Vec<u8>,
    /// The budget, if it is not the manifest's.
    pub(crate) fuel: Option<Fuel>,
    pub(crate) outcome: String,
    pub(crate) result: Option<Vec<u8>>,
    pub(crate) outbound: Option<Vec<u8>>,
    pub(crate) log: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    entry: Option<String>,
    input: Option<Bytes>,
    sealed: Option<Bytes>,
    inbound: Option<Bytes>,
    fuel: Option<u64>,
    #[serde(default = "returns")]
    outcome: String,
    result: Option<Bytes>,
    outbound: Option<Bytes>,
    log: Option<Bytes>,
}

fn returns() -> String {
    "return".to_owned()
}

/// Bytes of a tape, by one of these.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Bytes {
    /// As they are.
    Text(String),
    /// In hexadecimal.
    Hex(String),
    /// Numbers of eight bytes, little-endian.
    Words(Vec<u64>),
    /// Of a file, relative to the file with the test.
    File(PathBuf),
}

impl Bytes {
    fn read(self, at: &Path) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Hex(text) => hex::decode(text).map_err(|_| {
                SdkError::BadCases {
                    path: at.to_owned(),
                    detail: "a tape's `hex` is not hexadecimal".to_owned(),
                }
                .into()
            }),
            Self::Words(words) => Ok(words.into_iter().flat_map(u64::to_le_bytes).collect()),
            Self::File(path) => files::read(&at.with_file_name("").join(path), files::INPUT_BYTES),
        }
    }
}

/// Reads `DIR/tests/*.toml`, by name.
pub(crate) fn read(dir: &Path) -> Result<Vec<Case>, Failure> {
    let tests = fs::read_dir(dir.join("tests")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = tests
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let bad = |detail: String| SdkError::BadCases {
            path: path.clone(),
            detail,
        };
        let text = files::read_text(&path, CASES_BYTES)?;
        let file: File =
            toml::from_str(&text).map_err(|error| bad(error.to_string().trim_end().to_owned()))?;
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for (number, it) in (1..).zip(file.case) {
            let tape = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.read(&path)).transpose();
            cases.push(Case {
                name: format!("{stem}: {}", it.name.unwrap_or_else(|| number.to_string())),
                entry: it.entry,
                input: tape(it.input)?.unwrap_or_default(),
                sealed: tape(it.sealed)?,
                inbound: tape(it.inbound)?.unwrap_or_default(),
                fuel: it.fuel.map(Fuel::new),
                outcome: it.outcome,
                result: tape(it.result)?,
                outbound: tape(it.outbound)?,
                log: tape(it.log)?,
            });
        }
    }
    if cases.is_empty() {
        return Err(SdkError::NoCases { dir: dir.to_owned() }.into());
    }
    Ok(cases)
}
