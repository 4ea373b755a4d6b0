//! Heads of relays, and what is said of relays.

use nonos_types::*;
use proptest::prelude::*;

use super::{
    sample::{
        accepted, accusation, accuser, bad_relay, digest, forked_head, id, receipt, relay, relay_head, root,
    },
    wire::{Broken, Field, Fields, signed},
};

const BAD_RELAY: u32 = 4;
const FORKED_HEAD: u32 = 5;

#[test]
fn heads_name_network_root_and_previous_and_have_no_other_fields() {
    let key = relay();
    let broken = Broken::of(&relay_head(), &key);
    broken.has_fixed(32, &[(1, "network_id"), (4, "root")]);
    broken.has_no_more_and_no_less(7);
    broken.accepts(&broken.fields.without(5));
    for bad in [vec![1; 31], vec![1; 33]] {
        broken.refuses_field(&broken.fields.with(5, bad), "previous");
    }
    // The root of nothing is a root like any other.
    broken.accepts(&broken.fields.with(4, vec![0; 32]));
}

#[test]
fn refuses_heads_of_empty_logs_and_of_such_that_are_too_long() {
    let key = relay();
    let broken = Broken::of(&relay_head(), &key);
    broken.accepts(&broken.fields.with(3, RelayHead::MAX_SIZE));
    broken.refuses_field(&broken.fields.with(3, RelayHead::MAX_SIZE + 1), "size");
    broken.refuses_field(&broken.fields.without(3), "size");
}

#[test]
fn refuses_heads_that_were_made_in_another_hour_or_the_one_after_the_next() {
    let key = relay();
    let broken = Broken::of(&relay_head(), &key);
    let begin = 472_222 * Epoch::SECONDS;
    let at = |seconds: u64| broken.fields.with(6, seconds);
    broken.accepts(&at(begin));
    broken.accepts(&at(begin + 2 * Epoch::SECONDS - 1));
    broken.refuses_field(&at(begin - 1), "at");
    broken.refuses_field(&at(begin + 2 * Epoch::SECONDS), "at");
}

#[test]
fn the_longest_head_fits() {
    let epoch = Epoch::of(Timestamp::MAX);
    let longest = RelayHead {
        epoch,
        size: RelayHead::MAX_SIZE,
        at: Timestamp::MAX,
        ..relay_head()
    };
    assert!(ByteLen::from(longest.to_bytes().len()) <= RelayHead::MAX);
    let head = Signed::new(longest, &relay());
    assert_eq!(Signed::from_bytes(&head.to_bytes()), Ok(head));
}

#[test]
fn accusations_name_the_relay_and_have_one_name_whoever_accuses_whenever_and_by_which_head() {
    for (accused, again) in [(bad_relay(), bad_relay()), (forked_head(), forked_head())] {
        assert_eq!(accused.evidence.subject(), id(&relay()));
        let later = Accusation {
            at: Timestamp::new(9),
            ..again
        };
        assert_eq!(later.evidence.id(), accused.evidence.id());
    }
    // The receipt alone in another head's log.
    let Evidence::BadRelay(mut other) = bad_relay().evidence else {
        panic!("it is of that kind")
    };
    let alone = RelayHead {
        size: 1,
        root: JournalRoot::leaf(&accepted()[1]),
        ..relay_head()
    };
    other.head = Signed::new(alone, &relay());
    other.inclusion = Inclusion {
        index: 0,
        path: vec![],
    };
    assert!(other.is_included());
    assert_eq!(other.id(), bad_relay().evidence.id());
    // Another relay has another fault, and so has the executor.
    other.head = Signed::new(alone, &accuser());
    assert_ne!(other.id(), bad_relay().evidence.id());
    assert_ne!(accusation().evidence.id(), bad_relay().evidence.id());
    // Two other heads of the same hour are the same fault; those of another hour are not.
    let fork = |epoch, size| {
        let [one, other] = [1, 2].map(|byte| {
            let epoch = Epoch::new(epoch);
            let at = Timestamp::new(epoch.get() * Epoch::SECONDS);
            Signed::new(
                RelayHead {
                    epoch,
                    size,
                    root: digest(byte),
                    at,
                    ..relay_head()
                },
                &relay(),
            )
        });
        ForkedHead::of(&one, &other).expect("two roots").id()
    };
    assert_eq!(fork(472_222, 7), forked_head().evidence.id());
    assert_ne!(fork(472_223, 3), forked_head().evidence.id());
}

