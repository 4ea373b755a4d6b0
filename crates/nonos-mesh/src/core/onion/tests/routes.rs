use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use nonos_types::{
    Capacity, Descriptor, FamilyId, Further, NetworkId, NodeId, OnionKey, PoiHash, Roles, Sequence, Signed,
    Stamp, Timestamp,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::world::{START, name};
use crate::core::{
    Directory, DirectoryLimits, Prefix,
    onion::{
        Guards, Mix, Settings,
        health::Health,
        keys::Period,
        packet::Hop,
        route::{self, Ends},
    },
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

fn period() -> Period {
    Period::of(Timestamp::new(START))
}

fn mix(number: usize, prefix: Option<u8>) -> Mix {
    Mix {
        node: name(number),
        keys: vec![OnionKey {
            epoch: period().get(),
            key: [9; 32],
        }],
        prefix: prefix.map(|it| Prefix::V4([10, 0, it])),
        family: None,
        introducer: None,
        confirmed: true,
        weight_ppm: 1_000_000,
    }
}

fn draw(rng: &mut ChaCha20Rng, mixes: &[Mix], hops: usize, ends: Ends<'_>) -> Option<Vec<NodeId>> {
    let route = route::draw(rng, mixes, &Health::default(), period(), hops, ends)?;
    Some(route.into_iter().map(|hop| hop.node).collect())
}

fn set(numbers: &[usize]) -> BTreeSet<NodeId> {
    numbers.iter().map(|it| name(*it)).collect()
}

#[test]
fn no_node_and_no_prefix_is_on_a_route_twice() {
    let mut rng = rng();
    let mixes: Vec<Mix> = (0..12)
        .map(|it| mix(it, Some(u8::try_from(it / 3).expect("small"))))
        .collect();
    for _ in 0..500 {
        let route = draw(&mut rng, &mixes, 4, Ends::default()).expect("there are four prefixes");
        let prefixes: BTreeSet<_> = (route.iter())
            .map(|node| {
                mixes
                    .iter()
                    .find(|mix| mix.node == *node)
                    .expect("one of them")
                    .prefix
            })
            .collect();
        assert_eq!(prefixes.len(), 4);
    }
    assert_eq!(
        draw(&mut rng, &mixes, 5, Ends::default()),
        None,
        "there are four prefixes"
    );
    let nowhere: Vec<Mix> = (0..3).map(|it| mix(it, None)).collect();
    for _ in 0..100 {
        let route = draw(&mut rng, &nowhere, 3, Ends::default()).expect("there are three");
        assert_eq!(route.iter().collect::<BTreeSet<_>>().len(), 3);
    }
    assert_eq!(draw(&mut rng, &nowhere, 4, Ends::default()), None);
}

#[test]
fn a_route_begins_and_ends_where_it_must() {
    let mut rng = rng();
    let mixes: Vec<Mix> = (0..8).map(|it| mix(it, None)).collect();
    let (first, last) = (set(&[1, 2]), set(&[2, 3]));
    let end = mixes[5].hop(period());
    for _ in 0..300 {
        let ends = Ends {
            first: Some(&first),
            last: Some(&last),
            end,
            without: Some(name(7)),
        };
        let route = draw(&mut rng, &mixes, 4, ends).expect("there are enough");
        assert!(first.contains(&route[0]) && last.contains(&route[2]));
        assert_eq!(route[3], name(5));
        assert!(!route[..3].contains(&name(5)) && !route.contains(&name(7)));
        // One hop before the end is first and last.
        let route = draw(&mut rng, &mixes, 2, ends).expect("there is one");
        assert_eq!(route, [name(2), name(5)]);
    }
    // The only one that may be last is not used up as the first.
    let (any, only) = (set(&[1, 2]), set(&[2]));
    for _ in 0..100 {
        let ends = Ends {
            first: Some(&any),
            last: Some(&only),
            end,
            ..Ends::default()
        };
        if let Some(route) = draw(&mut rng, &mixes, 3, ends) {
            assert_eq!(route, [name(1), name(2), name(5)]);
        }
        let ends = Ends {
            last: Some(&only),
            end,
            ..Ends::default()
        };
        let route = draw(&mut rng, &mixes, 3, ends).expect("it is left for its place");
        assert_eq!(route[1], name(2));
    }
}

#[test]
fn no_two_hops_are_of_one_family() {
    let mut rng = rng();
    let mut mixes: Vec<Mix> = (0..6).map(|it| mix(it, None)).collect();
    for (number, family) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 3)] {
        mixes[number].family = Some(FamilyId::from_bytes([family; 32]));
    }
    for _ in 0..300 {
        let route = draw(&mut rng, &mixes, 4, Ends::default()).expect("there is one");
        assert_eq!(
            route.iter().filter(|node| set(&[0, 1, 2]).contains(node)).count(),
            1
        );
        let ends = Ends {
            end: mixes[1].hop(period()),
            ..Ends::default()
        };
        let route = draw(&mut rng, &mixes, 3, ends).expect("there is one");
        assert!(!route.contains(&name(0)) && !route.contains(&name(2)));
    }
    assert_eq!(
        draw(&mut rng, &mixes, 5, Ends::default()),
        None,
        "never, however few there are"
    );
}

