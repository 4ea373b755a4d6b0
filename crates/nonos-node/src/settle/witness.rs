//! Witnesses over the mesh: asking one's own, and answering those whose witness this node is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nonos_depin::{
    anchor::{Commitment, FileAnchor},
    settlement::commitment,
};
use nonos_mesh::{FetchError, Mesh};
use nonos_types::{Envelope, NodeId};
use tokio::sync::mpsc;

use super::{Error, Settler, lock, place::Open};
use crate::{config::AnchorName, engine::Input};

/// Milliseconds until a witness that refused is asked again, at first and at most.
const FIRST: u64 = 10_000;
const LONGEST: u64 = 60 * 60 * 1000;
/// What a witness may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// When each witness is asked again: one that refuses ever more seldom, and one that answers at once.
#[derive(Debug, Default)]
pub(super) struct Asking(BTreeMap<NodeId, (u32, u64)>);

impl Asking {
    pub(super) fn is_due(&self, witness: NodeId, now: u64) -> bool {
        self.0.get(&witness).is_none_or(|(_, at)| *at <= now)
    }

    pub(super) fn answered(&mut self, witness: NodeId) {
        self.0.remove(&witness);
    }

    pub(super) fn refused(&mut self, witness: NodeId, now: u64) {
        let (times, at) = self.0.entry(witness).or_default();
        *at = now + (FIRST << (*times).min(10)).min(LONGEST);
        *times += 1;
    }
}

/// What a witness is to sign next: what follows the newest that it has signed; for one that has signed nothing, the first
/// that is not final.
pub(super) fn next_for(anchor: &FileAnchor, witness: NodeId) -> Option<Envelope> {
    anchor.unsigned_by(&witness)
}

impl Settler {
    /// Countersigns for a peer over the mesh, if the operator has said so and it asks for its own.
    pub(crate) fn witness(&self, from: NodeId, asked: &Envelope) -> Option<Envelope> {
        // Before any work for a stranger.
        if !self.parts.config.witness_for.contains(&from) || asked.signer() != from {
            return None;
        }
        let (commitment, _) = asked.open::<Commitment>().ok()?;
        if commitment.network != self.parts.network {
            return None;
        }
        self.countersign(asked)
            .inspect_err(|error| {
                let why = crate::api::RequestError::new(error, error.fault()).message;
                tracing::warn!(peer = %from, batch = %commitment.batch, why, "not countersigned");
            })
            .ok()
    }

    /// Asks each witness that is due and has something to sign, until it has signed everything or does not answer.
    pub(super) async fn ask_witnesses(self: &Arc<Self>, mesh: &Mesh, inputs: &mpsc::Sender<Input>) {
        if self.parts.config.anchor != AnchorName::Witness {
            return;
        }
        let connected: Vec<NodeId> = mesh.peers().await.into_iter().map(|it| it.id).collect();
        let mut asking = tokio::task::JoinSet::new();
        for witness in self.parts.config.witnesses.clone() {
            if !lock(&self.asking).is_due(witness, self.parts.clock.millis())
                || self.to_sign(witness).is_none()
            {
                continue;
            }
            if !connected.contains(&witness) {
                // An engine that has much to do is told another time.
                let _full = inputs.try_send(Input::Wanted(witness));
                continue;
            }
            let (settler, mesh) = (Arc::clone(self), mesh.clone());
            asking.spawn(async move { settler.ask(witness, &mesh).await });
        }
        while asking.join_next().await.is_some() {}
    }

    fn to_sign(&self, witness: NodeId) -> Option<Envelope> {
        match &*lock(&self.open) {
            Some(Open::File(anchor)) => next_for(anchor, witness),
            _ => None,
        }
    }

    async fn ask(self: Arc<Self>, witness: NodeId, mesh: &Mesh) {
        while let Some(commitment) = self.to_sign(witness) {
            let asked = tokio::time::timeout(PATIENCE, mesh.witness(witness, &commitment)).await;
            let outcome = match asked.unwrap_or(Err(FetchError::Timeout)) {
                Ok(answer) => {
                    let settler = Arc::clone(&self);
                    let taken = tokio::task::spawn_blocking(move || settler.acknowledge(&answer)).await;
                    taken.is_ok_and(|it| it.is_ok())
                }
                Err(error) => {
                    tracing::debug!(%witness, %error, "not countersigned");
                    false
                }
            };
            // What it has signed is no longer to be signed; if it is, it has signed something else.
            if !outcome || self.to_sign(witness) == Some(commitment) {
                lock(&self.asking).refused(witness, self.parts.clock.millis());
                return;
            }
            lock(&self.asking).answered(witness);
        }
    }

