//! The package's bytes.

use crate::manifest::TEXT;
use ed25519_dalek::{Signer as _, SigningKey};
use nonos_package::{
    Error, Package, Policy, Section,
    builder::{self, Builder},
    instructions, limits,
};
use nonos_types::{ByteLen, CapsuleHash, Pages};
use proptest::prelude::*;

const GOLDEN: &[u8] = include_bytes!("../golden/minimal.mod");
const MANIFEST: &str = r#"[meta]
name = "minimal"
version = "1.0.0"
author = "Ada"

[exec] # the key and the hash are added
entry = "main"

[resources]
fuel = 1000
mem = "64KiB"

[host]
calls = ["exit"]
"#;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn wasm() -> Vec<u8> {
    let text = r#"(module (import "nonos" "exit" (func (param i32))) (memory 1)
        (func (export "main") (call 0 (i32.const 3))))"#;
    wat::parse_str(text).unwrap()
}

fn minimal() -> Package {
    builder::pack(&wasm(), MANIFEST, &key()).unwrap()
}

/// A package's parts, each of which a test can spoil before it is signed.
struct Parts {
    manifest: Vec<u8>,
    payload: Vec<u8>,
    proof: Vec<u8>,
    dependencies: Vec<u8>,
    policy: Vec<u8>,
}

impl Parts {
    fn good() -> Self {
        let package = minimal();
        Self {
            manifest: package.manifest_text().into(),
            payload: package.module().into(),
            proof: Vec::new(),
            dependencies: Vec::new(),
            policy: package.policy().to_bytes(),
        }
    }

    fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let Self {
            manifest,
            payload,
            proof,
            dependencies,
            policy,
        } = self;
        let mut bytes = b"NONO\x01".to_vec();
        bytes.extend((manifest.len() as u32).to_be_bytes());
        bytes.extend((payload.len() as u64).to_be_bytes());
        for section in [proof, dependencies, policy] {
            bytes.extend((section.len() as u32).to_be_bytes());
        }
        for section in [manifest, payload, proof, dependencies, policy] {
            bytes.extend(section);
        }
        let signature = key.sign(&bytes);
        bytes.extend(signature.to_bytes());
        bytes
    }

    fn refused(&self) -> Error {
        Package::decode(&self.sign(&key())).unwrap_err()
    }
}

#[test]
fn the_bytes_are_those_of_the_specification() {
    let package = minimal();
    assert_eq!(package.bytes(), GOLDEN);
    assert_eq!(
        package.capsule_hash().to_string(),
        "2ea1a88b09a2658c96477b0b65239a291e85f3397b167ee2469b228faa9ce571"
    );
    assert_eq!(Parts::good().sign(&key()), GOLDEN);
}

#[test]
fn decoding_gives_back_what_was_packed() {
    let dependencies = [9, 1, 5].map(|byte| CapsuleHash::from_bytes([byte; 32]));
    let (wasm, key) = (wasm(), key());
    let mut builder = Builder::new(&wasm, MANIFEST);
    for dependency in dependencies {
        builder = builder.dependency(dependency).dependency(dependency);
    }
    let package = Package::decode(builder.sign(&key).unwrap().bytes()).unwrap();
    assert_eq!(package.module(), wasm);
    assert_eq!(
        package.dependencies(),
        [dependencies[1], dependencies[2], dependencies[0]]
    );
    assert_eq!(
        package.manifest().author_key.as_bytes(),
        key.verifying_key().as_bytes()
    );
    assert_eq!(package.policy(), package.manifest().policy());
    assert_eq!(package.interface(), &instructions::check(&wasm).unwrap());
    assert_ne!(package.capsule_hash(), minimal().capsule_hash());
}

#[test]
fn packing_adds_what_the_manifest_lacks_and_keeps_the_rest() {
    let text = minimal().manifest_text().to_owned();
    let kept: String = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("author_key") && !line.starts_with("hash"))
        .collect();
    assert_eq!(kept, MANIFEST);
    // What is complete stays as it is.
    let again = builder::pack(&wasm(), &text, &key()).unwrap();
    assert_eq!(again.manifest_text(), text);
}

