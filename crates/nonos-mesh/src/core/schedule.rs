use std::time::Duration;

use nonos_types::{Capacity, Digest, JobId, NodeId, Slot, Tag, Weights};

enum Rank {}

impl Tag for Rank {
    const DOMAIN: &'static str = "nonos/v1/rank";
}

/// In which order executors take the slots of a job, without anyone who says so: rendezvous hashing (Thaler and
/// Ravishankar, 1998), weighted by capacity. Who knows the same executors gets the same order.
///
/// The first slot is taken by the first, the second by the second, and so on; who comes after them steps in, a
/// [`Schedule::BACK_OFF`] later than the one before, if a slot is still free then. So a job survives the death of its
/// executors, and each half of a mesh that was cut in two runs it.
///
/// ```
/// use nonos_mesh::core::Schedule;
/// use nonos_types::{Capacity, JobId, NodeId, Slot};
///
/// let nodes = [1, 2, 3].map(|node| NodeId::from_bytes([node; 32]));
/// let schedule = Schedule::new(JobId::ZERO, nodes.map(|node| (node, Capacity::ONE)));
/// let waits = nodes.map(|node| schedule.wait(node, Slot::ZERO));
/// assert_eq!(waits.iter().filter(|wait| wait.is_some_and(|it| it.is_zero())).count(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    order: Vec<NodeId>,
}

impl Schedule {
    /// How much later the next one steps in.
    pub const BACK_OFF: Duration = Duration::from_secs(1);
    /// The longest that anyone waits, however many come before.
    pub const LONGEST: Duration = Duration::from_secs(60);

    /// The order for a job. Who has no capacity is left out.
    ///
    /// A node draws as many tickets as it has capacity, and the lowest ticket counts: it comes first with a probability
    /// in proportion to its capacity, exactly, and without a logarithm.
    pub fn new(job: JobId, executors: impl IntoIterator<Item = (NodeId, Capacity)>) -> Self {
        Self::weighted(job, executors, &Weights::default())
    }

    /// The order for a job whose requester would have some before others: a node draws as many tickets as its capacity
    /// times its weight. Who has no weight is left out.
    pub fn weighted(
        job: JobId,
        executors: impl IntoIterator<Item = (NodeId, Capacity)>,
        weights: &Weights,
    ) -> Self {
        let lowest = |(node, capacity): (NodeId, Capacity)| {
            let ticket = |number: u8| Digest::<Rank>::hash(&[job.as_bytes(), node.as_bytes(), &[number]]);
            // At most 16 times 16: their numbers are those that a byte has.
            let tickets = u16::from(capacity.get()) * u16::from(weights.of(node));
            let ticket = (0..=u8::MAX).take(tickets.into()).map(ticket).min()?;
            Some((ticket, node))
        };
        let mut tickets: Vec<_> = executors.into_iter().filter_map(lowest).collect();
        tickets.sort_unstable();
        tickets.dedup();
        Self {
            order: tickets.into_iter().map(|(_, node)| node).collect(),
        }
    }

