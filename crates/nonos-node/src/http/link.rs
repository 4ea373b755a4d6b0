//! The link to a node's page, made by whoever can read its data directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use nonos_types::{Fault, Timestamp};
use zeroize::Zeroizing;

use super::session;

/// The secret of a node that runs.
pub(super) fn token(data_dir: &Path) -> PathBuf {
    data_dir.join("run/http-token")
}

/// Where its page is.
pub(super) fn address(data_dir: &Path) -> PathBuf {
    data_dir.join("run/http-address")
}

/// A link that opens a node's page, once, within ten minutes.
///
/// What it opens it by is after the `#`: browsers send that to nobody, and the page takes it out of the address at once.
#[derive(Debug)]
pub struct Link {
    url: Zeroizing<String>,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// No node runs there, or it has no page.
    #[error(
        "no page is served from {}: start the node with `operator run`, or see [http] in its config.toml",
        data_dir.display()
    )]
    NoPage {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The token or the address cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl LinkError {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoPage { .. } => Fault::Caller,
            Self::Io { .. } => Fault::Environment,
        }
    }
}

impl Link {
    /// A link to the page of the node that runs on this directory.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn new(data_dir: &Path, nonce: [u8; 16], now: Timestamp) -> Result<Self, LinkError> {
        let read = |path: PathBuf| match fs::read_to_string(&path) {
            Ok(text) => Ok(Zeroizing::new(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LinkError::NoPage {
                data_dir: data_dir.to_owned(),
            }),
            Err(source) => Err(LinkError::Io { path, source }),
        };
        let (token, address) = (read(token(data_dir))?, read(address(data_dir))?);
        let expires = Timestamp::new(now.get() + session::LINK_S);
        let code = Zeroizing::new(session::code(&token, nonce, expires));
        Ok(Self {
            url: Zeroizing::new(format!("http://{}/#{}", *address, *code)),
        })
    }

    /// What a browser is given.
    pub fn url(&self) -> &str {
        &self.url
    }
}
