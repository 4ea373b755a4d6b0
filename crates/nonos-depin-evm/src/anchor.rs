//! Sends commitments, and brings them to an end whatever the chain does with them.

use std::path::Path;

use alloy_primitives::{B256, Bytes};
use nonos_depin::anchor::{self, Anchor, Anchored, BatchId, Chain, Commitment, State, Submission};
use nonos_types::Timestamp;

use crate::{
    Address, Config, Cost, Error, EvmKey, Reader, Wei, contract,
    fees::Offer,
    flights::{Attempt, Flight, Flights, MOST, MOST_ATTEMPTS},
    reader::{Found, Look, same},
    rpc::{Estimate, Receipt, Rpc, Tag},
    transaction::Transaction,
};

/// What may be spent, and when more is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// Most for a unit of gas. What is offered stays below it, whatever the chain's node says.
    pub limit: Wei,
    /// Seconds after which more is offered for a transaction that nobody takes.
    pub patience: u64,
}

/// An anchor that is a contract on an EVM chain.
///
/// One account, one node's batches. The account should be used for nothing else: what else it sends comes before
/// or after, and is told from the anchor's own transactions by their content only.
pub struct EvmAnchor {
    reader: Reader,
    key: EvmKey,
    spending: Spending,
    flights: Flights,
}

impl EvmAnchor {
    /// Looks at what is at the contract's address, and reads what was under way from the file `flights`, which may be
    /// missing.
    ///
    /// # Errors
    /// Those of [`Reader::open`], [`Error::BadFlights`], [`Error::OtherFlights`], [`Error::InUse`], [`Error::Io`].
    pub fn open(
        config: Config,
        chain: Chain,
        key: EvmKey,
        spending: Spending,
        flights: &Path,
    ) -> Result<Self, Error> {
        let flights = Flights::open(flights, &config, key.address(), &chain)?;
        let reader = Reader::open(config, key.address(), chain)?;
        Ok(Self {
            reader,
            key,
            spending,
            flights,
        })
    }

    /// What it reads the chain with.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What it cost to anchor a batch; `None` if it is not there.
    ///
    /// # Errors
    /// What the chain's node says.
    pub fn cost(&self, batch: &BatchId) -> Result<Option<Cost>, Error> {
        self.reader.cost(batch)
    }

    fn hand_in(&mut self, commitment: &Commitment, now: Timestamp) -> Result<State, Error> {
        self.reader.chain.check(commitment)?;
        if let Some(at) = self.flights.position(&commitment.batch) {
            same(&self.flights.all()[at].commitment, commitment)?;
            return self.bring_on(&commitment.batch, now);
        }
        let end = self.reader.end()?;
        if end.batch != commitment.prev {
            return self.known(commitment, end.batch);
        }
        if let Some(rival) = self
            .flights
            .all()
            .iter()
            .find(|flight| flight.commitment.prev == commitment.prev)
        {
            return Err(anchor::Error::OtherBatch {
                prev: commitment.prev,
                anchored: rival.commitment.batch,
            }
            .into());
        }
        if self.flights.all().len() >= MOST {
            self.bring_all_on(now)?;
            if self.flights.all().len() >= MOST {
                return Err(Error::TooManyUnfinal { most: MOST });
            }
        }
        self.launch(commitment, now)
    }

    /// What a commitment is that does not follow the end of the chain.
    fn known(&self, commitment: &Commitment, head: BatchId) -> Result<State, Error> {
        let tip = self.reader.tip()?;
        match self.reader.look(&commitment.batch, &commitment.prev)? {
            Look::Found(found) => {
                same(&found.commitment, commitment)?;
                return self.reader.state(&found, tip);
            }
            // Under way or not, `prev` has another follower: waiting would not help.
            Look::Rival(_) => {}
            Look::Nothing => {
                if self.flights.position(&commitment.prev).is_some() {
                    return Err(Error::Waiting {
                        batch: commitment.prev,
                    });
                }
            }
        }
        Err(anchor::Error::StalePrev {
            head,
            prev: commitment.prev,
        }
        .into())
    }

