//! The machine of `docs/spec/poi.md`.

use ed25519_dalek::SigningKey;
use nonos_state::{Cores, CpuFeature, MilliCores, ProbeVersion, Profile, Snapshot, Throughput};
use nonos_types::{ByteLen, NetworkId, NodeId, Timestamp};

pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub(crate) fn profile() -> Profile {
    Profile {
        probe: ProbeVersion::new(1),
        cores_logical: Cores::new(8),
        cores_physical: Some(Cores::new(4)),
        cpu_brand: "Example 9000".to_owned(),
        cpu_arch: "x86_64".to_owned(),
        cpu_features: [CpuFeature::Aes, CpuFeature::Sha2, CpuFeature::Avx2]
            .into_iter()
            .collect(),
        cpu_quota: Some(MilliCores::new(1500)),
        memory_total: ByteLen::new(16 << 30),
        memory_available: ByteLen::new(9 << 30),
        memory_limit: Some(ByteLen::new(2 << 30)),
        storage_total: ByteLen::new(1_000_000_000_000),
        storage_free: ByteLen::new(400_000_000_000),
        disk_write: Throughput::new(300_000_000),
        disk_read: Throughput::new(1_234_567_890),
        loopback: Throughput::new(5_000_000_001),
        os: "Debian GNU/Linux 12".to_owned(),
        kernel: "6.1.0-9".to_owned(),
    }
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        network: NetworkId::from_bytes([1; 32]),
        node: NodeId::from_bytes(key().verifying_key().to_bytes()),
        profile: profile(),
        taken_at: Timestamp::new(1_700_000_000),
        expires: Timestamp::new(1_700_000_000 + Snapshot::MAX_VALIDITY),
    }
}
