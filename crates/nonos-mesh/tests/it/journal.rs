use nonos_mesh::core::{
    Topic,
    journal::{Answer, Ask, Heads, Journal, Seen},
};
use nonos_types::{
    ByteLen, Consistency, Digest, Epoch, Error, Inclusion, JournalRoot, Kind, Message, MessageId, NetworkId,
    RelayHead, Signed, Timestamp,
};
use proptest::prelude::*;

use crate::sample::{key, network};

/// The beginning of an hour.
const HOUR: u64 = 500_000 * Epoch::SECONDS;

fn at(seconds: u64) -> Timestamp {
    Timestamp::new(HOUR + seconds)
}

fn id(n: u64) -> MessageId {
    MessageId::hash(&[&n.to_le_bytes()])
}

/// The tree by the book.
fn root(log: &[MessageId]) -> JournalRoot {
    match log {
        [one] => JournalRoot::leaf(one),
        _ => {
            let left = log.len().next_power_of_two() / 2;
            JournalRoot::join(&root(&log[..left]), &root(&log[left..]))
        }
    }
}

/// Signs the head that is due.
fn sign(journal: &mut Journal, now: Timestamp) -> Option<Signed<RelayHead>> {
    let head = Signed::new(journal.due(now)?, &key(1));
    // Whoever reads it finds it sound.
    assert_eq!(Signed::from_bytes(&head.to_bytes()).as_ref(), Ok(&head));
    journal.signed(&head);
    Some(head)
}

fn journal() -> Journal {
    Journal::new(network(), None)
}

/// A journal of so many messages, with a head after each.
fn grown(size: u64) -> (Journal, Vec<Signed<RelayHead>>) {
    let mut journal = journal();
    let heads = (0..size).map(|n| {
        assert!(journal.accept(id(n), at(n * 30)));
        sign(&mut journal, at(n * 30)).expect("something new")
    });
    let heads = heads.collect();
    (journal, heads)
}

#[test]
fn roots_are_those_of_the_tree_by_the_book() {
    let (_, heads) = grown(100);
    let log: Vec<_> = (0..100).map(id).collect();
    for (n, head) in heads.iter().enumerate() {
        assert_eq!((head.size, head.root), (n as u64 + 1, root(&log[..=n])), "{n}");
    }
}

#[test]
fn every_message_is_shown_to_be_in_every_head_that_it_is_in_and_in_no_other() {
    let (journal, heads) = grown(40);
    for head in &heads {
        for n in 0..41 {
            let ask = Ask::Include {
                epoch: head.epoch,
                message: id(n),
                head: head.id(),
            };
            let answer = journal.answer(&ask);
            assert_eq!(Answer::from_bytes(&answer.to_bytes()).as_ref(), Ok(&answer));
            match answer {
                Answer::Included(it) => {
                    assert!(n < head.size);
                    assert_eq!(
                        it.root(&id(n), head.size),
                        Some(head.root),
                        "{n} in {}",
                        head.size
                    );
                    assert_eq!(it.index, n);
                }
                other => assert!(n >= head.size, "{n} in {}: {other:?}", head.size),
            }
        }
    }
}

#[test]
fn every_head_is_shown_to_go_on_from_every_earlier_one() {
    let (journal, heads) = grown(40);
    for first in &heads {
        for second in &heads {
            let ask = Ask::Extend {
                epoch: first.epoch,
                first: first.id(),
                second: second.id(),
            };
            let answer = journal.answer(&ask);
            assert_eq!(Answer::from_bytes(&answer.to_bytes()).as_ref(), Ok(&answer));
            let of = |head: &Signed<RelayHead>| (head.size, head.root);
            match answer {
                Answer::Extended(it) => {
                    assert!(first.size <= second.size);
                    assert!(
                        it.holds(of(first), of(second)),
                        "{} in {}",
                        first.size,
                        second.size
                    );
                    // And of no other root is it shown, nor of another size.
                    let other = JournalRoot::ZERO;
                    assert!(!it.holds((first.size, other), of(second)));
                    assert!(!it.holds(of(first), (second.size, other)));
                    assert!(!it.holds((first.size + 1, first.root), of(second)));
                }
                other => assert!(first.size > second.size, "{other:?}"),
            }
        }
    }
}

#[test]
fn no_proof_shows_that_a_log_of_nothing_goes_on() {
    let root = root(&[id(0)]);
    for path in [vec![], vec![root]] {
        let proof = Consistency { path };
        assert!(!proof.holds((0, JournalRoot::ZERO), (1, root)));
        assert!(!proof.holds((2, root), (1, root)));
    }
}

