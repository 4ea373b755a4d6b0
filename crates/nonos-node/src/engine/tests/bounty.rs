//! Bounties: who is paid for having verified, and who is not.

use ed25519_dalek::SigningKey;
use nonos_types::*;

use super::{hostile::job_and_offer, world::*};
use crate::engine::bounty::{SHOWS_MS, TAKES_MS, WAITS_MS};

/// Of one receipt, for one job of node 0 whose executor is node 1: the only other node.
struct Bench {
    world: World,
    receipt: ReceiptId,
}

/// Second by second.
fn until(world: &mut World, is_so: impl Fn(&World) -> bool) {
    let seconds = (0..60).find(|_| {
        world.pass(1);
        is_so(world)
    });
    seconds.expect("it comes to that");
}

fn commitments(world: &World) -> usize {
    let said = said(world, 0);
    said.iter()
        .filter(|it| matches!(it.1, Some(Work::Committed(_))))
        .count()
}

fn verifier(seed: u8) -> SigningKey {
    key(100 + seed)
}

impl Bench {
    /// A receipt that node 0 has just found right.
    fn new(verifiers: u16) -> Self {
        let mut world = World::new(2);
        let (job, _) = job_and_offer(&mut world, verifiers);
        until(&mut world, |world| !world.nodes[0].engine.receipts.is_empty());
        let receipt = world.good(0, job);
        Self { world, receipt }
    }

    fn value(&self) -> TranscriptDigest {
        value_of(self.receipt)
    }

    fn say(&mut self, by: &SigningKey, work: Option<Work>) {
        self.say_of(by, true, work);
    }

    fn say_of(&mut self, by: &SigningKey, valid: bool, work: Option<Work>) {
        let verdict = Verdict {
            network: network(),
            receipt: self.receipt,
            valid,
            at: Timestamp::new(self.world.time()),
            shard: None,
            work,
        };
        self.world.message(0, self.world.id(1), signed(verdict, by));
        self.world.run();
    }

    fn commit_to(&mut self, by: &SigningKey, value: TranscriptDigest) {
        let to = VerdictCommitment::to(id(by), self.receipt, value);
        self.say(by, Some(Work::Committed(to)));
    }

    fn commit(&mut self, by: &SigningKey) {
        self.commit_to(by, self.value());
    }

    fn show(&mut self, by: &SigningKey) {
        self.say(by, Some(Work::Shown(self.value())));
    }

    /// Who has been paid for verifying, in order.
    fn paid(&self) -> Vec<NodeId> {
        let paid = self.world.paid(0).into_iter();
        paid.filter(|it| it.1 == FeeKind::Verify).map(|it| it.0).collect()
    }

    /// Who has a good deed as a verifier.
    fn is_credited(&self, by: &SigningKey) -> bool {
        let deeds = self.world.nodes[0].engine.trust.explain(id(by)).expect("deeds");
        (deeds.iter())
            .any(|it| it.context == nonos_trust::Context::Verify && it.deed == nonos_trust::Deed::Good)
    }
}

#[test]
fn who_commits_and_shows_is_paid() {
    let mut bench = Bench::new(1);
    let key = verifier(1);
    bench.commit(&key);
    assert!(bench.is_credited(&key), "trust does not wait for what is shown");
    assert_eq!(bench.paid(), [], "nothing is shown yet");
    bench.show(&key);
    assert_eq!(bench.paid(), [id(&key)]);
}

#[test]
fn who_shows_nothing_is_not_paid() {
    let mut bench = Bench::new(1);
    bench.commit(&verifier(1));
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
}

/// As programs say it that know of no commitments.
#[test]
fn a_verdict_that_commits_to_nothing_counts_and_is_not_paid() {
    let mut bench = Bench::new(1);
    let key = verifier(1);
    bench.say(&key, None);
    bench.show(&key);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
    assert!(bench.is_credited(&key));
}

#[test]
fn a_commitment_that_was_copied_under_another_name_is_worth_nothing() {
    let mut bench = Bench::new(2);
    let (key, copier) = (verifier(1), verifier(2));
    bench.commit(&key);
    let to = VerdictCommitment::to(id(&key), bench.receipt, bench.value());
    bench.say(&copier, Some(Work::Committed(to)));
    bench.show(&key);
    bench.show(&copier);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), [id(&key)]);
}