/// The accusation of a relay with these fields of E4 changed.
fn changed(broken: &Broken<'_, Accusation>, change: impl Fn(Fields) -> Fields) -> Fields {
    let evidence = Fields::of(&broken.fields.all(BAD_RELAY)[0]);
    broken.fields.with(BAD_RELAY, change(evidence).to_bytes())
}

#[test]
fn refuses_to_accuse_of_more_or_less_than_one_thing() {
    let key = accuser();
    let broken = Broken::of(&bad_relay(), &key);
    let (message, field) = ("accusation", "evidence");
    broken.refuses(
        &broken.fields.without(BAD_RELAY),
        Error::Missing { message, field },
    );
    let proof = Broken::of(&accusation(), &key).fields.all(2).remove(0);
    let fork = Broken::of(&forked_head(), &key).fields.all(FORKED_HEAD).remove(0);
    broken.refuses_field(&broken.fields.with(2, proof.clone()), "evidence");
    broken.refuses_field(&broken.fields.with(FORKED_HEAD, fork.clone()), "evidence");
    let forked = Broken::of(&forked_head(), &key);
    forked.refuses_field(&forked.fields.with(2, proof), "evidence");
    // Nor does either have other fields.
    for (number, evidence, last) in [
        (BAD_RELAY, broken.fields.all(BAD_RELAY).remove(0), 5),
        (FORKED_HEAD, fork, 3),
    ] {
        let more = Fields::of(&evidence).with(last, 1).to_bytes();
        let broken = if number == BAD_RELAY { &broken } else { &forked };
        broken.refuses(&broken.fields.with(number, more), Error::NotCanonical { message });
    }
}

#[test]
fn refuses_a_way_that_does_not_lead_from_the_receipt_to_the_signed_root() {
    let key = accuser();
    let broken = Broken::of(&bad_relay(), &key);
    let way = Fields::of(&broken.fields.all(BAD_RELAY)[0]).all(3);
    let field = |bytes: &[u8]| Field::from(bytes);
    let refuses = |change: &dyn Fn(Fields) -> Fields| broken.refuses_field(&changed(&broken, change), "path");
    refuses(&|it| it.without(2));
    refuses(&|it| it.with(2, 2));
    refuses(&|it| it.with(2, u64::MAX));
    refuses(&|it| it.with_all(3, vec![field(&way[1]), field(&way[0])]));
    refuses(&|it| it.with_all(3, vec![field(&way[0])]));
    refuses(&|it| it.with_all(3, vec![field(&way[0]), field(&way[1]), field(&way[1])]));
    refuses(&|it| it.with_all(3, vec![]));
    refuses(&|it| it.with_all(3, vec![field(&way[0]); RelayHead::MAX_PATH + 1]));
    refuses(&|it| it.with(3, vec![1; 31]));
    // A head of another log of this relay, in which the receipt is not.
    let other = RelayHead {
        root: digest(7),
        ..relay_head()
    };
    refuses(&|it| it.with(1, Signed::new(other, &relay()).to_bytes()));
    let longer = RelayHead {
        size: 5,
        ..relay_head()
    };
    refuses(&|it| it.with(1, Signed::new(longer, &relay()).to_bytes()));
    // Another receipt than the one in the log.
    let item = Fields::of(&Fields::of(&broken.fields.all(BAD_RELAY)[0]).all(4)[0]);
    let later = Receipt {
        at: Timestamp::new(9),
        ..receipt()
    };
    let item = item
        .with(1, Signed::new(later, &super::sample::key()).to_bytes())
        .to_bytes();
    refuses(&|it| it.with(4, item.clone()));
}

