//! A node that dies at any write of its books, and is started again, has whole books, has signed no two entries for one
//! place, and pays and books all once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ed25519_dalek::SigningKey;
use nonos_depin::{Checkpoint, Error, Ledger, Reason, Received};
use nonos_store::{
    MemoryStore, Store as _,
    testing::{Fault, Faulty},
};
use nonos_types::*;

use crate::support::*;

const NEVER: usize = usize::MAX;

/// A checkpoint whose nth save fails, with or without having saved; the process is dead then.
#[derive(Clone, Debug)]
struct Slip(Arc<SlipState>);

#[derive(Debug)]
struct SlipState {
    head: std::sync::Mutex<Option<FeedHead>>,
    saves: AtomicUsize,
    at: AtomicUsize,
    fault: Fault,
}

impl Checkpoint for Slip {
    fn load(&self) -> Result<Option<FeedHead>, nonos_store::Error> {
        Ok(*self.0.head.lock().expect("nobody has panicked"))
    }

    fn save(&self, head: &FeedHead) -> Result<(), nonos_store::Error> {
        let mut saved = self.0.head.lock().expect("nobody has panicked");
        if *saved == Some(*head) {
            return Ok(());
        }
        let fails = self.0.saves.fetch_add(1, Ordering::Relaxed) == self.0.at.load(Ordering::Relaxed);
        if !fails || self.0.fault == Fault::Unconfirmed {
            *saved = Some(*head);
        }
        match fails {
            true => Err(nonos_store::Error::Storage {
                source: "no space left".into(),
            }),
            false => Ok(()),
        }
    }
}

struct Alice {
    key: SigningKey,
    store: Arc<Faulty<MemoryStore>>,
    slip: Slip,
    ledger: Ledger,
    /// Every entry that was ever seen in the books, and every voucher that has left.
    seen: BTreeMap<(Incarnation, Sequence), EntryDigest>,
    left: Vec<Signed<Voucher>>,
}

impl Alice {
    fn new(fault: Fault) -> Self {
        let (key, store) = (key(1), Arc::new(Faulty::new(MemoryStore::new())));
        let slip = Slip(Arc::new(SlipState {
            head: std::sync::Mutex::default(),
            saves: AtomicUsize::new(0),
            at: AtomicUsize::new(NEVER),
            fault,
        }));
        let ledger = open(&store, &slip, &key);
        Self {
            key,
            store,
            slip,
            ledger,
            seen: BTreeMap::new(),
            left: vec![],
        }
    }

    /// Opens as after the process has died, and looks at what is there.
    fn restart(&mut self) {
        self.store.revive();
        self.ledger = open(&self.store, &self.slip, &self.key);
        self.look();
        for voucher in &self.left {
            assert!(
                self.ledger.has(voucher).expect("readable"),
                "what has left is in the books"
            );
        }
    }

    fn look(&mut self) {
        self.ledger.verify().expect("they are whole");
        let accounts = self.ledger.accounts().expect("readable");
        assert_eq!(accounts.iter().map(|(_, it)| it.atto()).sum::<i128>(), 0);
        for entry in self.ledger.entries(None, 1000).expect("readable") {
            let digest = entry.digest(id(&self.key));
            let before = self.seen.insert((entry.incarnation, entry.sequence), digest);
            assert!(before.is_none_or(|it| it == digest), "two entries for one place");
        }
        let saved = self.slip.load().expect("readable");
        let head = self.ledger.head().expect("readable");
        assert!(
            saved.unwrap_or_default() <= head,
            "it is never ahead of the books"
        );
    }

    fn pay(&mut self, payee: NodeId, lines: &[Line]) -> Result<(), Error> {
        let voucher = self.ledger.pay(payee, lines.to_vec(), &self.key, NOW)?;
        self.left.extend(voucher);
        Ok(())
    }
}

fn open(store: &Arc<Faulty<MemoryStore>>, slip: &Slip, key: &SigningKey) -> Ledger {
    let ledger = Ledger::open(store.clone(), NETWORK, id(key)).expect("they open");
    ledger
        .with_checkpoint(slip.clone())
        .expect("they are not behind: what is saved is in the books")
}

