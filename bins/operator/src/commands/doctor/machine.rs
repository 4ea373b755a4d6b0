//! The machine: room, memory, files that may be open, a sandbox, and the proofs' parameters.

use super::Check;
use nonos_node::Config;
use nonos_types::ByteLen;
use nonos_worker::{Protection, Worker};
use std::{fs, path::Path};

const MIB: u64 = 1 << 20;
/// Less is soon full: books, and the longest objects.
const LEAST_DISK: u64 = 256 * MIB;
/// Room for some weeks of a node without a limit.
const GOOD_DISK: u64 = 2_000_000_000;
/// The shortest proof takes this.
const LEAST_MEMORY: u64 = 256 * MIB;
/// So much takes a proof of a run of a sample capsule.
const GOOD_MEMORY: u64 = 1024 * MIB;
/// 64 peers that dialled, 32 that were, 16 either way that are not connected yet; the database, and the page.
const LEAST_FILES: u64 = 256;
/// With room for the database's files as it grows, and for capsules' processes.
const GOOD_FILES: u64 = 1024;

/// Bytes on the file system, and of the data directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Free to this user.
    free: u64,
    /// What the data directory has.
    used: u64,
    /// What it may have.
    limit: Option<u64>,
}

pub(super) fn disk_facts(config: &Config, path: &Path) -> Option<Room> {
    let there = path.ancestors().find(|it| it.exists())?;
    let found = rustix::fs::statvfs(there).ok()?;
    Some(Room {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        used: used(path, 0),
        limit: config.limits.disk.map(|it| it.get().get()),
    })
}

/// Bytes of all files below; links are not followed.
fn used(path: &Path, depth: u32) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        // A data directory has few levels.
        Ok(it) if it.is_dir() && depth < 8 => used(&entry.path(), depth + 1),
        Ok(it) if it.is_file() => it.len(),
        _ => 0,
    });
    sizes.sum()
}

/// Is there room on the disk?
pub(super) fn disk(room: Option<Room>) -> Check {
    const NAME: &str = "disk";
    let Some(Room { free, used, limit }) = room else {
        return Check::unknown(NAME, "the file system does not say what is free");
    };
    let shown = format!(
        "{} MB are free, {} MB used by the node",
        free / 1_000_000,
        used / 1_000_000
    );
    if free < LEAST_DISK {
        return Check::failed(
            NAME,
            shown,
            "free some, or move the data directory to a larger disk",
        );
    }
    match limit {
        Some(limit) if limit.saturating_sub(used) > free => Check::warning(
            NAME,
            format!("{shown}, and it may use {} MB", limit / 1_000_000),
            format!(
                "set `disk = \"{}MB\"` under [limits] in config.toml, or free some",
                (used + free / 2) / 1_000_000
            ),
        ),
        None if free < GOOD_DISK => Check::warning(
            NAME,
            shown,
            format!(
                "set `disk = \"{}MB\"` under [limits] in config.toml, or free some",
                (used + free / 2) / 1_000_000
            ),
        ),
        _ => Check::ok(NAME, shown),
    }
}

/// Bytes of memory: all, and those that are available.
pub(super) fn memory_facts() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let of = |name: &str| {
        let line = text
            .lines()
            .find_map(|it| it.strip_prefix(name)?.strip_prefix(':'))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    };
    Some((of("MemTotal")?, of("MemAvailable")?))
}

/// Is there memory for proofs?
pub(super) fn memory(limit: Option<ByteLen>, found: Option<(u64, u64)>) -> Check {
    const NAME: &str = "memory";
    let Some((total, available)) = found else {
        return Check::unknown(NAME, "the system does not say what is free");
    };
    let shown = format!("{} of {} MiB are available", available / MIB, total / MIB);
    if available < LEAST_MEMORY {
        let remedy = "end other programs, or set `executor = \"off\"` under [roles] in config.toml";
        return Check::failed(NAME, format!("{shown}, and the shortest proof takes 256"), remedy);
    }
    let set = |mib: u64| {
        format!(
            "set `memory = \"{}MiB\"` under [limits] in config.toml",
            mib.max(256)
        )
    };
    match limit.map(ByteLen::get) {
        Some(limit) if limit > total => Check::warning(
            NAME,
            format!(
                "{shown}, and a proof may take {} MiB: the system would kill the node",
                limit / MIB
            ),
            set(total / MIB * 3 / 4),
        ),
        None if available < GOOD_MEMORY => Check::warning(NAME, shown, set(available / MIB * 3 / 4)),
        _ => Check::ok(NAME, shown),
    }
}

