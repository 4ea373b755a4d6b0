//! Relays that are accused of what they signed for, and nodes of what they signed about themselves.

use nonos_trust::{Block, Cause, Context, Conviction, Deed, Judgement, ProofVerdict, State, Weight, judge};
use nonos_types::*;

use crate::sample::*;

fn judged(evidence: BadRelay, verdict: ProofVerdict) -> Judgement {
    judge(&accuse_relay(network(), evidence), &Check(verdict))
}

fn sample() -> BadRelay {
    bad_relay(&key(3), &key(1))
}

/// Two heads of one relay, as they are and with one thing changed.
fn fork(network: NetworkId, change: impl FnOnce(&mut RelayHead)) -> Signed<Accusation> {
    let (first, _) = relayed(&key(3), &receipt(&key(1), 0));
    let mut second = *first.value();
    second.root = Digest::from_bytes([0xff; 32]);
    change(&mut second);
    let second = Signed::new(second, &key(3));
    let evidence = Evidence::ForkedHead(Box::new(ForkedHead { first, second }));
    let at = NOW;
    Signed::new(
        Accusation {
            network,
            evidence,
            at,
        },
        &key(200),
    )
}

#[test]
fn a_receipt_with_an_invalid_proof_blames_the_relay_that_accepted_it() {
    let evidence = sample();
    let expected = Judgement::Guilty {
        subject: peer(3),
        evidence: evidence.id(),
    };
    assert_eq!(judged(evidence, ProofVerdict::Invalid), expected);
}

#[test]
fn a_valid_proof_blames_no_relay_and_an_unknown_key_neither() {
    assert_eq!(judged(sample(), ProofVerdict::Valid), Judgement::Innocent);
    let reason = "no such key".to_owned();
    assert_eq!(judged(sample(), unknown()), Judgement::Indeterminate { reason });
}

/// Whoever passes on other bytes than were committed to changes nothing of what the relay accepted.
#[test]
fn bytes_that_the_receipt_does_not_commit_to_blame_no_relay() {
    for change in [
        |it: &mut BadRelay| it.item.proof.push(0),
        |it: &mut BadRelay| it.item.tapes.push(0),
        |it: &mut BadRelay| it.item.proof[0] ^= 1,
        |it: &mut BadRelay| it.item.tapes[0] ^= 1,
    ] {
        let mut evidence = sample();
        change(&mut evidence);
        assert_eq!(judged(evidence, ProofVerdict::Invalid), Judgement::Innocent);
    }
}

#[test]
fn a_receipt_that_is_not_in_the_signed_log_blames_no_relay() {
    let mut moved = sample();
    moved.inclusion.index = 0;
    let mut shorter = sample();
    shorter.inclusion.path.pop();
    let mut other = sample();
    other.item.receipt = receipt(&key(1), 1);
    let mut another_log = sample();
    another_log.head = relayed(&key(3), &receipt(&key(1), 1)).0;
    for evidence in [moved, shorter, other, another_log] {
        assert_eq!(judged(evidence, ProofVerdict::Invalid), Judgement::Innocent);
    }
}

#[test]
fn a_fault_in_another_network_blames_no_relay() {
    let other = NetworkId::named("other");
    let judgement = judge(&accuse_relay(other, sample()), &Check(ProofVerdict::Invalid));
    assert_eq!(judgement, Judgement::Innocent);
    let mut foreign = sample();
    let head = RelayHead {
        network: other,
        ..*foreign.head.value()
    };
    foreign.head = Signed::new(head, &key(3));
    assert_eq!(judged(foreign, ProofVerdict::Invalid), Judgement::Innocent);
}

#[test]
fn two_roots_for_one_hour_and_size_blame_the_relay_without_any_check() {
    let accusation = fork(network(), |_| {});
    let expected = Judgement::Guilty {
        subject: peer(3),
        evidence: accusation.evidence.id(),
    };
    assert_eq!(judge(&accusation, &Check(unknown())), expected);
}

/// Each of these alone makes two heads no fork.
#[test]
fn heads_that_are_no_fork_blame_nobody() {
    let innocent = |accusation: &Signed<Accusation>| {
        assert_eq!(judge(accusation, &Check(unknown())), Judgement::Innocent);
    };
    innocent(&fork(NetworkId::named("other"), |_| {}));
    innocent(&fork(network(), |it| it.network = NetworkId::named("other")));
    innocent(&fork(network(), |it| it.size += 1));
    innocent(&fork(network(), |it| it.epoch = Epoch::new(it.epoch.get() - 1)));
    let (head, _) = relayed(&key(3), &receipt(&key(1), 0));
    innocent(&fork(network(), |it| it.root = head.root));
    // Of two relays.
    let mut two = fork(network(), |_| {}).value().clone();
    if let Evidence::ForkedHead(it) = &mut two.evidence {
        it.second = Signed::new(*it.second.value(), &key(4));
    }
    innocent(&Signed::new(two, &key(200)));
}

