//! The messages of `docs/spec/message.md`.

use std::num::NonZeroU8;

use ed25519_dalek::SigningKey;
use nonos_types::*;

pub(crate) use crate::sample::key;
use crate::sample::record;

pub(crate) const BACKEND: BackendId = BackendId::new("halo2-ipa/v1");

pub(crate) fn accuser() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

pub(crate) fn id(key: &SigningKey) -> NodeId {
    NodeId::from_bytes(key.verifying_key().to_bytes())
}

pub(crate) fn digest<T: Tag>(byte: u8) -> Digest<T> {
    Digest::from_bytes([byte; 32])
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::new(1_700_000_000 + seconds)
}

pub(crate) fn descriptor() -> Descriptor {
    Descriptor {
        network: digest(1),
        sequence: Sequence::new(300),
        valid_from: at(0),
        valid_until: at(Descriptor::MAX_VALIDITY),
        addresses: vec![
            "/ip4/10.0.0.1/tcp/4001".to_owned(),
            "/ip4/10.0.0.1/udp/4001/quic-v1".to_owned(),
        ],
        roles: [Role::Seeder, Role::Verifier].into_iter().collect(),
        profile: digest(2),
        software: "nonos/0.1.0".to_owned(),
        capacity: Capacity::new(3),
        onion_keys: vec![
            OnionKey {
                epoch: 78_703,
                key: [26; 32],
            },
            OnionKey {
                epoch: 78_704,
                key: [27; 32],
            },
        ],
        stamp: Stamp::new(300),
        shards: Shards::ALL,
        family: None,
        books: None,
        further: Further::NONE,
    }
}

pub(crate) fn offer() -> Offer {
    Offer {
        network: digest(1),
        capsule: digest(5),
        entry: "main".to_owned(),
        arguments: vec![Value::I32(0), Value::I64(u64::MAX)],
        input: digest(7),
        input_len: ByteLen::new(64),
        backend: BACKEND,
        max_fee: Amount::from_atto(10_000_000_000_000_000),
        fuel_price: Amount::from_atto(1_000_000_000_000),
        verifiers: 2,
        slots: NonZeroU8::new(3).expect("three"),
        created: at(0),
        deadline: at(3600),
        salt: Salt::new([9; 16]),
        sealed: None,
        result_key: None,
        weights: Weights::default(),
        inbound: None,
    }
}

pub(crate) fn offer_with_inbound() -> Offer {
    Offer {
        inbound: Inbound::of(&crate::channel::tape()),
        ..offer()
    }
}

pub(crate) fn claim() -> Claim {
    Claim {
        network: digest(1),
        job: digest(2),
        slot: Slot::new(300),
        at: at(1),
        box_key: None,
    }
}

pub(crate) fn award() -> Award {
    Award {
        network: digest(1),
        job: digest(2),
        slot: Slot::new(300),
        executor: NodeId::from_bytes([4; 32]),
        at: at(2),
        sealed_key: None,
    }
}

pub(crate) fn cancel() -> Cancel {
    Cancel {
        network: digest(1),
        job: digest(2),
        at: at(2),
    }
}

pub(crate) fn receipt() -> Receipt {
    let mut receipt = Receipt {
        record: record(),
        attempt: Attempt::new(2),
        backend: BACKEND,
        verifying_key: digest(21),
        proof: digest(22),
        proof_len: ByteLen::new(30_000),
        tapes: digest(23),
        tapes_len: ByteLen::new(200),
        fee: Amount::from_atto(1_000_000_000_000_000),
        transfers: vec![
            Transfer {
                seeder: NodeId::from_bytes([24; 32]),
                bytes: ByteLen::new(4096),
            },
            Transfer {
                seeder: NodeId::from_bytes([25; 32]),
                bytes: ByteLen::ZERO,
            },
        ],
        at: at(3),
        result: None,
    };
    receipt.record.proven.executor = id(&key());
    receipt.record.proven.nonce = receipt.assignment().nonce();
    receipt
}

pub(crate) fn verdict() -> Verdict {
    Verdict {
        network: digest(1),
        receipt: Signed::new(receipt(), &key()).receipt_id(),
        valid: true,
        at: at(4),
        shard: None,
        work: None,
    }
}

pub(crate) fn voucher() -> Voucher {
    let line = |kind, amount| Line {
        job: digest(2),
        slot: Slot::new(300),
        kind,
        receipt: verdict().receipt,
        amount: Amount::from_atto(amount),
    };
    Voucher {
        network: digest(1),
        payee: NodeId::from_bytes([4; 32]),
        incarnation: Incarnation::new(1),
        sequence: Sequence::new(7),
        total: Amount::from_atto(1_000_000_000_000_000_000),
        lines: vec![
            line(FeeKind::Execute, 1_000_000_000_000_000),
            line(FeeKind::Verify, 1),
        ],
        at: at(5),
    }
}

pub(crate) fn accusation() -> Accusation {
    Accusation {
        network: digest(1),
        evidence: Evidence::InvalidProof(Box::new(InvalidProof {
            receipt: Signed::new(receipt(), &key()),
            tapes: vec![1, 2, 3],
            proof: vec![4, 5],
        })),
        at: at(6),
    }
}

pub(crate) fn relay() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// The names of three messages: a relay's log, in which the receipt is the second.
pub(crate) fn accepted() -> [MessageId; 3] {
    let receipt = Signed::new(receipt(), &key()).id();
    [digest(30), receipt, digest(31)]
}

