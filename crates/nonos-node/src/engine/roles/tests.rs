use proptest::prelude::*;

use super::*;

const START: u64 = 1_800_000_000;
const NEVER: [u64; 0] = [];

fn at(millis: u64) -> Moment {
    Moment {
        time: Timestamp::new(START + millis / 1000),
        millis,
    }
}

/// A machine that is idle.
fn idle() -> Inputs {
    Inputs {
        cores: 2000,
        memory: 8 << 30,
        storage: 100 << 30,
        ..Inputs::default()
    }
}

fn overloaded() -> Inputs {
    Inputs {
        load: Load {
            cpu: 100_000,
            ..Load::default()
        },
        executors: 3,
        ..idle()
    }
}

fn auto() -> Roles {
    Roles::new(Pins::default(), &idle(), at(0))
}

/// Seconds after which the executor's role was found to have changed, the inputs of each second being these.
fn changes(roles: &mut Roles, seconds: std::ops::Range<u64>, inputs: &Inputs) -> Vec<u64> {
    let mut before = roles.is_on(Role::Executor);
    let mut changes = vec![];
    for second in seconds {
        if second % 30 == 0 {
            // What has lasted.
            for _ in 0..20 {
                roles.measure(inputs.load);
            }
        }
        roles.evaluate(inputs, at(second * 1000));
        if roles.is_on(Role::Executor) != before {
            before = !before;
            changes.push(second);
        }
    }
    changes
}

#[test]
fn an_idle_node_takes_every_role_at_once() {
    let roles = auto();
    assert_eq!(roles.set(), Role::ALL.into_iter().collect());
    assert_eq!(roles.state(Role::Executor).since, Timestamp::new(START));
}

#[test]
fn an_overloaded_executor_stops_after_half_a_minute_and_starts_two_minutes_after_it_is_over() {
    let mut roles = auto();
    assert_eq!(changes(&mut roles, 0..600, &idle()), NEVER);
    assert_eq!(changes(&mut roles, 600..1200, &overloaded()), [630]);
    assert_eq!(roles.state(Role::Executor).why, Why::Failed(Subject::Cpu));
    assert_eq!(roles.state(Role::Executor).since, Timestamp::new(START + 630));
    assert_eq!(changes(&mut roles, 1200..2000, &idle()), [1320]);
}

#[test]
fn a_change_stands_for_five_minutes() {
    let mut roles = auto();
    assert_eq!(changes(&mut roles, 0..300, &overloaded()), NEVER);
    assert_eq!(changes(&mut roles, 300..310, &overloaded()), [300]);
    assert_eq!(changes(&mut roles, 310..1000, &idle()), [600]);
}

#[test]
fn a_load_that_comes_and_goes_changes_nothing() {
    let mut roles = auto();
    for minute in 10..40 {
        let from = minute * 60;
        assert_eq!(changes(&mut roles, from..from + 29, &overloaded()), NEVER);
        assert_eq!(changes(&mut roles, from + 30..from + 60, &idle()), NEVER);
    }
}

#[test]
fn it_says_when_it_will_change() {
    let mut roles = auto();
    assert_eq!(roles.state(Role::Executor).changes_in(0), None);
    assert_eq!(changes(&mut roles, 0..41, &overloaded()), NEVER);
    assert_eq!(roles.state(Role::Executor).changes_in(40_000), Some(260_000));
    assert_eq!(changes(&mut roles, 41..301, &overloaded()), [300]);
    assert_eq!(roles.state(Role::Executor).changes_in(300_000), None);
}

#[test]
fn a_limit_counts_at_once_and_its_end_after_the_usual_time() {
    for (role, limit) in [
        (
            Role::Executor,
            Inputs {
                quiet: true,
                ..idle()
            },
        ),
        (
            Role::Seeder,
            Inputs {
                quiet: true,
                ..idle()
            },
        ),
        (
            Role::Broadcaster,
            Inputs {
                spent: true,
                ..idle()
            },
        ),
        (Role::Verifier, Inputs { full: true, ..idle() }),
        (
            Role::Executor,
            Inputs {
                doubled: true,
                ..idle()
            },
        ),
    ] {
        for pin in [Pin::Auto, Pin::On] {
            let mut roles = Roles::new(pins(role, pin), &idle(), at(0));
            assert!(roles.evaluate(&limit, at(1000)), "{role}");
            assert!(!roles.is_on(role), "{role}");
            let on = (2..1000).find(|second| {
                roles.evaluate(&idle(), at(second * 1000));
                roles.is_on(role)
            });
            let expected = if pin == Pin::On { 2 } else { 301 };
            assert_eq!(on, Some(expected), "{role}");
        }
    }
}

#[test]
fn a_machine_that_is_too_small_never_is_an_executor() {
    for small in [
        Inputs {
            memory: 1 << 29,
            ..idle()
        },
        Inputs { cores: 249, ..idle() },
    ] {
        let mut roles = Roles::new(Pins::default(), &small, at(0));
        assert_eq!(changes(&mut roles, 0..2000, &small), NEVER);
        assert!(!roles.is_on(Role::Executor) && roles.is_on(Role::Seeder));
    }
}

