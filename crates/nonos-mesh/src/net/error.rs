use std::io;

use nonos_types::{ByteLen, Fault};

/// Why the mesh does not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address has a name in it that a name server would have to resolve.
    #[error("{address}: names are not resolved; give an IP address (/ip4/… or /ip6/…)")]
    NameInAddress {
        /// The address.
        address: String,
    },
    /// An address of a transport that is not there.
    #[error("{address}: neither /ip…/tcp/… nor /ip…/udp/…/quic-v1")]
    UnsupportedAddress {
        /// The address.
        address: String,
    },
    /// The node cannot listen there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What the machine says.
        source: io::Error,
    },
    /// Cryptography or transports could not be set up.
    #[error("the transport cannot be set up")]
    Transport {
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was not started within a tokio runtime.
    #[error("not within a tokio runtime")]
    NoRuntime,
    /// The name of the peer is not a usable key.
    #[error("the peer's name is not an ed25519 key")]
    BadPeer,
    /// The peer is blocked, or is this node, or there are too many connections.
    #[error("dialling is refused: the peer is blocked, is this node, or there are too many connections")]
    DialRefused,
    /// The message is for another network than this mesh's.
    #[error("the message is for another network")]
    ForeignNetwork,
    /// The message is longer than its kind may be.
    #[error("the message has more than the {limit} of its kind")]
    TooLong {
        /// Most it may have.
        limit: ByteLen,
    },
    /// Every peer has more waiting than it takes.
    #[error("every peer has too much waiting")]
    Congested,
    /// The mesh was shut down.
    #[error("the mesh was shut down")]
    Stopped,
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NameInAddress { .. }
            | Self::UnsupportedAddress { .. }
            | Self::NoRuntime
            | Self::BadPeer
            | Self::DialRefused
            | Self::ForeignNetwork
            | Self::TooLong { .. }
            | Self::Stopped => Fault::Caller,
            Self::Listen { .. } | Self::Transport { .. } | Self::Congested => Fault::Environment,
        }
    }
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There is no connection to this peer.
    #[error("not connected to the peer")]
    NotConnected,
    /// The peer does not have it.
    #[error("the peer does not have it")]
    NotFound,
    /// The peer has too much to do; another time, or another peer.
    #[error("the peer is busy")]
    Busy,
    /// The peer did not answer in time.
    #[error("the peer did not answer in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection broke")]
    Broken {
        /// How.
        source: io::Error,
    },
    /// What the peer answered is not an answer to what it was asked.
    #[error("the peer's answer is not one")]
    BadAnswer,
    /// The mesh was shut down.
    #[error("the mesh was shut down")]
    Stopped,
}

impl FetchError {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotConnected | Self::Stopped => Fault::Caller,
            Self::NotFound | Self::Busy | Self::Timeout | Self::BadAnswer => Fault::Peer,
            Self::Broken { .. } => Fault::Environment,
        }
    }
}
