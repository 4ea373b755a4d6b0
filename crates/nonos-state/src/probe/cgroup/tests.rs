use std::collections::HashMap;

use super::*;

/// A machine's files by path.
fn limits(groups: &str, mounts: &str, files: &[(&str, &str)]) -> Result<Limits, Error> {
    let files: HashMap<_, _> = files.iter().copied().collect();
    let read = |path: &Path| {
        let path = path.to_str().expect("paths of tests are UTF-8");
        Ok(files.get(path).map(|text| (*text).to_owned()))
    };
    limits_of(groups, mounts, read)
}

fn memory(limit: u64) -> Option<ByteLen> {
    Some(ByteLen::new(limit))
}

fn cpu(limit: u64) -> Option<MilliCores> {
    Some(MilliCores::new(limit))
}

const V2: &str = "25 30 0:23 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

#[test]
fn reads_memory_limits() {
    assert_eq!(memory_max("max\n"), Some(None));
    assert_eq!(memory_max("536870912\n"), Some(memory(536_870_912)));
    assert_eq!(
        memory_max("9223372036854771712\n"),
        Some(None),
        "version 1 without a limit"
    );
    for garbage in [
        "",
        "\n",
        "0",
        "-1",
        "12 MiB",
        "1e9",
        "99999999999999999999",
        "maximum",
    ] {
        assert_eq!(memory_max(garbage), None, "{garbage:?}");
    }
}

#[test]
fn reads_cpu_limits() {
    assert_eq!(cpu_max("max 100000\n"), Some(None));
    assert_eq!(cpu_max("150000 100000\n"), Some(cpu(1500)));
    assert_eq!(cpu_max("50000 200000"), Some(cpu(250)));
    assert_eq!(cpu_max("1 1000000"), Some(cpu(1)), "little, and not nothing");
    assert_eq!(cpu_max("18446744073709551615 1"), Some(cpu(u64::MAX)));
    for garbage in [
        "",
        "max",
        "100000",
        "100000 0",
        "-1 100000",
        "a b",
        "max max",
        "1 2 3",
    ] {
        assert_eq!(cpu_max(garbage), None, "{garbage:?}");
    }
}

#[test]
fn takes_the_least_limit_of_nested_groups() {
    let files = [
        ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("/sys/fs/cgroup/a/memory.max", "1000\n"),
        ("/sys/fs/cgroup/memory.max", "2000\n"),
        ("/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n"),
        ("/sys/fs/cgroup/a/cpu.max", "max 100000\n"),
        ("/sys/fs/cgroup/b/memory.max", "1\n"),
    ];
    let found = limits("0::/a/b\n", V2, &files).expect("readable");
    assert_eq!((found.memory, found.cpu), (memory(1000), cpu(1500)));
}

#[test]
fn reads_version_1_where_the_controllers_are_there() {
    let groups = "4:memory:/jobs/7\n1:cpu,cpuacct:/jobs\n0::/elsewhere\n";
    let files = [
        ("/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "4096\n"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "9223372036854771712\n",
        ),
        ("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "25000\n"),
        ("/sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n"),
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        // The memory of another group.
        ("/sys/fs/cgroup/memory/jobs/8/memory.limit_in_bytes", "1\n"),
    ];
    let found = limits(groups, V1, &files).expect("readable");
    assert_eq!((found.memory, found.cpu), (memory(4096), cpu(250)));
}

#[test]
fn finds_the_own_group_in_a_container() {
    // The name is the host's, of which the mount shows the end.
    let mounts = "25 30 0:23 /docker/x /sys/fs/cgroup ro shared:4 - cgroup2 cgroup2 rw\n";
    let files = [
        ("/sys/fs/cgroup/memory.max", "77\n"),
        ("/sys/fs/cgroup/in/memory.max", "66\n"),
        ("/sys/fs/cgroup/../../in/memory.max", "1\n"),
    ];
    let found = |groups| limits(groups, mounts, &files).expect("readable").memory;
    assert_eq!(found("0::/docker/x\n"), memory(77));
    assert_eq!(found("0::/docker/x/in\n"), memory(66));
    // The name is nothing the mount shows, or leads out of it.
    assert_eq!(found("0::/other\n"), memory(77));
    assert_eq!(found("0::/docker/x/../../in\n"), memory(77));
    assert_eq!(found("0::/../..\n"), memory(77));
}

#[test]
fn a_mount_point_may_have_blanks() {
    let mounts = "25 30 0:23 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n";
    let found = limits("0::/\n", mounts, &[("/mnt/my groups/memory.max", "5")]);
    assert_eq!(found.expect("readable").memory, memory(5));
}

#[test]
fn what_is_missing_or_unreadable_as_text_does_not_limit() {
    for (groups, mounts) in [
        ("", ""),
        ("0::/a\n", ""),
        ("", V2),
        ("0::/a\n", V2),
        ("x\n::\n", "- -\n a - cgroup2\n"),
    ] {
        let found = limits(groups, mounts, &[]).expect("nothing to read");
        assert_eq!(found, Limits::default(), "{groups:?} {mounts:?}");
    }
}

#[test]
fn refuses_what_is_not_a_limit() {
    for (file, text) in [("memory.max", "lots"), ("cpu.max", "100000")] {
        let path = format!("/sys/fs/cgroup/a/{file}");
        let error = limits("0::/a\n", V2, &[(&path, text)]).expect_err("not a limit");
        let Error::BadLimit { path: found } = error else {
            panic!("{error:?}");
        };
        assert_eq!(found, PathBuf::from(path));
    }
    let files = [
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-2\n"),
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ];
    let error = limits("1:cpu,cpuacct:/\n", V1, &files).expect_err("not a limit");
    assert!(error.to_string().contains("cpu.cfs_quota_us"), "{error}");
}
