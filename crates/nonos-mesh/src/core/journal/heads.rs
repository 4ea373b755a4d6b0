use std::collections::BTreeMap;

use nonos_types::{Epoch, ForkedHead, NodeId, RelayHead, Signed};

use super::Journal;
use crate::core::Recent;

/// What a head is to a node that has seen others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// New, and remembered.
    New,
    /// Seen before.
    Known,
    /// More than one of its relay within an interval: not remembered, and not to be passed on.
    TooMany,
    /// The relay has signed for another log of this hour and size. Both are evidence.
    Fork(Box<ForkedHead>),
}

/// The heads that relays have signed of late, to notice who keeps two logs.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_mesh::core::journal::{Heads, Journal, Seen};
/// use nonos_types::{MessageId, NetworkId, Signed, Timestamp};
///
/// let now = Timestamp::new(1_800_000_000);
/// let key = SigningKey::from_bytes(&[1; 32]);
/// let [one, other] = [b"one", b"two"].map(|message| {
///     let mut journal = Journal::new(NetworkId::named("example"), None);
///     journal.accept(MessageId::hash(&[message]), now);
///     Signed::new(journal.due(now).expect("something new"), &key)
/// });
///
/// let mut heads = Heads::new();
/// assert_eq!(heads.see(&one), Seen::New);
/// assert_eq!(heads.see(&one), Seen::Known);
/// assert!(matches!(heads.see(&other), Seen::Fork(_)));
/// ```
#[derive(Debug)]
pub struct Heads {
    /// By interval.
    relays: Recent<NodeId, BTreeMap<u64, Signed<RelayHead>>>,
}

impl Heads {
    /// Heads remembered of a relay: two hours of them. A fork that shows up later is for others to notice.
    pub const OF_RELAY: usize = 240;
    /// Relays told apart at least.
    pub const RELAYS: usize = 128;

    /// None seen yet.
    pub fn new() -> Self {
        Self {
            relays: Recent::new(Self::RELAYS),
        }
    }

    /// Looks at a head. What it says of its relay is not believed, only that the relay said it.
    pub fn see(&mut self, head: &Signed<RelayHead>) -> Seen {
        let heads = self.relays.entry(head.signer(), BTreeMap::new);
        let alike = heads
            .values()
            .filter(|it| (it.epoch, it.size) == (head.epoch, head.size));
        if let Some(fork) = alike.filter_map(|it| ForkedHead::of(head, it)).next() {
            return Seen::Fork(Box::new(fork));
        }
        let interval = head.at.get() / Journal::INTERVAL;
        if let Some(other) = heads.get(&interval) {
            let same = other.id() == head.id();
            return if same { Seen::Known } else { Seen::TooMany };
        }
        heads.insert(interval, head.clone());
        if heads.len() > Self::OF_RELAY {
            heads.pop_first();
        }
        Seen::New
    }

    /// The longest log that was seen of a relay for each hour, the newest hour first: what it has signed for in another
    /// head of the hour is in this one, too.
    pub fn longest(&self, relay: NodeId) -> impl Iterator<Item = &Signed<RelayHead>> {
        let heads = self.relays.get(&relay).into_iter().flat_map(BTreeMap::values);
        let mut of_hours: BTreeMap<Epoch, &Signed<RelayHead>> = BTreeMap::new();
        for head in heads {
            let longest = of_hours.entry(head.epoch).or_insert(head);
            if head.size > longest.size {
                *longest = head;
            }
        }
        of_hours.into_values().rev()
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self::new()
    }
}
