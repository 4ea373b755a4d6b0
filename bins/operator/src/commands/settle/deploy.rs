use super::{Error, account::AccountPassphrase, work::pause};
use crate::{commands::Context, datadir::DataArgs, failure::Failure, files};
use nonos_depin::anchor::Chain;
use nonos_depin_evm::{EvmKey, Reader, Wei};
use nonos_node::{Config, DataDir};
use nonos_types::{NetworkId, NodeId};
use serde::Serialize;
use std::time::Duration;

/// Puts the contract on the chain that [settlement.evm] in config.toml names, paid by the account, and waits for its block.
///
/// Once for a chain, by anybody: it has no owner, and one that is there will do.
#[derive(Debug, clap::Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    passphrase: AccountPassphrase,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Serialize)]
struct Shown {
    contract: String,
    chain_id: u64,
    account: String,
}

/// Longest configuration file.
const CONFIG_BYTES: u64 = 1 << 20;

impl Deploy {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let data = self.data.path()?;
        let path = data.join("config.toml");
        let config = Config::parse(&files::read_text(&path, CONFIG_BYTES)?)?;
        let evm = config.settlement.evm.ok_or(Error::NoChain { path })?;
        let key = EvmKey::open(&DataDir::account(&data), &self.passphrase.known()?).map_err(Error::from)?;
        let limit = Wei::from_gwei(evm.max_fee_gwei);
        let deployed = nonos_depin_evm::deploy(&evm.rpc, evm.chain_id, &key, limit).map_err(Error::from)?;
        let reader = nonos_depin_evm::Config {
            endpoint: evm.rpc,
            chain_id: evm.chain_id,
            contract: deployed.contract,
            confirmations: evm.confirmations,
        };
        let chain = Chain {
            network: NetworkId::named(&config.network),
            submitter: NodeId::NONE,
        };
        loop {
            match Reader::open(reader.clone(), key.address(), chain) {
                Ok(_) => break,
                Err(nonos_depin_evm::Error::NoCode { .. }) => pause(Duration::from_secs(1)),
                Err(error) => return Err(Error::from(error).into()),
            }
        }
        let shown = Shown {
            contract: deployed.contract.to_string(),
            chain_id: evm.chain_id,
            account: key.address().to_string(),
        };
        context.output.show(&shown, || {
            vec![
                ("contract", shown.contract.clone()),
                ("chain", shown.chain_id.to_string()),
                ("account", shown.account.clone()),
            ]
        })
    }
}
