use std::time::Duration;

use nonos_types::{Hasher, Tag};

enum Jitter {}

impl Tag for Jitter {
    const DOMAIN: &'static str = "nonos/v1/redial-jitter";
}

/// How long to wait before dialling again: 1 to 60 seconds, twice as long after each failure, shortened by up to a
/// third so that nodes that lost each other at once do not dial at once.
///
/// ```
/// use nonos_mesh::core::Redial;
///
/// let mut redial = Redial::new(&[7; 32]);
/// let first = redial.after_failure();
/// assert!(first.as_millis() <= 1000);
/// let later = (0..10).map(|_| redial.after_failure()).last().expect("ten");
/// assert!((40..=60).contains(&later.as_secs()));
/// redial.succeeded();
/// assert!(redial.after_failure().as_millis() <= 1000);
/// ```
#[derive(Clone, Debug)]
pub struct Redial {
    seed: [u8; 32],
    dials: u64,
    failures: u32,
}

impl Redial {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(60);

    /// Jitter follows from the seed, which should be another for each node and peer.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self {
            seed: *seed,
            dials: 0,
            failures: 0,
        }
    }

    /// How long to wait now.
    pub fn after_failure(&mut self) -> Duration {
        let longest = Self::FIRST * 2_u32.pow(self.failures.min(6));
        let longest = longest.min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.dials = self.dials.wrapping_add(1);
        let digest = Hasher::<Jitter>::new()
            .part(&self.seed)
            .part(&self.dials.to_le_bytes())
            .finish();
        longest - longest / 3 * u32::from(digest.as_bytes()[0]) / 255
    }

    /// Starts over at a second.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}
