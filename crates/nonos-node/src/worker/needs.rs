//! What a run needs besides its capsule and its input: the capsules that it depends on, and the messages that it reads.

use std::{collections::BTreeSet, sync::Arc};

use nonos_machine::{PublicTapes, tables::TapeWords};
use nonos_mesh::Object;
use nonos_package::{
    Net, Package,
    dependencies::{self, Walk},
};
use nonos_types::{ByteLen, CapsuleHash, InboundMessage, InboundTape, NodeId, Offer};

use super::{FETCH, Worker, blocking};
use crate::{
    channel::{Silence, Source, Unreadable},
    engine::Refused,
};

/// What a capsule depends on, with all that this depends on.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Each behind those that it needs itself.
    pub(super) capsules: Vec<CapsuleHash>,
    /// Capsules that send no messages, the one that needs all this included.
    silent: BTreeSet<CapsuleHash>,
}

/// How capsules are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// For a job that is known to all.
    Openly,
    /// For the operator, which is nobody's business.
    Hidden,
}

impl Worker {
    /// Gets all that a capsule depends on, and keeps it as long as the capsule. What is not got in time is taken up
    /// where that stopped when it is tried again.
    pub(super) async fn needs(
        &self,
        package: &Package,
        sources: &[NodeId],
        asking: Asking,
    ) -> Result<Needs, Refused> {
        let walking = self.walk(package, sources, asking);
        match tokio::time::timeout(FETCH, walking).await {
            Ok(needs) => needs,
            Err(_) => Err("the capsules that it depends on do not come in time"
                .to_owned()
                .into()),
        }
    }

    async fn walk(&self, package: &Package, sources: &[NodeId], asking: Asking) -> Result<Needs, Refused> {
        let mut silent = BTreeSet::new();
        let mut note = |package: &Package| {
            if package.policy().net == Net::None {
                silent.insert(package.capsule_hash());
            }
        };
        note(package);
        let mut walk = Walk::of(package)?;
        while let Some(next) = walk.next()? {
            let found = match asking {
                Asking::Openly => self.package(next, sources).await,
                Asking::Hidden => self.look_up_package(next, sources).await,
            };
            let found = found.map_err(|reason| missing(&walk, &reason))?;
            note(&found);
            walk.found(found.dependencies(), ByteLen::from(found.bytes().len()))?;
        }
        let (capsule, capsules) = (package.capsule_hash(), walk.finish());
        let (objects, of) = (Arc::clone(&self.objects), capsules.clone());
        blocking(move || objects.keep_with(capsule, &of))
            .await?
            .map_err(|error| format!("cannot keep what it depends on: {error}"))?;
        Ok(Needs { capsules, silent })
    }

    /// The tape that messages make, each of them from here or from the peers that give it.
    pub(super) async fn inbound(
        &self,
        messages: &[Source],
        needs: &Needs,
        sources: &[NodeId],
    ) -> Result<InboundTape, Unreadable> {
        let gathering = self.gather_messages(messages, needs, sources);
        let gathered = tokio::time::timeout(FETCH, gathering).await;
        gathered.unwrap_or(Err(Unreadable::Late))
    }

    async fn gather_messages(
        &self,
        messages: &[Source],
        needs: &Needs,
        sources: &[NodeId],
    ) -> Result<InboundTape, Unreadable> {
        let mut tape = InboundTape::default();
        for message in messages {
            if needs.silent.contains(&message.capsule()) {
                return Err(message.silent(Silence::NoNet));
            }
            let gone = |reason: String| Unreadable::Gone {
                receipt: message.receipt,
                reason,
            };
            // Who ran it has them; so has whoever verified it.
            let mut holders = vec![message.executor()];
            holders.extend(sources.iter().copied().filter(|it| *it != message.executor()));
            let got = self.get(Object::Tapes(message.tapes().0), &holders).await;
            let (bytes, _) = got.map_err(gone)?;
            let said = blocking(move || outbound(&bytes)).await.map_err(gone)?;
            push(&mut tape, message, said)?;
        }
        Ok(tape)
    }

    /// The tape of an offer, from what is here.
    pub(super) fn inbound_here(&self, offer: &Offer, messages: &[Source]) -> Result<Vec<u8>, Unreadable> {
        let mut tape = InboundTape::default();
        for message in messages {
            let gone = |reason: String| Unreadable::Gone {
                receipt: message.receipt,
                reason,
            };
            let read = self.objects.get(&Object::Tapes(message.tapes().0));
            let bytes = read.map_err(|error| gone(error.to_string()))?;
            let bytes = bytes.ok_or_else(|| gone("its tapes are gone".to_owned()))?;
            push(&mut tape, message, outbound(&bytes))?;
        }
        is_of(offer, &tape)?;
        Ok(tape.to_bytes())
    }
}

/// The messages must make the tape that the offer says.
pub(super) fn is_of(offer: &Offer, tape: &InboundTape) -> Result<(), Unreadable> {
    if tape.digest() == offer.inbound_digest() {
        Ok(())
    } else {
        Err(Unreadable::OtherTape)
    }
}

fn push(tape: &mut InboundTape, message: &Source, said: Option<Vec<u8>>) -> Result<(), Unreadable> {
    let bytes = said.filter(|bytes| !bytes.is_empty());
    let bytes = bytes.ok_or_else(|| message.silent(Silence::Empty))?;
    let message = InboundMessage {
        receipt: message.receipt,
        capsule: message.capsule(),
        bytes,
    };
    tape.push(message).map_err(Unreadable::NoTape)
}

/// The outbound tape in the bytes of public tapes; `None` if they are no tapes, which no receipt that verifies names.
pub(super) fn outbound(bytes: &[u8]) -> Option<Vec<u8>> {
    let tapes = PublicTapes::from_bytes(bytes)?;
    Some(TapeWords::bytes(&tapes.outputs[1]))
}

/// A dependency cannot be had, and why.
fn missing(walk: &Walk, reason: &str) -> Refused {
    let error: dependencies::Error = walk.missing().expect("one is wanted");
    Refused {
        reason: format!("{error}: {reason}"),
        ..Refused::from(error)
    }
}
