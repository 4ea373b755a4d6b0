//! The anchor that the configuration names: opened, and looked at until what it has is final.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use nonos_depin::{
    anchor::{self, Anchor, Chain, FileAnchor},
    settlement::{Stage, commitment},
};
use nonos_depin_evm::{Account, Address, EvmAnchor, EvmKey, Reader, Spending, Wei};
use nonos_mesh::Mesh;
use nonos_types::Envelope;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Error, Settler, lock, pages::view};
use crate::{
    api::{BatchView, SecretHex},
    config::{AnchorName, Evm},
    engine::Input,
};

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(3);

/// An anchor that is open.
pub(super) enum Open {
    File(Box<FileAnchor>),
    Evm(Box<EvmAnchor>),
}

impl Open {
    pub(super) fn anchor(&mut self) -> &mut dyn Anchor {
        match self {
            Self::File(anchor) => &mut **anchor,
            Self::Evm(anchor) => &mut **anchor,
        }
    }
}

impl Settler {
    /// The anchor's name, as stages are kept under it: another file, account or contract is another place.
    pub(super) fn place(&self) -> Result<String, Error> {
        match self.parts.config.anchor {
            AnchorName::None => Err(Error::caller(
                "no anchor is configured: set `anchor` under [settlement] in config.toml",
            )),
            AnchorName::File | AnchorName::Witness => Ok(format!("file {}", self.file().display())),
            AnchorName::Evm => {
                let evm = self.evm()?;
                let account = EvmKey::address_in(&self.key_file()).map_err(no_account)?;
                Ok(format!("evm {} {} {account}", evm.chain_id, self.contract(evm)?))
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.parts.data.join("settlement.anchor")
    }

    fn key_file(&self) -> PathBuf {
        crate::DataDir::account(&self.parts.data)
    }

    fn evm(&self) -> Result<&Evm, Error> {
        let evm = self.parts.config.evm.as_ref();
        evm.ok_or_else(|| Error::caller("[settlement.evm] is not set in config.toml"))
    }

    fn contract(&self, evm: &Evm) -> Result<Address, Error> {
        evm.contract.ok_or_else(|| {
            Error::caller(
                "`contract` under [settlement.evm] is not set in config.toml: `operator settle deploy` makes one",
            )
        })
    }

    fn chain(&self) -> Chain {
        Chain {
            network: self.parts.network,
            submitter: self.me(),
        }
    }

    fn reader_config(&self, evm: &Evm) -> Result<nonos_depin_evm::Config, Error> {
        Ok(nonos_depin_evm::Config {
            endpoint: evm.rpc.clone(),
            chain_id: evm.chain_id,
            contract: self.contract(evm)?,
            confirmations: evm.confirmations,
        })
    }

    /// Opens it, if it is not: the account of a chain with its passphrase.
    pub(super) fn open_anchor(&self, passphrase: Option<SecretHex>) -> Result<(), Error> {
        let place = self.place()?;
        let mut open = lock(&self.open);
        if open.is_some() {
            return Ok(());
        }
        *open = Some(match self.parts.config.anchor {
            AnchorName::Evm => self.open_evm(&place, passphrase)?,
            _ => Open::File(Box::new(self.open_file(&place)?)),
        });
        Ok(())
    }

    fn open_file(&self, place: &str) -> Result<FileAnchor, Error> {
        let (path, network) = (self.file(), self.parts.network);
        let (key, quorum) = (self.parts.identity.signing_key(), self.parts.config.quorum());
        if path.exists() {
            let anchor = FileAnchor::open(&path, network, key, quorum)?;
            if let Some(torn) = anchor.torn() {
                tracing::warn!(?torn, "the anchor's file ended in a record that was not finished");
            }
            return Ok(anchor);
        }
        let known = self.read(|settlement, _| {
            let all = settlement.standings(0, usize::MAX)?;
            Ok(all
                .iter()
                .any(|it| it.places.iter().any(|(name, _)| name == place)))
        })?;
        if known {
            return Err(Error::caller(format!(
                "{} is missing, and batches were put into it: put it back from a copy",
                path.display()
            )));
        }
        Ok(FileAnchor::create(&path, network, key, quorum)?)
    }

    fn open_evm(&self, place: &str, passphrase: Option<SecretHex>) -> Result<Open, Error> {
        let evm = self.evm()?;
        let passphrase = passphrase.ok_or_else(|| {
            Error::caller(
                "the key of the account is closed: `operator settle anchor` asks for its passphrase",
            )
        })?;
        let text = Zeroizing::new(passphrase.0);
        let bytes = hex::decode(&*text).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| Error::caller("the passphrase is not hexadecimal"))?;
        let key = EvmKey::open(&self.key_file(), &bytes)?;
        let (config, chain) = (self.reader_config(evm)?, self.chain());
        let said = Account::sign(
            chain.network,
            chain.submitter,
            config.chain_id,
            config.contract,
            &key,
        );
        let said = Envelope::sign(&said, self.parts.identity.signing_key());
        let spending = Spending {
            limit: Wei::from_gwei(evm.max_fee_gwei),
            patience: evm.patience_s,
        };
        let flights = self.parts.data.join("settlement.flights");
        let anchor = EvmAnchor::open(config, chain, key, spending, &flights)?;
        self.with(|settlement, _| settlement.keep_account(place, &said))?;
        Ok(Open::Evm(Box::new(anchor)))
    }

    pub(super) fn key_open(&self) -> Option<bool> {
        (self.parts.config.anchor == AnchorName::Evm).then(|| lock(&self.open).is_some())
    }

    /// Looks, now and then, at what was submitted.
    pub(crate) async fn keep_on(self: Arc<Self>, mesh: Mesh, inputs: mpsc::Sender<Input>) {
        if self.parts.config.anchor == AnchorName::None {
            return;
        }
        let mut interval = tokio::time::interval(LOOK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let settler = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || settler.look()).await;
            if let Ok(Err(error)) = looked {
                tracing::debug!(%error, "the anchor was asked in vain");
            }
            self.ask_witnesses(&mesh, &inputs).await;
        }
    }

