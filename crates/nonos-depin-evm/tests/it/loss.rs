//! Local state that is lost, damaged, or another's.

use std::fs;

use nonos_depin::anchor::{Anchor as _, Error as AnchorError, State};
use nonos_depin_evm::Error;
use serde_json::json;

use crate::{
    anvil::Anvil,
    support::{CONFIRMATIONS, NOW, Operator, PATIENCE, is_final, later, poll, submit, submitted},
};

#[test]
fn finds_on_the_chain_what_it_has_forgotten() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let [first, second, third] = [1, 2, 3].map(|number| operator.commitment(number));
    for batch in [&first, &second] {
        submit(&mut anchor, batch, NOW);
        anvil.mine(CONFIRMATIONS - 1);
    }
    drop(anchor);
    operator.lose_flights();

    let mut anchor = operator.open();
    assert_eq!(anchor.head().expect("a head"), Some(second.batch));
    is_final(&submit(&mut anchor, &first, NOW));
    submitted(&submit(&mut anchor, &second, NOW), "2 of 3");
    assert_eq!(
        anvil.waiting(operator.address()),
        [],
        "nothing is sent for what is there"
    );
    submit(&mut anchor, &third, NOW);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &third, NOW));
    assert_eq!(anvil.count(operator.address()), 3);
}

#[test]
fn takes_up_a_transaction_that_it_has_forgotten() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let batch = operator.commitment(1);
    let mut anchor = operator.open();
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address());
    drop(anchor);
    operator.lose_flights();

    let mut anchor = operator.open();
    assert_eq!(poll(&mut anchor, &batch, NOW), State::Pending);
    submitted(&submit(&mut anchor, &batch, NOW), &sent[0].hash.to_string());
    assert_eq!(anvil.waiting(operator.address()), sent, "no second one");

    // And can offer more for it, as if it had never been forgotten.
    poll(&mut anchor, &batch, later(PATIENCE));
    let raised = anvil.waiting(operator.address());
    assert_eq!((raised.len(), raised[0].nonce), (1, sent[0].nonce));
    assert!(raised[0].most > sent[0].most && raised[0].tip > sent[0].tip);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch, later(PATIENCE)));
    assert_eq!(anvil.count(operator.address()), 1);
}

#[test]
fn leaves_alone_what_the_account_does_otherwise() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let account = operator.address().to_string();
    anvil.rpc("anvil_impersonateAccount", json!([account]));
    anvil.rpc("eth_sendTransaction", json!([{ "from": account, "to": account }]));
    let others = anvil.waiting(operator.address());
    assert_eq!(others.len(), 1);

    let mut anchor = operator.open();
    let batch = operator.commitment(1);
    let refused = anchor.submit(&batch, NOW).expect_err("the account is in use");
    let AnchorError::Place { source, .. } = refused else {
        panic!("{refused:?}");
    };
    assert!(
        matches!(source.downcast_ref(), Some(Error::AccountBusy { .. })),
        "{source:?}"
    );
    assert_eq!(anvil.waiting(operator.address()), others, "it is not replaced");
    anvil.mine(1);
    submit(&mut anchor, &batch, NOW);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch, NOW));
}

#[test]
fn a_stop_between_the_file_and_the_chain_changes_nothing() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let batch = operator.commitment(1);
    let mut anchor = operator.open();
    submit(&mut anchor, &batch, NOW);
    let sent = anvil.waiting(operator.address());
    drop(anchor);
    // As if it had been stopped before the chain's node heard of it.
    anvil.rpc("anvil_dropTransaction", json!([sent[0].hash]));
    let mut anchor = operator.open();
    submit(&mut anchor, &batch, NOW);
    assert_eq!(anvil.waiting(operator.address()), sent);
}

#[test]
fn a_damaged_file_is_named_and_left() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    submit(&mut anchor, &operator.commitment(1), NOW);
    drop(anchor);
    let good = fs::read_to_string(operator.flights()).expect("a file");
    let raw = good.find("\"raw\": \"0x02").expect("a transaction") + 60;
    let mut other_raw = good.clone();
    other_raw.replace_range(raw..=raw, if &good[raw..=raw] == "0" { "1" } else { "0" });
    for bad in [
        "",
        "{}",
        &good[..good.len() / 2],
        &good.replace("\"version\": 1", "\"version\": 2"),
        &other_raw,
    ] {
        fs::write(operator.flights(), bad).expect("a write");
        let refused = operator.try_open().err();
        assert!(matches!(refused, Some(Error::BadFlights { .. })), "{refused:?}");
        assert_eq!(fs::read_to_string(operator.flights()).expect("a file"), bad);
    }
    fs::write(operator.flights(), &good).expect("a write");
    operator.open();
}

#[test]
fn the_file_is_of_one_account_contract_chain_and_node() {
    let Some(anvil) = Anvil::start() else { return };
    let mut operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    submit(&mut anchor, &operator.commitment(1), NOW);
    drop(anchor);
    operator.chain.network = nonos_types::NetworkId::from_bytes([2; 32]);
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::OtherFlights { .. })), "{refused:?}");
}

#[test]
fn is_open_once_at_a_time() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let anchor = operator.open();
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::InUse { .. })), "{refused:?}");
    drop(anchor);
    operator.open();
}
