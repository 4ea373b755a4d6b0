use super::*;

const MINUTE_MS: u64 = 60_000;

fn id(n: u32) -> NodeId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    NodeId::from_bytes(bytes)
}

fn place(n: u32) -> Option<Prefix> {
    let [a, b, c, _] = n.to_le_bytes();
    Some(Prefix::V4([a, b, c]))
}

/// A newcomer in a place of its own.
fn stranger(n: u32) -> Candidate {
    Candidate {
        peer: id(n),
        prefix: place(n),
        shards: Shards::ALL,
        regard: Regard::Newcomer,
        trust_ppm: 300_000,
        age_s: 60,
    }
}

fn trusted(n: u32) -> Candidate {
    Candidate {
        regard: Regard::Trusted,
        trust_ppm: 900_000,
        ..stranger(n)
    }
}

/// Connected for an hour, and of no use for as long.
fn link(of: &Candidate, way: Way) -> Link {
    Link {
        peer: of.peer,
        way,
        prefix: of.prefix,
        shards: of.shards,
        regard: of.regard,
        since_ms: 0,
        served_ms: 0,
        held: false,
    }
}

fn outbound(of: &[Candidate]) -> Vec<Link> {
    of.iter().map(|it| link(it, Way::Outbound)).collect()
}

const HOUR_MS: u64 = 60 * MINUTE_MS;

fn neighbours(outbound: usize) -> Neighbours {
    let wish = Wish {
        outbound,
        of_shard: outbound.min(3),
        outbound_of_shard: outbound.min(2),
        ..Wish::default()
    };
    Neighbours::new(wish, &[7; 32])
}

fn dialled(moves: &[Move]) -> Vec<NodeId> {
    let dial = |it: &Move| match it {
        Move::Dial(peer) => Some(*peer),
        Move::LetGo(_) => None,
    };
    moves.iter().filter_map(dial).collect()
}

fn let_go(moves: &[Move]) -> Vec<NodeId> {
    let go = |it: &Move| match it {
        Move::LetGo(peer) => Some(*peer),
        Move::Dial(_) => None,
    };
    moves.iter().filter_map(go).collect()
}

#[test]
fn as_many_are_dialled_as_are_wished_however_many_dial_this_node() {
    let all: Vec<_> = (0..100).map(stranger).collect();
    let mut it = neighbours(8);
    let first = dialled(&it.moves(&[], &all, 0));
    assert_eq!(first.len(), 8);
    // They may still answer.
    assert_eq!(it.moves(&[], &all[..0], 1_000), []);
    let guests: Vec<_> = (200..264).map(|n| link(&stranger(n), Way::Inbound)).collect();
    let mut it = neighbours(8);
    assert_eq!(dialled(&it.moves(&guests, &all, 0)).len(), 8);
    // Those that are connected take their places.
    let mut links = guests.clone();
    links.extend(outbound(&all[..5]));
    let mut it = neighbours(8);
    let moves = dialled(&it.moves(&links, &all, 0));
    assert_eq!(moves.len(), 3);
    assert!(all[..5].iter().all(|it| !moves.contains(&it.peer)), "connected");
}

#[test]
fn the_trusted_are_sure_of_their_places_and_a_newcomer_of_one() {
    let known = |n| Candidate {
        regard: Regard::Known,
        trust_ppm: 600_000,
        ..stranger(n)
    };
    for seed in 0..50 {
        let mut all: Vec<_> = (0..200).map(known).collect();
        all.extend([trusted(1000), trusted(1001), stranger(2000)]);
        let mut it = Neighbours::new(Wish::default(), &[seed; 32]);
        let moves = dialled(&it.moves(&[], &all, 0));
        assert_eq!(moves.len(), 8);
        for sure in [1000, 1001, 2000] {
            assert!(moves.contains(&id(sure)), "{sure}");
        }
    }
    // Beyond the others, where these came first.
    let links = outbound(&(0..8).map(stranger).collect::<Vec<_>>());
    let moves = neighbours(8).moves(&links, &[trusted(1000), stranger(2000)], 0);
    assert_eq!(moves, [Move::Dial(id(1000))]);
    let links = outbound(&(0..8).map(trusted).collect::<Vec<_>>());
    let moves = neighbours(8).moves(&links, &[trusted(1000), stranger(2000)], 0);
    assert_eq!(moves, [Move::Dial(id(2000))]);
}

