use std::fmt;

use super::keys::Period;

/// What goes over a link: a byte that says the format and the period of the keys, and a Sphinx packet. All are of one
/// length.
///
/// ```
/// use nonos_mesh::core::onion::{BadFrame, Frame};
///
/// assert_eq!(Frame::from_bytes(vec![0; 7]), Err(BadFrame::Length(7)));
/// assert_eq!(Frame::from_bytes(vec![0; Frame::LEN]), Err(BadFrame::Version(0)));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// Bytes of a Sphinx packet.
    pub(super) const PACKET: usize = 4096;
    /// Bytes of a frame.
    pub const LEN: usize = 1 + Self::PACKET;
    const VERSION: u8 = 1;

    /// Reads one.
    ///
    /// # Errors
    /// [`BadFrame`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadFrame> {
        if bytes.len() != Self::LEN {
            return Err(BadFrame::Length(bytes.len()));
        }
        let version = bytes[0] >> 2;
        if version != Self::VERSION {
            return Err(BadFrame::Version(version));
        }
        Ok(Self(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn new(head: Head, packet: &[u8]) -> Self {
        debug_assert_eq!(packet.len(), Self::PACKET);
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.push(Self::VERSION << 2 | head.0);
        bytes.extend_from_slice(packet);
        Self(bytes)
    }

    pub(super) fn head(&self) -> Head {
        Head(self.0[0] & 3)
    }

    pub(super) fn packet(&self) -> &[u8] {
        &self.0[1..]
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frame")
    }
}

/// The period of the keys that a packet is wrapped for, modulo four: enough to tell the last, this and the next one apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head(u8);

impl Head {
    pub(super) fn of(period: Period) -> Self {
        Self(u8::try_from(period.get() % 4).expect("below 4"))
    }
}

/// Bytes that are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Not of the length of a frame.
    #[error("a frame has {most} bytes, not {0}", most = Frame::LEN)]
    Length(usize),
    /// Of a version that this program does not know.
    #[error("a frame of version {0}")]
    Version(u8),
}
