//! `operator key …`: the node's key, where no node need run.

mod backup;
mod passwd;
mod restore;
mod status;
mod verify;

use super::Context;
use crate::failure::Failure;
use nonos_trust::keystore::Entropy;

/// What to do with the node's key.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows whose key there is, who may use the file, what it costs to try a passphrase on it, and whether the books go
    /// as far as what is kept of them beside it.
    Status(status::Status),
    /// Writes a backup under a passphrase of its own, or the key as 24 words. The node may run meanwhile.
    Backup(backup::Backup),
    /// Makes a node of a backup or of 24 words. Its books go on as a new incarnation.
    Restore(restore::Restore),
    /// Opens a backup, and compares it with the key that is here. Writes nothing.
    VerifyBackup(verify::VerifyBackup),
    /// Encrypts the key under another passphrase.
    Passwd(passwd::Passwd),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Status(command) => command.run(context),
            Self::Backup(command) => command.run(context),
            Self::Restore(command) => command.run(context),
            Self::VerifyBackup(command) => command.run(context),
            Self::Passwd(command) => command.run(context),
        }
    }
}

/// Salt and nonce of what is encrypted anew; its seed is not used.
fn fresh() -> Result<Entropy, Failure> {
    let mut fresh = Entropy {
        seed: [0; 32],
        salt: [0; 16],
        nonce: [0; 24],
    };
    for part in [&mut fresh.salt[..], &mut fresh.nonce[..]] {
        getrandom::fill(part).map_err(Failure::Random)?;
    }
    Ok(fresh)
}
