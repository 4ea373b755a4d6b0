//! What is found is what differs: no more, and no less.

use std::collections::BTreeSet;

use nonos_mesh::core::reconcile::{
    Answer, Initiator, Limits, ORDER, Responder, Round, Said, Summary, Window,
};
use nonos_types::{Kind, MessageId, Timestamp};
use proptest::prelude::*;

use super::{Name, Talk, name, summary, talk};

const SHARED: u64 = 10_000;

fn ids(names: &[Name]) -> Vec<MessageId> {
    let ids: BTreeSet<_> = names.iter().map(|(_, id)| *id).collect();
    ids.into_iter().collect()
}

/// Ten thousand receipts on each side, of which so many are only here and as many only there.
fn differing_in(count: u64) -> Talk {
    let shared: Vec<_> = (0..SHARED - count)
        .map(|n| name(0, n * SHARED / (SHARED - count)))
        .collect();
    let only = |series| {
        (0..count)
            .map(move |n| name(series, n * (SHARED / count.max(1))))
            .collect::<Vec<_>>()
    };
    let (here, there) = (only(1), only(2));
    let ours = summary(shared.iter().chain(&here).copied());
    let theirs = summary(shared.iter().chain(&there).copied());
    let found = talk(&ours, &theirs).expect("sound");
    assert_eq!(found.need, ids(&there), "{count}");
    assert_eq!(found.have, ids(&here), "{count}");
    assert!(!found.cut);
    found
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth knowing")]
fn ten_thousand_receipts_are_reconciled_whatever_their_differences() {
    for (count, most_asks, most_bytes) in [
        (0, 1, 1 << 10),
        (1, 4, 8 << 10),
        (100, 4, 160 << 10),
        (5000, 6, 1 << 20),
    ] {
        let Talk { asks, bytes, .. } = differing_in(count);
        println!(
            "10,000 receipts on each side, {count} only here and {count} only there: {asks} asks, {bytes} bytes"
        );
        assert!(asks <= most_asks, "{count}: {asks} asks");
        assert!(bytes <= most_bytes, "{count}: {bytes} bytes");
    }
}

#[test]
fn who_has_nothing_needs_everything_and_the_other_way_round() {
    let names: Vec<_> = (0..20_000).map(|n| name(0, n)).collect();
    let full = summary(names.iter().copied());
    let found = talk(&summary([]), &full).expect("sound");
    assert!(found.asks > 2, "twenty thousand names are more than a frame");
    assert_eq!((found.need, found.have), (ids(&names), vec![]));
    let found = talk(&full, &summary([])).expect("sound");
    assert_eq!((found.need, found.have), (vec![], ids(&names)));
}

#[test]
fn names_of_the_same_second_are_told_apart() {
    let at = Timestamp::new(1_700_000_000);
    let names = |range: std::ops::Range<u64>| range.map(move |n| (at, name(0, n).1)).collect::<Vec<_>>();
    let found = talk(&summary(names(0..3000)), &summary(names(100..3100))).expect("sound");
    assert_eq!(
        (found.need, found.have),
        (ids(&names(3000..3100)), ids(&names(0..100)))
    );
}

/// More differs than fits a round: the next one goes on where this one was cut.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth knowing")]
fn a_round_that_was_cut_is_taken_up_again_with_what_it_found() {
    let names: Vec<_> = (0..150_000).map(|n| name(0, n)).collect();
    let at = names
        .iter()
        .map(|(at, id)| (*id, *at))
        .collect::<std::collections::BTreeMap<_, _>>();
    let theirs = summary(names.iter().copied());
    let mut ours = summary([]);
    let mut rounds = 0;
    loop {
        rounds += 1;
        let found = talk(&ours, &theirs).expect("sound");
        for id in &found.need {
            ours.insert_name(Kind::Receipt, at[id], *id);
        }
        println!(
            "round {rounds}: {} names in {} asks, {} bytes",
            found.need.len(),
            found.asks,
            found.bytes
        );
        if !found.cut {
            break;
        }
        assert!(found.need.len() > 100_000, "the round was used");
    }
    assert_eq!((rounds, ours.len(Kind::Receipt)), (2, names.len()));
}

/// A node that has forgotten what is old does not ask for it, nor is it asked for it.
#[test]
fn what_one_side_has_forgotten_is_not_reconciled() {
    let mut short = Summary::new(1600);
    let full = summary((0..3000).map(|n| name(0, n)));
    for n in 0..3000 {
        let (at, id) = name(0, n);
        short.insert_name(Kind::Receipt, at, id);
    }
    let missing = name(0, 2900);
    assert!(short.remove(Kind::Receipt, missing.0, missing.1));
    assert!(short.len(Kind::Receipt) < 1600);
    let found = talk(&short, &full).expect("sound");
    assert_eq!((found.need, found.have), (vec![missing.1], vec![]));
    let found = talk(&full, &short).expect("sound");
    assert_eq!((found.need, found.have), (vec![], vec![missing.1]));
}

#[test]
fn all_kinds_are_reconciled_in_their_order_within_one_round() {
    let now = Timestamp::new(1_700_000_100);
    let (ours, mut theirs) = (Summary::new(10), Summary::new(10));
    for (n, kind) in Kind::ALL.iter().enumerate() {
        let at = Timestamp::new(1_700_000_000 + n as u64);
        assert!(theirs.insert_name(*kind, at, MessageId::hash(&[&[n as u8]])));
    }
    let (mut round, first) = Round::begin(&ours, ORDER[0], now);
    let (mut asks, mut kinds) = (Some(first), vec![]);
    while let Some(ask) = asks {
        assert_eq!(round.resume_at(), Some(ask.kind));
        let answer = Responder::new(&ask).answer(&theirs, &ask).expect("sound");
        let heard = round
            .hear(&ours, &Answer::from_bytes(&answer.to_bytes()).expect("sound"))
            .expect("sound");
        kinds.extend(heard.found.need.iter().map(|_| heard.kind));
        asks = heard.ask;
    }
    assert_eq!(kinds, ORDER);
    assert!(!kinds.contains(&Kind::Claim));
    assert_eq!(round.resume_at(), None);
    assert!(Limits::ROUND.get() - round.left().get() < 4096);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any two sets, however their names lie in time, from both sides.
    #[test]
    fn random_sets_reconcile_exactly(
        shared in 0..10_000_u64,
        here in 0..600_u64,
        there in 0..600_u64,
        seconds in 1..20_000_u64,
        series in any::<u64>(),
    ) {
        let scattered = |series: u64, count| (0..count).map(move |n| {
            let id = MessageId::hash(&[&series.to_le_bytes(), &u64::to_le_bytes(n)]);
            let [a, b, c, d, ..] = *id.as_bytes();
            (Timestamp::new(u64::from(u32::from_le_bytes([a, b, c, d])) % seconds), id)
        }).collect::<Vec<_>>();
        let shared = scattered(series, shared);
        let (here, there) = (scattered(series ^ 1, here), scattered(series ^ 2, there));
        let ours = summary(shared.iter().chain(&here).copied());
        let theirs = summary(shared.iter().chain(&there).copied());
        let found = talk(&ours, &theirs).expect("sound");
        prop_assert_eq!((found.need, found.have), (ids(&there), ids(&here)));
        let found = talk(&theirs, &ours).expect("sound");
        prop_assert_eq!((found.need, found.have), (ids(&here), ids(&there)));
    }
}

/// Those of `docs/spec/sync.md`.
#[test]
fn the_vectors_are_as_specified() {
    let window = Window {
        from: Timestamp::ZERO,
        until: Timestamp::new(100),
    };
    let (_, ask) = Initiator::begin(&summary([]), Kind::Receipt, window, Limits::ROUND);
    let one = summary([(Timestamp::new(5), MessageId::from_bytes([7; 32]))]);
    let answer = Responder::new(&ask).answer(&one, &ask).expect("sound");
    let said = |said| Answer {
        kind: Kind::Receipt,
        said,
    };
    let (none, floor) = (
        said(Said::Frame(vec![0x61])),
        said(Said::Floor(Timestamp::new(7))),
    );
    let kind = "0a0772656365697074";
    let seven = "07".repeat(32);
    for (bytes, expected) in [
        (ask.to_bytes(), format!("{kind}186422056100000200")),
        (answer.to_bytes(), format!("{kind}12256100000201{seven}")),
        (none.to_bytes(), format!("{kind}120161")),
        (floor.to_bytes(), format!("{kind}1807")),
    ] {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
