//! `operator capsule build`: from source or a built module, and a manifest, to a signed package; or back, to see whether a
//! package is what its source gives.

use crate::{
    commands::Context,
    failure::Failure,
    files, keys,
    output::{Table, say},
    sdk::{self, Made, SdkError, Take},
};
use nonos_link::Names;
use nonos_package::{Package, builder::Builder};
use nonos_types::{CapsuleHash, NodeId};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Packs `DIR/manifest.toml` with `DIR/capsule.wasm` or, where that is not there, with what the source in DIR compiles to: a
/// crate, files in C, or a module in text.
///
/// The same source gives the same capsule hash, in any directory, by the same compiler. A program for WASI (entry `_start`) gets
/// what it needs of WASI linked in. The manifest may leave out `meta.author_key` and `exec.hash`: they are added to what is packed.
#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// Directory with `manifest.toml`, and `capsule.wasm` or source.
    dir: PathBuf,
    /// The author's key: a file with 64 hexadecimal digits.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present_any = ["new_key", "check"],
        conflicts_with = "new_key"
    )]
    key: Option<PathBuf>,
    /// Makes a new key, which must not exist yet, and signs with it.
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
    /// A capsule that this one depends on: its messages can be read, and who runs this one has that one, too. May be given
    /// again.
    #[arg(long = "depends-on", value_name = "CAPSULE_HASH")]
    depends_on: Vec<CapsuleHash>,
    /// The package [default: NAME-VERSION.mod, here].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keeps the names of functions that a compiler gives, for `capsule explain`. They count in the hash.
    #[arg(long)]
    names: bool,
    /// Packs nothing: says whether this package is what the source in DIR gives. `capsule.wasm` is not looked at.
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["key", "new_key", "output", "depends_on"])]
    check: Option<PathBuf>,
}

#[derive(Serialize)]
struct Built {
    package: PathBuf,
    capsule_hash: CapsuleHash,
    author_key: NodeId,
    bytes: usize,
    /// The compiler and its version; `null` if the module was there.
    toolchain: Option<String>,
    /// WASI functions that were linked in.
    wasi: Vec<String>,
}

#[derive(Serialize)]
struct Checked {
    package: PathBuf,
    capsule_hash: CapsuleHash,
    reproduced: bool,
    toolchain: Option<String>,
}

impl Build {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let names = if self.names { Names::Keep } else { Names::Strip };
        if let Some(path) = &self.check {
            return self.check(path, names, context);
        }
        let made = sdk::make(&self.dir, Take::Any, names)?;
        let key = match (&self.key, &self.new_key) {
            (Some(path), _) => keys::read(path)?,
            (None, Some(path)) => keys::create(path)?,
            (None, None) => unreachable!("clap asks for one of them"),
        };
        if let Some(path) = &self.new_key {
            say(&format!(
                "new author's key in {}: keep it, and keep it to yourself",
                path.display()
            ));
        }
        let builder = Builder::new(&made.wasm, &made.manifest);
        let builder = self
            .depends_on
            .iter()
            .fold(builder, |it, capsule| it.dependency(*capsule));
        let package = builder.sign(&key)?;
        let said = package.manifest();
        let path = match &self.output {
            Some(path) => path.clone(),
            None => PathBuf::from(format!("{}-{}.mod", said.name, said.version)),
        };
        files::write(&path, package.bytes())?;
        let built = Built {
            package: path,
            capsule_hash: package.capsule_hash(),
            author_key: said.author_key,
            bytes: package.bytes().len(),
            toolchain: made.toolchain,
            wasi: made.wasi,
        };
        context.output.show(&built, || built.table())
    }

    fn check(&self, path: &Path, names: Names, context: &Context) -> Result<(), Failure> {
        let package = super::open(path)?;
        let made = sdk::make(&self.dir, Take::Source, names)?;
        let parts = differing(&package, &made);
        if !parts.is_empty() {
            let toolchain = made.toolchain;
            return Err(SdkError::NotReproduced { parts, toolchain }.into());
        }
        let checked = Checked {
            package: path.to_owned(),
            capsule_hash: package.capsule_hash(),
            reproduced: true,
            toolchain: made.toolchain,
        };
        context.output.show(&checked, || {
            vec![
                ("package", checked.package.display().to_string()),
                ("capsule hash", checked.capsule_hash.to_string()),
                ("reproduced", "yes: the source gives these bytes".to_owned()),
                ("compiled by", checked.toolchain.clone().unwrap_or_default()),
            ]
        })
    }
}

impl Built {
    fn table(&self) -> Table {
        let mut table = vec![
            ("package", self.package.display().to_string()),
            ("capsule hash", self.capsule_hash.to_string()),
            ("author key", self.author_key.to_string()),
            ("bytes", self.bytes.to_string()),
        ];
        table.extend(self.toolchain.iter().map(|it| ("compiled by", it.clone())));
        if !self.wasi.is_empty() {
            table.push(("linked in for WASI", self.wasi.join(", ")));
        }
        table
    }
}

/// Which parts of a package are not what the source gives. Its dependencies are not in the source, and its policy follows from
/// the manifest.
fn differing(package: &Package, made: &Made) -> Vec<&'static str> {
    let mut parts = Vec::new();
    if package.module() != made.wasm {
        parts.push("module");
    }
    if !is_completed(package, &made.manifest) {
        parts.push("manifest");
    }
    parts
}

/// Is the package's manifest this one, with what packing adds to it?
fn is_completed(package: &Package, manifest: &str) -> bool {
    let packed = package.manifest_text();
    let said = package.manifest();
    let added = [
        ("[meta]", format!("author_key = \"{}\"\n", said.author_key)),
        ("[exec]", format!("hash = \"{}\"\n", said.payload)),
    ];
    // Each line that is added stands right below the line of its table.
    let mut text = packed.to_owned();
    for (table, line) in &added {
        if !manifest.contains(line.trim_end()) {
            let mut rest = String::new();
            let mut was_table = false;
            for it in text.split_inclusive('\n') {
                if !(was_table && it == line) {
                    rest += it;
                }
                was_table = it.split('#').next().unwrap_or_default().trim() == *table;
            }
            text = rest;
        }
    }
    text == manifest
}