#[test]
fn other_heads_hours_and_messages_are_absent() {
    let (journal, heads) = grown(3);
    let (head, epoch) = (heads[2].id(), heads[2].epoch);
    let include = |epoch, message, head| journal.answer(&Ask::Include { epoch, message, head });
    assert!(matches!(include(epoch, id(0), head), Answer::Included(_)));
    assert_eq!(include(Epoch::new(1), id(0), head), Answer::Absent);
    assert_eq!(include(epoch, id(9), head), Answer::Absent);
    assert_eq!(include(epoch, id(0), id(9)), Answer::Absent);
    let extend = |first, second| journal.answer(&Ask::Extend { epoch, first, second });
    assert_eq!(extend(id(9), head), Answer::Absent);
    assert_eq!(extend(head, heads[0].id()), Answer::Absent);
}

#[test]
fn a_message_is_written_once_an_hour() {
    let mut journal = journal();
    assert!(journal.accept(id(0), at(0)));
    assert!(!journal.accept(id(0), at(1)));
    assert!(journal.accept(id(0), at(Epoch::SECONDS)));
}

#[test]
fn a_head_is_due_once_in_an_interval_and_only_if_something_is_new() {
    let mut journal = journal();
    assert_eq!(journal.due(at(0)), None);
    journal.accept(id(0), at(0));
    let first = sign(&mut journal, at(0)).expect("something new");
    assert_eq!(
        (first.epoch, first.size, first.previous),
        (Epoch::of(at(0)), 1, None)
    );
    assert_eq!(journal.due(at(3000)), None, "nothing new");
    journal.accept(id(1), at(1));
    assert_eq!(journal.due(at(29)), None, "the same interval");
    let second = sign(&mut journal, at(30)).expect("something new");
    assert_eq!((second.size, second.previous), (2, Some(first.id())));
    assert_eq!(journal.due(at(0)), None, "the clock was set back");
}

#[test]
fn the_last_head_of_an_hour_is_signed_in_the_next_and_before_its_first() {
    let mut journal = journal();
    journal.accept(id(0), at(3599));
    journal.accept(id(1), at(3600));
    let last = sign(&mut journal, at(3600)).expect("something new");
    assert_eq!((last.epoch, last.root), (Epoch::of(at(0)), root(&[id(0)])));
    assert_eq!(journal.due(at(3629)), None);
    let next = sign(&mut journal, at(3630)).expect("something new");
    assert_eq!(
        (next.epoch, next.root, next.previous),
        (Epoch::of(at(3600)), root(&[id(1)]), Some(last.id()))
    );
    // What was not signed for in time does not hold up what follows.
    journal.accept(id(2), at(7199));
    assert_eq!(journal.due(at(3 * 3600)), None);
    journal.accept(id(3), at(3 * 3600));
    let later = sign(&mut journal, at(3 * 3600)).expect("something new");
    assert_eq!(later.epoch, Epoch::of(at(3 * 3600)));
}

/// It would be a fork of what it signed before it was started again.
#[test]
fn a_node_that_started_again_writes_nothing_within_an_hour_it_may_have_signed_for() {
    let mut journal = Journal::new(network(), Some(Epoch::of(at(0))));
    assert!(!journal.accept(id(0), at(3599)));
    assert_eq!(journal.due(at(3599)), None);
    assert!(journal.accept(id(0), at(3600)));
}

/// Its heads may have been signed.
#[test]
fn a_node_that_resumes_begins_with_the_next_hour_and_goes_on_from_its_last_head() {
    let (_, heads) = grown(3);
    let last = heads.last().expect("three");
    for now in [at(90), at(3599), at(0)] {
        let mut resumed = Journal::resume(network(), Some(last), now);
        assert!(!resumed.accept(id(9), now), "it can have signed for this hour");
        assert!(resumed.accept(id(9), at(Epoch::SECONDS)));
        let head = sign(&mut resumed, at(Epoch::SECONDS)).expect("something new");
        assert_eq!((head.size, head.previous), (1, Some(last.id())));
    }
    let mut new = Journal::resume(network(), None, at(5));
    assert!(!new.accept(id(9), at(5)), "it may have lost what it signed");
    assert!(new.accept(id(9), at(Epoch::SECONDS)));
}

#[test]
fn a_clock_that_was_set_back_resumes_no_hour_that_was_signed_for() {
    let (_, heads) = grown(3);
    let before = Timestamp::new(HOUR - 5 * Epoch::SECONDS);
    let mut resumed = Journal::resume(network(), heads.last(), before);
    assert!(!resumed.accept(id(9), before));
    assert!(!resumed.accept(id(9), at(200)));
    assert!(resumed.accept(id(9), at(Epoch::SECONDS)));
}

