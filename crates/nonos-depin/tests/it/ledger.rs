use nonos_depin::{Account, Error, Ledger, MAX_AMOUNT, Received, SignedAmount};
use nonos_types::*;

use crate::support::*;

#[test]
fn empty_books_are_whole() {
    let alice = Node::new(1);
    let report = alice.ledger.verify().expect("they are whole");
    assert_eq!((report.entries, report.head), (0, Digest::ZERO));
    assert_eq!(alice.ledger.balance().expect("a balance"), Default::default());
    assert_eq!(alice.ledger.peers().expect("peers"), []);
}

#[test]
fn holds_once_per_job() {
    let alice = Node::new(1);
    alice.hold(1, 10).expect("held");
    alice.hold(1, 10).expect("held already");
    alice.hold(2, 5).expect("held");
    assert_eq!(alice.ledger.balance().expect("a balance").held.atto(), 15);
    assert_eq!(alice.entries(), 2);

    let other = alice.hold(1, 11);
    assert!(
        matches!(other, Err(Error::HeldOtherwise { job: it, held }) if it == job(1) && held.atto() == 10),
        "{other:?}"
    );
}

#[test]
fn releases_once_and_holds_no_more_for_the_job() {
    let alice = Node::new(1);
    alice.release(1).expect("nothing is held");
    assert_eq!(alice.entries(), 0);
    alice.hold(1, 10).expect("held");
    alice.release(1).expect("released");
    alice.release(1).expect("released already");
    alice.hold(1, 10).expect("held before");
    assert_eq!(alice.entries(), 2);
    assert_eq!(alice.ledger.balance().expect("a balance").held, Amount::ZERO);
    alice.ledger.verify().expect("they are whole");
}

#[test]
fn asks_once_for_a_receipt() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let receipt = receipt(&bob.key, 1, 10, 0);
    bob.claim(&receipt, alice.id()).expect("noted");
    bob.claim(&receipt, alice.id()).expect("noted already");
    let balance = bob.ledger.balance().expect("a balance");
    assert_eq!((balance.due.atto(), balance.net), (10, SignedAmount::ZERO));
    assert_eq!(bob.entries(), 1);
}

#[test]
fn a_further_receipt_for_a_slot_replaces_the_claim() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    bob.claim(&receipt(&bob.key, 1, 10, 0), alice.id())
        .expect("noted");
    bob.claim(&receipt(&bob.key, 1, 12, 1), alice.id())
        .expect("noted");
    assert_eq!(bob.ledger.balance().expect("a balance").due.atto(), 12);
    bob.ledger.verify().expect("they are whole");
}

#[test]
fn what_is_paid_is_due_no_more() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let receipt = receipt(&bob.key, 1, 10, 0);
    bob.claim(&receipt, alice.id()).expect("noted");
    // The executor's part of the fee closes the claim of the whole.
    let voucher = alice
        .pay(bob.id(), &[line(1, FeeKind::Execute, 7)])
        .expect("paid");
    assert_eq!(
        bob.receive(&voucher.expect("new")).expect("booked"),
        Received::Booked
    );
    let balance = bob.ledger.balance().expect("a balance");
    assert_eq!((balance.due.atto(), balance.earned.execute.atto()), (0, 7));
    bob.claim(&receipt, alice.id()).expect("paid already");
    assert_eq!(bob.ledger.balance().expect("a balance").due, Amount::ZERO);
    bob.ledger.verify().expect("they are whole");
}

#[test]
fn a_fee_paid_before_it_was_asked_for_is_not_asked_for() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let voucher = alice
        .pay(bob.id(), &[line(1, FeeKind::Execute, 7)])
        .expect("paid");
    assert_eq!(
        bob.receive(&voucher.expect("new")).expect("booked"),
        Received::Booked
    );
    bob.claim(&receipt(&bob.key, 1, 10, 0), alice.id())
        .expect("paid already");
    assert_eq!(bob.ledger.balance().expect("a balance").due, Amount::ZERO);
}

#[test]
fn asks_only_for_its_own_receipts_of_its_network() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let foreign = bob.claim(&receipt(&alice.key, 1, 10, 0), alice.id());
    assert!(
        matches!(foreign, Err(Error::NotExecutor { executor }) if executor == alice.id()),
        "{foreign:?}"
    );
    let own = bob.claim(&receipt(&bob.key, 1, 10, 0), bob.id());
    assert!(matches!(own, Err(Error::Oneself)), "{own:?}");

    let mut elsewhere = receipt(&bob.key, 1, 10, 0).value().clone();
    elsewhere.record.proven.network = NetworkId::named("elsewhere");
    let elsewhere = bob.claim(&Signed::new(elsewhere, &bob.key), alice.id());
    assert!(
        matches!(elsewhere, Err(Error::ForeignNetwork { expected, .. }) if expected == NETWORK),
        "{elsewhere:?}"
    );
    assert_eq!(bob.entries(), 0);
}

