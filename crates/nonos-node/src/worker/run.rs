//! Running a job and proving it; on a thread that may block for as long as that takes.

use std::sync::{Arc, Mutex, PoisonError};

use nonos_capsule::{Claim, Context, Inputs, Sealed};
use nonos_machine::{ExecutionStatement, Secret, Subject, VERSION, tables::TapeWords};
use nonos_mesh::Object;
use nonos_package::Package;
use nonos_trust::boxes::ContentKey;
use nonos_types::{
    Assignment, Attempt, BackendId, ByteLen, Clock as _, ExecutionRecord, Offer, Output, ProofDigest,
    Receipt, SealedResult, Signed, Slot, TapesDigest, Transfer,
};
use nonos_verify::{Progress, Proof, ProveError, Proving, Seed, Statement as _};
use nonos_worker::Job;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng as _;

use super::{Worker, sealed::fresh_salt, segments::Ran};
use crate::{
    Conduct,
    channel::Source,
    choice::System,
    engine::{Facts, Input, Plan},
    objects::Whose,
    sealed::{self, Opening, Unopened},
};

/// A proof of another run by each backend, which a forger puts on his results.
pub(crate) type Forged = Arc<Mutex<Vec<(BackendId, Proof)>>>;

/// What a run is besides its offer.
pub(super) struct Order {
    pub(super) slot: Slot,
    pub(super) attempt: Attempt,
    pub(super) conduct: Conduct,
    /// Whose messages it reads.
    pub(super) messages: Vec<Source>,
    /// Who gave the capsule.
    pub(super) transfers: Vec<Transfer>,
    /// Of the sealed input, if there is one.
    pub(super) key: Option<ContentKey>,
    /// May it be cut, if it is long, so that others prove parts of it?
    pub(super) share: bool,
}

/// What came of a run.
pub(super) enum Executed {
    /// It is proved, in so many milliseconds.
    Proved(Box<Signed<Receipt>>, u64),
    /// It is long, and others prove parts of it.
    Cut(Box<Plan>),
}

