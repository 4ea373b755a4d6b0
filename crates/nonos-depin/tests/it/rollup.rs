//! What a batch says of its entries, and what its chunks say of postings.

use nonos_depin::rollup::{
    AccountId, CHUNK, ChunkWitness, Direction, Made, RollupStatement, Root, SUMS, State, Sums, empty_root,
};
use nonos_depin::{Batch, BatchError, Body, Entry, EntryDigest, MAX_AMOUNT};
use nonos_types::*;
use nonos_verify::{Public, Statement as _};

use crate::support::*;

fn author() -> NodeId {
    id(&key(7))
}

/// Entries of a feed of the author from the one after `before`, whether or not the rules allow them.
fn signed(bodies: &[Body], before: (u64, EntryDigest)) -> Vec<Signed<Entry>> {
    let (mut sequence, mut prev) = before;
    let mut sign = |body: &Body| {
        sequence += 1;
        let entry = Entry {
            network: NETWORK,
            incarnation: Incarnation::ZERO,
            sequence: Sequence::new(sequence),
            prev,
            body: body.clone(),
            at: NOW,
        };
        prev = entry.digest(author());
        Signed::new(entry, &key(7))
    };
    bodies.iter().map(&mut sign).collect()
}

fn fresh(bodies: &[Body]) -> Vec<Signed<Entry>> {
    signed(bodies, (0, EntryDigest::ZERO))
}

/// The voucher to or of a peer with these lines of executions.
fn paid(peer: u8, sequence: u64, total: u128, lines: &[(u8, u128)]) -> Body {
    let lines: Vec<_> = lines
        .iter()
        .map(|(job, atto)| line(*job, FeeKind::Execute, *atto))
        .collect();
    let voucher = voucher(&key(7), id(&key(peer)), sequence, total, &lines);
    Body::Paid {
        voucher: Box::new(voucher),
    }
}

fn received(peer: u8, sequence: u64, total: u128, lines: &[(u8, u128)]) -> Body {
    let lines: Vec<_> = lines
        .iter()
        .map(|(job, atto)| line(*job, FeeKind::Verify, *atto))
        .collect();
    let voucher = voucher(&key(peer), author(), sequence, total, &lines);
    Body::Received {
        voucher: Box::new(voucher),
    }
}

fn state() -> State {
    State::new(NETWORK, author())
}

fn made(bodies: &[Body]) -> Made {
    state().batch(&fresh(bodies), MAX_AMOUNT).expect("a batch")
}

/// A dozen postings: a full chunk and one of two.
fn dozen() -> Vec<Body> {
    vec![
        Body::Hold {
            job: job(1),
            amount: Amount::from_atto(9),
        },
        paid(8, 1, 30, &[(1, 10), (2, 20)]),
        received(9, 1, 15, &[(3, 15)]),
        paid(8, 2, 60, &[(3, 10), (4, 20)]),
        Body::Release { job: job(1) },
        received(8, 1, 10, &[(5, 1), (6, 2), (7, 3), (8, 4)]),
        paid(10, 1, 6, &[(9, 1), (10, 2), (11, 3)]),
    ]
}

#[test]
fn a_batch_is_what_its_entries_come_to() {
    let Made { batch, chunks, state } = made(&dozen());
    assert_eq!((batch.number, batch.first.get(), batch.last.get()), (1, 1, 7));
    assert_eq!((batch.postings, batch.chunks(), chunks.len()), (12, 2, 2));
    assert_eq!(batch.sums.amounts().map(Amount::atto), [0, 0, 25, 0, 66, 0, 0, 0]);
    assert_eq!((batch.old_root, batch.new_root), (empty_root(), state.root()));
    let channel = state.channel(id(&key(8))).expect("an account");
    assert_eq!((channel.earned.atto(), channel.spent.atto()), (10, 60));
    assert_eq!((channel.received.get(), channel.issued.get()), (1, 2));
    let statements: Vec<_> = chunks.iter().map(|(statement, _)| statement.clone()).collect();
    batch.check_chunks(&statements).expect("its chunks");
    for (statement, witness) in &chunks {
        statement.check(witness).expect("it holds");
        let again = RollupStatement::decode(&statement.public()).expect("a statement");
        assert_eq!(&again, statement);
    }
    assert_eq!(chunks[0].1.steps.len(), CHUNK);
}

