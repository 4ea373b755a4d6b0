//! Does what the engine decides: fetches, runs, proves, verifies, sends. Each effect on a task of its own.

mod answer;
mod bundle;
mod challenge;
mod clocks;
mod configured;
mod contest;
mod hidden;
mod needs;
mod receipt;
mod run;
mod sealed;
mod segments;

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use nonos_mesh::{
    Cursor, FetchError, Mesh, Multiaddr, Object, Page, Weight,
    core::{
        Download, journal,
        reconcile::{Round, Scope},
    },
};
use nonos_package::Package;
use nonos_store::Store;
use nonos_trust::{Identity, Judgement, ProofCheck as _, ProofVerdict, judge};
use nonos_types::{
    Accusation, ByteLen, Clock as _, Fault, Inbound, Inclusion, InputDigest, JobId, Kind, Message, MessageId,
    NetworkId, NodeId, Offer, Outline, Receipt, RelayHead, Shards, Signed, TranscriptDigest, Transfer,
};
use nonos_worker::{Protection, Runner};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    Conduct,
    api::{RequestError, Submission},
    channel::{Source, Unreadable, check_channels},
    clock::SystemClock,
    config::Onion,
    engine::{Checked, Effect, Facts, Input, Origin, Refused, Told, Unchecked},
    journal::Journal,
    node::Giving,
    objects::{ObjectStore, Whose},
    proofs::{Checker, Proofs},
    settle::Settler,
};

/// Bytes of tapes and proof together above which a receipt is a long one, and how many of these are verified at a time.
const LONG: u64 = 16 << 20;
pub(crate) const LONG_ONES: usize = 4;
/// How long a peer may take to give an object, however fast each part of it comes.
const FETCH: Duration = Duration::from_secs(120);

/// What effects are done with.
pub(crate) struct Worker {
    pub(crate) mesh: Mesh,
    pub(crate) objects: Arc<ObjectStore>,
    pub(crate) proofs: Arc<Proofs>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) network: NetworkId,
    pub(crate) snapshot: nonos_types::PoiHash,
    /// Weak, so that a run that is abandoned does not keep the store open.
    pub(crate) store: Weak<dyn Store>,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) clock: SystemClock,
    pub(crate) configured: Configured,
    /// The file that says so.
    pub(crate) config_file: PathBuf,
    pub(crate) giving: Arc<Giving>,
    pub(crate) forged: run::Forged,
    /// Where capsules are run.
    pub(crate) runner: Runner,
    /// What is given up there.
    pub(crate) protection: Option<Protection>,
    pub(crate) journal: Journal,
    pub(crate) onion: Onion,
    pub(crate) passed: Mutex<Passed>,
    pub(crate) bundles: Bundles,
    pub(crate) conduct: Conduct,
    pub(crate) settler: Arc<Settler>,
    /// Runs that are proved in segments.
    pub(crate) runs: segments::Runs,
    /// Long proofs and tapes that may be fetched and verified at a time.
    pub(crate) long: Semaphore,
}

/// What came of checking a receipt.
struct Verified {
    facts: Option<Arc<Facts>>,
    /// Its tapes and its proof.
    shown: Option<(Vec<u8>, Vec<u8>)>,
    verdict: ProofVerdict,
    value: Option<TranscriptDigest>,
    ms: u64,
}

use self::needs::{Asking, is_of};
pub(crate) use self::{bundle::Bundles, configured::Configured, run::Forged, segments::Runs};

impl Worker {
    /// Does effects until there are no more, or one says to stop.
    pub(crate) async fn work(self: Arc<Self>, mut effects: mpsc::Receiver<Effect>) {
        while let Some(effect) = effects.recv().await {
            match effect {
                Effect::Stop => break,
                Effect::Give(gives) => self.giving.set(gives),
                Effect::Configure(config) => {
                    self.configured.set(&config);
                    self.objects
                        .set_most(config.limits.disk.map(crate::config::Disk::get));
                }
                // In order, and soon done.
                Effect::Publish(message) => match *message {
                    message @ Message::Receipt(_) if message.signer() == self.identity.node_id() => {
                        tokio::spawn(Arc::clone(&self).publish_receipt(message));
                    }
                    message => self.publish_openly(&message).await,
                },
                Effect::Listen(shards) => self.mesh.listen(shards).await,
                Effect::Mixes(mixes) => self.mesh.set_mixes(mixes).await,
                Effect::Report { ticket, acceptance } => self.mesh.report(ticket, acceptance).await,
                Effect::LetGo(peer) => self.mesh.let_go(peer).await,
                Effect::Block(peer) => self.mesh.block(peer).await,
                Effect::Unblock(peer) => self.mesh.unblock(peer).await,
                Effect::Weigh { peer, score_ppm } => self.mesh.weigh(peer, weight(score_ppm)).await,
                effect => {
                    let worker = Arc::clone(&self);
                    tokio::spawn(async move { worker.one(effect).await });
                }
            }
        }
    }