#[test]
fn no_two_hops_were_told_of_by_one_neighbour_where_another_route_is_left() {
    let mut rng = rng();
    let mut mixes: Vec<Mix> = (0..6).map(|it| mix(it, None)).collect();
    for (number, introducer) in [(0, 50), (1, 50), (2, 51), (3, 51), (4, 52), (5, 52)] {
        mixes[number].introducer = Some(name(introducer));
    }
    for _ in 0..300 {
        let route = draw(&mut rng, &mixes, 3, Ends::default()).expect("there is one");
        for pair in [[0, 1], [2, 3], [4, 5]] {
            assert_eq!(route.iter().filter(|node| set(&pair).contains(node)).count(), 1);
        }
        let ends = Ends {
            end: mixes[1].hop(period()),
            ..Ends::default()
        };
        let route = draw(&mut rng, &mixes, 3, ends).expect("there is one");
        assert!(!route.contains(&name(0)));
    }
    let route = draw(&mut rng, &mixes, 4, Ends::default());
    assert_eq!(route.expect("more hops than neighbours").len(), 4);
}

#[test]
fn where_a_route_ends_counts_among_the_prefixes() {
    let mut rng = rng();
    let mixes = [mix(0, Some(1)), mix(1, Some(1)), mix(2, Some(2))];
    for _ in 0..50 {
        let ends = Ends {
            end: mixes[0].hop(period()),
            ..Ends::default()
        };
        let route = draw(&mut rng, &mixes, 2, ends).expect("there is one");
        assert_eq!(route, [name(2), name(0)]);
    }
}

#[test]
fn who_has_no_key_of_the_period_is_no_hop() {
    let mut mixes: Vec<Mix> = (0..3).map(|it| mix(it, None)).collect();
    mixes[1].keys[0].epoch += 1;
    assert_eq!(draw(&mut rng(), &mixes, 3, Ends::default()), None);
    assert!(draw(&mut rng(), &mixes, 2, Ends::default()).is_some());
}

#[test]
fn nodes_are_taken_by_their_weight_and_their_health() {
    let mut rng = rng();
    let mut mixes: Vec<Mix> = (0..4).map(|it| mix(it, None)).collect();
    mixes[0].weight_ppm = 3_000_000;
    let mut health = Health::default();
    for _ in 0..2 {
        health.lost(&set(&[1]));
    }
    let mut taken = BTreeMap::<NodeId, u32>::new();
    for _ in 0..21_000 {
        let route = route::draw(&mut rng, &mixes, &health, period(), 1, Ends::default());
        let route: Vec<Hop> = route.expect("there is one");
        *taken.entry(route[0].node).or_default() += 1;
    }
    // 3 : 1/4 : 1 : 1, of 5.25.
    for (number, expected) in [(0, 12_000), (1, 1000), (2, 4000), (3, 4000)] {
        let taken = taken[&name(number)];
        assert!(
            taken.abs_diff(expected) < 250,
            "{number}: {taken}, not {expected}"
        );
    }
}

