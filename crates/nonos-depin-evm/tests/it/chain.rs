//! What a chain does with transactions.

use alloy_primitives::B256;
use nonos_depin::anchor::{Anchor as _, Error, State};
use nonos_types::Timestamp;
use serde_json::json;

use crate::{
    anvil::Anvil,
    support::{CONFIRMATIONS, NOW, Operator, PATIENCE, is_final, later, poll, submit, submitted},
};

#[test]
fn is_final_after_its_confirmations_and_not_before() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submitted(&submit(&mut anchor, &batch, NOW), "in no block yet");
    for confirmations in 1..CONFIRMATIONS {
        anvil.mine(1);
        submitted(
            &poll(&mut anchor, &batch, NOW),
            &format!("{confirmations} of {CONFIRMATIONS} confirmations"),
        );
    }
    anvil.mine(1);
    let State::Final(evidence) = poll(&mut anchor, &batch, NOW) else {
        panic!("three confirmations");
    };
    assert!(
        evidence.source.contains(&operator.config.contract.to_string()),
        "{evidence:?}"
    );
    let block = anvil.rpc("eth_getBlockByNumber", json!(["0x2", false]));
    let timestamp: alloy_primitives::U64 =
        serde_json::from_value(block["timestamp"].clone()).expect("a time");
    assert_eq!(
        evidence.at,
        Timestamp::new(timestamp.to()),
        "the time of the block, not ours"
    );
    assert_eq!(anvil.count(operator.address()), 1);
}

#[test]
fn the_same_batch_is_the_same_transaction() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let first = anvil.waiting(operator.address());
    assert_eq!(first.len(), 1);
    submit(&mut anchor, &batch, NOW);
    poll(&mut anchor, &batch, NOW);
    assert_eq!(anvil.waiting(operator.address()), first);
    anvil.mine(CONFIRMATIONS);
    is_final(&submit(&mut anchor, &batch, NOW));
    is_final(&submit(&mut anchor, &batch, NOW));
    assert_eq!(anvil.waiting(operator.address()), []);
    assert_eq!(anvil.count(operator.address()), 1);
}

#[test]
fn what_a_reorganisation_takes_away_is_sent_again() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let [first, second] = [1, 2].map(|number| operator.commitment(number));
    for batch in [&first, &second] {
        submit(&mut anchor, batch, NOW);
        anvil.mine(1);
        submitted(&poll(&mut anchor, batch, NOW), "1 of 3");
    }
    anvil.reorganise(2);
    assert_eq!(
        anchor.head().expect("a head"),
        None,
        "the reorganisation took both away"
    );
    assert_eq!(anvil.count(operator.address()), 0);

    // Asked for the second, it sees to the first as well.
    submitted(&poll(&mut anchor, &second, NOW), "in no block yet");
    submitted(&poll(&mut anchor, &first, NOW), "in no block yet");
    assert_eq!(anvil.waiting(operator.address()).len(), 2);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &first, NOW));
    is_final(&poll(&mut anchor, &second, NOW));
    assert_eq!(anvil.count(operator.address()), 2, "each has landed once");
    assert_eq!(anchor.history(9).expect("a history").len(), 2);
}

#[test]
fn what_was_taken_away_while_the_node_was_down_is_sent_again() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let batch = operator.commitment(1);
    let before = anvil.rpc("evm_snapshot", json!([]));
    let mut anchor = operator.open();
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address());
    anvil.mine(2);
    submitted(&poll(&mut anchor, &batch, NOW), "2 of 3");
    drop(anchor);
    assert_eq!(anvil.rpc("evm_revert", json!([before])), json!(true));
    anvil.mine(5);

    let mut anchor = operator.open();
    submitted(&poll(&mut anchor, &batch, NOW), "in no block yet");
    assert_eq!(anvil.waiting(operator.address()), sent, "the same transaction");
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch, NOW));
}

#[test]
fn what_the_node_of_the_chain_dropped_is_sent_again() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address());
    anvil.rpc("anvil_dropTransaction", json!([sent[0].hash]));
    assert_eq!(anvil.waiting(operator.address()), []);
    poll(&mut anchor, &batch, NOW);
    assert_eq!(anvil.waiting(operator.address()), sent, "the same transaction");
}

