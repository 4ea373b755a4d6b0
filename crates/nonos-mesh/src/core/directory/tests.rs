use ed25519_dalek::SigningKey;
use nonos_types::{Capacity, Further, NetworkId, PoiHash, Roles, Sequence, Stamp};

use super::*;

const NOW: Timestamp = Timestamp::new(1_800_000_000);

fn key(number: u16) -> SigningKey {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

fn id(number: u16) -> NodeId {
    NodeId::from_bytes(key(number).verifying_key().to_bytes())
}

fn limits() -> DirectoryLimits {
    DirectoryLimits {
        most: 4,
        stamp_bits: 0,
        of_prefix: 2,
        private_prefixes: true,
    }
}

/// Of a node that worked for exactly so many bits.
fn described(number: u16, address: &str, sequence: u64, bits: u32) -> Signed<Descriptor> {
    let network = NetworkId::ZERO;
    let mut nonces = (0..).map(Stamp::new);
    let stamp = nonces.find(|it| it.bits(network, id(number)) == bits);
    let descriptor = Descriptor {
        network,
        sequence: Sequence::new(sequence),
        valid_from: NOW,
        valid_until: Timestamp::new(NOW.get() + 3600),
        addresses: vec![address.to_owned()],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: String::new(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: stamp.expect("there is always another"),
        shards: nonos_types::Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    };
    Signed::new(descriptor, &key(number))
}

fn node(number: u16, bits: u32) -> Signed<Descriptor> {
    described(number, &format!("/ip4/8.8.{number}.1/tcp/1"), 1, bits)
}

#[test]
fn the_newest_counts_and_two_with_one_number_are_told_apart() {
    let mut directory = Directory::new(limits());
    let first = described(1, "/ip4/8.8.8.8/tcp/1", 5, 1);
    let other = described(1, "/ip4/8.8.8.9/tcp/1", 5, 1);
    let older = described(1, "/ip4/8.8.8.9/tcp/1", 4, 1);
    let newer = described(1, "/ip4/8.8.8.9/tcp/1", 6, 1);
    assert_eq!(directory.learn(&first, None, NOW), Standing::New);
    assert_eq!(directory.learn(&first, None, NOW), Standing::Known);
    assert_eq!(directory.learn(&other, None, NOW), Standing::Equivocates);
    assert_eq!(directory.get(id(1)), Some(&first), "what is there stays");
    assert_eq!(directory.learn(&older, None, NOW), Standing::Old);
    assert_eq!(directory.judge(&newer, NOW), Standing::Newer);
    assert_eq!(directory.get(id(1)), Some(&first), "it was only judged");
    assert_eq!(directory.learn(&newer, None, NOW), Standing::Newer);
    assert_eq!((directory.get(id(1)), directory.len()), (Some(&newer), 1));
}

#[test]
fn what_was_said_before_is_told_apart_from_what_is_said_under_the_same_number_now() {
    let mut directory = Directory::new(limits());
    let said = |sequence, port| described(1, &format!("/ip4/8.8.8.8/tcp/{port}"), sequence, 1);
    for sequence in 1..=6 {
        assert_eq!(directory.twin(&said(sequence, 1)), None);
        directory.learn(&said(sequence, 1), None, NOW);
    }
    for (sequence, standing) in [
        (6, Standing::Known),
        (5, Standing::Old),
        (2, Standing::Old),
        (1, Standing::Old),
    ] {
        assert_eq!(directory.judge(&said(sequence, 1), NOW), standing, "{sequence}");
        assert_eq!(directory.twin(&said(sequence, 1)), None);
    }
    for sequence in 2..=6 {
        assert_eq!(
            directory.learn(&said(sequence, 2), None, NOW),
            Standing::Equivocates
        );
        assert_eq!(directory.twin(&said(sequence, 2)), Some(said(sequence, 1).id()));
    }
    assert_eq!(
        directory.judge(&said(1, 2), NOW),
        Standing::Old,
        "that is long ago"
    );
    assert_eq!(directory.get(id(1)), Some(&said(6, 1)), "what is there stays");
}

#[test]
fn what_is_over_is_not_taken_and_goes() {
    let mut directory = Directory::new(limits());
    let late = Timestamp::new(NOW.get() + 3601);
    assert_eq!(directory.learn(&node(1, 1), None, late), Standing::Expired);
    for number in [1, 2] {
        directory.learn(&node(number, 1), None, NOW);
    }
    directory.expire(id(2), Timestamp::new(NOW.get() + 3600));
    assert_eq!(directory.len(), 2);
    directory.expire(id(2), late);
    let left: Vec<_> = directory.iter().map(|it| it.signer()).collect();
    assert_eq!(left, [id(2)], "its own stays");
}

#[test]
fn work_is_wanted_but_not_of_those_who_are_kept() {
    let mut directory = Directory::new(DirectoryLimits {
        stamp_bits: 4,
        ..limits()
    });
    assert_eq!(
        directory.learn(&node(1, 3), None, NOW),
        Standing::TooLittleWork { bits: 3 }
    );
    assert_eq!(directory.learn(&node(2, 4), None, NOW), Standing::New);
    directory.keep(id(1), true);
    assert_eq!(directory.learn(&node(1, 3), None, NOW), Standing::New);
}

#[test]
fn whoever_floods_it_drives_out_nobody_who_worked_as_much() {
    let mut directory = Directory::new(limits());
    let later = Timestamp::new(NOW.get() + 1);
    for (number, at) in [(1, NOW), (2, later), (3, NOW), (4, NOW)] {
        assert_eq!(directory.learn(&node(number, 2), None, at), Standing::New);
    }
    for number in 5..50 {
        assert_eq!(directory.learn(&node(number, 2), None, later), Standing::Full);
    }
    let newer = described(1, "/ip4/8.8.1.1/tcp/1", 2, 2);
    assert_eq!(
        directory.learn(&newer, None, later),
        Standing::Newer,
        "room is needed for the new only"
    );
    // Who worked more takes the place of the last of those who worked least.
    assert_eq!(directory.learn(&node(60, 3), None, later), Standing::New);
    assert_eq!(directory.len(), 4);
    assert!(directory.get(id(60)).is_some() && directory.get(id(2)).is_none());
}

#[test]
fn who_is_kept_never_gives_way_and_always_finds_room() {
    let mut directory = Directory::new(limits());
    for number in 1..=4 {
        directory.keep(id(number), number != 3);
        directory.learn(&node(number, 0), None, NOW);
    }
    assert_eq!(directory.learn(&node(5, 1), None, NOW), Standing::New);
    assert!(directory.get(id(3)).is_none(), "the only one that may");
    directory.keep(id(5), true);
    assert_eq!(directory.learn(&node(6, 9), None, NOW), Standing::Full);
    directory.keep(id(1), false);
    directory.keep(id(7), true);
    assert_eq!(directory.learn(&node(7, 0), None, NOW), Standing::New);
    assert!(directory.get(id(1)).is_none());
}

#[test]
fn one_place_holds_only_so_many() {
    let mut directory = Directory::new(limits());
    let at = |number: u16, ip: &str, bits| described(number, ip, 1, bits);
    assert_eq!(
        directory.learn(&at(1, "/ip4/8.8.8.1/tcp/1", 1), None, NOW),
        Standing::New
    );
    assert_eq!(
        directory.learn(&at(2, "/ip4/8.8.8.2/tcp/1", 1), None, NOW),
        Standing::New
    );
    assert_eq!(
        directory.learn(&at(3, "/ip4/8.8.8.3/tcp/1", 1), None, NOW),
        Standing::PrefixFull
    );
    assert_eq!(
        directory.learn(&at(3, "/ip4/8.8.9.3/tcp/1", 1), None, NOW),
        Standing::New
    );
    // It cannot move in either, unless it worked more; then one of those there gives way.
    let moved = described(3, "/ip4/8.8.8.3/tcp/1", 2, 1);
    assert_eq!(directory.learn(&moved, None, NOW), Standing::PrefixFull);
    let moved = described(3, "/ip4/8.8.8.3/tcp/1", 2, 2);
    assert_eq!(directory.learn(&moved, None, NOW), Standing::Newer);
    assert_eq!(directory.len(), 2);
    // Where it was there is room again.
    assert_eq!(
        directory.learn(&at(4, "/ip4/8.8.9.4/tcp/1", 1), None, NOW),
        Standing::New
    );
    assert_eq!(
        directory.learn(&at(5, "/ip4/8.8.9.5/tcp/1", 1), None, NOW),
        Standing::New
    );
}

#[test]
fn private_addresses_count_unless_all_are_in_one_house() {
    for (address, private) in [
        ("/ip4/127.0.0.1/tcp/1", true),
        ("/ip4/10.1.2.3/udp/1/quic-v1", true),
        ("/ip4/192.168.7.7/tcp/1", true),
        ("/ip4/169.254.1.1/tcp/1", true),
        ("/ip6/::1/tcp/1", true),
        ("/ip6/fd00::1/tcp/1", true),
        ("/ip6/fe80::1/tcp/1", true),
        ("/ip4/8.8.8.8/tcp/1", false),
        ("/ip4/172.32.0.1/tcp/1", false),
        ("/ip6/2001:db8::1/tcp/1", false),
        ("/dns/example.org/tcp/1", false),
    ] {
        for private_prefixes in [false, true] {
            let mut directory = Directory::new(DirectoryLimits {
                private_prefixes,
                ..limits()
            });
            for number in 1..=3 {
                directory.learn(&described(number, address, 1, 1), None, NOW);
            }
            let expected = if private && !private_prefixes { 3 } else { 2 };
            assert_eq!(directory.len(), expected, "{address} {private_prefixes}");
        }
    }
}

/// Scenario 6: of 200 names on one host and 20 nodes elsewhere, at most 30 % of the directory are of the host.
#[test]
fn two_hundred_names_on_one_host_are_not_a_third_of_the_directory() {
    let mut directory = Directory::new(DirectoryLimits {
        stamp_bits: 0,
        ..DirectoryLimits::default()
    });
    for number in 0..200 {
        let address = format!("/ip4/9.9.9.9/tcp/{}", 1000 + number);
        directory.learn(&described(number, &address, 1, 0), None, NOW);
    }
    for number in 200..220 {
        directory.learn(&node(number, 0), None, NOW);
    }
    let of_host = directory
        .iter()
        .filter(|it| Prefix::of(it) == Prefix::V4([9, 9, 9]))
        .count();
    assert_eq!((of_host, directory.len()), (8, 28), "29 %");
}

#[test]
fn remembers_who_showed_a_node_and_since_when_it_is_there() {
    let mut directory = Directory::new(limits());
    let later = Timestamp::new(NOW.get() + 60);
    let shown_by = |directory: &Directory| directory.seen(id(1)).expect("listed").shown_by().count();
    directory.learn(&node(1, 1), None, NOW);
    for neighbour in 1..=20 {
        directory.learn(&node(1, 1), Some(id(neighbour)), later);
    }
    assert_eq!(shown_by(&directory), Seen::NEIGHBOURS);
    let newer = described(1, "/ip4/8.8.1.1/tcp/2", 2, 1);
    directory.learn(&newer, None, later);
    assert_eq!(directory.since(id(1)), Some(NOW));
    assert_eq!(shown_by(&directory), Seen::NEIGHBOURS);
    let seen = directory.seen(id(1)).expect("listed");
    assert_eq!(seen.introducer(), Some(id(1)));
    // One that is refused is nobody's to show.
    let before = seen.clone();
    directory.learn(&node(1, 1), Some(id(30)), later);
    assert_eq!(directory.seen(id(1)), Some(&before));
}

/// What a descriptor says of its own age counts for nothing, nor does a sequence.
#[test]
fn nobody_makes_himself_older() {
    let mut directory = Directory::new(limits());
    let early = Descriptor {
        valid_from: Timestamp::new(NOW.get() - 80_000),
        ..node(1, 1).value().clone()
    };
    let early = Signed::new(early, &key(1));
    directory.learn(&early, Some(id(1)), NOW);
    assert_eq!(directory.since(id(1)), Some(NOW));
}

#[test]
fn what_was_known_of_a_node_counts_for_it_alone_and_only_if_it_is_listed_in_time() {
    let mut directory = Directory::new(limits());
    let mut seen = Seen::at(Timestamp::new(NOW.get() - 4000));
    seen.by(id(8));
    seen.by(id(9));
    for number in 1..=9 {
        directory.remember(id(number), seen.clone());
    }
    assert_eq!(directory.remembered.len(), limits().most);
    directory.learn(&node(1, 1), Some(id(3)), NOW);
    assert_eq!(directory.since(id(1)), Some(Timestamp::new(NOW.get() - 4000)));
    assert_eq!(directory.seen(id(1)).and_then(Seen::introducer), Some(id(8)));
    directory.forget();
    directory.learn(&node(2, 1), None, NOW);
    assert_eq!(directory.since(id(2)), Some(NOW), "who came too late comes anew");
    // Who is listed again after a gap is new, too.
    directory.expire(id(7), Timestamp::new(NOW.get() + 3601));
    directory.remember(id(1), seen.clone());
    directory.forget();
    directory.learn(&described(1, "/ip4/8.8.8.8/tcp/1", 3, 1), None, NOW);
    assert_eq!(directory.since(id(1)), Some(NOW));
}

#[test]
fn says_what_to_keep_and_what_no_longer() {
    let mut directory = Directory::new(limits());
    directory.learn(&node(1, 1), Some(id(8)), NOW);
    let [(node_1, Some(seen))] = &directory.take_changed()[..] else {
        panic!("one node")
    };
    assert_eq!((*node_1, seen.introducer()), (id(1), Some(id(8))));
    assert_eq!(directory.take_changed(), []);
    directory.learn(&node(1, 1), Some(id(8)), NOW);
    assert_eq!(directory.take_changed(), [], "known already");
    directory.learn(&node(1, 1), Some(id(9)), NOW);
    assert!(matches!(&directory.take_changed()[..], [(_, Some(seen))] if seen.is_confirmed()));
    directory.expire(id(7), Timestamp::new(NOW.get() + 3601));
    assert_eq!(directory.take_changed(), [(id(1), None)]);
    directory.remember(id(2), Seen::at(NOW));
    directory.forget();
    assert_eq!(directory.take_changed(), [(id(2), None)]);
}
