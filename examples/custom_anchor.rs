//! A place of one's own to anchor batches in: a notice board that somebody else keeps, and stamps. Judged by the suite every
//! anchor has to pass.
//!
//! `cargo run -p nonos-examples --example custom_anchor`
//!
//! The board here is a file that its keeper could have anywhere. What makes a batch *final* is the keeper's stamp, which
//! the node cannot make: whatever an anchor is, that is the point of it.

use std::error::Error;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use nonos_depin::anchor::{
    Anchor, Anchored, BatchId, Chain, Commitment, Error as AnchorError, Evidence, State, StateRoot,
    Submission,
};
use nonos_types::{NetworkId, NodeId, Payload as _, Timestamp};
use serde::{Deserialize, Serialize};

/// A notice on the board.
#[derive(Serialize, Deserialize)]
struct Notice {
    /// A commitment, in hexadecimal.
    commitment: String,
    /// When the keeper stamped it, in seconds since 1970, and the stamp, in hexadecimal.
    stamp: Option<(u64, String)>,
}

/// The board, as a node sees it.
struct Board {
    path: PathBuf,
    chain: Chain,
    /// Whose stamps count.
    keeper: VerifyingKey,
}

fn failed(action: &'static str, path: &Path, source: impl Into<std::io::Error>) -> AnchorError {
    AnchorError::Io {
        action,
        path: path.to_owned(),
        source: source.into(),
    }
}

