use std::{num::NonZeroU32, time::Duration};

use nonos_types::ByteLen;

/// Kilobits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kbits(NonZeroU32);

impl Kbits {
    /// So many; none is no rate.
    pub const fn new(kbits: u32) -> Option<Self> {
        match NonZeroU32::new(kbits) {
            Some(kbits) => Some(Self(kbits)),
            None => None,
        }
    }

    /// How many.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// How long so many bytes take.
    fn time(self, len: ByteLen) -> Duration {
        let bits = u128::from(len.get()) * 8;
        // A thousand bits a second are a bit a millisecond.
        let nanos = bits * 1_000_000 / u128::from(self.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Lets bytes out at a rate: who comes waits until those before have gone. After a rest, a second's worth goes at once.
///
/// ```
/// use std::time::Duration;
/// use nonos_mesh::core::{Kbits, Throttle};
/// use nonos_types::ByteLen;
///
/// let mut throttle = Throttle::new(Kbits::new(800).expect("a rate")); // 100 bytes a millisecond
/// let (now, patience) = (Duration::from_secs(9), Duration::from_secs(1));
/// let mut wait = |len| throttle.reserve(ByteLen::new(len), now, patience);
/// assert_eq!(wait(100_000), Some(Duration::ZERO));
/// assert_eq!(wait(50_000), Some(Duration::from_millis(500)));
/// assert_eq!(wait(100_000), None); // longer than anybody waits
/// assert_eq!(wait(50_000), Some(Duration::from_secs(1)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Throttle {
    rate: Kbits,
    /// When all that was let out has gone.
    free_at: Duration,
}

impl Throttle {
    const BURST: Duration = Duration::from_secs(1);

    /// At a rate, rested.
    pub fn new(rate: Kbits) -> Self {
        Self {
            rate,
            free_at: Duration::ZERO,
        }
    }

    /// How long so many bytes wait, at a time since some beginning; `None`, and nothing is reserved, if that is longer than
    /// `patience`.
    pub fn reserve(&mut self, len: ByteLen, now: Duration, patience: Duration) -> Option<Duration> {
        let from = self.free_at.max(now.saturating_sub(Self::BURST));
        let free_at = from.saturating_add(self.rate.time(len));
        let wait = free_at.saturating_sub(now);
        if wait > patience {
            return None;
        }
        self.free_at = free_at;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What leaves in any stretch of time is the rate, and the burst.
    #[test]
    fn no_more_goes_than_the_rate_and_a_burst() {
        let rate = Kbits::new(512).expect("a rate");
        for seconds in [10, 100] {
            let (mut throttle, mut sent) = (Throttle::new(rate), 0);
            // It has rested for an hour, and everybody wants something at each millisecond.
            for millis in 0..seconds * 1000 {
                let now = Duration::from_millis(3_600_000 + millis);
                while throttle
                    .reserve(ByteLen::new(4096), now, Duration::from_millis(100))
                    .is_some()
                {
                    sent += 4096;
                }
            }
            let most = 64_000 * (seconds + 1) + 64_000 / 10;
            assert!(sent <= most && sent >= most - 4096, "{sent} of {most}");
        }
    }

    #[test]
    fn what_would_wait_too_long_takes_nothing_from_others() {
        let mut throttle = Throttle::new(Kbits::new(8).expect("a rate"));
        let (now, patience) = (Duration::from_secs(100), Duration::from_secs(3));
        assert_eq!(throttle.reserve(ByteLen::MAX, now, patience), None);
        assert_eq!(
            throttle.reserve(ByteLen::new(1000), now, patience),
            Some(Duration::ZERO)
        );
        assert_eq!(
            throttle.reserve(ByteLen::new(3000), now, patience),
            Some(patience)
        );
        assert_eq!(throttle.reserve(ByteLen::new(1), now, patience), None);
    }
}
