use nonos_store::{Batch, Durability, KeyRange, MemoryStore, Store, Visit};
use nonos_trust::{
    Block, Cause, Context, Conviction, Deed, Error, Judgement, ProofVerdict, State, TrustBook, Weight, judge,
};
use nonos_types::Fault;
use std::sync::Arc;

use crate::sample::*;

#[test]
fn the_convicted_is_blacklisted_until_the_operator_acts() {
    let book = book();
    let accusation = accusation(&key(1), 0);
    let new = book
        .convict(&accusation, &guilty(&accusation), NOW)
        .expect("is judged");
    assert_eq!(new, Conviction::New);
    assert!(book.is_blacklisted(peer(1)).expect("is answered"));
    assert!(
        !book.is_blacklisted(peer(200)).expect("is answered"),
        "the accuser is not"
    );

    let long_after = later(10_000 * DAY);
    assert_eq!(
        book.standing(peer(1), long_after).expect("is known").state,
        State::Blacklisted
    );
    let id = accusation.evidence.id();
    assert_eq!(
        book.block_of(peer(1), long_after).expect("is answered"),
        Some(Block::Evidence(id))
    );
    assert_eq!(book.convictions().expect("is answered"), [(peer(1), id)]);
    assert_eq!(book.evidence(id).expect("is answered"), Some(accusation));
}

#[test]
fn an_invalid_proof_weighs_as_five_bad_runs() {
    let book = book();
    let accusation = accusation(&key(1), 0);
    book.convict(&accusation, &guilty(&accusation), NOW)
        .expect("is judged");
    let standing = book.standing(peer(1), NOW).expect("is known");
    // 0.6 / (4 · 5 + 2)
    assert_eq!(standing.of(Context::Execute).score.get(), 27_273);
    let points = book.explain(peer(1)).expect("is answered");
    assert_eq!(points.len(), 1);
    let point = points[0];
    assert_eq!(
        (point.at, point.context, point.deed, point.weight, point.cause),
        (
            NOW,
            Context::Execute,
            Deed::Bad,
            Weight::INVALID_PROOF,
            Cause::Evidence(accusation.evidence.id())
        )
    );
}

#[test]
fn a_conviction_counts_once() {
    let book = book();
    let first = accusation(&key(1), 0);
    book.convict(&first, &guilty(&first), NOW).expect("is judged");
    let before = book.list(NOW).expect("is answered");

    let by_another = accuse(&key(201), network(), receipt(&key(1), 0), TAPES, PROOF);
    let of_another_run = accusation(&key(1), 1);
    for again in [&first, &by_another, &of_another_run] {
        let known = book.convict(again, &guilty(again), later(1)).expect("is judged");
        assert_eq!(known, Conviction::Known);
    }
    assert_eq!(book.list(NOW).expect("is answered"), before);
    assert_eq!(book.convictions().expect("is answered").len(), 1);
    let kept = book.evidence(of_another_run.evidence.id()).expect("is answered");
    assert_eq!(kept, None, "one accusation is kept of each convicted");
}

#[test]
fn the_innocent_and_the_undecided_stay_as_they_are() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..3, NOW);
    let before = book.list(NOW).expect("is answered");
    let accusation = accusation(&key(1), 0);
    for verdict in [ProofVerdict::Valid, unknown()] {
        let judgement = judge(&accusation, &Check(verdict));
        let outcome = book.convict(&accusation, &judgement, NOW).expect("is judged");
        assert_eq!(outcome, Conviction::NotGuilty);
    }
    assert_eq!(book.list(NOW).expect("is answered"), before);
    assert_eq!(book.convictions().expect("is answered"), []);
    let id = accusation.evidence.id();
    assert_eq!(book.evidence(id).expect("is answered"), None);
}

#[test]
fn a_judgement_of_another_accusation_convicts_nobody() {
    let book = book();
    let one = accusation(&key(1), 0);
    let subject = peer(1);
    let elsewhere = [
        guilty(&accusation(&key(2), 0)),
        guilty(&accusation(&key(1), 1)),
        Judgement::Guilty {
            subject: peer(2),
            evidence: one.evidence.id(),
        },
    ];
    for judgement in elsewhere {
        let error = book.convict(&one, &judgement, NOW).expect_err("is another's");
        assert!(matches!(error, Error::OtherJudgement { .. }), "{error:?}");
        assert_eq!(error.fault(), Fault::Bug);
    }
    assert!(!book.is_blacklisted(subject).expect("is answered"));
    assert_eq!(book.list(NOW).expect("is answered"), []);
}