    async fn one(self: Arc<Self>, effect: Effect) {
        let input = match effect {
            Effect::Dial { peer, address } => {
                if let Ok(address) = address.parse::<Multiaddr>()
                    && let Err(error) = self.mesh.dial(Some(peer), address).await
                {
                    tracing::debug!(%peer, %error, "not dialled");
                }
                return;
            }
            Effect::Keep { address } => {
                if let Err(error) = self.mesh.keep(address).await {
                    tracing::warn!(%error, "cannot stay connected");
                }
                return;
            }
            Effect::Read { peer, cursor, shards } => self.read(peer, cursor, shards).await,
            Effect::CatchUp { peer, from, scope } => self.catch_up(peer, from, scope).await,
            Effect::GetOffer { peer, job } => return self.get_offer(peer, job).await,
            Effect::Prepare {
                offer,
                messages,
                sources,
            } => {
                let job = offer.job();
                let result = self.prepare(&offer, &messages, &sources).await;
                Input::Prepared { job, result }
            }
            Effect::PrepareSubmission {
                submission,
                messages,
                sources,
                reply,
            } => {
                let result = self.ready(&submission, &messages, &sources).await;
                Input::SubmissionReady {
                    submission,
                    result,
                    reply,
                }
            }
            Effect::Execute {
                offer,
                slot,
                attempt,
                conduct,
                messages,
                transfers,
                key,
                share,
            } => {
                let job = offer.job();
                let worker = Arc::clone(&self);
                let order = run::Order {
                    slot,
                    attempt,
                    conduct,
                    messages,
                    transfers,
                    key,
                    share,
                };
                let run = move || worker.execute(&offer, &order);
                let (result, ms) = match tokio::task::spawn_blocking(run).await {
                    Ok(Ok(run::Executed::Cut(plan))) => {
                        return self.send(Input::Segments(Told::Cut { job, plan })).await;
                    }
                    Ok(Ok(run::Executed::Proved(receipt, ms))) => (Ok(receipt), ms),
                    Ok(Err(run::Failed::Run(reason))) => (Err(reason), 0),
                    Ok(Err(run::Failed::Sealed(error))) => {
                        let reason = error.to_string();
                        return self.send(Input::Unopened { job, reason }).await;
                    }
                    Err(_) => (
                        Err("the run panicked; that is a defect of this program".to_owned()),
                        0,
                    ),
                };
                Input::Ran { job, result, ms }
            }
            Effect::OpenResult {
                offer,
                receipt,
                sources,
            } => {
                let (job, name) = (offer.job(), receipt.receipt_id());
                let opened = self.open_result(&offer, &receipt, &sources).await;
                Input::ResultOpened {
                    job,
                    receipt: name,
                    opened,
                }
            }
            Effect::Segments(what) => match self.do_segments(what).await {
                Some(input) => input,
                None => return,
            },
            Effect::Help(task) => Input::Helped(self.help(*task).await),
            Effect::Forget(object) => {
                let worker = Arc::clone(&self);
                let _done = blocking(move || worker.forget(&object)).await;
                return;
            }
            Effect::Check {
                receipt,
                origin,
                sources,
            } => self.check(*receipt, origin, &sources).await,
            Effect::Judge {
                accusation,
                origin,
                sources,
            } => {
                let judgement = self.judge(&accusation, &sources).await;
                Input::Judged {
                    accusation,
                    judgement,
                    origin,
                }
            }
            Effect::AskFeed { peer, ask } => {
                let said = self.mesh.feed(peer, ask).await;
                let said = said.inspect_err(|error| tracing::debug!(%peer, %error, "books not shown"));
                Input::FeedSaid {
                    peer,
                    ask,
                    answer: said.ok(),
                }
            }
            Effect::Challenge { peer, capsule, lot } => self.challenge(peer, capsule, lot).await,
            Effect::Contest {
                verdict,
                receipt,
                sources,
            } => self.contest(verdict, receipt, &sources).await,
            Effect::AskRelay { message, head } => {
                let inclusion = self.ask_relay(message, &head).await;
                Input::RelaySaid {
                    message,
                    head,
                    inclusion,
                }
            }
            Effect::Answer { what, reply } => return self.answer(what, reply).await,
            Effect::Publish(_)
            | Effect::Listen(_)
            | Effect::Mixes(_)
            | Effect::Report { .. }
            | Effect::LetGo(_)
            | Effect::Block(_)
            | Effect::Unblock(_)
            | Effect::Weigh { .. }
            | Effect::Give(_)
            | Effect::Configure(_)
            | Effect::Stop => unreachable!("done in order"),
        };
        self.send(input).await;
    }