    /// The batch of this commitment, the newest first.
    pub(super) fn number_of(
        &self,
        digest: nonos_depin::anchor::CommitmentDigest,
    ) -> Result<Option<u64>, Error> {
        self.read(|settlement, _| {
            for number in (1..=settlement.count()).rev() {
                if commitment(settlement.signed(number)?.value()).digest() == digest {
                    return Ok(Some(number));
                }
            }
            Ok(None)
        })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use nonos_depin::anchor::{Anchor as _, BatchId, Commitment, Quorum, State, StateRoot, WitnessBook};
    use nonos_store::MemoryStore;
    use nonos_types::{NetworkId, Timestamp};

    use super::*;

    #[test]
    fn a_witness_that_refuses_is_asked_ever_more_seldom() {
        let (mut asking, witness, mut now) = (Asking::default(), NodeId::from_bytes([1; 32]), 0);
        let mut waits = vec![];
        for _ in 0..12 {
            assert!(asking.is_due(witness, now));
            asking.refused(witness, now);
            let wait = (1..).find(|wait| asking.is_due(witness, now + wait * 1000));
            waits.push(wait.expect("there is a time"));
            now += waits.last().expect("one") * 1000;
        }
        assert_eq!(
            waits,
            [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
        );
        asking.answered(witness);
        assert!(asking.is_due(witness, now));
    }

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn id(seed: u8) -> NodeId {
        NodeId::from_bytes(key(seed).verifying_key().to_bytes())
    }

    const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);

    /// A node, its three witnesses of which two must sign, and who can reach whom, by a clock of its own.
    struct World {
        _directory: tempfile::TempDir,
        anchor: FileAnchor,
        books: BTreeMap<NodeId, (SigningKey, WitnessBook<MemoryStore>)>,
        asking: Asking,
        reachable: Vec<NodeId>,
        now: u64,
        asked: usize,
    }

    impl World {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let quorum = Quorum::new([2, 3, 4].map(id), 2).expect("a quorum");
            let path = directory.path().join("anchor");
            let anchor = FileAnchor::create(&path, NETWORK, &key(1), quorum).expect("a file");
            let book = |seed| (id(seed), (key(seed), WitnessBook::new(MemoryStore::new())));
            Self {
                _directory: directory,
                anchor,
                books: [2, 3, 4].map(book).into(),
                asking: Asking::default(),
                reachable: Vec::new(),
                now: 0,
                asked: 0,
            }
        }

        fn submit(&mut self, number: u8) {
            let commitment = Commitment {
                network: NETWORK,
                submitter: id(1),
                batch: BatchId::from_bytes([number; 32]),
                prev: BatchId::from_bytes([number - 1; 32]),
                root: StateRoot::from_bytes([number; 32]),
                entries: 1,
            };
            self.anchor
                .submit(&commitment, Timestamp::ZERO)
                .expect("it is taken");
        }

        /// A round of asking, as the node does it, three seconds after the one before.
        fn round(&mut self) {
            self.now += 3000;
            for witness in self.books.keys().copied().collect::<Vec<_>>() {
                while self.asking.is_due(witness, self.now)
                    && self.reachable.contains(&witness)
                    && let Some(commitment) = next_for(&self.anchor, witness)
                {
                    self.asked += 1;
                    let (key, book) = self.books.get_mut(&witness).expect("a witness");
                    let at = Timestamp::new(self.now / 1000);
                    match book.countersign(&commitment, at, key) {
                        Ok(answer) => {
                            self.anchor.acknowledge(&answer).expect("one of the witnesses");
                            self.asking.answered(witness);
                        }
                        Err(_) => self.asking.refused(witness, self.now),
                    }
                }
            }
        }

        fn is_final(&mut self, number: u8) -> bool {
            let batch = BatchId::from_bytes([number; 32]);
            let state = self.anchor.poll(&batch, Timestamp::ZERO).expect("a state");
            matches!(state, State::Final(_))
        }
    }

