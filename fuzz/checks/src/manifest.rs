//! The readers of manifests and of the policies that they derive.

use nonos_package::{Manifest, Policy, limits};

/// Checks one input.
///
/// # Panics
/// If a reader is wrong.
pub fn check(bytes: &[u8]) {
    if let Ok(policy) = Policy::from_bytes(bytes) {
        assert_eq!(policy.to_bytes(), bytes);
    }
    let Some(text) = str::from_utf8(bytes)
        .ok()
        .filter(|it| it.len() <= limits::MANIFEST_BYTES)
    else {
        return;
    };
    if let Ok(manifest) = Manifest::parse(text) {
        // Whatever a manifest can say is a policy that its package can carry.
        let policy = manifest.policy();
        assert_eq!(Policy::from_bytes(&policy.to_bytes()).as_ref(), Ok(policy));
        assert_eq!(Manifest::parse(text).as_ref(), Ok(&manifest));
    }
}
