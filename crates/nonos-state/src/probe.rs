//! Measures the machine: the crate's only part that reads files and clocks and opens sockets.
//!
//! ```
//! use nonos_state::probe::{self, Effort};
//!
//! let profile = probe::measure(&std::env::temp_dir(), Effort::quick())?;
//! assert!(profile.disk_write.get() > 0);
//! assert!(profile.usable_memory() <= profile.memory_total);
//! # Ok::<_, probe::Error>(())
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nonos_types::{ByteLen, Fault};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::{Cores, CpuFeatures, ProbeVersion, Profile, Throughput};

mod cgroup;
mod cpu;
mod disk;
mod load;
mod loopback;

pub use self::load::{Load, load};

/// Version of what this module does.
const VERSION: ProbeVersion = ProbeVersion::new(1);

/// How much to move in order to measure. Each of writing, reading and sending ends after about two seconds, however
/// much is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Bytes to write to the data directory and to read again.
    pub disk: ByteLen,
    /// Bytes to send over the loopback.
    pub net: ByteLen,
}

impl Effort {
    /// 4 MiB each: for tests, and for many nodes on one machine.
    pub const fn quick() -> Self {
        Self {
            disk: ByteLen::new(4 << 20),
            net: ByteLen::new(4 << 20),
        }
    }
}

impl Default for Effort {
    /// 64 MiB on disk, 256 MiB over the loopback.
    fn default() -> Self {
        Self {
            disk: ByteLen::new(64 << 20),
            net: ByteLen::new(256 << 20),
        }
    }
}

/// Why the machine could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory's volume cannot be asked, written or read.
    #[error("measuring the disk below {}", dir.display())]
    Disk {
        /// The data directory.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Measuring the disk would take more than a quarter of what is free.
    #[error("only {free} are free below {}; measuring the disk needs {needed}", dir.display())]
    NoRoom {
        /// The data directory.
        dir: PathBuf,
        /// What is free.
        free: ByteLen,
        /// What should be.
        needed: ByteLen,
    },
    /// A TCP connection of this machine with itself fails or stalls.
    #[error("measuring the loopback")]
    Loopback {
        /// Why.
        source: io::Error,
    },
    /// The operating system does not say something every machine has.
    #[error("the operating system does not say its {what}")]
    Untold {
        /// What.
        what: &'static str,
    },
    /// A control group has a limit that cannot be understood; to take it for no limit would be to boast.
    #[error("the control group's {} is not a limit", path.display())]
    BadLimit {
        /// Its file.
        path: PathBuf,
    },
    /// Nothing was to be moved.
    #[error("measuring needs at least one byte of disk and network")]
    NoEffort,
}

impl Error {
    /// Who has to act.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Disk { .. }
            | Self::NoRoom { .. }
            | Self::Loopback { .. }
            | Self::Untold { .. }
            | Self::BadLimit { .. } => Fault::Environment,
            Self::NoEffort => Fault::Caller,
        }
    }
}

/// Asks and measures the machine. Blocks for up to some six seconds, and leaves nothing in `data_dir`, which must
/// exist.
///
/// ```
/// use nonos_state::probe::{Effort, measure};
///
/// let disk = tempfile::tempdir()?;
/// let profile = measure(disk.path(), Effort::quick())?;
/// assert!(profile.cores_logical.get() >= 1 && profile.disk_write.get() > 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::NoRoom`] before anything is written; else what failed.
pub fn measure(data_dir: &Path, effort: Effort) -> Result<Profile, Error> {
    if effort.disk == ByteLen::ZERO || effort.net == ByteLen::ZERO {
        return Err(Error::NoEffort);
    }
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).map_err(|_| untold("processors and memory"))?;
    let cores = u32::try_from(system.cpus().len()).ok().filter(|it| *it > 0);
    let physical = System::physical_core_count()
        .ok()
        .and_then(|it| u32::try_from(it).ok());
    let memory = Some(system.total_memory())
        .filter(|it| *it > 0)
        .ok_or(untold("memory"))?;
    let limits = cgroup::limits()?;
    let disk = disk::measure(data_dir, effort.disk)?;
    let loopback = loopback::measure(effort.net).map_err(|source| Error::Loopback { source })?;
    let os = [System::name(), System::os_version()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    Ok(Profile {
        probe: VERSION,
        cores_logical: Cores::new(cores.ok_or(untold("processors"))?),
        cores_physical: physical.filter(|it| *it > 0).map(Cores::new),
        cpu_brand: text(system.cpus().first().map_or("", |it| it.brand())),
        cpu_arch: text(std::env::consts::ARCH),
        cpu_features: cpu::features().collect::<CpuFeatures>(),
        cpu_quota: limits.cpu,
        memory_total: ByteLen::new(memory),
        memory_available: ByteLen::new(system.available_memory().min(memory)),
        memory_limit: limits.memory,
        storage_total: disk.total,
        storage_free: disk.free,
        disk_write: disk.write,
        disk_read: disk.read,
        loopback,
        os: text(&os.join(" ")),
        kernel: text(&System::kernel_version().unwrap_or_default()),
    })
}

fn untold(what: &'static str) -> Error {
    Error::Untold { what }
}

/// What of a text fits a profile.
fn text(text: &str) -> String {
    let mut kept = String::new();
    for char in text.trim().chars().filter(|it| !it.is_control()) {
        if kept.len() + char.len_utf8() > Profile::MAX_TEXT {
            break;
        }
        kept.push(char);
    }
    kept
}

/// Time spent, of which there is only so much.
struct Stopwatch(Instant);

impl Stopwatch {
    const MOST: Duration = Duration::from_secs(2);

    fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "speed is measured by the clock")]
        Self(Instant::now())
    }

    fn is_over(&self) -> bool {
        self.0.elapsed() >= Self::MOST
    }

    fn left(&self) -> Option<Duration> {
        Self::MOST
            .checked_sub(self.0.elapsed())
            .filter(|it| !it.is_zero())
    }

    fn throughput(&self, bytes: u64) -> Throughput {
        throughput(bytes, self.0.elapsed())
    }
}

/// At least one byte per second, which is to say: it was measured.
fn throughput(bytes: u64, time: Duration) -> Throughput {
    let nanos = time.as_nanos().max(1);
    let speed = u128::from(bytes) * 1_000_000_000 / nanos;
    Throughput::new(u64::try_from(speed).unwrap_or(u64::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throughput_is_bytes_by_time_and_never_none() {
        let second = Duration::from_secs(1);
        assert_eq!(throughput(3 << 20, second), Throughput::new(3 << 20));
        assert_eq!(throughput(10, 4 * second), Throughput::new(2));
        assert_eq!(throughput(0, second), Throughput::new(1));
        assert_eq!(throughput(u64::MAX, Duration::ZERO), Throughput::new(u64::MAX));
    }

    #[test]
    fn a_text_is_cut_between_characters_and_loses_its_controls() {
        assert_eq!(text(" a\tb\n"), "ab");
        let long = "ø".repeat(40);
        assert_eq!(text(&long), "ø".repeat(32));
        assert_eq!(text(&format!("x{long}")), format!("x{}", "ø".repeat(31)));
    }
}
