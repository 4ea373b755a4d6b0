use nonos_mesh::core::reconcile::{Limits, ORDER, Pace, Responder, Round, Serve, Summary, Unsound};
use nonos_types::Timestamp;

const NOW: Timestamp = Timestamp::new(1_800_000_000);

fn after(seconds: u64) -> Timestamp {
    Timestamp::new(NOW.get() + seconds)
}

/// Begins as soon as it is due, so many times; says when.
fn rounds(pace: &mut Pace, count: usize) -> Vec<u64> {
    (0..count)
        .map(|_| {
            let due = pace.due();
            pace.began(due);
            due.get() - NOW.get()
        })
        .collect()
}

#[test]
fn rounds_begin_every_thirty_seconds_give_or_take_nine() {
    let mut all = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let begun = rounds(&mut Pace::new(&[seed; 32], NOW), 24);
        let waits: Vec<_> = begun
            .windows(2)
            .map(|it| it[1] - it[0])
            .skip(Pace::BURST as usize)
            .collect();
        assert!(waits.iter().all(|it| (21..=39).contains(it)), "{waits:?}");
        all.extend(waits);
    }
    assert_eq!(all.len(), 19, "every second of the jitter is used: {all:?}");
}

#[test]
fn a_peer_that_came_back_gets_a_burst_and_one_that_failed_does_not() {
    let mut pace = Pace::new(&[1; 32], NOW);
    rounds(&mut pace, 10);
    let later = pace.due();
    pace.reconnected(later);
    let waits: Vec<_> = (0..4)
        .map(|_| {
            let due = pace.due();
            pace.began(due);
            pace.due().get() - due.get()
        })
        .collect();
    assert!(
        waits[..3].iter().all(|it| *it <= 2) && waits[3] >= 21,
        "{waits:?}"
    );

    let mut pace = Pace::new(&[1; 32], NOW);
    pace.failed(NOW);
    assert!(pace.due() >= after(21));
}

#[test]
fn another_seed_has_another_pace() {
    let [one, other, again] = [1, 2, 1].map(|seed| rounds(&mut Pace::new(&[seed; 32], NOW), 20));
    assert_ne!(one, other);
    assert_eq!(one, again);
}

/// Does this peer get all its kinds answered now?
fn is_served(serve: &mut Serve, now: Timestamp) -> bool {
    let summary = Summary::new(1);
    let (mut round, first) = Round::begin(&summary, ORDER[0], now);
    let mut asks = Some(first);
    while let Some(ask) = asks {
        match serve.answer(&summary, &ask, now) {
            Ok(answer) => asks = round.hear(&summary, &answer).expect("sound").ask,
            Err(error) => {
                assert_eq!(error, Unsound::TooOften);
                return false;
            }
        }
    }
    true
}

/// The fastest peer that keeps to the pace, and one that comes back twice in the middle of its burst.
#[test]
fn a_peer_that_keeps_to_the_pace_is_always_served() {
    let mut serve = Serve::new(NOW);
    for second in [0, 0, 0, 2, 2, 2] {
        assert!(is_served(&mut serve, after(second)));
    }
    let mut second = 2;
    for _ in 0..200 {
        second += 21;
        assert!(is_served(&mut serve, after(second)), "{second}");
    }
}

#[test]
fn a_peer_that_begins_again_and_again_is_not() {
    let mut serve = Serve::new(NOW);
    let served = (0..600)
        .filter(|second| is_served(&mut serve, after(*second)))
        .count();
    assert!(served < 600 / 14, "{served}");
}

#[test]
fn a_peer_has_no_more_of_one_kind_than_a_round_may() {
    let full = super::summary((0..200_000).map(|n| super::name(0, n)));
    let (mut serve, mut bytes) = (Serve::new(NOW), 0);
    let (_, ask) = super::Initiator::begin(&super::summary([]), super::KIND, super::ALL, Limits::ROUND);
    // It asks for all, again and again, in two ways so that no ask is the last one.
    let (_, other) = super::Initiator::begin(
        &super::summary([super::name(9, 0)]),
        super::KIND,
        super::ALL,
        Limits::ROUND,
    );
    let refused = (0..).find_map(|n| match serve.answer(&full, [&ask, &other][n % 2], NOW) {
        Ok(answer) => {
            bytes += answer.to_bytes().len() as u64;
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!(refused, Some(Unsound::OverBudget { limit: Limits::ROUND }));
    assert!(bytes <= Limits::ROUND.get() && bytes > Limits::ROUND.get() / 2);
    // A responder alone does not answer the same again.
    let mut responder = Responder::new(&ask);
    assert!(responder.answer(&full, &ask).is_ok());
    assert_eq!(responder.answer(&full, &ask), Err(Unsound::NoProgress));
}
