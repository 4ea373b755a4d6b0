//! How many messages a core lets in or turns away in a second, before any proof is looked at, and what a listed node takes
//! of memory.
//!
//! ```sh
//! cargo run --release -p nonos-mesh --no-default-features --example admission
//! ```
//!
//! Time is that for which a core ran this and nothing else (`/proc/self/schedstat`, Linux), so that it does not count what others
//! do meanwhile, but for the caches. Memory is what the process has more of (`RssAnon`, Linux) with many directories of a thousand nodes each than before, so
//! that it counts what the allocator adds, and pages are small against all of it.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use nonos_benches::Row;
use nonos_mesh::core::{Admission, Budgets, Directory, DirectoryLimits, Rate, Topic};
use nonos_types::{
    Award, Capacity, Claim, Descriptor, Digest, Further, JobId, Message, NetworkId, NodeId, OnionKey,
    PoiHash, Role, Sequence, Signed, Slot, Stamp, Timestamp, Verdict,
};

const NOW: Timestamp = Timestamp::new(1_800_000_000);
const MESSAGES: usize = 20_000;
const DIRECTORIES: usize = 32;
const NODES: usize = 1000;

fn network() -> NetworkId {
    NetworkId::named("example")
}

fn key(number: usize) -> SigningKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
    SigningKey::from_bytes(&seed)
}

/// As a node with two addresses and keys for three periods announces itself.
fn descriptor(number: usize) -> Signed<Descriptor> {
    let address = |rest| format!("/ip4/10.{}.{}.7/{rest}", number >> 8, number & 0xff);
    let descriptor = Descriptor {
        network: network(),
        sequence: Sequence::new(1),
        valid_from: NOW,
        valid_until: Timestamp::new(NOW.get() + Descriptor::MAX_VALIDITY),
        addresses: vec![address("udp/4710/quic-v1"), address("tcp/4710")],
        roles: Role::ALL.into_iter().collect(),
        profile: PoiHash::ZERO,
        software: "nonos-node/0.1.0".to_owned(),
        capacity: Capacity::ONE,
        onion_keys: (83_332..83_335)
            .map(|epoch| OnionKey { epoch, key: [9; 32] })
            .collect(),
        stamp: Stamp::NONE,
        shards: nonos_types::Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    };
    Signed::new(descriptor, &key(number))
}

fn message(kind: &str, number: usize) -> Message {
    let (network, key, at) = (network(), key(number % 256), NOW);
    let job = JobId::hash(&[&number.to_le_bytes()]);
    match kind {
        "claim" => {
            let slot = Slot::ZERO;
            Signed::new(
                Claim {
                    network,
                    job,
                    slot,
                    at,
                    box_key: None,
                },
                &key,
            )
            .into()
        }
        "award" => {
            let (slot, executor) = (Slot::ZERO, NodeId::from_bytes([9; 32]));
            let award = Award {
                network,
                job,
                slot,
                executor,
                at,
                sealed_key: None,
            };
            Signed::new(award, &key).into()
        }
        "verdict" => {
            let (receipt, valid) = (Digest::from_bytes(*job.as_bytes()), true);
            let verdict = Verdict {
                network,
                receipt,
                valid,
                at,
                shard: None,
                work: None,
            };
            Signed::new(verdict, &key).into()
        }
        _ => descriptor(number).into(),
    }
}

/// Nothing is short.
fn budgets() -> Budgets {
    let plenty = Rate {
        per_second: 1,
        burst: u32::MAX,
    };
    Budgets {
        forwarder: plenty,
        author: plenty,
        known: plenty,
        newcomers: plenty,
        ..Budgets::default()
    }
}

/// For how long this thread has run on a core.
fn busy() -> Duration {
    let line = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = line.split_whitespace().next().and_then(|it| it.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn offered(admission: &mut Admission, messages: &[(Topic, Vec<u8>)]) -> (usize, Duration) {
    let started = busy();
    let from = NodeId::from_bytes([1; 32]);
    let let_in = messages
        .iter()
        .filter(|(topic, bytes)| admission.offer(*topic, from, bytes, NOW).is_ok());
    (let_in.count(), busy() - started)
}

#[expect(clippy::print_stdout, reason = "its output is all it is for")]
fn show(name: &str, let_in: usize, time: Duration) {
    let each = time / u32::try_from(MESSAGES).expect("few");
    let rate = MESSAGES as f64 / time.as_secs_f64();
    println!("{name:27} {let_in:6} {rate:9.0} {each:>12?}");
    let row = Row::of("admission").text("what", name);
    let row = row
        .number("per_second", rate)
        .number("each_us", each.as_secs_f64() * 1e6);
    row.leave().expect("the file for figures can be written");
}

/// Kibibytes of memory that are not of files.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "its output is all it is for")]
fn main() {
    println!("{MESSAGES} messages of each       let in  a second         each");
    for kind in ["claim", "award", "verdict", "descriptor"] {
        let messages: Vec<(Topic, Vec<u8>)> = (0..MESSAGES)
            .map(|number| message(kind, number))
            .map(|it| (Topic::of(&it), it.to_bytes()))
            .collect();
        let mut admission = Admission::new(network(), budgets(), NOW);
        let (let_in, time) = offered(&mut admission, &messages);
        show(kind, let_in, time);
        let (let_in, time) = offered(&mut admission, &messages);
        show(&format!("{kind}, again"), let_in, time);
        let forged: Vec<(Topic, Vec<u8>)> = (messages.iter().cloned())
            .map(|(topic, mut bytes)| {
                *bytes.last_mut().expect("not empty") ^= 1;
                (topic, bytes)
            })
            .collect();
        let (let_in, time) = offered(&mut admission, &forged);
        show(&format!("{kind}, forged"), let_in, time);
    }
    let descriptors: Vec<_> = (0..NODES).map(descriptor).collect();
    let bytes: usize = descriptors.iter().map(|it| it.to_bytes().len()).sum();
    let limits = DirectoryLimits {
        stamp_bits: 0,
        private_prefixes: false,
        ..DirectoryLimits::default()
    };
    let neighbours: Vec<NodeId> = (0..8).map(|it| NodeId::from_bytes([it + 1; 32])).collect();
    let before = memory();
    let directories: Vec<Directory> = (0..DIRECTORIES)
        .map(|_| {
            let mut directory = Directory::new(limits);
            for descriptor in &descriptors {
                for neighbour in &neighbours {
                    directory.learn(descriptor, Some(*neighbour), NOW);
                }
            }
            directory.take_changed();
            directory
        })
        .collect();
    let grown = memory().saturating_sub(before) * 1024;
    let nodes: usize = directories.iter().map(Directory::len).sum();
    println!(
        "{NODES} nodes, shown by {} neighbours each: {} bytes of memory a node, {} on the wire",
        neighbours.len(),
        grown / nodes as u64,
        bytes / NODES,
    );
}
