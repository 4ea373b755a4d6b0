//! The machine's clocks: the one place where the node reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nonos_types::{Clock, Timestamp};

use crate::engine::Moment;

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the node's clock")]
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(crate) fn moment(&self) -> Moment {
        let millis = self.started.elapsed().as_millis();
        Moment {
            time: self.now(),
            millis: u64::try_from(millis).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn millis(&self) -> u64 {
        self.moment().millis
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the node's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::new(since.map_or(0, |since| since.as_secs()))
    }
}
