//! The capsule that a devnet runs, and what it is run on.

use crate::failure::Failure;
use ed25519_dalek::SigningKey;
use nonos_package::{Package, builder};
use sha2::{Digest as _, Sha256};

const MODULE: &[u8] = include_bytes!("../../../../../capsules/sha256/capsule.wasm");
const MANIFEST: &str = include_str!("../../../../../capsules/sha256/manifest.toml");

/// Longest input of a job of which nothing else is said: two blocks of SHA-256.
#[cfg(test)]
const INPUT_BYTES: usize = 64;

/// The SHA-256 capsule, signed for a devnet: by a key that anyone can derive, so that the same devnet has the same
/// capsule whenever it is started.
pub(super) fn capsule() -> Result<Package, Failure> {
    let seed = Sha256::digest(b"author of the devnet's sample capsule");
    Ok(builder::pack(
        MODULE,
        MANIFEST,
        &SigningKey::from_bytes(&seed.into()),
    )?)
}

/// Messages to hash, as many as there are jobs: those given, over and over, or else the examples of FIPS 180 and
/// texts of our own.
pub(super) fn inputs(given: &[String], jobs: usize) -> Vec<Vec<u8>> {
    const EXAMPLES: [&str; 3] = [
        "The quick brown fox jumps over the lazy dog",
        "abc",
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    ];
    let input = |job: usize| {
        if !given.is_empty() {
            return given[job % given.len()].clone();
        }
        EXAMPLES
            .get(job)
            .map_or_else(|| format!("message {job} of a devnet"), ToString::to_string)
    };
    (0..jobs).map(|job| input(job).into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sample_is_a_package_with_the_same_name_each_time() {
        let (one, other) = (capsule().expect("packs"), capsule().expect("packs"));
        assert_eq!(one.capsule_hash(), other.capsule_hash());
        assert_eq!(one.manifest().name, "sha256");
        assert!(Package::decode(one.bytes()).is_ok());
    }

    #[test]
    fn inputs_differ_and_are_short() {
        let inputs = inputs(&[], 100);
        assert!(inputs.iter().all(|input| input.len() <= INPUT_BYTES));
        assert_eq!(inputs.iter().collect::<BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn given_inputs_take_turns() {
        let given = ["a".to_owned(), "b".to_owned()];
        assert_eq!(inputs(&given, 3), [b"a", b"b", b"a"]);
    }
}