#[test]
fn guards_stay_and_only_what_is_gone_makes_room() {
    let mut rng = rng();
    let mixes: Vec<Mix> = (0..10).map(|it| mix(it, None)).collect();
    let now = |seconds: u64| Timestamp::new(START + seconds);
    let mut guards = Guards::default();
    let mut update = |guards: &mut Guards, mixes: &[Mix], connected: &[usize], seconds| {
        guards.update(&mut rng, mixes, &set(connected), period(), now(seconds));
        guards.chosen().iter().map(|(node, _)| *node).collect::<Vec<_>>()
    };
    let first = update(&mut guards, &mixes, &[1, 2, 3, 4, 5], 0);
    assert_eq!(first.len(), 2);
    // More neighbours, and another day, change nothing.
    assert_eq!(
        update(&mut guards, &mixes, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 86_400),
        first
    );
    // Both are away: one more is taken, and no other after it.
    let others: Vec<usize> = (1..6).filter(|it| !first.contains(&name(*it))).collect();
    let second = update(&mut guards, &mixes, &others, 86_401);
    assert_eq!((second.len(), &second[..2]), (3, &first[..]));
    let away: Vec<usize> = (1..10).filter(|it| !second.contains(&name(*it))).collect();
    assert_eq!(update(&mut guards, &mixes, &away, 86_402), second);
    // One is no longer listed.
    let listed: Vec<Mix> = mixes
        .iter()
        .filter(|mix| mix.node != second[0])
        .cloned()
        .collect();
    let third = update(&mut guards, &listed, &away, 86_403);
    assert!(!third.contains(&second[0]) && third.len() == 3);
    assert_eq!(third[..2], second[1..]);
    // After a month, others.
    let month = Guards::KEPT_S + 86_404;
    let fourth = update(&mut guards, &mixes, &[0, 1, 2], month);
    assert!(fourth.iter().all(|it| set(&[0, 1, 2]).contains(it)));
}

