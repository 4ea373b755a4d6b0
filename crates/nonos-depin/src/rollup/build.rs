//! The state of an author's accounts, and batches of what comes next.

use std::collections::BTreeMap;

use nonos_types::{Amount, Incarnation, NetworkId, NodeId, Sequence, Signed};

use super::account::{AccountId, Channel};
use super::chunk::{Boundary, CHUNK, RollupStatement};
use super::field::Root;
use super::posting::{Posting, Sums};
use super::step::{ChunkWitness, Step};
use super::tree::Tree;
use crate::{
    Batch, BatchError, BatchId, Body, Entry, EntryDigest, MAX_AMOUNT,
    batch::{EntriesRoot, EntriesTag},
};

const ONE_PLACE: &str = "two accounts have one place in the tree";

/// What all batches of an author so far came to. It is made again by batching the feed again.
///
/// A clone copies the whole tree, about 96 nodes for each account.
#[derive(Clone, Debug)]
pub struct State {
    network: NetworkId,
    author: NodeId,
    tree: Tree,
    channels: BTreeMap<AccountId, Channel>,
    number: u64,
    batch: BatchId,
    last: Sequence,
    incarnation: Incarnation,
    head: EntryDigest,
}

/// A new batch, and what is to be proved of it.
#[derive(Clone, Debug)]
pub struct Made {
    /// The batch.
    pub batch: Batch,
    /// Its chunks, to be proved in any order.
    pub chunks: Vec<(RollupStatement, ChunkWitness)>,
    /// The state after it.
    pub state: State,
}

impl State {
    /// No entry is in a batch yet.
    pub fn new(network: NetworkId, author: NodeId) -> Self {
        Self {
            network,
            author,
            tree: Tree::default(),
            channels: BTreeMap::new(),
            number: 0,
            batch: BatchId::ZERO,
            last: Sequence::ZERO,
            incarnation: Incarnation::ZERO,
            head: EntryDigest::ZERO,
        }
    }

    /// Root of the state tree.
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// The last entry that is in a batch; zero if there is none.
    pub fn last(&self) -> Sequence {
        self.last
    }

    /// How the author and a peer stand.
    pub fn channel(&self, peer: NodeId) -> Option<Channel> {
        self.channel_in(peer, Incarnation::ZERO)
    }

    /// The same for vouchers of one incarnation of their payer's.
    pub fn channel_in(&self, peer: NodeId, incarnation: Incarnation) -> Option<Channel> {
        let account = AccountId::of(self.network, self.author, peer, incarnation);
        self.channels.get(&account).copied()
    }

    /// A batch of all these entries, which must be the feed's next ones.
    ///
    /// Entries and vouchers are signed, or they would not be here; all that the books say of their order and sums is
    /// checked again, so that a batch of other entries is not made by whoever checks one.
    ///
    /// # Errors
    /// [`BatchError::NoEntries`], [`BatchError::TooMany`], [`BatchError::LimitTooLarge`], [`BatchError::Entry`] names
    /// the first entry that cannot follow, [`BatchError::Unprovable`] the first whose postings break a rule.
    pub fn batch(&self, entries: &[Signed<Entry>], limit: Amount) -> Result<Made, BatchError> {
        let mut state = self.clone();
        let mut steps = Vec::new();
        let batch = state.fold(entries, limit, |state, posting| {
            steps.push(state.post(posting, limit)?);
            Ok(())
        })?;
        let batch = Batch {
            old_root: self.root(),
            new_root: state.root(),
            ..batch
        };
        (state.number, state.batch) = (batch.number, batch.id());
        let chunks = chunks(&batch, state.batch, &steps);
        Ok(Made { batch, chunks, state })
    }