#[test]
fn the_oldest_logs_make_room_and_the_newest_stays() {
    let mut journal = journal();
    let mut heads = vec![];
    for hour in 0..3 {
        let now = at(hour * Epoch::SECONDS);
        for n in 0..Journal::MOST / 2 {
            assert!(journal.accept(id(n), now));
        }
        heads.push(sign(&mut journal, now).expect("something new"));
    }
    let included = heads.iter().map(|head| {
        let ask = Ask::Include {
            epoch: head.epoch,
            message: id(0),
            head: head.id(),
        };
        matches!(journal.answer(&ask), Answer::Included(_))
    });
    assert_eq!(included.collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn a_clock_that_was_set_back_opens_no_hour_that_is_over() {
    let mut journal = journal();
    assert!(journal.accept(id(0), at(3600)));
    assert!(!journal.accept(id(1), at(3599)));
    assert!(journal.accept(id(1), at(3600)));
}

#[test]
fn logs_are_kept_for_a_week() {
    let (mut journal, heads) = grown(3);
    let ask = Ask::Include {
        epoch: heads[0].epoch,
        message: id(0),
        head: heads[0].id(),
    };
    let hours = |hours| at(hours * Epoch::SECONDS);
    journal.accept(id(9), hours(Journal::KEPT - 1));
    assert!(matches!(journal.answer(&ask), Answer::Included(_)));
    journal.accept(id(9), hours(Journal::KEPT));
    assert_eq!(journal.answer(&ask), Answer::Absent);
}

fn head(seed: u8, size: u64, root: u8, seconds: u64) -> Signed<RelayHead> {
    let head = RelayHead {
        network: network(),
        epoch: Epoch::of(at(0)),
        size,
        root: Digest::from_bytes([root; 32]),
        previous: None,
        at: at(seconds),
    };
    Signed::new(head, &key(seed))
}

#[test]
fn two_logs_of_one_hour_are_seen() {
    let mut heads = Heads::new();
    assert_eq!(heads.see(&head(1, 5, 1, 0)), Seen::New);
    assert_eq!(heads.see(&head(1, 5, 1, 0)), Seen::Known);
    assert_eq!(heads.see(&head(2, 5, 2, 0)), Seen::New, "another relay");
    assert_eq!(heads.see(&head(1, 6, 2, 30)), Seen::New, "more messages");
    let Seen::Fork(fork) = heads.see(&head(1, 5, 2, 60)) else {
        panic!("another root for the same size")
    };
    assert!(fork.is_fork());
    assert_eq!((fork.first, fork.second), (head(1, 5, 1, 0), head(1, 5, 2, 60)));
    // Also within an interval.
    let seen = heads.see(&head(1, 6, 9, 31));
    assert!(matches!(seen, Seen::Fork(_)), "{seen:?}");
}

/// Were it not so, a relay could push out what it does not want to be compared with.
#[test]
fn a_second_head_within_an_interval_is_not_remembered() {
    let mut heads = Heads::new();
    assert_eq!(heads.see(&head(1, 5, 1, 0)), Seen::New);
    assert_eq!(heads.see(&head(1, 6, 2, 29)), Seen::TooMany);
    assert_eq!(
        heads.see(&head(1, 6, 3, 30)),
        Seen::New,
        "the other was not remembered"
    );
}

#[test]
fn the_heads_of_two_hours_are_remembered() {
    let mut heads = Heads::new();
    let most = Heads::OF_RELAY as u64;
    for n in 0..=most {
        let epoch = Epoch::of(at(n * 30));
        let one = RelayHead {
            epoch,
            at: at(n * 30),
            ..*head(1, n + 1, 1, 0).value()
        };
        assert_eq!(heads.see(&Signed::new(one, &key(1))), Seen::New);
    }
    let forks = |heads: &mut Heads, n: u64| {
        let epoch = Epoch::of(at(n * 30));
        let other = RelayHead {
            epoch,
            at: at(most * 30 + 60),
            ..*head(1, n + 1, 2, 0).value()
        };
        matches!(heads.see(&Signed::new(other, &key(1))), Seen::Fork(_))
    };
    assert!(forks(&mut heads, 1));
    assert!(!forks(&mut heads, 0), "it was the oldest");
}

#[test]
fn the_longest_log_of_each_hour_is_found_the_newest_hour_first() {
    let mut heads = Heads::new();
    assert_eq!(heads.longest(crate::sample::node(1)).count(), 0);
    let [a, b] = [head(1, 1, 1, 0), head(1, 3, 3, 60)];
    let short = head(1, 2, 2, 30);
    let mut next = *head(1, 1, 4, Epoch::SECONDS + 30).value();
    next.epoch = Epoch::of(next.at);
    let c = Signed::new(next, &key(1));
    for head in [&a, &b, &short, &c, &head(2, 9, 9, 90)] {
        assert_eq!(heads.see(head), Seen::New);
    }
    let longest: Vec<_> = heads.longest(crate::sample::node(1)).cloned().collect();
    assert_eq!(longest, [c, b]);
}

#[test]
fn heads_have_a_topic() {
    let topic = Topic::of(&Message::from(head(1, 1, 1, 0)));
    assert_eq!(topic.kind(), Kind::RelayHead);
    assert_eq!(topic.name(NetworkId::ZERO), "/nonos/00000000/1/heads");
}

/// Those of `docs/spec/journal.md`.
#[test]
fn the_vectors_are_as_specified() {
    let byte = |byte: u8| MessageId::from_bytes([byte; 32]);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let thirty_two = |byte: &str| byte.repeat(32);
    let epoch = Epoch::new(5);
    let include = Ask::Include {
        epoch,
        message: byte(2),
        head: byte(3),
    };
    let extend = Ask::Extend {
        epoch,
        first: byte(2),
        second: byte(3),
    };
    let both = format!("4608051220{}1a20{}", thirty_two("02"), thirty_two("03"));
    assert_eq!(hex(&include.to_bytes()), format!("0a{both}"));
    assert_eq!(hex(&extend.to_bytes()), format!("12{both}"));
    let path = vec![JournalRoot::from_bytes([4; 32])];
    let four = thirty_two("04");
    let included = Answer::Included(Inclusion {
        index: 1,
        path: path.clone(),
    });
    assert_eq!(hex(&included.to_bytes()), format!("0a2408011220{four}"));
    let extended = Answer::Extended(Consistency { path });
    assert_eq!(hex(&extended.to_bytes()), format!("12220a20{four}"));
    assert_eq!(hex(&Answer::Absent.to_bytes()), "1a00");
    for ask in [include, extend] {
        assert_eq!(Ask::from_bytes(&ask.to_bytes()), Ok(ask));
    }
    const SPEC: &str = include_str!("../../../../docs/spec/journal.md");
    for log in [&[byte(0)][..], &[byte(0), byte(1)]] {
        assert!(
            SPEC.contains(&format!("`{}`", root(log))),
            "the page lacks {}",
            root(log)
        );
    }
}

#[test]
fn refuses_questions_and_answers_that_are_too_long_or_lack_something() {
    let (message, field) = ("journal answer", "path");
    let path = |len| vec![JournalRoot::ZERO; len];
    let included = |len| {
        Answer::Included(Inclusion {
            index: u64::MAX,
            path: path(len),
        })
        .to_bytes()
    };
    let extended = |len| Answer::Extended(Consistency { path: path(len) }).to_bytes();
    let most = RelayHead::MAX_PATH;
    assert!(Answer::from_bytes(&included(most)).is_ok());
    assert_eq!(
        Answer::from_bytes(&included(most + 1)),
        Err(Error::BadField { message, field })
    );
    assert!(Answer::from_bytes(&extended(most + 1)).is_ok());
    let limit = Answer::MAX;
    let long = extended(most + 2);
    let actual = ByteLen::from(long.len());
    assert_eq!(
        Answer::from_bytes(&long),
        Err(Error::TooLong {
            message,
            limit,
            actual
        })
    );
    assert_eq!(
        Answer::from_bytes(&[]),
        Err(Error::Missing {
            message,
            field: "said"
        })
    );
    let message = "journal ask";
    assert_eq!(
        Ask::from_bytes(&[]),
        Err(Error::Missing {
            message,
            field: "asked"
        })
    );
    assert_eq!(
        Ask::from_bytes(&[0x0a, 0]),
        Err(Error::Missing {
            message,
            field: "message"
        })
    );
    assert_eq!(
        Ask::from_bytes(&[0x12, 2, 0x12, 0]),
        Err(Error::NotCanonical { message })
    );
    let (limit, actual) = (Ask::MAX, ByteLen::new(97));
    assert_eq!(
        Ask::from_bytes(&[0; 97]),
        Err(Error::TooLong {
            message,
            limit,
            actual
        })
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(ask) = Ask::from_bytes(&bytes) {
            prop_assert_eq!(ask.to_bytes(), &bytes[..]);
        }
        if let Ok(answer) = Answer::from_bytes(&bytes) {
            prop_assert_eq!(answer.to_bytes(), &bytes[..]);
        }
    }
}
