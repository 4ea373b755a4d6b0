use nonos_types::{
    Error, Kind, Shards, Timestamp,
    wire::{decode, encode},
};

use super::{Limits, ORDER, Unsound, Window, frame};
use crate::core::Topic;

/// What the one who reconciles asks.
///
/// ```
/// use nonos_mesh::core::reconcile::{Ask, Round, Summary};
/// use nonos_types::{Kind, Timestamp};
///
/// let (_, first) = Round::begin(&Summary::new(10), Kind::Accusation, Timestamp::new(1_800_000_000));
/// assert_eq!(Ask::from_bytes(&first.to_bytes())?, first);
/// # Ok::<_, nonos_mesh::core::reconcile::Unsound>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Messages of which kind.
    pub kind: Kind,
    /// Of which time.
    pub window: Window,
    /// About capsules of which shards; all where a kind is about none.
    pub shards: Shards,
    /// What the asker has of them.
    pub(super) frame: Vec<u8>,
}

/// What the one who was asked says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The kind it was asked about.
    pub kind: Kind,
    /// What it says.
    pub said: Said,
}

/// What there is to say to an ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A frame: where the sets differ, and what is there.
    Frame(Vec<u8>),
    /// Of the window's beginning not all is here. From this time on it is: ask again, from there.
    Floor(Timestamp),
}

mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Ask {
        #[prost(string, tag = "1")]
        pub(super) kind: String,
        #[prost(uint64, tag = "2")]
        pub(super) from: u64,
        #[prost(uint64, tag = "3")]
        pub(super) until: u64,
        #[prost(bytes = "vec", tag = "4")]
        pub(super) frame: Vec<u8>,
        #[prost(uint32, optional, tag = "5")]
        pub(super) shards: Option<u32>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(string, tag = "1")]
        pub(super) kind: String,
        #[prost(oneof = "Said", tags = "2, 3")]
        pub(super) said: Option<Said>,
    }

    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Said {
        #[prost(bytes = "vec", tag = "2")]
        Frame(Vec<u8>),
        #[prost(uint64, tag = "3")]
        Floor(u64),
    }
}

impl Ask {
    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&proto::Ask {
            kind: self.kind.name().to_owned(),
            from: self.window.from.get(),
            until: self.window.until.get(),
            frame: self.frame.clone(),
            shards: self.shards.to_wire(),
        })
    }

    /// Reads what a peer asks.
    ///
    /// # Errors
    /// [`Unsound::Oversize`], [`Unsound::Malformed`], [`Unsound::Truncated`], [`Unsound::WrongKind`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unsound> {
        let message: proto::Ask = decode("ask", Limits::MESSAGE, bytes).map_err(unsound)?;
        let kind = kind(&message.kind)?;
        let shards = Shards::from_wire(message.shards).ok_or(Unsound::Malformed)?;
        if !shards.is_all() && !Topic::is_sharded(kind) {
            return Err(Unsound::Malformed);
        }
        frame::check(&message.frame)?;
        // Who has nothing to ask about does not ask.
        if frame::is_empty(&message.frame) {
            return Err(Unsound::NoProgress);
        }
        Ok(Self {
            kind,
            window: Window {
                from: Timestamp::new(message.from),
                until: Timestamp::new(message.until),
            },
            shards,
            frame: message.frame,
        })
    }
}

impl Answer {
    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let said = match &self.said {
            Said::Frame(frame) => proto::Said::Frame(frame.clone()),
            Said::Floor(floor) => proto::Said::Floor(floor.get()),
        };
        encode(&proto::Answer {
            kind: self.kind.name().to_owned(),
            said: Some(said),
        })
    }

    /// Reads what a peer says.
    ///
    /// # Errors
    /// [`Unsound::Oversize`], [`Unsound::Malformed`], [`Unsound::Truncated`], [`Unsound::WrongKind`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unsound> {
        let message: proto::Answer = decode("answer", Limits::MESSAGE, bytes).map_err(unsound)?;
        let kind = kind(&message.kind)?;
        let said = match message.said.ok_or(Unsound::Malformed)? {
            proto::Said::Frame(bytes) => {
                frame::check(&bytes)?;
                Said::Frame(bytes)
            }
            proto::Said::Floor(floor) => Said::Floor(Timestamp::new(floor)),
        };
        Ok(Self { kind, said })
    }
}

fn kind(name: &str) -> Result<Kind, Unsound> {
    let kind = ORDER.into_iter().find(|kind| kind.name() == name);
    kind.ok_or(Unsound::WrongKind { expected: None })
}

fn unsound(error: Error) -> Unsound {
    match error {
        Error::TooLong { limit, actual, .. } => Unsound::Oversize { limit, actual },
        _ => Unsound::Malformed,
    }
}
