use nonos_state::{Cores, CpuFeature, CpuFeatures, MilliCores, ProbeVersion, Profile, Throughput};
use nonos_types::{ByteLen, Error};
use proptest::{collection::vec, option, prelude::*};

use crate::sample::profile;

/// The vector of `docs/spec/poi.md`.
#[test]
fn bytes_are_those_of_the_spec() {
    let bytes = profile().to_bytes();
    assert_eq!(hex::encode(&bytes), include_str!("../vectors/profile.hex").trim());
    assert_eq!(
        profile().digest().to_string(),
        "57338423ca6ebf06149c0811ea35936dab9b7f3267679ee190ea8c8ff8e1282a"
    );
}

#[test]
fn the_digest_covers_every_field() {
    type Change = fn(&mut Profile);
    let changes: [Change; 17] = [
        |it| it.probe = ProbeVersion::new(2),
        |it| it.cores_logical = Cores::new(9),
        |it| it.cores_physical = None,
        |it| it.cpu_brand.push('x'),
        |it| it.cpu_arch.push('x'),
        |it| it.cpu_features = CpuFeatures::NONE,
        |it| it.cpu_quota = None,
        |it| it.memory_total = ByteLen::new(1),
        |it| it.memory_available = ByteLen::new(1),
        |it| it.memory_limit = None,
        |it| it.storage_total = ByteLen::new(1),
        |it| it.storage_free = ByteLen::new(1),
        |it| it.disk_write = Throughput::new(1),
        |it| it.disk_read = Throughput::new(1),
        |it| it.loopback = Throughput::new(1),
        |it| it.os.push('x'),
        |it| it.kernel.push('x'),
    ];
    let mut seen = std::collections::HashSet::from([profile().digest()]);
    for (index, change) in changes.iter().enumerate() {
        let mut other = profile();
        change(&mut other);
        assert!(seen.insert(other.digest()), "change {index} is not seen");
    }
}

#[test]
fn refuses_fields_out_of_their_domain() {
    type Change = fn(&mut Profile);
    let changes: [(&str, Change); 18] = [
        ("probe", |it| it.probe = ProbeVersion::new(0)),
        ("cores_logical", |it| it.cores_logical = Cores::new(0)),
        ("cores_physical", |it| it.cores_physical = Some(Cores::new(0))),
        ("cpu_brand", |it| it.cpu_brand = "x".repeat(65)),
        ("cpu_brand", |it| it.cpu_brand = "a\nb".to_owned()),
        ("cpu_arch", |it| it.cpu_arch = "ø".repeat(33)),
        ("cpu_quota", |it| it.cpu_quota = Some(MilliCores::new(0))),
        ("memory_total", |it| {
            it.memory_total = ByteLen::ZERO;
            it.memory_available = ByteLen::ZERO;
        }),
        ("memory_available", |it| {
            it.memory_available = ByteLen::new((16 << 30) + 1)
        }),
        ("memory_limit", |it| it.memory_limit = Some(ByteLen::ZERO)),
        ("storage_total", |it| {
            it.storage_total = ByteLen::ZERO;
            it.storage_free = ByteLen::ZERO;
        }),
        ("storage_free", |it| {
            it.storage_free = ByteLen::new(1_000_000_000_001)
        }),
        ("disk_write", |it| it.disk_write = Throughput::new(0)),
        ("disk_read", |it| it.disk_read = Throughput::new(0)),
        ("loopback", |it| it.loopback = Throughput::new(0)),
        ("os", |it| it.os = "\u{1b}[2J".to_owned()),
        ("os", |it| it.os = "x".repeat(65)),
        ("kernel", |it| it.kernel = "\u{85}".to_owned()),
    ];
    for (field, change) in changes {
        let mut other = profile();
        change(&mut other);
        let bad = Error::BadField {
            message: "profile",
            field,
        };
        assert_eq!(Profile::from_bytes(&other.to_bytes()), Err(bad));
    }
}

/// Features 0x13 become 0x4013, of which the highest has no name.
#[test]
fn refuses_an_unknown_feature() {
    let bytes = profile().to_bytes();
    let at = bytes
        .windows(2)
        .position(|it| it == [0x30, 0x13])
        .expect("the features");
    let wide = [&bytes[..at], &[0x30, 0x93, 0x80, 0x01], &bytes[at + 2..]].concat();
    let bad = Error::BadField {
        message: "profile",
        field: "cpu_features",
    };
    assert_eq!(Profile::from_bytes(&wide), Err(bad));
}