#[test]
fn no_two_are_dialled_in_one_place_while_there_are_others_elsewhere() {
    for seed in 0..50 {
        // Three places, of which one is full of names.
        let mut all: Vec<_> = (0..100)
            .map(|n| Candidate {
                prefix: place(0),
                ..stranger(n)
            })
            .collect();
        all.extend([stranger(1000), stranger(2000)]);
        let wish = Wish {
            outbound: 3,
            ..Wish::default()
        };
        let mut it = Neighbours::new(wish, &[seed; 32]);
        let moves = dialled(&it.moves(&[], &all, 0));
        assert_eq!(moves.len(), 3);
        assert!(
            moves.contains(&id(1000)) && moves.contains(&id(2000)),
            "{moves:?}"
        );
        // One that is connected is in a place, too.
        let links = outbound(&all[..1]);
        let moves = dialled(&Neighbours::new(wish, &[seed; 32]).moves(&links, &all, 0));
        assert_eq!(moves.len(), 2);
        assert!(
            moves.contains(&id(1000)) && moves.contains(&id(2000)),
            "{moves:?}"
        );
        // Where there are no others, they will do.
        let moves = Neighbours::new(wish, &[seed; 32]).moves(&links, &all[..100], 0);
        assert_eq!(dialled(&moves).len(), 2);
    }
}

/// How often each of these is drawn of a thousand times, being the only one.
fn draws(all: &[Candidate]) -> Vec<usize> {
    let mut counts = vec![0; all.len()];
    for seed in 0..1000_u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&seed.to_le_bytes());
        let wish = Wish {
            outbound: 1,
            trusted: 0,
            newcomers: 0,
            shards: Shards::NONE,
            ..Wish::default()
        };
        let moves = Neighbours::new(wish, &bytes).moves(&[], all, 0);
        let drawn = dialled(&moves);
        assert_eq!(drawn.len(), 1);
        let index = all.iter().position(|it| it.peer == drawn[0]);
        counts[index.expect("one of them")] += 1;
    }
    counts
}

#[test]
fn many_names_in_one_place_are_drawn_no_more_often_than_one() {
    let mut all: Vec<_> = (0..100)
        .map(|n| Candidate {
            prefix: place(0),
            ..stranger(n)
        })
        .collect();
    all.extend((1..10).map(|n| stranger(n * 1000)));
    let drawn: usize = draws(&all)[..100].iter().sum();
    // A tenth: 100, and four times the deviation of 9.5.
    assert!((60..=140).contains(&drawn), "{drawn}");
}

#[test]
fn who_is_trusted_and_was_heard_of_lately_is_drawn_more_often() {
    let old = Candidate {
        age_s: 30 * 60 * 60,
        ..stranger(3)
    };
    // 9 : 3 : 3/4, in 12.75.
    let drawn = draws(&[trusted(1), stranger(2), old]);
    let expected = [706_i64, 235, 59];
    for (drawn, expected) in drawn.iter().zip(expected) {
        let drawn = i64::try_from(*drawn).expect("at most a thousand");
        assert!((drawn - expected).abs() <= 60, "{drawn} of {expected}");
    }
}

#[test]
fn who_does_not_answer_is_dialled_ever_less_often_and_others_are_instead() {
    let mut it = neighbours(1);
    let one = [stranger(1)];
    let times = |it: &mut Neighbours, from: u64, until: u64| {
        (from..until)
            .filter(|second| !it.moves(&[], &one, second * 1000).is_empty())
            .count()
    };
    let first = times(&mut it, 0, 30);
    assert!((4..=6).contains(&first), "{first}");
    let later = times(&mut it, 300, 480);
    assert!((3..=5).contains(&later), "{later}");
    let two = [stranger(1), stranger(2)];
    assert_eq!(dialled(&it.moves(&[], &two, 486_000)), [id(2)]);
}

#[test]
fn when_one_of_the_lost_is_back_the_others_are_dialled_at_once() {
    let mut it = neighbours(8);
    let both = [stranger(1), stranger(2)];
    it.lost(id(1), 0);
    it.lost(id(2), 0);
    for second in 0..300 {
        it.moves(&[], &both, second * 1000);
    }
    // One that was never here says nothing about those that were.
    it.connected(id(9), 300_000);
    let waits = it.moves(&[], &both, 300_000).len();
    assert!(waits < 2, "they have waited for a minute at most");
    it.connected(id(1), 300_001);
    assert_eq!(dialled(&it.moves(&[], &both[1..], 300_001)), [id(2)]);
}

