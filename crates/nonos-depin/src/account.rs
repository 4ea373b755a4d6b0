//! The accounts, and what an entry moves between them.

use std::fmt;

use nonos_types::{Amount, FeeKind, NodeId};
use serde::{Serialize, Serializer};

use crate::{Error, SignedAmount};

/// An account of the books. What comes in is positive: assets and expenses are positive, income is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Set aside for jobs.
    Held,
    /// The other side of [`Account::Held`].
    Committed,
    /// Fees earned.
    Earned(FeeKind),
    /// Fees spent.
    Spent(FeeKind),
    /// Asked of a requester and not yet paid: a memo, since who asks is not owed before the requester signs.
    Due(NodeId),
    /// The other side of [`Account::Due`].
    Asked,
    /// What a peer owes; negative if it is owed.
    Ext(NodeId),
}

/// What an entry adds to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    /// The account.
    pub(crate) account: Account,
    /// What it adds.
    pub(crate) amount: SignedAmount,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Committed => f.write_str("committed"),
            Self::Earned(kind) => write!(f, "earned:{kind}"),
            Self::Spent(kind) => write!(f, "spent:{kind}"),
            Self::Due(peer) => write!(f, "due:{peer}"),
            Self::Asked => f.write_str("asked"),
            Self::Ext(peer) => write!(f, "ext:{peer}"),
        }
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Account {
    /// Bytes of its key; [`Account::Ext`] comes last.
    pub(crate) fn code(self) -> (u8, Option<[u8; 32]>) {
        match self {
            Self::Held => (0x01, None),
            Self::Committed => (0x02, None),
            Self::Earned(kind) => (0x10 + kind.code(), None),
            Self::Spent(kind) => (0x20 + kind.code(), None),
            Self::Due(peer) => (0x30, Some(*peer.as_bytes())),
            Self::Asked => (0x31, None),
            Self::Ext(peer) => (0x40, Some(*peer.as_bytes())),
        }
    }

    /// The account with this key.
    pub(crate) fn from_code(code: u8, peer: Option<[u8; 32]>) -> Option<Self> {
        let peer = peer.map(NodeId::from_bytes);
        match (code, peer) {
            (0x01, None) => Some(Self::Held),
            (0x02, None) => Some(Self::Committed),
            (0x11..=0x1f, None) => FeeKind::from_code(code - 0x10).map(Self::Earned),
            (0x21..=0x2f, None) => FeeKind::from_code(code - 0x20).map(Self::Spent),
            (0x30, Some(peer)) => Some(Self::Due(peer)),
            (0x31, None) => Some(Self::Asked),
            (0x40, Some(peer)) => Some(Self::Ext(peer)),
            _ => None,
        }
    }
}

/// Moves `amount` from one account to another: two postings whose sum is zero.
pub(crate) fn transfer(from: Account, to: Account, amount: Amount) -> Result<[Posting; 2], Error> {
    let amount = SignedAmount::try_from(amount).map_err(|_| Error::Overflow)?;
    let opposite = amount.checked_neg().ok_or(Error::Overflow)?;
    Ok([
        Posting { account: to, amount },
        Posting {
            account: from,
            amount: opposite,
        },
    ])
}