    #[test]
    fn a_batch_is_final_as_soon_as_enough_can_be_reached_on_whichever_side_of_a_partition() {
        let mut world = World::new();
        world.submit(1);
        for _ in 0..5 {
            world.round();
        }
        assert!(!world.is_final(1));
        world.reachable = vec![id(2)];
        world.round();
        assert!(!world.is_final(1), "one of two is not enough");
        // The first goes, another comes: together they are enough.
        world.reachable = vec![id(3)];
        world.submit(2);
        world.round();
        assert!(world.is_final(1));
        assert!(!world.is_final(2));
        // Who missed what is final by others signs it before what follows, so that it is not shut out for good.
        world.reachable = vec![id(4)];
        world.round();
        assert!(world.is_final(2));
        world.submit(3);
        world.reachable = [2, 3, 4].map(id).into();
        let before = world.asked;
        world.round();
        assert!(world.is_final(3));
        // 2 for the second and the third, 3 and 4 for the third.
        assert_eq!(world.asked - before, 4);
        let before = world.asked;
        world.round();
        assert_eq!(world.asked, before, "nobody is asked for what he has signed");
    }

    #[test]
    fn a_witness_that_has_signed_another_history_does_not_hold_up_the_others() {
        let mut world = World::new();
        // With the node's own key: a copy of it, or books that were put back.
        let other = Commitment {
            network: NETWORK,
            submitter: id(1),
            batch: BatchId::from_bytes([99; 32]),
            prev: BatchId::ZERO,
            root: StateRoot::ZERO,
            entries: 1,
        };
        let (key_of, book) = world.books.get_mut(&id(2)).expect("a witness");
        book.countersign(&Envelope::sign(&other, &key(1)), Timestamp::ZERO, key_of)
            .expect("the first it sees");
        world.reachable = [2, 3].map(id).into();
        world.submit(1);
        for _ in 0..20 {
            world.round();
        }
        assert!(!world.is_final(1));
        // In a minute: 2 after 3, 15 and 36 seconds, and 3 once, who signs.
        assert_eq!(world.asked, 3 + 1);
        world.reachable.push(id(4));
        world.round();
        assert!(world.is_final(1));
    }

    fn settler(store: &Arc<dyn nonos_store::Store>, witness_for: &[NodeId]) -> Settler {
        let (directory, one) = (
            tempfile::tempdir().expect("a directory"),
            std::num::NonZeroUsize::MIN,
        );
        let proofs = crate::Proofs::new(directory.path(), one, one).expect("proof systems");
        Settler::new(super::super::Parts {
            store: Arc::downgrade(store),
            identity: Arc::new(nonos_trust::Identity::from_seed([9; 32])),
            network: NETWORK,
            config: crate::config::Settlement {
                witness_for: witness_for.to_vec(),
                ..Default::default()
            },
            data: directory.path().to_owned(),
            proofs: Arc::new(proofs),
            clock: crate::clock::SystemClock::new(),
        })
    }

    #[test]
    fn signs_for_those_whom_the_operator_named_and_only_their_own() {
        let store: Arc<dyn nonos_store::Store> = Arc::new(MemoryStore::new());
        let settler = settler(&store, &[id(1), id(2)]);
        let commitment = |seed, batch: u8| Commitment {
            network: NETWORK,
            submitter: id(seed),
            batch: BatchId::from_bytes([batch; 32]),
            prev: BatchId::ZERO,
            root: StateRoot::ZERO,
            entries: 1,
        };
        let signed = |commitment: Commitment, seed| Envelope::sign(&commitment, &key(seed));
        let foreign = Commitment {
            network: NetworkId::from_bytes([2; 32]),
            ..commitment(1, 1)
        };
        for (from, asked, why) in [
            (id(3), signed(commitment(3, 1), 3), "who is not named"),
            (id(2), signed(commitment(1, 1), 1), "what another has signed"),
            (id(1), signed(commitment(2, 1), 1), "what is another's"),
            (id(1), signed(foreign, 1), "what is of another network"),
        ] {
            assert_eq!(settler.witness(from, &asked), None, "{why}");
        }
        let answer = settler.witness(id(1), &signed(commitment(1, 1), 1));
        let answer = answer.expect("it signs");
        let quorum = Quorum::new([id(9)], 1).expect("a quorum");
        let (_, seen) = quorum.open(&answer).expect("it is the witness's");
        assert_eq!(seen.commitment, commitment(1, 1).digest());
        let other = signed(commitment(1, 2), 1);
        assert_eq!(settler.witness(id(1), &other), None, "a second in one place");
        // After a restart, too.
        let settler = self::settler(&store, &[id(1)]);
        assert_eq!(settler.witness(id(1), &other), None, "a second in one place");
    }
}
