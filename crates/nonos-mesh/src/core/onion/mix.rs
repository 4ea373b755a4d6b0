use std::collections::BTreeMap;

use nonos_types::{FamilyId, NodeId, OnionKey, Timestamp};

use super::{Settings, keys::Period, packet::Hop};
use crate::core::{Directory, Prefix, Seen};

/// A node that frames may go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Who.
    pub node: NodeId,
    /// Its keys.
    pub keys: Vec<OnionKey>,
    /// Where it is, as far as that must not be where another hop is.
    pub prefix: Option<Prefix>,
    /// In whose hand it is, if it says so.
    pub family: Option<FamilyId>,
    /// Who first told of it, as far as no other hop must have been told of by the same.
    pub introducer: Option<NodeId>,
    /// Have at least two neighbours shown it? Who has been shown nodes that nobody else knows of can be recognised by them.
    pub confirmed: bool,
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
    ///
    /// Those that fewer than two neighbours have shown are left out, if the others have at least half of the weight and are
    /// more than a route's hops. Else a neighbour may be holding back what it knows of others, and would choose the routes.
    ///
    /// Introducers are told apart if none of them told of more weight than the share of one hop. Else those that few told of
    /// would be on every route, and whoever comes without being told of could be on all.
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
                    family: it.family,
                    introducer: directory.seen(it.signer()).and_then(Seen::introducer),
                    confirmed: directory.seen(it.signer()).is_some_and(Seen::is_confirmed),
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
        let (confirmed, count) = weight(&mixes, |mix| mix.confirmed);
        if 2 * confirmed >= weight(&mixes, |_| true).0 && count > settings.hops {
            mixes.retain(|mix| mix.confirmed);
        }
        let hops = settings.hops as u64;
        let mut told = BTreeMap::<NodeId, u64>::new();
        for mix in &mixes {
            if let Some(introducer) = mix.introducer {
                *told.entry(introducer).or_default() += u64::from(mix.weight_ppm);
            }
        }
        let most = told.values().max().copied().unwrap_or(0);
        if most * hops > weight(&mixes, |_| true).0 {
            mixes.iter_mut().for_each(|mix| mix.introducer = None);
        }
        mixes
    }

    /// May they not be on one route?
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.is_some() && one == other
        }
        self.node == other.node
            || same(self.prefix, other.prefix)
            || same(self.family, other.family)
            || same(self.introducer, other.introducer)
    }

    pub(super) fn hop(&self, period: Period) -> Option<Hop> {
        let key = self.keys.iter().find(|it| it.epoch == period.get())?;
        Some(Hop {
            node: self.node,
            key: key.key,
        })
    }
}

/// What they weigh, and how many they are.
fn weight(mixes: &[Mix], which: impl Fn(&Mix) -> bool) -> (u64, usize) {
    let these = mixes.iter().filter(|mix| which(mix));
    these.fold((0, 0), |(weight, count), mix| {
        (weight + u64::from(mix.weight_ppm), count + 1)
    })
}
