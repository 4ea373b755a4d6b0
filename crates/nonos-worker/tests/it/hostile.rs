use std::time::Duration;

use nonos_types::Fault;
use nonos_worker::{Error, Layer};

use crate::support::{error_of, error_within, run, worker};

const SIGSYS: i32 = 31;

/// Whoever tries `what` is killed by the filter of system calls; or, where the kernel has none, is refused by the
/// other layers.
fn is_refused(what: &str) {
    let filtered = worker("").check().expect("it starts").has(Layer::SystemCalls);
    match error_of(what) {
        Error::Killed { signal, .. } if filtered => assert_eq!(signal, SIGSYS, "{what}"),
        Error::Exited { code: 9, speech } if !filtered => assert!(speech.starts_with("refused"), "{speech}"),
        error => panic!("{what}: {error}"),
    }
}

#[test]
fn opens_no_file() {
    is_refused("opens");
    is_refused("opens-for-writing");
    is_refused("lists");
}

#[test]
fn makes_no_socket() {
    is_refused("listens");
    is_refused("connects");
    is_refused("sends");
    is_refused("pairs");
}

#[test]
fn starts_no_process_and_no_thread() {
    is_refused("forks");
    is_refused("threads");
}

#[test]
fn sends_no_signal_to_its_parent() {
    is_refused("kills-parent");
}

#[test]
fn a_death_names_its_signal_and_is_a_defect() {
    let error = error_of("aborts");
    let Error::Killed { signal: 6, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(error.fault(), Fault::Bug);
    assert!(error.to_string().contains("SIGABRT"), "{error}");
    let Error::Killed { signal: 11, .. } = error_of("killed-early") else {
        panic!("it was sent SIGSEGV")
    };
}

#[test]
fn an_overflow_of_the_stack_is_a_defect_of_one_job() {
    let error = error_of("recurses");
    let Error::Killed { signal: 6 | 11, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(error.fault(), Fault::Bug);
}

#[test]
fn a_panic_names_its_words_and_is_a_defect() {
    let error = error_of("panics");
    let Error::Exited { code: 101, speech } = &error else {
        panic!("{error}")
    };
    assert!(speech.contains("a defect of the interpreter"), "{speech}");
    assert_eq!(error.fault(), Fault::Bug);
}

#[test]
fn memory_ends_at_the_limit_and_is_the_machines_fault() {
    let error = error_of("eats");
    let Error::Memory { limit, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(limit.get(), 1 << 30);
    assert_eq!(error.fault(), Fault::Environment);
}

#[test]
fn time_ends_at_the_limit_and_is_the_machines_fault() {
    let error = error_within("spins", Duration::from_secs(1));
    let Error::TimedOut { after } = error else {
        panic!("{error}")
    };
    assert_eq!(after, Duration::from_secs(1));
    assert_eq!(error.fault(), Fault::Environment);
}

/// Where the parent does not stop it, the limit of the processor's time does.
#[test]
fn the_processors_time_ends_without_the_parent() {
    let limits = nonos_worker::Limits {
        memory: nonos_types::ByteLen::new(1 << 30),
        cpu: Duration::from_secs(1),
        time: Duration::from_secs(20),
    };
    let error = run(&worker("spins").limits(limits)).expect_err("it spins");
    let Error::TimedOut { after } = error else {
        panic!("{error}")
    };
    assert_eq!(after, Duration::from_secs(1));
}

#[test]
fn an_exit_names_its_code() {
    let error = error_of("leaves");
    let Error::Exited { code: 7, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(error.fault(), Fault::Bug);
}

#[test]
fn what_is_said_on_stderr_is_read_and_bounded() {
    assert!(run(&worker("chatters")).is_ok());
}

#[test]
fn bytes_that_are_no_answer_are_a_defect() {
    for what in ["babbles", "ends-in-the-middle", "answers-twice"] {
        let error = error_of(what);
        let Error::Garbled { .. } = error else {
            panic!("{what}: {error}")
        };
        assert_eq!(error.fault(), Fault::Bug);
    }
}

#[test]
fn runs_that_no_policy_allows_are_not_believed() {
    for what in [
        "uses-too-much-fuel",
        "uses-too-much-memory",
        "hides-its-end",
        "runs-out-too-early",
    ] {
        let error = error_of(what);
        let Error::Garbled {
            what: "no run under this policy is like that",
        } = error
        else {
            panic!("{what}: {error}")
        };
    }
}

#[test]
fn a_program_that_is_no_worker_is_the_callers_fault() {
    for what in ["greets-otherwise", "says-nothing", "refuses"] {
        let error = error_of(what);
        let Error::NotAWorker { .. } = error else {
            panic!("{what}: {error}")
        };
        assert_eq!(error.fault(), Fault::Caller);
    }
    let Error::NotAWorker { .. } = error_within("silent", Duration::from_secs(1)) else {
        panic!("it is silent")
    };
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let error = run(&nonos_worker::Worker::new("/nowhere/worker")).expect_err("there is none");
    let Error::Spawn { .. } = error else {
        panic!("{error}")
    };
    assert_eq!(error.fault(), Fault::Environment);
}
