use std::{fs, path::Path};

use nonos_state::{
    ProbeVersion, Profile,
    probe::{Effort, Error, measure},
};
use nonos_types::{ByteLen, Fault};

fn entries(dir: &Path) -> usize {
    fs::read_dir(dir).expect("readable").count()
}

#[test]
fn measures_this_machine_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let profile = measure(dir.path(), Effort::quick()).expect("measured");
    assert_eq!(entries(dir.path()), 0);

    // Reading refuses every figure that is zero or greater than what it is part of.
    assert_eq!(Profile::from_bytes(&profile.to_bytes()), Ok(profile.clone()));
    assert_eq!(profile.probe, ProbeVersion::new(1));
    assert_eq!(profile.cpu_arch, std::env::consts::ARCH);
    assert!(
        !profile.os.is_empty() && !profile.kernel.is_empty(),
        "{profile:?}"
    );
    // Slower than a floppy disk, or faster than memory: the clock or the count is wrong.
    for speed in [profile.disk_write, profile.disk_read, profile.loopback] {
        assert!((10_000..1 << 40).contains(&speed.get()), "{speed}");
    }
}

#[test]
fn refuses_to_fill_a_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let free = measure(dir.path(), Effort::quick())
        .expect("measured")
        .storage_free;
    for disk in [ByteLen::new(free.get() / 2), ByteLen::MAX] {
        let effort = Effort {
            disk,
            ..Effort::quick()
        };
        let error = measure(dir.path(), effort).expect_err("no room");
        let Error::NoRoom { needed, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(needed.get(), disk.get().saturating_mul(4));
        assert_eq!(error.fault(), Fault::Environment);
        assert_eq!(entries(dir.path()), 0);
    }
}

#[test]
fn refuses_a_directory_that_is_not_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let missing = dir.path().join("data");
    let error = measure(&missing, Effort::quick()).expect_err("missing");
    let Error::Disk { dir: named, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((named, source.kind()), (&missing, std::io::ErrorKind::NotFound));
}

#[test]
fn refuses_to_measure_with_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    for effort in [
        Effort {
            disk: ByteLen::ZERO,
            ..Effort::quick()
        },
        Effort {
            net: ByteLen::ZERO,
            ..Effort::quick()
        },
    ] {
        let error = measure(dir.path(), effort).expect_err("nothing to move");
        assert_eq!(error.fault(), Fault::Caller, "{error:?}");
    }
}
