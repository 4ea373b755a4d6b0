//! The bytes of a profile: `docs/spec/poi.md`.

use nonos_types::{ByteLen, Error, wire};

use super::{Cores, CpuFeatures, MilliCores, ProbeVersion, Profile, Throughput};

const NAME: &str = "profile";

/// Field names and numbers of the wire form.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Wire {
    #[prost(uint32, tag = "1")]
    probe: u32,
    #[prost(uint32, tag = "2")]
    cores_logical: u32,
    #[prost(uint32, optional, tag = "3")]
    cores_physical: Option<u32>,
    #[prost(string, tag = "4")]
    cpu_brand: String,
    #[prost(string, tag = "5")]
    cpu_arch: String,
    #[prost(uint32, tag = "6")]
    cpu_features: u32,
    #[prost(uint64, optional, tag = "7")]
    cpu_quota: Option<u64>,
    #[prost(uint64, tag = "8")]
    memory_total: u64,
    #[prost(uint64, tag = "9")]
    memory_available: u64,
    #[prost(uint64, optional, tag = "10")]
    memory_limit: Option<u64>,
    #[prost(uint64, tag = "11")]
    storage_total: u64,
    #[prost(uint64, tag = "12")]
    storage_free: u64,
    #[prost(uint64, tag = "13")]
    disk_write: u64,
    #[prost(uint64, tag = "14")]
    disk_read: u64,
    #[prost(uint64, tag = "15")]
    loopback: u64,
    #[prost(string, tag = "16")]
    os: String,
    #[prost(string, tag = "17")]
    kernel: String,
}

impl Profile {
    /// Most bytes of a profile.
    pub const MAX: ByteLen = ByteLen::new(512);

    /// Its canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&self.to_wire())
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// If the bytes are not those [`to_bytes`](Self::to_bytes) gives for some valid profile.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_wire(wire::decode(NAME, Self::MAX, bytes)?)
    }

    pub(crate) fn to_wire(&self) -> Wire {
        Wire {
            probe: self.probe.get(),
            cores_logical: self.cores_logical.get(),
            cores_physical: self.cores_physical.map(Cores::get),
            cpu_brand: self.cpu_brand.clone(),
            cpu_arch: self.cpu_arch.clone(),
            cpu_features: self.cpu_features.bits(),
            cpu_quota: self.cpu_quota.map(MilliCores::get),
            memory_total: self.memory_total.get(),
            memory_available: self.memory_available.get(),
            memory_limit: self.memory_limit.map(ByteLen::get),
            storage_total: self.storage_total.get(),
            storage_free: self.storage_free.get(),
            disk_write: self.disk_write.get(),
            disk_read: self.disk_read.get(),
            loopback: self.loopback.get(),
            os: self.os.clone(),
            kernel: self.kernel.clone(),
        }
    }

    pub(crate) fn from_wire(wire: Wire) -> Result<Self, Error> {
        let bad = |field| Error::BadField { message: NAME, field };
        let some = |field, count: u64| if count == 0 { Err(bad(field)) } else { Ok(count) };
        let part = |field, part: u64, whole: u64| if part > whole { Err(bad(field)) } else { Ok(part) };
        let text = |field, text: String| {
            let good = text.len() <= Self::MAX_TEXT && !text.contains(char::is_control);
            good.then_some(text).ok_or(bad(field))
        };
        if wire.probe == 0 {
            return Err(bad("probe"));
        }
        if wire.cores_logical == 0 {
            return Err(bad("cores_logical"));
        }
        if wire.cores_physical == Some(0) {
            return Err(bad("cores_physical"));
        }
        let quota = wire.cpu_quota.map(|it| some("cpu_quota", it)).transpose()?;
        let limit = wire.memory_limit.map(|it| some("memory_limit", it)).transpose()?;
        let available = part("memory_available", wire.memory_available, wire.memory_total)?;
        let free = part("storage_free", wire.storage_free, wire.storage_total)?;
        Ok(Self {
            probe: ProbeVersion::new(wire.probe),
            cores_logical: Cores::new(wire.cores_logical),
            cores_physical: wire.cores_physical.map(Cores::new),
            cpu_brand: text("cpu_brand", wire.cpu_brand)?,
            cpu_arch: text("cpu_arch", wire.cpu_arch)?,
            cpu_features: CpuFeatures::from_bits(wire.cpu_features).ok_or(bad("cpu_features"))?,
            cpu_quota: quota.map(MilliCores::new),
            memory_total: ByteLen::new(some("memory_total", wire.memory_total)?),
            memory_available: ByteLen::new(available),
            memory_limit: limit.map(ByteLen::new),
            storage_total: ByteLen::new(some("storage_total", wire.storage_total)?),
            storage_free: ByteLen::new(free),
            disk_write: Throughput::new(some("disk_write", wire.disk_write)?),
            disk_read: Throughput::new(some("disk_read", wire.disk_read)?),
            loopback: Throughput::new(some("loopback", wire.loopback)?),
            os: text("os", wire.os)?,
            kernel: text("kernel", wire.kernel)?,
        })
    }
}
