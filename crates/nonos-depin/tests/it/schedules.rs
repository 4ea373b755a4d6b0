//! Thousands of schedules of what nodes do, lose and deliver: whatever the order, all books are whole, say of each other
//! the same, and are zero in sum.

use std::ops::ControlFlow;
use std::sync::Arc;

use nonos_depin::{Account, Error, FeedHead, Ledger, Reason, Received, SignedAmount};
use nonos_store::{Batch, Durability, KeyRange, MemoryStore, Store as _};
use nonos_types::*;

use crate::support::*;

/// Those that are always run: the others take minutes.
const FEW: u64 = 400;
const ALL: u64 = 10_000;
const STEPS: u64 = 9;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

struct World {
    random: Random,
    nodes: Vec<Node>,
    backups: Vec<Batch>,
    /// Vouchers that have left their payers, whether or not they came anywhere.
    sent: Vec<Signed<Voucher>>,
    /// The newest entry that each has ever signed.
    newest: Vec<FeedHead>,
    restored: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let count = 2 + random.below(2) as u8;
        let nodes: Vec<_> = (1..=count).map(Node::new).collect();
        Self {
            random,
            // At first it has a backup of nothing.
            backups: nodes.iter().map(|_| Batch::new()).collect(),
            newest: nodes.iter().map(|_| FeedHead::NONE).collect(),
            nodes,
            sent: vec![],
            restored: 0,
        }
    }

    fn pick(&mut self) -> (usize, usize) {
        let count = self.nodes.len() as u64;
        let one = self.random.below(count);
        let other = (one + 1 + self.random.below(count - 1)) % count;
        (one as usize, other as usize)
    }

    fn lines(&mut self) -> Vec<Line> {
        (0..=self.random.below(2))
            .map(|_| {
                let kind = FeeKind::ALL[self.random.below(3) as usize];
                line(self.random.below(3) as u8, kind, self.random.below(20).into())
            })
            .collect()
    }

    fn step(&mut self) {
        let (one, other) = self.pick();
        let job = self.random.below(3) as u8;
        match self.random.below(12) {
            0 => self.nodes[one].hold(job, 10).expect("held"),
            1 => self.nodes[one].release(job).expect("released"),
            2 => {
                let receipt = receipt(&self.nodes[one].key, job, 9, 0);
                let requester = self.nodes[other].id();
                self.nodes[one].claim(&receipt, requester).expect("noted");
            }
            3..=5 => {
                let lines = self.lines();
                let payee = self.nodes[other].id();
                let paid = self.nodes[one].pay(payee, &lines);
                self.send(paid.map(|it| it.into_iter().collect()));
            }
            6 => {
                let dues: Vec<_> = (0..2)
                    .map(|_| {
                        let peer = (one + 1 + self.random.below(self.nodes.len() as u64 - 1) as usize)
                            % self.nodes.len();
                        (self.nodes[peer].id(), self.lines())
                    })
                    .collect();
                let node = &self.nodes[one];
                let paid = node.ledger.pay_all(dues, &node.key, NOW);
                self.send(paid);
            }
            7 => self.backups[one] = contents(&self.nodes[one].store),
            8 => self.restore(one),
            _ => {
                if !self.sent.is_empty() {
                    let which = self.random.below(self.sent.len() as u64) as usize;
                    deliver(&self.nodes, &self.sent[which]);
                }
            }
        }
        for (node, newest) in self.nodes.iter().zip(&mut self.newest) {
            *newest = (*newest).max(node.ledger.head().expect("a head"));
        }
    }

    fn send(&mut self, paid: Result<Vec<Signed<Voucher>>, Error>) {
        match paid {
            Ok(vouchers) => self.sent.extend(vouchers),
            Err(Error::PaidToAnother { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Put back to an older state, it goes on after all that it has signed.
    fn restore(&mut self, node: usize) {
        let store = MemoryStore::new();
        store
            .write(&self.backups[node], Durability::Durable)
            .expect("a write");
        let it = &mut self.nodes[node];
        it.store = Arc::new(store);
        it.reopen();
        it.ledger
            .resume(self.newest[node], Reason::Behind, &it.key, NOW)
            .expect("it goes on");
        self.restored += 1;
    }

    /// Delivers all that was sent, in any order, until nobody lacks anything.
    fn catch_up(&mut self) {
        self.random.shuffle(&mut self.sent);
        for _ in 0..=self.sent.len() {
            let mut gaps = 0;
            for voucher in &self.sent {
                gaps += deliver(&self.nodes, voucher);
            }
            if gaps == 0 {
                return;
            }
        }
        panic!("something is missing for good");
    }
}

fn contents(store: &MemoryStore) -> Batch {
    let mut batch = Batch::new();
    let mut copy = |key: &[u8], value: &[u8]| {
        batch.put(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(&KeyRange::ALL, &mut copy).expect("a scan");
    batch
}

/// To whom it pays, and to its payer, who may have lost it. Says how many of the two lack one before it.
fn deliver(nodes: &[Node], voucher: &Signed<Voucher>) -> usize {
    let find = |id| nodes.iter().find(|it| it.id() == id).expect("one of them");
    let payee = find(voucher.payee).receive(voucher).expect("a good voucher");
    let payer = find(voucher.signer());
    let mut gaps = usize::from(matches!(payee, Received::Gap { .. }));
    if voucher.incarnation < payer.ledger.incarnation().expect("readable") {
        let back = payer.ledger.take_back(voucher, &payer.key, NOW);
        gaps += usize::from(matches!(back.expect("its own voucher"), Received::Gap { .. }));
    }
    gaps
}

/// What vouchers alone come to.
fn of_vouchers(ledger: &Ledger) -> Vec<(Account, SignedAmount)> {
    let accounts = ledger.accounts().expect("accounts");
    let counted = |it: &(Account, SignedAmount)| {
        matches!(it.0, Account::Ext(_) | Account::Earned(_) | Account::Spent(_)) && it.1 != SignedAmount::ZERO
    };
    accounts.into_iter().filter(counted).collect()
}

fn check(world: &mut World, what: &str) {
    let mut net = 0;
    for one in &world.nodes {
        one.ledger
            .verify()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let accounts = one.ledger.accounts().expect("accounts");
        let sum: i128 = accounts.iter().map(|(_, it)| it.atto()).sum();
        assert_eq!(sum, 0, "{what}");
        for other in &world.nodes {
            assert_eq!(one.owed_by(other.id()), -other.owed_by(one.id()), "{what}");
        }
        net += one.ledger.balance().expect("a balance").net.atto();
    }
    assert_eq!(net, 0, "{what}: what one earned another spent");

    // It changes nothing to hear all of it again.
    let before: Vec<_> = world.nodes.iter().map(Node::entries).collect();
    world.catch_up();
    let after: Vec<_> = world.nodes.iter().map(Node::entries).collect();
    assert_eq!(before, after, "{what}");

    // One that has lost everything and hears it in another order comes to the same.
    let which = world.random.below(world.nodes.len() as u64) as usize;
    let anew = Node::new(which as u8 + 1);
    anew.ledger
        .resume(world.newest[which], Reason::Behind, &anew.key, NOW)
        .expect("it goes on");
    let mut all: Vec<_> = (world.sent.iter())
        .filter(|it| it.payee == anew.id() || it.signer() == anew.id())
        .collect();
    world.random.shuffle(&mut all);
    while !all.is_empty() {
        let left = all.len();
        all.retain(|it| {
            let done = if it.payee == anew.id() {
                anew.receive(it)
            } else {
                anew.ledger.take_back(it, &anew.key, NOW)
            };
            matches!(done.expect("a good voucher"), Received::Gap { .. })
        });
        assert!(all.len() < left, "{what}: something is missing for good");
    }
    assert_eq!(
        of_vouchers(&anew.ledger),
        of_vouchers(&world.nodes[which].ledger),
        "{what}"
    );
}

#[test]
fn schedules_agree_whatever_the_order() {
    run(0..FEW);
}

#[test]
fn heavy_ten_thousand_schedules_agree_whatever_the_order() {
    run(FEW..ALL);
}

fn run(seeds: std::ops::Range<u64>) {
    let (mut restored, mut vouchers) = (0, 0);
    let schedules = (seeds.end - seeds.start) as usize;
    for seed in seeds {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.catch_up();
        check(&mut world, &format!("schedule {seed}"));
        restored += world.restored;
        vouchers += world.sent.len();
    }
    // It was not about nothing.
    assert!(
        restored > schedules / 4 && vouchers > 2 * schedules,
        "{restored}, {vouchers}"
    );
}