    /// Brings what was submitted further, and writes down how far it is. Without the account's key it only looks.
    pub(super) fn look(&self) -> Result<(), Error> {
        let looked = self.look_once();
        *lock(&self.trouble) = looked
            .as_ref()
            .err()
            .map(|error| crate::api::RequestError::new(error, error.fault()).message);
        looked
    }

    fn look_once(&self) -> Result<(), Error> {
        let numbers = self.under_way()?;
        if numbers.is_empty() {
            return Ok(());
        }
        let place = self.place()?;
        if self.parts.config.anchor != AnchorName::Evm {
            self.open_anchor(None)?;
        }
        let mut reader = None;
        for number in numbers {
            let commitment = self.read(|settlement, _| Ok(commitment(settlement.signed(number)?.value())))?;
            let mut open = lock(&self.open);
            let state = match open.as_mut() {
                Some(open) => open.anchor().poll(&commitment.batch, self.now())?,
                None => {
                    drop(open);
                    let reader = match &mut reader {
                        Some(reader) => reader,
                        none => none.insert(self.reader()?),
                    };
                    match reader.verify(&commitment) {
                        Ok(state) => state,
                        // It may be in no block yet; who can tell has the key.
                        Err(nonos_depin_evm::Error::Anchor(anchor::Error::NotAnchored { .. })) => continue,
                        Err(error) => return Err(error.into()),
                    }
                }
            };
            self.note(number, &place, &state)?;
        }
        Ok(())
    }

    fn reader(&self) -> Result<Reader, Error> {
        let account = EvmKey::address_in(&self.key_file()).map_err(no_account)?;
        Ok(Reader::open(
            self.reader_config(self.evm()?)?,
            account,
            self.chain(),
        )?)
    }

    /// Batches that were submitted and are not final.
    pub(super) fn under_way(&self) -> Result<BTreeSet<u64>, Error> {
        let mut known = lock(&self.under_way);
        if let Some(numbers) = &*known {
            return Ok(numbers.clone());
        }
        let count = self.read(|settlement, _| Ok(settlement.count()))?;
        if count == 0 {
            return Ok(BTreeSet::new());
        }
        let place = self.place()?;
        let all = self.read(|settlement, _| settlement.standings(0, usize::MAX))?;
        let submitted = all.iter().filter(|it| {
            let here = it.places.iter().find(|(name, _)| *name == place);
            here.is_some_and(|(_, state)| Stage::of(state) == Stage::Submitted)
        });
        let numbers: BTreeSet<u64> = submitted.map(|it| it.batch.number).collect();
        *known = Some(numbers.clone());
        Ok(numbers)
    }

    pub(super) fn note(&self, number: u64, place: &str, state: &anchor::State) -> Result<(), Error> {
        self.with(|settlement, _| settlement.note(number, place, state))?;
        if let Some(known) = &mut *lock(&self.under_way) {
            match Stage::of(state) {
                Stage::Submitted => known.insert(number),
                _ => known.remove(&number),
            };
        }
        Ok(())
    }

    /// Takes what a witness has signed: kept for others to see, then counted.
    pub(super) fn acknowledge(&self, envelope: &Envelope) -> Result<BatchView, Error> {
        let place = self.place()?;
        self.open_anchor(None)?;
        let quorum = self.parts.config.quorum();
        let (_, seen) = quorum.open(envelope)?;
        let unknown = anchor::Error::UnknownCommitment {
            commitment: seen.commitment,
        };
        let number = self.number_of(seen.commitment)?.ok_or(unknown)?;
        self.with(|settlement, _| settlement.keep_countersignature(number, envelope))?;
        let state = match lock(&self.open).as_mut() {
            Some(Open::File(anchor)) => anchor.acknowledge(envelope)?,
            _ => return Err(Error::caller("the anchor has no witnesses")),
        };
        self.note(number, &place, &state)?;
        self.batch_view(number)
    }

    pub(super) fn batch_view(&self, number: u64) -> Result<BatchView, Error> {
        self.read(|settlement, _| Ok(view(&settlement.standing(number)?)))
    }
}

fn no_account(error: nonos_depin_evm::KeyError) -> Error {
    match error {
        nonos_depin_evm::KeyError::Missing { path } => Error::caller(format!(
            "there is no account at {}: `operator settle account new` makes one",
            path.display()
        )),
        error => error.into(),
    }
}
