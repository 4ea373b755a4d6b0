//! A chunk of a batch as a statement: from one root to another by these postings.

use nonos_types::{Amount, ByteLen, Sequence, Voucher};
use nonos_verify::{Malformed, Public, Statement, StatementId, Violation};

use super::field::Root;
use super::posting::{SUMS, Sums};
use super::step::{ChunkWitness, violation};
use crate::{MAX_AMOUNT, batch::BatchId};

/// Postings of a chunk at most; all but the last chunk of a batch have as many.
pub const CHUNK: usize = 10;

/// The most that a sum may be, 2¹²⁷ − 1 atto-NONOS: it fits a balance of the ledger.
pub(crate) const MAX_BALANCE: Amount = Amount::from_atto(i128::MAX as u128);

/// Where one chunk ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Root of the state tree.
    pub root: Root,
    /// End of the chain of the batch's postings.
    pub chain: Root,
    /// The entry that was posted from last.
    pub sequence: Sequence,
    /// Which of its lines.
    pub line: u32,
}

/// "These postings lead from `before` to `after`": what is proved of a chunk.
///
/// Each posting moves its amount between the author and the account it names, whose leaf is read and written in the
/// state tree; totals stay within [`MAX_AMOUNT`](crate::MAX_AMOUNT), no peer is owed more than `limit`, the sums are
/// those of the postings, and postings follow one another strictly in the feed. It does not say that the vouchers
/// are signed: see `docs/circuits/rollup.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupStatement {
    /// The batch, and with it network, author, entries.
    pub batch: BatchId,
    /// Which of its chunks, from 0.
    pub index: u32,
    /// What the author may owe a peer at most, net.
    pub limit: Amount,
    /// Before the first posting.
    pub before: Boundary,
    /// After the last one.
    pub after: Boundary,
    /// How many postings: 1 to [`CHUNK`].
    pub count: u8,
    /// What they come to.
    pub sums: Sums,
}

const BOUNDARY: usize = 32 + 32 + 8 + 4;
const LEN: usize = 32 + 4 + 16 + 2 * BOUNDARY + 1 + 16 * SUMS;
/// Last line that a voucher can have.
const MAX_LINE: u32 = Voucher::MAX_LINES as u32 - 1;

impl Boundary {
    fn bytes(&self) -> [u8; BOUNDARY] {
        let mut bytes = [0; BOUNDARY];
        bytes[..32].copy_from_slice(&self.root.to_bytes());
        bytes[32..64].copy_from_slice(&self.chain.to_bytes());
        bytes[64..72].copy_from_slice(&self.sequence.get().to_be_bytes());
        bytes[72..].copy_from_slice(&self.line.to_be_bytes());
        bytes
    }
}

/// Takes fields of fixed length off the front; the whole length is checked before.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Malformed { part: "length" })?;
        self.0 = rest;
        Ok(*field)
    }

    fn boundary(&mut self) -> Result<Boundary, Malformed> {
        let mut root = || Root::from_bytes(self.take()?).ok_or(Malformed { part: "root" });
        Ok(Boundary {
            root: root()?,
            chain: root()?,
            sequence: Sequence::new(u64::from_be_bytes(self.take()?)),
            line: u32::from_be_bytes(self.take()?),
        })
    }
}

impl RollupStatement {
    /// The part that no statement has like this.
    fn bad_part(&self) -> Option<&'static str> {
        let lines = [self.before.line, self.after.line];
        if self.count == 0 || usize::from(self.count) > CHUNK {
            Some("count")
        } else if self.limit > MAX_AMOUNT {
            Some("limit")
        } else if lines.iter().any(|line| *line > MAX_LINE) {
            Some("line")
        } else if self.sums.amounts().iter().any(|sum| *sum > MAX_BALANCE) {
            Some("sums")
        } else {
            None
        }
    }
}

impl Statement for RollupStatement {
    const ID: StatementId = StatementId::new("rollup-chunk/v1");
    const MAX_PUBLIC: ByteLen = ByteLen::new(LEN as u64);

    type Witness = ChunkWitness;

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(self.batch.as_bytes());
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes.extend_from_slice(&self.limit.to_be_bytes());
        bytes.extend_from_slice(&self.before.bytes());
        bytes.extend_from_slice(&self.after.bytes());
        bytes.push(self.count);
        for sum in self.sums.amounts() {
            bytes.extend_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    fn decode(public: &Public) -> Result<Self, Malformed> {
        if public.attachments() != 0 || public.statement().len() != LEN {
            return Err(Malformed { part: "length" });
        }
        let mut fields = Fields(public.statement());
        let statement = Self {
            batch: BatchId::from_bytes(fields.take()?),
            index: u32::from_be_bytes(fields.take()?),
            limit: Amount::from_be_bytes(fields.take()?),
            before: fields.boundary()?,
            after: fields.boundary()?,
            count: u8::from_be_bytes(fields.take()?),
            sums: {
                let mut sums = [Amount::ZERO; SUMS];
                for sum in &mut sums {
                    *sum = Amount::from_be_bytes(fields.take()?);
                }
                Sums::new(sums)
            },
        };
        match statement.bad_part() {
            Some(part) => Err(Malformed { part }),
            None => Ok(statement),
        }
    }

    fn check(&self, witness: &ChunkWitness) -> Result<(), Violation> {
        if let Some(clause) = self.bad_part() {
            return Err(violation(clause));
        }
        if witness.steps.len() != usize::from(self.count) {
            return Err(violation("as many postings as the count says"));
        }
        let (mut at, mut sums) = (self.before, Sums::default());
        for (number, step) in witness.steps.iter().enumerate() {
            let posting = &step.posting;
            if self.index == 0 && number == 0 && posting.line != 0 {
                return Err(violation("a batch opens with the first line of a voucher"));
            }
            let next = if posting.line == 0 {
                posting.sequence > at.sequence
            } else {
                posting.sequence == at.sequence && Some(posting.line) == at.line.checked_add(1)
            };
            if !next {
                return Err(violation("postings follow one another strictly"));
            }
            let [old, new] = step.roots(self.limit)?;
            if old != at.root {
                return Err(violation("the leaf is in the tree as it was"));
            }
            at = Boundary {
                root: new,
                chain: posting.chain(at.chain),
                sequence: posting.sequence,
                line: posting.line,
            };
            sums.post(posting).ok_or(violation("sums within 2^127"))?;
        }
        if at != self.after {
            return Err(violation("the postings lead to the boundary after"));
        }
        if sums != self.sums {
            return Err(violation("the sums are those of the postings"));
        }
        Ok(())
    }
}
