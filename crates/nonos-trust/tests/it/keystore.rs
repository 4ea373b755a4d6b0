use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use nonos_trust::{
    Identity,
    keystore::{self, Cost, Entropy, KeystoreError, LEN, Passphrase},
};
use nonos_types::{ByteLen, Fault};
use tempfile::TempDir;

const SPEC: &str = include_str!("../../../../docs/spec/keystore.md");

fn entropy(seed: u8) -> Entropy {
    Entropy {
        seed: [seed; 32],
        salt: [seed ^ 0x10; 16],
        nonce: [seed ^ 0x20; 24],
    }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.as_bytes().to_vec()).expect("is not empty")
}

/// A keystore of seed 32·01 under `correct horse`.
fn made() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/identity");
    keystore::create(&path, entropy(1), &passphrase("correct horse"), Cost::MIN).expect("is made");
    (directory, path)
}

fn open(path: &Path) -> Result<Identity, KeystoreError> {
    keystore::open(path, &passphrase("correct horse"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("is ours");
}

#[test]
fn opens_what_it_made() {
    let (_directory, path) = made();
    let expected = Identity::from_seed([1; 32]).node_id();
    assert_eq!(open(&path).expect("opens").node_id(), expected);
    assert_eq!(keystore::public_key(&path).expect("is readable"), expected);
}

#[test]
fn makes_private_files_and_leaves_nothing_else() {
    let (_directory, path) = made();
    let directory = path.parent().expect("a directory");
    assert_eq!((mode(&path), mode(directory)), (0o600, 0o700));
    assert_eq!(fs::read_dir(directory).expect("is readable").count(), 1);
}

#[test]
fn bytes_are_those_of_the_spec() {
    let (_directory, path) = made();
    let bytes = fs::read(&path).expect("is there");
    assert_eq!(bytes.len(), LEN);
    let vector: String = SPEC
        .split("```text")
        .nth(1)
        .and_then(|it| it.split("```").next())
        .expect("the page has a vector")
        .lines()
        .filter_map(|line| line.split("  ").next())
        .flat_map(str::split_whitespace)
        .collect();
    assert_eq!(hex::encode(bytes), vector);
}

#[test]
fn refuses_a_wrong_passphrase() {
    let (_directory, path) = made();
    for wrong in ["correct hors", "correct horse\n", "Correct horse"] {
        let error = keystore::open(&path, &passphrase(wrong)).expect_err("is wrong");
        assert!(
            matches!(error, KeystoreError::WrongPassphraseOrDamaged),
            "{error:?}"
        );
        assert_eq!(error.to_string(), "wrong passphrase or damaged keystore");
    }
}

#[test]
fn refuses_an_empty_passphrase() {
    let error = Passphrase::new(Vec::new()).expect_err("is empty");
    assert!(matches!(error, KeystoreError::EmptyPassphrase), "{error:?}");
}

#[test]
fn refuses_every_flipped_byte() {
    let (_directory, path) = made();
    let good = fs::read(&path).expect("is there");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).expect("is ours");
        let error = open(&path).expect_err("is damaged");
        let as_expected = match at {
            0..4 => matches!(error, KeystoreError::NotAKeystore { .. }),
            4 => matches!(error, KeystoreError::UnknownVersion { version: 0 }),
            // Other costs make another key, or are no costs.
            5 | 10 => matches!(error, KeystoreError::CostOutOfRange { .. }),
            _ => matches!(error, KeystoreError::WrongPassphraseOrDamaged),
        };
        assert!(as_expected, "byte {at}: {error:?}");
    }
}

#[test]
fn refuses_every_other_length() {
    let (_directory, path) = made();
    let good = fs::read(&path).expect("is there");
    let longer = [&good[..], &[0]].concat();
    for bad in (0..good.len()).map(|len| &good[..len]).chain([&longer[..]]) {
        fs::write(&path, bad).expect("is ours");
        let error = open(&path).expect_err("has another length");
        assert!(
            matches!(error, KeystoreError::NotAKeystore { .. }),
            "{} bytes: {error:?}",
            bad.len()
        );
    }
}

/// Were anything allocated or computed first, this test would not come to its end.
#[test]
fn refuses_key_derivation_outside_its_limits() {
    let (_directory, path) = made();
    let good = fs::read(&path).expect("is there");
    let costs: [(u32, u8, u8); 8] = [
        (u32::MAX, 1, 1),
        ((1 << 20) + 1, 1, 1),
        ((19 << 10) - 1, 1, 1),
        (0, 1, 1),
        (19 << 10, 0, 1),
        (19 << 10, 17, 1),
        (19 << 10, 1, 0),
        (19 << 10, 1, 5),
    ];
    for (memory, passes, lanes) in costs {
        let mut bad = good.clone();
        bad[5..9].copy_from_slice(&memory.to_be_bytes());
        bad[9..11].copy_from_slice(&[passes, lanes]);
        fs::write(&path, &bad).expect("is ours");
        for error in [
            open(&path).err(),
            keystore::public_key(&path).err(),
            Cost::new(ByteLen::new(u64::from(memory) << 10), passes.into(), lanes.into()).err(),
        ] {
            assert!(
                matches!(error, Some(KeystoreError::CostOutOfRange { .. })),
                "{memory} KiB, {passes} passes, {lanes} lanes: {error:?}"
            );
        }
    }
    assert!(
        Cost::new(ByteLen::new((19 << 20) + 1), 1, 1).is_err(),
        "no whole KiB"
    );
}

