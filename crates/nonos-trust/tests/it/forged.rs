//! Evidence that is forged, of every kind: nobody is convicted on it, and who brings it is to blame only where everyone can see
//! that it shows nothing.

use ed25519_dalek::SigningKey;
use nonos_trust::{Judgement, ProofCheck, ProofVerdict, judge};
use nonos_types::*;

use crate::sample::*;

const ACCUSER: u8 = 200;

/// Who is to blame in all samples.
fn culprit() -> SigningKey {
    key(3)
}

fn descriptor(software: &str) -> Descriptor {
    Descriptor {
        network: network(),
        sequence: Sequence::new(7),
        valid_from: NOW,
        valid_until: NOW,
        addresses: vec![],
        roles: Roles::NONE,
        profile: PoiHash::ZERO,
        software: software.to_owned(),
        capacity: Capacity::NONE,
        onion_keys: vec![],
        stamp: Stamp::NONE,
        books: None,
        shards: nonos_types::Shards::ALL,
        family: None,
        further: Further::NONE,
    }
}

fn voucher(sequence: u64, amount: u128) -> Voucher {
    let line = Line {
        job: JobId::ZERO,
        slot: Slot::ZERO,
        kind: FeeKind::Execute,
        receipt: ReceiptId::ZERO,
        amount: Amount::from_atto(amount),
    };
    Voucher {
        network: network(),
        payee: peer(4),
        incarnation: Incarnation::ZERO,
        sequence: Sequence::new(sequence),
        total: Amount::from_atto(amount),
        lines: vec![line],
        at: NOW,
    }
}

fn entry(sequence: u64, of: &str) -> FeedPlace {
    // The network's field, the sequence's, and one that these readers do not look into.
    let mut bytes = vec![10, 32];
    bytes.extend(network().as_bytes());
    bytes.extend([24, sequence as u8, 34, of.len() as u8]);
    bytes.extend(of.as_bytes());
    FeedPlace::from_bytes(&bytes).expect("an entry")
}

fn run(fuel: u64, by: &SigningKey) -> Signed<Receipt> {
    let mut it = receipt(by, 0).value().clone();
    it.record.proven.fuel_used = Fuel::new(fuel);
    Signed::new(it, by)
}

fn log(root: u8, by: &SigningKey) -> Signed<RelayHead> {
    let (head, _) = relayed(by, &receipt(&key(1), 0));
    let mut head = *head.value();
    head.root = JournalRoot::from_bytes([root; 32]);
    Signed::new(head, by)
}

fn item() -> InvalidProof {
    InvalidProof {
        receipt: receipt(&key(1), 0),
        tapes: TAPES.to_vec(),
        proof: PROOF.to_vec(),
    }
}

fn verdict(valid: bool, by: &SigningKey) -> Signed<Verdict> {
    let verdict = Verdict {
        network: network(),
        receipt: receipt(&key(1), 0).receipt_id(),
        valid,
        at: NOW,
        shard: None,
        work: None,
    };
    Signed::new(verdict, by)
}

fn said(evidence: Evidence, by: &SigningKey) -> Signed<Accusation> {
    let accusation = Accusation {
        network: network(),
        evidence,
        at: NOW,
    };
    Signed::new(accusation, by)
}

