//! What moves: one line of a voucher, in the books of one of its two sides.

use ff::PrimeField;
use nonos_types::{Amount, FeeKind, NetworkId, NodeId, Sequence, Signed};
use serde::Serialize;

use super::account::AccountId;
use super::field::{Fp, Root};
use crate::{Body, Entry};

/// Which way a debt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The peer owes the author more.
    Received,
    /// The author owes the peer more.
    Paid,
}

/// How many sums there are: each kind of fee, each way.
pub const SUMS: usize = 8;

/// What postings come to, by direction and kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums([Amount; SUMS]);

impl Sums {
    /// In the order of [`Posting::sum_index`].
    pub const fn new(sums: [Amount; SUMS]) -> Self {
        Self(sums)
    }

    /// In the order of [`Posting::sum_index`].
    pub const fn amounts(&self) -> &[Amount; SUMS] {
        &self.0
    }

    /// What was posted one way for one kind.
    pub fn of(&self, direction: Direction, kind: FeeKind) -> Amount {
        self.0[sum_index(direction, kind)]
    }

    /// All together, unless it does not fit.
    pub fn total(&self) -> Option<Amount> {
        self.0
            .iter()
            .try_fold(Amount::ZERO, |sum, it| sum.checked_add(*it))
    }

    /// These and those, unless one does not fit.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let mut sums = self.0;
        for (sum, it) in sums.iter_mut().zip(other.0) {
            *sum = sum.checked_add(it)?;
        }
        Some(Self(sums))
    }

    pub(super) fn post(&mut self, posting: &Posting) -> Option<()> {
        let sum = &mut self.0[posting.sum_index()];
        *sum = sum.checked_add(posting.amount)?;
        Some(())
    }
}

fn sum_index(direction: Direction, kind: FeeKind) -> usize {
    let kind = match kind {
        FeeKind::Execute => 0,
        FeeKind::Seed => 1,
        FeeKind::Verify => 2,
        FeeKind::Prove => 3,
    };
    match direction {
        Direction::Received => kind,
        Direction::Paid => SUMS / 2 + kind,
    }
}

/// One line of a voucher that is in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The peer's account.
    pub account: AccountId,
    /// Which way.
    pub direction: Direction,
    /// For what.
    pub kind: FeeKind,
    /// How much.
    pub amount: Amount,
    /// The entry of the feed that books the voucher.
    pub sequence: Sequence,
    /// Which of the voucher's lines, from 0.
    pub line: u32,
}

impl Posting {
    /// Which of the eight sums it adds to: received, then paid; execute, seed, verify, prove.
    pub fn sum_index(&self) -> usize {
        sum_index(self.direction, self.kind)
    }

    /// All of it but account and amount in one number: sequence, line, sum, and whether it is a voucher's first.
    pub fn mark(&self) -> u128 {
        let first = u128::from(self.line == 0);
        u128::from(self.sequence.get())
            | u128::from(self.line) << 64
            | (self.sum_index() as u128) << 96
            | first << 99
    }

    /// The chain of postings with this one at its end.
    pub fn chain(&self, before: Root) -> Root {
        Root::of_four([
            before.element(),
            self.account.element(),
            Fp::from_u128(self.amount.atto()),
            Fp::from_u128(self.mark()),
        ])
    }

    /// What an entry posts: nothing but vouchers moves value.
    pub(super) fn of_entry(network: NetworkId, author: NodeId, entry: &Signed<Entry>) -> Vec<Self> {
        let (voucher, direction, peer) = match &entry.body {
            Body::Paid { voucher } => (voucher, Direction::Paid, voucher.payee),
            Body::Received { voucher } => (voucher, Direction::Received, voucher.signer()),
            Body::Hold { .. } | Body::Release { .. } | Body::Claimed(_) | Body::Resume(_) => {
                return Vec::new();
            }
        };
        let account = AccountId::of(network, author, peer, voucher.incarnation);
        let posting = |(line, number)| {
            let line: &nonos_types::Line = line;
            Self {
                account,
                direction,
                kind: line.kind,
                amount: line.amount,
                sequence: entry.sequence,
                line: number,
            }
        };
        voucher.lines.iter().zip(0..).map(posting).collect()
    }
}