    async fn publish_openly(&self, message: &Message) {
        // Peers that did not hear it read it from the journal.
        let shard = self.journal.shard_of(message).unwrap_or_else(|error| {
            tracing::error!(%error, "the journal cannot be read");
            None
        });
        if let Err(error) = self.mesh.publish_in(message, shard).await {
            tracing::debug!(%error, kind = message.kind().name(), "not gossiped");
        }
    }

    /// A node that stops hears no more.
    async fn send(&self, input: Input) {
        let _stopped = self.inputs.send(input).await;
    }

    /// Reads a page of a peer's journal.
    async fn read(&self, peer: NodeId, cursor: Cursor, shards: Shards) -> Input {
        let page = match self.mesh.messages_after(peer, cursor, shards).await {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%peer, %error, "journal not read");
                return Input::Read {
                    peer,
                    next: None,
                    messages: 0,
                };
            }
        };
        let (next, count) = (page.next, page.messages.len());
        for message in self.checked(page.messages, peer).await {
            self.hear(message, peer).await;
        }
        Input::Read {
            peer,
            next: Some(next),
            messages: count,
        }
    }

    /// Those of a peer's messages that pass the cheap checks.
    async fn checked(&self, messages: Vec<Vec<u8>>, peer: NodeId) -> Vec<Message> {
        let mesh = self.mesh.clone();
        let check = move || -> Vec<Message> {
            let checked = messages.iter().map(|bytes| mesh.check(bytes, peer));
            checked
                .filter_map(|result| {
                    result
                        .inspect_err(|refusal| tracing::debug!(%peer, %refusal, "left out"))
                        .ok()
                })
                .collect()
        };
        tokio::task::spawn_blocking(check).await.unwrap_or_default()
    }

    async fn hear(&self, message: Message, peer: NodeId) {
        let origin = Origin {
            peer: Some(peer),
            ..Origin::default()
        };
        let message = Box::new(message);
        self.send(Input::Message { message, origin }).await;
    }

    /// Finds out which messages only a peer has, and gets them.
    async fn catch_up(&self, peer: NodeId, from: Kind, scope: Scope) -> Input {
        let now = self.clock.now();
        let (mut round, first) = Round::within(&self.journal.known().summary, from, scope, now);
        let (mut ask, mut needed) = (Some(first), 0);
        while let Some(next) = ask.take() {
            let heard = match self.mesh.reconcile(peer, next).await {
                Ok(answer) => {
                    let heard = round.hear(&self.journal.known().summary, &answer);
                    heard.map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            match heard {
                Ok(heard) => {
                    needed += self.take(peer, heard.found.need).await;
                    ask = heard.ask;
                }
                Err(error) => {
                    tracing::debug!(%peer, error, "not reconciled");
                    return Input::CaughtUp {
                        peer,
                        resume: round.resume_at(),
                        needed: None,
                    };
                }
            }
        }
        Input::CaughtUp {
            peer,
            resume: round.resume_at(),
            needed: Some(needed),
        }
    }

    /// Gets the offer of a job, by the job's name.
    async fn get_offer(&self, peer: NodeId, job: JobId) {
        let name = MessageId::from_bytes(*job.as_bytes());
        let messages = self.mesh.messages(peer, vec![name]).await.unwrap_or_default();
        for message in self.checked(messages, peer).await {
            if matches!(&message, Message::Offer(it) if it.job() == job) {
                self.hear(message, peer).await;
            }
        }
    }

    /// Gets messages by their names from a peer that says it has them; how many came.
    async fn take(&self, peer: NodeId, mut ids: Vec<MessageId>) -> usize {
        let passed = || self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.millis();
        ids.retain(|id| passed().is_due(*id, now));
        let mut came = 0;
        for page in ids.chunks(Page::MAX_MESSAGES) {
            let mut left: BTreeSet<MessageId> = page.iter().copied().collect();
            // An answer has room for some of them.
            while !left.is_empty() {
                let asked = self.mesh.messages(peer, left.iter().copied().collect()).await;
                let messages = asked
                    .inspect_err(|error| tracing::debug!(%peer, %error, "messages not fetched"))
                    .unwrap_or_default();
                let before = left.len();
                for message in self.checked(messages, peer).await {
                    if left.remove(&message.id()) {
                        passed().saw(message.id(), now);
                        came += 1;
                        self.hear(message, peer).await;
                    }
                }
                if left.len() == before {
                    break;
                }
            }
            // What does not come, or is not let in, is not asked for again at once.
            left.into_iter().for_each(|id| passed().saw(id, now));
        }
        came
    }

    /// An object, from here or from the peers that give it, and who gave how much.
    async fn get(
        &self,
        object: Object,
        sources: &[NodeId],
    ) -> Result<(Vec<u8>, Vec<(NodeId, ByteLen)>), String> {
        let most = ObjectStore::limit(&object, self.configured.get().max_input);
        self.get_up_to(object, sources, most).await
    }

    /// The same, if what peers give has no more bytes than that.
    async fn get_up_to(
        &self,
        object: Object,
        sources: &[NodeId],
        most: ByteLen,
    ) -> Result<(Vec<u8>, Vec<(NodeId, ByteLen)>), String> {
        let unreadable = |error: io::Error| format!("cannot read {object:?}: {error}");
        let (here, begun) = {
            let objects = Arc::clone(&self.objects);
            let read = move || Ok((objects.get(&object)?, objects.begun(&object)?));
            blocking(read).await?.map_err(unreadable)?
        };
        if let Some(bytes) = here {
            return Ok((bytes, vec![]));
        }
        let mut download = Download::new(object, most, sources.iter().copied());
        if let Some((outline, groups)) = begun {
            download.resume(outline, groups);
        }
        let keep = |outline: &Outline, index: usize, bytes: &[u8]| {
            // What is not kept is fetched again.
            if let Err(error) = self.objects.keep_group(&object, outline, index, bytes) {
                tracing::warn!(?object, %error, "a group is not kept");
            }
        };
        let is_whole = |bytes: &[u8]| ObjectStore::fits(&object, bytes);
        let gathered = self.mesh.gather(&mut download, keep, is_whole);
        let gathered = tokio::time::timeout(FETCH, gathered).await;
        match gathered.unwrap_or(Err(FetchError::Timeout)) {
            Ok(bytes) => {
                let objects = Arc::clone(&self.objects);
                let kept =
                    blocking(move || objects.put(&object, &bytes, Whose::Others).map(|()| bytes)).await?;
                let bytes = kept.map_err(|error| format!("cannot keep {object:?}: {error}"))?;
                Ok((bytes, download.given().collect()))
            }
            Err(FetchError::NotFound) => Err(format!("no connected peer gives {object:?}")),
            Err(error) => Err(format!("{object:?} is not fetched: {error}")),
        }
    }

    /// A capsule that the operator wants, which is nobody's business.
    async fn look_up_package(
        &self,
        capsule: nonos_types::CapsuleHash,
        sources: &[NodeId],
    ) -> Result<Package, String> {
        let object = Object::Capsule(capsule);
        let objects = Arc::clone(&self.objects);
        let is_here = blocking(move || objects.get(&object).is_ok_and(|it| it.is_some())).await?;
        let mut sources = sources.to_vec();
        if !is_here && let Some((bytes, given)) = self.look_up(object, &mut sources).await? {
            let objects = Arc::clone(&self.objects);
            let kept = blocking(move || objects.put(&object, &bytes, Whose::Others)).await?;
            kept.map_err(|error| format!("cannot keep {object:?}: {error}"))?;
            self.account(capsule, given).await;
        }
        self.package(capsule, &sources).await
    }

    async fn package(
        &self,
        capsule: nonos_types::CapsuleHash,
        sources: &[NodeId],
    ) -> Result<Package, String> {
        let (bytes, given) = self.get(Object::Capsule(capsule), sources).await?;
        self.account(capsule, given).await;
        blocking(move || Package::decode(&bytes).map_err(|error| format!("the capsule is refused: {error}")))
            .await?
    }

    /// Who gave a capsule is paid for it.
    async fn account(&self, capsule: nonos_types::CapsuleHash, given: hidden::Given) {
        if !given.is_empty() {
            let from = given
                .into_iter()
                .map(|(seeder, bytes)| Transfer { seeder, bytes });
            let from = from.take(Receipt::MAX_TRANSFERS).collect();
            self.send(Input::Fetched { capsule, from }).await;
        }
    }

    async fn facts(&self, package: &Package) -> Result<Arc<Facts>, String> {
        let package = package.clone();
        let facts = blocking(move || Facts::of(&package)).await?;
        facts
            .map(Arc::new)
            .map_err(|error| format!("the capsule cannot be proved: {error}"))
    }

    async fn prepare(
        &self,
        offer: &Signed<Offer>,
        messages: &[Source],
        sources: &[NodeId],
    ) -> Result<Arc<Facts>, Refused> {
        let package = self.package(offer.capsule, sources).await?;
        let facts = self.facts(&package).await?;
        // Its own job was prepared before it was offered.
        if offer.signer() != self.identity.node_id() {
            check_channels(&facts, messages)?;
            let needs = self.needs(&package, sources, Asking::Openly).await?;
            let tape = self.inbound(messages, &needs, sources).await?;
            is_of(offer, &tape)?;
        }
        // The requester has its input; others may.
        let mut holders = vec![offer.signer()];
        holders.extend(sources.iter().copied().filter(|it| *it != offer.signer()));
        let (input, _) = self.get(Object::Input(offer.input), &holders).await?;
        if ByteLen::from(input.len()) != offer.input_len {
            return Err("its input has another length than the offer says"
                .to_owned()
                .into());
        }
        if let Some(sealed) = &offer.sealed {
            let (bytes, _) = self.get(Object::Sealed(sealed.object), &holders).await?;
            if ByteLen::from(bytes.len()) != sealed.len {
                return Err("its sealed input has another length than the offer says"
                    .to_owned()
                    .into());
            }
        }
        Ok(facts)
    }

    async fn ready(
        &self,
        submission: &Submission,
        messages: &[Source],
        sources: &[NodeId],
    ) -> Result<crate::engine::Ready, RequestError> {
        let refuse = |fault: &str, message: String| RequestError {
            message,
            fault: fault.to_owned(),
        };
        let input = hex::decode(&submission.input_hex)
            .map_err(|_| refuse("caller", "the input is not hexadecimal".to_owned()))?;
        if ByteLen::from(input.len()) > self.configured.get().max_input {
            let message = format!(
                "the input has {}, the limit is {}",
                ByteLen::from(input.len()),
                self.configured.get().max_input
            );
            return Err(refuse("caller", message));
        }
        let package = self.look_up_package(submission.capsule, sources).await;
        let package = package.map_err(|message| {
            let remedy = "publish it (`operator capsule publish`) or connect to a peer that has it";
            refuse("caller", format!("{message}: {remedy}"))
        })?;
        let facts = self
            .facts(&package)
            .await
            .map_err(|message| refuse("caller", message))?;
        if submission.arguments.len() != facts.params.len() {
            let (given, takes) = (submission.arguments.len(), facts.params.len());
            return Err(refuse(
                "caller",
                format!("the entry takes {takes} arguments, {given} are given"),
            ));
        }
        let arguments = (facts.params.iter().zip(&submission.arguments))
            .map(|(kind, text)| nonos_types::Value::parse(*kind, text))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| RequestError::new(&error, error.fault()))?;
        let readable = check_channels(&facts, messages);
        readable.map_err(|error| RequestError::new(&error, Fault::Caller))?;
        let needs = self.needs(&package, sources, Asking::Hidden).await;
        let needs = needs.map_err(|error| refuse("caller", error.reason))?;
        let tape = self.inbound(messages, &needs, sources).await;
        let tape = tape.map_err(|error| RequestError::new(&error, Fault::Caller))?;
        if tape.len() > self.configured.get().max_input {
            let (actual, limit) = (tape.len(), self.configured.get().max_input);
            let error = Unreadable::Input { actual, limit };
            return Err(RequestError::new(&error, Fault::Caller));
        }
        let digest = InputDigest::hash(&[&input]);
        let input_len = ByteLen::from(input.len());
        let objects = Arc::clone(&self.objects);
        blocking(move || objects.put(&Object::Input(digest), &input, Whose::Own))
            .await
            .and_then(|kept| kept.map_err(|error| format!("cannot keep the input: {error}")))
            .map_err(|message| refuse("environment", message))?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)
            .map_err(|_| refuse("environment", "the system gave no random bytes".to_owned()))?;
        let salt = nonos_types::Salt::new(salt);
        Ok(crate::engine::Ready {
            facts,
            input: digest,
            input_len,
            arguments,
            sealed: self.seal(submission, &salt).await?,
            salt,
            inbound: Inbound::of(&tape),
        })
    }

    async fn check(&self, receipt: Signed<Receipt>, origin: Origin, sources: &[NodeId]) -> Input {
        let Verified {
            facts,
            shown,
            verdict,
            value,
            ms,
        } = match self.verify(&receipt, sources).await {
            Ok(verified) => verified,
            Err(reason) => Verified {
                facts: None,
                shown: None,
                verdict: ProofVerdict::Unknown { reason },
                value: None,
                ms: 0,
            },
        };
        let shown = shown.filter(|_| verdict == ProofVerdict::Invalid);
        Input::Checked(Box::new(Checked {
            receipt,
            origin,
            verdict,
            value,
            facts,
            shown,
            ms,
        }))
    }

    async fn verify(&self, receipt: &Signed<Receipt>, sources: &[NodeId]) -> Result<Verified, String> {
        let package = self.package(receipt.record.proven.capsule, sources).await?;
        let facts = self.facts(&package).await?;
        // Few of those that take much memory at a time; all others pass them by.
        let _permit = if receipt.tapes_len.get() + receipt.proof_len.get() > LONG {
            let permit = tokio::time::timeout(FETCH, self.long.acquire()).await;
            Some(
                permit
                    .map_err(|_| "too many long proofs are being verified")?
                    .expect("never closed"),
            )
        } else {
            None
        };
        // No more than the receipt says, whatever a peer promises.
        let (tapes, proof) = (Object::Tapes(receipt.tapes), Object::Proof(receipt.proof));
        let (tapes, _) = self.get_up_to(tapes, sources, receipt.tapes_len).await?;
        let (proof, _) = self.get_up_to(proof, sources, receipt.proof_len).await?;
        if ByteLen::from(tapes.len()) != receipt.tapes_len || ByteLen::from(proof.len()) != receipt.proof_len
        {
            return Err("tapes or proof have another length than the receipt says".to_owned());
        }
        let shown = (tapes.clone(), proof.clone());
        let (sender, verdict) = oneshot::channel();
        let started = self.clock.millis();
        self.proofs
            .check(receipt, &package, tapes, proof, |verdict, value| {
                drop(sender.send((verdict, value)))
            })
            .map_err(|error| error.to_string())?;
        let (verdict, value) = verdict
            .await
            .map_err(|_| "the verifiers were shut down".to_owned())?;
        let verdict = match verdict {
            ProofVerdict::Invalid => self.invalid_again(receipt, package, &shown).await?,
            other => other,
        };
        Ok(Verified {
            facts: Some(facts),
            shown: Some(shown),
            verdict,
            value,
            ms: self.clock.millis() - started,
        })
    }

    /// Nobody is blamed for what is not found twice.
    async fn invalid_again(
        &self,
        receipt: &Receipt,
        package: Package,
        (tapes, proof): &(Vec<u8>, Vec<u8>),
    ) -> Result<ProofVerdict, String> {
        let proofs = Arc::clone(&self.proofs);
        let (receipt, tapes, proof) = (receipt.clone(), tapes.clone(), proof.clone());
        let again = move || {
            let checker = Checker {
                proofs: &proofs,
                package: &package,
            };
            checker.check(&receipt, &tapes, &proof)
        };
        Ok(twice(ProofVerdict::Invalid, blocking(again).await?))
    }

    /// Where in the log of a head its relay shows a message to be, if it does.
    async fn ask_relay(&self, message: MessageId, head: &Signed<RelayHead>) -> Option<Inclusion> {
        let ask = journal::Ask::Include {
            epoch: head.epoch,
            message,
            head: head.id(),
        };
        let (relay, answer) = (head.signer(), self.mesh.journal(head.signer(), ask).await);
        match answer.inspect_err(|error| tracing::debug!(%relay, %error, "the relay does not answer")) {
            Ok(journal::Answer::Included(inclusion)) => Some(inclusion),
            _ => None,
        }
    }

    async fn judge(&self, accusation: &Signed<Accusation>, sources: &[NodeId]) -> Judgement {
        // Not all evidence is about a proof.
        let Some(shown) = accusation.evidence.item() else {
            return judge(accusation, &Unchecked);
        };
        let package = match self.package(shown.receipt.record.proven.capsule, sources).await {
            Ok(package) => package,
            Err(reason) => return Judgement::Indeterminate { reason },
        };
        let (proofs, accusation) = (Arc::clone(&self.proofs), accusation.clone());
        let judged = blocking(move || {
            let checker = Checker {
                proofs: &proofs,
                package: &package,
            };
            match judge(&accusation, &checker) {
                guilty @ Judgement::Guilty { .. } if judge(&accusation, &checker) != guilty => {
                    Judgement::Indeterminate {
                        reason: NOT_TWICE.to_owned(),
                    }
                }
                judgement => judgement,
            }
        });
        judged
            .await
            .unwrap_or_else(|reason| Judgement::Indeterminate { reason })
    }
}

