//! What a node keeps of its batches, and the files that others check.

use std::sync::Mutex;

use nonos_depin::anchor::{Evidence, State as At, countersign};
use nonos_depin::rollup::{RollupStatement, Root};
use nonos_depin::settlement::{
    Chunk, Damage, Error, FileError, Settlement, SettlementFile, Stage, commitment,
};
use nonos_depin::{Batch, BatchError, BatchId, MAX_AMOUNT};
use nonos_store::{Durability, KeyRange, MemoryStore, Store, Visit};
use nonos_types::{ByteLen, Digest, Envelope, FeeKind, NetworkId, Sequence, Signed, VkDigest};
use nonos_verify::{
    BackendId, Erased, LastChallenge, Proof, ProofSystem, ProveError, Proving, Refusal, Statement as _,
    Verifier, VerifyError,
};

use crate::support::*;

/// A proof system for which a proof is a name of the statement: what is looked for here is who asks it what.
#[derive(Debug)]
struct Named;

fn name_of(statement: &RollupStatement) -> Vec<u8> {
    VkDigest::hash(&[&statement.bytes()]).to_bytes().to_vec()
}

const KEY: VkDigest = VkDigest::from_bytes([3; 32]);

impl ProofSystem<RollupStatement> for Named {
    fn id(&self) -> BackendId {
        BackendId::new("named/1")
    }

    fn max_proof_len(&self) -> ByteLen {
        ByteLen::new(32)
    }

    fn vk_digest(&self, _: &RollupStatement, _: &[u8]) -> Result<VkDigest, Refusal> {
        Ok(KEY)
    }

    fn prove(
        &self,
        statement: &RollupStatement,
        _: &<RollupStatement as nonos_verify::Statement>::Witness,
        _: &mut Proving<'_>,
    ) -> Result<Vec<u8>, ProveError> {
        Ok(name_of(statement))
    }

    fn verify(&self, statement: &RollupStatement, proof: &[u8]) -> Result<LastChallenge, Refusal> {
        if proof == name_of(statement) {
            Ok(LastChallenge::of(proof))
        } else {
            Err(Refusal::Rejected { check: "name" })
        }
    }
}

fn verifier() -> impl Verifier {
    Erased::<RollupStatement, _>::new(Named)
}

fn chunk(statement: &RollupStatement) -> Chunk {
    Chunk {
        statement: statement.clone(),
        proof: Proof::new(KEY, name_of(statement)),
    }
}

fn open<S: Store + 'static>(node: &Node<S>) -> Settlement {
    Settlement::open(node.store.clone(), NETWORK, node.id()).expect("it opens")
}

/// Books `lines` of vouchers to peers 20…, one each.
fn pay(node: &Node<impl Store + 'static>, peers: std::ops::Range<u8>) {
    for peer in peers {
        node.pay(id(&key(peer)), &[line(peer, FeeKind::Execute, 5)])
            .expect("it is paid");
    }
}

fn batch<S: Store + 'static>(settlement: &mut Settlement, node: &Node<S>) -> Result<Signed<Batch>, Error> {
    settlement.batch(&node.ledger, MAX_AMOUNT, &node.key)
}

fn prove<S: Store + 'static>(settlement: &mut Settlement, node: &Node<S>, number: u64) {
    for (statement, witness) in settlement.unproved(&node.ledger, number).expect("chunks") {
        statement.check(&witness).expect("it holds");
        settlement
            .keep_proof(number, &chunk(&statement))
            .expect("it is kept");
    }
}

fn entry(sequence: u64) -> Sequence {
    Sequence::new(sequence)
}

fn is_final() -> At {
    At::Final(Evidence {
        source: "two friends".to_owned(),
        reference: "record 7".to_owned(),
        at: NOW,
    })
}

fn submitted() -> At {
    At::Submitted {
        reference: "record 7".to_owned(),
    }
}