#[test]
fn the_pardoned_is_convicted_again_only_on_new_evidence() {
    let book = book();
    let first = accusation(&key(1), 0);
    book.convict(&first, &guilty(&first), NOW).expect("is judged");
    book.unblock(peer(1), NOW).expect("is recorded");
    assert!(!book.is_blacklisted(peer(1)).expect("is answered"));

    let again = book
        .convict(&first, &guilty(&first), later(1))
        .expect("is judged");
    assert_eq!(again, Conviction::Known);
    assert!(!book.is_blacklisted(peer(1)).expect("is answered"));

    let second = accusation(&key(1), 1);
    let new = book
        .convict(&second, &guilty(&second), later(2))
        .expect("is judged");
    assert_eq!(new, Conviction::New);
    assert!(book.is_blacklisted(peer(1)).expect("is answered"));
    assert_eq!(book.convictions().expect("is answered").len(), 2);
}

#[test]
fn reopening_the_store_changes_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let before = TrustBook::open(Arc::clone(&store)).expect("opens");
    runs(&before, peer(1), Deed::Good, 0..30, NOW);
    runs(&before, peer(2), Deed::Bad, 0..2, NOW);
    let accusation = accusation(&key(3), 0);
    before
        .convict(&accusation, &guilty(&accusation), NOW)
        .expect("is judged");
    before.block(peer(4), NOW).expect("is recorded");
    for (job, days) in [(0, 0), (1, 1), (2, 2)] {
        runs(&before, peer(5), Deed::Bad, job..job + 1, later(days * DAY));
    }

    let after = TrustBook::open(store).expect("opens");
    let now = later(3 * DAY);
    let list = after.list(now).expect("is answered");
    assert_eq!(list.len(), 5);
    assert_eq!(list, before.list(now).expect("is answered"));
    for seed in 1..=5 {
        let who = peer(seed);
        assert_eq!(
            after.is_blacklisted(who).expect("is answered"),
            seed >= 3,
            "peer {seed}"
        );
        assert_eq!(
            after.explain(who).expect("is answered"),
            before.explain(who).expect("is answered")
        );
        assert_eq!(
            after.acts(who).expect("is answered"),
            before.acts(who).expect("is answered")
        );
        assert_eq!(
            after.block_of(who, now).expect("is answered"),
            before.block_of(who, now).expect("is answered")
        );
    }
    let id = accusation.evidence.id();
    assert_eq!(after.evidence(id).expect("is answered"), Some(accusation.clone()));
    assert_eq!(after.convictions().expect("is answered"), [(peer(3), id)]);
    let known = after
        .convict(&accusation, &guilty(&accusation), now)
        .expect("is judged");
    assert_eq!(known, Conviction::Known);
    let again = after
        .observe(&run(peer(1), Deed::Good, 0), now)
        .expect("is no error");
    assert_eq!(
        again.of(Context::Execute).good,
        30,
        "a cause counts once over restarts"
    );
}

#[test]
fn every_counted_point_is_explained_in_its_order() {
    let book = book();
    for job in 0..300 {
        let deed = if job % 3 == 0 { Deed::Bad } else { Deed::Good };
        book.observe(&run(peer(1), deed, job), later(job))
            .expect("is counted");
    }
    // Another whose id is next to it, and whose points are not its.
    runs(&book, peer(2), Deed::Good, 0..3, NOW);
    let points = book.explain(peer(1)).expect("is answered");
    let expected: Vec<_> = (0..300)
        .map(|job| (later(job), cause(job), job % 3 == 0))
        .collect();
    let found: Vec<_> = points
        .iter()
        .map(|it| (it.at, it.cause, it.deed == Deed::Bad))
        .collect();
    assert_eq!(found, expected);
    assert!(points.iter().all(|it| it.weight == Weight::ONE));
    assert_eq!(book.explain(peer(3)).expect("is answered"), []);
}

