use nonos_capsule::Inputs;
use nonos_package::Policy;
use nonos_types::{Fuel, Outcome, Pages, Value};
use nonos_worker::{Error, Job, Limits, Worker};
use std::time::Duration;

/// A worker that does `what` in place of a run; nothing, if it is empty.
pub(crate) fn worker(what: &str) -> Worker {
    let worker = Worker::new(env!("CARGO_BIN_EXE_hostile-worker"));
    if what.is_empty() { worker } else { worker.arg(what) }
}

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("well-formed text")
}

pub(crate) fn policy() -> Policy {
    Policy {
        fuel: Fuel::new(1 << 20),
        max_pages: Pages::new(16),
        ..Policy::for_module("main")
    }
}

pub(crate) const SEVEN: &str = r#"(module (func (export "main") (result i32) i32.const 7))"#;

/// Runs the least capsule in `worker`.
pub(crate) fn run(worker: &Worker) -> Result<Outcome, Error> {
    let (module, policy) = (wasm(SEVEN), policy());
    let job = Job {
        module: &module,
        policy: &policy,
        arguments: &[],
        inputs: &Inputs::default(),
    };
    Ok(worker.run(&job)?.run.outcome)
}

/// The error of a worker that does `what`; and a worker that does nothing of the kind runs the next job.
pub(crate) fn error_of(what: &str) -> Error {
    error_within(what, Duration::from_secs(60))
}

pub(crate) fn error_within(what: &str, time: Duration) -> Error {
    let limits = Limits {
        memory: nonos_types::ByteLen::new(1 << 30),
        cpu: time,
        time,
    };
    let error = run(&worker(what).limits(limits)).expect_err(what);
    let next = run(&worker("")).expect("the next job runs");
    assert_eq!(next, Outcome::Return(vec![Value::I32(7)]));
    error
}