#[test]
fn entries_go_from_pending_over_submitted_to_final_with_their_batch() {
    let node = Node::new(7);
    let mut settlement = open(&node);
    pay(&node, 20..23);
    assert_eq!(
        settlement.stage(entry(3)).expect("a stage"),
        (Stage::Pending, None)
    );
    let first = batch(&mut settlement, &node).expect("a batch");
    pay(&node, 23..24);
    let second = batch(&mut settlement, &node).expect("a batch");
    second.follows(&first).expect("it follows");
    assert_eq!(
        (first.last, second.first, second.last),
        (entry(3), entry(4), entry(4))
    );

    let stages = |settlement: &Settlement| {
        let stage = |sequence| settlement.stage(entry(sequence)).expect("a stage").0;
        [1, 3, 4, 5].map(stage)
    };
    let (p, s, f) = (Stage::Pending, Stage::Submitted, Stage::Final);
    assert_eq!(stages(&settlement), [p; 4]);
    settlement.note(1, "here", &submitted()).expect("noted");
    assert_eq!(stages(&settlement), [s, s, p, p]);
    settlement.note(1, "there", &is_final()).expect("noted");
    settlement.note(2, "here", &submitted()).expect("noted");
    assert_eq!(stages(&settlement), [f, f, s, p]);
    // What was submitted and is gone is pending again; what is final stays it.
    settlement.note(2, "here", &At::Pending).expect("noted");
    settlement.note(1, "there", &At::Pending).expect("noted");
    settlement.note(1, "there", &submitted()).expect("noted");
    assert_eq!(stages(&settlement), [f, f, p, p]);

    let again = open(&node);
    assert_eq!(stages(&again), [f, f, p, p]);
    let standing = again.standing(1).expect("it is there");
    assert_eq!(
        standing.places,
        [("here".to_owned(), submitted()), ("there".to_owned(), is_final())]
    );
    assert_eq!(again.stage(entry(4)).expect("a stage"), (p, Some(2)));
}

#[test]
fn nothing_new_makes_no_batch() {
    let node = Node::new(7);
    let mut settlement = open(&node);
    for _ in 0..2 {
        let refused = batch(&mut settlement, &node);
        assert!(
            matches!(refused, Err(Error::Batch(BatchError::NoEntries))),
            "{refused:?}"
        );
        pay(&node, 20..21);
        if settlement.count() == 0 {
            batch(&mut settlement, &node).expect("a batch");
        }
    }
    let other = settlement.batch(&node.ledger, MAX_AMOUNT, &key(8));
    assert!(matches!(other, Err(Error::WrongKey { .. })), "{other:?}");
    assert_eq!(settlement.count(), 1);
}

#[test]
fn the_state_is_made_again_from_the_feed_after_a_restart() {
    let node = Node::new(7);
    let mut settlement = open(&node);
    pay(&node, 20..25);
    let first = batch(&mut settlement, &node).expect("a batch");
    pay(&node, 22..23);
    node.pay(id(&key(22)), &[line(90, FeeKind::Seed, 1)])
        .expect("paid");
    let mut settlement = open(&node);
    let second = batch(&mut settlement, &node).expect("a batch");
    second.follows(&first).expect("it follows");
    // Of an older batch, too, and in any order.
    for number in [2, 1, 2] {
        prove(&mut settlement, &node, number);
        let file = settlement.file(number).expect("a file");
        let checked = file.check(&verifier()).expect("it is right");
        assert_eq!(
            checked.batch,
            *settlement.signed(number).expect("a batch").value()
        );
        assert!(
            settlement
                .unproved(&node.ledger, number)
                .expect("chunks")
                .is_empty()
        );
    }
}

/// Writes over what is in the store.
fn overwrite(node: &Node, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = node.store.get(key).expect("a read").expect("it is there");
    change(&mut bytes);
    node.store.put(key, &bytes, Durability::Durable).expect("a write");
}

fn at(table: &str, key: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], key].concat()
}

/// A batch of this node that its feed does not come to.
fn lie(node: &Node, change: impl FnOnce(&mut Batch)) -> Vec<u8> {
    let settlement = open(node);
    let mut batch = settlement.signed(1).expect("a batch").value().clone();
    change(&mut batch);
    Signed::new(batch, &node.key).to_bytes()
}

