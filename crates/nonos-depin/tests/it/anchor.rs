//! What anchors promise: the file, the witnesses, and that the suite finds anchors that promise less.

mod broken;
mod file;
mod witness;

use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use nonos_depin::anchor::{
    Anchor as _, BatchId, Commitment, FileAnchor, Quorum, StateRoot, countersign, testing,
};
use nonos_types::*;

use crate::support::{NETWORK, NOW, id, key};

pub(crate) const NODE: u8 = 1;
pub(crate) const WITNESSES: [u8; 3] = [21, 22, 23];

pub(crate) fn two_of_three() -> Quorum {
    Quorum::new(WITNESSES.map(|seed| id(&key(seed))), 2).expect("two are fewer than three")
}

/// The `number`th batch of the node.
pub(crate) fn commitment(number: u8) -> Commitment {
    Commitment {
        network: NETWORK,
        submitter: id(&key(NODE)),
        batch: BatchId::from_bytes([number; 32]),
        prev: BatchId::from_bytes([number - 1; 32]),
        root: StateRoot::from_bytes([number | 0x80; 32]),
        entries: u64::from(number) * 1000,
    }
}

/// A place for a file.
pub(crate) struct Carried {
    directory: tempfile::TempDir,
    made: bool,
}

impl Carried {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            made: false,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("batches.anchor")
    }
}

impl testing::Site for Carried {
    type Anchor = FileAnchor;

    fn open(&mut self) -> FileAnchor {
        let open: fn(&std::path::Path, NetworkId, &SigningKey, Quorum) -> Result<_, _> = if self.made {
            FileAnchor::open
        } else {
            FileAnchor::create
        };
        self.made = true;
        open(&self.path(), NETWORK, &key(NODE), two_of_three()).expect("the file opens")
    }

    fn take_up(&mut self, _: &mut FileAnchor) {}

    fn conclude(&mut self, anchor: &mut FileAnchor) {
        for anchored in anchor.history(usize::MAX).expect("a history") {
            for witness in &WITNESSES[..2] {
                let answer = countersign(&anchored.commitment, NOW, &key(*witness));
                anchor.acknowledge(&answer).expect("a witness of the quorum");
            }
        }
    }
}
