//! What of the machine a node may use.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use nonos_mesh::core::Kbits;
use nonos_types::{ByteLen, Timestamp};
use serde::{Deserialize, Serialize};

/// How much of the machine the node uses. What is not set has no limit beyond those that always hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Share of the cores that proofs, and share that the verification of others', may each use.
    pub cpu: Percent,
    /// Memory of a run, and of a proof.
    pub memory: Option<Memory>,
    /// All that is in the data directory.
    pub disk: Option<Disk>,
    /// How fast peers get objects.
    pub upload_kbit_s: Option<Upload>,
    /// What is sent and received in a calendar month (UTC).
    pub monthly: Option<Monthly>,
    /// When nothing is run and seeded for others, each day (UTC).
    pub quiet_hours: Vec<QuietHours>,
}

impl Limits {
    /// Of so many cores, those that may be used: at least one.
    pub fn cores(&self, there_are: NonZeroUsize) -> NonZeroUsize {
        let share = there_are.get().saturating_mul(usize::from(self.cpu.0)) / 100;
        NonZeroUsize::new(share).unwrap_or(NonZeroUsize::MIN)
    }

    /// Is it quiet now?
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        self.quiet_hours.iter().any(|hours| hours.contain(now))
    }
}

/// A share, from 1 to 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub struct Percent(u8);

impl Default for Percent {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err(format!(
                "{percent} % of the cores: a share is from 1 to 100 (to run nothing, set `executor = \"off\"` under [roles])"
            )),
        }
    }
}

/// Reads bytes with their unit, such as `20GB` or `512MiB`.
fn bytes(text: &str) -> Result<ByteLen, String> {
    const UNITS: [(&str, u64); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    let found = UNITS
        .iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    found
        .and_then(|(number, size)| number.trim().parse::<u64>().ok()?.checked_mul(*size))
        .map(ByteLen::new)
        .ok_or_else(|| {
            format!("`{text}` is not a whole number of bytes with its unit, such as 512MiB or 20GB")
        })
}

/// A number of bytes of which there is a least that makes sense.
macro_rules! size {
    ($(#[$doc:meta])* $name:ident, $least:literal, $why:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(ByteLen);

        impl $name {
            /// How many bytes.
            pub const fn get(self) -> ByteLen {
                self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let size = bytes(&text)?;
                if size < bytes($least)? {
                    return Err(format!("{text} are too little: at least {}, {}", $least, $why));
                }
                Ok(Self(size))
            }
        }
    };
}

size! {
    /// Memory.
    Memory, "256MiB", "which the shortest proof takes"
}
size! {
    /// Room on a disk.
    Disk, "256MiB", "since the books and the longest objects take some"
}
size! {
    /// Traffic of a month.
    Monthly, "1MB", "since a node that says nothing is none"
}

/// How fast peers get objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Upload(Kbits);

impl Upload {
    /// Slower, a part of an object would not arrive while a peer waits for it.
    const LEAST: u32 = 512;

    /// The rate.
    pub const fn get(self) -> Kbits {
        self.0
    }
}

impl TryFrom<u32> for Upload {
    type Error = String;

    fn try_from(kbits: u32) -> Result<Self, String> {
        match Kbits::new(kbits) {
            Some(rate) if kbits >= Self::LEAST => Ok(Self(rate)),
            _ => Err(format!(
                "{kbits} kbit/s are too slow: at least {}, or peers do not wait for a part of an object (to give none, set \
                 `seeder = \"off\"` under [roles])",
                Self::LEAST
            )),
        }
    }
}

/// A time of each day (UTC), from a minute to before another, also across midnight.
///
/// ```
/// use nonos_node::QuietHours;
/// use nonos_types::Timestamp;
///
/// let night: QuietHours = "22:00-06:00".parse()?;
/// let at = |hour: u64| Timestamp::new(hour * 3600);
/// assert!(night.contain(at(23)) && night.contain(at(5)) && !night.contain(at(6)));
/// # Ok::<_, String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours {
    from: u16,
    until: u16,
}

impl QuietHours {
    const DAY: u16 = 24 * 60;

    /// Is this one of them?
    pub fn contain(self, at: Timestamp) -> bool {
        let minute = u16::try_from(at.get() / 60 % u64::from(Self::DAY)).expect("below a day");
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, most: u16| {
        let digits = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        text.parse::<u16>().ok().filter(|it| digits && *it <= most)
    };
    let minutes = number(hour, 24)? * 60 + number(minute, 59)?;
    (minutes <= QuietHours::DAY).then_some(minutes)
}

impl FromStr for QuietHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let times = text
            .split_once('-')
            .and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
        match times {
            Some((from, until)) if from % Self::DAY == until % Self::DAY => Err(format!(
                "`{text}` begin when they end: to run and seed nothing at all, set `executor` and `seeder` to \"off\" under [roles]"
            )),
            Some((from, until)) => Ok(Self {
                from: from % Self::DAY,
                until,
            }),
            None => Err(format!("`{text}` are no hours of a day, such as 22:00-06:00")),
        }
    }
}

