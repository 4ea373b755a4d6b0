use std::time::Duration;

use crate::core::Rate;

/// How much a node sends when it has nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cover {
    /// A frame each five seconds.
    Low,
    /// One each second.
    #[default]
    Normal,
    /// Four each second.
    High,
    /// None: what is said is hidden, when something is said is not.
    Metered,
}

impl Cover {
    /// Of its cover, what goes around and comes back, in percent: so a node knows what gets through.
    pub(super) const LOOPS_PERCENT: u8 = 25;

    /// Mean time between frames of this node's own; `None` if there are none but for something to say.
    pub fn interval(self) -> Option<Duration> {
        match self {
            Self::Low => Some(Duration::from_secs(5)),
            Self::Normal => Some(Duration::from_secs(1)),
            Self::High => Some(Duration::from_millis(250)),
            Self::Metered => None,
        }
    }

    /// Mean time between frames that have something to say.
    pub(super) fn pace(self) -> Duration {
        self.interval().unwrap_or(Duration::from_millis(50))
    }
}

/// How a node hides.
///
/// ```
/// use std::time::Duration;
///
/// use nonos_mesh::core::onion::{Cover, Settings};
///
/// let settings = Settings { cover: Cover::High, ..Settings::default() };
/// assert_eq!(settings.timeout(1), Duration::from_secs(4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Nodes on a route, the one it ends at included; 2 to [`Settings::MOST_HOPS`].
    pub hops: usize,
    /// How much it sends when it has nothing to say.
    pub cover: Cover,
    /// How long a hop holds a frame, on average.
    pub mean_delay: Duration,
    /// Seconds for which a node must have been listed before frames go through it.
    pub min_age_s: u64,
    /// Do private addresses count as prefixes? Not where all nodes are in one house.
    pub private_prefixes: bool,
    /// How often something is asked before it is given up.
    pub attempts: u32,
    /// Frames that are taken of one neighbour.
    pub of_neighbour: Rate,
    /// Packets that are taken with one key.
    pub of_key: usize,
}

impl Settings {
    /// Most nodes on a route.
    pub const MOST_HOPS: usize = 5;

    /// How long an answer in so many frames may take, from when the last frame of the question is sent: the hops hold each
    /// frame, and whoever answers sends at its pace, which is taken to be this node's.
    pub fn timeout(&self, frames: u32) -> Duration {
        self.mean_delay * 10 + self.cover.pace() * (2 + 2 * frames)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hops: 3,
            cover: Cover::Normal,
            mean_delay: Duration::from_millis(300),
            min_age_s: 60 * 60,
            private_prefixes: true,
            attempts: 3,
            of_neighbour: Rate {
                per_second: 50,
                burst: 200,
            },
            of_key: super::keys::Keys::MOST_SEEN,
        }
    }
}
