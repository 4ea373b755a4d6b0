//! Asking, and asking again.

use std::collections::BTreeSet;

use nonos_types::NodeId;

use super::{
    super::{
        Ask, NotHidden, RequestId, Target,
        fragment::Fragment,
        keys::Period,
        packet::{self, Hop, SURB},
        requests,
        route::{self, Ends},
    },
    Moment, Onion, Output,
};

impl Onion {
    pub(super) fn retry(&mut self, id: RequestId, now: Moment) {
        let over = match self.requests.get_mut(id) {
            Some(request) => {
                let nodes = std::mem::take(&mut request.nodes);
                self.health.lost(&nodes);
                request.attempts == 0
            }
            None => true,
        };
        if over || self.attempt(id, now).is_err() {
            self.requests.end(id);
            self.counts.failed += 1;
            self.outputs.push_back(Output::Failed { request: id });
        }
    }

    /// Queues a question, with fresh reply blocks, each frame of it by a route of its own.
    pub(super) fn attempt(&mut self, id: RequestId, now: Moment) -> Result<(), NotHidden> {
        let request = self.requests.get_mut(id).expect("it waits");
        request.attempts = request.attempts.saturating_sub(1);
        request.until = None;
        let (ask, asked) = (request.ask.clone(), request.asked.clone());
        let period = Period::of(now.time);
        let guards = self.entries();
        if guards.is_empty() {
            return Err(self.why_not(ask.least_hops));
        }
        let (route, hops) = self.first_route(&ask, &asked, period, &guards)?;
        let target = *route.last().expect("at least two");
        let blocks = Fragment::count(ask.longest_answer);
        let count = Fragment::count(requests::joined_len(blocks, ask.body.len()));
        if self.queue.len() + count > Self::MOST_QUEUED {
            return Err(NotHidden::Congested);
        }
        let mut routes = vec![route];
        for _ in 1..count {
            let ends = Ends {
                first: Some(&guards),
                end: Some(target),
                ..Ends::default()
            };
            let route = route::draw(&mut self.rng, &self.mixes, &self.health, period, hops, ends);
            routes.push(route.ok_or(NotHidden::NoTarget)?);
        }
        let blocks = self.reply_blocks(id, target.node, hops, blocks, period, &guards)?;
        let message = requests::join(&blocks, &ask.body);
        let name = self.name();
        for (route, content) in routes.iter().zip(Fragment::all(name, &message)) {
            let outgoing = self.wrap(route, period, &content);
            self.queue(outgoing, Some(id), now);
        }
        let request = self.requests.get_mut(id).expect("it waits");
        request.unsent = count;
        request.nodes.extend(routes.iter().flatten().map(|hop| hop.node));
        request.asked.push(target.node);
        Ok(())
    }

    /// A route to one that is to be asked, as long as there is one, and how long.
    fn first_route(
        &mut self,
        ask: &Ask,
        asked: &[NodeId],
        period: Period,
        guards: &BTreeSet<NodeId>,
    ) -> Result<(Vec<Hop>, usize), NotHidden> {
        let ends: Vec<Option<Hop>> = match &ask.to {
            Target::Any => vec![None],
            Target::Of(nodes) => {
                let (before, from) = nodes.split_at(asked.len() % nodes.len().max(1));
                let hop = |node: &NodeId| self.mixes.iter().find(|mix| mix.node == *node)?.hop(period);
                from.iter().chain(before).filter_map(hop).map(Some).collect()
            }
        };
        if ends.is_empty() {
            return Err(NotHidden::NoTarget);
        }
        for hops in (ask.least_hops.max(2)..=self.most_hops()).rev() {
            for end in &ends {
                let among = Ends {
                    first: Some(guards),
                    end: *end,
                    without: asked.last().copied().filter(|_| end.is_none()),
                    ..Ends::default()
                };
                if let Some(route) =
                    route::draw(&mut self.rng, &self.mixes, &self.health, period, hops, among)
                {
                    return Ok((route, hops));
                }
            }
        }
        Err(self.why_not(ask.least_hops))
    }

    /// Blocks in which `from` answers: it is on no route of them, and each comes in by a guard.
    fn reply_blocks(
        &mut self,
        id: RequestId,
        from: NodeId,
        hops: usize,
        count: usize,
        period: Period,
        guards: &BTreeSet<NodeId>,
    ) -> Result<Vec<SURB>, NotHidden> {
        let own = packet::own_hop(self.me, &self.own, period).expect("there is a key of this period");
        let mut blocks = Vec::with_capacity(count);
        for _ in 0..count {
            let ends = Ends {
                last: Some(guards),
                end: Some(own),
                without: Some(from),
                ..Ends::default()
            };
            let route = route::draw(&mut self.rng, &self.mixes, &self.health, period, hops, ends);
            let route = route.ok_or_else(|| self.why_not(hops))?;
            let (block, identifier, recovery) =
                packet::reply_block(&mut self.rng, &route, self.settings.mean_delay);
            if let Some(request) = self.requests.get_mut(id) {
                let hops = route.iter().map(|hop| hop.node);
                request.nodes.extend(hops.filter(|node| *node != self.me));
            }
            self.requests.expect(id, from, identifier, recovery);
            blocks.push(block);
        }
        Ok(blocks)
    }
}
