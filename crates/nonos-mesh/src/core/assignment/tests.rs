use super::*;

fn node(number: u8) -> NodeId {
    NodeId::from_bytes([number; 32])
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn run(count: usize, helpers: &[u8]) -> Assignment {
    let mut run = Assignment::new(vec![true; count], Patience::default());
    run.set_helpers(helpers.iter().map(|it| node(*it)));
    run
}

/// The segment that a helper was given.
fn given(steps: &[Step], to: u8) -> Option<u32> {
    steps.iter().find_map(|it| match it {
        Step::Give { helper, index, .. } if *helper == node(to) => Some(*index),
        _ => None,
    })
}

#[test]
fn without_helpers_everything_is_proved_here_one_after_the_other() {
    let mut run = run(3, &[]);
    for index in 0..3 {
        assert_eq!(run.steps(at(0)), [Step::Prove { index }]);
        assert_eq!(run.steps(at(0)), [], "one at a time");
        assert!(run.proved(index, at(1)));
    }
    assert!(run.is_finished());
    assert!(run.owed().is_empty());
}

#[test]
fn each_helper_has_one_segment_and_none_is_given_twice() {
    let mut run = run(4, &[1, 2]);
    let steps = run.steps(at(0));
    assert_eq!(steps[0], Step::Prove { index: 0 });
    assert_eq!((given(&steps, 1), given(&steps, 2)), (Some(1), Some(2)));
    assert_eq!(run.steps(at(0)), []);
    run.said(node(1), 1, Said::Accepted, at(0));
    assert_eq!(run.steps(at(0)), []);
    let poll = Step::Poll {
        helper: node(1),
        index: 1,
    };
    assert_eq!(run.steps(at(1)), [poll]);
}

#[test]
fn what_may_not_be_given_away_is_proved_here_first() {
    let mut run = Assignment::new([true, true, false], Patience::default());
    run.set_helpers([node(1), node(2), node(3)]);
    let steps = run.steps(at(0));
    assert_eq!(steps[0], Step::Prove { index: 2 });
    assert_eq!((given(&steps, 1), given(&steps, 2)), (Some(0), Some(1)));
    assert_eq!(given(&steps, 3), None);
}

#[test]
fn a_bad_proof_costs_the_rest_of_the_run_and_its_segment_is_given_to_another() {
    let mut run = run(4, &[1]);
    run.steps(at(0));
    run.said(node(1), 1, Said::Proved, at(0));
    run.steps(at(0));
    assert!(!run.checked(node(1), 1, Found::Bad, at(0)));
    run.set_helpers([node(1), node(2)]);
    let steps = run.steps(at(0));
    assert_eq!((given(&steps, 1), given(&steps, 2)), (None, Some(1)));
    assert!(run.owed().is_empty());
}

#[test]
fn a_late_segment_is_given_to_another_and_its_helper_gets_no_other() {
    let mut run = run(3, &[1]);
    run.steps(at(0));
    run.said(node(1), 1, Said::Accepted, at(0));
    run.set_helpers([node(1), node(2)]);
    let steps = run.steps(at(1));
    assert_eq!(given(&steps, 2), Some(2), "segment 1 is not free");
    run.said(node(2), 2, Said::Busy, at(1));
    let late = Step::Late {
        helper: node(1),
        index: 1,
    };
    assert!(!run.steps(at(599)).contains(&late));
    let steps = run.steps(at(600));
    assert!(steps.contains(&late), "{steps:?}");
    assert_eq!(given(&steps, 1), None);
    assert!(!run.steps(at(601)).contains(&late), "once");
}

#[test]
fn one_that_was_late_twice_gets_no_more() {
    let mut run = run(9, &[1]);
    let mut now = 0;
    for (here, index) in [(0, 1), (2, 3)] {
        let steps = run.steps(at(now));
        assert_eq!(steps[0], Step::Prove { index: here });
        assert_eq!(given(&steps, 1), Some(index));
        run.said(node(1), index, Said::Accepted, at(now));
        now += 600;
        run.steps(at(now));
        run.proved(here, at(now));
        // Here it is proved at last, and nobody waits for it.
        assert!(run.steps(at(now)).contains(&Step::Prove { index }));
        run.said(node(1), index, Said::Nothing, at(now));
        run.proved(index, at(now));
    }
    assert_eq!(given(&run.steps(at(now + 1)), 1), None);
}

#[test]
fn what_comes_late_is_used_while_it_is_wanted_and_then_not_proved_again() {
    let mut run = run(3, &[1]);
    run.steps(at(0));
    run.said(node(1), 1, Said::Accepted, at(0));
    run.proved(0, at(1));
    run.steps(at(1));
    run.proved(2, at(2));
    run.steps(at(600));
    run.said(node(1), 1, Said::Proved, at(601));
    assert_eq!(run.here.map(|(index, _)| index), Some(1), "it was late");
    run.steps(at(601));
    assert!(run.checked(node(1), 1, Found::Good, at(602)));
    assert!(!run.proved(1, at(603)), "used once");
    assert_eq!(run.owed(), BTreeMap::from([(node(1), 1)]));
}

#[test]
fn what_comes_after_another_was_used_is_not_owed_for() {
    let mut run = run(2, &[1]);
    run.steps(at(0));
    run.said(node(1), 1, Said::Accepted, at(0));
    run.proved(0, at(1));
    run.steps(at(600));
    run.said(node(1), 1, Said::Proved, at(600));
    run.steps(at(600));
    assert!(run.proved(1, at(601)));
    assert!(!run.checked(node(1), 1, Found::Good, at(602)));
    assert!(run.owed().is_empty());
}

#[test]
fn one_that_is_gone_holds_nothing_up_and_may_come_back_with_what_it_has() {
    let mut run = run(3, &[1]);
    run.steps(at(0));
    run.said(node(1), 1, Said::Accepted, at(0));
    run.set_helpers([node(2)]);
    assert_eq!(given(&run.steps(at(2)), 2), Some(1));
    run.said(node(2), 1, Said::Accepted, at(2));
    run.set_helpers([node(1), node(2)]);
    assert!(run.steps(at(3)).contains(&Step::Poll {
        helper: node(1),
        index: 1
    }));
    run.said(node(1), 1, Said::Proved, at(3));
    run.steps(at(3));
    assert!(run.checked(node(1), 1, Found::Good, at(3)));
    assert_eq!(run.by(1), Some(By::Helper(node(1))));
}

#[test]
fn one_that_is_busy_is_asked_ever_more_seldom_and_one_that_declines_never() {
    let mut run = run(9, &[1, 2]);
    let (mut now, mut waits) = (0, vec![]);
    let index = given(&run.steps(at(0)), 2).expect("asked");
    run.said(node(2), index, Said::Declined, at(0));
    run.said(node(1), 1, Said::Busy, at(0));
    for second in 0..400 {
        let steps = run.steps(at(second));
        assert_eq!(given(&steps, 2), None);
        if let Some(index) = given(&steps, 1) {
            run.said(node(1), index, Said::Busy, at(second));
            waits.push(second - now);
            now = second;
        }
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160]);
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let mut run = run(3, &[1]);
    run.steps(at(0));
    assert!(!run.checked(node(1), 1, Found::Good, at(0)), "not being checked");
    assert!(!run.checked(node(7), 2, Found::Good, at(0)), "never asked");
    run.said(node(1), 2, Said::Proved, at(0));
    run.said(node(1), 9, Said::Proved, at(0));
    run.said(node(7), 1, Said::Proved, at(0));
    assert_eq!(run.steps(at(0)), []);
    assert!(!run.proved(99, at(0)));
    assert_eq!(run.done(), 0);
}