#[test]
fn refuses_to_pack_for_another_author_or_payload() {
    let (package, other) = (minimal(), SigningKey::from_bytes(&[8; 32]));
    let text = package.manifest_text();
    assert_eq!(builder::pack(&wasm(), text, &other), Err(Error::OtherAuthor));
    let nop = wat::parse_str(r#"(module (func (export "main") nop))"#).unwrap();
    assert_eq!(builder::pack(&nop, text, &key()), Err(Error::PayloadHash));
}

#[test]
fn says_which_key_to_add_where_it_cannot_add_it() {
    let inline = MANIFEST
        .replace("[exec] # the key and the hash are added\nentry = \"main\"\n", "")
        .replace("[meta]", "exec = { entry = \"main\" }\n[meta]");
    let Err(Error::Manifest { line, detail, .. }) = builder::pack(&wasm(), &inline, &key()) else {
        panic!("packed")
    };
    assert_eq!((line, detail.contains("`hash`")), (1, true), "{detail}");
}

#[test]
fn refuses_any_flipped_bit() {
    for at in 0..GOLDEN.len() * 8 {
        let mut bytes = GOLDEN.to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(Package::decode(&bytes).is_err(), "bit {at}");
    }
}

#[test]
fn refuses_truncation_at_every_offset() {
    for end in 0..GOLDEN.len() {
        match Package::decode(&GOLDEN[..end]) {
            Err(Error::Truncated { offset, needed, .. }) => {
                assert_eq!(offset, ByteLen::from(end));
                assert!(needed > offset);
            }
            other => panic!("{end}: {other:?}"),
        }
    }
}

#[test]
fn refuses_trailing_bytes() {
    let bytes = [GOLDEN, b"xy"].concat();
    let (offset, count) = (ByteLen::from(GOLDEN.len()), ByteLen::new(2));
    assert_eq!(
        Package::decode(&bytes),
        Err(Error::TrailingBytes { offset, count })
    );
}

#[test]
fn refuses_another_magic_and_another_version() {
    let mut bytes = GOLDEN.to_vec();
    bytes[4] = 2;
    assert_eq!(
        Package::decode(&bytes),
        Err(Error::UnknownVersion {
            offset: ByteLen::new(4),
            version: 2
        })
    );
    bytes[0] = b'M';
    assert_eq!(Package::decode(&bytes), Err(Error::BadMagic));
    assert_eq!(Package::decode(b"ONON"), Err(Error::BadMagic));
}

#[test]
fn refuses_a_length_beyond_the_limit_from_the_header_alone() {
    for (at, width, section) in [
        (5, 4, Section::Manifest),
        (9, 8, Section::Payload),
        (17, 4, Section::Proof),
        (21, 4, Section::Dependencies),
        (25, 4, Section::Policy),
    ] {
        let mut header = GOLDEN[..29].to_vec();
        header[at..at + width].fill(0xff);
        match Package::decode(&header) {
            Err(Error::SectionTooLong {
                offset,
                section: named,
                ..
            }) => {
                assert_eq!((offset, named), (ByteLen::from(at), section));
            }
            other => panic!("{section}: {other:?}"),
        }
    }
}

#[test]
fn refuses_a_proof_section_in_version_1() {
    let parts = Parts {
        proof: vec![1],
        ..Parts::good()
    };
    assert!(matches!(
        parts.refused(),
        Error::SectionTooLong {
            section: Section::Proof,
            ..
        }
    ));
}

#[test]
fn refuses_a_signature_by_another_key() {
    let bytes = Parts::good().sign(&SigningKey::from_bytes(&[8; 32]));
    let offset = ByteLen::from(bytes.len() - 64);
    assert_eq!(Package::decode(&bytes), Err(Error::BadSignature { offset }));
}

#[test]
fn refuses_author_keys_that_anyone_could_sign_for() {
    let good = key().verifying_key();
    let good = hex::encode(good.as_bytes());
    // A point of small order, the identity, and no point at all.
    for bad in [
        format!("{:0<64}", ""),
        format!("{:0<64}", "01"),
        format!("{:0<64}", "02"),
    ] {
        let manifest = String::from_utf8(Parts::good().manifest)
            .unwrap()
            .replace(&good, &bad);
        let parts = Parts {
            manifest: manifest.into(),
            ..Parts::good()
        };
        assert_eq!(parts.refused(), Error::BadAuthorKey, "{bad}");
    }
}

#[test]
fn refuses_a_dependency_map_that_is_not_sorted_unique_whole_hashes() {
    let start = 29 + Parts::good().manifest.len() + Parts::good().payload.len();
    for (entries, at) in [
        (vec![[2; 32].to_vec(), [1; 32].to_vec()], 1),
        (vec![[1; 32].to_vec(), [2; 32].to_vec(), [2; 32].to_vec()], 2),
        (vec![[1; 32].to_vec(), [2; 31].to_vec()], 1),
    ] {
        let parts = Parts {
            dependencies: entries.concat(),
            ..Parts::good()
        };
        assert_eq!(
            parts.refused(),
            Error::BadDependencies {
                offset: ByteLen::from(start + 32 * at)
            }
        );
    }
}

#[test]
fn refuses_a_manifest_that_is_not_utf8() {
    let mut parts = Parts::good();
    parts.manifest[3] = 0xff;
    assert_eq!(
        parts.refused(),
        Error::NotUtf8 {
            offset: ByteLen::new(32)
        }
    );
}

#[test]
fn refuses_a_manifest_with_an_unknown_key() {
    let mut parts = Parts::good();
    parts.manifest.extend(b"[fes]\n");
    assert!(
        matches!(
            parts.refused(),
            Error::Manifest {
                line: 17,
                column: 2,
                ..
            }
        ),
        "{:?}",
        parts.refused()
    );
}

#[test]
fn refuses_a_payload_that_is_not_the_one_of_the_manifest() {
    let payload = wat::parse_str(r#"(module (func (export "main")))"#).unwrap();
    assert_eq!(
        Parts {
            payload,
            ..Parts::good()
        }
        .refused(),
        Error::PayloadHash
    );
}

#[test]
fn refuses_a_policy_that_the_manifest_does_not_derive() {
    let mut policy = Policy::from_bytes(&Parts::good().policy).unwrap();
    policy.fuel = nonos_types::Fuel::new(1001);
    let parts = Parts {
        policy: policy.to_bytes(),
        ..Parts::good()
    };
    let start = 29 + parts.manifest.len() + parts.payload.len();
    assert_eq!(
        parts.refused(),
        Error::PolicyMismatch {
            offset: ByteLen::from(start + 1)
        }
    );
    let parts = Parts {
        policy: Vec::new(),
        ..Parts::good()
    };
    assert_eq!(
        parts.refused(),
        Error::PolicyMismatch {
            offset: ByteLen::from(start)
        }
    );
}

#[test]
fn refuses_a_module_that_cannot_be_a_capsule() {
    let pack = |text: &str| builder::pack(&wat::parse_str(text).unwrap(), MANIFEST, &key());
    let float = r#"(module (func (export "main") f64.const 0 drop))"#;
    assert!(matches!(
        pack(float),
        Err(Error::Module(instructions::Error::Opcode { .. }))
    ));
    let import = r#"(module (import "env" "f" (func)) (func (export "main")))"#;
    assert!(matches!(
        pack(import),
        Err(Error::Module(instructions::Error::Import { .. }))
    ));
    let entry = r#"(module (func (export "start")) (memory (export "main") 1))"#;
    assert_eq!(
        pack(entry),
        Err(Error::NoEntry {
            entry: "main".to_owned()
        })
    );
    let memory = r#"(module (func (export "main")) (memory 2))"#;
    let (initial, granted) = (Pages::new(2), Pages::new(1));
    assert_eq!(pack(memory), Err(Error::MemoryTooLarge { initial, granted }));
    // The same when someone signs such a package all the same.
    let payload = wat::parse_str(float).unwrap();
    let good = Parts::good();
    let (old, new) = (
        nonos_package::PayloadHash::of(&good.payload),
        nonos_package::PayloadHash::of(&payload),
    );
    let manifest = String::from_utf8(good.manifest.clone())
        .unwrap()
        .replace(&old.to_string(), &new.to_string());
    let parts = Parts {
        manifest: manifest.into(),
        payload,
        ..good
    };
    assert!(matches!(
        parts.refused(),
        Error::Module(instructions::Error::Opcode { .. })
    ));
}

#[test]
fn accepts_a_payload_named_by_sha256() {
    use sha2::Digest as _;
    let digest = hex::encode(sha2::Sha256::digest(wasm()));
    let manifest = MANIFEST.replace("entry = ", &format!("hash = \"sha256:{digest}\"\nentry = "));
    builder::pack(&wasm(), &manifest, &key()).unwrap();
}

#[test]
fn refuses_too_many_dependencies() {
    let wasm = wasm();
    let mut builder = Builder::new(&wasm, MANIFEST);
    for index in 0..=limits::DEPENDENCIES as u32 {
        builder = builder.dependency(CapsuleHash::hash(&[&index.to_le_bytes()]));
    }
    let error = builder.sign(&key()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::SectionTooLong {
                section: Section::Dependencies,
                ..
            }
        ),
        "{error:?}"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), lens in prop::array::uniform5(0..60u32)) {
        let [manifest, payload, proof, dependencies, policy] = lens;
        let mut package = b"NONO\x01".to_vec();
        package.extend(manifest.to_be_bytes());
        package.extend(u64::from(payload).to_be_bytes());
        for len in [proof, dependencies, policy] {
            package.extend(len.to_be_bytes());
        }
        package.extend(bytes);
        prop_assert!(Package::decode(&package).is_err());
    }

    #[test]
    fn a_signed_package_with_any_manifest_is_decoded_or_refused(from in 0..600usize, insert in "[a-z\\[\\]=\"\n#0-9]{0,12}") {
        let mut manifest = TEXT.replace("AUTHOR", &hex::encode(key().verifying_key().as_bytes()));
        manifest.insert_str(from.min(manifest.len()), &insert);
        let parts = Parts { manifest: manifest.into(), ..Parts::good() };
        // Its hash is all zero, so it is refused at the latest there.
        prop_assert!(Package::decode(&parts.sign(&key())).is_err());
    }
}
