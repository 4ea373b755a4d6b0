//! `operator key restore`.

use super::{Context, backup::head};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{joined, say},
    passphrase::{self, PassphraseArgs, known_from},
};
use nonos_node::Config;
use nonos_trust::keystore::{self, Backup, Cost};
use nonos_types::Timestamp;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Restore {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// A backup.
    #[arg(value_name = "FILE", group = "what")]
    file: Option<PathBuf>,
    /// File with the passphrase of the backup, mode 0600 [default: asks].
    #[arg(long, value_name = "FILE", requires = "file")]
    backup_passphrase_file: Option<PathBuf>,
    /// Asks for 24 words.
    #[arg(long, group = "what")]
    words: bool,
    /// File with 24 words, mode 0600.
    #[arg(long, value_name = "FILE", group = "what")]
    words_file: Option<PathBuf>,
    /// Name of the network, where words are restored, which do not say it [default: nonos-main].
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    network: Option<String>,
    /// Multiaddr of a peer to keep connected to, where words are restored; may be given again.
    #[arg(long, value_name = "ADDR", conflicts_with = "file")]
    peer: Vec<String>,
}

impl Restore {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let data = self.data.path()?;
        let backup = match &self.file {
            Some(file) => {
                let bytes = read(file)?;
                let label = Backup::label(&bytes)?;
                say(&format!("backup of node {}", label.node));
                Backup::open(
                    &bytes,
                    &known_from(
                        self.backup_passphrase_file.as_deref(),
                        "Passphrase of the backup: ",
                    )?,
                )?
            }
            None => self.of_words()?,
        };
        let passphrase = self.passphrase.chosen()?;
        let restored = nonos_node::restore(&data, &backup, &passphrase, Cost::DEFAULT)?;
        context.output.show(&restored, || {
            vec![
                ("node", restored.node.to_string()),
                ("data directory", data.display().to_string()),
                ("newest entry known", head(restored.known)),
                (
                    "left as they were",
                    joined(restored.kept.iter().map(|it| it.display())),
                ),
            ]
        })?;
        say(
            "the books are not in it. Next, with the same --data: `operator run --old-books`, and when peers are connected \
             `operator ledger resume`, which goes on in a new incarnation. Before that nothing is signed",
        );
        say("let no other node use this key");
        Ok(())
    }

    fn of_words(&self) -> Result<Backup, Failure> {
        let text = match &self.words_file {
            Some(file) => passphrase::read(file)?,
            None => passphrase::ask("The 24 words: ")?,
        };
        let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
        let identity = keystore::from_words(&text)?;
        let mut settings = Vec::new();
        if let Some(network) = &self.network {
            settings.push(("", "network", toml::Value::from(network.as_str()).to_string()));
        }
        if !self.peer.is_empty() {
            settings.push(("", "peers", toml::Value::from(self.peer.clone()).to_string()));
        }
        let config = Config::default_text_with(&settings);
        Config::parse(&config)?;
        Ok(Backup {
            identity,
            // A configuration that is there knows it better.
            network: self.network.clone().unwrap_or_default(),
            head: None,
            config,
            account: Vec::new(),
            made: Timestamp::new(0),
        })
    }
}

/// A backup's bytes.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read(file, Backup::MAX.get())
}
