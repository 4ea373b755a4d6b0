//! Running a job and proving it; on a thread that may block for as long as that takes.

use std::sync::{Arc, Mutex, PoisonError};

use nonos_capsule::{Claim, Context, Inputs};
use nonos_machine::{ExecutionStatement, Secret, Subject, VERSION, tables::TapeWords};
use nonos_mesh::Object;
use nonos_package::Package;
use nonos_types::{
    Assignment, Attempt, BackendId, ByteLen, Clock as _, ExecutionRecord, Offer, Output, ProofDigest,
    Receipt, Signed, Slot, TapesDigest, Transfer,
};
use nonos_verify::{Progress, Proof, Proving, Seed, Statement as _};
use nonos_worker::Job;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng as _;

use super::{Worker, segments::Ran};
use crate::{
    Conduct,
    choice::System,
    engine::{Facts, Input, Plan},
    objects::Whose,
};

/// A proof of another run by each backend, which a forger puts on his results.
pub(crate) type Forged = Arc<Mutex<Vec<(BackendId, Proof)>>>;

/// What came of a run.
pub(super) enum Executed {
    /// It is proved, in so many milliseconds.
    Proved(Box<Signed<Receipt>>, u64),
    /// It is long, and others prove parts of it.
    Cut(Box<Plan>),
}

impl Worker {
    /// Runs, proves and signs; what the receipt commits to is kept here. Says how many milliseconds the proof took.
    pub(super) fn execute(
        &self,
        offer: &Signed<Offer>,
        slot: Slot,
        attempt: Attempt,
        conduct: Conduct,
        transfers: Vec<Transfer>,
        share: bool,
    ) -> Result<Executed, String> {
        let text = |error: &dyn std::error::Error| {
            crate::api::RequestError::new(error, nonos_types::Fault::Bug).message
        };
        let read = |object: Object| match self.objects.get(&object) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(format!("{object:?} is gone")),
            Err(error) => Err(format!("cannot read {object:?}: {error}")),
        };
        let package = Package::decode(&read(Object::Capsule(offer.capsule))?).map_err(|it| text(&it))?;
        let input = read(Object::Input(offer.input))?;
        let facts = Facts::of(&package).map_err(|it| text(&it))?;
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
            ..Inputs::default()
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
            sealed_input: None,
            poi_pre: Some(self.snapshot),
            poi_post: None,
        };
        let record = run.record(claim, &context).map_err(|it| text(&it))?;
        let subject = Subject::Capsule(Box::new(package));
        let mut statement =
            ExecutionStatement::of_run(subject, record, input, Vec::new(), &Secret::default())
                .map_err(|it| text(&it))?;
        if share {
            let ran = Ran {
                offer,
                attempt,
                transfers: &transfers,
                facts: &facts,
                statement: &statement,
            };
            if let Some(plan) = self.cut(&ran)? {
                return Ok(Executed::Cut(Box::new(plan)));
            }
        }
        let (proof, ms) = match conduct {
            Conduct::Honest | Conduct::RelayUnchecked | Conduct::ForgeSegments => {
                self.prove(offer, &statement)?
            }
            Conduct::ForgeResults => {
                let mut forged = self.forged.lock().unwrap_or_else(PoisonError::into_inner);
                let known = forged.iter().find(|(backend, _)| *backend == offer.backend);
                let (proof, ms) = match known {
                    Some((_, proof)) => (proof.clone(), 0),
                    None => {
                        let made = self.prove(offer, &statement)?;
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
            transfers: &transfers,
            facts: &facts,
            statement: &statement,
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
            record,
        };
        let keep = |object: Object, bytes: &[u8]| {
            let kept = self.objects.put(&object, bytes, Whose::Own);
            kept.map_err(|error| format!("cannot keep {object:?}: {error}"))
        };
        keep(Object::Tapes(receipt.tapes), tapes)?;
        keep(Object::Proof(receipt.proof), &proof.bytes)?;
        Ok(Signed::new(receipt, self.identity.signing_key()))
    }

    fn prove(&self, offer: &Offer, statement: &ExecutionStatement) -> Result<(Proof, u64), String> {
        let system = System::ALL.into_iter().find(|it| it.id() == offer.backend);
        let system = system.ok_or_else(|| format!("this node has no backend `{}`", offer.backend))?;
        let method = self.proving.method(system);
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
            .prove(method, self.memory, statement, &mut proving)
            .map_err(|error| crate::api::RequestError::new(&error, error.fault()).message)?;
        Ok((proof, self.clock.millis() - started))
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
    record.proven.output = Output::Digest(tapes.output_digest());
    ExecutionStatement::new(statement.subject().clone(), record, tapes)
}
