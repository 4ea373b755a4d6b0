use std::time::Duration;

use ciborium::Value;
use ed25519_dalek::{Signature, SigningKey};
use nonos_state::{CapsuleUse, Context, Error, RuntimeHash, Throughput};
use nonos_types::{CapsuleHash, PolicyHash, Timestamp};
use sha3::Digest as _;

use crate::{
    profile::widest,
    sample::{key, snapshot},
};

fn context() -> Context {
    Context {
        runtime: RuntimeHash::from_bytes([2; 32]),
        network_up: Duration::from_secs(60),
        capsule: Some(CapsuleUse {
            hash: CapsuleHash::from_bytes([3; 32]),
            version: "1.0.3".to_owned(),
            policy: PolicyHash::from_bytes([4; 32]),
        }),
    }
}

fn fields(bytes: &[u8]) -> Vec<(String, Value)> {
    let value: Value = ciborium::from_reader(bytes).expect("CBOR");
    let fields = value.into_map().expect("a map").into_iter();
    fields
        .map(|(key, value)| (key.into_text().expect("a text"), value))
        .collect()
}

fn text(fields: &[(String, Value)], name: &str) -> String {
    let field = fields.iter().find(|(key, _)| key == name).expect("present");
    field.1.clone().into_text().expect("a text")
}

/// The vector of `docs/spec/poi.md`.
#[test]
fn bytes_are_those_of_the_spec() {
    let bytes = snapshot().to_poi_v1(&key(), &context()).expect("its key");
    assert_eq!(hex::encode(bytes), include_str!("../vectors/poi-v1.hex").trim());
}

/// As a stranger would do it who knows the page of NØN-OS only.
#[test]
fn a_reader_finds_the_digest_and_the_signature_good() {
    let bytes = snapshot().to_poi_v1(&key(), &context()).expect("its key");
    let fields = fields(&bytes);
    let signed = fields
        .iter()
        .filter(|(name, _)| name != "digest" && name != "sig");
    let signed = Value::Map(
        signed
            .map(|(name, value)| (Value::from(name.as_str()), value.clone()))
            .collect(),
    );
    let mut again = Vec::new();
    ciborium::into_writer(&signed, &mut again).expect("CBOR");
    let digest: [u8; 32] = sha3::Sha3_256::digest(&again).into();
    assert_eq!(text(&fields, "digest"), hex::encode(digest));

    let signature = hex::decode(text(&fields, "sig")).expect("hex");
    let signature = Signature::from_slice(&signature).expect("64 bytes");
    key()
        .verifying_key()
        .verify_strict(&digest, &signature)
        .expect("good");
}

#[test]
fn a_snapshot_for_no_capsule_names_none() {
    let context = Context {
        capsule: None,
        ..context()
    };
    let fields = fields(&snapshot().to_poi_v1(&key(), &context).expect("its key"));
    let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["ts", "sig", "ver", "digest", "metrics", "node_id", "runtime_hash"]
    );
}

#[test]
fn the_widest_values_are_exported() {
    let mut wide = snapshot();
    wide.profile = widest();
    wide.profile.disk_write = Throughput::new(u64::MAX);
    let context = Context {
        network_up: Duration::MAX,
        ..context()
    };
    let fields = fields(&wide.to_poi_v1(&key(), &context).expect("exported"));
    let metrics = fields
        .iter()
        .find(|(name, _)| name == "metrics")
        .expect("present")
        .1
        .clone();
    let metrics = metrics.into_map().expect("a map");
    let metric = |name: &str| {
        metrics
            .iter()
            .find(|(key, _)| *key == Value::from(name))
            .expect("present")
            .1
            .clone()
    };
    assert_eq!(metric("mem_total_mb"), Value::from(u64::MAX >> 20));
    assert_eq!(metric("net_up_ms"), Value::from(u64::MAX));
    assert_eq!(metric("io_wbps"), Value::Float(u64::MAX as f64));
}

#[test]
fn refuses_the_key_of_another_node() {
    let other = SigningKey::from_bytes(&[8; 32]);
    let node = snapshot().node;
    assert_eq!(
        snapshot().to_poi_v1(&other, &context()),
        Err(Error::NotItsKey { node })
    );
}

#[test]
fn refuses_a_time_that_is_no_date() {
    let mut late = snapshot();
    late.taken_at = Timestamp::MAX;
    let refused = late.to_poi_v1(&key(), &context());
    assert_eq!(refused, Err(Error::NoDate { time: Timestamp::MAX }));
}
