//! The manifest: what its author says of a capsule. See `docs/spec/manifest.md`.

use crate::{
    Error,
    abi::{HostCall, HostSet},
    limits,
    policy::{Net, Policy},
};
use nonos_types::{Amount, BasisPoints, Fuel, NodeId, Pages};
use semver::Version;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use sha3::Sha3_512;
use std::fmt;
use toml::Spanned;

/// What its author says of a capsule.
///
/// ```
/// let manifest = nonos_package::Manifest::parse(&format!(
///     r#"
///     meta = {{ name = "adder", version = "1.0.0", author = "Ada", author_key = "{}" }}
///     exec = {{ entry = "main", hash = "sha256:{}" }}
///     resources = {{ fuel = 1000, mem = "64KiB" }}
///     host.calls = ["read", "write"]
///     "#,
///     "11".repeat(32),
///     "22".repeat(32),
/// ))?;
/// assert_eq!(manifest.policy().fuel.get(), 1000);
/// # Ok::<_, nonos_package::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `meta.name`: lowercase letters, digits and hyphens, beginning with a letter.
    pub name: String,
    /// `meta.version`.
    pub version: Version,
    /// `meta.author`: free text.
    pub author: String,
    /// `meta.author_key`: the key that signs the package.
    pub author_key: NodeId,
    /// `exec.hash`: of the payload.
    pub payload: PayloadHash,
    /// `fees`.
    pub fees: Fees,
    policy: Policy,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] with line and column.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Draft::parse(text)?.complete(None)
    }

    /// The policy that the manifest derives.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// What a run costs and who shares in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Price of a run.
    pub base: Amount,
    /// Part of it that goes to the seeders.
    pub seeders: BasisPoints,
    /// Part of it that goes to the verifiers.
    pub verifiers: BasisPoints,
}

/// The hash by which a manifest names its payload.
///
/// ```
/// use nonos_package::PayloadHash;
///
/// let hash = PayloadHash::of(b"a module");
/// assert!(hash.fits(b"a module") && !hash.fits(b"another"));
/// assert!(hash.to_string().starts_with("sha3-512:"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadHash {
    /// `sha3-512:…`
    Sha3([u8; 64]),
    /// `sha256:…`
    Sha256([u8; 32]),
}

impl PayloadHash {
    /// The SHA3-512 hash of a payload.
    pub fn of(payload: &[u8]) -> Self {
        Self::Sha3(Sha3_512::digest(payload).into())
    }

    /// Whether this is a hash of `payload`.
    pub fn fits(&self, payload: &[u8]) -> bool {
        match self {
            Self::Sha3(hash) => Sha3_512::digest(payload)[..] == hash[..],
            Self::Sha256(hash) => Sha256::digest(payload)[..] == hash[..],
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (algorithm, digits) = text.split_once(':')?;
        if digits.bytes().any(|digit| digit.is_ascii_uppercase()) {
            return None;
        }
        let bytes = hex::decode(digits).ok()?;
        match algorithm {
            "sha3-512" => Some(Self::Sha3(bytes.try_into().ok()?)),
            "sha256" => Some(Self::Sha256(bytes.try_into().ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha3(hash) => write!(f, "sha3-512:{}", hex::encode(hash)),
            Self::Sha256(hash) => write!(f, "sha256:{}", hex::encode(hash)),
        }
    }
}

impl fmt::Debug for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A manifest that may still lack the author's key and the payload's hash, which packing adds.
pub(crate) struct Draft<'a> {
    text: &'a str,
    document: Document,
}

impl<'a> Draft<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Error> {
        if text.len() > limits::MANIFEST_BYTES {
            let detail = format!("longer than {} bytes", limits::MANIFEST_BYTES);
            return Err(error_at(text, limits::MANIFEST_BYTES, detail));
        }
        let document = toml::from_str(text).map_err(|error: toml::de::Error| {
            error_at(
                text,
                error.span().map_or(0, |span| span.start),
                error.message().to_owned(),
            )
        })?;
        Ok(Self { text, document })
    }

    pub(crate) fn has_author_key(&self) -> bool {
        self.document.meta.get_ref().author_key.is_some()
    }

    pub(crate) fn has_hash(&self) -> bool {
        self.document.exec.get_ref().hash.is_some()
    }

