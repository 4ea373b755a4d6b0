//! What was sent and is not final, in a file, so that after a stop the same transactions are sent again and no
//! others. If it is lost, the chain tells what is needed.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, Bytes, keccak256};
use nonos_depin::anchor::{BatchId, Commitment};
use nonos_types::{Payload as _, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Address, Config, Error, fees::Offer};
use nonos_depin::anchor::Chain;

/// So many batches may be under way or in blocks that are not final.
pub(crate) const MOST: usize = 64;
/// So many offers may be made for one of them; a limit on fees is reached long before.
pub(crate) const MOST_ATTEMPTS: usize = 128;
const MAX_FILE: u64 = 16 << 20;

/// A commitment under way.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    pub(crate) commitment: Commitment,
    /// The account's count of transactions before this one: whatever is sent for it has the same.
    pub(crate) nonce: u64,
    pub(crate) gas: u64,
    /// Oldest first; any of them may be the one in a block.
    pub(crate) attempts: Vec<Attempt>,
    /// When the newest one was made.
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) hash: B256,
    pub(crate) offer: Offer,
    /// As signed; empty if it was found at the chain's node, whence it came after a loss.
    pub(crate) raw: Bytes,
}

impl Flight {
    pub(crate) fn newest(&self) -> &Attempt {
        self.attempts.last().expect("a flight begins with an attempt")
    }
}

/// The file, and what it says.
pub(crate) struct Flights {
    path: PathBuf,
    owner: Owner,
    flights: Vec<Flight>,
    /// Held as long as this lives.
    _lock: File,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    chain_id: u64,
    contract: alloy_primitives::Address,
    account: alloy_primitives::Address,
    network: B256,
    node: B256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    owner: Owner,
    flights: Vec<StoredFlight>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFlight {
    commitment: Bytes,
    nonce: u64,
    gas: u64,
    at: u64,
    attempts: Vec<StoredAttempt>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAttempt {
    hash: B256,
    most: u128,
    tip: u128,
    raw: Bytes,
}

impl Flights {
    /// Reads the file; if there is none, nothing is known to be under way.
    pub(crate) fn open(path: &Path, config: &Config, account: Address, chain: &Chain) -> Result<Self, Error> {
        let owner = Owner {
            chain_id: config.chain_id,
            contract: config.contract.0,
            account: account.0,
            network: B256::new(*chain.network.as_bytes()),
            node: B256::new(*chain.submitter.as_bytes()),
        };
        let lock = lock(path)?;
        let flights = match read(path)? {
            Some(bytes) => decode(path, &bytes, &owner)?,
            None => Vec::new(),
        };
        Ok(Self {
            path: path.to_owned(),
            owner,
            flights,
            _lock: lock,
        })
    }

    pub(crate) fn all(&self) -> &[Flight] {
        &self.flights
    }

    pub(crate) fn position(&self, batch: &BatchId) -> Option<usize> {
        self.flights
            .iter()
            .position(|flight| flight.commitment.batch == *batch)
    }

    /// Puts a flight in, or in the place of the one for the same batch. It is on the disk when this returns.
    pub(crate) fn put(&mut self, flight: Flight) -> Result<(), Error> {
        let mut flights = self.flights.clone();
        match self.position(&flight.commitment.batch) {
            Some(at) => flights[at] = flight,
            None => flights.push(flight),
        }
        self.replace(flights)
    }

    pub(crate) fn remove(&mut self, batch: &BatchId) -> Result<(), Error> {
        let mut flights = self.flights.clone();
        flights.retain(|flight| flight.commitment.batch != *batch);
        self.replace(flights)
    }

    fn replace(&mut self, flights: Vec<Flight>) -> Result<(), Error> {
        let bytes = encode(&self.owner, &flights);
        write(&self.path, &bytes).map_err(failure("write", &self.path))?;
        self.flights = flights;
        Ok(())
    }
}

fn encode(owner: &Owner, flights: &[Flight]) -> Vec<u8> {
    let stored = Stored {
        version: 1,
        owner: owner.clone(),
        flights: flights
            .iter()
            .map(|flight| StoredFlight {
                commitment: flight.commitment.to_bytes().into(),
                nonce: flight.nonce,
                gas: flight.gas,
                at: flight.at.get(),
                attempts: flight
                    .attempts
                    .iter()
                    .map(|attempt| StoredAttempt {
                        hash: attempt.hash,
                        most: attempt.offer.most,
                        tip: attempt.offer.tip,
                        raw: attempt.raw.clone(),
                    })
                    .collect(),
            })
            .collect(),
    };
    serde_json::to_vec_pretty(&stored).expect("these have no maps")
}

fn decode(path: &Path, bytes: &[u8], owner: &Owner) -> Result<Vec<Flight>, Error> {
    let bad = |reason: &str| Error::BadFlights {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let stored: Stored = serde_json::from_slice(bytes).map_err(|error| bad(&error.to_string()))?;
    if stored.version != 1 {
        return Err(bad("its version is not known"));
    }
    if stored.owner != *owner {
        return Err(Error::OtherFlights {
            path: path.to_owned(),
        });
    }
    let mut flights = Vec::new();
    for flight in stored.flights {
        let whole = flight
            .attempts
            .iter()
            .all(|attempt| attempt.raw.is_empty() || keccak256(&attempt.raw) == attempt.hash);
        if flight.attempts.is_empty() || !whole {
            return Err(bad("a transaction is not the one it is named after"));
        }
        flights.push(Flight {
            commitment: Commitment::from_bytes(&flight.commitment)
                .map_err(|error| bad(&error.to_string()))?,
            nonce: flight.nonce,
            gas: flight.gas,
            at: Timestamp::new(flight.at),
            attempts: flight
                .attempts
                .into_iter()
                .map(|attempt| Attempt {
                    hash: attempt.hash,
                    offer: Offer {
                        most: attempt.most,
                        tip: attempt.tip,
                    },
                    raw: attempt.raw,
                })
                .collect(),
        });
    }
    Ok(flights)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failure("read", path)(source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failure("read", path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::BadFlights {
            path: path.to_owned(),
            reason: "it is too long".to_owned(),
        });
    }
    Ok(Some(bytes))
}

/// The whole new content, or the whole old one, whenever the machine stops.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

/// Of a file of its own: the other one is replaced at each write.
fn lock(path: &Path) -> Result<File, Error> {
    let path = &beside(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(failure("create", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(failure("lock", path)(source)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn failure(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path: path.clone(),
        source,
    }
}
