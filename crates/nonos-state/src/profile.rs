use std::fmt;

use nonos_types::{ByteLen, PoiHash};
use serde::{Deserialize, Serialize};

mod bytes;
mod features;

pub(crate) use self::bytes::Wire;
pub use self::features::{CpuFeature, CpuFeatures};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($int:ty), $suffix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($int);

        impl $name {
            /// This many.
            pub const fn new(count: $int) -> Self {
                Self(count)
            }

            /// How many.
            pub const fn get(self) -> $int {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{}", $suffix), self.0)
            }
        }
    };
}

unit! {
    /// Cores of a processor.
    Cores(u32), " cores"
}
unit! {
    /// Share of processor time, in thousandths of one core.
    MilliCores(u64), " millicores"
}
unit! {
    /// Measured speed, in bytes per second.
    Throughput(u64), " bytes/s"
}
unit! {
    /// Version of the way of measuring: figures of different versions do not compare.
    ProbeVersion(u32), ""
}

/// What a machine is, and what it was measured to do. It is its operator's claim and nothing more.
///
/// Texts have at most [`Profile::MAX_TEXT`] bytes and no control characters; of what is `None`, the machine did not
/// say or there is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// How it was measured.
    pub probe: ProbeVersion,
    /// Cores the operating system schedules on.
    pub cores_logical: Cores,
    /// Cores there are in metal.
    pub cores_physical: Option<Cores>,
    /// Maker and model.
    pub cpu_brand: String,
    /// Architecture, as in `x86_64`.
    pub cpu_arch: String,
    /// Instructions that matter to hashing and proving.
    pub cpu_features: CpuFeatures,
    /// Processor time the control groups allow.
    pub cpu_quota: Option<MilliCores>,
    /// Memory of the machine.
    pub memory_total: ByteLen,
    /// How much of it could be used when it was measured.
    pub memory_available: ByteLen,
    /// Memory the control groups allow.
    pub memory_limit: Option<ByteLen>,
    /// Size of the volume of the data directory.
    pub storage_total: ByteLen,
    /// How much of it this user may still write.
    pub storage_free: ByteLen,
    /// Writing to that volume until it is on the medium.
    pub disk_write: Throughput,
    /// Reading from that volume.
    pub disk_read: Throughput,
    /// A TCP connection of the machine with itself: an upper bound of what its network stack bears.
    pub loopback: Throughput,
    /// Operating system and its version.
    pub os: String,
    /// Version of the kernel.
    pub kernel: String,
}

impl Profile {
    /// Most bytes of a text.
    pub const MAX_TEXT: usize = 64;

    /// Names the profile: digest of its bytes.
    pub fn digest(&self) -> PoiHash {
        PoiHash::hash(&[b"profile", &self.to_bytes()])
    }

    /// Processor time there is to use: that of the cores, or the quota if it is less.
    pub fn usable_cpu(&self) -> MilliCores {
        let cores = MilliCores(u64::from(self.cores_logical.0) * 1000);
        self.cpu_quota.map_or(cores, |quota| quota.min(cores))
    }

    /// Memory there is to use: that of the machine, or the limit if it is less.
    pub fn usable_memory(&self) -> ByteLen {
        let total = self.memory_total;
        self.memory_limit.map_or(total, |limit| limit.min(total))
    }
}