#[test]
fn what_is_shown_without_a_commitment_is_not_paid() {
    let mut bench = Bench::new(1);
    bench.show(&verifier(1));
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
    assert!(!bench.is_credited(&verifier(1)));
}

#[test]
fn a_commitment_after_the_value_was_said_is_too_late() {
    let mut bench = Bench::new(2);
    let (first, copier) = (verifier(1), verifier(2));
    bench.commit(&first);
    bench.show(&first);
    bench.commit(&copier);
    bench.show(&copier);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), [id(&first)]);
    assert!(bench.is_credited(&copier));
}

#[test]
fn a_commitment_is_taken_for_six_seconds_after_the_first() {
    for (late, paid) in [(TAKES_MS - 1, 2), (TAKES_MS, 1)] {
        let mut bench = Bench::new(2);
        bench.commit(&verifier(1));
        bench.world.millis += late;
        bench.commit(&verifier(2));
        bench.show(&verifier(1));
        bench.show(&verifier(2));
        assert_eq!(bench.paid().len(), paid, "{late} ms");
    }
}

#[test]
fn another_value_than_this_node_found_is_not_paid() {
    let mut bench = Bench::new(1);
    let (key, value) = (verifier(1), TranscriptDigest::from_bytes([9; 32]));
    bench.commit_to(&key, value);
    bench.say(&key, Some(Work::Shown(value)));
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
}

#[test]
fn a_value_that_does_not_open_its_commitment_is_not_paid() {
    let mut bench = Bench::new(1);
    let key = verifier(1);
    bench.commit_to(&key, TranscriptDigest::from_bytes([9; 32]));
    bench.show(&key);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
}

/// It knows the value, since it made the proof.
#[test]
fn the_executor_is_not_paid_for_verifying_itself() {
    let mut bench = Bench::new(1);
    let executor = bench.world.nodes[1].key.clone();
    bench.commit(&executor);
    bench.show(&executor);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
}

#[test]
fn nobody_is_paid_twice() {
    let mut bench = Bench::new(3);
    let key = verifier(1);
    for _ in 0..2 {
        bench.commit(&key);
        bench.world.pass(1);
    }
    for _ in 0..2 {
        bench.show(&key);
        bench.world.pass(1);
    }
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), [id(&key)]);
}

#[test]
fn as_many_as_were_offered_are_paid_by_the_order_of_their_commitments() {
    let mut bench = Bench::new(2);
    for seed in 1..=4 {
        bench.commit(&verifier(seed));
    }
    for seed in [4, 3, 2] {
        bench.show(&verifier(seed));
    }
    assert_eq!(
        bench.paid(),
        [],
        "the first may still show what he has committed to"
    );
    bench.show(&verifier(1));
    // In one write, in whatever order.
    let first: std::collections::BTreeSet<_> = [1, 2].map(|seed| id(&verifier(seed))).into();
    assert_eq!(
        bench
            .paid()
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        first
    );
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid().len(), 2);
}

#[test]
fn who_has_committed_and_says_nothing_keeps_nobody_waiting_for_ever() {
    let mut bench = Bench::new(1);
    bench.commit_to(&verifier(1), TranscriptDigest::from_bytes([9; 32]));
    bench.commit(&verifier(2));
    bench.show(&verifier(2));
    bench.world.pass(WAITS_MS / 1000 - 1);
    assert_eq!(bench.paid(), []);
    bench.world.pass(2);
    assert_eq!(bench.paid(), [id(&verifier(2))]);
}

/// Only of a proof that was found right there is something to show; nothing else can be written.
#[test]
fn who_finds_it_wrong_is_not_paid() {
    let mut bench = Bench::new(1);
    let key = verifier(1);
    bench.say_of(&key, false, None);
    bench.commit(&key);
    bench.show(&key);
    bench.world.pass(WAITS_MS / 1000 + 1);
    assert_eq!(bench.paid(), []);
}

