use super::{accusation::bad, pair};
use crate::{Amount, Error, EvidenceId, NetworkId, NodeId, Signed, Voucher};

/// Two vouchers that one payer signed for one payee in one life of its books, and of which both cannot be: they have one
/// sequence and are not the same, or the later one's total is not what the earlier one's and its own lines come to.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_types::{
///     Amount, FeeKind, Incarnation, JobId, Line, NetworkId, NodeId, ReceiptId, Sequence, Signed, Slot, Timestamp,
///     Voucher, VoucherConflict,
/// };
///
/// let key = SigningKey::from_bytes(&[1; 32]);
/// let voucher = |sequence, amount, total| {
///     let amount = Amount::from_atto(amount);
///     let (job, receipt) = (JobId::ZERO, ReceiptId::ZERO);
///     let lines = vec![Line { job, slot: Slot::ZERO, kind: FeeKind::Execute, receipt, amount }];
///     let (network, payee) = (NetworkId::named("example"), NodeId::from_bytes([2; 32]));
///     let (incarnation, sequence) = (Incarnation::ZERO, Sequence::new(sequence));
///     let (total, at) = (Amount::from_atto(total), Timestamp::ZERO);
///     Signed::new(Voucher { network, payee, incarnation, sequence, total, lines, at }, &key)
/// };
/// let first = voucher(1, 7, 7);
/// assert!(VoucherConflict::of(&first, &voucher(2, 3, 10)).is_none());
/// assert!(VoucherConflict::of(&first, &voucher(2, 3, 9)).is_some());
/// assert!(VoucherConflict::of(&first, &voucher(1, 8, 8)).is_some());
/// assert!(VoucherConflict::of(&first, &first).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherConflict {
    /// That with the lesser sequence, or name if they have one sequence, so that the same two make one evidence.
    pub first: Signed<Voucher>,
    /// The other.
    pub second: Signed<Voucher>,
}

impl VoucherConflict {
    /// The fault that these two vouchers show, if they show one.
    pub fn of(one: &Signed<Voucher>, other: &Signed<Voucher>) -> Option<Self> {
        let (first, second) = pair::ordered(one, other, |it| (it.sequence, it.id()));
        let both = Self {
            first: first.clone(),
            second: second.clone(),
        };
        both.is_conflict().then_some(both)
    }

    /// Are they of one channel, and contradict each other? The same voucher with two signatures is one.
    pub fn is_conflict(&self) -> bool {
        let channel = |it: &Signed<Voucher>| (it.signer(), it.network, it.payee, it.incarnation);
        let (first, second) = (&self.first, &self.second);
        if channel(first) != channel(second) {
            return false;
        }
        let between = second.sequence.get().checked_sub(first.sequence.get());
        match between {
            Some(0) => first.id() < second.id(),
            Some(distance) => !follows(first, second, distance),
            None => false,
        }
    }

    /// Whose fault it would be.
    pub fn subject(&self) -> NodeId {
        self.first.signer()
    }

    /// The evidence's name: the channel's, and the sequence of the later one. However many vouchers contradict each other
    /// there, it is one fault.
    pub fn id(&self) -> EvidenceId {
        let (payer, later) = (self.subject(), self.second.value());
        EvidenceId::hash(&[
            b"voucher-conflict",
            payer.as_bytes(),
            later.network.as_bytes(),
            later.payee.as_bytes(),
            &later.incarnation.get().to_le_bytes(),
            &later.sequence.get().to_le_bytes(),
        ])
    }

    /// Of an accusation for this network.
    pub(super) fn read(first: &[u8], second: &[u8], network: NetworkId) -> Result<Self, Error> {
        let (first, second) = pair::read(first, second)?;
        let evidence = Self { first, second };
        if evidence.first.network != network {
            return Err(bad("network_id"));
        }
        if !evidence.is_conflict() {
            return Err(bad("voucher_conflict"));
        }
        Ok(evidence)
    }
}

/// Can the second be so many vouchers after the first? The next one adds its lines and nothing else; of one further on the
/// total is at least that, since what is between adds something, too.
fn follows(first: &Voucher, second: &Voucher, distance: u64) -> bool {
    let lines = (second.lines.iter()).try_fold(Amount::ZERO, |sum, it| sum.checked_add(it.amount));
    let least = lines.and_then(|lines| first.total.checked_add(lines));
    least.is_some_and(|least| match distance {
        1 => second.total == least,
        _ => second.total > least,
    })
}
