//! What is of shards that only one side wants is left out.

use std::collections::BTreeSet;

use nonos_mesh::core::reconcile::{Ask, ORDER, Responder, Round, Scope, Serve, Summary, Unsound};
use nonos_types::{Kind, MessageId, Shard, Shards, Timestamp};

/// Names of a shard, or of none.
fn of_shard(number: Option<u32>, count: u64) -> impl Iterator<Item = (Option<Shard>, Timestamp, MessageId)> {
    let shard = number.and_then(Shard::new);
    (0..count).map(move |n| {
        let id = MessageId::hash(&[&[number.map_or(9, |it| it as u8)], &n.to_le_bytes()]);
        // Shards alternate within a second, and beyond.
        (shard, Timestamp::new(1_700_000_000 + n % 97), id)
    })
}

fn in_shards(names: impl IntoIterator<Item = (Option<Shard>, Timestamp, MessageId)>) -> Summary {
    let mut summary = Summary::new(Summary::MOST);
    for (shard, at, id) in names {
        assert!(summary.insert_named(Kind::Receipt, shard, at, id));
    }
    summary
}

/// What a round finds, and what it is about.
fn round(
    ours: &Summary,
    theirs: &Summary,
    scope: Scope,
) -> (BTreeSet<MessageId>, BTreeSet<MessageId>, Vec<Ask>) {
    let now = Timestamp::new(1_700_000_100);
    let (mut round, first) = Round::within(ours, ORDER[0], scope, now);
    let (mut serve, mut asks, mut next) = (Serve::new(now), vec![], Some(first));
    let (mut need, mut have) = (BTreeSet::new(), BTreeSet::new());
    while let Some(ask) = next {
        let ask = Ask::from_bytes(&ask.to_bytes()).expect("sound");
        let answer = serve.answer(theirs, &ask, now).expect("sound");
        let heard = round.hear(ours, &answer).expect("sound");
        need.extend(heard.found.need);
        have.extend(heard.found.have);
        asks.push(ask);
        next = heard.ask;
    }
    (need, have, asks)
}

#[test]
fn only_what_both_want_is_reconciled() {
    let all = || {
        (0..4)
            .flat_map(|shard| of_shard(Some(shard), 500))
            .chain(of_shard(None, 500))
    };
    let theirs = in_shards(all());
    let two: Shards = [0, 2].into_iter().filter_map(Shard::new).collect();
    let scope = Scope {
        shards: two,
        ..Scope::ALL
    };
    let wanted: BTreeSet<_> = [0, 2]
        .iter()
        .flat_map(|it| of_shard(Some(*it), 500))
        .map(|it| it.2)
        .collect();
    let (need, have, _) = round(&Summary::new(10), &theirs, scope);
    assert!(have.is_empty());
    assert_eq!(need, wanted);
    // What this node has of its own jobs elsewhere is nothing that the others lack.
    let ours = in_shards(of_shard(Some(0), 500).chain(of_shard(Some(3), 40)));
    let (need, have, asks) = round(&ours, &theirs, scope);
    assert!(have.is_empty());
    assert_eq!(need.len(), 500);
    for ask in asks {
        let sharded = [
            Kind::Offer,
            Kind::Award,
            Kind::Cancel,
            Kind::Receipt,
            Kind::Verdict,
        ];
        assert_eq!(
            ask.shards,
            if sharded.contains(&ask.kind) {
                two
            } else {
                Shards::ALL
            }
        );
    }
    // Whoever lacks a shard is not told to miss it, nor does it tell that.
    let short = in_shards(of_shard(Some(0), 500));
    let (need, have, _) = round(
        &theirs,
        &short,
        Scope::ALL.with(Shards::from(Shard::new(0).expect("the first"))),
    );
    assert!(need.is_empty() && have.is_empty());
    let (need, have, _) = round(&theirs, &in_shards(all()), Scope::ALL);
    assert!(need.is_empty() && have.is_empty());
}

