//! The admission of gossip as a state machine: whoever forwards what, when and how often, no message is let in twice, and no more
//! messages than the budgets have room for.
//!
//! An input is a schedule, three bytes an event: which message, who forwards it, and how long after the one before.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use nonos_mesh::core::{Admission, Budgets, Rate, Refusal, Topic};
use nonos_types::{Claim, JobId, Message, MessageId, NetworkId, NodeId, Signed, Slot, Timestamp};
use std::collections::BTreeSet;

const START: u64 = 1_800_000_000;
const BUDGETS: Budgets = Budgets {
    forwarder: Rate {
        per_second: 2,
        burst: 16,
    },
    author: Rate {
        per_second: 1,
        burst: 4,
    },
    known: Rate {
        per_second: 2,
        burst: 8,
    },
    newcomers: Rate {
        per_second: 1,
        burst: 4,
    },
    window: Budgets::WINDOW,
    remembered: 1 << 12,
    sources: 64,
};

/// Claims by four authors, each at its own second; every eighth is of another network, every ninth too old.
static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let claim = |n: u8| {
        let network = if n % 8 == 7 { "another" } else { "example" };
        let at = if n % 9 == 8 { 0 } else { START + u64::from(n) };
        let claim = Claim {
            network: NetworkId::named(network),
            job: JobId::hash(&[&[n]]),
            slot: Slot::ZERO,
            at: Timestamp::new(at),
            box_key: None,
        };
        Message::from(Signed::new(claim, &SigningKey::from_bytes(&[n % 4 + 1; 32])))
    };
    (0..64).map(claim).collect()
});

/// Checks one input.
///
/// # Panics
/// If a message is let in that must not be.
pub fn check(bytes: &[u8]) {
    let start = Timestamp::new(START);
    let mut admission = Admission::new(NetworkId::named("example"), BUDGETS, start);
    for seed in [1, 2] {
        let author = SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        admission.know(NodeId::from_bytes(author), true);
    }
    let (mut now, mut admitted) = (START, BTreeSet::<MessageId>::new());
    for event in bytes.chunks_exact(3).take(4096) {
        let &[which, from, later] = event else { continue };
        now += u64::from(later) / 16;
        let message = &MESSAGES[usize::from(which) % MESSAGES.len()];
        let sent = message.to_bytes();
        let from = NodeId::from_bytes([from; 32]);
        match admission.offer(Topic::of(message), from, &sent, Timestamp::new(now)) {
            Ok(read) => {
                assert_eq!(read, *message);
                assert!(admitted.insert(read.id()), "it was let in before");
                assert_eq!(read.network(), NetworkId::named("example"));
            }
            Err(Refusal::Malformed | Refusal::BadSignature) => panic!("it is a message"),
            Err(_) => {}
        }
    }
    let room = |rate: Rate| u64::from(rate.burst) + u64::from(rate.per_second) * (now - START);
    let most = room(BUDGETS.known) + room(BUDGETS.newcomers);
    assert!(admitted.len() as u64 <= most, "{} of {most}", admitted.len());
}
