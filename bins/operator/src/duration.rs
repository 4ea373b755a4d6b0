//! Spans of time as people write them.

use std::{fmt, str::FromStr};

/// Seconds, minutes, hours or days: `90s`, `30m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration {
    count: u64,
    unit: char,
}

impl Duration {
    fn unit_s(unit: char) -> Option<u64> {
        Some(match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return None,
        })
    }

    /// How many seconds.
    pub(crate) fn seconds(self) -> u64 {
        // Reading has seen to it that they can be counted.
        self.count.saturating_mul(Self::unit_s(self.unit).unwrap_or(1))
    }
}

impl FromStr for Duration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const BAD: &str = "write it as 90s, 30m, 12h or 7d";
        let unit = text.chars().next_back().ok_or(BAD)?;
        let unit_s = Self::unit_s(unit).ok_or(BAD)?;
        let count = &text[..text.len() - 1];
        if count.is_empty() || !count.bytes().all(|it| it.is_ascii_digit()) {
            return Err(BAD);
        }
        let count: u64 = count.parse().map_err(|_| BAD)?;
        if count == 0 || count.checked_mul(unit_s).is_none() {
            return Err(BAD);
        }
        Ok(Self { count, unit })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_nothing_else() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800)] {
            let it: Duration = text.parse().expect("a span");
            assert_eq!((it.seconds(), it.to_string().as_str()), (seconds, text));
        }
        for text in [
            "",
            "s",
            "0d",
            "1",
            "1w",
            "-1d",
            "+1d",
            "1.5h",
            "1ä",
            "1 d",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