#[test]
fn costs_at_their_limits_are_costs() {
    for (mib, passes, lanes) in [(19, 1, 1), (1024, 16, 4)] {
        Cost::new(ByteLen::new(mib << 20), passes, lanes).expect("is within the limits");
    }
    let same = Cost::new(ByteLen::new(64 << 20), 3, 1).expect("is within the limits");
    assert_eq!(same, Cost::DEFAULT);
}

#[test]
fn refuses_a_file_others_may_use() {
    let (_directory, path) = made();
    for wide in [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o4644] {
        set_mode(&path, wide);
        let error = open(&path).expect_err("is not private");
        assert_eq!(error.fault(), Fault::Environment);
        let expected = format!(
            "{path} has mode {wide:04o}: others may use it; `chmod 600 {path}`",
            path = path.display()
        );
        assert_eq!(error.to_string(), expected);
        assert!(keystore::public_key(&path).is_err());
    }
    set_mode(&path, 0o400);
    open(&path).expect("is private");
}

#[test]
fn refuses_a_directory_others_may_use() {
    let (_directory, path) = made();
    let directory = path.parent().expect("a directory");
    for wide in [0o750, 0o705, 0o711, 0o777] {
        set_mode(directory, wide);
        let other = directory.join("other");
        for error in [
            open(&path).err(),
            keystore::create(&other, entropy(2), &passphrase("x"), Cost::MIN).err(),
        ] {
            match error {
                Some(KeystoreError::WideMode { path, mode, remedy }) => {
                    assert_eq!((path.as_path(), mode, remedy), (directory, wide, 0o700));
                }
                other => panic!("refuses the directory's mode {wide:o}, but: {other:?}"),
            }
        }
        assert!(!other.exists());
    }
}

#[test]
fn never_replaces_what_is_there() {
    let (directory, path) = made();
    let before = fs::read(&path).expect("is there");
    let create = |path: &Path| keystore::create(path, entropy(2), &passphrase("other"), Cost::MIN);
    let error = create(&path).expect_err("exists");
    assert!(matches!(error, KeystoreError::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(&path).expect("is there"), before);

    // A link to nowhere is something, too: to follow it would write elsewhere.
    let link = path.with_file_name("link");
    let target = directory.path().join("target");
    std::os::unix::fs::symlink(&target, &link).expect("is made");
    let error = create(&link).expect_err("exists");
    assert!(matches!(error, KeystoreError::Exists { .. }), "{error:?}");
    assert!(!target.exists());
}

/// The look before the work does not see what comes in the meantime; the link does.
#[test]
fn of_many_who_make_one_file_one_does() {
    const MANY: u8 = 4;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keys/identity");
    let barrier = Barrier::new(MANY.into());
    let make = |seed| {
        barrier.wait();
        keystore::create(&path, entropy(seed), &passphrase("correct horse"), Cost::MIN)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let makers: Vec<_> = (0..MANY).map(|seed| scope.spawn(move || make(seed))).collect();
        makers.into_iter().map(|it| it.join().expect("ends")).collect()
    });
    let made: Vec<_> = results.iter().flatten().collect();
    assert_eq!(made.len(), 1, "{results:?}");
    assert_eq!(open(&path).expect("opens").node_id(), made[0].node_id());
    let directory = path.parent().expect("a directory");
    assert_eq!(fs::read_dir(directory).expect("is readable").count(), 1);
}

#[test]
fn says_what_is_missing_and_what_is_no_file() {
    let (_directory, path) = made();
    let missing = path.with_file_name("missing");
    let error = open(&missing).expect_err("is missing");
    assert!(
        matches!(&error, KeystoreError::Missing { path } if *path == missing),
        "{error:?}"
    );
    let error = open(path.parent().expect("a directory")).expect_err("is a directory");
    assert!(matches!(error, KeystoreError::NotAKeystore { .. }), "{error:?}");
}

#[test]
fn shows_no_secret() {
    let shown = format!(
        "{:?} {:?} {:?}",
        Identity::from_seed([1; 32]),
        passphrase("secret"),
        entropy(1)
    );
    let public = Identity::from_seed([1; 32]).node_id();
    assert_eq!(shown, format!("Identity({public}) Passphrase(…) Entropy(…)"));
}
