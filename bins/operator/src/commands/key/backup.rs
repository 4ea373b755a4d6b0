//! `operator key backup`.

use super::{Context, fresh};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    files,
    output::{say, utc},
    passphrase::{PassphraseArgs, chosen_from},
};
use nonos_node::DataDir;
use nonos_trust::keystore::{self, Cost};
use nonos_types::{FeedHead, NodeId, Timestamp};
use serde::Serialize;
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Backup {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// New file for the backup, mode 0600; one that is there stays as it is.
    #[arg(long, short, value_name = "FILE", group = "what")]
    output: Option<PathBuf>,
    /// File with the passphrase of the backup, mode 0600 [default: asks].
    #[arg(long, value_name = "FILE", requires = "output")]
    backup_passphrase_file: Option<PathBuf>,
    /// Shows the key as 24 words, on a terminal only. They restore the key, and not how far its books went.
    #[arg(long, group = "what")]
    words: bool,
    /// Writes the 24 words to a new file, mode 0600, not encrypted.
    #[arg(long, value_name = "FILE", group = "what")]
    words_to: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    node: NodeId,
    file: PathBuf,
    network: String,
    head: Option<FeedHead>,
    has_account: bool,
    made: Timestamp,
}

#[derive(Serialize)]
struct Words<'a> {
    node: NodeId,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'a str>,
}

impl Backup {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        if self.words && !io::stdout().is_terminal() {
            return Err(Failure::WordsNotShown);
        }
        for file in [&self.output, &self.words_to].into_iter().flatten() {
            // Before a passphrase is asked for.
            files::refuse_existing(file)?;
        }
        let data = self.data.path()?;
        DataDir::format(&data)?;
        let identity = keystore::open(&DataDir::keystore_in(&data), &self.passphrase.known()?)?;
        match &self.output {
            Some(file) => self.encrypted(context, &data, file, identity),
            None => self.in_words(context, &identity),
        }
    }

    fn encrypted(
        &self,
        context: &Context,
        data: &Path,
        file: &Path,
        identity: nonos_trust::Identity,
    ) -> Result<(), Failure> {
        let passphrase = chosen_from(
            self.backup_passphrase_file.as_deref(),
            "Choose a passphrase for the backup: ",
        )?;
        let backup = nonos_node::backup(data, identity)?;
        let bytes = backup.seal(fresh()?, &passphrase, Cost::DEFAULT)?;
        files::write_new_secret(file, &bytes)?;
        let made = Made {
            node: backup.identity.node_id(),
            file: file.to_owned(),
            network: backup.network,
            head: backup.head,
            has_account: !backup.account.is_empty(),
            made: backup.made,
        };
        context.output.show(&made, || {
            vec![
                ("node", made.node.to_string()),
                ("backup", made.file.display().to_string()),
                ("network", made.network.clone()),
                ("newest entry", head(made.head)),
                ("account on a chain", yes(made.has_account)),
                ("made", utc(made.made)),
            ]
        })?;
        say(
            "it holds the key, the configuration and how far the books go; not the books themselves, capsules, proofs or \
             trust. Try it: `operator key verify-backup FILE`",
        );
        Ok(())
    }

    fn in_words(&self, context: &Context, identity: &nonos_trust::Identity) -> Result<(), Failure> {
        let words = keystore::to_words(identity);
        if let Some(file) = &self.words_to {
            let mut text = zeroize::Zeroizing::new(String::with_capacity(words.len() + 1));
            text.push_str(&words);
            text.push('\n');
            files::write_new_secret(file, text.as_bytes())?;
        }
        let shown = Words {
            node: identity.node_id(),
            file: self.words_to.as_deref(),
            words: self.words.then_some(words.as_str()),
        };
        context.output.print(&shown, || match &self.words_to {
            Some(file) => format!("node   {}\nwords  {}\n", shown.node, file.display()),
            None => format!("node {}\n\n{}\n", shown.node, numbered(&words)),
        })?;
        say(
            "whoever has these words has the key. They restore the key alone: not the configuration, not the books, and not how \
             far those went; the restored node asks its peers",
        );
        Ok(())
    }
}

/// Four words a line, each with its number.
fn numbered(words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    let lines = words.chunks(4).enumerate().map(|(line, words)| {
        let words = words.iter().enumerate();
        let numbered = words.map(|(at, word)| format!("{:>2} {word:<10}", line * 4 + at + 1));
        numbered.collect::<String>().trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The newest entry, if one is known.
pub(super) fn head(head: Option<FeedHead>) -> String {
    head.map_or_else(|| "none is known".to_owned(), |it| it.to_string())
}

pub(super) fn yes(it: bool) -> String {
    if it { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_numbers_four_in_a_line() {
        let words = vec!["abandon"; 23].join(" ") + " art";
        let text = numbered(&words);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[0], " 1 abandon    2 abandon    3 abandon    4 abandon");
        assert!(lines[5].ends_with("24 art"), "{text}");
    }
}
