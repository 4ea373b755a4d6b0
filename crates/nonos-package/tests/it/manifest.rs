//! The manifest's text.

use nonos_package::{BasisPoints, Error, HostCall, Manifest, Net, PayloadHash};
use nonos_types::{Fuel, Pages};
use proptest::prelude::*;

pub(crate) const TEXT: &str = r#"# An adder.
requires_poi = true

[meta]
name = "adder-2"
version = "1.2.3-rc.1"
author = "Ada <ada@example.org>"
author_key = "AUTHOR"

[exec]
entry = "main"
hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

[resources]
fuel = 1_000_000
mem = "16MiB"
net = "none"
checkpoint_every = 1000

[host]
calls = ["read", "write"]

[fees]
base = "0.0001 NONOS"
share_seeders = 1000
share_verifiers = 2000
"#;

fn text() -> String {
    TEXT.replace("AUTHOR", &"11".repeat(32))
}

fn refused(from: &str, to: &str) -> (usize, usize, String) {
    let text = text();
    assert!(text.contains(from), "{from}");
    match Manifest::parse(&text.replacen(from, to, 1)) {
        Err(Error::Manifest { line, column, detail }) => (line, column, detail),
        other => panic!("{to}: {other:?}"),
    }
}

#[test]
fn reads_every_field() {
    let manifest = Manifest::parse(&text()).unwrap();
    assert_eq!(manifest.name, "adder-2");
    assert_eq!(manifest.version.to_string(), "1.2.3-rc.1");
    assert_eq!(manifest.author, "Ada <ada@example.org>");
    assert_eq!(manifest.author_key.to_string(), "11".repeat(32));
    assert_eq!(manifest.payload, PayloadHash::Sha256([0; 32]));
    assert_eq!(manifest.fees.base.atto(), 100_000_000_000_000);
    assert_eq!(manifest.fees.seeders, BasisPoints::new(1000).unwrap());
    assert_eq!(manifest.fees.verifiers, BasisPoints::new(2000).unwrap());
    let policy = manifest.policy();
    assert_eq!(policy.fuel, Fuel::new(1_000_000));
    assert_eq!(policy.max_pages, Pages::new(256));
    assert_eq!(policy.net, Net::None);
    assert_eq!(
        policy.host.iter().collect::<Vec<_>>(),
        [HostCall::Read, HostCall::Write]
    );
    assert_eq!(policy.entry, "main");
    assert_eq!(policy.checkpoint_every, Some(Fuel::new(1000)));
    assert!(policy.requires_poi);
}

#[test]
fn what_is_optional_has_a_modest_default() {
    let text = text();
    let text = text
        .replace("requires_poi = true", "")
        .replace("net = \"none\"\ncheckpoint_every = 1000\n", "");
    let (text, _) = text.split_once("[host]").unwrap();
    let manifest = Manifest::parse(text).unwrap();
    assert_eq!(manifest.fees, Default::default());
    let policy = manifest.policy();
    assert_eq!(
        (policy.net, policy.checkpoint_every, policy.requires_poi),
        (Net::MeshOnly, None, false)
    );
    assert_eq!(policy.host.iter().count(), 0);
}

#[test]
fn refuses_unknown_keys_with_line_and_column() {
    for (from, to, line, column) in [
        ("requires_poi", "requires_pio", 2, 1),
        ("[meta]\n", "[meta]\n  nmae = 1\n", 5, 3),
        ("[exec]\n", "[exec]\nbinary = \"x\"\n", 11, 1),
        ("[resources]\n", "[resources]\ncpu = \"500m\"\n", 15, 1),
        ("[host]\n", "[host]\ncall = []\n", 21, 1),
        ("[fees]\n", "[fees]\nshares = 1\n", 24, 1),
        ("[fees]\n", "[extra]\n[fees]\n", 23, 2),
    ] {
        let (at_line, at_column, detail) = refused(from, to);
        assert!(detail.contains("unknown field"), "{detail}");
        assert_eq!((at_line, at_column), (line, column), "{to}");
    }
}

#[test]
fn refuses_values_outside_of_their_domain_where_they_stand() {
    for (from, to, line) in [
        ("adder-2", "Adder", 5),
        ("adder-2", "", 5),
        ("adder-2", "2adder", 5),
        ("1.2.3-rc.1", "1.2", 6),
        ("Ada ", "Ada\\n", 7),
        ("\"1111", "\"111", 8),
        ("\"1111", "\"AAAA", 8),
        ("\"main\"", "\"\"", 11),
        ("sha256:00", "sha256:0", 12),
        ("sha256:", "sha3-512:", 12),
        ("sha256:", "blake3:", 12),
        ("sha256:00", "sha256:AA", 12),
        ("1_000_000", "0", 15),
        ("1_000_000", "-1", 15),
        ("1_000_000", "1099511627777", 15),
        ("1_000_000", "1.5", 15),
        ("16MiB", "16MB", 16),
        ("16MiB", "16", 16),
        ("16MiB", "MiB", 16),
        ("16MiB", "1KiB", 16),
        ("16MiB", "+1MiB", 16),
        ("16MiB", "3GiB", 16),
        ("16MiB", "99999999999999999999GiB", 16),
        ("16MiB", "18446744073709551615GiB", 16),
        ("\"none\"", "\"clearnet\"", 17),
        ("checkpoint_every = 1000", "checkpoint_every = 0", 18),
        ("\"write\"", "\"open\"", 21),
        ("\"write\"", "\"read\"", 21),
        ("0.0001 NONOS", "0.0001", 24),
        ("0.0001 NONOS", "-1 NONOS", 24),
        ("share_seeders = 1000", "share_seeders = 8001", 26),
        ("share_seeders = 1000", "share_seeders = 10001", 25),
        ("share_seeders = 1000", "share_seeders = true", 25),
    ] {
        assert_eq!(refused(from, to).0, line, "{from} → {to}");
    }
}

#[test]
fn names_a_missing_key_and_its_table() {
    let (line, _, detail) = refused("hash = ", "# hash = ");
    assert_eq!((line, detail.contains("`hash`")), (10, true), "{detail}");
    let (line, _, detail) = refused("author_key = ", "# author_key = ");
    assert_eq!((line, detail.contains("`author_key`")), (4, true), "{detail}");
    let (_, _, detail) = refused("fuel = ", "# fuel = ");
    assert!(detail.contains("`fuel`"), "{detail}");
}

#[test]
fn refuses_a_manifest_that_is_too_long() {
    let text = text() + &"#".repeat(nonos_package::limits::MANIFEST_BYTES);
    let Err(Error::Manifest { detail, .. }) = Manifest::parse(&text) else {
        panic!("accepted")
    };
    assert!(detail.contains("longer than"), "{detail}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", at in 0..600usize) {
        let mut manifest = self::text();
        let at = (0..=at.min(manifest.len())).rev().find(|at| manifest.is_char_boundary(*at)).unwrap();
        manifest.insert_str(at, &text);
        let _ = Manifest::parse(&manifest);
    }
}