#[cfg(test)]
mod twice_tests {
    use super::*;

    #[test]
    fn what_is_not_found_twice_is_not_found() {
        let (valid, invalid) = (ProofVerdict::Valid, ProofVerdict::Invalid);
        assert_eq!(twice(ProofVerdict::Invalid, ProofVerdict::Invalid), invalid);
        for second in [
            valid,
            ProofVerdict::Unknown {
                reason: "a panic".to_owned(),
            },
        ] {
            let both = twice(ProofVerdict::Invalid, second);
            assert!(matches!(both, ProofVerdict::Unknown { .. }), "{both:?}");
        }
    }
}

const NOT_TWICE: &str = "the verifier does not say the same twice";

/// What two verifications of the same say together.
fn twice(first: ProofVerdict, second: ProofVerdict) -> ProofVerdict {
    if first == second {
        first
    } else {
        ProofVerdict::Unknown {
            reason: NOT_TWICE.to_owned(),
        }
    }
}

/// Messages that were fetched of late. One that was not kept would be found missing in each round: it is fetched again
/// ever more seldom.
#[derive(Debug, Default)]
pub(crate) struct Passed(HashMap<MessageId, (u32, u64)>);

impl Passed {
    /// How many are remembered; then those whose time has come are forgotten, and all if there are none.
    const MOST: usize = 50_000;
    /// Milliseconds until the second time, and at most.
    const FIRST: u64 = 10_000;
    const LONGEST: u64 = 60 * 60 * 1000;