#[test]
fn writes_nothing_with_anothers_key() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let lines = vec![line(1, FeeKind::Execute, 7)];
    let voucher = voucher(&bob.key, alice.id(), 1, 7, &lines);
    let ledger = &alice.ledger;
    let results = [
        ledger.hold(job(1), Amount::from_atto(1), &bob.key, NOW),
        ledger.claim(&receipt(&alice.key, 1, 10, 0), bob.id(), &bob.key, NOW),
        ledger.pay(bob.id(), lines, &bob.key, NOW).map(drop),
        ledger.receive(&voucher, &bob.key, NOW).map(drop),
    ];
    for result in results {
        assert!(
            matches!(result, Err(Error::WrongKey { author }) if author == alice.id()),
            "{result:?}"
        );
    }
    assert_eq!(alice.entries(), 0);
}

#[test]
fn refuses_more_than_the_books_take() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    let most = MAX_AMOUNT.atto();
    for too_much in [most + 1, u128::MAX] {
        let results = [
            alice.hold(1, too_much),
            bob.claim(&receipt(&bob.key, 1, too_much, 0), alice.id()),
            alice.pay(bob.id(), &[line(1, FeeKind::Seed, too_much)]).map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::TooMuch { .. })), "{result:?}");
        }
    }
    alice
        .pay(bob.id(), &[line(1, FeeKind::Seed, most)])
        .expect("the most");
    let more = alice.pay(bob.id(), &[line(2, FeeKind::Seed, 1)]);
    assert!(matches!(more, Err(Error::TooMuch { .. })), "{more:?}");
    assert_eq!(alice.entries(), 1);
}

#[test]
fn refuses_to_open_the_books_of_another_node_or_network() {
    let alice = Node::new(1);
    alice.hold(1, 10).expect("held");
    let others = [
        (NETWORK, id(&key(2))),
        (NetworkId::named("elsewhere"), alice.id()),
    ];
    for (network, author) in others {
        match Ledger::open(alice.store.clone(), network, author) {
            Err(Error::OtherBooks { author, network }) => {
                assert_eq!((author, network), (alice.id(), NETWORK));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_ledgers_over_one_store_do_not_fork_it() {
    let alice = Node::new(1);
    let second = Ledger::open(alice.store.clone(), NETWORK, alice.id()).expect("it opens");
    alice.hold(1, 10).expect("held");
    second
        .hold(job(2), Amount::from_atto(5), &alice.key, NOW)
        .expect("held");
    alice.hold(3, 1).expect("held");
    assert_eq!(second.verify().expect("they are whole").entries, 3);
}

#[test]
fn gives_entries_in_order_and_in_pages() {
    let alice = Node::new(1);
    for job in 1..=5 {
        alice.hold(job, 10).expect("held");
    }
    let sequences = |after: Option<u64>, limit| {
        let entries = alice.ledger.entries(after.map(Sequence::new), limit);
        let entries = entries.expect("entries").into_iter();
        entries.map(|it| it.sequence.get()).collect::<Vec<_>>()
    };
    assert_eq!(sequences(None, 2), [1, 2]);
    assert_eq!(sequences(Some(2), 2), [3, 4]);
    assert_eq!(sequences(Some(4), 2), [5]);
    assert_eq!(sequences(Some(5), 2), [0; 0]);
}

#[test]
fn balances_and_entries_have_a_json_form() {
    let (alice, bob) = (Node::new(1), Node::new(2));
    alice.hold(1, 10).expect("held");
    alice.pay(bob.id(), &[line(1, FeeKind::Verify, 4)]).expect("paid");
    let balance = serde_json::to_value(alice.ledger.balance().expect("a balance")).expect("JSON");
    let none = serde_json::json!({"execute": "0", "seed": "0", "verify": "0", "prove": "0"});
    let spent = serde_json::json!({"execute": "0", "seed": "0", "verify": "4", "prove": "0"});
    assert_eq!(
        balance,
        serde_json::json!({"earned": none, "spent": spent, "held": "10", "due": "0", "net": "-4"})
    );
    let entries = serde_json::to_value(alice.ledger.entries(None, 9).expect("entries")).expect("JSON");
    assert_eq!(entries[0]["body"]["kind"], "hold");
    assert_eq!(entries[0]["body"]["amount"], "10");
    assert_eq!(entries[1]["body"]["voucher"]["payee"], bob.id().to_string());
}

#[test]
fn an_account_has_a_name() {
    let peer = NodeId::from_bytes([0xab; 32]);
    assert_eq!(Account::Earned(FeeKind::Seed).to_string(), "earned:seed");
    assert_eq!(Account::Ext(peer).to_string(), format!("ext:{}", "ab".repeat(32)));
}

#[test]
fn a_signed_amount_has_one_text() {
    let parse = |text: &str| serde_json::from_str::<SignedAmount>(text).ok();
    assert_eq!(parse("\"-5\""), Some(SignedAmount::from_atto(-5)));
    for text in ["\"+5\"", "\"05\"", "\"-0\"", "\"\"", "5", "\"5.0\""] {
        assert_eq!(parse(text), None, "{text}");
    }
    let smallest = SignedAmount::from_atto(i128::MIN);
    assert_eq!(smallest.magnitude().atto(), 1 << 127);
    assert_eq!(smallest.checked_neg(), None);
    assert_eq!(
        SignedAmount::from_atto(1_500_000_000_000_000_000).to_string(),
        "1.5 NONOS"
    );
}
