use std::time::Duration;

use nonos_mesh::core::onion::{Cover, Settings};
use nonos_types::{Digest, FamilyId, NetworkId, Tag};
use serde::{Deserialize, Serialize};

/// How a node hides which capsules it looks up, and that a receipt comes from where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Onion {
    /// Does it?
    pub policy: Policy,
    /// How much it sends when it has nothing to say.
    pub cover: CoverName,
    /// Nodes on a route, the one it ends at included.
    #[serde(deserialize_with = "hops")]
    pub hops: usize,
    /// Milliseconds that a hop holds a frame, on average.
    #[serde(deserialize_with = "delay")]
    pub delay_ms: u64,
    /// Seconds for which a node must have been listed before frames go through it.
    pub min_age_s: u64,
    /// Words that all nodes in one hand have in common: no two of these are on one route. None if there is but one.
    #[serde(deserialize_with = "family")]
    pub family: Option<Family>,
}

/// Words that nodes in one hand have in common. Others see only whether they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family([u8; 32]);

enum Words {}

impl Tag for Words {
    const DOMAIN: &'static str = "nonos/v1/family-words";
}

/// What a node does where it cannot hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// It hides as far as it can, and asks openly where it cannot.
    #[default]
    Preferred,
    /// It does not do it.
    Required,
    /// It never hides, and helps nobody to.
    Off,
}

/// How much a node sends when it has nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoverName {
    /// A frame of 4 KiB each five seconds.
    Low,
    /// One each second.
    #[default]
    Normal,
    /// Four each second.
    High,
    /// None.
    Metered,
}

impl Onion {
    /// Longest average delay, in milliseconds: hops hold nothing longer than ten seconds.
    pub const MAX_DELAY_MS: u64 = 2_000;
    /// Longest words of a family, in bytes.
    pub const MAX_FAMILY: usize = 256;

    /// For the mesh; `None` if it is off.
    pub(crate) fn settings(self, lan: bool) -> Option<Settings> {
        (self.policy != Policy::Off).then(|| Settings {
            hops: self.hops,
            cover: match self.cover {
                CoverName::Low => Cover::Low,
                CoverName::Normal => Cover::Normal,
                CoverName::High => Cover::High,
                CoverName::Metered => Cover::Metered,
            },
            mean_delay: Duration::from_millis(self.delay_ms),
            min_age_s: self.min_age_s,
            private_prefixes: !lan,
            ..Settings::default()
        })
    }

    /// What this node's descriptor says of whose it is: another name in each network.
    pub(crate) fn family_in(self, network: NetworkId) -> Option<FamilyId> {
        let Family(words) = self.family?;
        Some(FamilyId::hash(&[network.as_bytes(), &words]))
    }

    /// Fewest nodes on a route.
    pub(crate) fn least_hops(self) -> usize {
        match self.policy {
            Policy::Required => self.hops,
            _ => 2,
        }
    }
}

impl Default for Onion {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            policy: Policy::default(),
            cover: CoverName::default(),
            hops: settings.hops,
            delay_ms: 300,
            min_age_s: settings.min_age_s,
            family: None,
        }
    }
}

fn hops<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let hops = usize::deserialize(deserializer)?;
    let most = Settings::MOST_HOPS;
    if (2..=most).contains(&hops) {
        Ok(hops)
    } else {
        let message = format!("a route has 2 to {most} hops, not {hops}");
        Err(serde::de::Error::custom(message))
    }
}

fn family<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Family>, D::Error> {
    let words = String::deserialize(deserializer)?;
    if words.trim().is_empty() || words.len() > Onion::MAX_FAMILY {
        let message = format!(
            "a family's words are 1 to {} bytes, not blanks alone",
            Onion::MAX_FAMILY
        );
        return Err(serde::de::Error::custom(message));
    }
    let digest = Digest::<Words>::hash(&[words.as_bytes()]);
    Ok(Some(Family(digest.to_bytes())))
}

fn delay<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let delay = u64::deserialize(deserializer)?;
    let most = Onion::MAX_DELAY_MS;
    if delay <= most {
        Ok(delay)
    } else {
        let message = format!(
            "a mean delay of {delay} ms: at most {most}, as no hop holds a frame for longer than 10 s"
        );
        Err(serde::de::Error::custom(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn onion(text: &str) -> Result<Onion, crate::ConfigError> {
        Config::parse(&format!("[onion]\n{text}")).map(|config| config.onion)
    }

    #[test]
    fn a_node_hides_as_far_as_it_can_unless_told_otherwise() {
        let settings = Config::default().onion.settings(false).expect("it is on");
        assert_eq!(settings, Settings::default());
        assert_eq!(Config::default().onion.least_hops(), 2);
        let off = onion("policy = \"off\"").expect("a configuration");
        assert_eq!(off.settings(false), None);
        let required = onion("policy = \"required\"\nhops = 4").expect("a configuration");
        assert_eq!(required.least_hops(), 4);
        let metered = onion("cover = \"metered\"\nmin_age_s = 5\ndelay_ms = 7").expect("a configuration");
        let settings = metered.settings(true).expect("it is on");
        assert_eq!(
            settings,
            Settings {
                cover: Cover::Metered,
                mean_delay: Duration::from_millis(7),
                min_age_s: 5,
                private_prefixes: false,
                ..Settings::default()
            }
        );
    }

    #[test]
    fn a_family_is_one_in_all_its_nodes_and_another_in_each_network() {
        let [here, there] = ["here", "there"].map(NetworkId::named);
        let named = |words: &str| onion(&format!("family = \"{words}\"")).expect("a configuration");
        assert_eq!(Config::default().onion.family_in(here), None);
        let ours = named("ours").family_in(here);
        assert!(ours.is_some());
        assert_eq!(named("ours").family_in(here), ours);
        assert_ne!(named("ours").family_in(there), ours);
        assert_ne!(named("theirs").family_in(here), ours);
    }

    #[test]
    fn what_would_not_hide_or_not_arrive_is_refused() {
        for (text, says) in [
            ("hops = 1", "2 to 5 hops"),
            ("hops = 6", "2 to 5 hops"),
            ("delay_ms = 2001", "at most 2000"),
            ("policy = \"maybe\"", "unknown variant"),
            ("cover = \"much\"", "unknown variant"),
            ("hop = 3", "unknown field"),
            ("family = \" \"", "1 to 256 bytes"),
        ] {
            let error = onion(text).expect_err(text);
            assert_eq!(error.line, 2, "{text}");
            assert!(error.message.contains(says), "{text}: {error}");
        }
    }
}
