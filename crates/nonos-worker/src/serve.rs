//! The worker's side.

use std::{
    env,
    io::{self, Read, Write},
    process::exit,
};

use nonos_capsule::Run;
use rustix::stdio::{stderr, stdin, stdout};

use crate::{
    Job,
    answer::{self, Hello},
    confine,
    request::{Header, Request},
};

/// First argument of a program that is to be a worker.
pub(crate) const MARKER: &str = "--nonos-worker";

/// Makes this process a worker if it was started as one, and does not return then. The first thing that `main` does
/// in a program that is to start itself as a worker: there must be no other thread yet.
pub fn serve_if_asked() {
    serve_if_asked_with(|job| job.run_here());
}

/// As [`serve_if_asked`], for another way to run a job.
pub fn serve_if_asked_with(run: impl FnOnce(&Job<'_>) -> Result<Run, nonos_capsule::Error>) {
    if env::args_os().nth(1).is_some_and(|it| it == MARKER) {
        let code = match serve(run) {
            Ok(()) => 0,
            Err(error) => {
                // Where nobody listens, nobody misses it.
                let _ = Pipe(stderr()).write_all(format!("{error}\n").as_bytes());
                1
            }
        };
        exit(code);
    }
}

fn serve(run: impl FnOnce(&Job<'_>) -> Result<Run, nonos_capsule::Error>) -> io::Result<()> {
    let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let protection = confine::at_once();
    let (mut from, mut to) = (Pipe(stdin()), Pipe(stdout()));
    let mut header = [0; Header::BYTES];
    from.read_exact(&mut header)?;
    let header = Header::from_bytes(&header).ok_or_else(|| bad("this is no request to a worker"))?;
    let protection = confine::for_a_run(protection, &header.limits, header.parent);
    to.write_all(&Hello { protection }.to_bytes())?;
    if header.body == 0 {
        return Ok(());
    }
    let request = Request::read(from, header.body)?.ok_or_else(|| bad("the request is damaged"))?;
    let result = run(&request.job());
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for part in answer::parts(&result, &mut head, &mut tail) {
        to.write_all(part)?;
    }
    Ok(())
}

/// A descriptor, without the buffers and locks of the standard library's.
struct Pipe<'a>(rustix::fd::BorrowedFd<'a>);

impl Read for Pipe<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, into)?)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, from)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
