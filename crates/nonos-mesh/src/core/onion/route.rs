//! Which nodes a frame goes through.

use std::collections::BTreeSet;

use nonos_types::NodeId;
use rand_core::CryptoRng;

use super::{
    health::Health,
    keys::Period,
    mix::Mix,
    packet::{Hop, unit},
};

/// Where a route must begin and end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends<'a> {
    /// One of these is the first hop.
    pub(super) first: Option<&'a BTreeSet<NodeId>>,
    /// One of these is the last hop, before `end`.
    pub(super) last: Option<&'a BTreeSet<NodeId>>,
    /// This is where it ends; it is no hop before.
    pub(super) end: Option<Hop>,
    /// This is not on it.
    pub(super) without: Option<NodeId>,
}

/// Draws a route of `hops` nodes. None is on it twice, and no two are of one prefix or family or were told of by the same
/// neighbour, as far as that is known. `None` if there are too few; before that, introducers are not told apart.
pub(super) fn draw(
    rng: &mut impl CryptoRng,
    mixes: &[Mix],
    health: &Health,
    period: Period,
    hops: usize,
    ends: Ends<'_>,
) -> Option<Vec<Hop>> {
    draw_apart(rng, mixes, health, period, hops, ends).or_else(|| {
        mixes.iter().any(|mix| mix.introducer.is_some()).then_some(())?;
        let mixes: Vec<Mix> = mixes
            .iter()
            .map(|mix| Mix {
                introducer: None,
                ..mix.clone()
            })
            .collect();
        draw_apart(rng, &mixes, health, period, hops, ends)
    })
}

fn draw_apart(
    rng: &mut impl CryptoRng,
    mixes: &[Mix],
    health: &Health,
    period: Period,
    hops: usize,
    ends: Ends<'_>,
) -> Option<Vec<Hop>> {
    let mut left: Vec<(&Mix, Hop)> = (mixes.iter())
        .filter_map(|mix| Some((mix, mix.hop(period)?)))
        .filter(|(mix, _)| Some(mix.node) != ends.without)
        .collect();
    let mut route = vec![None; hops];
    let drawn = match ends.end {
        Some(end) => {
            // Where it ends is beside others if it is a mix.
            let last = mixes.iter().find(|mix| mix.node == end.node);
            left.retain(|(mix, _)| mix.node != end.node && last.is_none_or(|last| !mix.is_beside(last)));
            *route.last_mut()? = Some(end);
            hops - 1
        }
        None => hops,
    };
    let is_first = |place: usize| place == 0 && ends.first.is_some();
    let is_last = |place: usize| place + 1 == drawn && ends.last.is_some();
    // Those that are bound come first, while who may be there is still left.
    let mut order: Vec<usize> = (0..drawn).collect();
    order.sort_by_key(|place| !is_first(*place) && !is_last(*place));
    for place in order {
        let among = |node| {
            (!is_first(place) || ends.first.is_some_and(|first| first.contains(&node)))
                && (!is_last(place) || ends.last.is_some_and(|last| last.contains(&node)))
        };
        let weight = |mix: &Mix| {
            if among(mix.node) {
                (u64::from(mix.weight_ppm) / health.divisor(mix.node)).max(1)
            } else {
                0
            }
        };
        let total: u64 = left.iter().map(|(mix, _)| weight(mix)).sum();
        if total == 0 {
            return None;
        }
        let mut at = (unit(rng) * total as f64) as u64;
        let (taken, hop) = *left.iter().find(|(mix, _)| {
            let weight = weight(mix);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        })?;
        route[place] = Some(hop);
        left.retain(|(mix, _)| !mix.is_beside(taken));
    }
    route.into_iter().collect()
}
