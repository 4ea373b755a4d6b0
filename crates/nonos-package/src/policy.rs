//! What a run may use and do: the part of a manifest that binds an execution.

use crate::{Error, abi::HostSet, instructions::Module, limits};
use nonos_types::{ByteLen, Fuel, Pages, PolicyHash, wire};

/// Which messages a capsule may exchange. There is no way to a socket in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Net {
    /// The inbound and outbound tapes.
    #[default]
    MeshOnly,
    /// None: nothing comes in, and nothing is published.
    None,
}

/// What a run may use and do. See `docs/spec/manifest.md` for its bytes.
///
/// ```
/// use nonos_package::Policy;
/// let policy = Policy::for_module("main");
/// assert_eq!(Policy::from_bytes(&policy.to_bytes())?, policy);
/// # Ok::<_, nonos_package::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Budget of the run, 1 to [`limits::FUEL`].
    pub fuel: Fuel,
    /// Most memory, at most [`limits::PAGES`].
    pub max_pages: Pages,
    /// Mesh messages.
    pub net: Net,
    /// Host calls that do not trap.
    pub host: HostSet,
    /// Exported function that is called.
    pub entry: String,
    /// Fuel between two checkpoints; `None` for checkpoints only where the capsule asks for them.
    pub checkpoint_every: Option<Fuel>,
    /// Whether a Proof-of-Infrastructure snapshot must come with each run.
    pub requires_poi: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(uint64, tag = "1")]
    fuel: u64,
    #[prost(uint32, tag = "2")]
    max_pages: u32,
    #[prost(uint32, tag = "3")]
    net: u32,
    #[prost(uint32, tag = "4")]
    host: u32,
    #[prost(string, tag = "5")]
    entry: String,
    #[prost(uint64, tag = "6")]
    checkpoint_every: u64,
    #[prost(bool, tag = "7")]
    requires_poi: bool,
}

const NAME: &str = "policy";

impl Policy {
    /// The policy under which a plain module, without a manifest, is called: 2^30 fuel, 64 MiB, every host
    /// call, no mesh messages.
    pub fn for_module(entry: &str) -> Self {
        Self {
            fuel: Fuel::new(1 << 30),
            max_pages: Pages::new(1024),
            net: Net::None,
            host: HostSet::ALL,
            entry: entry.to_owned(),
            checkpoint_every: None,
            requires_poi: false,
        }
    }

    /// The most memory `module` can have under this policy.
    pub fn page_limit(&self, module: &Module) -> Pages {
        self.max_pages.min(module.max_pages)
    }

    /// Checks that `module` can run under this policy.
    ///
    /// # Errors
    ///
    /// [`Error::NoEntry`] and [`Error::MemoryTooLarge`].
    pub fn check(&self, module: &Module) -> Result<(), Error> {
        if module.pages > self.max_pages {
            return Err(Error::MemoryTooLarge {
                initial: module.pages,
                granted: self.max_pages,
            });
        }
        if !module.exports.contains_key(&self.entry) {
            return Err(Error::NoEntry {
                entry: self.entry.clone(),
            });
        }
        Ok(())
    }

    /// The one encoding of this policy.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&Wire {
            fuel: self.fuel.get(),
            max_pages: self.max_pages.get(),
            net: match self.net {
                Net::MeshOnly => 1,
                Net::None => 2,
            },
            host: self.host.bits(),
            entry: self.entry.clone(),
            checkpoint_every: self.checkpoint_every.map_or(0, Fuel::get),
            requires_poi: self.requires_poi,
        })
    }

    /// Decodes a policy.
    ///
    /// # Errors
    ///
    /// [`Error::Policy`], for bytes that are not the one encoding of a policy within [`limits`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let limit = ByteLen::from(limits::POLICY_BYTES);
        let wire: Wire = wire::decode(NAME, limit, bytes).map_err(Error::Policy)?;
        let bad = |field| Error::Policy(nonos_types::Error::BadField { message: NAME, field });
        let fuel = Fuel::new(wire.fuel);
        if fuel == Fuel::ZERO || fuel > limits::FUEL {
            return Err(bad("fuel"));
        }
        let max_pages = Pages::new(wire.max_pages);
        if max_pages > limits::PAGES {
            return Err(bad("max_pages"));
        }
        if wire.entry.is_empty() || wire.entry.len() > limits::NAME_BYTES {
            return Err(bad("entry"));
        }
        Ok(Self {
            fuel,
            max_pages,
            net: match wire.net {
                1 => Net::MeshOnly,
                2 => Net::None,
                _ => return Err(bad("net")),
            },
            host: HostSet::from_bits(wire.host).ok_or_else(|| bad("host"))?,
            entry: wire.entry,
            checkpoint_every: (wire.checkpoint_every > 0).then(|| Fuel::new(wire.checkpoint_every)),
            requires_poi: wire.requires_poi,
        })
    }

    /// Its digest, which execution records carry.
    pub fn hash(&self) -> PolicyHash {
        PolicyHash::hash(&[&self.to_bytes()])
    }
}
