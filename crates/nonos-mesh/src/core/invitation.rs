use std::{fmt, str::FromStr};

use nonos_types::Fault;

/// How to find a mesh: the network's name, and addresses of a node in it. A line of text, for people to pass on; there is no
/// other way in, since there is no list of nodes, no server and no name service.
///
/// It is not signed: the addresses name the node's key, which it has to prove when it is dialled.
///
/// ```
/// use nonos_mesh::core::Invitation;
///
/// let text = "nonos:nonos-main@/ip4/192.0.2.7/tcp/4710,/ip4/192.0.2.7/udp/4710/quic-v1";
/// let invitation: Invitation = text.parse()?;
/// assert_eq!((invitation.network(), invitation.addresses().len()), ("nonos-main", 2));
/// assert_eq!(invitation.to_string(), text);
/// # Ok::<_, nonos_mesh::core::BadInvitation>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    network: String,
    addresses: Vec<String>,
}

/// Why a text is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadInvitation {
    /// It does not start as one.
    #[error("an invitation starts with `nonos:`, followed by the network's name and `@`")]
    Start,
    /// The network's name is too long, or has characters that it may not have here.
    #[error(
        "the network's name has 1 to 64 printable ASCII characters, no `@`, no comma, and single blanks within"
    )]
    Network,
    /// There is no address, there are too many, or one is none.
    #[error("an invitation has 1 to 8 addresses with commas between them, such as /ip4/192.0.2.7/tcp/4710")]
    Addresses,
}

impl BadInvitation {
    /// Who must act.
    pub fn fault(self) -> Fault {
        Fault::Caller
    }
}

impl Invitation {
    /// Most addresses.
    pub const MAX_ADDRESSES: usize = 8;
    /// Longest address, with the name of its node.
    const MAX_ADDRESS: usize = 192;
    const MAX_NETWORK: usize = 64;
    const START: &'static str = "nonos:";

    /// To a network, by these multiaddrs.
    ///
    /// # Errors
    /// [`BadInvitation::Network`], [`BadInvitation::Addresses`].
    pub fn new(network: String, addresses: Vec<String>) -> Result<Self, BadInvitation> {
        let plain = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_graphic() && b != b'@' && b != b',')
        };
        let words = network.split(' ').all(|word| !word.is_empty() && plain(word));
        if network.len() > Self::MAX_NETWORK || !words {
            return Err(BadInvitation::Network);
        }
        let is_address = |it: &String| it.starts_with('/') && it.len() <= Self::MAX_ADDRESS && plain(it);
        let count = addresses.len();
        if count == 0 || count > Self::MAX_ADDRESSES || !addresses.iter().all(is_address) {
            return Err(BadInvitation::Addresses);
        }
        Ok(Self { network, addresses })
    }

    /// Name of the network.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Multiaddrs to dial.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, addresses) = (Self::START, self.addresses.join(","));
        write!(f, "{start}{}@{addresses}", self.network)
    }
}

impl FromStr for Invitation {
    type Err = BadInvitation;

    fn from_str(text: &str) -> Result<Self, BadInvitation> {
        let rest = text
            .trim()
            .strip_prefix(Self::START)
            .ok_or(BadInvitation::Start)?;
        let (network, addresses) = rest.split_once('@').ok_or(BadInvitation::Start)?;
        let addresses = addresses.split(',').map(str::to_owned).collect();
        Self::new(network.to_owned(), addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let long = format!("nonos:{}@/ip4/1.2.3.4/tcp/1", "n".repeat(65));
        let many = format!("nonos:main@{}", ["/ip4/1.2.3.4/tcp/1"; 9].join(","));
        let wide = format!("nonos:main@/{}", "x".repeat(192));
        for (text, error) in [
            ("", BadInvitation::Start),
            ("main@/ip4/1.2.3.4/tcp/1", BadInvitation::Start),
            ("nonos:main", BadInvitation::Start),
            ("nonos:@/ip4/1.2.3.4/tcp/1", BadInvitation::Network),
            ("nonos: b@/ip4/1.2.3.4/tcp/1", BadInvitation::Network),
            ("nonos:a,b@/ip4/1.2.3.4/tcp/1", BadInvitation::Network),
            ("nonos:\u{1b}[2J@/ip4/1.2.3.4/tcp/1", BadInvitation::Network),
            (&long, BadInvitation::Network),
            ("nonos:main@", BadInvitation::Addresses),
            ("nonos:main@1.2.3.4", BadInvitation::Addresses),
            ("nonos:main@/ip4/1.2.3.4/tcp/1,", BadInvitation::Addresses),
            ("nonos:main@/ip4/1.2.3.4/tcp/1 /x", BadInvitation::Addresses),
            (&many, BadInvitation::Addresses),
            (&wide, BadInvitation::Addresses),
        ] {
            assert_eq!(text.parse::<Invitation>(), Err(error), "{text:?}");
        }
        assert!(" nonos:a test@/ip4/1.2.3.4/tcp/1\n".parse::<Invitation>().is_ok());
    }
}
