//! One posting with what it does to the state tree.

use nonos_types::{Amount, Sequence};
use nonos_verify::Violation;

use super::account::Channel;
use super::field::Root;
use super::posting::{Direction, Posting};
use super::tree::{DEPTH, climb};
use crate::MAX_AMOUNT;

/// A posting, and the opening of its account's leaf before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is posted.
    pub posting: Posting,
    /// The account before; `None` if it has no leaf yet.
    pub before: Option<Channel>,
    /// What the leaf's path joins with, from the leaf up.
    pub siblings: [Root; DEPTH],
}

/// The postings of a chunk, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkWitness {
    /// As many as the statement says.
    pub steps: Vec<Step>,
}

impl Step {
    /// The account after.
    ///
    /// # Errors
    /// [`Violation`] if a total or number leaves its range, or the author owes the peer more than `limit`.
    pub fn after(&self, limit: Amount) -> Result<Channel, Violation> {
        self.before.unwrap_or_default().after(&self.posting, limit)
    }

    /// The roots of the tree before and after.
    ///
    /// # Errors
    /// As [`Step::after`].
    pub fn roots(&self, limit: Amount) -> Result<[Root; 2], Violation> {
        let account = self.posting.account;
        let old = self.before.map_or(Root::ZERO, |before| before.leaf(account));
        let new = self.after(limit)?.leaf(account);
        Ok([old, new].map(|leaf| climb(leaf, account.position(), &self.siblings)))
    }
}

impl Channel {
    /// The account after a posting.
    pub(super) fn after(self, posting: &Posting, limit: Amount) -> Result<Self, Violation> {
        let mut after = self;
        let (total, number) = match posting.direction {
            Direction::Received => (&mut after.earned, &mut after.received),
            Direction::Paid => (&mut after.spent, &mut after.issued),
        };
        let sum = total.checked_add(posting.amount);
        *total = sum.ok_or(violation("totals within 2^96"))?;
        if posting.line == 0 {
            let next = number.checked_add(Sequence::new(1));
            *number = next.ok_or(violation("voucher numbers within 2^64"))?;
        }
        if [after.earned, after.spent]
            .iter()
            .any(|total| *total > MAX_AMOUNT)
        {
            return Err(violation("totals within 2^96"));
        }
        // Neither sum overflows: both totals and the limit are 2^96 at most, once the limit is checked.
        let covered = after.earned.checked_add(limit);
        if covered.is_none_or(|covered| after.spent > covered) {
            return Err(violation("no peer is owed more than the limit"));
        }
        Ok(after)
    }
}

pub(super) const fn violation(clause: &'static str) -> Violation {
    Violation { clause }
}