/// All of it rests on what the relay signed.
#[test]
fn refuses_heads_that_are_forged() {
    let key = accuser();
    let broken = Broken::of(&bad_relay(), &key);
    let head = Fields::of(&Fields::of(&broken.fields.all(BAD_RELAY)[0]).all(1)[0]);
    let forged = Fields::of(&signed::<RelayHead>(relay_head().to_bytes(), &key));
    let forged = forged.with(3, head.all(3).remove(0)).to_bytes();
    broken.refuses(
        &changed(&broken, |it| it.with(1, forged.clone())),
        Error::BadSignature,
    );
    let forked = Broken::of(&forked_head(), &key);
    let fork = Fields::of(&forked.fields.all(FORKED_HEAD)[0]);
    for number in [1, 2] {
        let forged = fork.with(number, forged.clone()).to_bytes();
        forked.refuses(&forked.fields.with(FORKED_HEAD, forged), Error::BadSignature);
    }
    let (message, field) = ("accusation", "item");
    broken.refuses(
        &changed(&broken, |it| it.without(4)),
        Error::Missing { message, field },
    );
    let claim = signed::<Claim>(super::sample::claim().to_bytes(), &relay());
    broken.refuses(
        &changed(&broken, |it| it.with(1, claim.clone())),
        Error::WrongType {
            expected: "relay-head",
        },
    );
}

#[test]
fn refuses_faults_of_another_network() {
    let key = accuser();
    for accusation in [bad_relay(), forked_head()] {
        let broken = Broken::of(&accusation, &key);
        broken.refuses_field(&broken.fields.with(1, vec![2; 32]), "network_id");
    }
    // A head of another network over a receipt of this one, and the other way round.
    let broken = Broken::of(&bad_relay(), &key);
    let foreign = RelayHead {
        network: digest(2),
        ..relay_head()
    };
    let foreign = Signed::new(foreign, &relay()).to_bytes();
    broken.refuses_field(&changed(&broken, |it| it.with(1, foreign.clone())), "network_id");
    let elsewhere = changed(&broken, |it| it.with(1, foreign.clone())).with(1, vec![2; 32]);
    broken.refuses_field(&elsewhere, "network_id");
    let Evidence::BadRelay(mut evidence) = bad_relay().evidence else {
        panic!("it is of that kind")
    };
    evidence.head = Signed::from_bytes(&foreign).expect("it is signed");
    assert!(!evidence.is_included());
}

/// A fork is two roots for one hour and size, of one relay and network: each of these alone makes it none.
#[test]
fn two_heads_are_a_fork_only_if_all_but_their_roots_is_the_same() {
    let key = accuser();
    let broken = Broken::of(&forked_head(), &key);
    let head = |head: RelayHead, key: &ed25519_dalek::SigningKey| Signed::new(head, key);
    let first = RelayHead {
        root: digest(1),
        ..relay_head()
    };
    let second = RelayHead {
        root: digest(2),
        ..relay_head()
    };
    let with = |first: &Signed<RelayHead>, second: &Signed<RelayHead>| {
        let evidence = Fields::of(&broken.fields.all(FORKED_HEAD)[0]);
        let evidence = evidence.with(1, first.to_bytes()).with(2, second.to_bytes());
        broken.fields.with(FORKED_HEAD, evidence.to_bytes())
    };
    let one = head(first, &relay());
    let two = head(second, &relay());
    broken.accepts(&with(&one, &two));
    assert_eq!(ForkedHead::of(&one, &two), ForkedHead::of(&two, &one));
    let later = Timestamp::new(relay_head().at.get() + 1);
    broken.accepts(&with(
        &one,
        &head(
            RelayHead {
                at: later,
                previous: None,
                ..second
            },
            &relay(),
        ),
    ));
    let none = [
        head(
            RelayHead {
                root: digest(1),
                at: later,
                ..second
            },
            &relay(),
        ),
        head(second, &accuser()),
        head(
            RelayHead {
                epoch: Epoch::new(472_221),
                ..second
            },
            &relay(),
        ),
        head(RelayHead { size: 4, ..second }, &relay()),
        head(
            RelayHead {
                network: digest(2),
                ..second
            },
            &relay(),
        ),
    ];
    for other in &none {
        broken.refuses_field(&with(&one, other), "forked_head");
        assert_eq!(ForkedHead::of(&one, other), None);
        assert_eq!(ForkedHead::of(other, &one), None);
    }
    // The same head twice, and the two the other way round.
    broken.refuses_field(&with(&one, &one), "forked_head");
    broken.refuses_field(&with(&two, &one), "forked_head");
    assert_eq!(ForkedHead::of(&one, &one), None);
}