#[test]
fn who_is_blacklisted_since_it_committed_is_not_paid_and_holds_up_nobody() {
    let mut bench = Bench::new(1);
    bench.commit(&verifier(1));
    bench.commit(&verifier(2));
    let at = Timestamp::new(bench.world.time());
    bench.world.nodes[0]
        .engine
        .trust
        .block(id(&verifier(1)), at)
        .expect("blocked");
    bench.show(&verifier(1));
    bench.show(&verifier(2));
    assert_eq!(bench.paid(), [id(&verifier(2))]);
}

#[test]
fn the_order_is_kept_by_a_restart() {
    let mut bench = Bench::new(1);
    for seed in [1, 2] {
        bench.commit(&verifier(seed));
    }
    bench.world.stop(0);
    bench.world.start(0);
    bench.show(&verifier(2));
    assert_eq!(bench.paid(), []);
    bench.show(&verifier(1));
    assert_eq!(bench.paid(), [id(&verifier(1))]);
}

/// What the value is said in, by whom and when.
fn said(world: &World, from: usize) -> Vec<(usize, Option<Work>)> {
    let verdicts = world.published[from..]
        .iter()
        .filter_map(|(node, message)| match message {
            Message::Verdict(it) => Some((*node, it.work)),
            _ => None,
        });
    verdicts.collect()
}

#[test]
fn a_verifier_says_the_value_ten_seconds_after_it_committed_and_nobody_before() {
    let mut world = World::new(4);
    let (job, _) = job_and_offer(&mut world, 2);
    until(&mut world, |world| commitments(world) == 2);
    let value = value_of(world.good(0, job));
    let is_shown = |it: &(usize, Option<Work>)| it.1 == Some(Work::Shown(value));
    let first = said(&world, 0);
    let plain: Vec<usize> = first.iter().filter(|it| it.1.is_none()).map(|it| it.0).collect();
    assert_eq!(plain, [0], "the requester would pay itself");
    world.pass(SHOWS_MS / 1000 - 2);
    assert!(!said(&world, 0).iter().any(is_shown));
    world.pass(3);
    assert_eq!(said(&world, 0).iter().filter(|it| is_shown(it)).count(), 2);
    let paid = world.paid(0);
    assert_eq!(paid.iter().filter(|it| it.1 == FeeKind::Verify).count(), 2);
    world.assert_books_agree();
}

#[test]
fn a_verifier_that_crashed_says_the_value_after_it() {
    let mut world = World::new(3);
    job_and_offer(&mut world, 1);
    until(&mut world, |world| commitments(world) == 1);
    let verifier = said(&world, 0)
        .iter()
        .find(|it| it.1.is_some())
        .expect("committed")
        .0;
    world.stop(verifier);
    world.pass(5);
    world.start(verifier);
    world.pass(SHOWS_MS / 1000 + 2);
    let bounties = world.paid(0).into_iter().filter(|it| it.1 == FeeKind::Verify);
    assert_eq!(bounties.map(|it| it.0).collect::<Vec<_>>(), [world.id(verifier)]);
}

#[test]
fn where_no_bounty_is_offered_a_verdict_is_as_it_was() {
    let mut world = World::new(3);
    job_and_offer(&mut world, 0);
    world.pass(20);
    let said = said(&world, 0);
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|it| it.1.is_none()));
}

#[test]
fn what_is_kept_of_values_goes_with_its_job() {
    let mut bench = Bench::new(1);
    bench.commit(&verifier(1));
    let (receipt, engine) = (bench.receipt, |bench: &Bench| {
        bench.world.nodes[1].engine.value_of(bench.receipt)
    });
    assert!(
        engine(&bench).expect("a store").is_none(),
        "it has made the proof, not verified it"
    );
    assert_eq!(
        bench.world.nodes[0].engine.value_of(receipt).expect("a store"),
        Some(bench.value())
    );
    bench.world.millis += 40 * 24 * 60 * 60 * 1000;
    bench.world.pass(1);
    assert_eq!(
        bench.world.nodes[0].engine.value_of(receipt).expect("a store"),
        None
    );
}