/// Two descriptors under one number that differ in one thing, and in whatever else is changed of the second or its key.
fn equivocation(
    network: NetworkId,
    change: impl FnOnce(&mut Descriptor, &mut ed25519_dalek::SigningKey),
) -> Signed<Accusation> {
    let first = Descriptor {
        network: self::network(),
        sequence: Sequence::new(7),
        valid_from: NOW,
        valid_until: later(60),
        addresses: vec![],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: "one".to_owned(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: Stamp::NONE,
        shards: Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    };
    let mut second = first.clone();
    second.software = "another".to_owned();
    let mut signer = key(3);
    change(&mut second, &mut signer);
    // Not `Equivocation::of`, which makes none of what is none.
    let (mut first, mut second) = (Signed::new(first, &key(3)), Signed::new(second, &signer));
    if second.id() < first.id() {
        std::mem::swap(&mut first, &mut second);
    }
    let evidence = Evidence::Equivocation(Box::new(Equivocation { first, second }));
    let at = NOW;
    let accusation = Accusation {
        network,
        evidence,
        at,
    };
    Signed::new(accusation, &key(200))
}

#[test]
fn two_descriptors_under_one_number_blame_their_node_without_any_check() {
    let accusation = equivocation(network(), |_, _| {});
    let expected = Judgement::Guilty {
        subject: peer(3),
        evidence: accusation.evidence.id(),
    };
    assert_eq!(judge(&accusation, &Check(unknown())), expected);
}

/// Each of these alone makes two descriptors no evidence.
#[test]
fn descriptors_that_do_not_contradict_each_other_blame_nobody() {
    let innocent = |accusation: &Signed<Accusation>| {
        assert_eq!(judge(accusation, &Check(unknown())), Judgement::Innocent);
    };
    let other = NetworkId::named("other");
    innocent(&equivocation(other, |_, _| {}));
    innocent(&equivocation(network(), |it, _| it.network = other));
    innocent(&equivocation(network(), |it, _| it.sequence = Sequence::new(8)));
    innocent(&equivocation(network(), |it, _| it.sequence = Sequence::new(6)));
    innocent(&equivocation(network(), |it, _| it.software = "one".to_owned()));
    innocent(&equivocation(network(), |_, signer| *signer = key(4)));
    // The two the other way round: one evidence has one form.
    let mut turned = equivocation(network(), |_, _| {}).value().clone();
    if let Evidence::Equivocation(it) = &mut turned.evidence {
        std::mem::swap(&mut it.first, &mut it.second);
    }
    innocent(&Signed::new(turned, &key(200)));
}

#[test]
fn who_was_forgiven_can_be_convicted_of_another_number_but_not_of_the_same() {
    let book = book();
    let same = equivocation(network(), |it, _| it.software = "a third".to_owned());
    let (first, again) = (equivocation(network(), |_, _| {}), NOW);
    let convict = |it: &Signed<Accusation>| book.convict(it, &guilty(it), again).expect("is judged");
    assert_eq!(convict(&first), Conviction::New);
    book.unblock(peer(3), NOW).expect("is written");
    assert_eq!(convict(&first), Conviction::Known);
    assert_eq!(convict(&same), Conviction::Known);
    let mut next = first.value().clone();
    if let Evidence::Equivocation(it) = &mut next.evidence {
        let [one, other] = [&it.first, &it.second].map(|it| {
            let sequence = Sequence::new(8);
            Signed::new(
                Descriptor {
                    sequence,
                    ..it.value().clone()
                },
                &key(3),
            )
        });
        **it = Equivocation::of(&one, &other).expect("two under one number");
    }
    assert_eq!(convict(&Signed::new(next, &key(200))), Conviction::New);
}

#[test]
fn a_bad_relay_is_blacklisted_for_its_relaying_until_the_operator_acts() {
    for accusation in [
        accuse_relay(network(), sample()),
        fork(network(), |_| {}),
        equivocation(network(), |_, _| {}),
    ] {
        let book = book();
        let outcome = book
            .convict(&accusation, &guilty(&accusation), NOW)
            .expect("is judged");
        assert_eq!(outcome, Conviction::New);
        let id = accusation.evidence.id();
        let long_after = later(10_000 * DAY);
        assert_eq!(
            book.block_of(peer(3), long_after).expect("is answered"),
            Some(Block::Evidence(id))
        );
        assert_eq!(
            book.standing(peer(3), NOW).expect("is known").state,
            State::Blacklisted
        );
        assert!(
            !book.is_blacklisted(peer(1)).expect("is answered"),
            "who ran is another matter"
        );
        let points = book.explain(peer(3)).expect("is answered");
        let [point] = points[..] else { panic!("{points:?}") };
        assert_eq!(
            (point.context, point.deed, point.weight, point.cause),
            (Context::Relay, Deed::Bad, Weight::BAD_RELAY, Cause::Evidence(id))
        );
        assert_eq!(book.evidence(id).expect("is read back"), Some(accusation));
    }
}
