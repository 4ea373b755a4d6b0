//! The `.mod` package: header, sections, trailer. See `docs/spec/package.md`.

use crate::{
    Error, Manifest, Policy,
    error::Section,
    instructions::{self, Module},
    limits,
};
use ed25519_dalek::{Signature, VerifyingKey};
use nonos_types::{ByteLen, CapsuleHash};
use std::ops::Range;

pub(crate) const MAGIC: [u8; 4] = *b"NONO";
pub(crate) const VERSION: u8 = 1;
/// Magic, version, and the lengths of manifest, payload, proof, dependency map and policy.
const HEADER: usize = 29;
const SIGNATURE: usize = 64;
const HASH: usize = 32;

/// A package that has passed every check: format, author's signature, payload hash, policy, module.
///
/// ```
/// use nonos_package::{Error, Package, builder};
/// use ed25519_dalek::SigningKey;
///
/// let wasm = wat::parse_str(r#"(module (func (export "main")))"#).expect("valid text");
/// let manifest = r#"
///     [meta]
///     name = "nothing"
///     version = "1.0.0"
///     author = "Ada"
///     [exec]
///     entry = "main"
///     [resources]
///     fuel = 1000
///     mem = "0KiB"
/// "#;
/// let package = builder::pack(&wasm, manifest, &SigningKey::from_bytes(&[7; 32]))?;
/// assert_eq!(Package::decode(package.bytes())?.capsule_hash(), package.capsule_hash());
///
/// let mut forged = package.bytes().to_vec();
/// forged[40] ^= 1;
/// assert!(Package::decode(&forged).is_err());
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    bytes: Vec<u8>,
    layout: Layout,
    manifest: Manifest,
    dependencies: Vec<CapsuleHash>,
    interface: Module,
    hash: CapsuleHash,
}

impl Package {
    /// Decodes and checks a package. Nothing is allocated before the lengths that the header claims are
    /// known to be those of `bytes`.
    ///
    /// # Errors
    ///
    /// An [`Error`] that names the first thing that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let layout = Layout::read(bytes)?;
        let manifest =
            std::str::from_utf8(&bytes[layout.manifest.clone()]).map_err(|error| Error::NotUtf8 {
                offset: ByteLen::from(layout.manifest.start + error.valid_up_to()),
            })?;
        let manifest = Manifest::parse(manifest)?;

        let (signed, signature) = bytes.split_at(layout.end());
        let key = VerifyingKey::from_bytes(manifest.author_key.as_bytes())
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or(Error::BadAuthorKey)?;
        let bad_signature = Error::BadSignature {
            offset: ByteLen::from(layout.end()),
        };
        let signature = Signature::from_slice(signature).map_err(|_| bad_signature.clone())?;
        key.verify_strict(signed, &signature).map_err(|_| bad_signature)?;

        let dependencies = dependencies(bytes, &layout.dependencies)?;
        let payload = &bytes[layout.payload.clone()];
        if !manifest.payload.fits(payload) {
            return Err(Error::PayloadHash);
        }
        let policy = manifest.policy();
        let (written, derived) = (&bytes[layout.policy.clone()], policy.to_bytes());
        if written != derived {
            let same = written.iter().zip(&derived).take_while(|(a, b)| a == b).count();
            return Err(Error::PolicyMismatch {
                offset: ByteLen::from(layout.policy.start + same),
            });
        }
        let interface = instructions::check(payload)?;
        policy.check(&interface)?;
        let hash = CapsuleHash::hash(&[signed]);
        Ok(Self {
            bytes: bytes.to_vec(),
            layout,
            manifest,
            dependencies,
            interface,
            hash,
        })
    }

    /// The package as it is stored and sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Names the capsule: the digest of everything but the trailer.
    pub fn capsule_hash(&self) -> CapsuleHash {
        self.hash
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest as its author wrote it.
    pub fn manifest_text(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.layout.manifest.clone()]).expect("decode has checked it")
    }

    /// The policy, derived from the manifest.
    pub fn policy(&self) -> &Policy {
        self.manifest.policy()
    }

    /// The wasm module.
    pub fn module(&self) -> &[u8] {
        &self.bytes[self.layout.payload.clone()]
    }

    /// What the module declares.
    pub fn interface(&self) -> &Module {
        &self.interface
    }

    /// The capsules this one needs, ascending.
    pub fn dependencies(&self) -> &[CapsuleHash] {
        &self.dependencies
    }
}

