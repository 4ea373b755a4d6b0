use nonos_mesh::core::{Acceptance, Admission, Budgets, Rate, Refusal, Topic};
use nonos_types::{ByteLen, Kind, Message, NetworkId, Timestamp};
use proptest::prelude::*;

use crate::sample::{NOW, at, claim, descriptor, key, network, newer, node, receipt, tampered};

const PLENTY: Rate = Rate {
    per_second: 1000,
    burst: 100_000,
};
const FORWARDER: u8 = 100;

/// Nothing is short.
fn budgets() -> Budgets {
    Budgets {
        forwarder: PLENTY,
        author: PLENTY,
        known: PLENTY,
        newcomers: PLENTY,
        ..Budgets::default()
    }
}

fn small(burst: u32) -> Rate {
    Rate { per_second: 1, burst }
}

fn admission(budgets: Budgets) -> Admission {
    Admission::new(network(), budgets, NOW)
}

fn offer(admission: &mut Admission, from: u8, message: &Message) -> Result<(), Refusal> {
    let bytes = message.to_bytes();
    admission
        .offer(Topic::of(message), node(from), &bytes, NOW)
        .map(|read| assert_eq!(read, *message))
}

/// How many of a hundred claims of this author come through.
fn through(admission: &mut Admission, from: u8, author: u8) -> usize {
    (0..100)
        .filter(|slot| offer(admission, from, &claim(network(), author, *slot, NOW)).is_ok())
        .count()
}

#[test]
fn lets_every_kind_in_that_keeps_to_the_rules() {
    let mut admission = admission(budgets());
    for message in [
        claim(network(), 1, 0, NOW),
        descriptor(1, NOW, at(3600)),
        receipt(1, 0xff, NOW),
    ] {
        assert_eq!(offer(&mut admission, FORWARDER, &message), Ok(()));
    }
}

#[test]
fn refuses_what_is_longer_than_its_kind_without_decoding_it() {
    let topic = Topic::of(&claim(network(), 1, 0, NOW));
    let limit = Kind::Claim.max_len();
    let long = vec![0; usize::try_from(limit.get()).expect("short") + 1];
    let refused = admission(budgets()).offer(topic, node(FORWARDER), &long, NOW);
    assert_eq!(refused, Err(Refusal::Oversize { limit }));
    let screened = admission(budgets()).screen(Kind::Claim, node(FORWARDER), ByteLen::from(long.len()), NOW);
    assert_eq!(screened, Err(Refusal::Oversize { limit }));
    let fits = admission(budgets()).offer(topic, node(FORWARDER), &long[1..], NOW);
    assert_eq!(fits, Err(Refusal::Malformed));
}

#[test]
fn refuses_garbage_and_other_kinds() {
    let message = claim(network(), 1, 0, NOW);
    let topic = Topic::of(&message);
    let mut admission = admission(budgets());
    let mut offer = |bytes: &[u8]| admission.offer(topic, node(FORWARDER), bytes, NOW);
    assert_eq!(offer(b""), Err(Refusal::Malformed));
    assert_eq!(offer(b"garbage"), Err(Refusal::Malformed));
    assert_eq!(offer(&message.to_bytes()[1..]), Err(Refusal::Malformed));
    let another = descriptor(1, NOW, at(60));
    assert_eq!(offer(&another.to_bytes()), Err(Refusal::Malformed));
    let longer = [&message.to_bytes()[..], &[0]].concat();
    assert_eq!(offer(&longer), Err(Refusal::Malformed));
    assert_eq!(offer(&message.to_bytes()), Ok(message));
}

/// Who passes on what a newer version says is not to blame for it, however much it is; who forges it is.
#[test]
fn holds_what_is_of_a_newer_version_against_nobody() {
    let mut admission = admission(budgets());
    for message in [claim(network(), 1, 0, NOW), receipt(1, 0xff, NOW)] {
        let topic = Topic::of(&message);
        for field in [100, 2000] {
            let bytes = newer(&message, 1, field);
            let refused = admission.offer(topic, node(FORWARDER), &bytes, NOW);
            assert_eq!(refused, Err(Refusal::Newer));
            assert_eq!(Refusal::Newer.acceptance(), Acceptance::Ignore);
            let mut forged = bytes.clone();
            *forged.last_mut().expect("not empty") ^= 1;
            let refused = admission.offer(topic, node(FORWARDER), &forged, NOW);
            assert_eq!(refused, Err(Refusal::BadSignature));
        }
        assert_eq!(offer(&mut admission, FORWARDER, &message), Ok(()));
    }
    // Of a newer node all is known that matters: where it is.
    let message = descriptor(1, NOW, at(3600));
    let bytes = newer(&message, 1, 100);
    let read = admission.offer(Topic::of(&message), node(FORWARDER), &bytes, NOW);
    assert_eq!(read.map(|it| it.to_bytes()), Ok(bytes));
}