#[test]
fn each_kind_each_way_has_a_sum_of_its_own() {
    let lines: Vec<_> = (1..)
        .zip(FeeKind::ALL)
        .map(|(job, kind)| line(job, kind, 1 << job))
        .collect();
    let total = 2 + 4 + 8 + 16;
    let spent = Box::new(voucher(&key(7), id(&key(8)), 1, total, &lines));
    let earned = Box::new(voucher(&key(9), author(), 1, 8 + 16, &lines[2..4]));
    let Made { batch, chunks, .. } =
        made(&[Body::Paid { voucher: spent }, Body::Received { voucher: earned }]);
    assert_eq!(batch.sums.amounts().map(Amount::atto), [0, 0, 8, 16, 2, 4, 8, 16]);
    for (direction, amounts) in [
        (Direction::Received, [0, 0, 8, 16]),
        (Direction::Paid, [2, 4, 8, 16]),
    ] {
        for (kind, atto) in FeeKind::ALL.into_iter().zip(amounts) {
            assert_eq!(
                batch.sums.of(direction, kind).atto(),
                atto,
                "{direction:?} {kind:?}"
            );
        }
    }
    let (statement, witness) = &chunks[0];
    statement.check(witness).expect("it holds");
}

#[test]
fn batches_of_the_books_follow_one_another() {
    let (node, peer) = (Node::new(7), Node::new(8));
    node.pay(peer.id(), &[line(1, FeeKind::Execute, 5)])
        .expect("paid");
    let first = state()
        .batch(&node.ledger.feed(Sequence::ZERO, 9).expect("entries"), MAX_AMOUNT)
        .expect("a batch");
    node.hold(2, 4).expect("held");
    let voucher = peer
        .pay(node.id(), &[line(3, FeeKind::Seed, 7)])
        .expect("paid")
        .expect("new");
    assert_eq!(
        node.receive(&voucher).expect("received"),
        nonos_depin::Received::Booked
    );
    let entries = node.ledger.feed(first.state.last(), 9).expect("entries");
    assert_eq!(entries.len(), 2);
    let second = first.state.batch(&entries, MAX_AMOUNT).expect("a batch");
    second.batch.follows(&first.batch).expect("it follows");
    // An entry that is in a batch does not come into another.
    let all = node.ledger.feed(Sequence::ZERO, 9).expect("entries");
    assert_eq!(
        first.state.batch(&all, MAX_AMOUNT).map(|it| it.batch),
        Err(BatchError::Entry {
            sequence: Sequence::new(1),
            field: "sequence"
        })
    );
    let balance = node.ledger.balance().expect("a balance");
    let channel = second.state.channel(peer.id()).expect("an account");
    assert_eq!(
        (channel.earned, channel.spent),
        (balance.earned.seed, balance.spent.execute)
    );
}

#[test]
fn a_batch_without_vouchers_moves_nothing() {
    let Made { batch, chunks, .. } = made(&dozen()[..1]);
    assert_eq!((batch.postings, batch.new_root), (0, batch.old_root));
    assert!(chunks.is_empty());
    batch.check_chunks(&[]).expect("no chunks");
    Batch::from_bytes(&batch.to_bytes()).expect("a batch");
}

#[track_caller]
fn entry_refused(entries: &[Signed<Entry>], at: u64, field: &str) {
    match state().batch(entries, MAX_AMOUNT) {
        Err(BatchError::Entry {
            sequence,
            field: found,
        }) => {
            assert_eq!((sequence.get(), found), (at, field));
        }
        other => panic!("{:?}", other.map(|it| it.batch)),
    }
}