/// An accusation of the culprit by each kind of evidence, and what the check has to find for it to be true.
fn samples() -> Vec<(Evidence, ProofVerdict)> {
    let by = culprit();
    let (other, none) = (ProofVerdict::Invalid, unknown());
    let pair = |one: Voucher, two: Voucher| {
        let [one, two] = [one, two].map(|it| Signed::new(it, &by));
        VoucherConflict::of(&one, &two).expect("a conflict")
    };
    let invalid = InvalidProof {
        receipt: receipt(&by, 0),
        ..item()
    };
    let reuse = NonceReuse::of(&run(1, &by), &run(2, &by)).expect("two runs");
    let fork = ForkedHead::of(&log(1, &by), &log(2, &by)).expect("two roots");
    let [one, two] = ["a", "b"].map(|it| Signed::new(descriptor(it), &by));
    let equivocation = Equivocation::of(&one, &two).expect("two under one number");
    let [one, two] = ["a", "b"].map(|it| Signed::new(entry(1, it), &by));
    let feed = FeedFork::of(&one, &two).expect("two entries");
    let accused = said(Evidence::InvalidProof(Box::new(item())), &by);
    let accused = FalseAccusation::of(&accused).expect("of another kind");
    let false_verdict = |valid| {
        let it = FalseVerdict {
            verdict: verdict(valid, &by),
            item: item(),
        };
        Evidence::FalseVerdict(Box::new(it))
    };
    vec![
        (Evidence::InvalidProof(Box::new(invalid)), other.clone()),
        (
            Evidence::BadRelay(Box::new(bad_relay(&by, &key(1)))),
            other.clone(),
        ),
        (Evidence::NonceReuse(Box::new(reuse)), none.clone()),
        (Evidence::ForkedHead(Box::new(fork)), none.clone()),
        (Evidence::Equivocation(Box::new(equivocation)), none.clone()),
        (
            Evidence::VoucherConflict(Box::new(pair(voucher(1, 7), voucher(1, 8)))),
            none.clone(),
        ),
        (
            Evidence::VoucherConflict(Box::new(pair(voucher(1, 7), voucher(2, 7)))),
            none.clone(),
        ),
        (Evidence::FeedFork(Box::new(feed)), none),
        (false_verdict(true), other),
        (false_verdict(false), ProofVerdict::Valid),
        (Evidence::FalseAccusation(Box::new(accused)), ProofVerdict::Valid),
    ]
}

/// Is asked only of what was signed for; the answer is given.
fn blamed(accusation: &Signed<Accusation>, check: &ProofVerdict) -> Judgement {
    judge(accusation, &Check(check.clone()))
}

/// What becomes of an accusation that is sent: it is read, or is none.
fn sent(accusation: &Signed<Accusation>) -> Option<Signed<Accusation>> {
    Signed::from_bytes(&accusation.to_bytes()).ok()
}

/// However it is judged, and whatever a check says: nobody is convicted on it.
fn convicts_nobody(evidence: Evidence, check: &ProofVerdict, how: &str) {
    let kind = evidence.kind();
    let accusation = said(evidence, &key(ACCUSER));
    // Those who do not read it, but make it.
    let judgement = blamed(&accusation, check);
    assert!(!matches!(judgement, Judgement::Guilty { .. }), "{kind}, {how}");
    let Some(read) = sent(&accusation) else { return };
    let judgement = blamed(&read, check);
    assert!(!matches!(judgement, Judgement::Guilty { .. }), "{kind}, {how}");
    // What is read, and shows nothing, is held against who brings it; what cannot be told is held against nobody.
    let Some(back) = FalseAccusation::of(&read) else {
        return;
    };
    let back = blamed(&said(Evidence::FalseAccusation(Box::new(back)), &key(201)), check);
    match judgement {
        Judgement::Innocent => {
            let Judgement::Guilty { subject, .. } = back else {
                panic!("{kind}, {how}: {back:?}");
            };
            assert_eq!(subject, peer(ACCUSER), "{kind}, {how}");
        }
        _ => assert!(
            matches!(back, Judgement::Indeterminate { .. }),
            "{kind}, {how}: {back:?}"
        ),
    }
}

#[test]
fn every_sample_convicts_the_culprit_and_nobody_else() {
    for (evidence, check) in samples() {
        let (kind, id) = (evidence.kind(), evidence.id());
        let read = sent(&said(evidence, &key(ACCUSER))).expect(kind);
        let subject = id_of(&culprit());
        let expected = Judgement::Guilty {
            subject,
            evidence: id,
        };
        assert_eq!(blamed(&read, &check), expected, "{kind}");
        // Nor is who has told the truth to blame for it.
        let Some(back) = FalseAccusation::of(&read) else {
            continue;
        };
        let back = said(Evidence::FalseAccusation(Box::new(back)), &key(201));
        assert_eq!(blamed(&back, &check), Judgement::Innocent, "{kind}");
    }
}

fn id_of(key: &SigningKey) -> NodeId {
    id(key)
}

#[test]
fn the_contrary_of_what_has_to_be_found_convicts_nobody() {
    for (evidence, check) in samples() {
        let contrary = match check {
            ProofVerdict::Valid => ProofVerdict::Invalid,
            ProofVerdict::Invalid => ProofVerdict::Valid,
            ProofVerdict::Unknown { .. } => continue,
        };
        convicts_nobody(evidence, &contrary, "the check says otherwise");
    }
}

