//! Talks to a worker: writes what it is to read while reading what it writes, until it ends or its time is over.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

/// Most bytes kept of what a worker says on stderr.
const SPEECH: usize = 2 << 10;
/// How long a worker may take to end when it has closed its pipes: it gives its memory back.
const LAST_BREATH: Duration = Duration::from_secs(10);

/// What a worker may do.
pub(crate) struct Bounds {
    /// From now to its first word.
    pub(crate) hello: Duration,
    /// From now to its end.
    pub(crate) time: Duration,
    /// Bytes of its first word.
    pub(crate) hello_bytes: usize,
    /// Bytes of all that it answers.
    pub(crate) most: u64,
}

/// How the talk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The worker closed its stdout.
    Closed,
    /// It said nothing that a worker says first, in time.
    Stranger,
    /// Its time was over.
    TimedOut,
    /// It said too much.
    TooLong,
}

/// What a worker said.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) answer: Vec<u8>,
    pub(crate) speech: Vec<u8>,
    pub(crate) end: End,
}

/// Talks to a child whose three descriptors are pipes. Whatever happens, the child is still to be [`ended`](end).
#[expect(
    clippy::disallowed_methods,
    reason = "what others wrote is given a time to end"
)]
pub(crate) fn talk(
    child: &mut Child,
    parts: &[&[u8]],
    bounds: &Bounds,
    is_hello: impl Fn(&[u8]) -> bool,
) -> io::Result<Heard> {
    let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    if let (Some(stdin), Some(stdout), Some(stderr)) = (&stdin, &stdout, &stderr) {
        for pipe in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
    }
    let start = Instant::now();
    let mut parts = parts.iter().copied().filter(|part| !part.is_empty());
    let mut part = parts.next();
    let mut heard = Heard {
        answer: Vec::new(),
        speech: Vec::new(),
        end: End::Closed,
    };
    let mut greeted = false;
    let mut buffer = vec![0; 64 << 10];
    loop {
        if part.is_none() {
            // Its end of file.
            stdin = None;
        }
        let Some(out) = &stdout else {
            break;
        };
        let (limit, end) = if greeted {
            (bounds.time, End::TimedOut)
        } else {
            (bounds.hello.min(bounds.time), End::Stranger)
        };
        let Some(left) = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
            heard.end = end;
            break;
        };
        let mut ready = vec![PollFd::new(out, PollFlags::IN)];
        ready.extend(stdin.as_ref().map(|it| PollFd::new(it, PollFlags::OUT)));
        ready.extend(stderr.as_ref().map(|it| PollFd::new(it, PollFlags::IN)));
        wait(&mut ready, left)?;
        if let (Some(pipe), Some(rest)) = (&mut stdin, &mut part) {
            let written = match pipe.write(rest) {
                // It reads no more: its answer says why, or its end.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    parts.by_ref().for_each(drop);
                    Some(rest.len())
                }
                written => again(written)?,
            };
            *rest = &rest[written.unwrap_or(0)..];
            if rest.is_empty() {
                part = parts.next();
            }
        }
        if let Some(pipe) = &mut stderr
            && let Some(read) = again(pipe.read(&mut buffer))?
        {
            let room = SPEECH - heard.speech.len();
            heard.speech.extend_from_slice(&buffer[..read.min(room)]);
            if read == 0 {
                stderr = None;
            }
        }
        if let Some(pipe) = &mut stdout
            && let Some(read) = again(pipe.read(&mut buffer))?
        {
            heard.answer.extend_from_slice(&buffer[..read]);
            if read == 0 {
                stdout = None;
            }
        }
        if !greeted && heard.answer.len() >= bounds.hello_bytes {
            if !is_hello(&heard.answer[..bounds.hello_bytes]) {
                heard.end = End::Stranger;
                break;
            }
            greeted = true;
        }
        if heard.answer.len() as u64 > bounds.most {
            heard.end = End::TooLong;
            break;
        }
    }
    // Its last words are in the pipe before its stdout is closed.
    while let Some(pipe) = &mut stderr
        && let Ok(Some(read @ 1..)) = again(pipe.read(&mut buffer))
        && heard.speech.len() < SPEECH
    {
        let room = SPEECH - heard.speech.len();
        heard.speech.extend_from_slice(&buffer[..read.min(room)]);
    }
    Ok(heard)
}

/// Waits for a child that is about to end, or else kills it, and whatever it has started.
pub(crate) fn end(child: &mut Child, ending: bool) -> io::Result<ExitStatus> {
    let pid = Pid::from_child(child);
    // Without a descriptor of the process (Linux before 5.3) it is killed while it ends, maybe: see the caller.
    if ending && let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) {
        wait(&mut [PollFd::new(&process, PollFlags::IN)], LAST_BREATH)?;
    }
    // Its number is its own until it is waited for. It has no group where it did not get so far.
    let _ = kill_process_group(pid, Signal::KILL);
    let _ = child.kill();
    child.wait()
}

fn wait(ready: &mut [PollFd<'_>], time: Duration) -> io::Result<()> {
    let time = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    match poll(ready, Some(&time)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Bytes moved; none where the pipe is not ready. A reader that is gone takes whatever is written.
fn again(moved: io::Result<usize>) -> io::Result<Option<usize>> {
    match moved {
        Ok(moved) => Ok(Some(moved)),
        Err(error) if [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind()) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What a shell says, within 16 bytes of answer and a minute.
    fn heard(script: &str, time: Duration) -> Heard {
        let mut child = Command::new("/bin/sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let bounds = Bounds {
            hello: time,
            time,
            hello_bytes: 2,
            most: 16,
        };
        let input = vec![b'x'; 1 << 20];
        let heard = talk(&mut child, &[b"", &input], &bounds, |hello| hello == b"hi").expect("pipes work");
        end(&mut child, heard.end == End::Closed).expect("it ends");
        heard
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn hears_what_is_said_while_it_writes() {
        let all = heard("printf hi; wc -c; printf words >&2", MINUTE);
        assert_eq!(all.end, End::Closed);
        assert_eq!(String::from_utf8_lossy(&all.answer), "hi1048576\n");
        assert_eq!(all.speech, b"words");
    }

    #[test]
    fn hears_who_does_not_listen() {
        let deaf = heard("exec <&-; printf hi there", MINUTE);
        assert_eq!((deaf.end, &deaf.answer[..]), (End::Closed, &b"hi"[..]));
    }

    #[test]
    fn does_not_hear_too_much() {
        assert_eq!(heard("printf hi; exec cat /dev/zero", MINUTE).end, End::TooLong);
        let much = heard("printf hi; head -c 1000000 /dev/zero >&2", MINUTE);
        assert_eq!((much.end, much.speech.len()), (End::Closed, SPEECH));
    }

    #[test]
    fn waits_no_longer_than_the_bounds() {
        let second = Duration::from_secs(1);
        assert_eq!(heard("printf hi; exec sleep 1000", second).end, End::TimedOut);
        assert_eq!(heard("exec sleep 1000", second).end, End::Stranger);
        assert_eq!(heard("printf ho; exec sleep 1000", MINUTE).end, End::Stranger);
    }

    /// A process that it started, and that holds its pipes.
    #[test]
    fn does_not_wait_for_who_is_left_behind() {
        let left = heard("printf hi; exec 1>&-; sleep 10 & exit 0", Duration::from_secs(5));
        assert_eq!(left.end, End::Closed);
    }
}