#[test]
fn helpers_have_a_few_times_as_long_as_this_node_takes() {
    let deadline = |took| {
        let mut run = run(9, &[]);
        run.steps(at(0));
        run.proved(0, at(took));
        run.set_helpers([node(1)]);
        run.steps(at(took)).iter().find_map(|it| match it {
            Step::Give { deadline, .. } => Some(deadline.as_secs() - took),
            _ => None,
        })
    };
    assert_eq!(deadline(1), Some(60));
    assert_eq!(deadline(20), Some(120));
    assert_eq!(deadline(500), Some(600));
}

#[test]
fn what_was_given_before_anyone_knew_how_long_it_takes_is_not_waited_for_idly() {
    let mut run = run(2, &[1]);
    let steps = run.steps(at(0));
    let told = Step::Give {
        helper: node(1),
        index: 1,
        deadline: at(600),
    };
    assert!(steps.contains(&told));
    run.said(node(1), 1, Said::Accepted, at(0));
    run.proved(0, at(5));
    let here = Step::Prove { index: 1 };
    assert!(!run.steps(at(59)).contains(&here));
    run.said(node(1), 1, Said::Accepted, at(59));
    let steps = run.steps(at(60));
    assert!(steps.contains(&here), "{steps:?}");
    let late = |steps: &[Step]| steps.iter().any(|it| matches!(it, Step::Late { .. }));
    assert!(!late(&steps), "it has until 600");
    assert!(late(&run.steps(at(600))));
}