#[test]
fn a_key_that_is_not_known_convicts_neither_side() {
    for (evidence, check) in samples() {
        if matches!(check, ProofVerdict::Unknown { .. }) {
            continue;
        }
        let read = sent(&said(evidence.clone(), &key(ACCUSER))).expect("read");
        assert!(matches!(
            blamed(&read, &unknown()),
            Judgement::Indeterminate { .. }
        ));
        convicts_nobody(evidence, &unknown(), "an unknown key");
    }
}

/// Each sample, with its two items changed for each other, for the first twice, and for others.
fn twisted(evidence: &Evidence) -> Vec<(&'static str, Evidence)> {
    let other = key(9);
    macro_rules! pair {
        ($kind:ident, $it:expr, $foreign:expr) => {{
            let it = $it;
            let make = |first, second| Evidence::$kind(Box::new($kind { first, second }));
            vec![
                ("swapped", make(it.second.clone(), it.first.clone())),
                ("the first twice", make(it.first.clone(), it.first.clone())),
                ("the second twice", make(it.second.clone(), it.second.clone())),
                ("the second by another", make(it.first.clone(), $foreign)),
                ("the first by another", make($foreign, it.second.clone())),
            ]
        }};
    }
    match evidence {
        Evidence::NonceReuse(it) => pair!(NonceReuse, it, run(2, &other)),
        Evidence::ForkedHead(it) => pair!(ForkedHead, it, log(2, &other)),
        Evidence::Equivocation(it) => pair!(Equivocation, it, Signed::new(descriptor("b"), &other)),
        Evidence::VoucherConflict(it) => {
            let mut all = pair!(
                VoucherConflict,
                it,
                Signed::new(it.second.value().clone(), &other)
            );
            let [first, second] = [
                voucher(1, 7),
                Voucher {
                    total: Amount::from_atto(14),
                    ..voucher(2, 7)
                },
            ]
            .map(|it| Signed::new(it, &culprit()));
            let follows = VoucherConflict { first, second };
            all.push(("what follows", Evidence::VoucherConflict(Box::new(follows))));
            all
        }
        Evidence::FeedFork(it) => pair!(FeedFork, it, Signed::new(entry(1, "b"), &other)),
        Evidence::FalseVerdict(it) => {
            let mut elsewhere = it.clone();
            elsewhere.item.receipt = receipt(&key(1), 1);
            vec![("another receipt", Evidence::FalseVerdict(elsewhere))]
        }
        Evidence::BadRelay(it) => {
            let mut elsewhere = it.clone();
            elsewhere.item.receipt = receipt(&key(1), 1);
            let mut by_another = it.clone();
            by_another.head = log(2, &other);
            vec![
                ("another receipt", Evidence::BadRelay(elsewhere)),
                ("another head", Evidence::BadRelay(by_another)),
            ]
        }
        Evidence::FalseAccusation(_) => {
            // An accusation that is true is called false, and that again.
            let it = FalseVerdict {
                verdict: verdict(false, &other),
                item: item(),
            };
            let right = said(Evidence::FalseVerdict(Box::new(it)), &key(8));
            let called = FalseAccusation { accusation: right };
            let within = said(Evidence::FalseAccusation(Box::new(called)), &culprit());
            let deep = FalseAccusation { accusation: within };
            vec![("one within another", Evidence::FalseAccusation(Box::new(deep)))]
        }
        Evidence::InvalidProof(_) => vec![],
    }
}

#[test]
fn items_that_are_swapped_the_same_or_of_another_convict_nobody() {
    for (evidence, check) in samples() {
        let all = twisted(&evidence);
        let alone = matches!(evidence, Evidence::InvalidProof(_));
        assert_eq!(all.is_empty(), alone, "{}", evidence.kind());
        for (how, twisted) in all {
            convicts_nobody(twisted, &check, how);
        }
    }
}

