//! The closure of a dependency map, over maps that no hash would allow.

use std::collections::{BTreeMap, BTreeSet};

use nonos_package::dependencies::{Error, MAX_BYTES, MAX_COUNT, MAX_DEPTH, Walk, closure};
use nonos_types::{ByteLen, CapsuleHash};

fn name(number: u32) -> CapsuleHash {
    CapsuleHash::hash(&[&number.to_be_bytes()])
}

fn names(numbers: &[u32]) -> Vec<CapsuleHash> {
    numbers.iter().copied().map(name).collect()
}

type Maps = BTreeMap<CapsuleHash, Vec<CapsuleHash>>;

fn maps(maps: &[(u32, &[u32])]) -> Maps {
    maps.iter().map(|(of, needs)| (name(*of), names(needs))).collect()
}

/// What 0 needs; what no map is of needs nothing.
fn of_zero(maps: &Maps) -> Result<Vec<CapsuleHash>, Error> {
    let needs = |of| maps.get(&of).cloned().unwrap_or_default();
    closure(name(0), &needs(name(0)), |of| Some((needs(of), ByteLen::new(1))))
}

#[test]
fn each_is_behind_what_it_needs_and_comes_once() {
    let maps = maps(&[(0, &[1, 2]), (1, &[3]), (2, &[3, 4]), (4, &[3])]);
    assert_eq!(of_zero(&maps), Ok(names(&[3, 1, 4, 2])));
    assert_eq!(of_zero(&Maps::new()), Ok(vec![]));
}

#[test]
fn asks_for_each_once_and_for_the_same_until_it_is_told() {
    let mut asked = Vec::new();
    let maps = maps(&[(1, &[3]), (2, &[3])]);
    let found = closure(name(0), &names(&[1, 2, 3]), |of| {
        asked.push(of);
        Some((maps.get(&of).cloned().unwrap_or_default(), ByteLen::new(1)))
    });
    assert_eq!(found.unwrap().len(), 3);
    assert_eq!(asked, names(&[1, 3, 2]));
    let mut walk = Walk::new(name(0), &names(&[1])).unwrap();
    assert_eq!(walk.next(), Ok(Some(name(1))));
    assert_eq!(walk.next(), Ok(Some(name(1))));
}

#[test]
fn refuses_a_cycle_by_its_members() {
    let cycle = |capsules: &[u32]| {
        Err(Error::Cycle {
            capsules: names(capsules),
        })
    };
    assert_eq!(of_zero(&maps(&[(0, &[0])])), cycle(&[0, 0]), "of itself");
    assert_eq!(of_zero(&maps(&[(0, &[1]), (1, &[0])])), cycle(&[0, 1, 0]));
    let tail = maps(&[(0, &[9, 1]), (1, &[2]), (2, &[3]), (3, &[9, 1])]);
    assert_eq!(
        of_zero(&tail),
        cycle(&[1, 2, 3, 1]),
        "not by what only leads there"
    );
    let text = of_zero(&tail).unwrap_err().to_string();
    assert!(
        text.ends_with(&format!("{}, {}, {}, {}", name(1), name(2), name(3), name(1))),
        "{text}"
    );
}

#[test]
fn names_what_is_missing_and_what_needs_it() {
    let maps = maps(&[(1, &[2])]);
    let found = closure(name(0), &names(&[1]), |of| {
        Some((maps.get(&of).cloned()?, ByteLen::new(1)))
    });
    let (capsule, by) = (name(2), name(1));
    assert_eq!(found, Err(Error::Missing { capsule, by }));
    assert!(found.unwrap_err().to_string().contains(&capsule.to_string()));
}

#[test]
fn has_64_capsules_at_most_however_they_are_needed() {
    let many: Vec<u32> = (1..=64).collect();
    assert_eq!(of_zero(&maps(&[(0, &many)])).unwrap().len(), MAX_COUNT);
    let too_many = Err(Error::TooMany { limit: MAX_COUNT });
    let more: Vec<u32> = (1..=65).collect();
    assert_eq!(of_zero(&maps(&[(0, &more)])), too_many, "directly");
    assert_eq!(
        of_zero(&maps(&[(0, &many), (64, &[65])])),
        too_many,
        "by what it needs"
    );
    assert!(
        of_zero(&maps(&[(0, &many), (64, &[1, 2, 3])])).is_ok(),
        "known ones"
    );
}