/// The tree over these, by the book.
pub(crate) fn root(log: &[MessageId]) -> JournalRoot {
    match log {
        [one] => JournalRoot::leaf(one),
        _ => {
            let left = log.len().next_power_of_two() / 2;
            JournalRoot::join(&root(&log[..left]), &root(&log[left..]))
        }
    }
}

pub(crate) fn relay_head() -> RelayHead {
    RelayHead {
        network: digest(1),
        epoch: Epoch::new(472_222),
        size: 3,
        root: root(&accepted()),
        previous: Some(digest(32)),
        at: at(7),
    }
}

pub(crate) fn bad_relay() -> Accusation {
    let Evidence::InvalidProof(item) = accusation().evidence else {
        unreachable!("it is of that kind");
    };
    let [first, _, third] = accepted();
    let inclusion = Inclusion {
        index: 1,
        path: vec![JournalRoot::leaf(&first), JournalRoot::leaf(&third)],
    };
    Accusation {
        evidence: Evidence::BadRelay(Box::new(BadRelay {
            head: Signed::new(relay_head(), &relay()),
            inclusion,
            item: *item,
        })),
        ..accusation()
    }
}

pub(crate) fn forked_head() -> Accusation {
    let other = RelayHead {
        root: JournalRoot::ZERO,
        ..relay_head()
    };
    let [one, other] = [relay_head(), other].map(|head| Signed::new(head, &relay()));
    Accusation {
        evidence: Evidence::ForkedHead(Box::new(ForkedHead::of(&one, &other).expect("two roots"))),
        ..accusation()
    }
}

/// The descriptor, and one that says less of the same node under the same number.
pub(crate) fn equivocation() -> Accusation {
    let other = Descriptor {
        addresses: vec![],
        ..descriptor()
    };
    let [one, other] = [descriptor(), other].map(|it| Signed::new(it, &key()));
    let evidence = Equivocation::of(&one, &other).expect("two under one number");
    Accusation {
        evidence: Evidence::Equivocation(Box::new(evidence)),
        ..accusation()
    }
}

/// The receipt, and one of the same attempt that used less fuel.
pub(crate) fn nonce_reuse() -> Accusation {
    let mut other = receipt();
    other.record.proven.fuel_used = Fuel::new(1);
    let [one, other] = [receipt(), other].map(|it| Signed::new(it, &key()));
    let evidence = NonceReuse::of(&one, &other).expect("two of one nonce");
    Accusation {
        evidence: Evidence::NonceReuse(Box::new(evidence)),
        ..accusation()
    }
}

/// A verdict of the relay's: that the proof of the receipt does not hold.
pub(crate) fn false_verdict() -> Accusation {
    let Evidence::InvalidProof(item) = accusation().evidence else {
        unreachable!("it is of that kind");
    };
    let verdict = Verdict {
        valid: false,
        ..verdict()
    };
    let verdict = Signed::new(verdict, &relay());
    Accusation {
        evidence: Evidence::FalseVerdict(Box::new(FalseVerdict { verdict, item: *item })),
        ..accusation()
    }
}

/// The voucher, and the next one, whose total is that of its own lines alone.
pub(crate) fn voucher_conflict() -> Accusation {
    let next = Voucher {
        sequence: Sequence::new(8),
        total: Amount::from_atto(1_000_000_000_000_001),
        ..voucher()
    };
    let [one, next] = [voucher(), next].map(|it| Signed::new(it, &key()));
    let evidence = VoucherConflict::of(&one, &next).expect("less than before");
    Accusation {
        evidence: Evidence::VoucherConflict(Box::new(evidence)),
        ..accusation()
    }
}

/// The first entry of `docs/spec/ledger.md`, and one that sets another amount aside.
pub(crate) fn feed_fork() -> Accusation {
    let feed = include_str!("../../../../nonos-depin/tests/vectors/feed.hex");
    let first = hex::decode(feed.lines().next().expect("an entry")).expect("hex");
    let mut other = super::wire::Fields::of(&first).all(2).remove(0);
    let amount = 1000_u128.to_be_bytes();
    let at = other.windows(16).position(|it| it == amount).expect("the amount");
    other[at + 15] += 1;
    let other = super::wire::signed::<FeedPlace>(other, &key());
    let [one, other] = [first, other].map(|it| Signed::from_bytes(&it).expect("an entry"));
    let evidence = FeedFork::of(&one, &other).expect("two entries");
    Accusation {
        evidence: Evidence::FeedFork(Box::new(evidence)),
        ..accusation()
    }
}

/// The accusation as another has signed it.
pub(crate) fn false_accusation() -> Accusation {
    let evidence = FalseAccusation::of(&Signed::new(accusation(), &relay())).expect("not of this kind");
    Accusation {
        evidence: Evidence::FalseAccusation(Box::new(evidence)),
        ..accusation()
    }
}

/// One of each kind, signed.
pub(crate) fn messages() -> Vec<Message> {
    let key = key();
    vec![
        Signed::new(descriptor(), &key).into(),
        Signed::new(offer(), &key).into(),
        Signed::new(claim(), &key).into(),
        Signed::new(award(), &key).into(),
        Signed::new(cancel(), &key).into(),
        Signed::new(receipt(), &key).into(),
        Signed::new(verdict(), &key).into(),
        Signed::new(voucher(), &key).into(),
        Signed::new(accusation(), &accuser()).into(),
        Signed::new(relay_head(), &relay()).into(),
    ]
}
