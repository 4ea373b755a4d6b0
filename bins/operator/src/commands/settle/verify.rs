//! Checking settlement files as somebody who trusts neither their node nor whoever carried them.

use super::Error;
use crate::{commands::Context, failure::Failure, files, output::Grid};
use nonos_depin::{
    Batch,
    anchor::{self, Chain, Commitment, Export, Quorum, State},
    rollup::RollupStatement,
    settlement::{Checked, SettlementFile},
};
use nonos_depin_evm::{Account, Address, Reader};
use nonos_depin_halo2::Rollup;
use nonos_types::{Amount, NetworkId, NodeId, Timestamp};
use nonos_verify::{Erased, Verifier};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Checks settlement files, offline: each batch is signed by its node, its chunks make it up, every proof holds, and the
/// batches follow one another in the order given. No node is asked, and nobody's word is taken.
///
/// What this does not show: that the postings are those of signed vouchers. Whoever has the entries knows that.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// What `operator settle export` wrote, in the order of the batches.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Name of the network that they must be of.
    #[arg(long)]
    network: Option<String>,
    /// The node that they must be of.
    #[arg(long, value_name = "NODE")]
    author: Option<NodeId>,
    /// A witness that you trust; several times for several.
    #[arg(long = "witness", value_name = "NODE")]
    witnesses: Vec<NodeId>,
    /// How many of them must have signed [default: more than half].
    #[arg(long, value_name = "K", requires = "witnesses")]
    threshold: Option<usize>,
    /// A copy of the node's anchor file, with what witnesses have signed; each batch must be in it.
    #[arg(long, value_name = "FILE")]
    anchor_file: Option<PathBuf>,
    /// A node of an EVM chain, `http://…`: each batch must be in the contract there, and final.
    #[arg(long, value_name = "URL", requires_all = ["contract", "chain_id"])]
    rpc: Option<String>,
    /// The contract.
    #[arg(long, value_name = "ADDRESS", requires = "rpc")]
    contract: Option<Address>,
    /// The chain's id.
    #[arg(long, value_name = "N", requires = "rpc")]
    chain_id: Option<u64>,
    /// The account that anchors for the node [default: the one that the file says, signed by both].
    #[arg(long, value_name = "ADDRESS", requires = "rpc")]
    account: Option<Address>,
    /// How many blocks make a batch final.
    #[arg(long, value_name = "N", default_value_t = 12, requires = "rpc")]
    confirmations: u64,
}

/// A batch that is right.
#[derive(Serialize)]
struct Shown {
    number: u64,
    batch: String,
    author: NodeId,
    network: NetworkId,
    prev: String,
    root: String,
    first: u64,
    last: u64,
    postings: u32,
    proofs: usize,
    received: Amount,
    paid: Amount,
    /// Who has countersigned it, whether or not one trusts them.
    witnesses: Vec<NodeId>,
    /// What the anchors that were looked at say.
    anchored: Vec<Anchored>,
}

#[derive(Serialize)]
struct Anchored {
    source: String,
    reference: String,
    at: Timestamp,
}

/// A file that holds by itself.
struct Sound<'a> {
    path: &'a Path,
    checked: Checked,
    accounts: Vec<Account>,
}

impl Verify {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let verifier = Erased::<RollupStatement, _>::new(Rollup::new().map_err(Error::Backend)?);
        let quorum = self.quorum()?;
        let export = self.anchor_file.as_ref().map(|path| Export::read(path));
        let export = export.transpose().map_err(Error::AnchorFile)?;
        let mut shown = Vec::new();
        let mut before: Option<Batch> = None;
        for path in &self.files {
            let sound = self.sound(path, &verifier)?;
            if let Some(before) = &before {
                sound
                    .checked
                    .batch
                    .follows(before)
                    .map_err(|source| Error::Chain {
                        path: path.clone(),
                        source,
                    })?;
            }
            let mut anchored = Vec::new();
            let seen = seen(&sound, export.as_ref())?;
            if let Some((quorum, needed)) = &quorum {
                anchored.push(witnessed(&sound, quorum, *needed, &seen)?);
            }
            if self.rpc.is_some() {
                anchored.push(self.on_chain(&sound)?);
            }
            shown.push(show(&sound.checked, seen, anchored));
            before = Some(sound.checked.batch);
        }
        context.output.list(&shown, || grid(&shown))
    }

    fn quorum(&self) -> Result<Option<(Quorum, usize)>, Failure> {
        if self.witnesses.is_empty() {
            return Ok(None);
        }
        let needed = self.threshold.unwrap_or(self.witnesses.len() / 2 + 1);
        let quorum = Quorum::new(self.witnesses.iter().copied(), needed).map_err(Error::AnchorFile)?;
        Ok(Some((quorum, needed)))
    }

    /// Reads a file, and checks what it says by itself.
    fn sound<'a>(&self, path: &'a Path, verifier: &dyn Verifier) -> Result<Sound<'a>, Failure> {
        let refused = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        let bytes = files::read(path, SettlementFile::MAX.get())?;
        let file = SettlementFile::from_bytes(&bytes).map_err(refused)?;
        let checked = file.check(verifier).map_err(refused)?;
        let batch = &checked.batch;
        let other = |what, found: String, wanted: String| Error::Other {
            path: path.to_owned(),
            what,
            found,
            wanted,
        };
        if let Some(network) = self.network.as_deref().map(NetworkId::named)
            && network != batch.network
        {
            return Err(other("network", batch.network.to_string(), network.to_string()).into());
        }
        if let Some(author) = self.author
            && author != batch.author
        {
            return Err(other("node", batch.author.to_string(), author.to_string()).into());
        }
        let mut accounts = Vec::new();
        for envelope in &file.accounts {
            let opened = envelope.open::<Account>().ok();
            let of_it = opened.filter(|(it, _)| it.network == batch.network && it.node == batch.author);
            let (account, _) = of_it.ok_or_else(|| Error::Account {
                path: path.to_owned(),
            })?;
            accounts.push(account);
        }
        Ok(Sound {
            path,
            checked,
            accounts,
        })
    }

    fn on_chain(&self, sound: &Sound<'_>) -> Result<Anchored, Failure> {
        let (Some(endpoint), Some(contract), Some(chain_id)) = (&self.rpc, self.contract, self.chain_id)
        else {
            unreachable!("clap requires the three together");
        };
        let batch = &sound.checked.batch;
        let said = sound
            .accounts
            .iter()
            .find(|it| it.chain_id == chain_id && it.contract == contract);
        let account = self.account.or(said.map(|it| it.account));
        let account = account.ok_or(Error::NoAccount { node: batch.author })?;
        let config = nonos_depin_evm::Config {
            endpoint: endpoint.clone(),
            chain_id,
            contract,
            confirmations: self.confirmations,
        };
        let chain = Chain {
            network: batch.network,
            submitter: batch.author,
        };
        let reader = Reader::open(config, account, chain).map_err(Error::from)?;
        let state = reader.verify(&sound.checked.commitment());
        match state {
            Ok(State::Final(evidence)) => Ok(Anchored {
                source: evidence.source,
                reference: evidence.reference,
                at: evidence.at,
            }),
            Ok(State::Submitted { reference }) => Err(Error::NotFinal {
                path: sound.path.to_owned(),
                reference,
            }
            .into()),
            Ok(State::Pending) => Err(refused_by(
                sound,
                anchor::Error::NotAnchored { batch: batch.id() },
            )),
            Err(nonos_depin_evm::Error::Anchor(error)) => Err(refused_by(sound, error)),
            Err(error) => Err(Error::from(error).into()),
        }
    }
}