type Step = fn(&mut Alice) -> Result<(), Error>;

/// What was signed in the incarnation before this one and lost.
fn lost_voucher() -> Signed<Voucher> {
    voucher(&key(1), id(&key(3)), 1, 6, &[line(8, FeeKind::Execute, 6)])
}

const STEPS: &[Step] = &[
    |it| it.ledger.hold(job(1), Amount::from_atto(10), &it.key, NOW),
    |it| {
        it.pay(
            id(&key(2)),
            &[line(1, FeeKind::Execute, 7), line(1, FeeKind::Seed, 1)],
        )
    },
    |it| {
        let dues = [(2, 4), (3, 5), (2, 6)];
        let dues = dues.map(|(payee, job)| (id(&key(payee)), vec![line(job, FeeKind::Verify, 2)]));
        let vouchers = it.ledger.pay_all(dues, &it.key, NOW)?;
        it.left.extend(vouchers);
        Ok(())
    },
    |it| it.ledger.release(job(1), &it.key, NOW),
    |it| {
        let receipt = receipt(&it.key, 2, 9, 0);
        it.ledger.claim(&receipt, id(&key(2)), &it.key, NOW)
    },
    |it| {
        let voucher = voucher(&key(2), id(&it.key), 1, 9, &[line(2, FeeKind::Execute, 9)]);
        it.ledger.receive(&voucher, &it.key, NOW).map(drop)
    },
    |it| {
        if it.ledger.incarnation()? > Incarnation::ZERO {
            return Ok(());
        }
        let last = FeedHead {
            sequence: Sequence::new(100),
            digest: EntryDigest::from_bytes([9; 32]),
            incarnation: Incarnation::ZERO,
        };
        it.ledger.resume(last, Reason::Behind, &it.key, NOW).map(drop)
    },
    |it| it.pay(id(&key(3)), &[line(8, FeeKind::Execute, 6)]),
    // The next of incarnation 0 to him is the second: he got one by `pay_all`.
    |it| {
        let mut lost = lost_voucher().value().clone();
        (lost.sequence, lost.total) = (Sequence::new(2), Amount::from_atto(8));
        let lost = Signed::new(lost, &it.key);
        assert!(!matches!(
            it.ledger.take_back(&lost, &it.key, NOW)?,
            Received::Gap { .. }
        ));
        Ok(())
    },
    |it| it.pay(id(&key(2)), &[line(3, FeeKind::Verify, 2)]),
];

/// All that follows from the entries, and how many those are.
fn outcome(alice: &Alice) -> (String, usize) {
    let accounts = format!("{:?}", alice.ledger.accounts().expect("readable"));
    (
        accounts,
        alice.ledger.entries(None, 1000).expect("readable").len(),
    )
}

/// Runs the script; what fails is repeated after a restart.
fn run(alice: &mut Alice) -> usize {
    let mut deaths = 0;
    for step in STEPS {
        if let Err(error) = step(alice) {
            assert!(matches!(error, Error::Store(_)), "{error:?}");
            deaths += 1;
            alice.restart();
            step(alice).expect("it can be repeated");
        }
        alice.look();
    }
    deaths
}

/// The payees have all that was paid to them, once.
fn assert_payees_agree(alice: &Alice) {
    for payee in [2, 3] {
        let node = Node::new(payee);
        for incarnation in [0, 1].map(Incarnation::new) {
            let mut sequence = 1;
            while let Some(voucher) = alice
                .ledger
                .voucher(node.id(), incarnation, Sequence::new(sequence))
                .expect("readable")
            {
                assert_eq!(node.receive(&voucher).expect("good"), Received::Booked);
                sequence += 1;
            }
        }
        let earned: i128 = node.owed_by(id(&alice.key));
        let received = if payee == 2 { 9 } else { 0 };
        let owed = alice.ledger.owed_by(node.id()).expect("a sum").atto();
        assert_eq!(owed, received - earned, "node {payee}");
    }
}