#[test]
fn a_batch_that_is_not_what_the_feed_comes_to_is_found() {
    type Change = fn(&mut Batch);
    let changes: [(Change, &str); 3] = [
        (
            |it| it.new_root = Root::from_bytes([1; 32]).expect("an element"),
            "new_root",
        ),
        (|it| it.entries_root = Digest::from_bytes([1; 32]), "entries_root"),
        (
            |it| it.postings_root = Root::from_bytes([1; 32]).expect("an element"),
            "postings_root",
        ),
    ];
    for (change, field) in changes {
        let node = Node::new(7);
        pay(&node, 20..22);
        batch(&mut open(&node), &node).expect("a batch");
        let false_one = lie(&node, change);
        overwrite(&node, &at("settle-batch", &1_u64.to_be_bytes()), |bytes| {
            *bytes = false_one;
        });
        pay(&node, 22..23);
        let refused = batch(&mut open(&node), &node);
        let Err(Error::Damaged {
            number: 1,
            source: Damage::Feed(BatchError::Differs { field: found }),
        }) = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(found, field);
        let refused = open(&node).unproved(&node.ledger, 1);
        assert!(
            matches!(
                refused,
                Err(Error::Damaged {
                    source: Damage::Feed(_),
                    ..
                })
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn damage_to_what_is_kept_is_named() {
    let made = || {
        let node = Node::new(7);
        pay(&node, 20..22);
        let mut settlement = open(&node);
        batch(&mut settlement, &node).expect("a batch");
        prove(&mut settlement, &node, 1);
        node
    };
    let one = 1_u64.to_be_bytes();
    let batch_key = at("settle-batch", &one);
    let opened = |node: &Node| Settlement::open(node.store.clone(), NETWORK, node.id());

    let node = made();
    overwrite(&node, &batch_key, |bytes| *bytes.last_mut().expect("bytes") ^= 1);
    let refused = opened(&node);
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                number: 1,
                source: Damage::Unreadable(_)
            })
        ),
        "{refused:?}"
    );

    let node = made();
    let other = lie(&node, |it| it.network = NetworkId::from_bytes([9; 32]));
    overwrite(&node, &batch_key, |bytes| *bytes = other);
    let refused = opened(&node);
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                source: Damage::Another { field: "network" },
                ..
            })
        ),
        "{refused:?}"
    );

    // The second one in the place of the first, and the entries of the first said to be in it.
    let two = || {
        let node = made();
        pay(&node, 22..34);
        let mut settlement = open(&node);
        batch(&mut settlement, &node).expect("a batch");
        prove(&mut settlement, &node, 2);
        node
    };
    let node = two();
    let second = open(&node).signed(2).expect("a batch").to_bytes();
    overwrite(&node, &batch_key, |bytes| *bytes = second);
    let refused = open(&node).signed(1);
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                source: Damage::Another { field: "number" },
                ..
            })
        ),
        "{refused:?}"
    );
    let node = two();
    overwrite(&node, &at("settle-up-to", &2_u64.to_be_bytes()), |bytes| {
        *bytes = 2_u64.to_be_bytes().to_vec();
    });
    let refused = open(&node).stage(entry(1));
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                number: 2,
                source: Damage::Another { field: "entries" }
            })
        ),
        "{refused:?}"
    );
    // The proof of one chunk in the place of another's.
    let node = two();
    let proof_of = |index: u32| {
        at(
            "settle-proof",
            &[&2_u64.to_be_bytes()[..], &index.to_be_bytes()].concat(),
        )
    };
    let other = node.store.get(&proof_of(1)).expect("a read").expect("a proof");
    overwrite(&node, &proof_of(0), |bytes| *bytes = other);
    let refused = open(&node).file(2);
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                source: Damage::Proof { index: 0 },
                ..
            })
        ),
        "{refused:?}"
    );

    let node = made();
    let proof_key = at("settle-proof", &[&one[..], &0_u32.to_be_bytes()].concat());
    overwrite(&node, &proof_key, |bytes| bytes.truncate(bytes.len() - 1));
    let refused = open(&node).file(1);
    assert!(
        matches!(
            refused,
            Err(Error::Damaged {
                source: Damage::Proof { index: 0 },
                ..
            })
        ),
        "{refused:?}"
    );

    let node = made();
    overwrite(&node, &at("settle-up-to", &2_u64.to_be_bytes()), |bytes| {
        *bytes = 2_u64.to_be_bytes().to_vec();
    });
    let refused = open(&node).stage(entry(1));
    assert!(
        matches!(refused, Err(Error::NoBatch { number: 2 })),
        "{refused:?}"
    );
    let another = Node::over(8, MemoryStore::new());
    let foreign = Settlement::open(made().store, NETWORK, another.id());
    assert!(
        matches!(
            foreign,
            Err(Error::Damaged {
                source: Damage::Another { field: "author" },
                ..
            })
        ),
        "{foreign:?}"
    );
}