fn refused_by(sound: &Sound<'_>, source: anchor::Error) -> Failure {
    let path = sound.path.to_owned();
    Error::Anchor { path, source }.into()
}

/// Who has signed to have seen the batch, by the file itself and by the anchor's, in which it must be then.
fn seen(sound: &Sound<'_>, export: Option<&Export>) -> Result<BTreeMap<NodeId, Timestamp>, Failure> {
    let witnesses = sound.checked.witnesses.iter();
    let mut seen: BTreeMap<_, _> = witnesses.map(|(witness, it)| (*witness, it.at)).collect();
    if let Some(export) = export {
        let wanted = sound.checked.commitment();
        let of = |it: &Commitment| it.batch == wanted.batch;
        let found = export.commitments.iter().find(|(it, _)| of(it));
        let missing = || anchor::Error::NotAnchored { batch: wanted.batch };
        let (commitment, signed) = found.ok_or_else(|| refused_by(sound, missing()))?;
        if let Some(field) = commitment.difference(&wanted) {
            let batch = wanted.batch;
            return Err(refused_by(sound, anchor::Error::Differs { batch, field }));
        }
        seen.extend(signed);
    }
    Ok(seen)
}

fn witnessed(
    sound: &Sound<'_>,
    quorum: &Quorum,
    needed: usize,
    seen: &BTreeMap<NodeId, Timestamp>,
) -> Result<Anchored, Failure> {
    match quorum.state("countersignatures".to_owned(), seen) {
        State::Final(evidence) => Ok(Anchored {
            source: evidence.source,
            reference: evidence.reference,
            at: evidence.at,
        }),
        _ => Err(Error::Unwitnessed {
            path: sound.path.to_owned(),
            signed: seen.keys().filter(|it| quorum.has(it)).count(),
            needed,
        }
        .into()),
    }
}

fn show(checked: &Checked, seen: BTreeMap<NodeId, Timestamp>, anchored: Vec<Anchored>) -> Shown {
    let batch = &checked.batch;
    let sums = batch.sums.amounts();
    let sum = |part: &[Amount]| {
        let sum = part.iter().fold(0_u128, |sum, it| sum.saturating_add(it.atto()));
        Amount::from_atto(sum)
    };
    Shown {
        number: batch.number,
        batch: batch.id().to_string(),
        author: batch.author,
        network: batch.network,
        prev: batch.prev.to_string(),
        root: batch.new_root.to_string(),
        first: batch.first.get(),
        last: batch.last.get(),
        postings: batch.postings,
        proofs: checked.proofs,
        received: sum(&sums[..4]),
        paid: sum(&sums[4..]),
        witnesses: seen.into_keys().collect(),
        anchored,
    }
}

fn grid(shown: &[Shown]) -> Grid {
    let row = |it: &Shown| {
        let anchored: Vec<_> = it.anchored.iter().map(|at| at.source.as_str()).collect();
        vec![
            it.number.to_string(),
            it.author.to_string(),
            format!("{}-{}", it.first, it.last),
            it.received.to_string(),
            it.paid.to_string(),
            it.proofs.to_string(),
            crate::output::joined(anchored),
        ]
    };
    Grid {
        head: &[
            "batch", "node", "entries", "received", "paid", "proofs", "final by",
        ],
        rows: shown.iter().map(row).collect(),
    }
}