impl TryFrom<String> for QuietHours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, "{}-{}", time(self.from), time(self.until))
    }
}

impl From<QuietHours> for String {
    fn from(hours: QuietHours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn refused(line: &str) -> String {
        let error = Config::parse(&format!("[limits]\n{line}\n")).expect_err(line);
        assert_eq!(error.line, 2, "{line}");
        error.message
    }

    #[test]
    fn limits_that_make_no_sense_are_refused_with_the_reason() {
        for (line, why) in [
            ("cpu = 0", "from 1 to 100"),
            ("cpu = 101", "from 1 to 100"),
            ("memory = \"255MiB\"", "at least 256MiB"),
            ("memory = \"much\"", "such as 512MiB or 20GB"),
            ("memory = \"1 gib\"", "such as 512MiB or 20GB"),
            ("memory = \"-1GiB\"", "such as 512MiB or 20GB"),
            ("memory = \"99999999999TiB\"", "such as 512MiB or 20GB"),
            ("disk = \"100MB\"", "at least 256MiB"),
            ("monthly = \"999KB\"", "at least 1MB"),
            ("upload_kbit_s = 511", "at least 512"),
            ("upload_kbit_s = 0", "at least 512"),
            ("quiet_hours = [\"22-6\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"25:00-06:00\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"22:60-06:00\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"24:01-06:00\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"6:00-07:00\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"+6:00-07:00\"]", "such as 22:00-06:00"),
            ("quiet_hours = [\"06:00-06:00\"]", "begin when they end"),
            ("quiet_hours = [\"00:00-24:00\"]", "begin when they end"),
            ("bandwidth = 1", "unknown field"),
        ] {
            let message = refused(line);
            assert!(message.contains(why), "{line}: {message}");
        }
    }

    #[test]
    fn limits_are_read_with_their_units() {
        let text = "[limits]\ncpu = 50\nmemory = \"2 GiB\"\ndisk = \"20GB\"\nupload_kbit_s = 512\nmonthly = \"1TB\"\n\
                    quiet_hours = [\"22:00-06:00\", \"12:30-13:00\"]\n";
        let limits = Config::parse(text).expect("limits").limits;
        assert_eq!(limits.memory.map(Memory::get), Some(ByteLen::new(2 << 30)));
        assert_eq!(limits.disk.map(Disk::get), Some(ByteLen::new(20_000_000_000)));
        assert_eq!(
            limits.monthly.map(Monthly::get),
            Some(ByteLen::new(1_000_000_000_000))
        );
        let hours: Vec<_> = limits.quiet_hours.iter().map(ToString::to_string).collect();
        assert_eq!(hours, ["22:00-06:00", "12:30-13:00"]);
    }

    #[test]
    fn of_any_number_of_cores_one_may_be_used() {
        let cores = |percent: u8, of: usize| {
            let cpu = Percent::try_from(percent).expect("a share");
            let limits = Limits {
                cpu,
                ..Limits::default()
            };
            limits.cores(NonZeroUsize::new(of).expect("not none")).get()
        };
        assert_eq!(
            [
                cores(100, 8),
                cores(50, 8),
                cores(99, 2),
                cores(1, 64),
                cores(1, 1)
            ],
            [8, 4, 1, 1, 1]
        );
    }

    #[test]
    fn quiet_hours_end_at_their_minute_also_across_midnight() {
        let quiet = |hours: &str| -> Vec<u64> {
            let hours: QuietHours = hours.parse().expect("hours");
            let minutes =
                (0..1440).filter(|minute| hours.contain(Timestamp::new(86_400 * 3 + minute * 60 + 59)));
            minutes.collect()
        };
        assert_eq!(quiet("12:30-13:00"), (750..780).collect::<Vec<_>>());
        assert_eq!(quiet("23:59-00:02"), [0, 1, 1439]);
        assert_eq!(quiet("22:00-24:00"), (1320..1440).collect::<Vec<_>>());
        assert_eq!(quiet("24:00-00:01"), [0]);
        assert_eq!(quiet("00:00-23:59").len(), 1439);
    }
}
