//! The sample capsules of this repository.

use ed25519_dalek::SigningKey;
use nonos_package::{Package, builder};
use std::{fs, path::Path};

#[test]
fn the_sample_capsules_can_be_packed() {
    for name in ["sha256", "sieve", "sum"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../capsules")
            .join(name);
        let wasm = fs::read(folder.join("capsule.wasm")).unwrap();
        let manifest = fs::read_to_string(folder.join("manifest.toml")).unwrap();
        let package = builder::pack(&wasm, &manifest, &SigningKey::from_bytes(&[7; 32])).unwrap();
        assert_eq!(Package::decode(package.bytes()).unwrap(), package);
        assert_eq!(package.manifest().name, name);
        assert!(
            package
                .interface()
                .imports
                .iter()
                .all(|call| package.policy().host.contains(*call)),
            "{name}"
        );
    }
}
