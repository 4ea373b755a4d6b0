use nonos_types::{Hasher, Tag, Timestamp};

enum Jitter {}

impl Tag for Jitter {
    const DOMAIN: &'static str = "nonos/v1/sync-jitter";
}

/// When to reconcile with a peer: every 30 s, give or take 30 %, so that nodes that met at once do not ask at once;
/// and three times in quick succession with a peer that has come back, since much is missing then.
///
/// ```
/// use nonos_mesh::core::reconcile::Pace;
/// use nonos_types::Timestamp;
///
/// let now = Timestamp::new(1_800_000_000);
/// let mut pace = Pace::new(&[7; 32], now);
/// assert!(pace.due() <= Timestamp::new(now.get() + 2)); // a peer that has just come
/// let mut last = pace.due();
/// for _ in 0..Pace::BURST {
///     pace.began(last);
///     last = pace.due();
/// }
/// pace.began(last);
/// assert!((21..=39).contains(&(pace.due().get() - last.get())));
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    seed: [u8; 32],
    rounds: u64,
    quick: u32,
    due: Timestamp,
}

impl Pace {
    /// Seconds between rounds.
    pub const INTERVAL: u64 = 30;
    /// What may be added to or taken from them.
    pub const JITTER: u64 = 9;
    /// Quick rounds with a peer that has come.
    pub const BURST: u32 = 3;
    /// Most seconds between those.
    const QUICK: u64 = 2;

    /// With a peer that has come now. Jitter follows from the seed, which should be another for each node and peer.
    pub fn new(seed: &[u8; 32], now: Timestamp) -> Self {
        let mut pace = Self {
            seed: *seed,
            rounds: 0,
            quick: 0,
            due: now,
        };
        pace.reconnected(now);
        pace
    }

    /// When the next round begins.
    pub fn due(&self) -> Timestamp {
        self.due
    }

    /// A round begins.
    pub fn began(&mut self, now: Timestamp) {
        self.rounds = self.rounds.wrapping_add(1);
        let wait = if self.quick > 0 {
            self.quick -= 1;
            self.up_to(Self::QUICK)
        } else {
            Self::INTERVAL - Self::JITTER + self.up_to(2 * Self::JITTER)
        };
        self.due = Timestamp::new(now.get().saturating_add(wait));
    }

    /// The peer has come back.
    pub fn reconnected(&mut self, now: Timestamp) {
        self.rounds = self.rounds.wrapping_add(1);
        self.quick = Self::BURST;
        self.due = Timestamp::new(now.get().saturating_add(self.up_to(Self::QUICK)));
    }

    /// The peer did not answer soundly, or not at all: what is left of the burst is not for it.
    pub fn failed(&mut self, now: Timestamp) {
        self.quick = 0;
        self.began(now);
    }

    /// A number from 0 to this one.
    fn up_to(&self, most: u64) -> u64 {
        let digest = Hasher::<Jitter>::new()
            .part(&self.seed)
            .part(&self.rounds.to_le_bytes())
            .finish();
        let [a, b, c, d, ..] = *digest.as_bytes();
        u64::from(u32::from_le_bytes([a, b, c, d])) % (most + 1)
    }
}