#[test]
fn refuses_a_signature_that_does_not_verify() {
    let message = claim(network(), 1, 0, NOW);
    let mut admission = admission(budgets());
    let refused = admission.offer(Topic::of(&message), node(FORWARDER), &tampered(&message), NOW);
    assert_eq!(refused, Err(Refusal::BadSignature));
    // What was refused does not stand in the way of the message.
    assert_eq!(offer(&mut admission, FORWARDER, &message), Ok(()));
}

#[test]
fn refuses_a_receipt_in_the_topic_of_another_shard() {
    let (low, high) = (receipt(1, 0x3f, NOW), receipt(1, 0x40, NOW));
    assert_ne!(Topic::of(&low), Topic::of(&high));
    let refused = admission(budgets()).offer(Topic::of(&low), node(FORWARDER), &high.to_bytes(), NOW);
    assert_eq!(refused, Err(Refusal::WrongTopic { kind: Kind::Receipt }));
}

#[test]
fn refuses_a_foreign_network() {
    let message = claim(NetworkId::named("another"), 1, 0, NOW);
    let refused = offer(&mut admission(budgets()), FORWARDER, &message);
    assert_eq!(refused, Err(Refusal::ForeignNetwork));
    let asked = admission(budgets()).admit_asked(&message, NOW);
    assert_eq!(asked, Err(Refusal::ForeignNetwork));
}

#[test]
fn refuses_what_is_not_of_its_time() {
    let mut admission = admission(budgets());
    let mut offer_at = |seconds| offer(&mut admission, FORWARDER, &claim(network(), 1, 0, at(seconds)));
    assert_eq!(offer_at(-2401), Err(Refusal::Stale));
    assert_eq!(offer_at(-2400), Ok(()));
    assert_eq!(offer_at(2400), Ok(()));
    assert_eq!(offer_at(2401), Err(Refusal::Stale));
}

#[test]
fn a_descriptor_is_timely_as_long_as_it_is_valid() {
    let mut admission = admission(budgets());
    let mut offer_from = |from, until| offer(&mut admission, FORWARDER, &descriptor(1, at(from), at(until)));
    assert_eq!(offer_from(-80_000, 60), Ok(()));
    assert_eq!(offer_from(-80_000, -2401), Err(Refusal::Stale));
    assert_eq!(offer_from(2401, 3600), Err(Refusal::Stale));
}

#[test]
fn what_was_asked_for_may_be_old_but_not_of_the_future() {
    let mut admission = admission(budgets());
    let asked = |admission: &Admission, message: Message| admission.admit_asked(&message, NOW);
    assert_eq!(asked(&admission, receipt(1, 0, at(-1_000_000))), Ok(()));
    assert_eq!(asked(&admission, receipt(1, 0, at(2401))), Err(Refusal::Stale));
    // Nobody needs an old claim.
    assert_eq!(
        asked(&admission, claim(network(), 1, 0, at(-2401))),
        Err(Refusal::Stale)
    );
    assert_eq!(
        offer(&mut admission, FORWARDER, &receipt(2, 0, at(-1_000_000))),
        Err(Refusal::Stale)
    );
}

#[test]
fn refuses_a_duplicate_that_is_gossiped() {
    let mut admission = admission(budgets());
    let (gossiped, own) = (receipt(1, 0, NOW), receipt(3, 0, NOW));
    assert_eq!(offer(&mut admission, FORWARDER, &gossiped), Ok(()));
    admission.saw(own.id());
    for message in [gossiped, own] {
        let again = offer(&mut admission, FORWARDER + 1, &message);
        assert_eq!(again, Err(Refusal::Duplicate));
    }
}

#[test]
fn what_was_heard_before_can_be_asked_for_and_what_was_asked_for_can_be_heard() {
    let mut admission = admission(budgets());
    let (gossiped, asked) = (receipt(1, 0, NOW), receipt(2, 0, NOW));
    assert_eq!(offer(&mut admission, FORWARDER, &gossiped), Ok(()));
    assert_eq!(admission.admit_asked(&gossiped, NOW), Ok(()));
    assert_eq!(admission.admit_asked(&asked, NOW), Ok(()));
    assert_eq!(admission.admit_asked(&asked, NOW), Ok(()));
    assert_eq!(offer(&mut admission, FORWARDER, &asked), Ok(()));
}

#[test]
fn a_flooding_forwarder_does_not_starve_another() {
    let mut admission = admission(Budgets {
        forwarder: small(5),
        ..budgets()
    });
    assert_eq!(through(&mut admission, FORWARDER, 1), 5);
    assert_eq!(through(&mut admission, FORWARDER, 2), 0);
    assert_eq!(through(&mut admission, FORWARDER + 1, 3), 5);
}

