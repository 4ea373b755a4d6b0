//! Workers that do not do as they should: what the first argument after the marker says, in place of a run.

use std::{
    env, fs,
    hint::black_box,
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    process::{Command, abort, exit},
    thread,
};

use nonos_capsule::{Error, Inputs, Run};
use nonos_package::Policy;
use nonos_worker::{Job, Worker, serve_if_asked, serve_if_asked_with};
use rustix::process::{Signal, getpid, getppid, kill_process};

fn main() {
    let what = env::args().nth(2).unwrap_or_default();
    outside(&what);
    if what.is_empty() {
        serve_if_asked();
    }
    serve_if_asked_with(|job| {
        inside(&what);
        answer(&what, job)
    });
}

/// Before anything is given up: programs that are no workers, and workers that die early.
fn outside(what: &str) {
    match what {
        "silent" => loop {
            thread::park();
        },
        "greets-otherwise" => {
            let _ = rustix::io::write(rustix::stdio::stdout(), &[b'x'; 64]);
            thread::park();
        }
        "says-nothing" => exit(0),
        "refuses" => exit(2),
        "shows-descriptors" => {
            let open = fs::read_dir("/proc/self/fd").map(Iterator::count);
            // One is the list's.
            speak(&format!("{} descriptors", open.unwrap_or_default() - 1));
            exit(2);
        }
        // The standard library lets the first one pass: there was no fault.
        "killed-early" => loop {
            let _ = kill_process(getpid(), Signal::SEGV);
        },
        // No worker, but who has started one when he dies.
        "has-a-worker" => {
            let program = env::current_exe().expect("it has a name");
            let policy = Policy::for_module("main");
            let job = Job {
                module: b"",
                policy: &policy,
                arguments: &[],
                inputs: &Inputs::default(),
            };
            let end = Worker::new(program).arg("spins").run(&job);
            speak(&format!("{end:?}"));
            exit(0);
        }
        _ => {}
    }
}

/// After everything was given up.
fn inside(what: &str) {
    match what {
        "opens" => said(&fs::read("/etc/passwd").map(drop)),
        "opens-for-writing" => said(&fs::write(std::env::temp_dir().join("nonos-hostile"), b"here")),
        "lists" => said(&fs::read_dir("/").map(drop)),
        "listens" => said(&TcpListener::bind("127.0.0.1:0").map(drop)),
        "connects" => said(&TcpStream::connect("127.0.0.1:9").map(drop)),
        "sends" => said(&UdpSocket::bind("127.0.0.1:0").map(drop)),
        "pairs" => said(&UnixStream::pair().map(drop)),
        "forks" => said(&Command::new("/bin/true").status().map(drop)),
        "threads" => said(&thread::Builder::new().spawn(|| {}).map(drop)),
        "kills-parent" => {
            let parent = getppid().expect("it waits for the answer");
            said(&kill_process(parent, Signal::CONT).map_err(io::Error::from));
        }
        "shows-environment" => {
            let names: Vec<_> = env::vars_os().map(|(name, _)| name).collect();
            speak(&format!("environment: {names:?}"));
            exit(9);
        }
        "aborts" => abort(),
        "panics" => panic!("a defect of the interpreter"),
        "recurses" => {
            black_box(deeper(black_box(1)));
        }
        "eats" => eat(),
        "spins" => loop {
            black_box(0);
        },
        "leaves" => exit(7),
        "chatters" => (0..10_000).for_each(|_| speak("nothing to say, but much of it")),
        _ => {}
    }
}

fn answer(what: &str, job: &Job<'_>) -> Result<Run, Error> {
    let mut run = job.run_here();
    let Ok(changed) = &mut run else {
        return run;
    };
    match what {
        "babbles" => {
            let _ = rustix::io::write(rustix::stdio::stdout(), b"\x07 not an answer");
        }
        "ends-in-the-middle" => {
            let _ = rustix::io::write(rustix::stdio::stdout(), b"\x01\x00");
            exit(0);
        }
        "answers-twice" => {
            // A whole error, before the run.
            let error = [&[2, 0][..], &1_u64.to_le_bytes(), &1_u64.to_le_bytes(), b"x"].concat();
            let _ = rustix::io::write(rustix::stdio::stdout(), &error);
        }
        "uses-too-much-fuel" => changed.fuel_used = nonos_types::Fuel::MAX,
        "uses-too-much-memory" => changed.peak_pages = nonos_types::Pages::MAX,
        "hides-its-end" => changed.state = nonos_types::StateHash::ZERO,
        "runs-out-too-early" => changed.outcome = nonos_types::Outcome::OutOfFuel,
        _ => {}
    }
    run
}

fn said(result: &io::Result<()>) {
    match result {
        Ok(()) => speak("that worked"),
        Err(error) => speak(&format!("refused: {error}")),
    }
    exit(9);
}

fn speak(text: &str) {
    let _ = rustix::io::write(rustix::stdio::stderr(), text.as_bytes());
}

#[expect(unconditional_recursion, reason = "until the stack ends")]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    deeper(depth ^ room[7]) ^ room[3]
}

/// Takes more memory than it may have.
fn eat() {
    let mut eaten = Vec::new();
    for _ in 0..32 {
        eaten.push(vec![1_u8; 64 << 20]);
        black_box(&eaten);
    }
}