impl Worker {
    /// Runs, proves and signs; what the receipt commits to is kept here. Says how many milliseconds the proof took.
    pub(super) fn execute(&self, offer: &Signed<Offer>, order: &Order) -> Result<Executed, Failed> {
        let Order {
            slot,
            attempt,
            conduct,
            ..
        } = *order;
        let text = |error: &dyn std::error::Error| {
            crate::api::RequestError::new(error, nonos_types::Fault::Bug).message
        };
        let read = &|object: Object| match self.objects.get(&object) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("{object:?} is gone")),
            Err(error) => Err(format!("cannot read {object:?}: {error}")),
        };
        let package = Package::decode(&read(Object::Capsule(offer.capsule))?).map_err(|it| text(&it))?;
        let input = read(Object::Input(offer.input))?;
        let inbound = self
            .inbound_here(offer, &order.messages)
            .map_err(|it| text(&it))?;
        let facts = Facts::of(&package).map_err(|it| text(&it))?;
        // Before a nonce is spent.
        let secret = self.secret(offer, order.key.as_ref(), read)?;
        let assignment = Assignment {
            network: self.network,
            job: offer.job(),
            slot,
            executor: self.identity.node_id(),
            attempt,
        };
        let store = self.store.upgrade().ok_or("the node has stopped")?;
        let claim = Claim::new(&*store, assignment).map_err(|it| text(&it))?;
        drop(store);
        let inputs = Inputs {
            input: input.clone(),
            sealed: secret.input.as_ref().map(|it| Sealed {
                bytes: it.bytes.to_vec(),
                salt: *it.salt.as_bytes(),
            }),
            inbound: inbound.clone(),
        };
        let run = self.runner.run(&Job {
            module: package.module(),
            policy: package.policy(),
            arguments: &offer.arguments,
            inputs: &inputs,
        });
        let (run, _) = run.map_err(|it| text(&it))?;
        let context = Context {
            policy: package.policy(),
            hash: package.capsule_hash(),
            machine: VERSION,
            arguments: &offer.arguments,
            inputs: &inputs,
            sealed_input: offer.sealed.map(|it| it.commitment),
            poi_pre: Some(self.snapshot),
            poi_post: None,
        };
        let record = run.record(claim, &context).map_err(|it| text(&it))?;
        let subject = Subject::Capsule(Box::new(package));
        let mut statement =
            ExecutionStatement::of_run(subject, record, input, inbound, &secret).map_err(|it| text(&it))?;
        if order.share {
            let ran = Ran {
                offer,
                attempt,
                transfers: &order.transfers,
                facts: &facts,
                statement: &statement,
                sealed: None,
            };
            if let Some(plan) = self.cut(&ran)? {
                return Ok(Executed::Cut(Box::new(plan)));
            }
        }
        let sealed = self.seal_result(offer, slot, &statement, &secret)?;
        let (proof, ms) = match conduct {
            Conduct::Honest | Conduct::RelayUnchecked | Conduct::ForgeSegments | Conduct::ForkBooks => {
                self.prove(offer, &statement, &secret)?
            }
            Conduct::ForgeResults => {
                let mut forged = self.forged.lock().unwrap_or_else(PoisonError::into_inner);
                let known = forged.iter().find(|(backend, _)| *backend == offer.backend);
                let (proof, ms) = match known {
                    Some((_, proof)) => (proof.clone(), 0),
                    None => {
                        let made = self.prove(offer, &statement, &secret)?;
                        forged.push((offer.backend.clone(), made.0.clone()));
                        made
                    }
                };
                statement = forge(statement).map_err(|it| text(&it))?;
                (proof, ms)
            }
        };
        let ran = Ran {
            offer,
            attempt,
            transfers: &order.transfers,
            facts: &facts,
            statement: &statement,
            sealed: sealed.as_ref(),
        };
        let receipt = self.sign(&ran, &proof)?;
        Ok(Executed::Proved(Box::new(receipt), ms))
    }

    /// Keeps what the receipt of a run commits to, and signs it.
    pub(super) fn sign(&self, ran: &Ran<'_>, proof: &Proof) -> Result<Signed<Receipt>, String> {
        let Ran {
            offer,
            attempt,
            transfers,
            facts,
            statement,
            sealed,
        } = *ran;
        let proof_len = ByteLen::from(proof.bytes.len());
        if proof_len > Receipt::MAX_PROOF {
            let most = Receipt::MAX_PROOF;
            return Err(format!(
                "its proof has {proof_len}, a receipt's has {most} at most"
            ));
        }
        let public = statement.public();
        let tapes = public
            .attachment(1)
            .expect("a statement's second attachment is its tapes");
        let record: ExecutionRecord = statement.record().clone();
        let receipt = Receipt {
            attempt,
            backend: offer.backend.clone(),
            verifying_key: proof.vk,
            proof: ProofDigest::hash(&[&proof.bytes]),
            proof_len,
            tapes: TapesDigest::hash(&[tapes]),
            tapes_len: ByteLen::from(tapes.len()),
            fee: facts.fee(offer, record.proven.fuel_used),
            transfers: transfers.to_vec(),
            at: self.clock.now(),
            result: sealed.map(|(result, _)| *result),
            record,
        };
        let keep = |object: Object, bytes: &[u8]| {
            let kept = self.objects.put(&object, bytes, Whose::Own);
            kept.map_err(|error| format!("cannot keep {object:?}: {error}"))
        };
        keep(Object::Tapes(receipt.tapes), tapes)?;
        keep(Object::Proof(receipt.proof), &proof.bytes)?;
        if let Some((result, bytes)) = sealed {
            keep(Object::Result(result.object), bytes)?;
        }
        Ok(Signed::new(receipt, self.identity.signing_key()))
    }

    /// What the proof must not show: opens the sealed input, and draws a salt for sealed outputs.
    fn secret(
        &self,
        offer: &Signed<Offer>,
        key: Option<&ContentKey>,
        read: &dyn Fn(Object) -> Result<Vec<u8>, String>,
    ) -> Result<Secret, Failed> {
        let input = match (&offer.sealed, key) {
            (None, _) => None,
            (Some(_), None) => return Err(Failed::Sealed(Unopened::NoKey)),
            (Some(tape), Some(key)) => {
                let bytes = read(Object::Sealed(tape.object))?;
                Some(sealed::open_input(offer, key, &bytes).map_err(Failed::Sealed)?)
            }
        };
        let outputs = offer.result_key.map(|_| fresh_salt()).transpose()?;
        let scheme = sealed::scheme_of(&offer.backend);
        let scheme = scheme.ok_or_else(|| format!("this node has no backend `{}`", offer.backend))?;
        Ok(Secret {
            input,
            outputs,
            scheme,
        })
    }

    /// The outputs for the requester alone, if it wants them so.
    fn seal_result(
        &self,
        offer: &Signed<Offer>,
        slot: Slot,
        statement: &ExecutionStatement,
        secret: &Secret,
    ) -> Result<Option<(SealedResult, Vec<u8>)>, String> {
        let Some(salt) = &secret.outputs else {
            return Ok(None);
        };
        let run = statement.repeat(secret).map_err(|error| error.to_string())?;
        let [result, outbound, log, _] = run.written;
        let opening = Opening {
            salt: salt.clone(),
            tapes: [result, outbound, log],
        };
        let sealed = sealed::seal_result(&self.identity, offer, slot, &opening);
        sealed
            .map(Some)
            .map_err(|error| format!("the result is not sealed: {error}"))
    }

    fn prove(
        &self,
        offer: &Offer,
        statement: &ExecutionStatement,
        secret: &Secret,
    ) -> Result<(Proof, u64), String> {
        let system = System::ALL.into_iter().find(|it| it.id() == offer.backend);
        let system = system.ok_or_else(|| format!("this node has no backend `{}`", offer.backend))?;
        let method = self.configured.get().proving.method(system);
        let mut seeds = seeds()?;
        let job = statement.record().proven.job;
        let inputs = self.inputs.clone();
        let mut tell = move |Progress {
                                 stage, done, total, ..
                             }: Progress| {
            let permille = u16::try_from(done.saturating_mul(1000) / total.max(1)).unwrap_or(1000);
            // Progress that finds no room is not worth waiting for.
            let _full = inputs.try_send(Input::Progress {
                job,
                stage: stage.to_string(),
                permille,
            });
        };
        let mut proving = Proving::new(&mut seeds).on_progress(&mut tell);
        let turn = self.proofs.turn();
        let started = self.clock.millis();
        let proof = turn
            .prove(
                method,
                self.configured.get().memory,
                statement,
                secret,
                &mut proving,
            )
            .map_err(|error| why_unproved(offer, &error))?;
        Ok((proof, self.clock.millis() - started))
    }
}