fn read(path: &Path) -> Result<Vec<Notice>, AnchorError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed("read", path, error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn write(path: &Path, notices: &[Notice]) -> Result<(), AnchorError> {
    let bytes = serde_json::to_vec(notices).expect("plain data");
    std::fs::write(path, bytes).map_err(|error| failed("write", path, error))
}

/// What the keeper signs.
fn stamped(commitment: &Commitment, at: u64) -> Vec<u8> {
    [&commitment.to_bytes()[..], &at.to_be_bytes()].concat()
}

impl Board {
    /// What is on the board of this chain, oldest first. A stamp that is not the keeper's is no stamp.
    fn rows(&self) -> Result<Vec<Anchored>, AnchorError> {
        let notices = read(&self.path)?;
        let rows = notices.iter().filter_map(|notice| {
            let bytes = hex::decode(&notice.commitment).ok()?;
            let commitment = Commitment::from_bytes(&bytes).ok()?;
            self.chain.check(&commitment).ok()?;
            let state = self.evidence(&commitment, notice).map_or_else(
                || State::Submitted {
                    reference: format!("notice {}", commitment.digest()),
                },
                State::Final,
            );
            Some(Anchored { commitment, state })
        });
        Ok(rows.collect())
    }

    fn evidence(&self, commitment: &Commitment, notice: &Notice) -> Option<Evidence> {
        let (at, stamp) = notice.stamp.as_ref()?;
        let stamp = Signature::from_slice(&hex::decode(stamp).ok()?).ok()?;
        self.keeper
            .verify_strict(&stamped(commitment, *at), &stamp)
            .ok()?;
        Some(Evidence {
            source: "the keeper of the board".to_owned(),
            reference: stamp.to_string(),
            at: Timestamp::new(*at),
        })
    }
}

impl Anchor for Board {
    fn chain(&self) -> Chain {
        self.chain
    }

    fn submit(&mut self, commitment: &Commitment, _: Timestamp) -> Result<Submission, AnchorError> {
        self.chain.check(commitment)?;
        let rows = self.rows()?;
        let batch = commitment.batch;
        if let Some(known) = rows.iter().find(|it| it.commitment.batch == batch) {
            return match known.commitment.difference(commitment) {
                Some(field) => Err(AnchorError::Differs { batch, field }),
                None => Ok(Submission {
                    batch,
                    state: known.state.clone(),
                }),
            };
        }
        let head = rows.last().map_or(BatchId::ZERO, |it| it.commitment.batch);
        if commitment.prev != head {
            return Err(AnchorError::StalePrev {
                head,
                prev: commitment.prev,
            });
        }
        let mut notices = read(&self.path)?;
        notices.push(Notice {
            commitment: hex::encode(commitment.to_bytes()),
            stamp: None,
        });
        write(&self.path, &notices)?;
        let state = self.poll(&batch, Timestamp::ZERO)?;
        Ok(Submission { batch, state })
    }

    fn poll(&mut self, batch: &BatchId, _: Timestamp) -> Result<State, AnchorError> {
        let rows = self.rows()?;
        let found = rows.into_iter().find(|it| it.commitment.batch == *batch);
        Ok(found.map_or(State::Pending, |it| it.state))
    }

    fn head(&mut self) -> Result<Option<BatchId>, AnchorError> {
        Ok(self.rows()?.last().map(|it| it.commitment.batch))
    }

    fn history(&mut self, newest: usize) -> Result<Vec<Anchored>, AnchorError> {
        let mut rows = self.rows()?;
        let from = rows.len().saturating_sub(newest);
        Ok(rows.split_off(from))
    }

    fn verify(&mut self, commitment: &Commitment) -> Result<State, AnchorError> {
        self.chain.check(commitment)?;
        let rows = self.rows()?;
        let Commitment { batch, prev, .. } = *commitment;
        if let Some(known) = rows.iter().find(|it| it.commitment.batch == batch) {
            return match known.commitment.difference(commitment) {
                Some(field) => Err(AnchorError::Differs { batch, field }),
                None => Ok(known.state.clone()),
            };
        }
        Err(match rows.iter().find(|it| it.commitment.prev == prev) {
            Some(rival) => AnchorError::OtherBatch {
                prev,
                anchored: rival.commitment.batch,
            },
            None => AnchorError::NotAnchored { batch },
        })
    }
}

/// What the keeper does, who has a key of their own: stamps what is there and has no stamp.
fn stamp_all(path: &Path, keeper: &SigningKey, at: u64) -> Result<(), Box<dyn Error>> {
    let mut notices = read(path)?;
    for notice in notices.iter_mut().filter(|it| it.stamp.is_none()) {
        let commitment = Commitment::from_bytes(&hex::decode(&notice.commitment)?)?;
        let stamp = keeper.sign(&stamped(&commitment, at));
        notice.stamp = Some((at, hex::encode(stamp.to_bytes())));
    }
    write(path, &notices)?;
    Ok(())
}

fn board(path: &Path, keeper: &SigningKey) -> Board {
    let node = SigningKey::from_bytes(&[1; 32]);
    Board {
        path: path.to_owned(),
        chain: Chain {
            network: NetworkId::named("example"),
            submitter: NodeId::from_bytes(node.verifying_key().to_bytes()),
        },
        keeper: keeper.verifying_key(),
    }
}

#[expect(clippy::print_stdout, reason = "an example speaks")]
fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (path, keeper) = (
        directory.path().join("board.json"),
        SigningKey::from_bytes(&[2; 32]),
    );
    let mut board = board(&path, &keeper);
    let first = Commitment {
        network: board.chain.network,
        submitter: board.chain.submitter,
        batch: BatchId::from_bytes([3; 32]),
        prev: BatchId::ZERO,
        root: StateRoot::from_bytes([4; 32]),
        entries: 12,
    };
    let now = Timestamp::new(1_800_000_000);
    println!("handed in: {:?}", board.submit(&first, now)?.state);
    stamp_all(&path, &keeper, now.get())?;
    println!("stamped: {:?}", board.verify(&first)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nonos_depin::anchor::testing::{Site, check_anchor};

    const KEEPER: [u8; 32] = [2; 32];

    struct Kept(tempfile::TempDir);

    impl Kept {
        fn path(&self) -> PathBuf {
            self.0.path().join("board.json")
        }
    }

    impl Site for Kept {
        type Anchor = Board;

        fn open(&mut self) -> Board {
            board(&self.path(), &SigningKey::from_bytes(&KEEPER))
        }

        fn take_up(&mut self, _: &mut Board) {} // what is handed in is on the board

        fn conclude(&mut self, _: &mut Board) {
            stamp_all(&self.path(), &SigningKey::from_bytes(&KEEPER), 7).expect("stamped");
        }
    }

    #[test]
    fn is_an_anchor() {
        check_anchor(|| Kept(tempfile::tempdir().expect("a directory")));
    }

    #[test]
    fn a_stamp_of_somebody_else_makes_nothing_final() {
        let mut kept = Kept(tempfile::tempdir().expect("a directory"));
        let mut board = kept.open();
        let first = Commitment {
            network: board.chain.network,
            submitter: board.chain.submitter,
            batch: BatchId::from_bytes([3; 32]),
            prev: BatchId::ZERO,
            root: StateRoot::from_bytes([4; 32]),
            entries: 12,
        };
        board.submit(&first, Timestamp::ZERO).expect("taken");
        // The node's own key, say.
        stamp_all(&kept.path(), &SigningKey::from_bytes(&[1; 32]), 7).expect("stamped");
        let state = board.verify(&first).expect("it is there");
        assert!(matches!(state, State::Submitted { .. }), "{state:?}");
    }
}
