//! Commitments in a file, for nodes that no network joins: one writes it, a person carries it, others sign what
//! they have seen. The bytes are those of `docs/spec/anchor.md`.

mod format;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::SigningKey;
use nonos_types::{Envelope, NetworkId, NodeId, Timestamp};

use self::format::{Header, Link, Record};
use super::{
    Anchor, Anchored, BatchId, Chain, Commitment, CommitmentDigest, Countersignature, Error, FileDamage,
    Quorum, State, Submission,
};

/// An anchor that is a file. Each commitment in it is signed by its node, and becomes final when enough witnesses
/// have signed it too: a file on one's own disk shows nobody anything.
///
/// Records are appended, and on the disk when a call returns. It holds all of them in memory, some 200 bytes each.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_depin::anchor::{Anchor as _, BatchId, Commitment, FileAnchor, Quorum, State, StateRoot, countersign};
/// use nonos_types::{NetworkId, NodeId, Timestamp};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("anchor");
/// let [node, witness] = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
/// let id = |key: &SigningKey| NodeId::from_bytes(key.verifying_key().to_bytes());
/// let network = NetworkId::named("example");
/// let mut anchor = FileAnchor::create(&path, network, &node, Quorum::new([id(&witness)], 1)?)?;
///
/// let commitment = Commitment {
///     network,
///     submitter: id(&node),
///     batch: BatchId::from_bytes([1; 32]),
///     prev: BatchId::from_bytes([0; 32]),
///     root: StateRoot::from_bytes([9; 32]),
///     entries: 10,
/// };
/// let now = Timestamp::new(1_800_000_000);
/// let submission = anchor.submit(&commitment, now)?;
/// assert!(matches!(submission.state, State::Submitted { .. }));
///
/// // Final once the witness has signed it, too.
/// let state = anchor.acknowledge(&countersign(&commitment, now, &witness))?;
/// assert!(matches!(state, State::Final(_)), "{state:?}");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct FileAnchor {
    path: PathBuf,
    file: File,
    key: SigningKey,
    quorum: Quorum,
    book: Book,
    torn: Option<Torn>,
}

/// The end of a file that a stop of the machine or the process left unfinished. Nobody was told of that record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where it begins, in bytes.
    pub at: u64,
    /// How many bytes of it there are.
    pub len: u64,
    /// Where they were put when the file was cut; `None` if it was only read.
    pub kept: Option<PathBuf>,
}

/// A file of commitments as somebody else reads it: every signature in it is verified.
#[derive(Debug)]
pub struct Export {
    /// Whose chain it is.
    pub chain: Chain,
    /// What is in it, oldest first, with who signed it and when.
    pub commitments: Vec<(Commitment, BTreeMap<NodeId, Timestamp>)>,
    /// The signed commitments, in the same order: what a witness is asked to countersign.
    pub signed: Vec<Envelope>,
    /// What is unfinished at its end.
    pub torn: Option<Torn>,
}

impl Export {
    /// Reads a file that somebody else may have written; it is not changed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(failure("read", path))?;
        let (book, rest) = Book::read(&mut file, path)?;
        Ok(Self {
            chain: book.chain,
            torn: rest.map(|(at, len)| Torn { at, len, kept: None }),
            signed: book.rows.iter().map(|row| row.envelope.clone()).collect(),
            commitments: book
                .rows
                .into_iter()
                .map(|row| (row.commitment, row.signed))
                .collect(),
        })
    }
}

