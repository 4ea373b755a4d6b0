//! Why there is no run, and who must act.

use std::{io, path::PathBuf, time::Duration};

use nonos_types::{ByteLen, Fault};

/// Why there is no run. A worker that ends badly costs this one run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sandbox of this process says why.
    #[error(transparent)]
    Capsule(#[from] nonos_capsule::Error),
    /// The worker's sandbox says why.
    #[error(transparent)]
    Told(#[from] Told),
    /// A part of the job is longer than a worker takes.
    #[error("the {what} has {actual}, a worker takes {limit}")]
    TooLong {
        /// The part.
        what: &'static str,
        /// Most there can be.
        limit: ByteLen,
        /// What there is.
        actual: ByteLen,
    },
    /// The worker's program cannot be started.
    #[error("cannot start a worker from {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The worker cannot be talked to.
    #[error("cannot talk to the worker")]
    Pipe(#[source] io::Error),
    /// The program does not answer as a worker does: its `main` does not begin with `nonos_worker::serve_if_asked`,
    /// or it is of another version.
    #[error("{} does not answer as a worker of this version{}", program.display(), said(speech))]
    NotAWorker {
        /// The program.
        program: PathBuf,
        /// What it said on stderr.
        speech: String,
    },
    /// The run took longer than its fuel accounts for.
    #[error("the worker was killed: no end after {} s", after.as_secs())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The run took more memory than its policy accounts for, or than this machine has.
    #[error("the worker ran out of memory, of which it may have {limit}{}", said(speech))]
    Memory {
        /// The limit.
        limit: ByteLen,
        /// What it said on stderr.
        speech: String,
    },
    /// A signal ended the worker.
    #[error("the worker was ended by signal {signal} ({}){}", signal_name(*signal), said(speech))]
    Killed {
        /// The signal.
        signal: i32,
        /// What it said on stderr.
        speech: String,
    },
    /// The worker ended itself without an answer.
    #[error("the worker ended with exit code {code}{}", said(speech))]
    Exited {
        /// Its exit code.
        code: i32,
        /// What it said on stderr.
        speech: String,
    },
    /// The worker's answer is not one.
    #[error("the worker's answer is not one: {what}")]
    Garbled {
        /// What is wrong.
        what: &'static str,
    },
}

/// An error of the sandbox, as a worker has told it: its text and those of its causes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Told {
    pub(crate) message: String,
    pub(crate) fault: Fault,
    #[source]
    pub(crate) cause: Option<Box<Told>>,
}

impl Told {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

impl Error {
    /// Who must act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Capsule(error) => error.fault(),
            Self::Told(error) => error.fault,
            Self::TooLong { .. } | Self::NotAWorker { .. } => Fault::Caller,
            Self::Spawn { .. } | Self::Pipe(_) | Self::TimedOut { .. } | Self::Memory { .. } => {
                Fault::Environment
            }
            // Nothing in a worker sends these: the system for want of memory does, or somebody.
            Self::Killed { signal, .. } if [SIGKILL, SIGTERM, SIGINT, SIGHUP].contains(signal) => {
                Fault::Environment
            }
            Self::Killed { .. } | Self::Exited { .. } | Self::Garbled { .. } => Fault::Bug,
        }
    }
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// The name of the signals that a process dies by, on every architecture of Linux that matters.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        SIGHUP => "SIGHUP",
        SIGINT => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        SIGKILL => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        SIGTERM => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS: a system call that it may not make",
        _ => "without a name",
    }
}

fn said(speech: &str) -> String {
    if speech.is_empty() {
        String::new()
    } else {
        format!("; it said: {speech}")
    }
}
