use nonos_trust::{Act, Block, Context, Deed, Observation, State};
use nonos_types::{NodeId, Timestamp};

use crate::sample::*;

fn state(book: &nonos_trust::TrustBook, at: Timestamp) -> State {
    book.standing(peer(1), at).expect("is known").state
}

#[test]
fn ten_good_deeds_make_a_peer_known_and_thirty_trusted() {
    let book = book();
    for (jobs, expected) in [
        (0..9, State::New),
        (9..10, State::Known),
        (10..29, State::Known),
        (29..30, State::Trusted),
    ] {
        assert_eq!(runs(&book, peer(1), Deed::Good, jobs, NOW).state, expected);
    }
}

/// The bound of thirty good deeds is below 60 % from the 21st day on, and below 55 % from the 23rd.
#[test]
fn trust_is_lost_later_than_it_is_gained() {
    let silent = book();
    runs(&silent, peer(1), Deed::Good, 0..30, NOW);
    let bound = |days| {
        let standing = silent.standing(peer(1), later(days * DAY)).expect("is known");
        standing.of(Context::Execute).lower_bound.get()
    };
    assert!((550_000..600_000).contains(&bound(22)), "{}", bound(22));
    assert_eq!(state(&silent, later(22 * DAY)), State::Trusted);
    assert!(bound(23) < 550_000);
    assert_eq!(state(&silent, later(23 * DAY)), State::Known);

    // Who has the same bound without having been trusted is not.
    let slow = book();
    runs(&slow, peer(1), Deed::Good, 0..29, NOW);
    let one_more = runs(&slow, peer(1), Deed::Good, 29..30, later(25 * DAY));
    let bound = one_more.of(Context::Execute).lower_bound.get();
    assert!((550_000..600_000).contains(&bound), "{bound}");
    assert_eq!(one_more.state, State::Known);
}

#[test]
fn a_silent_peer_is_new_again_in_the_end() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..10, NOW);
    // 44 %: enough to stay known, not to become it.
    assert_eq!(state(&book, later(30 * DAY)), State::Known);
    assert_eq!(state(&book, later(60 * DAY)), State::New);
}

#[test]
fn one_fault_puts_the_untrusted_on_probation() {
    for good in [0, 10] {
        let book = book();
        runs(&book, peer(1), Deed::Good, 0..good, NOW);
        let standing = runs(&book, peer(1), Deed::Bad, 100..101, NOW);
        assert_eq!(standing.state, State::Probation, "after {good} good deeds");
    }
}

#[test]
fn one_fault_of_the_trusted_is_weighed() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..30, NOW);
    assert_eq!(
        runs(&book, peer(1), Deed::Bad, 100..101, NOW).state,
        State::Trusted
    );
    // The second takes them out of trust, the next one on probation.
    let faults = runs(&book, peer(1), Deed::Bad, 101..110, NOW);
    assert_eq!(faults.state, State::Probation);
}

#[test]
fn the_trusted_are_on_probation_where_they_have_done_nothing_well() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..30, NOW);
    let fault = Observation {
        context: Context::Pay,
        ..run(peer(1), Deed::Bad, 100)
    };
    let standing = book.observe(&fault, NOW).expect("is counted");
    assert_eq!(standing.state, State::Probation);
}

#[test]
fn probation_ends_after_a_day_for_who_does_well() {
    let book = book();
    runs(&book, peer(1), Deed::Good, 0..10, NOW);
    runs(&book, peer(1), Deed::Bad, 100..101, NOW);
    assert_eq!(state(&book, later(DAY - 1)), State::Probation);
    assert_eq!(state(&book, later(DAY)), State::Known);
}

#[test]
fn probation_ends_by_time_for_who_does_nothing() {
    let book = book();
    runs(&book, peer(1), Deed::Bad, 0..1, NOW);
    // Four times a bad deed, halved twice in 60 days, is one.
    assert_eq!(state(&book, later(59 * DAY)), State::Probation);
    assert_eq!(state(&book, later(60 * DAY + 1)), State::New);
}

#[test]
fn three_probations_in_thirty_days_blacklist_for_thirty_days() {
    let book = book();
    let fault = |job, at| {
        book.observe(&run(peer(1), Deed::Bad, job), at)
            .expect("is counted")
            .state
    };
    assert_eq!(fault(0, NOW), State::Probation);
    assert_eq!(fault(1, later(DAY)), State::Probation);
    assert_eq!(fault(2, later(29 * DAY)), State::Blacklisted);
    let until = later(59 * DAY);
    assert_eq!(
        book.block_of(peer(1), later(29 * DAY)).expect("is answered"),
        Some(Block::Faults { until })
    );
    assert!(book.is_blacklisted(peer(1)).expect("is answered"));
    assert_eq!(state(&book, Timestamp::new(until.get() - 1)), State::Blacklisted);
    assert_eq!(state(&book, until), State::Probation);
    assert!(
        !book.is_blacklisted(peer(1)).expect("is answered"),
        "the book was told of a later time"
    );
}

#[test]
fn faults_of_one_day_are_one_probation() {
    let book = book();
    let standing = runs(&book, peer(1), Deed::Bad, 0..20, NOW);
    assert_eq!(standing.state, State::Probation);
}

#[test]
fn probations_thirty_days_ago_are_forgotten() {
    let book = book();
    for (job, days) in [(0, 0), (1, 15), (2, 30)] {
        runs(&book, peer(1), Deed::Bad, job..job + 1, later(days * DAY));
    }
    assert_eq!(state(&book, later(30 * DAY)), State::Probation);
}

#[test]
fn the_operator_blocks_and_unblocks_on_record() {
    let book = book();
    let who = peer(1);
    assert!(!book.is_blacklisted(who).expect("is answered"));
    book.block(who, NOW).expect("is recorded");
    assert!(book.is_blacklisted(who).expect("is answered"));
    assert_eq!(state(&book, later(1000 * DAY)), State::Blacklisted);
    assert_eq!(
        book.block_of(who, NOW).expect("is answered"),
        Some(Block::Operator { until: None })
    );

    book.unblock(who, later(1)).expect("is recorded");
    assert!(!book.is_blacklisted(who).expect("is answered"));
    assert_eq!(state(&book, later(1)), State::Probation);
    assert_eq!(state(&book, later(1 + DAY)), State::New);
    let acts = book.acts(who).expect("is answered");
    assert_eq!(acts, [(NOW, Act::Block), (later(1), Act::Unblock)]);
    assert_eq!(book.acts(NodeId::NONE).expect("is answered"), []);
}

#[test]
fn the_last_sixteen_acts_are_kept() {
    let book = book();
    for at in 0..20 {
        book.block(peer(1), later(at)).expect("is recorded");
    }
    let acts = book.acts(peer(1)).expect("is answered");
    assert_eq!((acts.len(), acts[0].0), (16, later(4)));
}

#[test]
fn a_clock_that_runs_back_after_an_act_does_no_harm() {
    let book = book();
    book.unblock(peer(1), NOW).expect("is recorded");
    assert_eq!(state(&book, Timestamp::ZERO), State::Probation);
    runs(&book, peer(1), Deed::Bad, 0..1, Timestamp::ZERO);
    assert_eq!(state(&book, Timestamp::ZERO), State::Probation);
}