impl FileAnchor {
    /// Begins a file; one that is there stays as it is.
    ///
    /// # Errors
    /// [`Error::Oneself`], [`Error::Io`].
    pub fn create(path: &Path, network: NetworkId, key: &SigningKey, quorum: Quorum) -> Result<Self, Error> {
        let chain = Chain {
            network,
            submitter: NodeId::from_bytes(key.verifying_key().to_bytes()),
        };
        quorum.check(&chain.submitter)?;
        let file = create_whole(path, &Header(chain).to_bytes()).map_err(failure("create", path))?;
        lock(&file, path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            key: key.clone(),
            quorum,
            book: Book::new(chain),
            torn: None,
        })
    }

    /// Opens the file of the key's node. An unfinished record at its end is put into a file beside it, and
    /// [named](Self::torn).
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Damaged`], [`Error::ForeignNetwork`], [`Error::ForeignSubmitter`],
    /// [`Error::Oneself`], [`Error::Io`].
    pub fn open(path: &Path, network: NetworkId, key: &SigningKey, quorum: Quorum) -> Result<Self, Error> {
        let failed = failure("open", path);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(&failed)?;
        lock(&file, path)?;
        let (book, rest) = Book::read(&mut file, path)?;
        let submitter = NodeId::from_bytes(key.verifying_key().to_bytes());
        if book.chain.network != network {
            return Err(Error::ForeignNetwork {
                expected: network,
                actual: book.chain.network,
            });
        }
        if book.chain.submitter != submitter {
            return Err(Error::ForeignSubmitter {
                expected: submitter,
                actual: book.chain.submitter,
            });
        }
        quorum.check(&submitter)?;
        let mut anchor = Self {
            path: path.to_owned(),
            file,
            key: key.clone(),
            quorum,
            book,
            torn: None,
        };
        if let Some((at, len)) = rest {
            anchor.torn = Some(anchor.cut(at, len).map_err(failed)?);
        }
        Ok(anchor)
    }

    /// What was unfinished at the end of the file when it was opened.
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// A commitment as it was signed, to be shown to witnesses.
    pub fn signed(&self, batch: &BatchId) -> Option<&Envelope> {
        self.book.find(batch).map(|row| &row.envelope)
    }

    /// The first commitment that a witness should sign next: the one after the newest that it has signed here, final or not, so
    /// that it can follow; for one that has signed none, the first that is not final.
    pub fn unsigned_by(&self, witness: &NodeId) -> Option<Envelope> {
        let rows = &self.book.rows;
        let after = rows.iter().rposition(|row| row.signed.contains_key(witness));
        let next = match after {
            Some(newest) => rows.get(newest + 1),
            None => rows
                .iter()
                .find(|row| !matches!(self.state_of(row), State::Final(_))),
        };
        next.map(|row| row.envelope.clone())
    }

    /// Takes what a witness has signed. The same again changes nothing.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::NotWitness`], [`Error::UnknownCommitment`], [`Error::Io`].
    pub fn acknowledge(&mut self, envelope: &Envelope) -> Result<State, Error> {
        let (signer, countersignature) = self.quorum.open(envelope)?;
        let row = self.book.row_of(&countersignature.commitment)?;
        if !self.book.rows[row].signed.contains_key(&signer) {
            self.append(&Record::Countersigned(envelope.clone()))?;
            self.book.rows[row].signed.insert(signer, countersignature.at);
        }
        Ok(self.state_of(&self.book.rows[row]))
    }

    fn state_of(&self, row: &Row) -> State {
        let reference = format!("record {} of {}", row.record, self.path.display());
        self.quorum.state(reference, &row.signed)
    }

    /// Puts a record on the disk, whole or not at all.
    fn append(&mut self, record: &Record) -> Result<(), Error> {
        let (bytes, link) = record.to_bytes(&self.book.link);
        let failed = failure("write", &self.path);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_all());
        if let Err(source) = written {
            // Else the next record would follow half of this one. If this fails too, the next open cuts it off.
            let _ = self.file.set_len(self.book.len);
            return Err(failed(source));
        }
        self.book.len += bytes.len() as u64;
        self.book.records += 1;
        self.book.link = link;
        Ok(())
    }

    fn cut(&mut self, at: u64, len: u64) -> io::Result<Torn> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(at))?;
        (&self.file).take(len).read_to_end(&mut bytes)?;
        let mut kept = self.path.clone().into_os_string();
        kept.push(format!(".torn-{at}"));
        let kept = PathBuf::from(kept);
        let mut copy = File::create(&kept)?;
        copy.write_all(&bytes)?;
        copy.sync_all()?;
        self.file.set_len(at)?;
        self.file.sync_all()?;
        Ok(Torn {
            at,
            len,
            kept: Some(kept),
        })
    }
}

impl Anchor for FileAnchor {
    fn chain(&self) -> Chain {
        self.book.chain
    }

    fn submit(&mut self, commitment: &Commitment, _now: Timestamp) -> Result<Submission, Error> {
        if self.book.check(commitment)?.is_none() {
            let envelope = Envelope::sign(commitment, &self.key);
            self.append(&Record::Committed(envelope.clone()))?;
            self.book.push(*commitment, envelope);
        }
        let row = self
            .book
            .find(&commitment.batch)
            .expect("it is in the book by now");
        Ok(Submission {
            batch: commitment.batch,
            state: self.state_of(row),
        })
    }

    fn poll(&mut self, batch: &BatchId, _now: Timestamp) -> Result<State, Error> {
        Ok(self
            .book
            .find(batch)
            .map_or(State::Pending, |row| self.state_of(row)))
    }

    fn head(&mut self) -> Result<Option<BatchId>, Error> {
        Ok(self.book.rows.last().map(|row| row.commitment.batch))
    }

    fn history(&mut self, newest: usize) -> Result<Vec<Anchored>, Error> {
        let from = self.book.rows.len().saturating_sub(newest);
        let row = |row: &Row| Anchored {
            commitment: row.commitment,
            state: self.state_of(row),
        };
        Ok(self.book.rows[from..].iter().map(row).collect())
    }

    fn verify(&mut self, commitment: &Commitment) -> Result<State, Error> {
        self.book.chain.check(commitment)?;
        if let Some(row) = self.book.find(&commitment.batch) {
            return match row.commitment.difference(commitment) {
                Some(field) => Err(Error::Differs {
                    batch: commitment.batch,
                    field,
                }),
                None => Ok(self.state_of(row)),
            };
        }
        let rival = self
            .book
            .rows
            .iter()
            .find(|row| row.commitment.prev == commitment.prev);
        Err(match rival {
            Some(row) => Error::OtherBatch {
                prev: commitment.prev,
                anchored: row.commitment.batch,
            },
            None => Error::NotAnchored {
                batch: commitment.batch,
            },
        })
    }
}

