//! What the books come to.

use nonos_types::{Amount, FeeKind};
use serde::Serialize;

use crate::{Account, SignedAmount};

/// What the books come to.
///
/// ```
/// use std::sync::Arc;
/// use nonos_depin::Ledger;
/// use nonos_store::MemoryStore;
/// use nonos_types::{Amount, NetworkId, NodeId};
///
/// let books = Ledger::open(Arc::new(MemoryStore::new()), NetworkId::named("example"), NodeId::from_bytes([7; 32]))?;
/// let balance = books.balance()?;
/// assert_eq!((balance.held, balance.earned.execute), (Amount::ZERO, Amount::ZERO));
/// # Ok::<_, nonos_depin::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// What others have signed to owe the author, all together.
    pub earned: ByKind,
    /// What the author has signed to owe others, all together.
    pub spent: ByKind,
    /// Set aside for jobs that are not released.
    pub held: Amount,
    /// Fees asked of requesters, in full, whose vouchers have not come. What comes may be less: seeders and
    /// verifiers have their shares in it.
    pub due: Amount,
    /// Earned less spent.
    pub net: SignedAmount,
}

/// Amounts by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByKind {
    /// Running and proving.
    pub execute: Amount,
    /// Giving the capsule.
    pub seed: Amount,
    /// Verifying.
    pub verify: Amount,
    /// Proving segments.
    pub prove: Amount,
}

impl Balance {
    /// The sums; `None` where no entries can have given these accounts.
    pub(crate) fn of(accounts: &[(Account, SignedAmount)]) -> Option<Self> {
        let mut balance = Self::default();
        for (account, amount) in accounts {
            let opposite = amount.checked_neg()?;
            match account {
                Account::Held => add(&mut balance.held, *amount)?,
                Account::Earned(kind) => add(balance.earned.of(*kind), opposite)?,
                Account::Spent(kind) => add(balance.spent.of(*kind), *amount)?,
                Account::Due(_) => add(&mut balance.due, *amount)?,
                Account::Ext(_) => balance.net = balance.net.checked_add(*amount)?,
                Account::Committed | Account::Asked => {}
            }
        }
        Some(balance)
    }
}

fn add(to: &mut Amount, amount: SignedAmount) -> Option<()> {
    *to = to.checked_add(amount.non_negative()?)?;
    Some(())
}

impl ByKind {
    fn of(&mut self, kind: FeeKind) -> &mut Amount {
        match kind {
            FeeKind::Execute => &mut self.execute,
            FeeKind::Seed => &mut self.seed,
            FeeKind::Verify => &mut self.verify,
            FeeKind::Prove => &mut self.prove,
        }
    }
}
