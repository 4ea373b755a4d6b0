use ed25519_dalek::SigningKey;
use nonos_types::{
    Amount, Assignment, Attempt, Attested, AuditRoot, BackendId, ByteLen, Capacity, CapsuleHash,
    CheckpointRoot, Claim, Descriptor, Envelope, Error, ExecutionRecord, Fuel, Further, InboundDigest,
    InputDigest, JobId, MachineVersion, Message, NetworkId, NodeId, Outcome, Output, OutputDigest, Pages,
    Payload, PoiHash, PolicyHash, ProofDigest, Proven, Receipt, Roles, SegmentChain, Sequence, Signed, Slot,
    Stamp, TapesDigest, Timestamp, VkDigest,
};

pub(crate) const NOW: Timestamp = Timestamp::new(1_800_000_000);

pub(crate) fn network() -> NetworkId {
    NetworkId::named("test")
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn node(seed: u8) -> NodeId {
    NodeId::from_bytes(key(seed).verifying_key().to_bytes())
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(NOW.get().checked_add_signed(seconds).expect("a time"))
}

/// A claim; another for each slot.
pub(crate) fn claim(network: NetworkId, author: u8, slot: u16, at: Timestamp) -> Message {
    let claim = Claim {
        network,
        job: JobId::ZERO,
        slot: Slot::new(slot),
        at,
        box_key: None,
    };
    Signed::new(claim, &key(author)).into()
}

/// A descriptor that names an address.
#[cfg(feature = "net")]
pub(crate) fn listed_at(author: u8, address: &nonos_mesh::Multiaddr) -> Message {
    let value = Descriptor {
        addresses: vec![address.to_string()],
        ..blank(NOW, at(3600))
    };
    Signed::new(value, &key(author)).into()
}

pub(crate) fn descriptor(author: u8, valid_from: Timestamp, valid_until: Timestamp) -> Message {
    Signed::new(blank(valid_from, valid_until), &key(author)).into()
}

fn blank(valid_from: Timestamp, valid_until: Timestamp) -> Descriptor {
    Descriptor {
        network: network(),
        sequence: Sequence::new(1),
        valid_from,
        valid_until,
        addresses: vec![],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: "test".to_owned(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: Stamp::NONE,
        shards: nonos_types::Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    }
}

/// A receipt of a capsule whose hash starts with this byte.
pub(crate) fn receipt(author: u8, capsule: u8, at: Timestamp) -> Message {
    let executor = node(author);
    let run = Assignment {
        network: network(),
        executor,
        ..Assignment::NONE
    };
    let proven = Proven {
        network: run.network,
        job: run.job,
        slot: run.slot,
        nonce: run.nonce(),
        executor,
        capsule: CapsuleHash::from_bytes([capsule; 32]),
        machine: MachineVersion::new(1),
        policy: PolicyHash::ZERO,
        entry: "main".to_owned(),
        arguments: vec![],
        input: InputDigest::hash(&[b"abc"]),
        sealed_input: None,
        inbound: InboundDigest::hash(&[b""]),
        output: Output::Digest(OutputDigest::hash(&[b"result", b"", b""])),
        outcome: Outcome::Exit(0),
        fuel_used: Fuel::new(1),
        peak_pages: Pages::new(1),
        segment_chain: SegmentChain::ZERO,
    };
    let attested = Attested {
        checkpoint_root: CheckpointRoot::ZERO,
        audit_root: AuditRoot::ZERO,
        poi_pre: None,
        poi_post: None,
    };
    let receipt = Receipt {
        record: ExecutionRecord { proven, attested },
        attempt: Attempt::ZERO,
        backend: BackendId::new("test/v1"),
        verifying_key: VkDigest::hash(&[b"key"]),
        proof: ProofDigest::hash(&[b"proof"]),
        proof_len: ByteLen::new(5),
        tapes: TapesDigest::hash(&[b"tapes"]),
        tapes_len: ByteLen::new(5),
        fee: Amount::ZERO,
        transfers: vec![],
        at,
        result: None,
    };
    Signed::new(receipt, &key(author)).into()
}

/// The same bytes with the last bit of the signature flipped.
pub(crate) fn tampered(message: &Message) -> Vec<u8> {
    let mut bytes = message.to_bytes();
    *bytes.last_mut().expect("not empty") ^= 1;
    bytes
}

/// The same from a newer version, which has added a field of this number.
pub(crate) fn newer(message: &Message, author: u8, field: u32) -> Vec<u8> {
    struct Newer<P>(Vec<u8>, std::marker::PhantomData<P>);
    impl<P: Payload> Payload for Newer<P> {
        const TYPE: &'static str = P::TYPE;
        const MAX: ByteLen = P::MAX;
        type Error = Error;

        fn to_bytes(&self) -> Vec<u8> {
            self.0.clone()
        }

        fn from_bytes(_: &[u8]) -> Result<Self, Error> {
            unreachable!("it is only signed")
        }
    }
    fn signed<P: Payload>(payload: &P, author: u8, field: u32) -> Vec<u8> {
        let mut bytes = payload.to_bytes();
        assert!((16..2048).contains(&field), "its key has two bytes");
        bytes.extend([(field << 3) as u8 | 0x80, (field >> 4) as u8, 7]);
        Envelope::sign(&Newer(bytes, std::marker::PhantomData::<P>), &key(author)).to_bytes()
    }
    match message {
        Message::Claim(it) => signed(it.value(), author, field),
        Message::Descriptor(it) => signed(it.value(), author, field),
        Message::Receipt(it) => signed(it.value(), author, field),
        other => panic!("no test needs a newer {:?}", other.kind()),
    }
}