/// How a simulated helper behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conduct {
    Honest {
        takes: u64,
    },
    Refuses(Said),
    /// It takes things on and is gone at that second.
    Dies {
        at: u64,
    },
    Lies {
        takes: u64,
    },
    Silent,
    /// There half of the time.
    Flaps {
        takes: u64,
    },
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A run with helpers of all kinds, in virtual time; returns how many seconds it took.
fn simulate(seed: u64) -> u64 {
    let mut random = Random(seed);
    let count = 3 + random.below(40) as usize;
    let own = 1 + random.below(60);
    let helpers: Vec<(NodeId, Conduct)> = (0..random.below(9))
        .map(|number| {
            let takes = 1 + random.below(900);
            let conduct = match random.below(7) {
                0 | 1 => Conduct::Honest { takes },
                2 => Conduct::Refuses([Said::Busy, Said::Declined, Said::Nothing][random.below(3) as usize]),
                3 => Conduct::Dies {
                    at: random.below(300),
                },
                4 => Conduct::Lies { takes },
                5 => Conduct::Flaps { takes },
                _ => Conduct::Silent,
            };
            (node(number as u8 + 1), conduct)
        })
        .collect();
    let mut run = Assignment::new((0..count).map(|_| random.below(10) > 0), Patience::default());
    // What each is at, and when it is done with it.
    let mut here: Option<(u32, u64)> = None;
    let mut at_work: BTreeMap<(NodeId, u32), u64> = BTreeMap::new();
    let mut used: BTreeMap<u32, By> = BTreeMap::new();
    let limit = count as u64 * (own + 1) + 1300;
    for second in 0..=limit {
        let now = at(second);
        let is_there = |conduct: &Conduct| match conduct {
            Conduct::Dies { at } => second < *at,
            Conduct::Flaps { .. } => (second / 50).is_multiple_of(2),
            _ => true,
        };
        run.set_helpers(helpers.iter().filter(|(_, it)| is_there(it)).map(|(id, _)| *id));
        if let Some((index, due)) = here
            && second >= due
        {
            here = None;
            if run.proved(index, now) {
                assert_eq!(used.insert(index, By::Own), None, "seed {seed}");
            }
        }
        loop {
            let steps = run.steps(now);
            if steps.is_empty() {
                break;
            }
            for step in steps {
                match step {
                    Step::Prove { index } => {
                        assert_eq!(here, None, "seed {seed}: one at a time");
                        assert_eq!(used.get(&index), None, "seed {seed}: not again");
                        here = Some((index, second + own));
                    }
                    Step::Give { helper, index, .. } | Step::Poll { helper, index } => {
                        let (_, conduct) = helpers.iter().find(|(id, _)| *id == helper).expect("known");
                        let takes = match conduct {
                            Conduct::Honest { takes }
                            | Conduct::Lies { takes }
                            | Conduct::Flaps { takes } => *takes,
                            _ => u64::MAX,
                        };
                        let due = *at_work
                            .entry((helper, index))
                            .or_insert(second.saturating_add(takes));
                        let said = match conduct {
                            Conduct::Refuses(said) => *said,
                            Conduct::Silent if second > 30 => Said::Nothing,
                            _ if second >= due => Said::Proved,
                            _ => Said::Accepted,
                        };
                        run.said(helper, index, said, now);
                    }
                    Step::Check { helper, index } => {
                        let (_, conduct) = helpers.iter().find(|(id, _)| *id == helper).expect("known");
                        let found = match conduct {
                            Conduct::Lies { .. } => Found::Bad,
                            _ if random.below(5) == 0 => Found::Missing,
                            _ => Found::Good,
                        };
                        if run.checked(helper, index, found, now) {
                            assert_eq!(found, Found::Good, "seed {seed}");
                            assert_eq!(used.insert(index, By::Helper(helper)), None, "seed {seed}");
                        }
                    }
                    Step::Late { helper, .. } => {
                        let (_, conduct) = helpers.iter().find(|(id, _)| *id == helper).expect("known");
                        assert!(
                            !matches!(conduct, Conduct::Refuses(_)),
                            "seed {seed}: it took nothing on"
                        );
                    }
                }
            }
        }
        if run.is_finished() {
            // Each was used once, and each is owed for to whom it is of.
            assert_eq!(used.len(), count, "seed {seed}");
            for (index, by) in &used {
                assert_eq!(run.by(*index), Some(*by), "seed {seed}");
            }
            let mut owed: BTreeMap<NodeId, u32> = BTreeMap::new();
            for by in used.values() {
                if let By::Helper(helper) = by {
                    *owed.entry(*helper).or_default() += 1;
                }
            }
            assert_eq!(run.owed(), owed, "seed {seed}");
            assert!(run.helpers.len() <= helpers.len());
            return second;
        }
    }
    panic!("seed {seed}: not finished after {limit} seconds, which this node alone would not need");
}