#[test]
fn a_node_that_dies_at_any_write_has_whole_books_and_no_fork() {
    let mut undisturbed = Alice::new(Fault::Lost);
    assert_eq!(run(&mut undisturbed), 0);
    let expected = outcome(&undisturbed);
    let (writes, saves) = (
        undisturbed.store.writes(),
        undisturbed.slip.0.saves.load(Ordering::Relaxed),
    );
    assert_eq!(
        (writes, saves),
        (STEPS.len(), STEPS.len()),
        "each step is one write, and one save"
    );
    assert_payees_agree(&undisturbed);
    assert_eq!(expected.1, STEPS.len() + 2, "three vouchers are one write");

    for fault in [Fault::Lost, Fault::Unconfirmed] {
        for at in 0..writes {
            let mut alice = Alice::new(fault);
            alice.store.die_at(at, fault);
            assert_eq!(run(&mut alice), 1);
            assert!(alice.store.has_failed());
            assert_eq!(outcome(&alice), expected, "{fault:?}, write {at}");
            assert_payees_agree(&alice);
        }
        for at in 0..saves {
            let mut alice = Alice::new(fault);
            alice.slip.0.at.store(at, Ordering::Relaxed);
            assert_eq!(run(&mut alice), 1);
            assert_eq!(outcome(&alice), expected, "{fault:?}, save {at}");
            assert_payees_agree(&alice);
        }
    }
}

/// It is put back to what it was after any write of the script.
#[test]
fn books_older_than_what_was_saved_do_not_open_and_nothing_is_signed_upon_them() {
    for at in 0..STEPS.len() {
        let mut alice = Alice::new(Fault::Lost);
        for step in &STEPS[..at] {
            step(&mut alice).expect("nothing fails");
        }
        let old = MemoryStore::new();
        let mut batch = nonos_store::Batch::new();
        let mut copy = |key: &[u8], value: &[u8]| {
            batch.put(key.to_vec(), value.to_vec());
            std::ops::ControlFlow::Continue(())
        };
        let all = nonos_store::KeyRange::ALL;
        alice.store.scan(&all, &mut copy).expect("a scan");
        old.write(&batch, nonos_store::Durability::Durable)
            .expect("a write");
        STEPS[at](&mut alice).expect("nothing fails");
        let saved = alice.slip.load().expect("readable").expect("saved");

        let old = Arc::new(old);
        let reopen = || Ledger::open(old.clone(), NETWORK, id(&alice.key)).expect("whole to itself");
        match reopen().with_checkpoint(alice.slip.clone()) {
            Err(Error::Behind { head, known }) => {
                assert_eq!((*known, head < known), (saved, true));
            }
            other => panic!("step {at}: {other:?}"),
        }
        assert_eq!(alice.slip.load().expect("readable"), Some(saved), "it is kept");
        let (ledger, behind) = reopen()
            .with_old_checkpoint(alice.slip.clone())
            .expect("they open");
        assert_eq!(behind, Some(saved));
        let refused = ledger.hold(job(99), Amount::from_atto(1), &alice.key, NOW);
        assert!(matches!(refused, Err(Error::Stopped)), "{refused:?}");
        let lines = vec![line(99, FeeKind::Verify, 1)];
        let refused = ledger.pay(id(&key(2)), lines.clone(), &alice.key, NOW);
        assert!(matches!(refused, Err(Error::Stopped)), "{refused:?}");
        let refused = ledger.pay_all([(id(&key(2)), lines)], &alice.key, NOW);
        assert!(matches!(refused, Err(Error::Stopped)), "{refused:?}");
        let head = ledger
            .resume(saved, Reason::Behind, &alice.key, NOW)
            .expect("they go on");
        assert_eq!(head.incarnation.get(), saved.incarnation.get() + 1);
        ledger
            .hold(job(99), Amount::from_atto(1), &alice.key, NOW)
            .expect("they go on");
        ledger.verify().expect("they are whole");
        drop(ledger);
        reopen()
            .with_checkpoint(alice.slip.clone())
            .expect("what goes on is the newest");
    }
}