#[test]
fn a_dial_for_another_reason_counts() {
    let mut it = neighbours(8);
    let all: Vec<_> = (0..100).map(stranger).collect();
    for wanted in 200..203 {
        it.dialled(&stranger(wanted), 0);
        assert!(it.is_dialling(id(wanted), 4_999) && !it.is_dialling(id(wanted), 5_000));
    }
    assert_eq!(dialled(&it.moves(&[], &all, 0)).len(), 5);
}

#[test]
fn one_too_many_that_serves_nothing_is_let_go_and_no_other() {
    let nine: Vec<_> = (0..9).map(stranger).collect();
    let links = outbound(&nine);
    // The last that came, one a minute.
    let mut links: Vec<_> = links
        .iter()
        .zip(0..)
        .map(|(it, n)| Link { since_ms: n, ..*it })
        .collect();
    let go = |links: &[Link], now_ms| let_go(&neighbours(8).moves(links, &[], now_ms));
    assert_eq!(go(&links, HOUR_MS), [id(8)]);
    let mut it = neighbours(7);
    assert_eq!(let_go(&it.moves(&links, &[], HOUR_MS)), [id(8)]);
    assert_eq!(let_go(&it.moves(&links[..8], &[], HOUR_MS + MINUTE_MS - 1)), []);
    assert_eq!(let_go(&it.moves(&links[..8], &[], HOUR_MS + MINUTE_MS)), [id(7)]);
    // As many as are wished.
    assert_eq!(go(&links[..8], HOUR_MS), []);
    // Too young to have been of use.
    assert_eq!(go(&links, 10 * MINUTE_MS - 1), []);
    // Each of these alone keeps it.
    links[8].held = true;
    assert_eq!(go(&links, HOUR_MS), [id(7)]);
    links[7].served_ms = HOUR_MS - 10 * MINUTE_MS + 1;
    assert_eq!(go(&links, HOUR_MS), [id(6)]);
    links[6].way = Way::Inbound;
    assert_eq!(go(&links, HOUR_MS), [], "eight are left");
}

#[test]
fn of_a_sort_that_is_needed_none_is_let_go() {
    let mut all: Vec<_> = (0..2).map(trusted).collect();
    all.extend((2..9).map(trusted));
    let go = |all: &[Candidate]| let_go(&neighbours(8).moves(&outbound(all), &[], HOUR_MS));
    assert_eq!(go(&all).len(), 1);
    let known = |n| Candidate {
        regard: Regard::Known,
        ..stranger(n)
    };
    let mut all = vec![trusted(0), trusted(1), stranger(2)];
    all.extend((3..9).map(known));
    assert!(
        (3..9).map(id).any(|it| go(&all) == [it]),
        "one of those that are known"
    );
}

#[test]
fn where_two_are_in_one_place_one_makes_room_when_there_are_others_elsewhere() {
    let mut all: Vec<_> = (0..8).map(stranger).collect();
    all[7].prefix = place(0);
    let links = outbound(&all);
    let moves = |candidates: &[Candidate], now_ms| let_go(&neighbours(8).moves(&links, candidates, now_ms));
    assert_eq!(moves(&[], HOUR_MS), [], "there is nobody else");
    let there = Candidate {
        prefix: place(3),
        ..stranger(9)
    };
    assert_eq!(moves(&[there], HOUR_MS), [], "nor anywhere else");
    let gone = moves(&[stranger(9)], HOUR_MS);
    assert!(gone == [id(0)] || gone == [id(7)], "{gone:?}");
    assert_eq!(moves(&[stranger(9)], MINUTE_MS), [], "not before it was of use");
}

#[test]
fn whom_it_tried_is_remembered_of_so_many() {
    let mut it = neighbours(8);
    for n in 0..2 * Neighbours::MOST as u32 {
        it.lost(id(n), u64::from(n));
    }
    assert_eq!(it.tried.len(), Neighbours::MOST);
}

#[test]
fn nobody_is_looked_for_where_nobody_is_wanted() {
    let mut all: Vec<_> = (0..7).map(trusted).collect();
    all.push(stranger(7));
    let it = neighbours(8);
    assert!(!it.wants(&outbound(&all), 0));
    assert!(it.wants(&outbound(&all[..7]), 0));
    let crowded = [
        &all[..7],
        &[Candidate {
            prefix: place(0),
            ..all[7]
        }],
    ]
    .concat();
    assert!(it.wants(&outbound(&crowded), 0));
}

