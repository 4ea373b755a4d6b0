//! The page of the circuit has its constraints.

use std::collections::{BTreeMap, BTreeSet};

use nonos_types::VkDigest;

use crate::gates::gates;
use crate::layout::{COLUMNS, FIXED, ROWS};

const PAGE: &str = include_str!("../../../../docs/circuits/rollup.md");

#[test]
fn the_page_has_every_constraint_with_its_degree() {
    let mut degrees = BTreeMap::<_, usize>::new();
    for gate in gates() {
        let degree = degrees.entry(gate.id).or_default();
        *degree = (*degree).max(gate.zero.degree() + 1);
    }
    let listed: BTreeSet<_> = PAGE
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let id = cells.next()?.trim().trim_matches('`');
            let degree = cells.nth(2)?.trim().parse::<usize>().ok()?;
            Some((id, degree))
        })
        .collect();
    assert_eq!(listed, degrees.into_iter().collect());
}

#[test]
fn the_page_says_how_large_the_circuit_is() {
    for part in [
        format!("{COLUMNS} columns"),
        format!("{FIXED} fixed columns"),
        format!("{ROWS} rows"),
        format!("{} bytes", crate::proof::LEN),
    ] {
        assert!(PAGE.contains(&part), "{part}");
    }
}

/// Who changes a gate changes the key, and with it which proofs verify: never unawares.
#[test]
fn the_page_has_the_digest_of_the_verifying_key() {
    let keys = crate::keys::Keys::new().expect("parameters and keys");
    let digest = VkDigest::from_bytes(keys.digest).to_string();
    assert!(PAGE.contains(&format!("`{digest}`")), "{digest}");
}
