use super::*;

fn wish(backend: Backend, purpose: Purpose) -> Wish {
    Wish {
        backend,
        purpose,
        profile: None,
    }
}

fn auto(purpose: Purpose) -> Wish {
    wish(Backend::Auto, purpose)
}

const SHORT: Facts = Facts {
    steps: Some(4_720),
    halo2: Some(Halo2Plan::Needs(ByteLen::new(600 << 20))),
    free_memory: Some(ByteLen::new(2 << 30)),
};

#[test]
fn a_quick_proof_is_stark_s_and_a_compact_one_halo2_s() {
    let quick = choose(&auto(Purpose::Quick), &SHORT).expect("it can be proved");
    assert_eq!(quick.method, Method::Stark(Profile::Fast));
    let compact = choose(&auto(Purpose::Compact), &SHORT).expect("it can be proved");
    assert_eq!(compact.method, Method::Halo2);
    assert_ne!(quick.reason, compact.reason);
    // Of a run of which nothing was counted the same holds: a node offers jobs that it has not run.
    let unknown = choose(&auto(Purpose::Quick), &Facts::default()).expect("it can be proved");
    assert_eq!(unknown, quick);
}

#[test]
fn a_compact_proof_that_halo2_has_no_room_for_is_a_small_stark() {
    let tight = Facts {
        free_memory: Some(ByteLen::new(500 << 20)),
        ..SHORT
    };
    let choice = choose(&auto(Purpose::Compact), &tight).expect("it can be proved");
    assert_eq!(choice.method, Method::Stark(Profile::Small));
    assert_eq!(
        choice.reason,
        "halo2 needs about 600 MiB of memory, and 500 MiB are free"
    );
    // Who names it may try.
    let named = choose(&wish(Backend::Is(System::Halo2), Purpose::Quick), &tight);
    assert_eq!(named.map(|it| it.method), Ok(Method::Halo2));
    let large = Facts {
        halo2: Some(Halo2Plan::TooLarge),
        ..SHORT
    };
    let choice = choose(&auto(Purpose::Compact), &large).expect("it can be proved");
    assert_eq!(choice.method, Method::Stark(Profile::Small));
    choose(&wish(Backend::Is(System::Halo2), Purpose::Quick), &large).expect_err("it cannot");
}

#[test]
fn a_run_too_long_for_one_is_the_other_s_and_for_both_nobody_s() {
    for (system, other) in [(System::Stark, System::Halo2), (System::Halo2, System::Stark)] {
        let most = system.most_steps();
        let run = |steps| Facts {
            steps: Some(steps),
            ..SHORT
        };
        choose(&wish(Backend::Is(system), Purpose::Quick), &run(most)).expect("just fits");
        choose(&wish(Backend::Is(system), Purpose::Quick), &run(most + 1)).expect_err("just too long");
        if other.most_steps() > most {
            let choice = choose(&auto(Purpose::Quick), &run(most + 1)).expect("the other can");
            assert_eq!(choice.method.system(), other);
        }
    }
    let endless = Facts {
        steps: Some(u64::MAX),
        ..SHORT
    };
    let Err(NoMethod::Cannot { reasons }) = choose(&auto(Purpose::Quick), &endless) else {
        panic!("nobody proves that");
    };
    assert_eq!(reasons.len(), 2);
}

#[test]
fn a_profile_is_taken_by_stark_and_refused_by_halo2() {
    let small = |backend| Wish {
        backend,
        purpose: Purpose::Quick,
        profile: Some(Profile::Small),
    };
    for backend in [Backend::Auto, Backend::Is(System::Stark)] {
        let choice = choose(&small(backend), &SHORT).expect("it can be proved");
        assert_eq!(choice.method, Method::Stark(Profile::Small));
    }
    let refused = choose(&small(Backend::Is(System::Halo2)), &SHORT);
    assert_eq!(refused, Err(NoMethod::NoProfiles));
}

#[test]
fn names_are_read_as_written_and_others_refused() {
    for name in Backend::NAMES {
        let backend: Backend = name.parse().expect("a name");
        assert_eq!(backend.to_string(), name);
    }
    for system in System::ALL {
        assert_eq!(system.id().as_str().parse(), Ok(Backend::Is(system)));
    }
    let error = "halo3".parse::<Backend>().expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "no backend `halo3`; there are: auto, stark, halo2"
    );
}
