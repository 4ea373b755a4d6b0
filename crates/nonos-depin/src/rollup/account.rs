//! Whom the author does business with, and how it stands.

use ff::PrimeField;
use nonos_types::{Amount, Digest, Incarnation, NetworkId, NodeId, Sequence, Tag};
use serde::Serialize;

use super::field::{Fp, Root};

/// Bits of an account's position in the tree.
pub const POSITION_BITS: u32 = 96;

/// `nonos/v1/rollup-account`
#[derive(Debug)]
enum AccountTag {}

impl Tag for AccountTag {
    const DOMAIN: &'static str = "nonos/v1/rollup-account";
}

/// Names an author's account with a peer: the first 31 bytes of a digest of network, author and peer, so that it
/// is a field element as it stands. Vouchers of a later incarnation of their payer's count in an account of their
/// own, since they are numbered from 1 again. The low 96 bits of it are its place in the state tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 31]);

impl AccountId {
    /// The account of `peer` in the books of `author`.
    pub fn new(network: NetworkId, author: NodeId, peer: NodeId) -> Self {
        Self::of(network, author, peer, Incarnation::ZERO)
    }

    /// The account for vouchers of one incarnation of their payer's.
    pub fn of(network: NetworkId, author: NodeId, peer: NodeId, incarnation: Incarnation) -> Self {
        let life = incarnation.get().to_be_bytes();
        let parts: [&[u8]; 4] = [network.as_bytes(), author.as_bytes(), peer.as_bytes(), &life];
        // The first incarnation has no part of its own.
        let parts = if incarnation == Incarnation::ZERO {
            &parts[..3]
        } else {
            &parts[..]
        };
        let digest = Digest::<AccountTag>::hash(parts).to_bytes();
        let mut bytes = [0; 31];
        bytes.copy_from_slice(&digest[..31]);
        Self(bytes)
    }

    /// Takes bytes that are known to name an account; little-endian.
    pub const fn from_bytes(bytes: [u8; 31]) -> Self {
        Self(bytes)
    }

    /// As a field element.
    pub fn element(self) -> Fp {
        let mut bytes = [0; 32];
        bytes[..31].copy_from_slice(&self.0);
        Option::from(Fp::from_repr(bytes)).expect("below 2^248, and the field has 255 bits")
    }

    /// Its place among the 2⁹⁶ leaves.
    pub fn position(self) -> u128 {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(&self.0[..12]);
        u128::from_le_bytes(bytes)
    }

    /// What is left of it above its position: 152 bits.
    pub fn rest(self) -> Fp {
        let mut bytes = [0; 32];
        bytes[..19].copy_from_slice(&self.0[12..]);
        Option::from(Fp::from_repr(bytes)).expect("below 2^152, and the field has 255 bits")
    }
}

/// How the author and a peer stand: the newest vouchers both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// What the peer has signed to owe the author, all together.
    pub earned: Amount,
    /// What the author has signed to owe the peer, all together.
    pub spent: Amount,
    /// Number of the newest voucher of the peer.
    pub received: Sequence,
    /// Number of the newest voucher to the peer.
    pub issued: Sequence,
}

impl Channel {
    /// Its leaf in the state tree.
    pub fn leaf(&self, account: AccountId) -> Root {
        Root::of_four([account.element(), self.earned(), self.spent(), self.numbers()])
    }

    fn earned(&self) -> Fp {
        Fp::from_u128(self.earned.atto())
    }

    fn spent(&self) -> Fp {
        Fp::from_u128(self.spent.atto())
    }

    /// Both voucher numbers in one element.
    fn numbers(&self) -> Fp {
        Fp::from_u128(u128::from(self.received.get()) | u128::from(self.issued.get()) << 64)
    }
}