#[test]
fn keeps_proofs_of_its_own_chunks_only() {
    let node = Node::new(7);
    pay(&node, 20..22);
    let mut settlement = open(&node);
    batch(&mut settlement, &node).expect("a batch");
    let (statement, _) = settlement.unproved(&node.ledger, 1).expect("chunks").remove(0);
    let unproved = settlement.file(1);
    assert!(
        matches!(
            unproved,
            Err(Error::Unproved {
                proved: 0,
                chunks: 1,
                ..
            })
        ),
        "{unproved:?}"
    );
    for wrong in [
        RollupStatement {
            index: 1,
            ..statement.clone()
        },
        RollupStatement {
            batch: BatchId::from_bytes([1; 32]),
            ..statement.clone()
        },
    ] {
        let refused = settlement.keep_proof(1, &chunk(&wrong));
        assert!(matches!(refused, Err(Error::NotItsChunk { .. })), "{refused:?}");
    }
    let refused = settlement.keep_proof(2, &chunk(&statement));
    assert!(
        matches!(refused, Err(Error::NoBatch { number: 2 })),
        "{refused:?}"
    );
    assert_eq!(settlement.standing(1).expect("it is there").proved, 0);
}

type Step = fn(&mut Settlement, &Node<Failing>) -> Result<(), Error>;

/// What a node does with its batches; each step writes once.
const STEPS: &[Step] = &[
    |settlement, node| {
        // Once, whether or not an attempt before failed after it had written.
        match batch(settlement, node) {
            Err(Error::Batch(BatchError::NoEntries)) if settlement.count() == 1 => Ok(()),
            other => other.map(drop),
        }
    },
    |settlement, node| {
        let chunks = settlement.unproved(&node.ledger, 1)?;
        let first = chunks.first().map(|(statement, _)| chunk(statement));
        first.map_or(Ok(()), |it| settlement.keep_proof(1, &it))
    },
    |settlement, _| settlement.note(1, "here", &submitted()),
    |settlement, _| settlement.note(1, "here", &is_final()),
];

#[test]
fn any_failed_write_can_be_repeated_and_no_number_has_two_batches() {
    let outcome = |settlement: &Settlement| {
        let standing = settlement.standing(1).expect("a batch");
        (
            settlement.count(),
            standing.batch.to_bytes(),
            standing.proved,
            standing.places,
        )
    };
    let made = |failure| {
        let node = Node::over(7, Failing::new(failure));
        pay(&node, 20..22);
        node
    };
    let node = made(Failure::Lost);
    let mut settlement = open(&node);
    for step in STEPS {
        step(&mut settlement, &node).expect("no write fails");
    }
    let expected = outcome(&settlement);
    for failure in [Failure::Lost, Failure::Unconfirmed] {
        for failing in 0..STEPS.len() {
            for restarts in [false, true] {
                let node = made(failure);
                let mut settlement = open(&node);
                node.store.fail_after(failing);
                for step in STEPS {
                    if let Err(error) = step(&mut settlement, &node) {
                        assert!(matches!(error, Error::Store(_)), "{error:?}");
                        if restarts {
                            settlement = open(&node);
                        }
                        step(&mut settlement, &node).expect("it can be repeated");
                    }
                }
                assert!(node.store.has_failed());
                assert_eq!(
                    outcome(&open(&node)),
                    expected,
                    "{failure:?}, write {failing}, {restarts}"
                );
            }
        }
    }
}

#[test]
fn a_file_carries_who_has_countersigned_and_which_account_speaks() {
    let node = Node::new(7);
    pay(&node, 20..22);
    let mut settlement = open(&node);
    let first = batch(&mut settlement, &node).expect("a batch");
    pay(&node, 22..23);
    let second = batch(&mut settlement, &node).expect("a batch");
    for number in [1, 2] {
        prove(&mut settlement, &node, number);
    }
    let seen = |batch: &Batch, seed: u8| countersign(&commitment(batch), NOW, &key(seed));
    let account = seen(&first, 40);
    settlement.keep_account("there", &account).expect("it is kept");
    settlement.note(1, "there", &submitted()).expect("noted");
    for witness in [31, 30, 30] {
        let kept = settlement.keep_countersignature(1, &seen(&first, witness));
        assert_eq!(kept.expect("it is kept"), id(&key(witness)));
    }
    for (number, wrong) in [
        (1, seen(&second, 30)),
        (2, seen(&first, 30)),
        (1, Envelope::sign(first.value(), &node.key)),
    ] {
        let refused = settlement.keep_countersignature(number, &wrong);
        assert!(matches!(refused, Err(Error::NotItsWitness { .. })), "{refused:?}");
    }
    let settlement = open(&node);
    let file = settlement.file(1).expect("a file");
    let mut expected = vec![seen(&first, 30), seen(&first, 31)];
    expected.sort_by_key(Envelope::signer);
    assert_eq!(
        (&file.countersignatures, &file.accounts),
        (&expected, &vec![account])
    );
    assert_eq!(file.check(&verifier()).expect("it is right").witnesses.len(), 2);
    let other = settlement.file(2).expect("a file");
    assert_eq!((other.countersignatures.len(), other.accounts.len()), (0, 0));
}