    /// Sends a commitment that follows the end of the chain, or finds that this was done and forgotten.
    fn launch(&mut self, commitment: &Commitment, now: Timestamp) -> Result<State, Error> {
        let account = self.key.address();
        let nonce = self.reader.rpc.nonce(account.0, Tag::Latest)?;
        let pending = self.reader.rpc.nonce(account.0, Tag::Pending)?;
        if pending > nonce {
            let flight = self
                .adopt(commitment, nonce, now)?
                .ok_or(Error::AccountBusy { account })?;
            let state = under_way(&flight);
            self.flights.put(flight)?;
            return Ok(state);
        }
        let gas = self.gas_for(commitment)?;
        let offer = self.offer()?;
        self.check_funds(gas, offer)?;
        let attempt = self.sign(commitment, nonce, gas, offer);
        let raw = attempt.raw.clone();
        let flight = Flight {
            commitment: *commitment,
            nonce,
            gas,
            attempts: vec![attempt],
            at: now,
        };
        let state = under_way(&flight);
        // On the disk before anybody can see it: what is in the file is all there can be under way.
        self.flights.put(flight)?;
        self.send(&raw)?;
        Ok(state)
    }

    /// A transaction for this very commitment that waits at the chain's node, from before a loss of the file.
    fn adopt(&self, commitment: &Commitment, nonce: u64, now: Timestamp) -> Result<Option<Flight>, Error> {
        let input = contract::append(commitment);
        let waiting = self.reader.rpc.pending()?.into_iter().find(|transaction| {
            transaction.from == self.key.address().0
                && transaction.to == Some(self.reader.config.contract.0)
                && transaction.nonce.to::<u64>() == nonce
                && transaction.input == input
        });
        Ok(waiting.map(|transaction| Flight {
            commitment: *commitment,
            nonce,
            gas: transaction.gas.to(),
            attempts: vec![Attempt {
                hash: transaction.hash,
                offer: Offer {
                    most: transaction.max_fee_per_gas.unwrap_or_default().to(),
                    tip: transaction.max_priority_fee_per_gas.unwrap_or_default().to(),
                },
                raw: Bytes::new(),
            }],
            at: now,
        }))
    }

    /// Brings a flight on, after those before it, since a later one is of no use without them.
    fn bring_on(&mut self, batch: &BatchId, now: Timestamp) -> Result<State, Error> {
        let upto = self.flights.position(batch).map_or(0, |at| at + 1);
        let batches: Vec<BatchId> = self.flights.all()[..upto]
            .iter()
            .map(|flight| flight.commitment.batch)
            .collect();
        let mut state = State::Pending;
        for batch in batches {
            let Some(at) = self.flights.position(&batch) else {
                continue;
            };
            let flight = self.flights.all()[at].clone();
            state = self.step(flight, now)?;
        }
        Ok(state)
    }

    fn bring_all_on(&mut self, now: Timestamp) -> Result<(), Error> {
        if let Some(last) = self.flights.all().last().map(|flight| flight.commitment.batch) {
            self.bring_on(&last, now)?;
        }
        Ok(())
    }

    fn step(&mut self, flight: Flight, now: Timestamp) -> Result<State, Error> {
        // Before the receipts: what is used up by a block that comes in between has a receipt then.
        let used = self.reader.rpc.nonce(self.key.address().0, Tag::Latest)? > flight.nonce;
        for attempt in flight.attempts.iter().rev() {
            if let Some(receipt) = self.reader.rpc.receipt(attempt.hash)? {
                return self.landed(&flight, attempt.hash, &receipt);
            }
        }
        if used {
            return self.again(&flight);
        }
        self.keep_up(flight, now)
    }

    /// A transaction of the flight is in a block.
    fn landed(&mut self, flight: &Flight, hash: B256, receipt: &Receipt) -> Result<State, Error> {
        if receipt.status.is_zero() {
            let state = self.again(flight);
            return match state {
                // Nothing on the chain explains it.
                Ok(State::Pending) => Err(Error::Reverted {
                    transaction: hash.to_string(),
                }),
                other => other,
            };
        }
        let event = receipt.logs.iter().find_map(|log| self.reader.own(log));
        let Some(event) = event else {
            return Err(Error::BadReply {
                method: "eth_getTransactionReceipt",
                reason: "the transaction succeeded, and has no event of the contract".to_owned(),
            });
        };
        let commitment = contract::commitment(&event);
        same(&commitment, &flight.commitment)?;
        let found = Found {
            commitment,
            number: receipt.block_number.to(),
            block: receipt.block_hash,
            transaction: hash,
        };
        self.settle(&found)
    }

    /// How far something is that is in a block; what is final is under way no longer.
    fn settle(&mut self, found: &Found) -> Result<State, Error> {
        let tip = self.reader.tip()?;
        let state = self.reader.state(found, tip)?;
        if matches!(state, State::Final(_)) {
            self.flights.remove(&found.commitment.batch)?;
        }
        Ok(state)
    }

