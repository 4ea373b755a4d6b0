//! Asks a node that runs on a data directory, over its socket. Blocking.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use nonos_types::Fault;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    DataDir,
    api::{Request, RequestError},
};

/// Longest line on the socket: a capsule in hexadecimal, and some.
pub(crate) const MAX_LINE: u64 = 40 << 20;

/// How long a node may take to answer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An answer on the socket, one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Reply(serde_json::Value),
    Error(RequestError),
}

/// A connection to a running node.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No node runs there.
    #[error("no node runs on {}: start it with `operator run`", data_dir.display())]
    NotRunning {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The node refuses the request.
    #[error(transparent)]
    Refused(RequestError),
    /// The node went away.
    #[error("the node closed the connection")]
    Closed,
    /// The node answers what this program does not understand.
    #[error("the node's answer cannot be read: it may be another version")]
    BadAnswer(#[source] serde_json::Error),
    /// The socket fails.
    #[error("the node's socket fails")]
    Io(#[from] io::Error),
}

impl ClientError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotRunning { .. } => Fault::Caller,
            Self::Refused(error) => error.fault(),
            Self::Closed | Self::BadAnswer(_) | Self::Io(_) => Fault::Environment,
        }
    }
}

impl Client {
    /// Connects to the node that runs on this data directory.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`].
    pub fn connect(data_dir: &Path) -> Result<Self, ClientError> {
        match UnixStream::connect(DataDir::socket(data_dir)) {
            Ok(stream) => {
                // A node that is well answers at once, but for fetching a capsule.
                stream.set_read_timeout(Some(TIMEOUT))?;
                Ok(Self {
                    stream: BufReader::new(stream),
                })
            }
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Err(ClientError::NotRunning {
                    data_dir: data_dir.to_owned(),
                }),
                _ => Err(error.into()),
            },
        }
    }

    /// Asks, and waits for the answer. `T` is the type that the request names.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with the node's own words.
    pub fn call<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ClientError> {
        let mut line = serde_json::to_vec(request).expect("plain data");
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        let mut answer = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut answer)?;
        if answer.last() != Some(&b'\n') {
            return Err(ClientError::Closed);
        }
        match serde_json::from_slice(&answer).map_err(ClientError::BadAnswer)? {
            Answer::Reply(value) => serde_json::from_value(value).map_err(ClientError::BadAnswer),
            Answer::Error(error) => Err(ClientError::Refused(error)),
        }
    }
}
