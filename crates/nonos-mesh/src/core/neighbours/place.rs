//! What connections a node has, and which it lacks.

use std::collections::BTreeMap;

use nonos_types::{NodeId, Shard, Shards};

use super::{Candidate, Link, Prefix, Regard, Tried, Way, Wish};

/// What this node has dialled, and of each shard whoever is connected.
pub(super) struct Have {
    pub(super) outbound: usize,
    pub(super) trusted: usize,
    pub(super) newcomers: usize,
    pub(super) prefixes: BTreeMap<Prefix, usize>,
    of_shard: BTreeMap<Shard, OfShard>,
}

#[derive(Clone, Copy, Default)]
struct OfShard {
    inbound: usize,
    outbound: usize,
    /// Of those that were dialled.
    newcomers: usize,
}

/// Who is wanted.
#[derive(Clone, Copy)]
pub(super) struct Want {
    regard: Option<Regard>,
    shard: Option<Shard>,
}

impl Want {
    pub(super) fn is(self, it: &Candidate) -> bool {
        self.regard.is_none_or(|regard| it.regard == regard)
            && self.shard.is_none_or(|shard| it.shards.contains(shard))
    }
}

impl Have {
    pub(super) fn of(links: &[Link], tried: &BTreeMap<NodeId, Tried>, now_ms: u64) -> Self {
        let mut have = Self {
            outbound: 0,
            trusted: 0,
            newcomers: 0,
            prefixes: BTreeMap::new(),
            of_shard: BTreeMap::new(),
        };
        for link in links {
            match link.way {
                Way::Outbound => have.add(link.prefix, link.shards, link.regard),
                Way::Inbound => {
                    for shard in link.shards.iter() {
                        have.of_shard.entry(shard).or_default().inbound += 1;
                    }
                }
            }
        }
        for it in tried.values().filter(|it| it.until_ms > now_ms) {
            have.add(it.prefix, it.shards, it.regard);
        }
        have
    }

    pub(super) fn add(&mut self, prefix: Option<Prefix>, shards: Shards, regard: Regard) {
        let newcomers = usize::from(regard == Regard::Newcomer);
        self.outbound += 1;
        self.trusted += usize::from(regard == Regard::Trusted);
        self.newcomers += newcomers;
        if let Some(prefix) = prefix {
            *self.prefixes.entry(prefix).or_default() += 1;
        }
        for shard in shards.iter() {
            let of_shard = self.of_shard.entry(shard).or_default();
            of_shard.outbound += 1;
            of_shard.newcomers += newcomers;
        }
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.prefixes.values().any(|count| *count > 1)
    }

    /// Are there too few of a shard?
    pub(super) fn lacks_of(&self, wish: Wish, shard: Shard) -> bool {
        self.wants_of(wish, shard).next().is_some()
    }

    /// Would there be too few of a shard without one that was dialled and is so regarded?
    pub(super) fn needs(&self, wish: Wish, shard: Shard, regard: Regard) -> bool {
        let it = self.of_shard.get(&shard).copied().unwrap_or_default();
        it.outbound <= wish.outbound_of_shard
            || it.outbound + it.inbound <= wish.of_shard
            || regard == Regard::Newcomer && it.newcomers <= wish.newcomers
    }

    fn wants_of(&self, wish: Wish, shard: Shard) -> impl Iterator<Item = Want> {
        let it = self.of_shard.get(&shard).copied().unwrap_or_default();
        let want = |regard| Want {
            regard,
            shard: Some(shard),
        };
        let few = it.outbound < wish.outbound_of_shard || it.outbound + it.inbound < wish.of_shard;
        let newcomer = it.newcomers < wish.newcomers;
        let few = few.then_some(want(None));
        few.into_iter()
            .chain(newcomer.then_some(want(Some(Regard::Newcomer))))
    }

    /// Whom to draw next: one of a sort, one of a shard, or anybody.
    pub(super) fn lacks(&self, wish: Wish, left: &[Candidate]) -> Option<Want> {
        let of_sort = |regard| Want {
            regard: Some(regard),
            shard: None,
        };
        let sorts = [
            (self.trusted < wish.trusted, of_sort(Regard::Trusted)),
            (self.newcomers < wish.newcomers, of_sort(Regard::Newcomer)),
        ];
        let sorts = sorts
            .into_iter()
            .filter(|(lacks, _)| *lacks)
            .map(|(_, want)| want);
        let shards = wish.shards.iter().flat_map(|shard| self.wants_of(wish, shard));
        let anybody = Want {
            regard: None,
            shard: None,
        };
        let more = (self.outbound < wish.outbound).then_some(anybody);
        let mut wants = sorts.chain(shards).chain(more);
        wants.find(|want| left.iter().any(|it| want.is(it)))
    }
}