/// Why there is no receipt.
pub(super) enum Failed {
    /// The run or its proof failed.
    Run(String),
    /// Nothing was run: the sealed input is not what the offer says.
    Sealed(Unopened),
}

impl From<String> for Failed {
    fn from(reason: String) -> Self {
        Self::Run(reason)
    }
}

impl From<&str> for Failed {
    fn from(reason: &str) -> Self {
        Self::Run(reason.to_owned())
    }
}

fn why_unproved(offer: &Offer, error: &ProveError) -> String {
    let reason = crate::api::RequestError::new(error, error.fault()).message;
    match error {
        // Segments would show how the cells of each are shared.
        ProveError::TooLarge { .. } if offer.hides() => {
            format!("what is sealed is proved in one piece, and the run is too long for that: {reason}")
        }
        _ => reason,
    }
}

/// Seeds that nobody knows.
pub(super) fn seeds() -> Result<impl FnMut() -> Seed, String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| "the system gave no random bytes".to_owned())?;
    let mut random = ChaCha20Rng::from_seed(secret);
    Ok(move || {
        let mut fresh = [0; 32];
        random.fill_bytes(&mut fresh);
        Seed::new(fresh)
    })
}

/// The same run with another result: what a forger would be paid for.
fn forge(statement: ExecutionStatement) -> Result<ExecutionStatement, nonos_machine::StatementError> {
    let (mut record, mut tapes) = (statement.record().clone(), statement.tapes().clone());
    let result: &mut TapeWords = &mut tapes.outputs[0];
    match result.words.first_mut() {
        Some(word) => *word ^= 1,
        None => record.proven.fuel_used = nonos_types::Fuel::new(record.proven.fuel_used.get() - 1),
    }
    if let Output::Digest(digest) = &mut record.proven.output {
        *digest = tapes.output_digest();
    }
    ExecutionStatement::new(statement.subject().clone(), record, tapes)
}
