use crate::{commands::Context, datadir::DataArgs, failure::Failure, passphrase};
use nonos_depin_evm::{Entropy, EvmKey};
use nonos_node::DataDir;
use serde::Serialize;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What to do with the account that anchors on a chain.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes an account: a key of its own, encrypted, in the node's data directory.
    New {
        #[command(flatten)]
        passphrase: AccountPassphrase,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Shows its address.
    Show {
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Where the account's passphrase comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct AccountPassphrase {
    /// File with the passphrase of the account's key, mode 0600; one newline at its end is not part of it [default: asks].
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl AccountPassphrase {
    /// Of an account that exists.
    pub(super) fn known(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.passphrase_file {
            Some(path) => passphrase::read(path),
            None => passphrase::ask("Passphrase of the account's key: "),
        }
    }

    /// Of one to make: asked for twice.
    fn chosen(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.passphrase_file {
            Some(path) => passphrase::read(path),
            None => {
                let first = passphrase::ask("Choose a passphrase for the account's key: ")?;
                if first == passphrase::ask("The same again: ")? {
                    Ok(first)
                } else {
                    Err(Failure::PassphrasesDiffer)
                }
            }
        }
    }
}

#[derive(Serialize)]
struct Shown {
    account: String,
    file: String,
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let (account, path) = match self {
            Self::New { passphrase, data } => {
                let path = DataDir::account(&data.path()?);
                let mut entropy = Entropy {
                    secret: [0; 32],
                    salt: [0; 16],
                    nonce: [0; 24],
                };
                for part in [&mut entropy.secret[..], &mut entropy.salt, &mut entropy.nonce] {
                    getrandom::fill(part).map_err(Failure::Random)?;
                }
                let key =
                    EvmKey::create(&path, entropy, &passphrase.chosen()?).map_err(super::Error::from)?;
                (key.address(), path)
            }
            Self::Show { data } => {
                let path = DataDir::account(&data.path()?);
                (EvmKey::address_in(&path).map_err(super::Error::from)?, path)
            }
        };
        let shown = Shown {
            account: account.to_string(),
            file: path.display().to_string(),
        };
        context.output.show(&shown, || {
            vec![("account", shown.account.clone()), ("key", shown.file.clone())]
        })
    }
}
