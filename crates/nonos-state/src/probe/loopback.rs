//! The machine's TCP with itself.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
};

use nonos_types::ByteLen;

use super::Stopwatch;
use crate::Throughput;

const CHUNK: usize = 128 << 10;

pub(super) fn measure(bytes: ByteLen) -> io::Result<Throughput> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let sender = TcpStream::connect_timeout(&listener.local_addr()?, Stopwatch::MOST)?;
    let own = sender.local_addr()?;
    // Someone else of this machine may have been quicker to connect.
    let receiver = loop {
        let (stream, peer) = listener.accept()?;
        if peer == own {
            break stream;
        }
    };
    let watch = Stopwatch::start();
    let received = thread::scope(|scope| {
        let sent = scope.spawn(|| send(sender, bytes.get(), &watch));
        let received = receive(receiver, &watch);
        let sent = sent.join().expect("sending does not panic");
        sent.and(received)
    })?;
    Ok(watch.throughput(received))
}

/// Closes the stream when done.
fn send(mut stream: TcpStream, bytes: u64, watch: &Stopwatch) -> io::Result<()> {
    let chunk = vec![0x5a; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let Some(time) = watch.left() else { break };
        stream.set_write_timeout(Some(time))?;
        let len = (CHUNK as u64).min(left);
        match stream.write(&chunk[..len as usize]) {
            Ok(len) => left -= len as u64,
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn receive(mut stream: TcpStream, watch: &Stopwatch) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut received = 0;
    while let Some(time) = watch.left() {
        stream.set_read_timeout(Some(time))?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(len) => received += len as u64,
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(error),
        }
    }
    if received > 0 {
        Ok(received)
    } else {
        Err(io::ErrorKind::TimedOut.into())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