    fn is_due(&self, id: MessageId, now: u64) -> bool {
        self.0.get(&id).is_none_or(|(_, at)| *at <= now)
    }

    fn saw(&mut self, id: MessageId, now: u64) {
        if self.0.len() >= Self::MOST {
            self.0.retain(|_, (_, at)| *at > now);
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
        }
        let (times, at) = self.0.entry(id).or_default();
        *at = now + (Self::FIRST << (*times).min(10)).min(Self::LONGEST);
        *times += 1;
    }
}

/// Runs what blocks, elsewhere.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| "a task panicked; that is a defect of this program".to_owned())
}

/// The score of the mesh for a score of trust: from the newcomer's 30 % up it is positive.
fn weight(score_ppm: u32) -> Weight {
    Weight::new((i32::try_from(score_ppm).unwrap_or(i32::MAX) - 300_000) / 35_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_kept_is_fetched_ever_more_seldom() {
        let mut passed = Passed::default();
        let (id, mut now, mut waits) = (MessageId::hash(&[b"a"]), 0, vec![]);
        assert!(passed.is_due(id, now));
        for _ in 0..12 {
            passed.saw(id, now);
            let wait = (1..)
                .map(|it| it * 10_000)
                .find(|wait| passed.is_due(id, now + wait));
            let wait = wait.expect("there is a time");
            waits.push(wait / 1000);
            now += wait;
        }
        assert_eq!(
            waits,
            [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
        );
        for number in 0..200_000_u32 {
            passed.saw(MessageId::hash(&[&number.to_be_bytes()]), now);
            assert!(passed.0.len() <= Passed::MOST);
        }
    }
}
