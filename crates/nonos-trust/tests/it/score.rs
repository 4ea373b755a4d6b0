use nonos_trust::{Cause, Context, Deed, Observation, Ppm, State};
use nonos_types::{NodeId, Timestamp};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::sample::*;

const SPEC: &str = include_str!("../../../../docs/spec/evidence.md");
const HOUR: u64 = 60 * 60;

/// The rows of the table that starts with `header`, as numbers.
fn table(header: &str) -> Vec<Vec<u64>> {
    let rows = SPEC.lines().skip_while(|line| *line != header).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|row| {
            let cells = row.trim_matches('|').split('|');
            cells
                .map(|cell| cell.trim().replace(',', "").parse().expect("a number"))
                .collect()
        })
        .collect()
}

/// Computed by hand, that is by another program in floating point.
#[test]
fn scores_are_those_of_the_spec() {
    let rows = table("| good | bad | hours later | score | lower bound |");
    assert_eq!(rows.len(), 15);
    for row in rows {
        let [good, bad, hours, expected @ ..] = &row[..] else {
            panic!("a row has five numbers")
        };
        let book = book();
        runs(&book, peer(1), Deed::Good, 0..*good, NOW);
        runs(&book, peer(1), Deed::Bad, *good..good + bad, NOW);
        let standing = book.standing(peer(1), later(hours * HOUR)).expect("is known");
        let found = standing.of(Context::Execute);
        assert_eq!(
            [u64::from(found.score.get()), found.lower_bound.get().into()],
            expected,
            "{row:?}"
        );
        assert_eq!((found.good, found.bad), (*good, *bad));
        assert_eq!(standing.score, found.score);
    }
}

#[test]
fn an_unknown_peer_is_a_newcomer() {
    let standing = book().standing(peer(1), NOW).expect("is answered");
    assert_eq!(standing.state, State::New);
    for context in Context::ALL {
        assert_eq!(standing.of(context).score, Ppm::new(300_000).expect("is a share"));
    }
}

#[test]
fn contexts_do_not_touch_each_other() {
    let book = book();
    for context in [Context::Seed, Context::Verify] {
        let observation = Observation {
            context,
            ..run(peer(1), Deed::Good, 0)
        };
        book.observe(&observation, NOW).expect("is counted");
    }
    let standing = book.standing(peer(1), NOW).expect("is known");
    let counted: Vec<_> = standing.scores.iter().map(|it| it.good).collect();
    assert_eq!(counted, [0, 1, 0, 1, 0]);
    // Nothing was executed, so the score shown is that of the first context with deeds.
    assert_eq!(standing.score, standing.of(Context::Verify).score);
    runs(&book, peer(1), Deed::Bad, 1..2, NOW);
    let standing = book.standing(peer(1), NOW).expect("is known");
    assert_eq!(standing.score, standing.of(Context::Execute).score);
}

#[test]
fn peers_do_not_touch_each_other() {
    let book = book();
    runs(&book, peer(1), Deed::Bad, 0..3, NOW);
    assert_eq!(
        book.standing(peer(2), NOW).expect("is answered").score.get(),
        300_000
    );
}

#[test]
fn the_same_cause_counts_once_per_peer_and_context() {
    let book = book();
    let once = book
        .observe(&run(peer(1), Deed::Good, 0), NOW)
        .expect("is counted");
    for (deed, at) in [(Deed::Good, NOW), (Deed::Bad, NOW), (Deed::Good, later(1))] {
        let again = book.observe(&run(peer(1), deed, 0), at).expect("is no error");
        assert_eq!(
            (again.of(Context::Execute).good, again.of(Context::Execute).bad),
            (1, 0)
        );
    }
    assert_eq!(book.standing(peer(1), NOW).expect("is known"), once);
    assert_eq!(book.explain(peer(1)).expect("is answered").len(), 1);

    let elsewhere = Observation {
        context: Context::Seed,
        ..run(peer(1), Deed::Good, 0)
    };
    for other in [
        elsewhere,
        run(peer(2), Deed::Good, 0),
        run(peer(1), Deed::Good, 1),
    ] {
        book.observe(&other, NOW).expect("is counted");
    }
    let standing = book.standing(peer(1), NOW).expect("is known");
    assert_eq!((standing.scores[0].good, standing.scores[3].good), (2, 1));
    assert_eq!(book.standing(peer(2), NOW).expect("is known").scores[0].good, 1);
}

