//! Answers that need the mesh or files.

use std::sync::Arc;

use nonos_machine::tables::TapeWords;
use nonos_mesh::{
    Object,
    core::onion::{Anonymity, Hiding},
};
use nonos_package::Package;
use nonos_types::{ByteLen, Receipt, TapesDigest};

use super::{Worker, clocks};
use crate::{
    api::{AnonymityView, JobView, PeerView, Published, RequestError, Status},
    engine::{Answer, Files, Reply, json},
    node::with_peer,
    objects::Whose,
};

/// Longest input or result in an answer; longer ones are fetched by name.
const SHOWN: u64 = 1 << 20;

impl Worker {
    pub(super) async fn answer(self: &Arc<Self>, what: Answer, reply: Reply) {
        let answer = match what {
            Answer::Status(status) => json(&self.status(*status).await),
            Answer::Peers(peers) => json(&self.peers(peers).await),
            Answer::Publish { package_hex } => self.publish(&package_hex).and_then(|it| json(&it)),
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
            Answer::Bundle { number } => self.bundle(number).and_then(|view| json(&view)),
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
        status.warnings.extend(clocks::warnings(&self.mesh.skew()));
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

    fn publish(&self, package_hex: &str) -> Result<Published, RequestError> {
        let caller = |message: &str| RequestError {
            message: message.to_owned(),
            fault: "caller".to_owned(),
        };
        let bytes = hex::decode(package_hex).map_err(|_| caller("the package is not hexadecimal"))?;
        let package = Package::decode(&bytes).map_err(|error| RequestError::new(&error, error.fault()))?;
        let capsule = package.capsule_hash();
        self.objects
            .put(&Object::Capsule(capsule), &bytes, Whose::Own)
            .map_err(|error| RequestError::new(&error, nonos_types::Fault::Environment))?;
        let name = format!("{} {}", package.manifest().name, package.manifest().version);
        Ok(Published { capsule, name })
    }

    fn job(&self, mut view: JobView, files: &Files) -> JobView {
        let input = files
            .input
            .and_then(|it| self.objects.get(&Object::Input(it)).ok().flatten());
        view.input_hex = input.filter(|it| it.len() as u64 <= SHOWN).map(hex::encode);
        if let (Some(receipt), Some((tapes, len))) = (&mut view.receipt, files.tapes) {
            receipt.result_hex = self.result(tapes, len);
        }
        view
    }

    fn result(&self, tapes: TapesDigest, len: ByteLen) -> Option<String> {
        if len > Receipt::MAX_TAPES || len.get() > 16 * SHOWN {
            return None;
        }
        let bytes = self.objects.get(&Object::Tapes(tapes)).ok().flatten()?;
        let tapes = nonos_machine::PublicTapes::from_bytes(&bytes)?;
        Some(hex::encode(TapeWords::bytes(&tapes.outputs[0])))
    }
}