#[test]
fn offers_more_for_what_is_stuck_after_its_patience() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let first = anvil.waiting(operator.address());
    poll(&mut anchor, &batch, later(PATIENCE - 1));
    assert_eq!(anvil.waiting(operator.address()), first, "it is patient");

    poll(&mut anchor, &batch, later(PATIENCE));
    let second = anvil.waiting(operator.address());
    assert_eq!(second.len(), 1, "in place of the first: {second:?}");
    assert_ne!(second[0].hash, first[0].hash);
    assert_eq!(second[0].nonce, first[0].nonce);
    assert!(second[0].most * 8 >= first[0].most * 9 && second[0].tip * 8 >= first[0].tip * 9);

    poll(&mut anchor, &batch, later(2 * PATIENCE - 1));
    assert_eq!(anvil.waiting(operator.address()), second, "patience begins anew");

    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch, later(3 * PATIENCE)));
    assert_eq!(anvil.count(operator.address()), 1);
    assert_eq!(anvil.waiting(operator.address()), []);
}

#[test]
fn the_one_that_lands_may_be_the_one_before_more_was_offered() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    let before = anvil.rpc("evm_snapshot", json!([]));
    submit(&mut anchor, &batch, NOW);
    let first = anvil.waiting(operator.address())[0].hash;
    let raw = anvil.rpc("eth_getRawTransactionByHash", json!([first]));
    poll(&mut anchor, &batch, later(PATIENCE));
    // Another node of the chain had only heard of the first.
    let second = anvil.waiting(operator.address())[0].hash;
    assert_ne!(first, second);
    anvil.rpc("evm_revert", json!([before]));
    anvil.rpc("anvil_dropAllTransactions", json!([]));
    anvil.rpc("eth_sendRawTransaction", json!([raw]));
    anvil.mine(CONFIRMATIONS);
    let state = poll(&mut anchor, &batch, later(2 * PATIENCE));
    let State::Final(evidence) = state else {
        panic!("it is in: {state:?}");
    };
    assert!(
        evidence.reference.contains(&B256::to_string(&first)),
        "{evidence:?}"
    );
    assert_eq!(anvil.count(operator.address()), 1);
    assert_eq!(anvil.waiting(operator.address()), []);
}

#[test]
fn never_offers_more_than_the_limit() {
    let Some(anvil) = Anvil::start() else { return };
    let mut operator = Operator::new(&anvil, anvil.contract(), 1);
    operator.spending.limit = nonos_depin_evm::Wei::from_gwei(4);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let mut last = NOW;
    let mut bumps = 0;
    loop {
        let before = anvil.waiting(operator.address());
        last = Timestamp::new(last.get() + PATIENCE);
        let state = poll(&mut anchor, &batch, last);
        let after = anvil.waiting(operator.address());
        assert!(after[0].most <= operator.spending.limit.get(), "{after:?}");
        if before == after {
            submitted(&state, "more may not be offered");
            break;
        }
        bumps += 1;
    }
    assert!(bumps > 0, "there was room for one at least");
}

#[test]
fn hands_in_anew_when_its_number_was_used_for_something_else() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address())[0];
    anvil.rpc("anvil_dropTransaction", json!([sent.hash]));
    let account = operator.address().to_string();
    anvil.rpc("anvil_impersonateAccount", json!([account]));
    anvil.rpc(
        "eth_sendTransaction",
        json!([{ "from": account, "to": account, "nonce": "0x0" }]),
    );
    anvil.mine(1);
    assert_eq!(anvil.count(operator.address()), 1);

    submitted(&poll(&mut anchor, &batch, NOW), "in no block yet");
    let again = anvil.waiting(operator.address());
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].nonce, 1);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch, NOW));
}

#[test]
fn says_who_came_first_when_the_account_anchored_another_batch_elsewhere() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address())[0];
    anvil.rpc("anvil_dropTransaction", json!([sent.hash]));
    // The same key on another machine, with other books.
    let elsewhere = Operator::new(&anvil, operator.config.contract, 1);
    let mut other = elsewhere.commitment(1);
    other.batch = nonos_depin::anchor::BatchId::from_bytes([0x77; 32]);
    submit(&mut elsewhere.open(), &other, NOW);
    anvil.mine(1);

    let refused = anchor.poll(&batch.batch, NOW);
    assert!(
        matches!(refused, Err(Error::OtherBatch { anchored, .. }) if anchored == other.batch),
        "{refused:?}"
    );
    assert_eq!(
        anvil.waiting(operator.address()),
        [],
        "and pays for nothing that would fail"
    );
    let refused = anchor.submit(&batch, NOW);
    assert!(matches!(refused, Err(Error::StalePrev { .. })), "{refused:?}");
}
