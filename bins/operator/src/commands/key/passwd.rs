//! `operator key passwd`.

use super::{Context, fresh};
use crate::{
    datadir::DataArgs,
    failure::Failure,
    output::say,
    passphrase::{PassphraseArgs, chosen_from},
};
use nonos_node::DataDir;
use nonos_trust::keystore::{self, Cost};
use nonos_types::NodeId;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Passwd {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// File with the new passphrase, mode 0600 [default: asks].
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Changed {
    node: NodeId,
    keystore: PathBuf,
}

impl Passwd {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let data = self.data.path()?;
        DataDir::format(&data)?;
        let path = DataDir::keystore_in(&data);
        let old = self.passphrase.known()?;
        // Before a new one is chosen.
        keystore::open(&path, &old)?;
        let new = chosen_from(
            self.new_passphrase_file.as_deref(),
            "Choose a new passphrase for the keystore: ",
        )?;
        let identity = keystore::change_passphrase(&path, &old, &new, fresh()?, Cost::DEFAULT)?;
        let changed = Changed {
            node: identity.node_id(),
            keystore: path,
        };
        context.output.show(&changed, || {
            vec![
                ("node", changed.node.to_string()),
                ("keystore", changed.keystore.display().to_string()),
                ("passphrase", "is the new one".to_owned()),
            ]
        })?;
        say("copies of the keystore and backups stay under the passphrases that they were made with");
        Ok(())
    }
}