    /// The flight can land no longer: another transaction has its number, or its own failed.
    ///
    /// [`State::Pending`] says that it follows the end of the chain, so that it can be handed in again.
    fn again(&mut self, flight: &Flight) -> Result<State, Error> {
        let batch = flight.commitment.batch;
        match self.reader.look(&batch, &flight.commitment.prev)? {
            Look::Found(found) => {
                same(&found.commitment, &flight.commitment)?;
                self.settle(&found)
            }
            Look::Rival(anchored) => {
                self.flights.remove(&batch)?;
                Err(anchor::Error::OtherBatch {
                    prev: flight.commitment.prev,
                    anchored,
                }
                .into())
            }
            Look::Nothing => {
                self.flights.remove(&batch)?;
                Ok(State::Pending)
            }
        }
    }

    /// The flight is in no block: sees that the chain's node has it, and offers more if that takes too long.
    fn keep_up(&mut self, mut flight: Flight, now: Timestamp) -> Result<State, Error> {
        let mut waits = false;
        for attempt in &flight.attempts {
            waits |= self.reader.rpc.transaction(attempt.hash)?.is_some();
        }
        let waited = now.get().saturating_sub(flight.at.get());
        let patient = waited < self.spending.patience;
        if waits && patient {
            return Ok(under_way(&flight));
        }
        if !waits && !flight.newest().raw.is_empty() {
            // It was dropped, or its block was. The same bytes again: they can land once.
            match self.send(&flight.newest().raw) {
                Ok(()) => return Ok(under_way(&flight)),
                // It may offer too little by now.
                Err(Error::Refused { .. }) if !patient => {}
                Err(error) => return Err(error),
            }
        }
        let bumped = match self.offer() {
            Ok(now) => flight.newest().offer.bumped(now, self.spending.limit),
            Err(Error::FeeTooHigh { .. }) => None,
            Err(error) => return Err(error),
        };
        let Some(offer) = bumped.filter(|_| flight.attempts.len() < MOST_ATTEMPTS) else {
            return Ok(State::Submitted {
                reference: format!(
                    "transaction {}, in no block, and more may not be offered for it",
                    flight.newest().hash
                ),
            });
        };
        self.check_funds(flight.gas, offer)?;
        let attempt = self.sign(&flight.commitment, flight.nonce, flight.gas, offer);
        let raw = attempt.raw.clone();
        flight.attempts.push(attempt);
        flight.at = now;
        let state = under_way(&flight);
        self.flights.put(flight)?;
        self.send(&raw)?;
        Ok(state)
    }

    /// An estimate, and a quarter more.
    fn gas_for(&self, commitment: &Commitment) -> Result<u64, Error> {
        let to = self.reader.config.contract.0;
        let input = contract::append(commitment);
        match self.reader.rpc.estimate(self.key.address().0, Some(to), &input)? {
            Estimate::Gas(gas) => Ok(gas.saturating_add(gas / 4)),
            Estimate::Reverts(data) => match contract::refusal(&data, commitment) {
                Some(error) => Err(error.into()),
                None => Err(Error::Refused {
                    method: "eth_estimateGas",
                    code: 3,
                    message: format!("the contract refuses: {data}"),
                }),
            },
        }
    }

    fn offer(&self) -> Result<Offer, Error> {
        offer(&self.reader.rpc, self.spending.limit)
    }

    fn check_funds(&self, gas: u64, offer: Offer) -> Result<(), Error> {
        check_funds(&self.reader.rpc, self.key.address(), gas, offer)
    }

    fn sign(&self, commitment: &Commitment, nonce: u64, gas: u64, offer: Offer) -> Attempt {
        let transaction = Transaction {
            chain_id: self.reader.config.chain_id,
            nonce,
            gas,
            offer,
            to: Some(self.reader.config.contract.0),
            input: contract::append(commitment),
        };
        let (hash, raw) = transaction.sign(&self.key);
        Attempt { hash, offer, raw }
    }

    fn send(&self, raw: &Bytes) -> Result<(), Error> {
        send(&self.reader.rpc, raw)
    }
}

impl Anchor for EvmAnchor {
    fn chain(&self) -> Chain {
        self.reader.chain
    }

