use std::collections::{BTreeMap, HashSet};

use nonos_types::{OnionKey, Timestamp};
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};

use super::frame::Head;

/// Six hours, for which a key is used; counted from 1970.
///
/// ```
/// use nonos_mesh::core::onion::Period;
/// use nonos_types::Timestamp;
///
/// assert_eq!(Period::of(Timestamp::new(2 * Period::SECONDS)), Period::new(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u64);

impl Period {
    /// Its seconds.
    pub const SECONDS: u64 = 6 * 60 * 60;

    /// That of a time.
    pub fn of(time: Timestamp) -> Self {
        Self(time.get() / Self::SECONDS)
    }

    /// Takes its number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A node's own keys: of this period, of the one before for packets on their way, and of the next one, which others need
/// in time. What was wrapped for a key that is gone can be read by nobody.
///
/// They are never written down. So no packet that was seen before a restart is taken after it, without any record of
/// what was seen then.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<Period, Key>);

pub(super) struct Key {
    pub(super) secret: StaticSecret,
    seen: HashSet<[u8; 16]>,
}

impl Keys {
    /// Most packets that are taken with one key; then it is replaced. Their tags take 16 bytes each, and with the table's
    /// slack some 36 MB.
    pub(super) const MOST_SEEN: usize = 1 << 20;

    /// Makes keys that are missing and drops those that are over. Says whether others must be told.
    pub(super) fn advance(&mut self, rng: &mut impl CryptoRng, now: Timestamp, most_seen: usize) -> bool {
        let period = Period::of(now);
        let kept = Period(period.0.saturating_sub(1))..=Period(period.0 + 1);
        let before = self.0.len();
        self.0
            .retain(|it, key| kept.contains(it) && key.seen.len() < most_seen);
        let mut changed = self.0.len() != before;
        for period in [period, Period(period.0 + 1)] {
            self.0.entry(period).or_insert_with(|| {
                changed = true;
                let mut seed = [0; 32];
                rng.fill_bytes(&mut seed);
                Key {
                    secret: StaticSecret::from(seed),
                    seen: HashSet::new(),
                }
            });
        }
        changed
    }

    /// What others are told.
    pub(super) fn announced(&self) -> Vec<OnionKey> {
        (self.0.iter())
            .map(|(period, key)| OnionKey {
                epoch: period.0,
                key: PublicKey::from(&key.secret).to_bytes(),
            })
            .collect()
    }

    pub(super) fn get(&self, head: Head) -> Option<(Period, &Key)> {
        (self.0.iter())
            .find(|(period, _)| Head::of(**period) == head)
            .map(|(period, key)| (*period, key))
    }

    /// Remembers that a packet was taken; `false` if it was before.
    pub(super) fn saw(&mut self, period: Period, tag: [u8; 16]) -> bool {
        (self.0.get_mut(&period)).is_some_and(|key| key.seen.insert(tag))
    }

    /// Is it as good as worn out?
    pub(super) fn is_worn(&self, period: Period, most_seen: usize) -> bool {
        (self.0.get(&period)).is_none_or(|key| key.seen.len() >= most_seen)
    }
}