/// The same 32 bytes as the name of a job and of a receipt are two causes.
#[test]
fn causes_of_different_kinds_differ() {
    let book = book();
    let bytes = [9; 32];
    let causes = [
        Cause::Job(nonos_types::Digest::from_bytes(bytes)),
        Cause::Receipt(nonos_types::Digest::from_bytes(bytes)),
        Cause::Message(nonos_types::Digest::from_bytes(bytes)),
        Cause::Capsule(nonos_types::Digest::from_bytes(bytes)),
        Cause::Segment(nonos_types::Digest::from_bytes(bytes)),
        Cause::Challenge(nonos_types::Digest::from_bytes(bytes)),
    ];
    for cause in causes {
        let observation = Observation {
            cause,
            ..run(peer(1), Deed::Good, 0)
        };
        book.observe(&observation, NOW).expect("is counted");
    }
    assert_eq!(book.standing(peer(1), NOW).expect("is known").scores[0].good, 6);
    // And each is read back as what it was.
    let read: Vec<Cause> = (book.explain(peer(1)).expect("points").iter())
        .map(|it| it.cause)
        .collect();
    assert_eq!(read, causes);
}

#[test]
fn a_clock_that_runs_back_changes_no_score() {
    let book = book();
    let at = later(100 * DAY);
    let now = runs(&book, peer(1), Deed::Good, 0..5, at);
    assert_eq!(book.standing(peer(1), NOW).expect("is known"), now);
    assert_eq!(book.standing(peer(1), Timestamp::ZERO).expect("is known"), now);
}

/// 1000 · 2^−9 + 1 good deeds: (2.953125 + 0.6) / (2.953125 + 2).
#[test]
fn many_deeds_still_count_after_nine_half_lives() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..1000, NOW);
    let standing = runs(&book, peer(1), Deed::Good, 1000..1001, later(63 * DAY));
    assert_eq!(standing.of(Context::Execute).score.get(), 717_350);
}

#[test]
fn times_at_the_end_of_all_time_are_counted() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..5, NOW);
    let standing = runs(&book, peer(1), Deed::Bad, 5..6, Timestamp::MAX);
    assert_eq!(standing.of(Context::Execute).score.get(), 100_000);
}

fn deeds() -> impl Strategy<Value = Vec<(Context, Deed, u64)>> {
    let deed = (
        select(&Context::ALL),
        select(&[Deed::Good, Deed::Bad]),
        0..200 * DAY,
    );
    vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_deeds_in_any_order_give_the_same_scores(
        (deeds, shuffled) in deeds().prop_flat_map(|deeds| {
            let numbered: Vec<_> = (0..).zip(deeds).collect();
            (Just(numbered.clone()), Just(numbered).prop_shuffle())
        }),
        wait in 0..400 * DAY,
    ) {
        let now = later(200 * DAY + wait);
        let scores = |deeds: &[(u64, (Context, Deed, u64))]| {
            let book = book();
            for &(job, (context, deed, at)) in deeds {
                let observation = Observation { context, ..run(peer(1), deed, job) };
                book.observe(&observation, later(at)).expect("is counted");
            }
            book.standing(peer(1), now).expect("is known").scores
        };
        prop_assert_eq!(scores(&deeds), scores(&shuffled));
    }

    #[test]
    fn a_good_deed_never_lowers_a_score_and_a_bad_one_never_raises_it(deeds in deeds(), at in 0..200 * DAY) {
        let (book, who, now) = (book(), peer(1), later(200 * DAY));
        for (job, (context, deed, at)) in (0..).zip(deeds) {
            let observation = Observation { context, ..run(who, deed, job) };
            book.observe(&observation, later(at)).expect("is counted");
        }
        let score = |who: NodeId| book.standing(who, now).expect("is known").of(Context::Execute);
        let before = score(who);
        prop_assert!(before.lower_bound <= before.score);
        book.observe(&run(who, Deed::Good, 1000), later(at)).expect("is counted");
        let better = score(who);
        prop_assert!(better.score >= before.score);
        book.observe(&run(who, Deed::Bad, 1001), later(at)).expect("is counted");
        prop_assert!(score(who).score <= better.score);
    }
}