/// Where the sections are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    manifest: Range<usize>,
    payload: Range<usize>,
    dependencies: Range<usize>,
    policy: Range<usize>,
}

impl Layout {
    /// Reads the header of a whole package.
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let truncated = |section, needed| Error::Truncated {
            offset: ByteLen::from(bytes.len()),
            section,
            needed: ByteLen::from(needed),
        };
        let magic = bytes.get(..4).ok_or_else(|| truncated(Section::Header, HEADER))?;
        if magic != MAGIC {
            return Err(Error::BadMagic);
        }
        match bytes.get(4) {
            Some(&VERSION) => {}
            Some(&version) => {
                return Err(Error::UnknownVersion {
                    offset: ByteLen::new(4),
                    version,
                });
            }
            None => return Err(truncated(Section::Header, HEADER)),
        }
        if bytes.len() < HEADER {
            return Err(truncated(Section::Header, HEADER));
        }
        let u32_at =
            |at: usize| u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes")));
        let u64_at = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let mut end = HEADER;
        let mut section = |section, at: usize, len: u64, limit: usize| {
            let fits = usize::try_from(len).ok().filter(|len| *len <= limit);
            let Some(len) = fits else {
                let (offset, actual) = (ByteLen::from(at), ByteLen::new(len));
                return Err(Error::SectionTooLong {
                    offset,
                    section,
                    actual,
                    limit: ByteLen::from(limit),
                });
            };
            let range = end..end + len;
            end = range.end;
            Ok((section, range))
        };
        let sections = [
            section(Section::Manifest, 5, u32_at(5), limits::MANIFEST_BYTES)?,
            section(Section::Payload, 9, u64_at(9), limits::MODULE_BYTES)?,
            section(Section::Proof, 17, u32_at(17), 0)?,
            section(Section::Dependencies, 21, u32_at(21), limits::DEPENDENCIES * HASH)?,
            section(Section::Policy, 25, u32_at(25), limits::POLICY_BYTES)?,
            (Section::Trailer, end..end + SIGNATURE),
        ];
        if let Some((section, range)) = sections.iter().find(|(_, range)| range.end > bytes.len()) {
            return Err(truncated(*section, range.end));
        }
        let [
            (_, manifest),
            (_, payload),
            _,
            (_, dependencies),
            (_, policy),
            (_, trailer),
        ] = sections;
        if trailer.end < bytes.len() {
            let count = ByteLen::from(bytes.len() - trailer.end);
            return Err(Error::TrailingBytes {
                offset: ByteLen::from(trailer.end),
                count,
            });
        }
        Ok(Self {
            manifest,
            payload,
            dependencies,
            policy,
        })
    }

    /// Where the sections end and the trailer begins.
    fn end(&self) -> usize {
        self.policy.end
    }
}

fn dependencies(bytes: &[u8], range: &Range<usize>) -> Result<Vec<CapsuleHash>, Error> {
    let (entries, rest) = bytes[range.clone()].as_chunks::<HASH>();
    let bad = |index: usize| Error::BadDependencies {
        offset: ByteLen::from(range.start + index * HASH),
    };
    if let Some(index) = entries.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(bad(index + 1));
    }
    if !rest.is_empty() {
        return Err(bad(entries.len()));
    }
    Ok(entries.iter().copied().map(CapsuleHash::from_bytes).collect())
}
