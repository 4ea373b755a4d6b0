use std::collections::BTreeMap;

use nonos_types::{NodeId, OnionKey, Timestamp};

use super::{Settings, keys::Period, packet::Hop};
use crate::core::{Directory, Prefix};

/// A node that frames may go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Who.
    pub node: NodeId,
    /// Its keys.
    pub keys: Vec<OnionKey>,
    /// Where it is, as far as that must not be where another hop is.
    pub prefix: Option<Prefix>,
    /// How often it is taken, compared with others, in millionths.
    pub weight_ppm: u32,
}

impl Mix {
    /// Least weight; one's own judgement must not show in who is never taken.
    pub const FLOOR_PPM: u32 = 50_000;

    /// Those of the directory that may be hops of this node's routes: old enough, with a key of this period, and not
    /// refused by `trust`, which says what part of a full score a node has.
    ///
    /// Nodes of one prefix share one weight, the best of them: whoever runs many in one place is taken no more often
    /// than who runs one.
    pub fn of(
        directory: &Directory,
        me: NodeId,
        settings: &Settings,
        now: Timestamp,
        mut trust: impl FnMut(NodeId) -> Option<u32>,
    ) -> Vec<Self> {
        let period = Period::of(now);
        let old_enough =
            |node| (directory.since(node)).is_some_and(|since| now.get() >= since.get() + settings.min_age_s);
        let mut mixes: Vec<Self> = (directory.iter())
            .filter(|it| it.signer() != me && it.valid_until >= now && old_enough(it.signer()))
            .filter(|it| it.onion_keys.iter().any(|key| key.epoch == period.get()))
            .filter_map(|it| {
                let prefix = Prefix::of(it);
                let bounded = settings.private_prefixes || !prefix.is_private();
                Some(Self {
                    node: it.signer(),
                    keys: it.onion_keys.clone(),
                    prefix: bounded.then_some(prefix),
                    weight_ppm: trust(it.signer())?.max(Self::FLOOR_PPM),
                })
            })
            .collect();
        let mut of_prefix = BTreeMap::<Prefix, (u32, u32)>::new();
        for mix in &mixes {
            if let Some(prefix) = mix.prefix {
                let (count, best) = of_prefix.entry(prefix).or_default();
                *count += 1;
                *best = mix.weight_ppm.max(*best);
            }
        }
        for mix in &mut mixes {
            if let Some((count, best)) = mix.prefix.and_then(|prefix| of_prefix.get(&prefix)) {
                mix.weight_ppm = (best / count).max(1);
            }
        }
        mixes
    }

    pub(super) fn hop(&self, period: Period) -> Option<Hop> {
        let key = self.keys.iter().find(|it| it.epoch == period.get())?;
        Some(Hop {
            node: self.node,
            key: key.key,
        })
    }
}