/// As if they were in one list: those of all shards and of none, whole, against who does not tell them apart.
#[test]
fn shards_together_are_reconciled_as_if_there_were_none() {
    let all: Vec<_> = (0..4)
        .flat_map(|shard| of_shard(Some(shard), 800))
        .chain(of_shard(None, 800))
        .collect();
    let without = |gone: usize| {
        all.iter()
            .copied()
            .enumerate()
            .filter(move |(n, _)| n % 37 != gone)
            .map(|(_, it)| it)
    };
    let ours = in_shards(without(1));
    let theirs = in_shards(without(2).map(|(_, at, id)| (None, at, id)));
    let missing = |gone: usize| -> BTreeSet<MessageId> {
        all.iter()
            .enumerate()
            .filter(|(n, _)| n % 37 == gone)
            .map(|(_, it)| it.2)
            .collect()
    };
    let (need, have, _) = round(&ours, &theirs, Scope::ALL);
    assert_eq!((need, have), (missing(1), missing(2)));
    let (need, have, _) = round(&theirs, &ours, Scope::ALL);
    assert_eq!((need, have), (missing(2), missing(1)));
}

#[test]
fn of_a_shard_that_a_node_visits_it_wants_what_was_since() {
    let theirs = in_shards((0..4).flat_map(|shard| of_shard(Some(shard), 970)));
    let shards = |number| Shards::from(Shard::new(number).expect("one of four"));
    let scope = Scope {
        shards: shards(1),
        guest: shards(2),
        since: Timestamp::new(1_700_000_090),
    };
    let (need, ..) = round(&Summary::new(10), &theirs, scope);
    let old: Vec<_> = of_shard(Some(1), 970).map(|it| it.2).collect();
    let new: Vec<_> = of_shard(Some(2), 970)
        .filter(|(_, at, _)| at.get() >= 1_700_000_090)
        .map(|it| it.2)
        .collect();
    assert_eq!(new.len(), 70);
    assert_eq!(need, old.into_iter().chain(new).collect());
    // With who does not hear it, it is not spoken of.
    let (need, ..) = round(&Summary::new(10), &theirs, scope.with(shards(1)));
    assert_eq!(need.len(), 970);
    let (need, _, asks) = round(&Summary::new(10), &theirs, scope.with(shards(3)));
    assert!(need.is_empty());
    assert!(
        asks.iter().all(|ask| ask.shards == Shards::ALL),
        "of no shard nothing is asked"
    );
}

#[test]
fn all_shards_have_one_encoding_and_other_kinds_have_none() {
    let now = Timestamp::new(1_700_000_100);
    let ask = |kind: &str, shards: &[u8]| {
        let start = [
            &[0x0a, kind.len() as u8],
            kind.as_bytes(),
            &[0x18, 100, 0x22, 5, 0x61, 0, 0, 2, 0],
        ]
        .concat();
        Ask::from_bytes(&[&start[..], shards].concat())
    };
    assert!(ask("receipt", &[]).is_ok_and(|it| it.shards == Shards::ALL));
    assert!(ask("receipt", &[0x28, 5]).is_ok_and(|it| it.shards.bits() == 5));
    for bits in [0, 15, 16] {
        assert_eq!(
            ask("receipt", &[0x28, bits]).err(),
            Some(Unsound::Malformed),
            "{bits}"
        );
    }
    assert!(ask("voucher", &[]).is_ok());
    assert_eq!(ask("voucher", &[0x28, 5]).err(), Some(Unsound::Malformed));
    // Another set of shards is another question, of which there are only so many.
    let (_, first) = Round::begin(&Summary::new(10), Kind::Receipt, now);
    let mut responder = Responder::new(&first);
    let mut other = first;
    other.shards = Shards::from_bits(5).expect("two");
    assert_eq!(
        responder.answer(&Summary::new(10), &other).err(),
        Some(Unsound::WrongWindow)
    );
}
