//! What the control groups of this process allow, in both versions.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use nonos_types::ByteLen;

use super::Error;
use crate::MilliCores;

/// What is not there is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) memory: Option<ByteLen>,
    pub(super) cpu: Option<MilliCores>,
}

/// The limits of this process; none where there are no control groups.
pub(super) fn limits() -> Result<Limits, Error> {
    let read = |path: &Path| match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        // A limit of another's group, or of a controller that is not on.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => bad(path),
        Err(_) => Ok(None),
    };
    let own = |path: &str| read(Path::new(path)).map(Option::unwrap_or_default);
    limits_of(&own("/proc/self/cgroup")?, &own("/proc/self/mountinfo")?, read)
}

/// A text of the system; `None` if it cannot be had.
type Read<'a> = &'a dyn Fn(&Path) -> Result<Option<String>, Error>;

fn bad<T>(path: &Path) -> Result<T, Error> {
    let path = path.to_owned();
    Err(Error::BadLimit { path })
}

/// The least limit of the groups a process is in and of those around them, from the texts of `/proc/self/cgroup` and
/// `/proc/self/mountinfo`.
fn limits_of(
    groups: &str,
    mounts: &str,
    read: impl Fn(&Path) -> Result<Option<String>, Error>,
) -> Result<Limits, Error> {
    let mut limits = Limits::default();
    for mount in mounts.lines().filter_map(Mount::parse) {
        for dir in mount.dirs(groups) {
            let memory = mount.memory(&dir, &read)?;
            let cpu = mount.cpu(&dir, &read)?;
            limits.memory = limits.memory.into_iter().chain(memory).min();
            limits.cpu = limits.cpu.into_iter().chain(cpu).min();
        }
    }
    Ok(limits)
}

/// Where groups are mounted.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// The group that is seen at `point`.
    root: PathBuf,
    point: PathBuf,
    /// Of version 1; version 2 has one hierarchy for all.
    controllers: Option<Vec<String>>,
}

impl Mount {
    /// Reads a line of `mountinfo`: id, parent, device, root, point, options, tags, `-`, type, source, more options.
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let kind = after.next()?;
        let options = after.nth(1).unwrap_or_default();
        let controllers = match kind {
            "cgroup" => Some(options.split(',').map(str::to_owned).collect()),
            "cgroup2" => None,
            _ => return None,
        };
        Some(Self {
            root: PathBuf::from(root),
            point: PathBuf::from(unescape(point)),
            controllers,
        })
    }

    /// The directories of the process's group and of those around it, as far as this mount shows them.
    fn dirs(&self, groups: &str) -> Vec<PathBuf> {
        let Some(group) = groups.lines().find_map(|line| self.group(line)) else {
            return Vec::new();
        };
        // In a container, the group's name may be that of the host, of which only the end is mounted here, or none
        // of what is mounted; then what is mounted is the container's own group.
        let below = Path::new(group).strip_prefix(&self.root).unwrap_or(Path::new(""));
        let plain = below.components().all(|it| matches!(it, Component::Normal(_)));
        let below = if plain { below } else { Path::new("") };
        below.ancestors().map(|it| self.point.join(it)).collect()
    }

    /// Reads a line of `/proc/self/cgroup`: number, controllers, group.
    fn group<'a>(&self, line: &'a str) -> Option<&'a str> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
        let of_this = match &self.controllers {
            None => number == "0" && controllers.is_empty(),
            Some(own) => controllers
                .split(',')
                .any(|it| !it.is_empty() && own.iter().any(|own| own == it)),
        };
        of_this.then_some(group)
    }

    fn has(&self, controller: &str) -> bool {
        let own = self.controllers.as_ref();
        own.is_none_or(|own| own.iter().any(|it| it == controller))
    }

    fn memory(&self, dir: &Path, read: Read<'_>) -> Result<Option<ByteLen>, Error> {
        let name = match self.controllers {
            None => "memory.max",
            Some(_) => "memory.limit_in_bytes",
        };
        let path = dir.join(name);
        match (self.has("memory"), read(&path)?) {
            (true, Some(text)) => memory_max(&text).map_or_else(|| bad(&path), Ok),
            _ => Ok(None),
        }
    }

    fn cpu(&self, dir: &Path, read: Read<'_>) -> Result<Option<MilliCores>, Error> {
        if !self.has("cpu") {
            return Ok(None);
        }
        if self.controllers.is_none() {
            let path = dir.join("cpu.max");
            return match read(&path)? {
                Some(text) => cpu_max(&text).map_or_else(|| bad(&path), Ok),
                None => Ok(None),
            };
        }
        let path = dir.join("cpu.cfs_quota_us");
        match (read(&path)?, read(&dir.join("cpu.cfs_period_us"))?) {
            (Some(quota), _) if quota.trim() == "-1" => Ok(None),
            (Some(quota), Some(period)) => {
                let both = format!("{} {}", quota.trim(), period.trim());
                cpu_max(&both).map_or_else(|| bad(&path), Ok)
            }
            _ => Ok(None),
        }
    }
}

/// `mountinfo` writes blanks and backslashes of paths as three octal digits.
fn unescape(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

/// Reads `memory.max` or `memory.limit_in_bytes`; `None` if it is neither a number above 0 nor `max`. Version 1 has no word
/// for "no limit" and gives the largest number of whole pages instead.
fn memory_max(text: &str) -> Option<Option<ByteLen>> {
    const NONE: u64 = 1 << 62;
    match text.trim() {
        "max" => Some(None),
        number => {
            let limit: u64 = number.parse().ok().filter(|it| *it > 0)?;
            Some((limit < NONE).then_some(ByteLen::new(limit)))
        }
    }
}

/// Reads `cpu.max`: microseconds, or `max`, of a period of microseconds. `None` if it is not that.
fn cpu_max(text: &str) -> Option<Option<MilliCores>> {
    let (quota, period) = text.trim().split_once(' ')?;
    let period: u64 = period.parse().ok().filter(|it| *it > 0)?;
    if quota == "max" {
        return Some(None);
    }
    let share = u128::from(quota.parse::<u64>().ok()?) * 1000 / u128::from(period);
    let share = u64::try_from(share).unwrap_or(u64::MAX);
    Some(Some(MilliCores::new(share.max(1))))
}

#[cfg(test)]
mod tests;