/// What the records of a file come to.
struct Book {
    chain: Chain,
    rows: Vec<Row>,
    by_batch: BTreeMap<BatchId, usize>,
    by_digest: BTreeMap<CommitmentDigest, usize>,
    records: u64,
    link: Link,
    /// Bytes of header and whole records.
    len: u64,
}

struct Row {
    commitment: Commitment,
    envelope: Envelope,
    record: u64,
    signed: BTreeMap<NodeId, Timestamp>,
}

impl Book {
    fn new(chain: Chain) -> Self {
        Self {
            chain,
            rows: Vec::new(),
            by_batch: BTreeMap::new(),
            by_digest: BTreeMap::new(),
            records: 0,
            link: Header(chain).link(),
            len: format::HEADER_LEN as u64,
        }
    }

    /// Reads a file, and says where an unfinished record begins and how long it is.
    fn read(file: &mut File, path: &Path) -> Result<(Self, Option<(u64, u64)>), Error> {
        let failed = failure("read", path);
        let total = file.metadata().map_err(&failed)?.len();
        file.seek(SeekFrom::Start(0)).map_err(&failed)?;
        let mut input = io::BufReader::new(file);
        let damaged = |record, at, source| Error::Damaged {
            path: path.to_owned(),
            record,
            at,
            source,
        };
        let header = format::read_some(&mut input, format::HEADER_LEN).map_err(&failed)?;
        let header = Header::from_bytes(&header).map_err(|damage| damaged(0, 0, damage))?;
        let mut book = Self::new(header.0);
        loop {
            let at = book.len;
            match format::read(&mut input, &book.link).map_err(&failed)? {
                format::Next::End => return Ok((book, None)),
                format::Next::Unfinished => return Ok((book, Some((at, total.saturating_sub(at))))),
                format::Next::Damaged(damage) => return Err(damaged(book.records + 1, at, damage)),
                format::Next::Whole { record, link, len } => {
                    book.records += 1;
                    book.link = link;
                    book.len += len;
                    let number = book.records;
                    book.take(&record).map_err(|damage| damaged(number, at, damage))?;
                }
            }
        }
    }

    /// Believes nothing of a record but that it was written like this.
    fn take(&mut self, record: &Record) -> Result<(), FileDamage> {
        let rule = |error| FileDamage::Rule(Box::new(error));
        match record {
            Record::Committed(envelope) => {
                let (commitment, _) = envelope.open::<Commitment>().map_err(FileDamage::Unreadable)?;
                if self.check(&commitment).map_err(rule)?.is_some() {
                    return Err(rule(Error::BadBatch));
                }
                self.push(commitment, envelope.clone());
            }
            Record::Countersigned(envelope) => {
                let (countersignature, signer) = envelope
                    .open::<Countersignature>()
                    .map_err(FileDamage::Unreadable)?;
                let row = self.row_of(&countersignature.commitment).map_err(rule)?;
                if signer == self.chain.submitter {
                    return Err(rule(Error::Oneself));
                }
                self.rows[row].signed.entry(signer).or_insert(countersignature.at);
            }
        }
        Ok(())
    }

    /// The row of the same commitment, `None` if it is the next.
    fn check(&self, commitment: &Commitment) -> Result<Option<&Row>, Error> {
        self.chain.check(commitment)?;
        if let Some(row) = self.find(&commitment.batch) {
            return match row.commitment.difference(commitment) {
                Some(field) => Err(Error::Differs {
                    batch: commitment.batch,
                    field,
                }),
                None => Ok(Some(row)),
            };
        }
        let head = self.rows.last().map_or(BatchId::ZERO, |row| row.commitment.batch);
        if commitment.prev != head {
            return Err(Error::StalePrev {
                head,
                prev: commitment.prev,
            });
        }
        Ok(None)
    }

    fn find(&self, batch: &BatchId) -> Option<&Row> {
        self.by_batch.get(batch).map(|row| &self.rows[*row])
    }

    fn row_of(&self, commitment: &CommitmentDigest) -> Result<usize, Error> {
        let row = self.by_digest.get(commitment).copied();
        row.ok_or(Error::UnknownCommitment {
            commitment: *commitment,
        })
    }

    fn push(&mut self, commitment: Commitment, envelope: Envelope) {
        let row = self.rows.len();
        self.by_batch.insert(commitment.batch, row);
        self.by_digest.insert(commitment.digest(), row);
        self.rows.push(Row {
            commitment,
            envelope,
            record: self.records,
            signed: BTreeMap::new(),
        });
    }
}

/// A file that has these bytes, or is not there, whenever the machine stops; one that is there stays.
fn create_whole(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut new = path.to_owned().into_os_string();
    new.push(".new");
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(&new)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A link, unlike a rename, is never made over a file that is there.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    linked?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()?;
    Ok(file)
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::InUse {
            path: path.to_owned(),
        },
        TryLockError::Error(source) => failure("lock", path)(source),
    })
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path: path.clone(),
        source,
    }
}