    /// Whether `batch` is what these entries come to after this state; gives the state after it. It takes a hash or two
    /// of each posting, and the hashes of a path for each account, so that the state is soon made again from the feed.
    ///
    /// This, and not a proof, shows that the postings are those of signed vouchers.
    ///
    /// # Errors
    /// As [`State::batch`]; [`BatchError::Differs`] names the first field that is another.
    pub fn audit(&self, batch: &Batch, entries: &[Signed<Entry>]) -> Result<Self, BatchError> {
        let mut state = self.clone();
        let limit = batch.limit;
        let mut touched = BTreeMap::new();
        let own = state.fold(entries, limit, |state, posting| {
            let account = posting.account;
            let before = state.channels.get(&account).copied();
            let after = before.unwrap_or_default().after(&posting, limit);
            let after = after.map_err(|violation| refused_posting(&posting, violation.clause))?;
            state.channels.insert(account, after);
            touched
                .entry(account)
                .or_insert((before.is_none(), posting.sequence));
            Ok(())
        })?;
        for (account, (fresh, sequence)) in touched {
            if fresh && state.is_taken(account) {
                return Err(BatchError::Unprovable {
                    sequence,
                    clause: ONE_PLACE,
                });
            }
            let leaf = state.channels[&account].leaf(account);
            state.tree.set(account.position(), leaf);
        }
        let own = Batch {
            old_root: self.root(),
            new_root: state.root(),
            ..own
        };
        let fields = [
            ("network", own.network == batch.network),
            ("author", own.author == batch.author),
            ("number", own.number == batch.number),
            ("prev", own.prev == batch.prev),
            ("first", own.first == batch.first),
            ("last", own.last == batch.last),
            ("entries_root", own.entries_root == batch.entries_root),
            ("old_root", own.old_root == batch.old_root),
            ("postings", own.postings == batch.postings),
            ("sums", own.sums == batch.sums),
            ("postings_root", own.postings_root == batch.postings_root),
            ("new_root", own.new_root == batch.new_root),
        ];
        match fields.iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(BatchError::Differs { field }),
            None => {
                (state.number, state.batch) = (batch.number, batch.id());
                Ok(state)
            }
        }
    }

    /// Network of the books.
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// Whose state it is.
    pub fn author(&self) -> NodeId {
        self.author
    }

    /// How many batches there are.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Links entries and posts what they say; what a batch says of them, but for the roots.
    fn fold(
        &mut self,
        entries: &[Signed<Entry>],
        limit: Amount,
        mut post: impl FnMut(&mut Self, Posting) -> Result<(), BatchError>,
    ) -> Result<Batch, BatchError> {
        if limit > MAX_AMOUNT {
            return Err(BatchError::LimitTooLarge { most: MAX_AMOUNT });
        }
        if entries.len() as u64 > Batch::MAX_ENTRIES {
            return Err(BatchError::TooMany {
                unit: "entries",
                most: Batch::MAX_ENTRIES,
            });
        }
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Err(BatchError::NoEntries);
        };
        let mut hasher = nonos_types::Hasher::<EntriesTag>::new();
        let (mut sums, mut chain, mut postings) = (Sums::default(), Root::ZERO, 0_u32);
        for entry in entries {
            self.link(entry)?;
            hasher.part(self.head.as_bytes());
            for posting in self.postings(entry)? {
                post(self, posting)?;
                sums.post(&posting)
                    .ok_or(unprovable(entry, "sums within 2^127"))?;
                chain = posting.chain(chain);
                postings = postings.saturating_add(1);
            }
            if postings > Batch::MAX_POSTINGS {
                return Err(BatchError::TooMany {
                    unit: "postings",
                    most: Batch::MAX_POSTINGS.into(),
                });
            }
        }
        Ok(Batch {
            network: self.network,
            author: self.author,
            number: self.number.saturating_add(1),
            prev: self.batch,
            old_root: Root::ZERO,
            new_root: Root::ZERO,
            entries_root: EntriesRoot::from_bytes(hasher.finish().to_bytes()),
            postings_root: chain,
            first: first.sequence,
            last: last.sequence,
            postings,
            sums,
            limit,
        })
    }

    /// Goes on to an entry, if it is the next one.
    fn link(&mut self, entry: &Signed<Entry>) -> Result<(), BatchError> {
        let next = self.last.checked_add(Sequence::new(1));
        let rules = [
            ("signer", entry.signer() == self.author),
            ("network_id", entry.network == self.network),
            (
                "incarnation",
                match &entry.body {
                    Body::Resume(_) => entry.incarnation > self.incarnation,
                    _ => entry.incarnation == self.incarnation,
                },
            ),
            ("sequence", Some(entry.sequence) == next),
            ("prev", entry.prev == self.head),
        ];
        if let Some((field, _)) = rules.iter().find(|(_, holds)| !holds) {
            return Err(refused(entry, field));
        }
        self.last = entry.sequence;
        self.incarnation = entry.incarnation;
        self.head = entry.digest(self.author);
        Ok(())
    }

    /// What an entry posts, if its voucher is the next one of its account.
    fn postings(&self, entry: &Signed<Entry>) -> Result<Vec<Posting>, BatchError> {
        let (voucher, paid) = match &entry.body {
            Body::Paid { voucher } => (voucher, true),
            Body::Received { voucher } => (voucher, false),
            _ => return Ok(Vec::new()),
        };
        let (payer, payee) = (voucher.signer(), voucher.payee);
        let (own, peer) = if paid { (payer, payee) } else { (payee, payer) };
        let channel = self.channel_in(peer, voucher.incarnation).unwrap_or_default();
        let (total, number) = if paid {
            (channel.spent, channel.issued)
        } else {
            (channel.earned, channel.received)
        };
        let sum = voucher
            .lines
            .iter()
            .try_fold(total, |sum, line| sum.checked_add(line.amount));
        let rules = [
            ("voucher: side", own == self.author),
            ("voucher: network_id", voucher.network == self.network),
            (
                "voucher: incarnation",
                !paid || voucher.incarnation <= self.incarnation,
            ),
            (
                "voucher: sequence",
                number.checked_add(Sequence::new(1)) == Some(voucher.sequence),
            ),
            ("voucher: total", sum == Some(voucher.total)),
        ];
        match rules.iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(refused(entry, field)),
            None => Ok(Posting::of_entry(self.network, self.author, entry)),
        }
    }

    /// Posts, and gives the step with the root after it.
    fn post(&mut self, posting: Posting, limit: Amount) -> Result<(Step, Root), BatchError> {
        let account = posting.account;
        let before = self.channels.get(&account).copied();
        if before.is_none() && self.is_taken(account) {
            return Err(refused_posting(&posting, ONE_PLACE));
        }
        let step = Step {
            posting,
            before,
            siblings: self.tree.siblings(account.position()),
        };
        let after = step.after(limit);
        let after = after.map_err(|violation| refused_posting(&posting, violation.clause))?;
        self.channels.insert(account, after);
        self.tree.set(account.position(), after.leaf(account));
        Ok((step, self.tree.root()))
    }

    /// Whether another account has the place of this one: with 2⁹⁶ places, only where somebody searched for it.
    fn is_taken(&self, account: AccountId) -> bool {
        self.tree.leaf(account.position()) != Root::ZERO
    }
}