#[test]
fn an_accusation_of_a_relay_is_bounded_as_any_other() {
    let key = accuser();
    let mut wide = bad_relay();
    let Evidence::BadRelay(it) = &mut wide.evidence else {
        panic!("it is of that kind")
    };
    it.item.proof = vec![7; 900 << 10];
    it.item.tapes = vec![7; 16];
    let mut len = wide.to_bytes().len();
    let Evidence::BadRelay(it) = &mut wide.evidence else {
        panic!("it is of that kind")
    };
    it.item.proof.extend(vec![7; (960 << 10) - len]);
    len = wide.to_bytes().len();
    assert_eq!(ByteLen::from(len), Accusation::MAX);
    Broken::of(&wide, &key);
    let Evidence::BadRelay(it) = &mut wide.evidence else {
        panic!("it is of that kind")
    };
    it.item.proof.push(7);
    let error = Signed::<Accusation>::from_bytes(&signed::<Accusation>(wide.to_bytes(), &key)).err();
    let (message, limit) = ("accusation", Accusation::MAX);
    let actual = ByteLen::new(limit.get() + 1);
    assert_eq!(
        error,
        Some(Error::TooLong {
            message,
            limit,
            actual
        })
    );
}

fn log(size: u64) -> Vec<MessageId> {
    (0..size).map(|n| MessageId::hash(&[&n.to_le_bytes()])).collect()
}

/// A leaf is no node: what two roots hash to is not what a message hashes to.
#[test]
fn leaves_and_nodes_are_of_two_domains() {
    let [a, b, _] = accepted();
    assert_ne!(
        JournalRoot::leaf(&a).as_bytes(),
        JournalRoot::hash(&[a.as_bytes()]).as_bytes()
    );
    assert_ne!(root(&[a, b]), root(&[b, a]));
    assert_eq!(root(&[a]), JournalRoot::leaf(&a));
}

proptest! {
    /// No way of other roots, no other place and no other size leads to the same root.
    #[test]
    fn any_change_of_a_way_leads_elsewhere(size in 2..40_u64, at in any::<u64>(), flip in any::<prop::sample::Index>()) {
        let log = log(size);
        let index = at % size;
        let path = path(&log, index as usize);
        let good = Inclusion { index, path };
        let (id, of_all) = (log[index as usize], root(&log));
        prop_assert_eq!(good.root(&id, size), Some(of_all));
        for other in 0..size {
            if other != index {
                let moved = Inclusion { index: other, ..good.clone() };
                prop_assert_ne!(moved.root(&id, size), Some(of_all));
                prop_assert_ne!(good.root(&log[other as usize], size), Some(of_all));
            }
        }
        let mut changed = good.clone();
        let at = flip.index(changed.path.len());
        let mut bytes = changed.path[at].to_bytes();
        bytes[0] ^= 1;
        changed.path[at] = Digest::from_bytes(bytes);
        prop_assert_ne!(changed.root(&id, size), Some(of_all));
        let mut longer = good.clone();
        longer.path.push(of_all);
        prop_assert_eq!(longer.root(&id, size), None);
        let mut shorter = good;
        shorter.path.pop();
        prop_assert_eq!(shorter.root(&id, size), None);
        prop_assert_eq!(shorter.root(&id, 0), None);
    }
}

/// By the book, from the message up.
fn path(log: &[MessageId], index: usize) -> Vec<JournalRoot> {
    if log.len() == 1 {
        return vec![];
    }
    let left = log.len().next_power_of_two() / 2;
    let (mut path, beside) = if index < left {
        (path(&log[..left], index), root(&log[left..]))
    } else {
        (path(&log[left..], index - left), root(&log[..left]))
    };
    path.push(beside);
    path
}