#[test]
fn guests_in_great_number_from_one_place_do_not_shut_others_out() {
    let guest = |number: u64, weight, prefix| Guest {
        id: number,
        weight,
        prefix,
        number,
    };
    let crowd: Vec<_> = (0..64).map(|n| guest(n, 0, place(0))).collect();
    let with = |last: Guest<u64>| gives_way(&[&crowd[..], &[last]].concat());
    assert_eq!(with(guest(64, 0, place(9))), Some(63), "the last of the crowd");
    assert_eq!(with(guest(64, 0, place(0))), Some(64), "the last of all");
    assert_eq!(with(guest(64, 1, place(0))), Some(63), "it is worth more");
    assert_eq!(with(guest(64, -1, place(9))), Some(64), "it is worth less");
    // Where places say nothing, the last one goes.
    let crowd: Vec<_> = (0..64).map(|n| guest(n, 0, None)).collect();
    assert_eq!(gives_way(&crowd), Some(63));
    assert_eq!(gives_way::<u64>(&[]), None);
}

/// A newcomer that hears these shards only.
fn of_shards(n: u32, bits: u32) -> Candidate {
    Candidate {
        shards: Shards::from_bits(bits).expect("four bits"),
        ..stranger(n)
    }
}

fn known(it: Candidate) -> Candidate {
    Candidate {
        regard: Regard::Known,
        trust_ppm: 600_000,
        ..it
    }
}

/// Who of those that are dialled hears a shard.
fn of_shard(moves: &[Move], all: &[Candidate], bit: u32) -> Vec<Candidate> {
    let dialled = dialled(moves);
    let hears = |it: &&Candidate| dialled.contains(&it.peer) && it.shards.bits() & 1 << bit != 0;
    all.iter().filter(hears).copied().collect()
}

#[test]
fn of_each_shard_three_are_dialled_and_one_of_them_is_a_newcomer_however_rare_they_are() {
    for seed in 0..50 {
        let mut all: Vec<_> = (0..200).map(|n| known(of_shards(n, 0b0011))).collect();
        all.extend((1000..1004).map(|n| known(of_shards(n, 0b1000))));
        all.push(of_shards(2000, 0b1000));
        let wish = Wish {
            shards: Shards::from_bits(0b1001).expect("two"),
            ..Wish::default()
        };
        let moves = Neighbours::new(wish, &[seed; 32]).moves(&[], &all, 0);
        let of_last = of_shard(&moves, &all, 3);
        assert_eq!(of_last.len(), 3);
        assert_eq!(
            of_last.iter().filter(|it| it.regard == Regard::Newcomer).count(),
            1
        );
        assert_eq!(dialled(&moves).len(), 8, "in all it is no more than else");
        // Of shards that the node does not hear none are looked for.
        let wish = Wish {
            shards: Shards::from_bits(0b0001).expect("one"),
            newcomers: 0,
            ..wish
        };
        let moves = Neighbours::new(wish, &[seed; 32]).moves(&[], &all, 0);
        assert!(of_shard(&moves, &all, 3).len() < 3, "205 of which five are");
    }
}

#[test]
fn who_dials_this_node_is_one_of_three_of_a_shard_and_no_more() {
    let rare: Vec<_> = (0..5).map(|n| of_shards(n, 0b1000)).collect();
    let guests: Vec<_> = (100..140)
        .map(|n| link(&of_shards(n, 0b1000), Way::Inbound))
        .collect();
    let eight: Vec<_> = (200..208).map(|n| known(of_shards(n, 0b0111))).collect();
    let wish = Wish {
        trusted: 0,
        ..Wish::default()
    };
    let mut links = outbound(&eight);
    let newcomer = of_shards(300, 0b0111);
    links.push(link(&newcomer, Way::Outbound));
    let dials = |links: &[Link]| {
        of_shard(
            &Neighbours::new(wish, &[7; 32]).moves(links, &rare, HOUR_MS),
            &rare,
            3,
        )
        .len()
    };
    assert_eq!(dials(&links), 3, "beyond the others");
    links.extend(guests);
    assert_eq!(dials(&links), 2, "two of its own choice whoever dials it");
    links.push(link(&of_shards(400, 0b1000), Way::Outbound));
    assert_eq!(dials(&links), 1);
    links.push(link(&of_shards(401, 0b1000), Way::Outbound));
    assert_eq!(dials(&links), 0);
}

