//! Nodes with books to test with.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ed25519_dalek::SigningKey;
use nonos_depin::{Body, Entry, EntryDigest, Ledger};
use nonos_store::{Batch, Durability, Error, KeyRange, MemoryStore, Store, Visit};
use nonos_types::*;

pub(crate) const NOW: Timestamp = Timestamp::new(1_800_000_000);
pub(crate) const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const OUT_OF_REACH: usize = usize::MAX;

/// A node: its key and its books.
pub(crate) struct Node<S = MemoryStore> {
    pub(crate) key: SigningKey,
    pub(crate) store: Arc<S>,
    pub(crate) ledger: Ledger,
}

impl Node {
    pub(crate) fn new(seed: u8) -> Self {
        Self::over(seed, MemoryStore::new())
    }
}

impl<S: Store + 'static> Node<S> {
    pub(crate) fn over(seed: u8, store: S) -> Self {
        let (key, store) = (key(seed), Arc::new(store));
        let ledger = Ledger::open(store.clone(), NETWORK, id(&key)).expect("the books open");
        Self { key, store, ledger }
    }

    pub(crate) fn id(&self) -> NodeId {
        id(&self.key)
    }

    pub(crate) fn reopen(&mut self) {
        self.ledger = Ledger::open(self.store.clone(), NETWORK, self.id()).expect("the books open");
    }

    pub(crate) fn hold(&self, job: u8, atto: u128) -> Result<(), nonos_depin::Error> {
        self.ledger
            .hold(self::job(job), Amount::from_atto(atto), &self.key, NOW)
    }

    pub(crate) fn release(&self, job: u8) -> Result<(), nonos_depin::Error> {
        self.ledger.release(self::job(job), &self.key, NOW)
    }

    pub(crate) fn claim(
        &self,
        receipt: &Signed<Receipt>,
        requester: NodeId,
    ) -> Result<(), nonos_depin::Error> {
        self.ledger.claim(receipt, requester, &self.key, NOW)
    }

    pub(crate) fn pay(
        &self,
        payee: NodeId,
        lines: &[Line],
    ) -> Result<Option<Signed<Voucher>>, nonos_depin::Error> {
        self.ledger.pay(payee, lines.to_vec(), &self.key, NOW)
    }

    pub(crate) fn receive(
        &self,
        voucher: &Signed<Voucher>,
    ) -> Result<nonos_depin::Received, nonos_depin::Error> {
        self.ledger.receive(voucher, &self.key, NOW)
    }

    /// Atto-NONOS.
    pub(crate) fn owed_by(&self, peer: NodeId) -> i128 {
        self.ledger.owed_by(peer).expect("a balance").atto()
    }

    pub(crate) fn entries(&self) -> usize {
        self.ledger.entries(None, usize::MAX).expect("entries").len()
    }
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn id(key: &SigningKey) -> NodeId {
    NodeId::from_bytes(key.verifying_key().to_bytes())
}

pub(crate) fn job(job: u8) -> JobId {
    JobId::from_bytes([job; 32])
}

pub(crate) fn line(job: u8, kind: FeeKind, atto: u128) -> Line {
    Line {
        job: self::job(job),
        slot: Slot::ZERO,
        kind,
        receipt: ReceiptId::from_bytes([job; 32]),
        amount: Amount::from_atto(atto),
    }
}

