use std::collections::BTreeSet;

use nonos_types::{NodeId, Timestamp};
use rand_core::CryptoRng;

use super::{
    health::Health,
    keys::Period,
    mix::Mix,
    route::{self, Ends},
};

/// The few neighbours that a node's frames enter by and its answers leave by. Who takes other ones each time has, in
/// time, one of its enemy's; who stays with a few has one or has none (Øverlier and Syverson 2006).
///
/// ```
/// use nonos_mesh::core::onion::Guards;
/// use nonos_types::{NodeId, Timestamp};
///
/// let kept = vec![(NodeId::from_bytes([7; 32]), Timestamp::new(1_800_000_000))];
/// assert_eq!(Guards::new(kept.clone()).chosen(), kept);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guards(Vec<(NodeId, Timestamp)>);

impl Guards {
    /// Most at a time.
    pub const MOST: usize = 3;
    /// So many should be connected: who is asked cannot be one that the answer comes by.
    const CONNECTED: usize = 2;
    /// Seconds after which another is taken in its place.
    pub const KEPT_S: u64 = 30 * 24 * 60 * 60;

    /// Those of an earlier run, and since when they are.
    pub fn new(chosen: Vec<(NodeId, Timestamp)>) -> Self {
        Self(chosen.into_iter().take(Self::MOST).collect())
    }

    /// Who they are, and since when.
    pub fn chosen(&self) -> &[(NodeId, Timestamp)] {
        &self.0
    }

    /// Drops those whose time is over, and takes others from the connected ones while too few of them are connected and
    /// there is room: only a guard that is no longer listed makes room. Says whether something changed.
    pub(super) fn update(
        &mut self,
        rng: &mut impl CryptoRng,
        mixes: &[Mix],
        connected: &BTreeSet<NodeId>,
        period: Period,
        now: Timestamp,
    ) -> bool {
        let before = self.0.clone();
        self.0
            .retain(|(_, since)| now.get() < since.get().saturating_add(Self::KEPT_S));
        let listed = |node| mixes.iter().any(|mix| mix.node == node);
        while self.usable(connected).len() < Self::CONNECTED {
            let others: BTreeSet<NodeId> = connected - &self.usable(connected);
            let among = Ends {
                first: Some(&others),
                ..Ends::default()
            };
            let Some(route) = route::draw(rng, mixes, &Health::default(), period, 1, among) else {
                break;
            };
            if self.0.len() >= Self::MOST {
                let Some(index) = self.0.iter().position(|(node, _)| !listed(*node)) else {
                    break;
                };
                self.0.remove(index);
            }
            self.0.push((route[0].node, now));
        }
        self.0 != before
    }

    /// Those that are connected.
    pub(super) fn usable(&self, connected: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        (self.0.iter())
            .map(|(node, _)| *node)
            .filter(|node| connected.contains(node))
            .collect()
    }
}