#[test]
fn bytes_that_nobody_committed_to_convict_who_brings_them() {
    let change = |it: &mut InvalidProof| it.proof[0] ^= 1;
    let longer = |it: &mut InvalidProof| it.tapes.push(0);
    for (evidence, check) in samples() {
        for change in [change, longer] {
            let mut changed = evidence.clone();
            match &mut changed {
                Evidence::InvalidProof(it) => change(it),
                Evidence::BadRelay(it) => change(&mut it.item),
                Evidence::FalseVerdict(it) => change(&mut it.item),
                _ => continue,
            }
            convicts_nobody(changed, &check, "other bytes");
        }
    }
    // The check is asked of nothing of it, so that who has no key knows it, too.
    let mut changed = item();
    change(&mut changed);
    let false_one = said(Evidence::InvalidProof(Box::new(changed)), &key(ACCUSER));
    let back = FalseAccusation::of(&false_one).expect("of another kind");
    let back = blamed(
        &said(Evidence::FalseAccusation(Box::new(back)), &key(201)),
        &unknown(),
    );
    assert!(matches!(back, Judgement::Guilty { subject, .. } if subject == peer(ACCUSER)));
}

#[test]
fn evidence_of_another_network_convicts_nobody_and_is_not_read() {
    for (evidence, check) in samples() {
        let kind = evidence.kind();
        let accusation = Accusation {
            network: NetworkId::named("other"),
            evidence,
            at: NOW,
        };
        let accusation = Signed::new(accusation, &key(ACCUSER));
        assert_eq!(blamed(&accusation, &check), Judgement::Innocent, "{kind}");
        assert_eq!(sent(&accusation), None, "{kind}");
    }
}

/// Wherever it is cut off, and whichever of its bytes is another one: signed anew by its accuser, it is read as what it was,
/// or shows the same, or is nothing.
#[test]
fn evidence_that_is_cut_or_changed_convicts_nobody_else() {
    struct Any;
    impl ProofCheck for Any {
        fn check(&self, _: &Receipt, _: &[u8], _: &[u8]) -> ProofVerdict {
            ProofVerdict::Invalid
        }
    }
    for (evidence, _) in samples() {
        let kind = evidence.kind();
        let whole = said(evidence, &key(ACCUSER)).value().to_bytes();
        for len in (0..whole.len()).step_by(5) {
            // What is missing at the end is the evidence, which comes last, or the time.
            let cut = resigned(whole[..len].to_vec());
            let Ok(cut) = Signed::<Accusation>::from_bytes(&cut) else {
                continue;
            };
            assert_eq!(cut.value().to_bytes(), whole[..len], "{kind}");
            assert_eq!(cut.at, Timestamp::ZERO, "{kind} cut at {len}");
        }
        for at in (0..whole.len()).step_by(5) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            let Ok(read) = Signed::<Accusation>::from_bytes(&resigned(changed)) else {
                continue;
            };
            if let Judgement::Guilty { subject, .. } = judge(&read, &Any) {
                assert_eq!(subject, id_of(&culprit()), "{kind}, byte {at}");
            }
        }
    }
}

#[test]
fn evidence_beyond_the_limit_is_not_read() {
    let mut long = item();
    long.tapes = vec![0; 960 << 10];
    let verdict = verdict(true, &culprit());
    let false_verdict = FalseVerdict {
        verdict,
        item: long.clone(),
    };
    let accused = said(Evidence::InvalidProof(Box::new(long.clone())), &culprit());
    let accused = FalseAccusation::of(&accused).expect("of another kind");
    for evidence in [
        Evidence::InvalidProof(Box::new(long)),
        Evidence::FalseVerdict(Box::new(false_verdict)),
        Evidence::FalseAccusation(Box::new(accused)),
    ] {
        let accusation = said(evidence, &key(ACCUSER));
        let error = Signed::<Accusation>::from_bytes(&accusation.to_bytes()).expect_err("too long");
        assert!(matches!(error, Error::TooLong { .. }), "{error:?}");
    }
}

fn resigned(payload: Vec<u8>) -> Vec<u8> {
    struct Raw(Vec<u8>);
    impl Payload for Raw {
        const TYPE: &'static str = Accusation::TYPE;
        const MAX: ByteLen = Accusation::MAX;
        type Error = Error;

        fn to_bytes(&self) -> Vec<u8> {
            self.0.clone()
        }

        fn from_bytes(_: &[u8]) -> Result<Self, Error> {
            unreachable!("only signed")
        }
    }
    Envelope::sign(&Raw(payload), &key(ACCUSER)).to_bytes()
}
