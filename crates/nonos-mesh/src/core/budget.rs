use nonos_types::{ByteLen, Timestamp};

/// How much comes through in the long run, and how much at once.
///
/// It is counted in pieces of 4 KiB, at least one per message, so that few long messages weigh as many short ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pieces per second.
    pub per_second: u32,
    /// Pieces at once, after a rest.
    pub burst: u32,
}

impl Rate {
    const PIECE: u64 = 4 << 10;

    /// What a message of this length costs; never more than a full bucket has, or it could never pass.
    pub(super) fn cost(self, len: ByteLen) -> u32 {
        let pieces = 1 + len.get() / Self::PIECE;
        u32::try_from(pieces).unwrap_or(u32::MAX).min(self.burst)
    }
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    tokens: u32,
    filled: Timestamp,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Timestamp) -> Self {
        Self {
            rate,
            tokens: rate.burst,
            filled: now,
        }
    }

    pub(super) fn has(&mut self, len: ByteLen, now: Timestamp) -> bool {
        self.fill(now);
        self.tokens >= self.rate.cost(len)
    }

    /// Takes what the message costs, or nothing if it is not there.
    pub(super) fn take(&mut self, len: ByteLen, now: Timestamp) -> bool {
        let has = self.has(len, now);
        if has {
            self.tokens -= self.rate.cost(len);
        }
        has
    }

    /// Takes so many pieces, or nothing if they are not there.
    pub(super) fn take_pieces(&mut self, pieces: u32, now: Timestamp) -> bool {
        self.fill(now);
        let left = self.tokens.checked_sub(pieces);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// A clock that was set back fills nothing until it has caught up with itself from there.
    fn fill(&mut self, now: Timestamp) {
        let seconds = now.get().saturating_sub(self.filled.get());
        let gained = seconds.saturating_mul(self.rate.per_second.into());
        let full = u64::from(self.rate.burst);
        let tokens = u64::from(self.tokens).saturating_add(gained).min(full);
        self.tokens = u32::try_from(tokens).expect("at most the burst");
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 2,
        burst: 5,
    };
    const SHORT: ByteLen = ByteLen::new(100);

    fn taken(bucket: &mut Bucket, now: u64) -> usize {
        (0..100)
            .take_while(|_| bucket.take(SHORT, Timestamp::new(now)))
            .count()
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(RATE, Timestamp::new(10));
        assert_eq!(taken(&mut bucket, 10), 5);
        assert_eq!(taken(&mut bucket, 11), 2);
        assert_eq!(taken(&mut bucket, 1_000_000), 5);
    }

    #[test]
    fn a_clock_set_back_neither_fills_nor_blocks_for_ever() {
        let mut bucket = Bucket::new(RATE, Timestamp::new(1000));
        assert_eq!(taken(&mut bucket, 1000), 5);
        assert_eq!(taken(&mut bucket, 10), 0);
        assert_eq!(taken(&mut bucket, 11), 2);
    }

    #[test]
    fn the_longest_message_costs_a_full_bucket_at_most() {
        let mut bucket = Bucket::new(RATE, Timestamp::new(0));
        assert!(bucket.take(ByteLen::new(1 << 30), Timestamp::new(0)));
        assert!(!bucket.take(SHORT, Timestamp::new(0)));
    }
}
