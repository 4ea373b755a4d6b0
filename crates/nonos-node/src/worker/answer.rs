//! Answers that need the mesh or files.

use std::sync::Arc;

use nonos_machine::{PublicTapes, tables::TapeWords};
use nonos_mesh::{
    Object,
    core::onion::{Anonymity, Hiding},
};
use nonos_package::{Net, Package};
use nonos_types::{ByteLen, CapsuleHash, NodeId, Offer, Receipt, Signed, TapesDigest};

use super::{Worker, clocks, configured, needs::Asking};
use crate::{
    api::{
        AnonymityView, Finding, JobView, MessagePage, MessageView, PeerView, Published, RequestError, Status,
        Subject, WhyNot,
    },
    channel::Source,
    engine::{Answer, Bounds, Facts, Files, Input, Refused, Reply, json, refused_facts},
    node::with_peer,
    objects::Whose,
    sealed,
};

/// Longest input or result in an answer; longer ones are fetched by name.
const SHOWN: u64 = 1 << 20;
/// Capsules in a list.
const CAPSULES: usize = 200;
/// Most bytes of tapes, or of a sealed result.
const SHOWN_OF_TAPES: u64 = 16 * SHOWN;

impl Worker {
    pub(super) async fn answer(self: &Arc<Self>, what: Answer, reply: Reply) {
        let answer = match what {
            Answer::Status(status) => json(&self.status(*status).await),
            Answer::Peers(peers) => json(&self.peers(peers).await),
            Answer::Publish {
                package_hex,
                without_dependencies,
            } => {
                let published = self.publish(&package_hex, without_dependencies).await;
                published.and_then(|it| json(&it))
            }
            Answer::Messages { next, sources } => {
                let views = sources.iter().filter_map(|it| self.message(it, false));
                let messages = views.collect();
                json(&MessagePage { next, messages })
            }
            Answer::Message(source) => match self.message(&source, true) {
                Some(view) => json(&view),
                None => Err(caller(&format!(
                    "receipt {} has no message: its run wrote none, or its capsule may not",
                    source.receipt
                ))),
            },
            Answer::Evidence { mut view, capsule } => {
                let package = capsule.and_then(|it| self.objects.get(&Object::Capsule(it)).ok().flatten());
                view.package_hex = package.map(hex::encode);
                json(&view)
            }
            Answer::ExportBundle { path, replace } => {
                self.export_bundle(&path, replace).and_then(|begun| json(&begun))
            }
            Answer::ImportBundle { path } => {
                let begun = self.import_bundle(&path).await;
                begun.and_then(|begun| json(&begun))
            }
            Answer::ExportReceipt(export) => self.export_receipt(export).await.and_then(|it| json(&it)),
            Answer::Settle(ask) => self.settler.answer(ask).await,
            Answer::Bundle { number } => self.bundle(number).and_then(|view| json(&view)),
            Answer::WhyNotCapsule {
                capsule,
                bounds,
                findings,
            } => self
                .why_not_capsule(capsule, &bounds, findings)
                .and_then(|it| json(&it)),
            Answer::Reload => {
                let path = self.config_file.clone();
                let read = tokio::task::spawn_blocking(move || configured::read(&path)).await;
                let read = read.unwrap_or_else(|error| Err(error.to_string()));
                return self.send(Input::Reload { read, reply }).await;
            }
            Answer::Capsules => {
                let objects = Arc::clone(&self.objects);
                let listed = tokio::task::spawn_blocking(move || objects.capsules(CAPSULES)).await;
                match listed.map_err(std::io::Error::from).flatten() {
                    Ok(list) => json(&list),
                    Err(error) => Err(RequestError::new(&error, nonos_types::Fault::Environment)),
                }
            }
            Answer::Job(view, files) => json(&self.job(*view, &files)),
            Answer::Jobs(jobs) => {
                let views: Vec<JobView> = jobs
                    .into_iter()
                    .map(|(view, files)| self.job(view, &files))
                    .collect();
                json(&views)
            }
        };
        // Whoever asked may be gone.
        let _gone = reply.send(answer);
    }