    fn submit(&mut self, commitment: &Commitment, now: Timestamp) -> Result<Submission, anchor::Error> {
        let mut state = self.hand_in(commitment, now)?;
        if state == State::Pending {
            // What was under way was of no use any more, and is gone.
            state = self.hand_in(commitment, now)?;
        }
        Ok(Submission {
            batch: commitment.batch,
            state,
        })
    }

    fn poll(&mut self, batch: &BatchId, now: Timestamp) -> Result<State, anchor::Error> {
        if let Some(at) = self.flights.position(batch) {
            let commitment = self.flights.all()[at].commitment;
            return match self.bring_on(batch, now)? {
                State::Pending => Ok(self.hand_in(&commitment, now)?),
                state => Ok(state),
            };
        }
        let tip = self.reader.tip()?;
        match self.reader.find(batch)? {
            Some(found) => Ok(self.reader.state(&found, tip)?),
            None => Ok(State::Pending),
        }
    }

    fn head(&mut self) -> Result<Option<BatchId>, anchor::Error> {
        Ok(self.reader.head()?)
    }

    fn history(&mut self, newest: usize) -> Result<Vec<Anchored>, anchor::Error> {
        Ok(self.reader.history(newest)?)
    }

    fn verify(&mut self, commitment: &Commitment) -> Result<State, anchor::Error> {
        Ok(self.reader.verify(commitment)?)
    }
}

/// A contract on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Where it will be.
    pub contract: Address,
    /// Most gas it may take.
    pub gas: u64,
}

/// Sends the contract to a chain, and does not wait: [`Reader::open`] finds it when it is there. Whoever anchors may
/// use the contract of anybody: it has no owner.
///
/// # Errors
/// [`Error::WrongChain`], [`Error::AccountBusy`] if transactions of the account wait already, as after doing this twice,
/// [`Error::FeeTooHigh`], [`Error::InsufficientFunds`], and what the chain's node says.
pub fn deploy(endpoint: &str, chain_id: u64, key: &EvmKey, limit: Wei) -> Result<Deployment, Error> {
    let rpc = Rpc::new(endpoint)?;
    let actual = rpc.chain_id()?;
    if actual != chain_id {
        return Err(Error::WrongChain {
            expected: chain_id,
            actual,
        });
    }
    let account = key.address();
    let nonce = rpc.nonce(account.0, Tag::Latest)?;
    if rpc.nonce(account.0, Tag::Pending)? > nonce {
        return Err(Error::AccountBusy { account });
    }
    let code = contract::creation_code();
    let Estimate::Gas(gas) = rpc.estimate(account.0, None, &code)? else {
        return Err(Error::BadReply {
            method: "eth_estimateGas",
            reason: "the contract cannot be made".to_owned(),
        });
    };
    let gas = gas.saturating_add(gas / 4);
    let offer = offer(&rpc, limit)?;
    check_funds(&rpc, account, gas, offer)?;
    let transaction = Transaction {
        chain_id,
        nonce,
        gas,
        offer,
        to: None,
        input: code,
    };
    send(&rpc, &transaction.sign(key).1)?;
    Ok(Deployment {
        contract: Address(account.0.create(nonce)),
        gas,
    })
}

fn offer(rpc: &Rpc, limit: Wei) -> Result<Offer, Error> {
    let base_fee = rpc.latest()?.base_fee_per_gas.ok_or(Error::BadReply {
        method: "eth_getBlockByNumber",
        reason: "the block has no base fee: the chain has no EIP-1559".to_owned(),
    })?;
    Offer::first(base_fee.to(), rpc.tip()?, limit)
}

fn check_funds(rpc: &Rpc, account: Address, gas: u64, offer: Offer) -> Result<(), Error> {
    let have = rpc.balance(account.0)?;
    let need = offer.most.saturating_mul(gas.into());
    if have < need {
        return Err(Error::InsufficientFunds {
            account,
            have: Wei::new(have),
            need: Wei::new(need),
        });
    }
    Ok(())
}

/// Sends; that the node has it already is no error.
fn send(rpc: &Rpc, raw: &Bytes) -> Result<(), Error> {
    let hash = alloy_primitives::keccak256(raw);
    match rpc.send(raw) {
        Ok(_) => Ok(()),
        // What nodes say then differs; whether they have it does not.
        Err(error @ Error::Refused { .. }) => match rpc.transaction(hash)? {
            Some(_) => Ok(()),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn under_way(flight: &Flight) -> State {
    State::Submitted {
        reference: format!("transaction {}, in no block yet", flight.newest().hash),
    }
}
