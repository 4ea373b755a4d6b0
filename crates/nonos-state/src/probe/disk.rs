//! The volume of the data directory.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
};

use nonos_types::ByteLen;

use super::{Error, Stopwatch};
use crate::Throughput;

const CHUNK: usize = 1 << 20;
/// Chunks between two waits for the medium: the time of one wait is what the stopwatch cannot cut.
const CHUNKS_PER_SYNC: u64 = 4;

pub(super) struct Disk {
    pub(super) total: ByteLen,
    pub(super) free: ByteLen,
    pub(super) write: Throughput,
    pub(super) read: Throughput,
}

pub(super) fn measure(dir: &Path, bytes: ByteLen) -> Result<Disk, Error> {
    let failed = |source| Error::Disk {
        dir: dir.to_owned(),
        source,
    };
    let volume = rustix::fs::statvfs(dir).map_err(|errno| failed(errno.into()))?;
    let blocks = |count: u64| ByteLen::new(count.saturating_mul(volume.f_frsize));
    let (total, free) = (
        blocks(volume.f_blocks),
        blocks(volume.f_bavail.min(volume.f_blocks)),
    );
    let needed = ByteLen::new(bytes.get().saturating_mul(4));
    if free < needed {
        let dir = dir.to_owned();
        return Err(Error::NoRoom { dir, free, needed });
    }
    // It has no name where the system allows that, and none after its creation elsewhere: nothing stays behind,
    // whatever ends the process.
    let mut file = tempfile::tempfile_in(dir).map_err(failed)?;
    let (written, write) = write(&mut file, bytes.get()).map_err(failed)?;
    let read = read(&mut file, written).map_err(failed)?;
    Ok(Disk {
        total,
        free,
        write,
        read,
    })
}

/// How much there was time for, and how fast it was on the medium.
fn write(file: &mut File, bytes: u64) -> io::Result<(u64, Throughput)> {
    let chunk = noise();
    let watch = Stopwatch::start();
    let mut written = 0;
    for number in 1.. {
        let len = (CHUNK as u64).min(bytes - written);
        file.write_all(&chunk[..len as usize])?;
        written += len;
        let last = written == bytes || watch.is_over();
        if last || number % CHUNKS_PER_SYNC == 0 {
            file.sync_data()?;
        }
        if last || watch.is_over() {
            break;
        }
    }
    Ok((written, watch.throughput(written)))
}

fn read(file: &mut File, bytes: u64) -> io::Result<Throughput> {
    forget(file)?;
    file.rewind()?;
    let mut chunk = vec![0; CHUNK];
    let watch = Stopwatch::start();
    let mut done = 0;
    while done < bytes && !watch.is_over() {
        match file.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => done += len as u64,
        }
    }
    Ok(watch.throughput(done))
}

/// Takes the file out of the page cache, so that the medium is read and nothing else was pushed out for long.
#[cfg(target_os = "linux")]
fn forget(file: &File) -> io::Result<()> {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).map_err(io::Error::from)
}

/// There is no such advice here: the figure of reading may be that of the page cache.
#[cfg(not(target_os = "linux"))]
fn forget(_: &File) -> io::Result<()> {
    Ok(())
}

/// Bytes no file system can shrink.
fn noise() -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"nonos disk probe");
    let mut bytes = vec![0; CHUNK];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