/// A receipt of `executor` for slot 0 of a job.
pub(crate) fn receipt(executor: &SigningKey, job: u8, atto: u128, attempt: u32) -> Signed<Receipt> {
    let run = Assignment {
        network: NETWORK,
        job: self::job(job),
        slot: Slot::ZERO,
        executor: id(executor),
        attempt: Attempt::new(attempt),
    };
    let proven = Proven {
        network: run.network,
        job: run.job,
        slot: run.slot,
        nonce: run.nonce(),
        executor: run.executor,
        capsule: Digest::from_bytes([5; 32]),
        machine: MachineVersion::new(1),
        policy: Digest::from_bytes([6; 32]),
        entry: "main".to_owned(),
        arguments: vec![],
        input: Digest::from_bytes([7; 32]),
        sealed_input: None,
        inbound: Digest::from_bytes([9; 32]),
        output: Output::Digest(Digest::from_bytes([10; 32])),
        outcome: Outcome::Return(vec![]),
        fuel_used: Fuel::new(1_000_000),
        peak_pages: Pages::new(17),
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    let receipt = Receipt {
        record: ExecutionRecord { proven, attested },
        attempt: run.attempt,
        backend: "halo2".parse().expect("a name"),
        verifying_key: Digest::from_bytes([11; 32]),
        proof: Digest::from_bytes([12; 32]),
        proof_len: ByteLen::new(1),
        tapes: Digest::from_bytes([13; 32]),
        tapes_len: ByteLen::new(1),
        fee: Amount::from_atto(atto),
        transfers: vec![],
        at: NOW,
        result: None,
    };
    Signed::new(receipt, executor)
}

/// A voucher as any payer could sign it.
pub(crate) fn voucher(
    payer: &SigningKey,
    payee: NodeId,
    sequence: u64,
    total: u128,
    lines: &[Line],
) -> Signed<Voucher> {
    let voucher = Voucher {
        network: NETWORK,
        payee,
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(sequence),
        total: Amount::from_atto(total),
        lines: lines.to_vec(),
        at: NOW,
    };
    Signed::new(voucher, payer)
}

/// Key of an entry in the store.
pub(crate) fn entry_key(sequence: u64) -> Vec<u8> {
    [&b"ledger-entry\0"[..], &sequence.to_be_bytes()].concat()
}

/// A feed of these bodies, well signed and chained, whether or not they keep the rules; only the entries.
pub(crate) fn feed(key: &SigningKey, bodies: &[Body]) -> MemoryStore {
    let store = MemoryStore::new();
    let mut prev = EntryDigest::ZERO;
    for (body, sequence) in bodies.iter().zip(1..) {
        let entry = Entry {
            network: NETWORK,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(sequence),
            prev,
            body: body.clone(),
            at: NOW,
        };
        prev = entry.digest(id(key));
        let bytes = Signed::new(entry, key).to_bytes();
        store
            .put(&entry_key(sequence), &bytes, Durability::Durable)
            .expect("a write");
    }
    store
}

/// How a write fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing is written.
    Lost,
    /// It is written all the same: the machine stopped before it could say so.
    Unconfirmed,
}

/// A store whose `n`th write from now fails, once.
pub(crate) struct Failing {
    inner: MemoryStore,
    left: AtomicUsize,
    failure: Failure,
}

impl Failing {
    pub(crate) fn new(failure: Failure) -> Self {
        Self {
            inner: MemoryStore::new(),
            left: AtomicUsize::new(OUT_OF_REACH),
            failure,
        }
    }

    /// Lets that many writes pass, and fails the one after.
    pub(crate) fn fail_after(&self, writes: usize) {
        self.left.store(writes, Ordering::Relaxed);
    }

    /// Whether the failure has happened, or was never asked for.
    pub(crate) fn has_failed(&self) -> bool {
        self.left.load(Ordering::Relaxed) == OUT_OF_REACH
    }
}

impl Store for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.inner.scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), Error> {
        assert_eq!(
            durability,
            Durability::Durable,
            "the books write nothing that may be lost"
        );
        let left = self.left.load(Ordering::Relaxed);
        if left == OUT_OF_REACH {
            return self.inner.write(batch, durability);
        }
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
            return self.inner.write(batch, durability);
        }
        self.left.store(OUT_OF_REACH, Ordering::Relaxed);
        if self.failure == Failure::Unconfirmed {
            self.inner.write(batch, durability)?;
        }
        Err(Error::Storage {
            source: "no space left".into(),
        })
    }
}