#[test]
fn the_last_executor_stays_while_jobs_wait() {
    let alone = Inputs {
        executors: 0,
        waiting: 1,
        ..overloaded()
    };
    let mut roles = auto();
    assert_eq!(changes(&mut roles, 0..2000, &alone), NEVER);
    // Without memory nobody can do anything.
    let mut full = alone.clone();
    full.load.memory = 990;
    assert_eq!(changes(&mut roles, 2000..3000, &full), [2040]);
    let others = Inputs {
        executors: 1,
        ..alone.clone()
    };
    let nothing = Inputs { waiting: 0, ..alone };
    for inputs in [others, nothing] {
        assert_eq!(changes(&mut auto(), 420..1000, &inputs), [450]);
    }
}

#[test]
fn who_may_be_wrong_gives_no_verdicts() {
    let mut roles = auto();
    let frozen = Inputs {
        frozen: true,
        ..idle()
    };
    roles.evaluate(&frozen, at(400_000));
    roles.evaluate(&frozen, at(430_000));
    assert!(!roles.is_on(Role::Verifier) && roles.is_on(Role::Executor));
}

/// A minute of load is no load, and what lasts is.
#[test]
fn the_load_is_a_moving_average() {
    let mut roles = auto();
    let load = |cpu| Load {
        cpu,
        ..Load::default()
    };
    roles.measure(load(0));
    roles.measure(load(16_000));
    assert_eq!(roles.load().cpu, 4_000);
    for _ in 0..40 {
        roles.measure(load(16_000));
    }
    assert!(roles.load().cpu > 15_900);
}

fn pins(role: Role, pin: Pin) -> Pins {
    let of = |other| if role == other { pin } else { Pin::Auto };
    Pins {
        seeder: of(Role::Seeder),
        executor: of(Role::Executor),
        verifier: of(Role::Verifier),
        broadcaster: of(Role::Broadcaster),
    }
}

fn any_inputs() -> impl Strategy<Value = Inputs> {
    // Most of the time nothing is wrong.
    let rarely = || prop::bool::weighted(0.1);
    let load = (0..30_000_u64, 900..1000_u64, 0..2_000_u64, 0..500_u64, 0..500_u64);
    let limits = (rarely(), rarely(), rarely(), rarely(), rarely());
    (load, limits, 0..2_u64, 0..2_u64).prop_map(|(load, limits, waiting, executors)| Inputs {
        load: Load {
            cpu: load.0,
            memory: load.1,
            verifying: load.2,
            busy: load.3,
            lost: load.4,
        },
        quiet: limits.0,
        spent: limits.1,
        full: limits.2,
        doubled: limits.3,
        frozen: limits.4,
        waiting,
        executors,
        ..idle()
    })
}

fn any_pin() -> impl Strategy<Value = Pin> {
    prop_oneof![4 => Just(Pin::Auto), 1 => Just(Pin::On), 1 => Just(Pin::Off)]
}

fn any_pins() -> impl Strategy<Value = Pins> {
    (any_pin(), any_pin(), any_pin(), any_pin()).prop_map(|(seeder, executor, verifier, broadcaster)| Pins {
        seeder,
        executor,
        verifier,
        broadcaster,
    })
}

/// Inputs, and the milliseconds until the next.
fn any_run() -> impl Strategy<Value = Vec<(Inputs, u64)>> {
    prop::collection::vec((any_inputs(), 500..60_000_u64), 1..120)
}

fn is_barred(role: Role, inputs: &Inputs) -> bool {
    let of = checks(role, inputs, Load::default());
    of.iter().any(|it| it.of.is_hard() && !it.holds())
}

proptest! {
    #[test]
    fn no_role_changes_sooner_than_it_may(run in any_run()) {
        let mut now = 0;
        let mut roles = auto();
        let mut since = [0; 4];
        for (inputs, pause) in run {
            now += pause;
            let before = roles.set();
            roles.measure(inputs.load);
            roles.evaluate(&inputs, at(now));
            for role in Role::ALL {
                let (was, is) = (before.contains(role), roles.is_on(role));
                if was == is {
                    continue;
                }
                // Only what is no matter of degree comes sooner, and only to end a role.
                let early = now - since[role as usize] < DWELL_MS;
                prop_assert!(!early || (!is && is_barred(role, &inputs)), "{role} at {now}");
                since[role as usize] = now;
                prop_assert_eq!(roles.state(role).since, at(now).time);
            }
        }
    }

    #[test]
    fn pins_win_but_against_limits(run in any_run(), pins in any_pins()) {
        let mut now = 0;
        let mut roles = Roles::new(pins, &run[0].0, at(0));
        for (inputs, pause) in run {
            now += pause;
            roles.measure(inputs.load);
            roles.evaluate(&inputs, at(now));
            for role in Role::ALL {
                match pins.of(role) {
                    Pin::Off => prop_assert!(!roles.is_on(role)),
                    Pin::On => prop_assert_eq!(roles.is_on(role), !is_barred(role, &inputs)),
                    Pin::Auto => prop_assert!(!(roles.is_on(role) && is_barred(role, &inputs))),
                }
            }
        }
    }

    #[test]
    fn the_same_inputs_decide_the_same(run in any_run(), pins in any_pins()) {
        let decide = || {
            let mut now = 0;
            let mut roles = Roles::new(pins, &run[0].0, at(0));
            let decided: Vec<_> = run.iter().map(|(inputs, pause)| {
                now += pause;
                roles.measure(inputs.load);
                // What it is told twice is told once.
                roles.evaluate(inputs, at(now));
                roles.evaluate(inputs, at(now));
                (roles.set(), Role::ALL.map(|role| roles.state(role).why))
            }).collect();
            decided
        };
        prop_assert_eq!(decide(), decide());
    }
}