#[test]
fn whatever_helpers_do_no_segment_is_lost_or_owed_for_twice() {
    let mut longest = 0;
    for seed in 0..500 {
        longest = longest.max(simulate(seed));
    }
    assert!(longest > 0);
}

#[test]
fn helpers_make_it_quicker() {
    let time = |helpers: &[u8]| {
        let mut run = run(40, helpers);
        let mut at_work: Vec<(NodeId, u32, u64)> = vec![];
        let mut here = None;
        for second in 0.. {
            let now = at(second);
            if let Some((index, due)) = here
                && due <= second
            {
                here = None;
                run.proved(index, now);
            }
            for step in run.steps(now) {
                match step {
                    Step::Prove { index } => here = Some((index, second + 10)),
                    Step::Give { helper, index, .. } => {
                        at_work.push((helper, index, second + 10));
                        run.said(helper, index, Said::Accepted, now);
                    }
                    Step::Poll { helper, index } => {
                        let done = at_work
                            .iter()
                            .any(|it| (it.0, it.1) == (helper, index) && it.2 <= second);
                        run.said(
                            helper,
                            index,
                            if done { Said::Proved } else { Said::Accepted },
                            now,
                        );
                    }
                    Step::Check { helper, index } => drop(run.checked(helper, index, Found::Good, now)),
                    Step::Late { .. } => panic!("nobody is late"),
                }
            }
            if run.is_finished() {
                return second;
            }
        }
        unreachable!("it ends")
    };
    let (alone, four) = (time(&[]), time(&[1, 2, 3]));
    assert!(four * 3 < alone, "{alone} s alone, {four} s with three helpers");
}
