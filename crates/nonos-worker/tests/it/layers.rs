use nonos_worker::{Error, Layer};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{FdFlags, fcntl_setfd},
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use crate::support::{error_of, worker};

/// All that does not depend on the kernel, and what it does have, is there. Landlock is not in every kernel.
#[test]
#[expect(clippy::print_stderr, reason = "says what was not tested")]
fn puts_on_every_layer_that_the_kernel_has() {
    let protection = worker("").check().expect("it starts");
    for layer in Layer::ALL {
        let optional = [Layer::Files, Layer::Network, Layer::Scope].contains(layer);
        if optional && !protection.has(*layer) {
            eprintln!("skipped: this kernel has no Landlock for {layer}");
        } else {
            assert!(protection.has(*layer), "{layer} is missing");
        }
    }
}

#[test]
fn has_no_environment() {
    let Error::Exited { speech, .. } = error_of("shows-environment") else {
        panic!("it leaves")
    };
    assert_eq!(speech, "environment: []");
}

/// A descriptor that is not closed on exec, as whoever started this process might have left.
#[test]
fn closes_the_descriptors_that_it_inherits() {
    let file = File::open("/dev/null").expect("there is one");
    fcntl_setfd(&file, FdFlags::empty()).expect("it is open");
    // What a program sees that closes none.
    let Error::NotAWorker { speech, .. } = error_of("shows-descriptors") else {
        panic!("it leaves")
    };
    assert!(!["", "3 descriptors"].contains(&&*speech), "{speech}");
    // A worker looks again after it has closed them.
    let protection = worker("").check().expect("it starts");
    assert!(protection.has(Layer::Descriptors));
}

/// The pid of a child of a process, once it has one.
fn child_of(parent: u32) -> Pid {
    let parent_of = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which is in parentheses: state, parent.
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    loop {
        let names = fs::read_dir("/proc").expect("it is there");
        let mut pids = names.filter_map(|name| name.ok()?.file_name().to_str()?.parse().ok());
        if let Some(pid) = pids.find(|pid| parent_of(*pid) == Some(parent)) {
            return Pid::from_raw(pid).expect("it has a number");
        }
    }
}

#[test]
fn dies_with_the_process_that_started_it() {
    let mut parent = Command::new(worker("").program())
        .args(["-", "has-a-worker"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let child = pidfd_open(child_of(parent.id()), PidfdFlags::empty()).expect("it is there");
    let ended = |seconds| {
        let time = Timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        };
        poll(&mut [PollFd::new(&child, PollFlags::IN)], Some(&time)).expect("it is a process") == 1
    };
    assert!(!ended(1), "it runs without end");
    parent.kill().expect("it is there");
    parent.wait().expect("it was killed");
    assert!(ended(20), "it runs on");
}