#[test]
fn refuses_entries_that_do_not_follow() {
    let good = fresh(&dozen());
    state().batch(&good, MAX_AMOUNT).expect("a batch");
    entry_refused(&good[1..], 2, "sequence");
    entry_refused(&[good[0].clone(), good[2].clone()], 3, "sequence");
    let forked = signed(&dozen()[1..2], (1, EntryDigest::from_bytes([5; 32])));
    entry_refused(&[good[0].clone(), forked[0].clone()], 2, "prev");

    let entry = |change: &dyn Fn(&mut Entry)| {
        let mut entry = good[0].value().clone();
        change(&mut entry);
        [Signed::new(entry, &key(7))]
    };
    entry_refused(&[Signed::new(good[0].value().clone(), &key(8))], 1, "signer");
    let foreign = entry(&|it| it.network = NetworkId::from_bytes([2; 32]));
    entry_refused(&foreign, 1, "network_id");
    entry_refused(
        &entry(&|it| it.incarnation = Incarnation::new(1)),
        1,
        "incarnation",
    );
}

#[test]
fn refuses_vouchers_that_do_not_follow() {
    let other = |payer: u8, payee: u8| {
        let voucher = voucher(
            &key(payer),
            id(&key(payee)),
            1,
            5,
            &[line(1, FeeKind::Execute, 5)],
        );
        Box::new(voucher)
    };
    let foreign = Body::Paid { voucher: other(8, 9) };
    entry_refused(&fresh(&[foreign]), 1, "voucher: side");
    let foreign = Body::Received { voucher: other(8, 9) };
    entry_refused(&fresh(&[foreign]), 1, "voucher: side");
    let mut of_network = other(7, 8).value().clone();
    of_network.network = NetworkId::from_bytes([2; 32]);
    let voucher = Box::new(Signed::new(of_network.clone(), &key(7)));
    entry_refused(&fresh(&[Body::Paid { voucher }]), 1, "voucher: network_id");
    of_network.network = NETWORK;
    of_network.incarnation = Incarnation::new(1);
    let voucher = Box::new(Signed::new(of_network, &key(7)));
    entry_refused(&fresh(&[Body::Paid { voucher }]), 1, "voucher: incarnation");
    entry_refused(&fresh(&[paid(8, 2, 5, &[(1, 5)])]), 1, "voucher: sequence");
    entry_refused(
        &fresh(&[paid(8, 1, 5, &[(1, 5)]), paid(8, 1, 5, &[(1, 5)])]),
        2,
        "voucher: sequence",
    );
    // Lines that do not make the total: a split that gives more away than there is.
    entry_refused(&fresh(&[paid(8, 1, 6, &[(1, 2), (2, 3)])]), 1, "voucher: total");
}

#[test]
fn refuses_too_many_and_none() {
    assert_eq!(
        state().batch(&[], MAX_AMOUNT).map(|it| it.batch),
        Err(BatchError::NoEntries)
    );
    let one = fresh(&dozen()[..1]);
    let many = vec![one[0].clone(); Batch::MAX_ENTRIES as usize + 1];
    let refused = state().batch(&many, MAX_AMOUNT).map(|it| it.batch);
    assert_eq!(
        refused,
        Err(BatchError::TooMany {
            unit: "entries",
            most: Batch::MAX_ENTRIES
        })
    );
    let more = Amount::from_atto((1 << 96) + 1);
    assert_eq!(
        state().batch(&one, more).map(|it| it.batch),
        Err(BatchError::LimitTooLarge { most: MAX_AMOUNT })
    );
}

