//! Packing: from a module, a manifest and the author's key to a package.

use crate::{
    Error, Package,
    error::Section,
    instructions, limits,
    manifest::{Draft, Manifest, PayloadHash},
    package::{MAGIC, VERSION},
};
use ed25519_dalek::{Signer as _, SigningKey};
use nonos_types::{ByteLen, CapsuleHash, NodeId};
use std::collections::BTreeSet;

/// Packs a module without dependencies; see [`Builder`].
///
/// # Errors
///
/// As [`Builder::sign`].
pub fn pack(wasm: &[u8], manifest: &str, key: &SigningKey) -> Result<Package, Error> {
    Builder::new(wasm, manifest).sign(key)
}

/// A package to be.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_package::{Error, Package, builder::Builder};
/// use nonos_types::CapsuleHash;
///
/// let wasm = wat::parse_str(r#"(module (func (export "main")))"#).expect("valid text");
/// let manifest = "[meta]\nname = \"reader\"\nversion = \"1.0.0\"\nauthor = \"Ada\"\n\
///     [exec]\nentry = \"main\"\n[resources]\nfuel = 10\nmem = \"64KiB\"\n";
/// let codec = CapsuleHash::hash(&[b"another package"]);
/// let package = Builder::new(&wasm, manifest).dependency(codec).sign(&SigningKey::from_bytes(&[7; 32]))?;
///
/// assert_eq!(package.dependencies(), [codec]);
/// assert_eq!(package, Package::decode(package.bytes())?);
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder<'a> {
    wasm: &'a [u8],
    manifest: &'a str,
    dependencies: BTreeSet<CapsuleHash>,
}

impl<'a> Builder<'a> {
    /// A package of this module and manifest. The manifest may lack `meta.author_key` and `exec.hash`.
    pub fn new(wasm: &'a [u8], manifest: &'a str) -> Self {
        Self {
            wasm,
            manifest,
            dependencies: BTreeSet::new(),
        }
    }

    /// Adds a capsule that this one needs.
    #[must_use]
    pub fn dependency(mut self, capsule: CapsuleHash) -> Self {
        self.dependencies.insert(capsule);
        self
    }

    /// Checks the parts, adds to the manifest what it lacks, and signs.
    ///
    /// # Errors
    ///
    /// Whatever would make [`Package::decode`] refuse the package, and [`Error::OtherAuthor`].
    pub fn sign(&self, key: &SigningKey) -> Result<Package, Error> {
        let author = NodeId::from_bytes(key.verifying_key().to_bytes());
        // Before the module is hashed: it may be of any size.
        instructions::check(self.wasm)?;
        let text = complete(self.manifest, author, PayloadHash::of(self.wasm))?;
        let manifest = Manifest::parse(&text)?;
        if manifest.author_key != author {
            return Err(Error::OtherAuthor);
        }
        let limit = limits::DEPENDENCIES * 32;
        let dependencies: Vec<u8> = self
            .dependencies
            .iter()
            .flat_map(|hash| hash.to_bytes())
            .collect();
        if dependencies.len() > limit {
            return Err(Error::SectionTooLong {
                offset: ByteLen::new(21),
                section: Section::Dependencies,
                actual: ByteLen::from(dependencies.len()),
                limit: ByteLen::from(limit),
            });
        }
        let policy = manifest.policy().to_bytes();

        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(length(text.len()).to_be_bytes());
        bytes.extend((self.wasm.len() as u64).to_be_bytes());
        bytes.extend(length(0).to_be_bytes());
        bytes.extend(length(dependencies.len()).to_be_bytes());
        bytes.extend(length(policy.len()).to_be_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(self.wasm);
        bytes.extend(dependencies);
        bytes.extend(policy);
        let signature = key.sign(&bytes);
        bytes.extend(signature.to_bytes());
        Package::decode(&bytes)
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).expect("the section's limit is below 2^32")
}

/// The manifest with `author_key` and `hash` added below the lines `[meta]` and `[exec]`, where they are
/// missing. The rest stays as written.
fn complete(manifest: &str, author: NodeId, hash: PayloadHash) -> Result<String, Error> {
    let draft = Draft::parse(manifest)?;
    let mut missing = Vec::new();
    if !draft.has_author_key() {
        missing.push(("[meta]", format!("author_key = \"{author}\"\n")));
    }
    if !draft.has_hash() {
        missing.push(("[exec]", format!("hash = \"{hash}\"\n")));
    }
    // Says now, with the author's own line numbers, what else is wrong.
    draft.complete(Some((author, hash)))?;
    let mut text = String::with_capacity(manifest.len() + 256);
    for line in manifest.split_inclusive('\n') {
        text += line;
        let header = line.split('#').next().unwrap_or_default().trim();
        if let Some(at) = missing.iter().position(|(table, _)| *table == header) {
            if !line.ends_with('\n') {
                text.push('\n');
            }
            text += &missing.remove(at).1;
        }
    }
    Ok(text)
}