    /// The manifest; `missing` stands in for the author's key and the payload's hash.
    pub(crate) fn complete(self, missing: Option<(NodeId, PayloadHash)>) -> Result<Manifest, Error> {
        let text = self.text;
        let Document {
            meta,
            exec,
            resources,
            host,
            fees,
            requires_poi,
        } = self.document;
        let absent = |table: usize, key| error_at(text, table, format!("missing field `{key}`"));
        let (meta_start, exec_start) = (meta.span().start, exec.span().start);
        let (meta, exec) = (meta.into_inner(), exec.into_inner());

        let name = read(
            text,
            &meta.name,
            "lowercase letters, digits and hyphens",
            |name: &String| {
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                let short = name.len() <= limits::NAME_BYTES;
                (short && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(allowed))
                    .then(|| name.clone())
            },
        )?;
        let version = read(text, &meta.version, "a semantic version", |text| {
            Version::parse(text).ok()
        })?;
        let author = read(
            text,
            &meta.author,
            "1 to 128 bytes without control characters",
            |author| label(author),
        )?;
        let author_key = match (&meta.author_key, &missing) {
            (Some(key), _) => read(text, key, "64 lowercase hex digits", |key| key.parse().ok())?,
            (None, Some((key, _))) => *key,
            (None, None) => return Err(absent(meta_start, "author_key")),
        };
        let entry = read(
            text,
            &exec.entry,
            "1 to 128 bytes without control characters",
            |author| label(author),
        )?;
        let payload = match (&exec.hash, &missing) {
            (Some(hash), _) => read(
                text,
                hash,
                "`sha3-512:` or `sha256:` and lowercase hex digits",
                |hash| PayloadHash::parse(hash),
            )?,
            (None, Some((_, hash))) => *hash,
            (None, None) => return Err(absent(exec_start, "hash")),
        };
        let fuel = |fuel: &u64| (1..=limits::FUEL.get()).contains(fuel).then(|| Fuel::new(*fuel));
        let mut calls = HostSet::EMPTY;
        for call in &host.calls {
            let call = read(text, call, "a host call, listed once", |name| {
                HostCall::from_name(name).filter(|call| !calls.contains(*call))
            })?;
            calls = calls.with(call);
        }
        let policy = Policy {
            fuel: read(text, &resources.fuel, "1 to 2^40", fuel)?,
            max_pages: read(
                text,
                &resources.mem,
                "a multiple of 64KiB in KiB, MiB or GiB, at most 2GiB",
                |mem| pages(mem),
            )?,
            net: match &resources.net {
                None => Net::default(),
                Some(net) => read(text, net, "`mesh-only` or `none`", |net| match net.as_str() {
                    "mesh-only" => Some(Net::MeshOnly),
                    "none" => Some(Net::None),
                    _ => None,
                })?,
            },
            host: calls,
            entry,
            checkpoint_every: match &resources.checkpoint_every {
                None => None,
                Some(every) => Some(read(text, every, "1 to 2^40", fuel)?),
            },
            requires_poi,
        };
        let fees = fees.map_or(Ok(Fees::default()), |fees| fees.read(text))?;
        Ok(Manifest {
            name,
            version,
            author,
            author_key,
            payload,
            fees,
            policy,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    meta: Spanned<MetaTable>,
    exec: Spanned<ExecTable>,
    resources: ResourcesTable,
    #[serde(default)]
    host: HostTable,
    fees: Option<FeesTable>,
    #[serde(default)]
    requires_poi: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetaTable {
    name: Spanned<String>,
    version: Spanned<String>,
    author: Spanned<String>,
    author_key: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExecTable {
    entry: Spanned<String>,
    hash: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourcesTable {
    fuel: Spanned<u64>,
    mem: Spanned<String>,
    net: Option<Spanned<String>>,
    checkpoint_every: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostTable {
    #[serde(default)]
    calls: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeesTable {
    base: Spanned<String>,
    share_seeders: Option<Spanned<u16>>,
    share_verifiers: Option<Spanned<u16>>,
}

impl FeesTable {
    fn read(&self, text: &str) -> Result<Fees, Error> {
        let base = read(text, &self.base, "an amount such as `0.0001 NONOS`", |base| {
            base.parse().ok()
        })?;
        let mut left = BasisPoints::WHOLE.get();
        let mut share = |points: &Option<Spanned<u16>>| match points {
            None => Ok(BasisPoints::default()),
            Some(points) => read(
                text,
                points,
                "basis points; all shares together at most 10000",
                |points| {
                    left = left.checked_sub(*points)?;
                    BasisPoints::new(*points)
                },
            ),
        };
        Ok(Fees {
            base,
            seeders: share(&self.share_seeders)?,
            verifiers: share(&self.share_verifiers)?,
        })
    }
}

/// Reads one value; `expected` says what it should have been.
fn read<T, U>(
    text: &str,
    value: &Spanned<T>,
    expected: &str,
    mut read: impl FnMut(&T) -> Option<U>,
) -> Result<U, Error> {
    read(value.get_ref()).ok_or_else(|| error_at(text, value.span().start, format!("expected {expected}")))
}

fn label(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= limits::NAME_BYTES && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

fn pages(text: &str) -> Option<Pages> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unit: u64 = match &text[digits.len()..] {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    let page = Pages::SIZE.get();
    let pages = Pages::new(u32::try_from(bytes / page).ok()?);
    (bytes % page == 0 && pages <= limits::PAGES).then_some(pages)
}

fn error_at(text: &str, offset: usize, detail: String) -> Error {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Error::Manifest { line, column, detail }
}