#[test]
fn an_author_over_the_limit_has_no_batch() {
    let entries = fresh(&[received(8, 1, 3, &[(1, 3)]), paid(8, 1, 10, &[(2, 10)])]);
    let at = |limit| {
        state()
            .batch(&entries, Amount::from_atto(limit))
            .map(|it| it.batch.limit.atto())
    };
    assert_eq!(at(7), Ok(7));
    let clause = "no peer is owed more than the limit";
    assert_eq!(
        at(6),
        Err(BatchError::Unprovable {
            sequence: Sequence::new(2),
            clause
        })
    );
}

#[test]
fn a_total_above_the_most_has_no_batch() {
    let most = 1 << 96;
    made(&[received(8, 1, most, &[(1, most)])]);
    let clause = "totals within 2^96";
    let over = fresh(&[
        received(8, 1, most, &[(1, most)]),
        received(8, 2, most + 1, &[(2, 1)]),
    ]);
    assert_eq!(
        state().batch(&over, MAX_AMOUNT).map(|it| it.batch),
        Err(BatchError::Unprovable {
            sequence: Sequence::new(2),
            clause
        })
    );
}

#[test]
fn the_entries_alone_tell_a_false_batch() {
    let entries = fresh(&dozen());
    let batch = made(&dozen()).batch;
    let audit = |batch: Batch| state().audit(&batch, &entries).map(|state| state.root());
    assert_eq!(audit(batch.clone()), Ok(batch.new_root));
    let narrow = Batch {
        limit: Amount::from_atto(1),
        ..batch.clone()
    };
    let over = audit(narrow).expect_err("over this limit");
    assert!(
        matches!(over, BatchError::Unprovable { clause, .. } if clause.contains("limit")),
        "{over:?}"
    );
    let differs = |field| Err(BatchError::Differs { field });
    let other = Root::from_bytes([1; 32]).expect("an element");
    let mut sums = *batch.sums.amounts();
    sums.swap(0, 4);
    let b = || batch.clone();
    assert_eq!(
        audit(Batch {
            network: NetworkId::from_bytes([2; 32]),
            ..b()
        }),
        differs("network")
    );
    assert_eq!(
        audit(Batch {
            author: id(&key(8)),
            ..b()
        }),
        differs("author")
    );
    assert_eq!(audit(Batch { number: 2, ..b() }), differs("number"));
    assert_eq!(
        audit(Batch {
            prev: batch.id(),
            ..b()
        }),
        differs("prev")
    );
    assert_eq!(
        audit(Batch {
            first: Sequence::new(2),
            ..b()
        }),
        differs("first")
    );
    assert_eq!(
        audit(Batch {
            last: Sequence::new(8),
            ..b()
        }),
        differs("last")
    );
    assert_eq!(
        audit(Batch {
            entries_root: nonos_depin::EntriesRoot::ZERO,
            ..b()
        }),
        differs("entries_root")
    );
    assert_eq!(
        audit(Batch {
            old_root: other,
            ..b()
        }),
        differs("old_root")
    );
    assert_eq!(audit(Batch { postings: 11, ..b() }), differs("postings"));
    assert_eq!(
        audit(Batch {
            sums: Sums::new(sums),
            ..b()
        }),
        differs("sums")
    );
    assert_eq!(
        audit(Batch {
            postings_root: other,
            ..b()
        }),
        differs("postings_root")
    );
    assert_eq!(
        audit(Batch {
            new_root: other,
            ..b()
        }),
        differs("new_root")
    );
}

