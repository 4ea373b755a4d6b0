//! What an operator decides himself.

use nonos_store::MemoryStore;
use nonos_trust::{Act, Block, Conviction, Deed, Reason, State, TrustBook};
use std::sync::Arc;

use crate::sample::*;

fn because(words: &str) -> Reason {
    Reason::new(words).expect("a reason")
}

#[test]
fn a_peer_is_blocked_for_a_reason_until_a_time() {
    let store = Arc::new(MemoryStore::new());
    let book = TrustBook::open(Arc::clone(&store) as _).expect("opens");
    let (who, until) = (peer(1), later(100));
    book.block_for(who, &because("it spams"), Some(until), NOW)
        .expect("is recorded");
    // As it is in the store.
    let book = TrustBook::open(store).expect("opens");
    let block = |at| book.block_of(who, at).expect("is answered");
    assert_eq!(block(later(99)), Some(Block::Operator { until: Some(until) }));
    assert_eq!(
        book.standing(who, later(99)).expect("is answered").state,
        State::Blacklisted
    );
    assert!(book.is_blacklisted(who).expect("is answered"));
    assert_eq!(book.reason(who).expect("is answered"), Some(because("it spams")));
    assert_eq!(block(until), None);
    assert_eq!(book.standing(who, until).expect("is answered").state, State::New);
    assert!(!book.is_blacklisted(who).expect("is answered"));
    assert_eq!(book.acts(who).expect("is answered"), [(NOW, Act::Block)]);
    assert_eq!(book.convictions().expect("a list"), [], "it is no conviction");
}

#[test]
fn a_later_act_replaces_the_reason() {
    let (book, who) = (book(), peer(1));
    book.block_for(who, &because("one"), None, NOW)
        .expect("is recorded");
    assert_eq!(
        book.block_of(who, NOW).expect("is answered"),
        Some(Block::Operator { until: None })
    );
    book.block_for(who, &because("two"), None, later(1))
        .expect("is recorded");
    assert_eq!(book.reason(who).expect("is answered"), Some(because("two")));
    book.unblock(who, later(2)).expect("is recorded");
    assert_eq!(book.reason(who).expect("is answered"), None);
}

#[test]
fn who_was_convicted_does_not_come_off_because_the_operator_blocked_it_for_a_while() {
    let (book, who) = (book(), peer(1));
    let accusation = accusation(&key(1), 0);
    let convicted = book.convict(&accusation, &guilty(&accusation), NOW);
    assert_eq!(convicted.expect("is judged"), Conviction::New);
    book.block_for(who, &because("me, too"), Some(later(10)), NOW)
        .expect("is recorded");
    let expected = Some(Block::Evidence(accusation.evidence.id()));
    assert_eq!(
        book.block_of(who, later(1000 * DAY)).expect("is answered"),
        expected
    );
}

#[test]
fn evidence_outlasts_what_the_operator_said_before() {
    let (book, who) = (book(), peer(1));
    book.block_for(who, &because("for now"), Some(later(10)), NOW)
        .expect("is recorded");
    let accusation = accusation(&key(1), 0);
    let convicted = book.convict(&accusation, &guilty(&accusation), later(1));
    assert_eq!(convicted.expect("is judged"), Conviction::New);
    let expected = Some(Block::Evidence(accusation.evidence.id()));
    assert_eq!(book.block_of(who, later(11)).expect("is answered"), expected);
}

/// In whichever order, the later end counts.
#[test]
fn faults_and_a_shorter_block_end_with_the_faults() {
    let faults = |book: &TrustBook| {
        for (job, days) in [(0, 0), (1, 1), (2, 2)] {
            runs(book, peer(1), Deed::Bad, job..job + 1, later(days * DAY));
        }
    };
    let block = |book: &TrustBook, until, at| {
        let until = Some(later(until * DAY));
        book.block_for(peer(1), &because("for now"), until, later(at))
            .expect("is recorded");
    };
    for (ends, expected) in [(20, 32), (32, 32), (40, 40)] {
        let book_after = book();
        faults(&book_after);
        block(&book_after, ends, 2 * DAY);
        let book_before = book();
        block(&book_before, ends, 0);
        faults(&book_before);
        for book in [book_after, book_before] {
            let last = book
                .block_of(peer(1), later(expected * DAY - 1))
                .expect("is answered");
            assert!(last.is_some(), "{ends}");
            assert_eq!(
                book.block_of(peer(1), later(expected * DAY))
                    .expect("is answered"),
                None
            );
        }
    }
}

#[test]
fn refuses_words_that_are_no_reason() {
    for words in ["", "  ", "a\nb", "a\u{1b}[31m", &"x".repeat(513)] {
        assert_eq!(Reason::new(words), None, "{words:?}");
    }
    assert_eq!(because(&"x".repeat(512)).as_str().len(), 512);
}
