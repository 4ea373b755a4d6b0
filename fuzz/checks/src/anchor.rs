//! The reader of anchor files, which others carry over: what it gives is of the file's own chain, and an unfinished end is within it.

use nonos_depin::anchor::Export;
use std::fs;

/// Checks one input.
///
/// # Panics
/// If the file system fails, or the reader is wrong.
pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("anchor");
    fs::write(&path, bytes).expect("written");
    let Ok(export) = Export::read(&path) else {
        return;
    };
    assert_eq!(export.commitments.len(), export.signed.len());
    for (commitment, _) in &export.commitments {
        assert_eq!(commitment.network, export.chain.network);
        assert_eq!(commitment.submitter, export.chain.submitter);
    }
    if let Some(torn) = export.torn {
        assert_eq!((torn.at + torn.len, torn.kept), (bytes.len() as u64, None));
    }
    assert_eq!(fs::read(&path).expect("it is there"), bytes, "it is only read");
}
