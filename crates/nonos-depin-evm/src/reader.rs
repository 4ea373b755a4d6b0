//! One chain of commitments as the contract has it. Reading needs no key and believes the chain's node.

use alloy_primitives::B256;
use nonos_depin::anchor::{self, Anchored as Entry, BatchId, Chain, Commitment, Evidence, State};
use nonos_types::Timestamp;

use crate::{
    Address, Error, Wei,
    contract::{self, Head},
    rpc::{Log, Rpc},
};

/// Longest chain that is read: a batch an hour for a century.
const MOST: u64 = 1_000_000;

/// Where a contract is, and when what it has counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// A node of the chain, `http://…`.
    pub endpoint: String,
    /// The chain's id.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
    /// How many blocks, the batch's own included, make a batch final; 0 counts as 1.
    pub confirmations: u64,
}

/// Reads the batches that an account has anchored for a node.
///
/// The contract's own chain is followed from its end by what each event says of the one before, so that nothing is
/// searched for; to find a batch takes a call for each newer one.
pub struct Reader {
    pub(crate) rpc: Rpc,
    pub(crate) config: Config,
    pub(crate) account: Address,
    pub(crate) chain: Chain,
}

/// What it cost to anchor a batch.
///
/// ```
/// use nonos_depin_evm::{Cost, Wei};
///
/// let cost = Cost { gas: 90_000, price: Wei::from_gwei(2), entries: 1000 };
/// assert_eq!(cost.fee(), Wei::from_gwei(180_000));
/// assert_eq!(cost.gas_per_entry(), Some(90));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Gas the transaction used.
    pub gas: u64,
    /// What a unit of it cost.
    pub price: Wei,
    /// Entries of the batch.
    pub entries: u64,
}

impl Cost {
    /// What was paid.
    pub fn fee(&self) -> Wei {
        Wei::new(self.price.get().saturating_mul(self.gas.into()))
    }

    /// Gas for each entry, rounded up; none for a batch without any.
    pub fn gas_per_entry(&self) -> Option<u64> {
        (self.entries != 0).then(|| self.gas.div_ceil(self.entries))
    }
}

/// A commitment, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) commitment: Commitment,
    pub(crate) number: u64,
    pub(crate) block: B256,
    pub(crate) transaction: B256,
}

/// What a look for a commitment came to.
pub(crate) enum Look {
    Found(Box<Found>),
    /// Another one follows the same batch.
    Rival(BatchId),
    Nothing,
}

impl Reader {
    /// Looks at what is at the contract's address first.
    ///
    /// # Errors
    /// [`Error::Endpoint`], [`Error::NoTls`], [`Error::WrongChain`], [`Error::NoCode`], [`Error::OtherCode`], and
    /// what the chain's node says.
    pub fn open(config: Config, account: Address, chain: Chain) -> Result<Self, Error> {
        let rpc = Rpc::new(&config.endpoint)?;
        let actual = rpc.chain_id()?;
        let expected = config.chain_id;
        if actual != expected {
            return Err(Error::WrongChain { expected, actual });
        }
        let (contract, chain_id) = (config.contract, config.chain_id);
        let code = rpc.code(contract.0)?;
        if code.is_empty() {
            return Err(Error::NoCode {
                contract,
                chain: chain_id,
            });
        }
        if code != contract::runtime_code() {
            return Err(Error::OtherCode {
                contract,
                chain: chain_id,
            });
        }
        Ok(Self {
            rpc,
            config,
            account,
            chain,
        })
    }

    /// Whose chain it reads.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The newest batch, final or not.
    ///
    /// # Errors
    /// What the chain's node says.
    pub fn head(&self) -> Result<Option<BatchId>, Error> {
        let head = self.end()?;
        Ok((head.count != 0).then_some(head.batch))
    }

