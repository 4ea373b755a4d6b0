//! The export format `poi-v1`: `docs/spec/poi.md`.

use std::time::Duration;

use ciborium::Value;
use ed25519_dalek::{Signer as _, SigningKey};
use nonos_types::{ByteLen, CapsuleHash, Digest, PolicyHash, Tag, Timestamp};
use sha3::{Digest as _, Sha3_256};

use crate::{Error, Snapshot};

/// `nonos/v1/runtime`
#[derive(Debug)]
pub enum RuntimeTag {}

impl Tag for RuntimeTag {
    const DOMAIN: &'static str = "nonos/v1/runtime";
}

/// Digest of what a node has: capsules, checkpoints, the head of its ledger.
pub type RuntimeHash = Digest<RuntimeTag>;

/// What an export says beyond the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// What the node has.
    pub runtime: RuntimeHash,
    /// For how long its network has been up.
    pub network_up: Duration,
    /// The capsule the snapshot was taken for, if for one.
    pub capsule: Option<CapsuleUse>,
}

/// A capsule whose run a snapshot surrounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleUse {
    /// Which.
    pub hash: CapsuleHash,
    /// Its version, as in `1.0.3`.
    pub version: String,
    /// The policy it runs under.
    pub policy: PolicyHash,
}

impl Snapshot {
    /// Exports it as `poi-v1`: deterministic CBOR with a signature of its own, since that format signs a SHA3-256
    /// digest instead of an envelope.
    ///
    /// # Errors
    /// [`Error::NotItsKey`] if the key is not that of the snapshot's node; [`Error::NoDate`].
    pub fn to_poi_v1(&self, key: &SigningKey, context: &Context) -> Result<Vec<u8>, Error> {
        if key.verifying_key().as_bytes() != self.node.as_bytes() {
            return Err(Error::NotItsKey { node: self.node });
        }
        let mut fields = vec![
            ("node_id", text(bs58::encode(self.node.as_bytes()).into_string())),
            ("ts", text(rfc3339(self.taken_at)?)),
            ("metrics", self.metrics(context.network_up)),
            ("runtime_hash", text(context.runtime.to_string())),
            ("ver", text("poi-v1".to_owned())),
        ];
        if let Some(capsule) = &context.capsule {
            fields.push(("capsule", text(format!("{}@{}", capsule.hash, capsule.version))));
            fields.push(("policy_tag", text(capsule.policy.to_string())));
        }
        let digest: [u8; 32] = Sha3_256::digest(encode(&map(fields.clone()))).into();
        let signature = key.sign(&digest);
        fields.push(("digest", text(hex::encode(digest))));
        fields.push(("sig", text(hex::encode(signature.to_bytes()))));
        Ok(encode(&map(fields)))
    }

    fn metrics(&self, network_up: Duration) -> Value {
        let profile = &self.profile;
        let mebi = |len: ByteLen| Value::from(len.get() >> 20);
        let usable = profile.usable_memory();
        map(vec![
            ("cpu_logical", Value::from(profile.cores_logical.get())),
            ("mem_total_mb", mebi(usable)),
            ("mem_free_mb", mebi(profile.memory_available.min(usable))),
            ("disk_free_mb", mebi(profile.storage_free)),
            (
                "net_up_ms",
                Value::from(u64::try_from(network_up.as_millis()).unwrap_or(u64::MAX)),
            ),
            ("io_rbps", Value::Float(profile.disk_read.get() as f64)),
            ("io_wbps", Value::Float(profile.disk_write.get() as f64)),
        ])
    }
}

fn text(text: String) -> Value {
    Value::Text(text)
}

/// Deterministic order (RFC 8949 §4.2.1): shorter keys first, equally long ones by their bytes. All keys here are
/// shorter than 24 bytes, so that their heads sort by length.
fn map(mut fields: Vec<(&str, Value)>) -> Value {
    fields.sort_by_key(|(key, _)| (key.len(), *key));
    let entry = |(key, value): (&str, Value)| (text(key.to_owned()), value);
    Value::Map(fields.into_iter().map(entry).collect())
}

fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes)
        .expect("a Vec takes every byte, and every value here has an encoding");
    bytes
}

/// UTC with seconds. The calendar repeats every 400 years of 146,097 days; years begin in March, so that the leap
/// day is their last.
fn rfc3339(time: Timestamp) -> Result<String, Error> {
    const LAST: u64 = 253_402_300_799;
    if time.get() > LAST {
        return Err(Error::NoDate { time });
    }
    let (days, seconds) = (time.get() / 86_400, time.get() % 86_400);
    let days = days + 719_468; // from 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Ok(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days before and after leap days, and the ends of the range, as `date -u` gives them.
    #[test]
    fn dates_are_those_of_the_calendar() {
        for (time, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::new(time)).as_deref(), Ok(date), "{time}");
        }
        let time = Timestamp::new(253_402_300_800);
        assert_eq!(rfc3339(time), Err(Error::NoDate { time }));
    }
}
