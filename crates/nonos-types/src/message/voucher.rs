use std::fmt;

use serde::{Deserialize, Serialize};

use super::job::{amount, slot};
use crate::{
    Amount, ByteLen, Error, Further, Incarnation, JobId, NetworkId, NodeId, Payload, ReceiptId, Sequence,
    Slot, Timestamp,
    record::bytes::digest,
    wire::{self, proto},
};

const NAME: &str = "voucher";

/// A payer, who signs it, owes a payee this much in all. The next voucher to the same payee replaces it, so that
/// the highest sequence is all there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Network of the debt.
    pub network: NetworkId,
    /// Whom it is owed to.
    pub payee: NodeId,
    /// Which life of the payer's books.
    pub incarnation: Incarnation,
    /// Position among the vouchers from this payer to this payee, from 1.
    pub sequence: Sequence,
    /// Sum of the lines of this and all vouchers before it.
    pub total: Amount,
    /// What this one adds: 1 to [`Voucher::MAX_LINES`], none twice.
    pub lines: Vec<Line>,
    /// When.
    pub at: Timestamp,
}

/// A fee paid. By naming the receipt the requester countersigns it; an executor that pays helpers names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The job.
    pub job: JobId,
    /// Which of its executors.
    pub slot: Slot,
    /// For what.
    pub kind: FeeKind,
    /// The receipt of the run.
    pub receipt: ReceiptId,
    /// How much, more than nothing.
    pub amount: Amount,
}

/// What a fee is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeeKind {
    /// Running and proving.
    Execute,
    /// Giving the capsule.
    Seed,
    /// Verifying.
    Verify,
    /// Proving segments for the executor, who pays it.
    Prove,
}

impl FeeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Execute, Self::Seed, Self::Verify, Self::Prove];

    /// Number on the wire and on disk.
    pub const fn code(self) -> u8 {
        match self {
            Self::Execute => 1,
            Self::Seed => 2,
            Self::Verify => 3,
            Self::Prove => 4,
        }
    }

    /// The kind of this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for FeeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Execute => "execute",
            Self::Seed => "seed",
            Self::Verify => "verify",
            Self::Prove => "prove",
        })
    }
}

impl Voucher {
    /// Most lines.
    pub const MAX_LINES: usize = 64;
}

impl Payload for Voucher {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(8 << 10);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        let line = |line: &Line| proto::VoucherLine {
            job_id: line.job.as_bytes().to_vec(),
            slot: line.slot.get().into(),
            kind: line.kind.code().into(),
            receipt: line.receipt.as_bytes().to_vec(),
            amount: line.amount.to_be_bytes().to_vec(),
        };
        wire::encode(&proto::Voucher {
            network_id: self.network.as_bytes().to_vec(),
            payee: self.payee.as_bytes().to_vec(),
            incarnation: self.incarnation.get(),
            sequence: self.sequence.get(),
            total: self.total.to_be_bytes().to_vec(),
            lines: self.lines.iter().map(line).collect(),
            at: self.at.get(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: proto::Voucher = Further::refuse(NAME, Self::MAX, bytes)?;
        let bad = |field| Error::BadField { message: NAME, field };
        let line = |line: &proto::VoucherLine| {
            let kind = u8::try_from(line.kind).ok().and_then(FeeKind::from_code);
            let amount = amount(NAME, "amount", &line.amount)?;
            if amount == Amount::ZERO {
                return Err(bad("amount"));
            }
            Ok(Line {
                job: digest(NAME, "job_id", &line.job_id)?,
                slot: slot(NAME, line.slot)?,
                kind: kind.ok_or(bad("kind"))?,
                receipt: digest(NAME, "receipt", &line.receipt)?,
                amount,
            })
        };
        if message.sequence == 0 {
            return Err(bad("sequence"));
        }
        if message.lines.is_empty() || message.lines.len() > Self::MAX_LINES {
            return Err(bad("lines"));
        }
        let lines = message.lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<_> = lines.iter().map(|it| (it.job, it.slot, it.kind)).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < lines.len() {
            return Err(bad("lines"));
        }
        let total = amount(NAME, "total", &message.total)?;
        let sum = lines
            .iter()
            .try_fold(Amount::ZERO, |sum, it| sum.checked_add(it.amount));
        if sum.is_none_or(|sum| sum > total) {
            return Err(bad("total"));
        }
        Ok(Self {
            network: digest(NAME, "network_id", &message.network_id)?,
            payee: NodeId::from_bytes(wire::fixed(NAME, "payee", &message.payee)?),
            incarnation: Incarnation::new(message.incarnation),
            sequence: Sequence::new(message.sequence),
            total,
            lines,
            at: Timestamp::new(message.at),
        })
    }

    /// Nobody owes himself.
    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.payee {
            Err(Error::WrongSigner { message: NAME })
        } else {
            Ok(())
        }
    }
}
