//! The side of who starts workers.

use std::{
    ffi::OsString,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use nonos_capsule::Run;
use rustix::process::Signal;

use crate::{
    Error, Job, Limits, Protection,
    answer::{self, Hello},
    exchange::{self, Bounds, End, Heard},
    request::{self, Header},
    serve::MARKER,
};

/// The program of this process, even if its file was replaced since.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// How long a worker may take to its first word: what it does until then takes a millisecond.
const HELLO: Duration = Duration::from_secs(20);

/// A program that runs jobs, each in a new process.
///
/// The process ends with its job: two jobs have nothing in common but the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: Option<Limits>,
}

/// A run, and what the process that did it had given up before it saw the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The run.
    pub run: Run,
    /// What was given up.
    pub protection: Protection,
}

impl Worker {
    /// This program, whose `main` begins with [`serve_if_asked`](crate::serve_if_asked).
    pub fn this_program() -> Self {
        Self::new(THIS_PROGRAM)
    }

    /// Another program, whose `main` begins so.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            limits: None,
        }
    }

    /// One more argument for the program, which workers do not look at.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// The same limits for every job, instead of [`Limits::of`] it.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts a worker that runs nothing, to see whether it can be started, and what it gives up here.
    ///
    /// # Errors
    /// As of [`run`](Self::run), but those of a run.
    pub fn check(&self) -> Result<Protection, Error> {
        let (protection, rest) = self.exchange(&[], self.limits.unwrap_or(Limits::IDLE))?;
        if rest.is_empty() {
            Ok(protection)
        } else {
            Err(Error::Garbled {
                what: "nothing was asked",
            })
        }
    }

    /// Runs a job in a new process, and waits for its end on this thread, with which the process would die.
    ///
    /// # Errors
    /// [`Error::Told`] where there is no run; others where the process did not do as it should.
    pub fn run(&self, job: &Job<'_>) -> Result<Done, Error> {
        let mut head = Vec::new();
        let body = request::parts(job, &mut head)?;
        let limits = self.limits.unwrap_or_else(|| Limits::of(job));
        let (protection, rest) = self.exchange(&body, limits)?;
        let run = answer::read(&rest, job.policy, job.inputs)?;
        Ok(Done { run, protection })
    }

    /// Starts a worker, and gives what it says, without its first word.
    fn exchange(&self, body: &[&[u8]], limits: Limits) -> Result<(Protection, Vec<u8>), Error> {
        let header = Header {
            parent: std::process::id(),
            limits,
            body: body.iter().map(|part| part.len() as u64).sum(),
        };
        let header = header.to_bytes();
        let mut parts = vec![&header[..]];
        parts.extend_from_slice(body);
        let bounds = Bounds {
            hello: HELLO,
            time: limits.time,
            hello_bytes: Hello::BYTES,
            most: answer::MAX,
        };
        let mut child = self.spawn()?;
        let is_hello = |bytes: &[u8]| Hello::from_bytes(bytes).is_some();
        let heard = exchange::talk(&mut child, &parts, &bounds, is_hello);
        let ending = heard.as_ref().is_ok_and(|heard| heard.end == End::Closed);
        let status = exchange::end(&mut child, ending).map_err(Error::Pipe)?;
        self.judge(heard.map_err(Error::Pipe)?, status, limits)
    }

    fn spawn(&self) -> Result<Child, Error> {
        let mut command = Command::new(&self.program);
        command
            .arg0("nonos-worker")
            .arg(MARKER)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().map_err(|source| Error::Spawn {
            program: self.program.clone(),
            source,
        })
    }

    /// What was said counts only if the process ended as it should.
    fn judge(
        &self,
        heard: Heard,
        status: ExitStatus,
        limits: Limits,
    ) -> Result<(Protection, Vec<u8>), Error> {
        let Heard {
            mut answer,
            speech,
            end,
        } = heard;
        let speech = answer::printable(&String::from_utf8_lossy(&speech));
        let hello = answer.get(..Hello::BYTES).and_then(Hello::from_bytes);
        match end {
            End::Stranger => {
                let program = self.program.clone();
                return Err(Error::NotAWorker { program, speech });
            }
            End::TimedOut => return Err(Error::TimedOut { after: limits.time }),
            End::TooLong => {
                return Err(Error::Garbled {
                    what: "it is too long",
                });
            }
            End::Closed => {}
        }
        if let Some(signal) = status.signal() {
            return Err(if signal == Signal::XCPU.as_raw() {
                Error::TimedOut { after: limits.cpu }
            } else if signal == Signal::ABORT.as_raw() && speech.starts_with("memory allocation of") {
                // What the standard library says when it aborts for want of memory.
                let limit = limits.memory;
                Error::Memory { limit, speech }
            } else {
                Error::Killed { signal, speech }
            });
        }
        match (status.code(), hello) {
            (Some(0), Some(hello)) => {
                answer.drain(..Hello::BYTES);
                Ok((hello.protection, answer))
            }
            (_, None) => Err(Error::NotAWorker {
                program: self.program.clone(),
                speech,
            }),
            (code, _) => Err(Error::Exited {
                code: code.unwrap_or(-1),
                speech,
            }),
        }
    }
}