/// Cuts the steps of a batch into chunks. With each step comes the root after it.
fn chunks(batch: &Batch, id: BatchId, steps: &[(Step, Root)]) -> Vec<(RollupStatement, ChunkWitness)> {
    let mut before = Boundary {
        root: batch.old_root,
        chain: Root::ZERO,
        sequence: batch.before_first(),
        line: 0,
    };
    let chunk = |(index, steps): (u32, &[(Step, Root)])| {
        let (mut after, mut sums) = (before, Sums::default());
        for (Step { posting, .. }, root) in steps {
            after = Boundary {
                root: *root,
                chain: posting.chain(after.chain),
                sequence: posting.sequence,
                line: posting.line,
            };
            // The sums of the whole batch fit.
            let _fits = sums.post(posting);
        }
        let statement = RollupStatement {
            batch: id,
            index,
            limit: batch.limit,
            before,
            after,
            count: steps.len() as u8,
            sums,
        };
        before = after;
        let steps = steps.iter().map(|(step, _)| step.clone()).collect();
        (statement, ChunkWitness { steps })
    };
    (0..).zip(steps.chunks(CHUNK)).map(chunk).collect()
}

fn refused(entry: &Entry, field: &'static str) -> BatchError {
    let sequence = entry.sequence;
    BatchError::Entry { sequence, field }
}

fn refused_posting(posting: &Posting, clause: &'static str) -> BatchError {
    let sequence = posting.sequence;
    BatchError::Unprovable { sequence, clause }
}

fn unprovable(entry: &Entry, clause: &'static str) -> BatchError {
    let sequence = entry.sequence;
    BatchError::Unprovable { sequence, clause }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use nonos_types::{FeeKind, Incarnation, JobId, Line, ReceiptId, Slot, Timestamp, Voucher};

    use super::*;

    /// To find two peers for whom that is so takes 2⁴⁸ keys: here a leaf is put where one will be.
    #[test]
    fn two_accounts_in_one_place_have_no_batch() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let (network, me) = (
            NetworkId::from_bytes([1; 32]),
            NodeId::from_bytes(key.verifying_key().to_bytes()),
        );
        let payee = NodeId::from_bytes([8; 32]);
        let line = Line {
            job: JobId::ZERO,
            slot: Slot::ZERO,
            kind: FeeKind::Execute,
            receipt: ReceiptId::ZERO,
            amount: Amount::from_atto(1),
        };
        let voucher = Voucher {
            network,
            payee,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(1),
            total: Amount::from_atto(1),
            lines: vec![line],
            at: Timestamp::ZERO,
        };
        let entry = Entry {
            network,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(1),
            prev: EntryDigest::ZERO,
            body: Body::Paid {
                voucher: Box::new(Signed::new(voucher, &key)),
            },
            at: Timestamp::ZERO,
        };
        let entries = [Signed::new(entry, &key)];
        let free = State::new(network, me);
        let made = free.batch(&entries, MAX_AMOUNT).expect("a batch");
        free.audit(&made.batch, &entries).expect("it is right");

        let mut taken = free;
        let account = AccountId::new(network, me, payee);
        taken
            .tree
            .set(account.position(), Root::new(super::super::Fp::from(5)));
        let refused = BatchError::Unprovable {
            sequence: Sequence::new(1),
            clause: ONE_PLACE,
        };
        let batched = taken.batch(&entries, MAX_AMOUNT);
        assert_eq!(batched.map(drop), Err(refused.clone()));
        assert_eq!(taken.audit(&made.batch, &entries).map(drop), Err(refused));
    }
}
