//! The keystore's passphrase: from a file that only its owner may read, or typed. Never an argument.

use crate::failure::Failure;
use nonos_trust::keystore::Passphrase;
use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest passphrase file.
const MAX_BYTES: u64 = 4096;

/// Where the passphrase comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct PassphraseArgs {
    /// File with the keystore's passphrase, mode 0600; one newline at its end is not part of it [default: asks].
    #[arg(long, value_name = "FILE", env = "NONOS_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// The passphrase of a keystore that exists.
    pub(crate) fn known(&self) -> Result<Passphrase, Failure> {
        known_from(self.passphrase_file.as_deref(), "Passphrase of the keystore: ")
    }

    /// The same, if there is a file with it: nobody is asked.
    pub(crate) fn given(&self) -> Result<Option<Passphrase>, Failure> {
        let file = self.passphrase_file.as_deref();
        file.map(|path| passphrase(&read(path)?)).transpose()
    }

    /// The file, if one was named.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.passphrase_file.as_deref()
    }

    /// The passphrase of a keystore to make: asked for twice.
    pub(crate) fn chosen(&self) -> Result<Passphrase, Failure> {
        chosen_from(
            self.passphrase_file.as_deref(),
            "Choose a passphrase for the keystore: ",
        )
    }
}

/// The passphrase of what exists.
pub(crate) fn known_from(file: Option<&Path>, prompt: &str) -> Result<Passphrase, Failure> {
    let bytes = match file {
        Some(path) => read(path)?,
        None => ask(prompt)?,
    };
    passphrase(&bytes)
}

/// The passphrase of what is to be made: asked for twice.
pub(crate) fn chosen_from(file: Option<&Path>, prompt: &str) -> Result<Passphrase, Failure> {
    let bytes = match file {
        Some(path) => read(path)?,
        None => {
            let first = ask(prompt)?;
            // An empty one is refused before it is asked for again.
            passphrase(&first)?;
            if *first != *ask("The same again: ")? {
                return Err(Failure::PassphrasesDiffer);
            }
            first
        }
    };
    passphrase(&bytes)
}

fn passphrase(bytes: &[u8]) -> Result<Passphrase, Failure> {
    Ok(Passphrase::new(bytes.to_vec())?)
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let fail = |source| Failure::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(fail)?;
    // Asked of what was opened: the path may be another's by now.
    if file.metadata().map_err(fail)?.permissions().mode() & 0o077 != 0 {
        return Err(Failure::OpenPassphrase {
            path: path.to_owned(),
        });
    }
    // Of the full size at once: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::TooLong {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NoTerminal {
            wanted: prompt.trim_end_matches([':', ' ']).to_owned(),
        });
    }
    let typed = rpassword::prompt_password(prompt).map_err(Failure::Prompt)?;
    Ok(Zeroizing::new(typed.into_bytes()))
}