#[test]
fn garbage_costs_its_forwarder_as_much_as_messages() {
    let mut admission = admission(Budgets {
        forwarder: small(5),
        ..budgets()
    });
    let topic = Topic::of(&claim(network(), 1, 0, NOW));
    for _ in 0..5 {
        let refused = admission.offer(topic, node(FORWARDER), b"garbage", NOW);
        assert_eq!(refused, Err(Refusal::Malformed));
    }
    let refused = admission.offer(topic, node(FORWARDER), b"garbage", NOW);
    assert_eq!(refused, Err(Refusal::OverBudget));
}

#[test]
fn a_flooding_author_starves_nobody_by_whichever_forwarder() {
    let mut admission = admission(Budgets {
        author: small(5),
        newcomers: small(8),
        ..budgets()
    });
    assert_eq!(through(&mut admission, FORWARDER, 1), 5);
    assert_eq!(through(&mut admission, FORWARDER + 1, 1), 0);
    // What the author was refused is not taken from what is for all.
    assert_eq!(through(&mut admission, FORWARDER, 2), 3);
}

#[test]
fn newcomers_and_the_known_each_keep_their_slice() {
    let budgets = Budgets {
        known: small(20),
        newcomers: small(5),
        ..budgets()
    };
    let (known, stranger) = (1, 2);

    let mut strangers_first = admission(budgets);
    strangers_first.know(node(known), true);
    assert_eq!(through(&mut strangers_first, FORWARDER, stranger), 5);
    assert_eq!(through(&mut strangers_first, FORWARDER, known), 20);

    let mut known_first = admission(budgets);
    known_first.know(node(known), true);
    assert_eq!(through(&mut known_first, FORWARDER, known), 20);
    assert_eq!(through(&mut known_first, FORWARDER, stranger), 5);

    let mut no_longer = admission(budgets);
    no_longer.know(node(known), true);
    no_longer.know(node(known), false);
    assert_eq!(through(&mut no_longer, FORWARDER, known), 5);
}

#[test]
fn what_was_over_the_budget_may_come_again_later() {
    let mut admission = admission(Budgets {
        author: small(1),
        ..budgets()
    });
    let (first, second) = (claim(network(), 1, 0, NOW), claim(network(), 1, 1, NOW));
    assert_eq!(offer(&mut admission, FORWARDER, &first), Ok(()));
    assert_eq!(
        offer(&mut admission, FORWARDER, &second),
        Err(Refusal::OverBudget)
    );
    let later = admission.offer(Topic::of(&second), node(FORWARDER), &second.to_bytes(), at(1));
    assert_eq!(later, Ok(second));
}

#[test]
fn what_was_asked_for_is_not_held_to_the_budgets() {
    let admission = admission(Budgets {
        author: small(1),
        newcomers: small(1),
        forwarder: small(1),
        ..budgets()
    });
    for slot in 0..100 {
        let message = claim(network(), 1, slot, NOW);
        assert_eq!(admission.admit_asked(&message, NOW), Ok(()));
    }
}

#[test]
fn only_what_a_forwarder_could_have_seen_is_held_against_it() {
    let limit = Kind::Claim.max_len();
    let kind = Kind::Receipt;
    for refusal in [
        Refusal::Oversize { limit },
        Refusal::Malformed,
        Refusal::BadSignature,
        Refusal::WrongTopic { kind },
        Refusal::ForeignNetwork,
    ] {
        assert_eq!(refusal.acceptance(), Acceptance::Reject, "{refusal}");
    }
    for refusal in [
        Refusal::Stale,
        Refusal::Duplicate,
        Refusal::OverBudget,
        Refusal::QueueFull,
    ] {
        assert_eq!(refusal.acceptance(), Acceptance::Ignore, "{refusal}");
    }
}

#[test]
fn every_message_has_one_topic_and_every_topic_another_name() {
    let mut names: Vec<_> = Topic::all().map(|topic| topic.name(network())).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Topic::COUNT);
    for capsule in [0, 0x40, 0x80, 0xff] {
        let topic = Topic::of(&receipt(1, capsule, NOW));
        assert!(Topic::all().any(|it| it == topic), "{topic:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_let_in_but_messages(bytes in prop::collection::vec(any::<u8>(), 0..300), now in any::<u64>()) {
        for topic in Topic::all() {
            let refused = admission(budgets()).offer(topic, node(FORWARDER), &bytes, Timestamp::new(now));
            prop_assert!(refused.is_err());
        }
    }

    #[test]
    fn no_changed_byte_is_let_in(index in 0_usize..1000, change in 1_u8..) {
        let message = receipt(1, 7, NOW);
        let mut bytes = message.to_bytes();
        let index = index % bytes.len();
        bytes[index] ^= change;
        let refused = admission(budgets()).offer(Topic::of(&message), node(FORWARDER), &bytes, NOW);
        prop_assert!(refused.is_err());
    }
}

#[test]
fn a_key_signs_as_its_node() {
    let message = claim(network(), 1, 0, NOW);
    assert_eq!(message.signer().as_bytes(), key(1).verifying_key().as_bytes());
}