#[test]
fn refuses_chunks_that_are_not_the_batchs() {
    let Made { batch, chunks, .. } = made(&dozen());
    let good: Vec<_> = chunks.into_iter().map(|(statement, _)| statement).collect();
    let [one, two] = [good[0].clone(), good[1].clone()];
    let check = |chunks: &[&RollupStatement]| {
        batch.check_chunks(&chunks.iter().map(|it| (*it).clone()).collect::<Vec<_>>())
    };
    assert_eq!(check(&[&one, &two]), Ok(()));
    let chunks = |actual| Err(BatchError::Chunks { expected: 2, actual });
    assert_eq!(check(&[]), chunks(0));
    assert_eq!(check(&[&one]), chunks(1));
    assert_eq!(check(&[&one, &two, &two]), chunks(3));
    let bad = |index, field| Err(BatchError::Chunk { index, field });
    assert_eq!(check(&[&two, &one]), bad(0, "index"));
    assert_eq!(check(&[&one, &one]), bad(1, "index"));
    // The same chunk again under the other's number: it begins where the batch began.
    let again = RollupStatement {
        index: 1,
        ..one.clone()
    };
    assert_eq!(check(&[&one, &again]), bad(1, "before"));
    let other = Root::from_bytes([1; 32]).expect("an element");
    let with = |change: &dyn Fn(&mut RollupStatement)| {
        let mut chunk = two.clone();
        change(&mut chunk);
        chunk
    };
    let second = |change: &dyn Fn(&mut RollupStatement)| check(&[&one, &with(change)]);
    assert_eq!(
        second(&|it| it.batch = nonos_depin::BatchId::ZERO),
        bad(1, "batch")
    );
    assert_eq!(second(&|it| it.limit = Amount::ZERO), bad(1, "limit"));
    assert_eq!(second(&|it| it.before.root = other), bad(1, "before"));
    assert_eq!(second(&|it| it.before.chain = other), bad(1, "before"));
    assert_eq!(
        second(&|it| it.before.sequence = Sequence::new(1)),
        bad(1, "before")
    );
    assert_eq!(second(&|it| it.before.line = 9), bad(1, "before"));
    assert_eq!(second(&|it| it.count = 1), bad(1, "count"));
    let sum = |field| Err(BatchError::Sum { field });
    assert_eq!(second(&|it| it.after.root = other), sum("new_root"));
    assert_eq!(second(&|it| it.after.chain = other), sum("postings_root"));
    assert_eq!(second(&|it| it.after.sequence = Sequence::new(8)), sum("last"));
    assert_eq!(second(&|it| it.sums = Sums::default()), sum("sums"));
    let huge = Sums::new([Amount::MAX; SUMS]);
    assert_eq!(second(&|it| it.sums = huge), bad(1, "sums"));
}

fn violated(statement: &RollupStatement, witness: &ChunkWitness) -> &'static str {
    statement.check(witness).expect_err("it does not hold").clause
}

#[test]
fn a_chunk_says_no_more_than_its_postings() {
    let Made { chunks, .. } = made(&dozen());
    let (statement, witness) = &chunks[1];
    let other = Root::from_bytes([1; 32]).expect("an element");
    let with = |change: &dyn Fn(&mut RollupStatement)| {
        let mut changed = statement.clone();
        change(&mut changed);
        violated(&changed, witness)
    };
    assert_eq!(
        with(&|it| it.before.root = other),
        "the leaf is in the tree as it was"
    );
    let after = "the postings lead to the boundary after";
    assert_eq!(with(&|it| it.after.root = other), after);
    assert_eq!(with(&|it| it.after.chain = other), after);
    assert_eq!(with(&|it| it.before.chain = other), after);
    assert_eq!(with(&|it| it.after.sequence = Sequence::new(8)), after);
    assert_eq!(with(&|it| it.after.line = 1), after);
    let order = "postings follow one another strictly";
    assert_eq!(with(&|it| it.before.sequence = Sequence::new(8)), order);
    assert_eq!(with(&|it| it.before.line += 1), order);
    assert_eq!(with(&|it| it.count = 1), "as many postings as the count says");
    assert_eq!(
        with(&|it| it.sums = Sums::default()),
        "the sums are those of the postings"
    );
    assert_eq!(
        with(&|it| it.limit = Amount::ZERO),
        "no peer is owed more than the limit"
    );
    assert_eq!(
        with(&|it| it.index = 0),
        "a batch opens with the first line of a voucher"
    );
}

