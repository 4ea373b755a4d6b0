//! The package decoder, on bytes as they come and on the same bytes signed by their author.

use ed25519_dalek::{Signer as _, SigningKey};
use nonos_package::{Manifest, Package, Policy, instructions};

/// A decoded package is exactly the bytes it came from, and its parts pass by themselves.
fn holds(bytes: &[u8]) {
    let Ok(package) = Package::decode(bytes) else {
        return;
    };
    assert_eq!(package.bytes(), bytes);
    assert_eq!(
        &Manifest::parse(package.manifest_text()).expect("was accepted"),
        package.manifest()
    );
    assert_eq!(
        &Policy::from_bytes(&package.policy().to_bytes()).expect("was derived"),
        package.policy()
    );
    assert_eq!(
        &instructions::check(package.module()).expect("was accepted"),
        package.interface()
    );
}

/// Checks one input.
pub fn check(bytes: &[u8]) {
    holds(bytes);
    // Beyond the signature: the seeds in `corpus/package` name this key as their author's.
    if let Some((signed, _)) = bytes.split_last_chunk::<64>() {
        let signature = SigningKey::from_bytes(&[7; 32]).sign(signed).to_bytes();
        holds(&[signed, &signature].concat());
    }
}