    /// The executors, the first one first.
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// How long a node lets others before it claims a free slot; `None` if it is not among the executors.
    pub fn wait(&self, node: NodeId, slot: Slot) -> Option<Duration> {
        let place = self.order.iter().position(|it| *it == node)?;
        let (place, count) = (place as u32, self.order.len() as u32);
        let first = u32::from(slot.get()) % count;
        let before = (place + count - first) % count;
        Some(Self::BACK_OFF.saturating_mul(before).min(Self::LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u8) -> Vec<(NodeId, Capacity)> {
        (1..=count)
            .map(|node| (NodeId::from_bytes([node; 32]), Capacity::ONE))
            .collect()
    }

    fn job(number: u16) -> JobId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        JobId::from_bytes(bytes)
    }

    #[test]
    fn the_order_is_the_same_whoever_lists_them_and_another_for_each_job() {
        let (mut forth, jobs) = (nodes(8), 0..100);
        let orders: Vec<_> = jobs
            .clone()
            .map(|it| Schedule::new(job(it), forth.clone()))
            .collect();
        forth.reverse();
        forth.push(forth[0]);
        let back: Vec<_> = jobs.map(|it| Schedule::new(job(it), forth.clone())).collect();
        assert_eq!(orders, back);
        let firsts: std::collections::BTreeSet<_> = orders.iter().map(|it| it.order()[0]).collect();
        assert_eq!(firsts.len(), 8);
    }

    #[test]
    fn one_who_leaves_moves_nobody_but_those_behind() {
        for number in 0..100 {
            let all = Schedule::new(job(number), nodes(8));
            let gone = NodeId::from_bytes([3; 32]);
            let rest = Schedule::new(job(number), nodes(8).into_iter().filter(|(it, _)| *it != gone));
            let expected: Vec<_> = all.order().iter().copied().filter(|it| *it != gone).collect();
            assert_eq!(rest.order(), expected);
        }
    }

    #[test]
    fn comes_first_in_proportion_to_capacity() {
        let mut executors = nodes(4);
        executors[0].1 = Capacity::new(3);
        executors[1].1 = Capacity::NONE;
        let mut first = 0;
        for number in 0..5_000 {
            let schedule = Schedule::new(job(number), executors.clone());
            assert_eq!(schedule.order().len(), 3, "who has no capacity is left out");
            first += u32::from(schedule.order()[0] == executors[0].0);
        }
        // 3 of 5; the standard deviation is 35.
        assert!((2_860..3_140).contains(&first), "{first}");
    }

    #[test]
    fn comes_first_in_proportion_to_capacity_and_weight() {
        let mut executors = nodes(4);
        executors[0].1 = Capacity::new(2);
        let [a, b, c, _] = [1, 2, 3, 4].map(|node| NodeId::from_bytes([node; 32]));
        let weights = Weights::new([(a, 3), (b, 0), (c, 2)]).expect("weights");
        let mut first = 0;
        for number in 0..5_000 {
            let schedule = Schedule::weighted(job(number), executors.clone(), &weights);
            assert_eq!(schedule.wait(b, Slot::ZERO), None, "weight 0 is no executor");
            assert_eq!(schedule.order().len(), 3);
            first += u32::from(schedule.order()[0] == a);
        }
        // 6 of 9; the standard deviation is 33.
        assert!((3_200..3_467).contains(&first), "{first}");
    }

    /// A weight is as good as a capacity, the greatest included: then all the numbers that a byte has are drawn.
    #[test]
    fn weight_and_capacity_make_the_same_tickets() {
        let orders = |capacity, weight| {
            let executors = (nodes(8).into_iter()).map(|(node, _)| {
                let all = if node.as_bytes()[0] == 1 { capacity } else { 1 };
                (node, Capacity::new(all))
            });
            let weights = Weights::new([(NodeId::from_bytes([1; 32]), weight)]).expect("one");
            let executors: Vec<_> = executors.collect();
            let order = |number| Schedule::weighted(job(number), executors.clone(), &weights);
            (0..200).map(order).collect::<Vec<_>>()
        };
        assert_eq!(orders(16, 1), orders(1, 16));
        assert_eq!(orders(4, 4), orders(8, 2));
        let first = |orders: Vec<Schedule>| {
            let of_one = |it: &&Schedule| it.order()[0].as_bytes()[0] == 1;
            orders.iter().filter(of_one).count()
        };
        // 256 of 263, and 16 of 23.
        assert!(first(orders(16, 16)) > 185);
        assert!((115..165).contains(&first(orders(16, 1))));
    }

    #[test]
    fn each_slot_has_another_first_and_all_follow_one_by_one() {
        let schedule = Schedule::new(job(1), nodes(5));
        for slot in 0..8_u16 {
            let mut waits: Vec<_> = (nodes(5).into_iter())
                .map(|(node, _)| (schedule.wait(node, Slot::new(slot)).expect("listed"), node))
                .collect();
            waits.sort_unstable();
            let seconds: Vec<_> = waits.iter().map(|(wait, _)| wait.as_secs()).collect();
            assert_eq!(seconds, [0, 1, 2, 3, 4]);
            assert_eq!(waits[0].1, schedule.order()[usize::from(slot) % 5]);
        }
        assert_eq!(schedule.wait(NodeId::from_bytes([9; 32]), Slot::ZERO), None);
        let many = Schedule::new(job(1), nodes(200));
        let last = *many.order().last().expect("200");
        assert_eq!(many.wait(last, Slot::ZERO), Some(Schedule::LONGEST));
    }
}
