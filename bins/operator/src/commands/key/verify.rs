//! `operator key verify-backup`.

use super::{
    Context,
    backup::{head, yes},
    restore::read,
};
use crate::{datadir::DataArgs, failure::Failure, output::utc, passphrase::known_from};
use nonos_node::DataDir;
use nonos_trust::keystore::{self, Backup, KeystoreError};
use nonos_types::{FeedHead, NodeId, Timestamp};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyBackup {
    /// The backup.
    file: PathBuf,
    /// File with the passphrase of the backup, mode 0600 [default: asks].
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Serialize)]
struct Verified {
    node: NodeId,
    network: String,
    head: Option<FeedHead>,
    has_account: bool,
    made: Timestamp,
    /// Whether the key that is here is the same; absent if there is none.
    same_key: Option<bool>,
}

impl VerifyBackup {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let bytes = read(&self.file)?;
        Backup::label(&bytes)?;
        let passphrase = known_from(
            self.backup_passphrase_file.as_deref(),
            "Passphrase of the backup: ",
        )?;
        let backup = Backup::open(&bytes, &passphrase)?;
        let (node, path) = (
            backup.identity.node_id(),
            DataDir::keystore_in(&self.data.path()?),
        );
        let here = match keystore::public_key(&path) {
            Ok(here) => Some(here),
            Err(KeystoreError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(here) = here.filter(|here| *here != node) {
            return Err(Failure::OtherBackup { node, here });
        }
        let verified = Verified {
            node,
            network: backup.network,
            head: backup.head,
            has_account: !backup.account.is_empty(),
            made: backup.made,
            same_key: here.map(|here| here == node),
        };
        context.output.show(&verified, || {
            let compared = match verified.same_key {
                Some(_) => "the same".to_owned(),
                None => "there is none to compare with".to_owned(),
            };
            vec![
                ("backup", "is whole".to_owned()),
                ("node", verified.node.to_string()),
                ("key here", compared),
                ("network", verified.network.clone()),
                ("newest entry", head(verified.head)),
                ("account on a chain", yes(verified.has_account)),
                ("made", utc(verified.made)),
            ]
        })
    }
}