/// A store in which somebody else is first, once.
struct Racing {
    inner: MemoryStore,
    first: Mutex<Option<(Vec<u8>, Vec<u8>)>>,
}

impl Store for Racing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, nonos_store::Error> {
        self.inner.get(key)
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), nonos_store::Error> {
        self.inner.scan(range, visit)
    }

    fn write(&self, batch: &nonos_store::Batch, durability: Durability) -> Result<(), nonos_store::Error> {
        if let Some((key, value)) = self.first.lock().expect("not poisoned").take() {
            self.inner.put(&key, &value, durability)?;
        }
        self.inner.write(batch, durability)
    }
}

#[test]
fn of_two_that_make_a_batch_at_once_one_is_refused() {
    let store = Racing {
        inner: MemoryStore::new(),
        first: Mutex::default(),
    };
    let node = Node::over(7, store);
    pay(&node, 20..22);
    let mut settlement = open(&node);
    let key = at("settle-batch", &1_u64.to_be_bytes());
    *node.store.first.lock().expect("not poisoned") = Some((key.clone(), vec![7]));
    let refused = batch(&mut settlement, &node);
    assert!(
        matches!(refused, Err(Error::Store(nonos_store::Error::Exists { .. }))),
        "{refused:?}"
    );
    assert_eq!(node.store.get(&key).expect("a read"), Some(vec![7]));
}

/// A file of one batch of twelve postings, and what it is of.
fn file() -> (SettlementFile, Batch) {
    let node = Node::new(7);
    pay(&node, 20..32);
    let mut settlement = open(&node);
    let batch = batch(&mut settlement, &node).expect("a batch");
    prove(&mut settlement, &node, 1);
    let mut file = settlement.file(1).expect("a file");
    file.countersignatures = vec![countersign(&commitment(&batch), NOW, &key(21))];
    (file, batch.value().clone())
}

#[test]
fn a_file_shows_its_batch_and_who_has_seen_it() {
    let (file, batch) = file();
    let bytes = file.to_bytes();
    let read = SettlementFile::from_bytes(&bytes).expect("it reads");
    assert_eq!(read, file);
    let checked = read.check(&verifier()).expect("it is right");
    assert_eq!((&checked.batch, checked.proofs), (&batch, 2));
    let witnesses: Vec<_> = checked
        .witnesses
        .iter()
        .map(|(signer, seen)| (*signer, seen.at))
        .collect();
    assert_eq!(witnesses, [(id(&key(21)), NOW)]);
    assert_eq!(checked.commitment(), commitment(&batch));
}

#[test]
fn reads_the_file_of_a_second_implementation() {
    let bytes = hex::decode(include_str!("../vectors/settlement.hex").trim()).expect("hex");
    let file = SettlementFile::from_bytes(&bytes).expect("a file");
    assert_eq!(file.to_bytes(), bytes);
    let (batch, _) = file.batch.open::<Batch>().expect("it is signed");
    let statements: Vec<_> = file.chunks.iter().map(|it| it.statement.clone()).collect();
    batch.check_chunks(&statements).expect("its chunk");
    assert_eq!(file.chunks[0].proof, Proof::new(KEY, vec![0xaa; 16]));
    assert_eq!(
        file.countersignatures,
        [countersign(&commitment(&batch), NOW, &key(0x15))]
    );
    assert_eq!((file.accounts.len(), file.accounts[0].kind()), (1, "account"));
    // All of it is right, but for the proof, which is of no system.
    let refused = file.check(&verifier());
    assert!(
        matches!(refused, Err(FileError::Proof { index: 0, .. })),
        "{refused:?}"
    );
}

