//! What a node does through the onion layer: the first publication of its receipts, and look-ups of capsules.

use std::{sync::Arc, time::Duration};

use nonos_mesh::{
    HiddenError, Object,
    core::{Topic, onion::Target},
};
use nonos_types::{ByteLen, Message, NodeId};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use super::Worker;
use crate::{config::Policy, objects::ObjectStore};

/// How long a receipt waits that may only be published by others, until that is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// Peers that are asked for an object, one after another.
const ASKED: usize = 4;

/// Who gave an object, and how much of it.
pub(super) type Given = Vec<(NodeId, ByteLen)>;

impl Worker {
    /// Lets another node be the first to gossip a receipt of this one. Until one has it, it is not given to those who
    /// compare journals, either.
    pub(super) async fn publish_receipt(self: Arc<Self>, message: Message) {
        let is_out = self.onion.policy != Policy::Off && self.let_another_publish(&message).await;
        self.journal.release(&message);
        if !is_out {
            self.publish_openly(&message).await;
        }
    }

    /// `false` if this node is to publish it itself.
    async fn let_another_publish(&self, message: &Message) -> bool {
        loop {
            let shard = Topic::of(message).shard();
            let peers = self.mesh.peers().await.into_iter();
            // Others know nothing of its job, and so could not tell whether it is right.
            let hear = peers.filter(|peer| shard.is_none_or(|shard| peer.shards.contains(shard)));
            let connected = hear.map(|peer| peer.id).collect();
            // One that is connected can fetch the proof from here, as any peer does.
            let to = Target::Of(shuffled(connected));
            let least_hops = self.onion.least_hops();
            match self.mesh.publish_hidden(message, to, least_hops).await {
                Ok(by) => {
                    tracing::debug!(%by, "a receipt is published by another");
                    return true;
                }
                Err(HiddenError::Stopped) => return true,
                Err(error) if self.onion.policy == Policy::Required => {
                    tracing::warn!(%error, "a receipt waits: [onion] policy is \"required\"");
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "a receipt is published openly");
                    return false;
                }
            }
        }
    }

    /// Looks an object up that nobody is to know this node wants. `Ok(None)` if it is to be fetched openly, from those
    /// that it says.
    pub(super) async fn look_up(
        &self,
        object: Object,
        sources: &mut Vec<NodeId>,
    ) -> Result<Option<(Vec<u8>, Given)>, String> {
        if self.onion.policy == Policy::Off {
            return Ok(None);
        }
        let most = ObjectStore::limit(&object, self.configured.get().max_input);
        let least_hops = self.onion.least_hops();
        let mut why = HiddenError::NotFound;
        for source in shuffled(sources.clone()).into_iter().take(ASKED) {
            let from = Target::Of(vec![source]);
            match self.mesh.fetch_hidden(object, from, most, least_hops).await {
                Ok((by, bytes)) if ObjectStore::fits(&object, &bytes) => {
                    let len = ByteLen::from(bytes.len());
                    return Ok(Some((bytes, vec![(by, len)])));
                }
                Ok((by, _)) => tracing::warn!(%by, ?object, "gave something else"),
                // It is too long for frames: now only those are asked who have it.
                Err(HiddenError::TooLarge { .. }) => {
                    *sources = vec![source];
                    return Ok(None);
                }
                Err(error @ (HiddenError::NotHidden(_) | HiddenError::Off | HiddenError::Stopped)) => {
                    why = error;
                    break;
                }
                Err(error) => why = error,
            }
        }
        if self.onion.policy == Policy::Required {
            return Err(format!(
                "{object:?} is not looked up openly ([onion] policy is \"required\"): {why}"
            ));
        }
        Ok(None)
    }
}

/// In an order that tells nothing.
fn shuffled(mut nodes: Vec<NodeId>) -> Vec<NodeId> {
    let mut seed = [0; 32];
    // Without random bytes the system cannot do anything here; the order is all that hangs on it.
    let _ = getrandom::fill(&mut seed);
    let mut rng = ChaCha20Rng::from_seed(seed);
    for last in (1..nodes.len()).rev() {
        let at = usize::try_from(rng.next_u64() % (last as u64 + 1)).expect("an index");
        nodes.swap(last, at);
    }
    nodes
}
