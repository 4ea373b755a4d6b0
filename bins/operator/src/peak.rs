//! The most memory this process has had.

use std::fs;

/// Peak resident memory in MiB, rounded up, where the system tells (Linux).
pub(crate) fn mebibytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes.div_ceil(1024))
}
