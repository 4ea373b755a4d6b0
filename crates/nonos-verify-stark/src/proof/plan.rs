//! What is written of a proof: each row that queries have in common once.

use super::shape::{Lengths, Round, Tree, roots};
use crate::config::{LOG_CAP, LOG_FINAL};

/// A shape, and the places of the queries.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) shape: &'a Lengths,
    /// The queries' places in the tallest tree.
    pub(crate) places: Vec<usize>,
    /// For each log2 of a height up to that of the tallest tree, for each query: the first query of the same row.
    firsts: Vec<Vec<usize>>,
    /// How many different rows there are, for each log2 of a height.
    distinct: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// The plan for queries at `places`, each below the height of the tallest tree.
    pub(crate) fn new(shape: &'a Lengths, places: Vec<usize>) -> Self {
        let (mut firsts, mut distinct) = (vec![], vec![]);
        for log in 0..=shape.log_height {
            let row = |query: &usize| places[*query] >> (shape.log_height - log);
            let mut order: Vec<usize> = (0..places.len()).collect();
            order.sort_by_key(|query| (row(query), *query));
            let mut first = vec![0; places.len()];
            let mut rows = 0;
            for same in order.chunk_by(|a, b| row(a) == row(b)) {
                rows += 1;
                for query in same {
                    first[*query] = same[0];
                }
            }
            firsts.push(first);
            distinct.push(rows);
        }
        Self {
            shape,
            places,
            firsts,
            distinct,
        }
    }

    /// For each query, the first query that opens the same row of a matrix `2^log` rows high.
    pub(crate) fn firsts(&self, log: usize) -> &[usize] {
        &self.firsts[log]
    }

    /// The queries' places in a tree `2^log` rows high.
    pub(crate) fn places(&self, log: usize) -> Vec<usize> {
        let below = self.shape.log_height - log;
        self.places.iter().map(|place| place >> below).collect()
    }

    /// The queries' places in their groups.
    pub(crate) fn within(&self, round: Round) -> Vec<usize> {
        let places = self.places(round.log_height + round.log_arity);
        let mask = (1 << round.log_arity) - 1;
        places.into_iter().map(|place| place & mask).collect()
    }

    /// Digests of the path that all queries share in a tree: for each level, the children of the rows above, but for
    /// those that are known.
    pub(crate) fn path(&self, log_height: usize) -> usize {
        (LOG_CAP..log_height)
            .map(|log| 2 * self.distinct[log] - self.distinct[log + 1])
            .sum()
    }

    /// Digests of the whole proof.
    pub(crate) fn digests(&self) -> usize {
        let rounds = self.shape.rounds.iter().map(|round| round.log_height);
        self.shape
            .committed()
            .map(|tree| tree.log_height)
            .chain(rounds)
            .map(|log| self.tree(log))
            .sum()
    }

    /// Digests of a tree: its roots, and the path.
    fn tree(&self, log_height: usize) -> usize {
        roots(log_height) + self.path(log_height)
    }

    /// Field elements besides evaluations and rows: witnesses of work (before the point, the combination, the queries,
    /// the lookups, and each folding) and the last polynomial.
    fn single(&self) -> usize {
        3 + usize::from(self.shape.has_sums()) + self.shape.rounds.len() + (self.shape.degree << LOG_FINAL)
    }

    /// Field elements of a tree's rows.
    pub(crate) fn rows(&self, tree: &Tree) -> usize {
        let each = tree.matrices.iter();
        each.map(|(log, width)| self.distinct[*log] * width).sum()
    }

    /// Field elements of a round's rows. The queried value of a group is computed, unless two queries take different
    /// ones.
    pub(crate) fn siblings(&self, round: Round) -> usize {
        let firsts = self.firsts(round.log_height);
        let within = self.within(round);
        let group = |first: usize| {
            let mut members = (first..firsts.len()).filter(|query| firsts[*query] == first);
            let computed = members.all(|query| within[query] == within[first]);
            (1 << round.log_arity) - usize::from(computed)
        };
        let heads = (0..firsts.len()).filter(|query| firsts[*query] == *query);
        heads.map(group).sum::<usize>() * self.shape.degree
    }

    /// Field elements of the evaluations out of the domain, and of the sums.
    pub(crate) fn evaluations(&self) -> usize {
        let each = self.shape.tables.iter().map(|table| {
            let main = table.main * (1 + usize::from(table.next));
            main + table.fixed
                + table.chunks * self.shape.degree
                + 2 * table.sums
                + usize::from(table.sums > 0)
        });
        each.sum::<usize>() * self.shape.degree
    }

    /// Field elements of the whole proof.
    pub(crate) fn elements(&self) -> usize {
        let trees = self.shape.committed();
        let rounds = self.shape.rounds.iter();
        self.single()
            + self.evaluations()
            + trees.map(|tree| self.rows(tree)).sum::<usize>()
            + rounds.map(|round| self.siblings(*round)).sum::<usize>()
    }
}
