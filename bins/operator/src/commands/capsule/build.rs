//! `operator capsule build`: from a built module and a manifest to a signed package.

use crate::{commands::Context, failure::Failure, files, keys, output::say};
use nonos_package::{builder::Builder, limits};
use nonos_types::{CapsuleHash, NodeId};
use serde::Serialize;
use std::path::PathBuf;

/// Packs `DIR/manifest.toml` and `DIR/capsule.wasm`.
///
/// The manifest may leave out `meta.author_key` and `exec.hash`: they are added to what is packed.
#[derive(Debug, clap::Args)]
pub(crate) struct Build {
    /// Directory with `manifest.toml` and `capsule.wasm`.
    dir: PathBuf,
    /// The author's key: a file with 64 hexadecimal digits.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "new_key",
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
}

#[derive(Serialize)]
struct Built {
    package: PathBuf,
    capsule_hash: CapsuleHash,
    author_key: NodeId,
    bytes: usize,
}

impl Build {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let manifest = files::read_text(&self.dir.join("manifest.toml"), limits::MANIFEST_BYTES as u64)?;
        let wasm = files::read(&self.dir.join("capsule.wasm"), limits::MODULE_BYTES as u64)?;
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
        let builder = Builder::new(&wasm, &manifest);
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
        };
        context.output.show(&built, || {
            vec![
                ("package", built.package.display().to_string()),
                ("capsule hash", built.capsule_hash.to_string()),
                ("author key", built.author_key.to_string()),
                ("bytes", built.bytes.to_string()),
            ]
        })
    }
}