#[test]
fn a_posting_is_posted_once_and_as_it_is() {
    let Made { chunks, .. } = made(&dozen());
    let (statement, witness) = &chunks[0];
    let with = |change: &dyn Fn(&mut ChunkWitness)| {
        let mut changed = witness.clone();
        change(&mut changed);
        violated(statement, &changed)
    };
    let (order, leaf) = (
        "postings follow one another strictly",
        "the leaf is in the tree as it was",
    );
    assert_eq!(with(&|it| it.steps[1] = it.steps[0].clone()), order);
    assert_eq!(with(&|it| it.steps.swap(0, 3)), leaf);
    assert_eq!(with(&|it| it.steps[2].posting.sequence = Sequence::new(2)), order);
    assert_eq!(with(&|it| it.steps[1].posting.line = 2), order);
    assert_eq!(with(&|it| it.steps[3].before = None), leaf);
    assert_eq!(with(&|it| it.steps[0].before = Some(Default::default())), leaf);
    assert_eq!(
        with(&|it| it.steps[0].posting.account = AccountId::from_bytes([3; 31])),
        leaf
    );
    // The leaf of another account, wherever it is.
    assert_eq!(with(&|it| it.steps[1].siblings[95] = empty_root()), leaf);
    assert_eq!(
        with(&|it| it.steps[0].posting.amount = Amount::from_atto(11)),
        leaf
    );
    let after = "the postings lead to the boundary after";
    assert_eq!(
        with(&|it| it.steps[9].posting.amount = Amount::from_atto(9)),
        after
    );
    assert_eq!(with(&|it| it.steps[9].posting.kind = FeeKind::Seed), after);
    assert_eq!(
        with(&|it| it.steps[9].posting.amount = Amount::from_atto(u128::MAX)),
        "totals within 2^96"
    );
    let more = Amount::from_atto((1 << 96) + 1);
    assert_eq!(
        with(&|it| it.steps[9].posting.amount = more),
        "totals within 2^96"
    );
}

#[test]
fn voucher_numbers_do_not_wrap() {
    let Made { chunks, .. } = made(&dozen());
    let mut step = chunks[0].1.steps[0].clone();
    step.before = Some(nonos_depin::rollup::Channel {
        issued: Sequence::MAX,
        ..Default::default()
    });
    let refused = step.after(MAX_AMOUNT).expect_err("it would wrap");
    assert_eq!(refused.clause, "voucher numbers within 2^64");
}

#[test]
fn refuses_statements_out_of_their_domain() {
    let (statement, witness) = made(&dozen()).chunks[0].clone();
    let refused = |change: &dyn Fn(&mut RollupStatement)| {
        let mut changed = statement.clone();
        change(&mut changed);
        assert!(changed.check(&witness).is_err());
        RollupStatement::decode(&changed.public())
            .expect_err("refused")
            .part
    };
    assert_eq!(refused(&|it| it.count = 0), "count");
    assert_eq!(refused(&|it| it.count = 11), "count");
    assert_eq!(
        refused(&|it| it.limit = Amount::from_atto((1 << 96) + 1)),
        "limit"
    );
    assert_eq!(refused(&|it| it.before.line = 64), "line");
    assert_eq!(refused(&|it| it.after.line = 64), "line");
    let huge = Sums::new([Amount::from_atto(1 << 127); SUMS]);
    assert_eq!(refused(&|it| it.sums = huge), "sums");
    let part = |public: Public| RollupStatement::decode(&public).expect_err("refused").part;
    let bytes = statement.bytes();
    assert_eq!(part(Public::new(&bytes[1..])), "length");
    assert_eq!(part(Public::new([&bytes[..], &[0]].concat())), "length");
    assert_eq!(part(statement.public().attach(vec![0])), "length");
    let mut root = bytes;
    root[32 + 4 + 16 + 31] |= 0x80;
    assert_eq!(part(Public::new(root)), "root");
}