#[test]
fn nothing_is_asked_for_of_a_map_that_is_too_long() {
    let many: Vec<CapsuleHash> = (1..=65).map(name).collect();
    let mut asked = 0;
    let found = closure(name(0), &[name(1)], |_| {
        asked += 1;
        Some((many.clone(), ByteLen::new(1)))
    });
    assert_eq!(found, Err(Error::TooMany { limit: MAX_COUNT }));
    assert_eq!(asked, 1);
}

/// 1 needs 2 needs 3 …
fn chain(len: u32) -> Maps {
    (1..len).map(|it| (name(it), names(&[it + 1]))).collect()
}

#[test]
fn is_16_steps_deep_at_most_whichever_way_is_gone_first() {
    let with = |mut maps: Maps, needs: &[u32]| {
        maps.insert(name(0), names(needs));
        of_zero(&maps)
    };
    assert_eq!(with(chain(16), &[1]).unwrap().len(), MAX_DEPTH);
    let too_deep = |capsule| {
        Err(Error::TooDeep {
            capsule: name(capsule),
            limit: MAX_DEPTH,
        })
    };
    assert_eq!(with(chain(17), &[1]), too_deep(17));
    // From 100 it is two steps more to a chain of fifteen, whether that was seen before or not.
    let mut maps = chain(15);
    maps.insert(name(100), names(&[101]));
    maps.insert(name(101), names(&[1]));
    assert_eq!(with(maps.clone(), &[1, 100]), too_deep(1));
    assert_eq!(with(maps.clone(), &[100, 1]), too_deep(15));
    maps.insert(name(100), names(&[1]));
    assert!(with(maps, &[1, 100]).is_ok());
}

#[test]
fn has_64_mebibytes_at_most() {
    let of_len = |len: u64| {
        closure(name(0), &names(&[1, 2]), |of| {
            let len = if of == name(1) {
                ByteLen::new(1)
            } else {
                ByteLen::new(len)
            };
            Some((vec![], len))
        })
    };
    assert!(of_len(MAX_BYTES.get() - 1).is_ok());
    let too_long = Err(Error::TooLong { limit: MAX_BYTES });
    assert_eq!(of_len(MAX_BYTES.get()), too_long);
    assert_eq!(of_len(u64::MAX), too_long);
}

/// Against a walk in breadth that knows no order, on graphs made by a seed.
#[test]
fn finds_what_can_be_reached_and_nothing_else() {
    let mut seed = 7_u64;
    let mut random = move |below: u32| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) as u32) % below
    };
    let mut cycles = 0;
    for _ in 0..300 {
        let mut graph: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for _ in 0..random(20) {
            graph.entry(random(12)).or_default().insert(random(12));
        }
        let mut reached = BTreeSet::new();
        let mut next: Vec<u32> = graph.get(&0).into_iter().flatten().copied().collect();
        while let Some(it) = next.pop() {
            if reached.insert(it) {
                next.extend(graph.get(&it).into_iter().flatten());
            }
        }
        // What can be reached has a cycle if it cannot all be taken away, always something that needs nothing.
        let mut left: BTreeSet<u32> = reached.clone();
        left.insert(0);
        loop {
            let free: Vec<u32> = left
                .iter()
                .copied()
                .filter(|it| graph.get(it).is_none_or(|needs| needs.is_disjoint(&left)))
                .collect();
            if free.is_empty() {
                break;
            }
            left.retain(|it| !free.contains(it));
        }
        let maps: Maps = graph
            .iter()
            .map(|(of, needs)| (name(*of), needs.iter().copied().map(name).collect()))
            .collect();
        match of_zero(&maps) {
            Ok(order) => {
                assert!(left.is_empty(), "{graph:?}");
                let expected: BTreeSet<CapsuleHash> = reached.iter().copied().map(name).collect();
                assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), expected);
                assert_eq!(order.len(), expected.len());
                for (at, it) in order.iter().enumerate() {
                    let needs = maps.get(it).into_iter().flatten();
                    assert!(needs.into_iter().all(|need| order[..at].contains(need)));
                }
            }
            Err(Error::Cycle { capsules }) => {
                cycles += 1;
                assert!(!left.is_empty(), "{graph:?}");
                assert_eq!(capsules.first(), capsules.last());
                assert!(capsules.windows(2).all(|it| maps[&it[0]].contains(&it[1])));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!((50..250).contains(&cycles), "{cycles}");
}