#[test]
fn refuses_a_file_that_is_not_of_the_form() {
    let bytes = file().0.to_bytes();
    let refused = |bytes: &[u8]| SettlementFile::from_bytes(bytes).expect_err("it is refused");
    for len in 0..bytes.len() {
        // Each prefix takes long with every proof byte: those within the first kilobyte, and some.
        if len < 1024 || len % 97 == 0 {
            refused(&bytes[..len]);
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(refused(&longer), FileError::Malformed { part: "end" }));
    let mut other = bytes.clone();
    other[0] ^= 1;
    assert!(matches!(refused(&other), FileError::NotOne));
    let mut other = bytes.clone();
    other[9] = 2;
    assert!(matches!(
        refused(&other),
        FileError::UnknownVersion { version: 2 }
    ));
    let too_long = vec![0; SettlementFile::MAX.get() as usize + 1];
    assert!(matches!(refused(&too_long), FileError::TooLong { .. }));

    // A number of chunks that no batch has, and an envelope longer than any.
    let batch_len = usize::from(u16::from_be_bytes([bytes[10], bytes[11]]));
    let mut other = bytes.clone();
    other[12 + batch_len..16 + batch_len].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(
        refused(&other),
        FileError::Malformed {
            part: "number of chunks"
        }
    ));
    let mut other = bytes.clone();
    other[10..12].copy_from_slice(&u16::MAX.to_be_bytes());
    other.extend([0; 1 << 16]);
    assert!(matches!(refused(&other), FileError::Malformed { part: "batch" }));
    // A proof longer than any.
    let (mut long, _) = file();
    for (len, fits) in [(32 << 10, true), ((32 << 10) + 1, false)] {
        long.chunks[0].proof = Proof::new(KEY, vec![7; len]);
        let read = SettlementFile::from_bytes(&long.to_bytes());
        assert_eq!(read.is_ok(), fits, "{len}");
    }
    let (mut many, _) = file();
    many.countersignatures = vec![many.countersignatures[0].clone(); 257];
    assert!(matches!(
        refused(&many.to_bytes()),
        FileError::Malformed {
            part: "countersignature"
        }
    ));
    let (mut many, _) = file();
    many.accounts = vec![many.countersignatures[0].clone(); 17];
    assert!(matches!(
        refused(&many.to_bytes()),
        FileError::Malformed { part: "account" }
    ));
}

#[test]
fn refuses_a_file_whose_parts_do_not_go_together() {
    let (good, batch) = file();
    let check = |change: &dyn Fn(&mut SettlementFile)| {
        let mut file = good.clone();
        change(&mut file);
        file.check(&verifier()).expect_err("it is refused")
    };
    let signed = |batch: &Batch, seed: u8| Envelope::sign(batch, &key(seed));

    let other = check(&|it| it.batch = signed(&batch, 8));
    assert!(
        matches!(other, FileError::Batch(nonos_types::Error::WrongSigner { .. })),
        "{other:?}"
    );
    let more = Batch {
        postings: 10,
        ..batch.clone()
    };
    let other = check(&|it| it.batch = signed(&more, 7));
    assert!(
        matches!(other, FileError::Chunks(BatchError::Chunks { .. })),
        "{other:?}"
    );
    let relabelled = Batch {
        entries_root: Digest::from_bytes([1; 32]),
        ..batch.clone()
    };
    let other = check(&|it| it.batch = signed(&relabelled, 7));
    assert!(
        matches!(
            other,
            FileError::Chunks(BatchError::Chunk {
                index: 0,
                field: "batch"
            })
        ),
        "{other:?}"
    );
    let other = check(&|it| it.chunks.swap(0, 1));
    assert!(
        matches!(
            other,
            FileError::Chunks(BatchError::Chunk {
                index: 0,
                field: "index"
            })
        ),
        "{other:?}"
    );
    let other = check(&|it| drop(it.chunks.pop()));
    assert!(
        matches!(other, FileError::Chunks(BatchError::Chunks { .. })),
        "{other:?}"
    );
    let other = check(&|it| it.chunks[1].proof = it.chunks[0].proof.clone());
    assert!(
        matches!(
            other,
            FileError::Proof {
                index: 1,
                source: VerifyError::Rejected { .. }
            }
        ),
        "{other:?}"
    );
    let other = check(&|it| it.chunks[0].proof.vk = VkDigest::from_bytes([4; 32]));
    assert!(matches!(other, FileError::Proof { index: 0, .. }), "{other:?}");
    let elsewhere = commitment(&Batch {
        number: 2,
        prev: BatchId::from_bytes([1; 32]),
        ..batch.clone()
    });
    let other = check(&|it| it.countersignatures = vec![countersign(&elsewhere, NOW, &key(21))]);
    assert!(matches!(other, FileError::OtherCommitment { .. }), "{other:?}");
    let other = check(&|it| it.countersignatures = vec![signed(&batch, 7)]);
    assert!(matches!(other, FileError::Countersignature(_)), "{other:?}");
}