#[test]
fn refuses_unknown_fields_truncation_and_length() {
    let bytes = profile().to_bytes();
    let unknown = [&bytes[..], &[0x90, 0x01, 0x01]].concat();
    let error = Error::NotCanonical { message: "profile" };
    assert_eq!(Profile::from_bytes(&unknown), Err(error));
    // Before the system's names, which may be empty.
    let names = 3 + profile().os.len() + 3 + profile().kernel.len();
    for len in 0..bytes.len() - names {
        assert!(Profile::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
    }
    let long = vec![0xff; 513];
    let error = Error::TooLong {
        message: "profile",
        limit: ByteLen::new(512),
        actual: ByteLen::new(513),
    };
    assert_eq!(Profile::from_bytes(&long), Err(error));
}

/// The widest values a profile can have, each of which its bytes must hold.
pub(crate) fn widest() -> Profile {
    let most = ByteLen::MAX;
    let text = "x".repeat(Profile::MAX_TEXT);
    Profile {
        probe: ProbeVersion::new(u32::MAX),
        cores_logical: Cores::new(u32::MAX),
        cores_physical: Some(Cores::new(u32::MAX)),
        cpu_brand: text.clone(),
        cpu_arch: text.clone(),
        cpu_features: CpuFeature::ALL.into_iter().collect(),
        cpu_quota: Some(MilliCores::new(u64::MAX)),
        memory_total: most,
        memory_available: most,
        memory_limit: Some(most),
        storage_total: most,
        storage_free: most,
        disk_write: Throughput::new(u64::MAX),
        disk_read: Throughput::new(u64::MAX),
        loopback: Throughput::new(u64::MAX),
        os: text.clone(),
        kernel: text,
    }
}

#[test]
fn the_widest_values_fit() {
    let profile = widest();
    assert_eq!(Profile::from_bytes(&profile.to_bytes()), Ok(profile.clone()));
    assert_eq!(profile.usable_cpu(), MilliCores::new(u64::from(u32::MAX) * 1000));
    assert_eq!(profile.usable_memory(), ByteLen::MAX);
}

#[test]
fn limits_bound_what_can_be_used_and_never_raise_it() {
    let mut profile = profile();
    assert_eq!(profile.usable_cpu(), MilliCores::new(1500));
    assert_eq!(profile.usable_memory(), ByteLen::new(2 << 30));
    profile.cpu_quota = Some(MilliCores::new(8001));
    profile.memory_limit = Some(ByteLen::new(17 << 30));
    assert_eq!(profile.usable_cpu(), MilliCores::new(8000));
    assert_eq!(profile.usable_memory(), ByteLen::new(16 << 30));
    profile.cpu_quota = None;
    profile.memory_limit = None;
    assert_eq!(profile.usable_cpu(), MilliCores::new(8000));
    assert_eq!(profile.usable_memory(), ByteLen::new(16 << 30));
}

#[test]
fn json_has_names_and_plain_numbers() {
    let json = serde_json::to_value(profile()).expect("JSON");
    assert_eq!(json["cores_logical"], 8);
    assert_eq!(json["cpu_quota"], 1500);
    assert_eq!(json["memory_limit"], 2_u64 << 30);
    assert_eq!(json["cpu_features"], serde_json::json!(["aes", "sha2", "avx2"]));
    assert_eq!(json["disk_read"], 1_234_567_890_u64);
}

#[test]
fn features_have_one_name_each() {
    for feature in CpuFeature::ALL {
        let json = serde_json::to_value(feature).expect("JSON");
        assert_eq!(json, feature.name());
        assert_eq!(
            CpuFeatures::from_iter([feature]).iter().collect::<Vec<_>>(),
            [feature]
        );
    }
}

fn profiles() -> impl Strategy<Value = Profile> {
    let cores = (
        1..=u32::MAX,
        1..=u32::MAX,
        option::of(1..=u32::MAX),
        option::of(1..=u64::MAX),
    );
    let cpu = (
        "[ -~]{0,64}",
        "[a-zø_]{0,16}",
        vec(proptest::sample::select(&CpuFeature::ALL[..]), 0..5),
    );
    let memory = (1..=u64::MAX, any::<u64>(), option::of(1..=u64::MAX));
    let storage = (1..=u64::MAX, any::<u64>());
    let speeds = (1..=u64::MAX, 1..=u64::MAX, 1..=u64::MAX);
    let system = ("[ -~]{0,64}", "[ -~]{0,64}");
    (cores, cpu, memory, storage, speeds, system).prop_map(|(cores, cpu, memory, storage, speeds, system)| {
        Profile {
            probe: ProbeVersion::new(cores.0),
            cores_logical: Cores::new(cores.1),
            cores_physical: cores.2.map(Cores::new),
            cpu_brand: cpu.0,
            cpu_arch: cpu.1,
            cpu_features: cpu.2.into_iter().collect(),
            cpu_quota: cores.3.map(MilliCores::new),
            memory_total: ByteLen::new(memory.0),
            memory_available: ByteLen::new(memory.1.min(memory.0)),
            memory_limit: memory.2.map(ByteLen::new),
            storage_total: ByteLen::new(storage.0),
            storage_free: ByteLen::new(storage.1.min(storage.0)),
            disk_write: Throughput::new(speeds.0),
            disk_read: Throughput::new(speeds.1),
            loopback: Throughput::new(speeds.2),
            os: system.0,
            kernel: system.1,
        }
    })
}

proptest! {
    #[test]
    fn reads_what_it_writes(profile in profiles()) {
        prop_assert_eq!(Profile::from_bytes(&profile.to_bytes()), Ok(profile));
    }

    #[test]
    fn changed_bytes_are_refused_or_canonical(
        profile in profiles(),
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = profile.to_bytes();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Profile::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }
}