#[test]
fn points_are_bounded_and_the_oldest_stay_counted() {
    let book = book();
    let extra = 5;
    let standing = runs(&book, peer(1), Deed::Good, 0..TrustBook::MAX_POINTS + extra, NOW);
    assert_eq!(standing.of(Context::Execute).good, TrustBook::MAX_POINTS + extra);
    let points = book.explain(peer(1)).expect("is answered");
    assert_eq!(points.len() as u64, TrustBook::MAX_POINTS);
    assert_eq!(points[0].cause, cause(extra));
    // A cause is remembered as long as its point.
    let again = book
        .observe(&run(peer(1), Deed::Good, extra), NOW)
        .expect("is no error");
    assert_eq!(again, standing);
    let again = book
        .observe(&run(peer(1), Deed::Good, extra - 1), NOW)
        .expect("is no error");
    assert_ne!(again, standing);
}

#[test]
fn what_a_peer_takes_in_the_store_is_bounded() {
    let store = Arc::new(MemoryStore::new());
    let book = TrustBook::open(Arc::clone(&store) as Arc<dyn Store>).expect("opens");
    let size = || {
        let mut size = (0, 0);
        let mut add = |key: &[u8], value: &[u8]| {
            size = (size.0 + 1, size.1 + key.len() + value.len());
            std::ops::ControlFlow::Continue(())
        };
        store.scan(&KeyRange::ALL, &mut add).expect("a scan");
        size
    };
    // A deed every half day, for years.
    for job in 0..2 * TrustBook::MAX_POINTS {
        let deed = if job % 2 == 0 { Deed::Bad } else { Deed::Good };
        book.observe(&run(peer(1), deed, job), later(job * DAY / 2))
            .expect("is counted");
    }
    let (entries, bytes) = size();
    assert_eq!(entries as u64, 2 * TrustBook::MAX_POINTS + 1);
    assert!(bytes < 300 * 1024, "{bytes}");
}

/// Lets other threads run between any read and the write that follows from it.
struct Slow(MemoryStore);

impl Store for Slow {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, nonos_store::Error> {
        let value = self.0.get(key);
        std::thread::yield_now();
        value
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), nonos_store::Error> {
        self.0.scan(range, visit)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<(), nonos_store::Error> {
        self.0.write(batch, durability)
    }
}

#[test]
fn threads_that_observe_at_once_lose_nothing() {
    let book = TrustBook::open(Arc::new(Slow(MemoryStore::new()))).expect("opens");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let book = &book;
            scope.spawn(move || {
                runs(
                    book,
                    peer(1),
                    Deed::Good,
                    thread * 50..(thread + 1) * 50 + 10,
                    NOW,
                )
            });
        }
    });
    let standing = book.standing(peer(1), NOW).expect("is known");
    assert_eq!(standing.of(Context::Execute).good, 210);
}

#[test]
fn damaged_entries_are_named() {
    let store = Arc::new(MemoryStore::new());
    let book = TrustBook::open(Arc::clone(&store) as Arc<dyn Store>).expect("opens");
    let accusation = accusation(&key(1), 0);
    book.convict(&accusation, &guilty(&accusation), NOW)
        .expect("is judged");

    let id = accusation.evidence.id();
    let mut bytes = accusation.to_bytes();
    *bytes.last_mut().expect("is not empty") ^= 1;
    let entry = [b"trust-evidence\0", &id.as_bytes()[..]].concat();
    store.put(&entry, &bytes, Durability::Durable).expect("a write");
    let error = book.evidence(id).expect_err("is damaged");
    assert!(
        matches!(error, Error::DamagedEvidence { evidence, .. } if evidence == id),
        "{error:?}"
    );

    let who = peer(1);
    let entry = [b"trust-peer\0", &who.as_bytes()[..]].concat();
    store.put(&entry, b"\xff", Durability::Durable).expect("a write");
    for error in [
        book.is_blacklisted(who).err(),
        book.observe(&run(who, Deed::Good, 0), NOW).err(),
        book.list(NOW).err(),
    ] {
        assert!(
            matches!(
                error,
                Some(Error::Store(nonos_store::Error::BadEntry { table: "trust-peer" }))
            ),
            "{error:?}"
        );
    }
}

#[test]
fn a_standing_is_readable_as_json() {
    let book = book();
    let standing = runs(&book, peer(1), Deed::Good, 0..1, NOW);
    let json = serde_json::to_value(standing).expect("is data");
    assert_eq!(json["state"], "new");
    assert_eq!(json["score"], 533_333);
    assert_eq!(json["scores"][0]["good"], 1);
    let point = serde_json::to_value(book.explain(peer(1)).expect("is answered")).expect("is data");
    assert_eq!(point[0]["context"], "execute");
    assert!(point[0]["cause"]["job"].is_string(), "{point}");
}