fn descriptor(number: u32, address: String, period: Option<Period>, bits: u32) -> Signed<Descriptor> {
    let mut seed = [3; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    let key = SigningKey::from_bytes(&seed);
    let network = NetworkId::named("onion");
    let now = Timestamp::new(START);
    let node = NodeId::from_bytes(key.verifying_key().to_bytes());
    let descriptor = Descriptor {
        network,
        sequence: Sequence::new(1),
        valid_from: now,
        valid_until: Timestamp::new(START + Descriptor::MAX_VALIDITY),
        addresses: vec![address],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: String::new(),
        capacity: Capacity::NONE,
        onion_keys: period
            .map(|period| OnionKey {
                epoch: period.get(),
                key: [7; 32],
            })
            .into_iter()
            .collect(),
        stamp: Stamp::find(network, node, bits),
        shards: nonos_types::Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    };
    Signed::new(descriptor, &key)
}

#[test]
fn who_is_new_or_has_no_key_or_is_not_trusted_is_no_mix() {
    let limits = DirectoryLimits {
        stamp_bits: 0,
        ..DirectoryLimits::default()
    };
    let mut directory = Directory::new(limits);
    let now = Timestamp::new(START);
    let listed = [
        descriptor(0, "/ip4/192.0.2.1/tcp/1".to_owned(), Some(period()), 0),
        descriptor(1, "/ip4/198.51.100.1/tcp/1".to_owned(), Some(period()), 0),
        descriptor(2, "/ip4/203.0.113.1/tcp/1".to_owned(), None, 0),
        descriptor(
            3,
            "/ip4/203.0.114.1/tcp/1".to_owned(),
            Some(Period::new(period().get() + 1)),
            0,
        ),
        descriptor(4, "/ip4/203.0.115.1/tcp/1".to_owned(), Some(period()), 0),
    ];
    for it in &listed[..4] {
        directory.learn(it, None, now);
    }
    let later = Timestamp::new(START + 3600);
    directory.learn(&listed[4], None, Timestamp::new(START + 1));
    let settings = Settings::default();
    let me = listed[1].signer();
    let of = |at| -> Vec<NodeId> {
        let mixes = Mix::of(&directory, me, &settings, at, |_| Some(0));
        mixes.iter().map(|mix| mix.node).collect()
    };
    assert_eq!(of(Timestamp::new(START + 3599)), [], "not for an hour yet");
    assert_eq!(of(later), [listed[0].signer()]);
    let both: BTreeSet<_> = of(Timestamp::new(START + 3601)).into_iter().collect();
    assert_eq!(both, BTreeSet::from([listed[0].signer(), listed[4].signer()]));
    let nobody = Mix::of(&directory, me, &settings, later, |_| None);
    assert_eq!(nobody, []);
    let someone = Mix::of(&directory, me, &settings, later, |_| Some(0));
    assert_eq!(someone[0].weight_ppm, Mix::FLOOR_PPM, "nobody is never taken");
    let trusted = Mix::of(&directory, me, &settings, later, |_| Some(700_000));
    assert_eq!(trusted[0].weight_ppm, 700_000);
}

/// Scenario 6: 200 names on one machine, 20 honest nodes elsewhere. None of them is trusted more than another.
#[test]
fn two_hundred_names_on_one_machine_are_on_few_routes() {
    let mut directory = Directory::new(DirectoryLimits {
        stamp_bits: 4,
        ..DirectoryLimits::default()
    });
    let now = Timestamp::new(START);
    let mut sybils = BTreeSet::new();
    // They come first, and did more work.
    for it in 0..200_u32 {
        let it = descriptor(it, format!("/ip4/192.0.2.{it}/tcp/1"), Some(period()), 6);
        sybils.insert(it.signer());
        directory.learn(&it, None, now);
    }
    for it in 0..20_u32 {
        let it = descriptor(1000 + it, format!("/ip4/198.51.{it}.7/tcp/1"), Some(period()), 4);
        directory.learn(&it, None, now);
    }
    let settings = Settings {
        min_age_s: 0,
        ..Settings::default()
    };
    let mixes = Mix::of(&directory, name(0), &settings, now, |_| Some(300_000));
    let here = mixes.iter().filter(|mix| sybils.contains(&mix.node)).count();
    assert_eq!((mixes.len(), here), (28, 8));
    let mut rng = rng();
    let (mut hit, mut hops) = (0, 0);
    for _ in 0..10_000 {
        let route = draw(&mut rng, &mixes, 3, Ends::default()).expect("there are enough");
        let here = route.iter().filter(|node| sybils.contains(node)).count();
        assert!(here <= 1, "one prefix");
        hit += usize::from(here > 0);
        hops += here;
    }
    assert!(hit <= 2000, "{hit} of 10,000 routes");
    assert!(hops > 500, "they are taken, as anybody is: {hops} of 30,000 hops");
}

/// Nodes in as many places, each shown by these neighbours, the first of them first.
fn shown(
    to: &mut Directory,
    numbers: std::ops::Range<u32>,
    by: impl Fn(u32) -> Vec<usize>,
) -> BTreeSet<NodeId> {
    let now = Timestamp::new(START);
    numbers
        .map(|it| {
            let address = format!("/ip4/198.{}.{}.7/tcp/1", it / 256, it % 256);
            let descriptor = descriptor(it, address, Some(period()), 0);
            for neighbour in by(it) {
                to.learn(&descriptor, Some(name(neighbour)), now);
            }
            descriptor.signer()
        })
        .collect()
}

fn unbounded() -> Directory {
    Directory::new(DirectoryLimits {
        stamp_bits: 0,
        ..DirectoryLimits::default()
    })
}

fn mixes_of(directory: &Directory) -> Vec<Mix> {
    let settings = Settings {
        min_age_s: 0,
        ..Settings::default()
    };
    Mix::of(directory, name(0), &settings, Timestamp::new(START), |_| {
        Some(300_000)
    })
}

fn nodes(mixes: &[Mix]) -> BTreeSet<NodeId> {
    mixes.iter().map(|mix| mix.node).collect()
}

#[test]
fn who_was_shown_by_one_neighbour_is_no_hop_if_most_were_shown_by_two() {
    let mut directory = unbounded();
    let known = shown(&mut directory, 0..6, |_| vec![60, 61]);
    let alone = shown(&mut directory, 100..106, |_| vec![60]);
    let mixes = mixes_of(&directory);
    assert_eq!(nodes(&mixes), known);
    assert!(mixes.iter().all(|mix| mix.confirmed));
    // One more, and they are the most: a neighbour may be holding back what it knows.
    let more = shown(&mut directory, 106..107, |_| vec![60]);
    let mixes = mixes_of(&directory);
    assert_eq!(nodes(&mixes), &(&known | &alone) | &more);
    assert_eq!(mixes.iter().filter(|mix| !mix.confirmed).count(), 7);
    // The same neighbour twice is one.
    let mut directory = unbounded();
    shown(&mut directory, 0..6, |_| vec![60, 60]);
    assert!(mixes_of(&directory).iter().all(|mix| !mix.confirmed));
}

#[test]
fn a_mesh_of_few_hides_among_all_it_has_and_says_so() {
    let mut directory = unbounded();
    shown(&mut directory, 0..3, |_| vec![60, 61]);
    shown(&mut directory, 100..101, |_| vec![60]);
    let mixes = mixes_of(&directory);
    assert_eq!(mixes.len(), 4, "three would be on every route");
    assert_eq!(mixes.iter().filter(|mix| !mix.confirmed).count(), 1);
}

/// One of two neighbours passes on the names it made, and nobody else's. They are confirmed, and the others are not.
#[test]
fn who_holds_back_others_does_not_choose_the_routes() {
    let mut directory = unbounded();
    let honest = shown(&mut directory, 0..20, |_| vec![60]);
    shown(&mut directory, 100..104, |_| vec![61, 60]);
    let mixes = mixes_of(&directory);
    assert_eq!(nodes(&mixes).intersection(&honest).count(), 20);
    let mut rng = rng();
    let routes = (0..2000).map(|_| draw(&mut rng, &mixes, 3, Ends::default()).expect("enough"));
    let theirs = routes
        .filter(|it| it.iter().all(|node| !honest.contains(node)))
        .count();
    assert!(theirs < 40, "{theirs} of 2000");
}

#[test]
fn introducers_are_told_apart_if_none_told_of_more_than_a_hop_s_share() {
    let mut directory = unbounded();
    shown(&mut directory, 0..9, |it| vec![60 + (it % 3) as usize, 70]);
    let apart = |directory: &Directory| mixes_of(directory).iter().all(|it| it.introducer.is_some());
    assert!(apart(&directory));
    shown(&mut directory, 100..101, |_| vec![60, 70]);
    assert!(!apart(&directory), "four of ten are more than a third");
}

/// All that is honest was told of by the node that was joined first. Four that came by themselves are on no more routes
/// than their number lets expect, though no other two hops have different introducers.
#[test]
fn who_comes_without_being_told_of_is_not_on_every_route() {
    let mut directory = unbounded();
    let honest = shown(&mut directory, 0..40, |_| vec![60, 61]);
    shown(&mut directory, 100..104, |it| vec![it as usize, 60, 61]);
    let mixes = mixes_of(&directory);
    assert_eq!(mixes.len(), 44);
    let mut rng = rng();
    let routes = (0..4000).map(|_| draw(&mut rng, &mixes, 3, Ends::default()).expect("enough"));
    let (mut hit, mut whole) = (0, 0);
    for route in routes {
        let theirs = route.iter().filter(|node| !honest.contains(node)).count();
        hit += usize::from(theirs > 0);
        whole += usize::from(theirs > 1);
    }
    assert!(
        hit < 4000 * 30 / 100,
        "{hit} of 4000: 3 of 44, three times, is 25 %"
    );
    assert!(whole < 4000 * 4 / 100, "{whole} of 4000");
}