/// How many files may be open: of the node that runs there, or of this process.
pub(super) fn nofile(running: Option<&Path>) -> Option<u64> {
    if let Some(data) = running {
        let pid = fs::read_to_string(data.join("run/lock")).ok()?;
        let limits = fs::read_to_string(format!("/proc/{}/limits", pid.trim())).ok()?;
        let line = limits.lines().find_map(|it| it.strip_prefix("Max open files"))?;
        let soft = line.split_whitespace().next()?;
        return Some(soft.parse().unwrap_or(u64::MAX));
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(limit.current.unwrap_or(u64::MAX))
}

/// May it have enough connections and files open?
pub(super) fn files(limit: Option<u64>) -> Check {
    const NAME: &str = "open files";
    let remedy = "ulimit -n 65536 before `operator run`; the unit of `operator service install` sets it";
    match limit {
        None => Check::unknown(NAME, "the system does not say how many may be open"),
        Some(limit) if limit < LEAST_FILES => Check::failed(
            NAME,
            format!("{limit} may be open, {LEAST_FILES} are needed"),
            remedy,
        ),
        Some(limit) if limit < GOOD_FILES => Check::warning(
            NAME,
            format!("{limit} may be open, {GOOD_FILES} would do for long"),
            remedy,
        ),
        Some(limit) => Check::ok(NAME, format!("{limit} may be open")),
    }
}

/// Are capsules confined? Of a node that runs, it says.
pub(super) fn sandbox(config: &Config, said: Option<Option<Protection>>) -> Check {
    const NAME: &str = "sandbox";
    if !config.executor.enabled {
        return Check::ok(NAME, "this node runs nothing for others");
    }
    let protection = match said {
        Some(said) => said,
        None => {
            if config.sandbox == nonos_node::Sandbox::in_process() {
                None
            } else {
                let worker = config
                    .sandbox
                    .worker
                    .clone()
                    .map_or_else(Worker::this_program, Worker::new);
                match worker.check() {
                    Ok(protection) => Some(protection),
                    Err(error) => {
                        let remedy = "remove `worker` under [sandbox] in config.toml, or name a program that is a worker";
                        return Check::failed(NAME, error.to_string(), remedy);
                    }
                }
            }
        }
    };
    let Some(protection) = protection else {
        let reason = "capsules run in the node's own process, or not at all";
        return Check::warning(
            NAME,
            reason,
            "set `mode = \"process\"` under [sandbox] in config.toml",
        );
    };
    let missing: Vec<String> = protection.missing().map(|it| it.to_string()).collect();
    if missing.is_empty() {
        return Check::ok(NAME, "capsules' processes are confined in all ways");
    }
    Check::warning(
        NAME,
        format!(
            "this system does not confine capsules' processes in all ways: {}",
            missing.join(", ")
        ),
        "use Linux 6.12 or newer with Landlock and seccomp; see docs/spec/worker.md",
    )
}

/// Are the proofs' parameters there, or can they be made?
pub(super) fn parameters(directory: &Path) -> Check {
    const NAME: &str = "parameters";
    let shown = directory.display();
    if directory.exists() && !directory.is_dir() {
        let remedy = "give another directory by --params";
        return Check::failed(NAME, format!("{shown} is no directory"), remedy).by_caller();
    }
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let cached = entries.filter(|it| it.path().extension().is_some_and(|it| it == "params"));
    match cached.count() {
        0 => Check::ok(
            NAME,
            format!("none in {shown}: the first halo2 proof derives them, which takes some seconds"),
        ),
        some => Check::ok(NAME, format!("{some} files in {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn a_disk_is_judged_by_what_is_free_and_what_may_be_used() {
        let of = |free, used, limit| disk(Some(Room { free, used, limit })).verdict;
        assert_eq!(of(GOOD_DISK, 0, None), Verdict::Ok);
        assert_eq!(of(GOOD_DISK - 1, 0, None), Verdict::Warning);
        assert_eq!(of(LEAST_DISK - 1, 0, None), Verdict::Failed);
        assert_eq!(of(LEAST_DISK, 10, Some(LEAST_DISK + 10)), Verdict::Ok);
        assert_eq!(of(LEAST_DISK, 10, Some(LEAST_DISK + 11)), Verdict::Warning);
        assert_eq!(disk(None).verdict, Verdict::Unknown);
    }

    #[test]
    fn memory_is_judged_by_what_a_proof_takes_and_may_take() {
        let of = |limit: Option<u64>, total, available| {
            memory(limit.map(ByteLen::new), Some((total, available))).verdict
        };
        assert_eq!(of(None, 4 * GOOD_MEMORY, GOOD_MEMORY), Verdict::Ok);
        assert_eq!(of(None, 4 * GOOD_MEMORY, GOOD_MEMORY - 1), Verdict::Warning);
        assert_eq!(of(None, 4 * GOOD_MEMORY, LEAST_MEMORY - 1), Verdict::Failed);
        assert_eq!(of(Some(GOOD_MEMORY), GOOD_MEMORY, LEAST_MEMORY), Verdict::Ok);
        assert_eq!(
            of(Some(GOOD_MEMORY + 1), GOOD_MEMORY, LEAST_MEMORY),
            Verdict::Warning
        );
        assert_eq!(memory(None, None).verdict, Verdict::Unknown);
        let (total, available) = memory_facts().expect("this is Linux");
        assert!(0 < available && available <= total);
    }

    #[test]
    fn open_files_are_judged_by_connections() {
        let of = |limit| files(limit).verdict;
        assert_eq!(of(Some(GOOD_FILES)), Verdict::Ok);
        assert_eq!(of(Some(GOOD_FILES - 1)), Verdict::Warning);
        assert_eq!(of(Some(LEAST_FILES - 1)), Verdict::Failed);
        assert_eq!(of(None), Verdict::Unknown);
    }

    #[test]
    fn who_does_not_confine_capsules_is_warned() {
        let check = sandbox(&Config::default(), Some(None));
        assert_eq!(check.verdict, Verdict::Warning);
        assert!(check.remedy.is_some_and(|it| it.contains("[sandbox]")));
        let none = Config::parse("[executor]\nenabled = false\n").expect("a configuration");
        assert_eq!(sandbox(&none, Some(None)).verdict, Verdict::Ok);
    }
}