    fn anonymity(&self, it: Anonymity) -> AnonymityView {
        let (hops, why_open) = match it.hiding {
            Hiding::Full => (Some(self.onion.hops), None),
            Hiding::Fewer { hops } => (Some(hops), None),
            Hiding::Not(why) => (None, Some(why.to_string())),
        };
        let refused = it.counts.refused.iter();
        AnonymityView {
            policy: self.onion.policy,
            hops,
            why_open,
            mixes: it.mixes,
            unconfirmed: it.unconfirmed,
            introducers_apart: it.introducers_apart,
            guards: it.guards,
            cover: it.cover,
            around: it.around.0,
            back: it.around.1,
            own: it.counts.own,
            cover_frames: it.counts.cover,
            forwarded: it.counts.forwarded,
            refused: refused.map(|(why, count)| (why.to_string(), *count)).collect(),
            lost: it.counts.lost,
            answered: it.counts.answered,
            failed: it.counts.failed,
        }
    }

    async fn status(&self, mut status: Status) -> Status {
        let addresses = self.mesh.addresses();
        status.addresses = addresses.iter().map(|it| with_peer(it, status.id)).collect();
        status.sandbox = self.protection;
        if let Some(protection) = self.protection
            && protection.missing().next().is_some()
        {
            let missing: Vec<String> = protection.missing().map(|layer| layer.to_string()).collect();
            let missing = missing.join(", ");
            status.warnings.push(format!(
                "this system does not confine capsules' processes in all ways: {missing}"
            ));
        }
        let skew = self.mesh.skew();
        status.clock = clocks::view(&skew);
        status.warnings.extend(clocks::warnings(&skew));
        status.anonymity = self.mesh.anonymity().await.map(|it| self.anonymity(it));
        let drops = self.mesh.drops();
        status.dropped = drops
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name.to_owned(), count))
            .collect();
        status
    }

    async fn peers(&self, mut peers: Vec<PeerView>) -> Vec<PeerView> {
        for connected in self.mesh.peers().await {
            if let Some(view) = peers.iter_mut().find(|it| it.id == connected.id) {
                view.address = Some(connected.address.to_string());
                view.outbound = connected.outbound;
            }
        }
        peers
    }

    async fn publish(
        &self,
        package_hex: &str,
        without_dependencies: bool,
    ) -> Result<Published, RequestError> {
        let bytes = hex::decode(package_hex).map_err(|_| caller("the package is not hexadecimal"))?;
        let package = Package::decode(&bytes).map_err(|error| RequestError::new(&error, error.fault()))?;
        let capsule = package.capsule_hash();
        let peers: Vec<NodeId> = self.mesh.peers().await.into_iter().map(|it| it.id).collect();
        let needs = self.needs(&package, &peers, Asking::Hidden).await;
        if let Err(Refused { code, reason }) = &needs
            && !(without_dependencies && *code == Refused::MISSING)
        {
            return Err(caller(&format!(
                "{reason}. Publish what it depends on first, or connect to a peer that has it"
            )));
        }
        self.objects
            .put(&Object::Capsule(capsule), &bytes, Whose::Own)
            .map_err(|error| RequestError::new(&error, nonos_types::Fault::Environment))?;
        // What it needs is from here on this node's own, too.
        if let Ok(needs) = needs {
            self.objects
                .keep_with(capsule, &needs.capsules)
                .map_err(|error| RequestError::new(&error, nonos_types::Fault::Environment))?;
        }
        let name = format!("{} {}", package.manifest().name, package.manifest().version);
        Ok(Published { capsule, name })
    }

    /// What is said of its jobs, and what is wrong with the capsule itself.
    fn why_not_capsule(
        &self,
        capsule: CapsuleHash,
        bounds: &Bounds,
        of_jobs: Vec<Finding>,
    ) -> Result<WhyNot, RequestError> {
        let object = self.objects.get(&Object::Capsule(capsule));
        let object = object.map_err(|error| RequestError::new(&error, nonos_types::Fault::Environment))?;
        let own = match object.as_deref().map(Package::decode) {
            None => Some(
                Finding::new("absent", "no capsule, job or node of that name is known here")
                    .or("publish it here (`operator capsule publish`), or connect to a node that has it: jobs fetch it by themselves"),
            ),
            // Whatever is kept has its name; what was kept by an older version may not be a package to this one.
            Some(Err(error)) => Some(Finding::new("package", RequestError::new(&error, error.fault()).message)),
            Some(Ok(package)) => match Facts::of(&package) {
                Err(error) => Some(Finding::new("unprovable", RequestError::new(&error, error.fault()).message)),
                Ok(facts) => refused_facts(&facts, bounds),
            },
        };
        let known = |it: &Finding| of_jobs.iter().any(|other| other.code == it.code);
        let own = own.filter(|it| !known(it));
        Ok(WhyNot {
            subject: Subject::Capsule,
            name: capsule.to_string(),
            findings: own.into_iter().chain(of_jobs).collect(),
        })
    }

    /// A message, with what of it is here; `None` if that says that it is none.
    fn message(&self, source: &Source, with_bytes: bool) -> Option<MessageView> {
        let package = self
            .objects
            .get(&Object::Capsule(source.capsule()))
            .ok()
            .flatten();
        let package = package.and_then(|bytes| Package::decode(&bytes).ok());
        if source.speaks().is_err() || package.is_some_and(|it| it.policy().net == Net::None) {
            return None;
        }
        let (tapes, len) = source.tapes();
        let bytes = self.tapes(tapes, len).map(|it| TapeWords::bytes(&it.outputs[1]));
        if bytes.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        Some(MessageView {
            receipt: source.receipt,
            capsule: source.capsule(),
            job: source.job(),
            executor: source.executor(),
            at: source.at(),
            bytes: bytes.as_ref().map(|it| it.len() as u64),
            bytes_hex: bytes.filter(|_| with_bytes).map(hex::encode),
        })
    }

    fn job(&self, mut view: JobView, files: &Files) -> JobView {
        let input = files
            .input
            .and_then(|it| self.objects.get(&Object::Input(it)).ok().flatten());
        view.input_hex = input.filter(|it| it.len() as u64 <= SHOWN).map(hex::encode);
        if let (Some(receipt), Some((tapes, len))) = (&mut view.receipt, files.tapes) {
            let tapes = self.tapes(tapes, len);
            let shown = |tape: usize| {
                tapes
                    .as_ref()
                    .map(|it| hex::encode(TapeWords::bytes(&it.outputs[tape])))
            };
            receipt.result_hex = match &files.sealed {
                None if view.sealing.result => None,
                None => shown(0),
                Some((offer, receipt)) => self.sealed_result(offer, receipt),
            };
            let len = match &files.sealed {
                None if view.sealing.result => None,
                None => Some(len.get()),
                Some((_, receipt)) => receipt.result.map(|it| it.len.get()),
            };
            receipt.too_long = len.filter(|len| *len > SHOWN_OF_TAPES);
            receipt.outbound_hex = shown(1).filter(|it| !it.is_empty());
        }
        view
    }

    /// The result tape that is sealed to this node, in hexadecimal.
    fn sealed_result(&self, offer: &Signed<Offer>, receipt: &Signed<Receipt>) -> Option<String> {
        let result = receipt.result.filter(|it| it.len.get() <= SHOWN_OF_TAPES)?;
        let bytes = self.objects.get(&Object::Result(result.object)).ok().flatten()?;
        let opening = sealed::open_result(&self.identity, offer, receipt, &bytes).ok()?;
        Some(hex::encode(TapeWords::bytes(&opening.tapes[0])))
    }

    fn tapes(&self, tapes: TapesDigest, len: ByteLen) -> Option<PublicTapes> {
        if len > Receipt::MAX_TAPES || len.get() > SHOWN_OF_TAPES {
            return None;
        }
        let bytes = self.objects.get(&Object::Tapes(tapes)).ok().flatten()?;
        PublicTapes::from_bytes(&bytes)
    }
}

fn caller(message: &str) -> RequestError {
    RequestError {
        message: message.to_owned(),
        fault: "caller".to_owned(),
    }
}