    /// The `newest` newest commitments, oldest first.
    ///
    /// # Errors
    /// What the chain's node says.
    pub fn history(&self, newest: usize) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        let tip = self.tip()?;
        self.walk(|found| {
            if entries.len() < newest {
                entries.push(found);
            }
            entries.len() < newest
        })?;
        let mut history = Vec::with_capacity(entries.len());
        for found in entries.iter().rev() {
            history.push(Entry {
                commitment: found.commitment,
                state: self.state(found, tip)?,
            });
        }
        Ok(history)
    }

    /// Whether exactly this commitment is there, and whether that is final.
    ///
    /// # Errors
    /// [`anchor::Error::NotAnchored`], [`anchor::Error::OtherBatch`], [`anchor::Error::Differs`], those of
    /// [`Chain::check`], and what the chain's node says.
    pub fn verify(&self, commitment: &Commitment) -> Result<State, Error> {
        self.chain.check(commitment)?;
        let tip = self.tip()?;
        match self.look(&commitment.batch, &commitment.prev)? {
            Look::Found(found) => {
                same(&found.commitment, commitment)?;
                self.state(&found, tip)
            }
            Look::Rival(anchored) => Err(anchor::Error::OtherBatch {
                prev: commitment.prev,
                anchored,
            }
            .into()),
            Look::Nothing => Err(anchor::Error::NotAnchored {
                batch: commitment.batch,
            }
            .into()),
        }
    }

    /// What it cost to anchor a batch; `None` if it is not there.
    ///
    /// # Errors
    /// What the chain's node says.
    pub fn cost(&self, batch: &BatchId) -> Result<Option<Cost>, Error> {
        let Look::Found(found) = self.look(batch, batch)? else {
            return Ok(None);
        };
        let receipt = self.rpc.receipt(found.transaction)?;
        Ok(receipt.map(|receipt| Cost {
            gas: receipt.gas_used.to(),
            price: Wei::new(receipt.effective_gas_price.to()),
            entries: found.commitment.entries,
        }))
    }

    /// Number of the newest block.
    pub(crate) fn tip(&self) -> Result<u64, Error> {
        Ok(self.rpc.latest()?.number.to())
    }

    pub(crate) fn end(&self) -> Result<Head, Error> {
        let reply = self.rpc.call(
            self.config.contract.0,
            &contract::head_of(self.account.0, &self.chain),
        )?;
        Head::from_reply(&reply).ok_or_else(|| Error::BadReply {
            method: "eth_call",
            reason: "it is not the end of a chain".to_owned(),
        })
    }

    /// Looks for a batch, and for one that follows `prev` in its place.
    pub(crate) fn look(&self, batch: &BatchId, prev: &BatchId) -> Result<Look, Error> {
        let mut look = Look::Nothing;
        self.walk(|found| {
            if found.commitment.batch == *batch {
                look = Look::Found(Box::new(found));
                return false;
            }
            if found.commitment.prev == *prev {
                look = Look::Rival(found.commitment.batch);
            }
            true
        })?;
        Ok(look)
    }

    pub(crate) fn find(&self, batch: &BatchId) -> Result<Option<Found>, Error> {
        // A batch never follows itself, so that nothing is its own rival.
        Ok(match self.look(batch, batch)? {
            Look::Found(found) => Some(*found),
            Look::Rival(_) | Look::Nothing => None,
        })
    }

    /// How far something is that is in a block, while the newest one is `tip`.
    pub(crate) fn state(&self, found: &Found, tip: u64) -> Result<State, Error> {
        let needed = self.config.confirmations.max(1);
        let confirmations = tip.saturating_add(1).saturating_sub(found.number);
        let reference = format!(
            "transaction {} in block {} ({})",
            found.transaction, found.number, found.block
        );
        if confirmations < needed {
            return Ok(State::Submitted {
                reference: format!("{reference}, {confirmations} of {needed} confirmations"),
            });
        }
        let block = self.rpc.block(found.number)?;
        match block.filter(|block| block.hash == found.block) {
            Some(block) => Ok(State::Final(Evidence {
                source: format!(
                    "contract {} on chain {}",
                    self.config.contract, self.config.chain_id
                ),
                reference,
                at: Timestamp::new(block.timestamp.to()),
            })),
            // The chain changed while it was read; the next look says what it is now.
            None => Ok(State::Submitted { reference }),
        }
    }

    /// Shows `visit` the commitments, newest first, while it says so.
    fn walk(&self, mut visit: impl FnMut(Found) -> bool) -> Result<(), Error> {
        let mut next = self.end()?;
        if next.count > MOST {
            return Err(Error::BadReply {
                method: "eth_call",
                reason: format!("a chain of {} batches is more than anybody makes", next.count),
            });
        }
        while next.count != 0 {
            let number = next.number;
            let mut logs = self.logs(number)?;
            // Several may be in one block; the newest comes first here.
            while let Some((log, event)) = logs.pop_if(|(_, event)| event.count >= next.count) {
                if event.count > next.count {
                    continue;
                }
                let commitment = contract::commitment(&event);
                if commitment.batch != next.batch || event.prevNumber > number {
                    return Err(inconsistent());
                }
                next = Head {
                    batch: commitment.prev,
                    number: event.prevNumber,
                    count: next.count - 1,
                };
                let found = Found {
                    commitment,
                    number,
                    block: log.block_hash,
                    transaction: log.transaction_hash,
                };
                if !visit(found) {
                    return Ok(());
                }
            }
            if next.number == number && next.count != 0 {
                return Err(inconsistent());
            }
        }
        Ok(())
    }

    /// The chain's events of a block, oldest first.
    fn logs(&self, number: u64) -> Result<Vec<(Log, contract::Anchored)>, Error> {
        let topics = contract::topics(self.account.0, &self.chain);
        let logs = self.rpc.logs(self.config.contract.0, &topics, number)?;
        let mut events = Vec::new();
        for log in logs {
            if let Some(event) = self.own(&log)
                && log.block_number.to::<u64>() == number
            {
                events.push((log, event));
            }
        }
        events.sort_by_key(|(_, event)| event.count);
        Ok(events)
    }

    /// The event of a log, if it is of this contract, account and chain.
    pub(crate) fn own(&self, log: &Log) -> Option<contract::Anchored> {
        let event = log.event()?;
        let commitment = contract::commitment(&event);
        let own = !log.removed
            && log.address == self.config.contract.0
            && event.account == self.account.0
            && commitment.network == self.chain.network
            && commitment.submitter == self.chain.submitter;
        own.then_some(event)
    }
}

pub(crate) fn same(recorded: &Commitment, commitment: &Commitment) -> Result<(), anchor::Error> {
    match recorded.difference(commitment) {
        Some(field) => Err(anchor::Error::Differs {
            batch: commitment.batch,
            field,
        }),
        None => Ok(()),
    }
}

/// Head and events are read one after the other; a block in between can change what they say.
fn inconsistent() -> Error {
    Error::BadReply {
        method: "eth_getLogs",
        reason: "the events of a block are not those that the end of the chain tells of; it may have changed meanwhile"
            .to_owned(),
    }
}