#[test]
fn who_announces_a_shard_and_does_not_hear_it_does_not_count() {
    let all: Vec<_> = (0..20).map(|n| of_shards(n, 0b1000)).collect();
    let mut it = Neighbours::new(
        Wish {
            shards: Shards::from_bits(0b1000).expect("one"),
            outbound: 3,
            trusted: 0,
            ..Wish::default()
        },
        &[7; 32],
    );
    let first = dialled(&it.moves(&[], &all, 0));
    assert_eq!(first.len(), 3);
    let mut links = vec![];
    for peer in first {
        it.connected(peer, 1000);
        // It says so, and listens to another.
        let liar = Candidate {
            peer,
            ..of_shards(peer.as_bytes()[0].into(), 0b0100)
        };
        links.push(link(&liar, Way::Outbound));
    }
    let others = dialled(&it.moves(&links, &all, 2000));
    assert_eq!(others.len(), 3);
    assert!(links.iter().all(|link| !others.contains(&link.peer)));
}

/// Who would surround a node by being the only ones that hear a shard is still in one place.
#[test]
fn many_names_of_a_shard_in_one_place_are_one_neighbour_while_others_hear_it() {
    for seed in 0..50 {
        let mut all: Vec<_> = (0..100)
            .map(|n| Candidate {
                prefix: place(0),
                ..of_shards(n, 0b1000)
            })
            .collect();
        all.extend([of_shards(1000, 0b1000), of_shards(2000, 0b1000)]);
        all.extend((3000..3010).map(|n| of_shards(n, 0b0111)));
        let moves = Neighbours::new(Wish::default(), &[seed; 32]).moves(&[], &all, 0);
        let of_last = of_shard(&moves, &all, 3);
        let from_there = of_last.iter().filter(|it| it.prefix == place(0)).count();
        assert!(from_there <= 1, "{from_there} of {}", of_last.len());
        assert_eq!(of_last.len(), 3);
        // They get no more of the other places than they did.
        assert!(dialled(&moves).len() >= 8);
    }
}

#[test]
fn of_a_shard_that_would_lack_some_none_is_let_go_but_for_a_better_one() {
    let mut all: Vec<_> = (0..8).map(|n| known(of_shards(n, 0b0111))).collect();
    all.extend((10..13).map(|n| known(of_shards(n, 0b1000))));
    // The last that came.
    let links = |all: &[Candidate]| -> Vec<Link> {
        let with_time = |(it, n): (Link, u64)| Link { since_ms: n, ..it };
        outbound(all).into_iter().zip(0..).map(with_time).collect()
    };
    let go = |links: &[Link], left: &[Candidate]| {
        let wish = Wish {
            newcomers: 0,
            trusted: 0,
            ..Wish::default()
        };
        let_go(&Neighbours::new(wish, &[7; 32]).moves(links, left, HOUR_MS))
    };
    assert_eq!(
        go(&links(&all), &[]),
        [id(7)],
        "eleven, of which those three are needed"
    );
    all.push(known(of_shards(13, 0b1000)));
    assert_eq!(go(&links(&all), &[]), [id(13)]);
    // Two of three in one place: one goes as soon as there is another elsewhere that hears the same.
    all.truncate(11);
    all[9].prefix = all[10].prefix;
    all.drain(..8);
    let fill: Vec<_> = (20..22).map(|n| known(of_shards(n, 0b0111))).collect();
    let fewer = links(&[&fill[..], &all].concat());
    let crowded = |left: &[Candidate]| go(&fewer, left);
    assert_eq!(crowded(&[]), []);
    let elsewhere: Vec<_> = (30..40).map(|n| known(of_shards(n, 0b1000))).collect();
    let gone = crowded(&elsewhere);
    assert!(gone == [id(11)] || gone == [id(12)], "{gone:?}");
    let of_others: Vec<_> = (30..40).map(|n| known(of_shards(n, 0b0111))).collect();
    assert_eq!(crowded(&of_others), [], "nobody else hears it");
}

#[test]
fn of_a_shard_that_lacks_some_others_are_looked_for() {
    let all: Vec<_> = (0..8).map(|n| of_shards(n, 0b0111)).collect();
    let wish = Wish {
        trusted: 0,
        ..Wish::default()
    };
    let mut it = Neighbours::new(wish, &[7; 32]);
    assert!(it.wants(&outbound(&all), 0));
    it.hear(Shards::from_bits(0b0111).expect("three"));
    assert!(!it.wants(&outbound(&all), 0));
}
