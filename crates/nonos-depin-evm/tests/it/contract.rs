//! The contract by itself, called by anybody.

use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_sol_types::{SolCall as _, SolError as _};
use nonos_depin::anchor::{Anchor as _, Error};
use serde_json::{Value, json};

use crate::{
    anvil::Anvil,
    support::{CONFIRMATIONS, NOW, Operator, is_final, poll, submit},
};

#[expect(clippy::too_many_arguments, reason = "generated")]
mod sol {
    alloy_sol_types::sol!("../../contracts/Anchor.sol");
}
use sol::Anchor::{BadBatch, StalePrev, anchorCall};

fn word(byte: u8) -> B256 {
    B256::repeat_byte(byte)
}

fn call(node: u8, prev: u8, batch: u8) -> anchorCall {
    anchorCall {
        network: word(1),
        node: word(node),
        prev: word(prev),
        batch: word(batch),
        root: word(0x99),
        entries: 7,
    }
}

/// What a call of an account comes to; what it reverts with.
fn simulate(anvil: &Anvil, from: Address, to: Address, call: &anchorCall) -> Result<(), Bytes> {
    let reply = anvil.try_rpc(
        "eth_call",
        json!([{ "from": from, "to": to, "data": Bytes::from(call.abi_encode()) }, "latest"]),
    );
    match reply.get("error") {
        None => Ok(()),
        Some(error) => Err(serde_json::from_value(error["data"].clone()).expect("what it reverts with")),
    }
}

/// Sends whatever it is, and whether the chain took it.
fn send(anvil: &Anvil, from: Address, to: Address, call: &anchorCall) -> bool {
    anvil.rpc("anvil_impersonateAccount", json!([from]));
    let transaction =
        json!({ "from": from, "to": to, "data": Bytes::from(call.abi_encode()), "gas": "0x40000" });
    let hash = anvil.rpc("eth_sendTransaction", json!([transaction]));
    anvil.mine(1);
    let receipt: Value = anvil.rpc("eth_getTransactionReceipt", json!([hash]));
    let status: U64 = serde_json::from_value(receipt["status"].clone()).expect("it is in a block");
    !status.is_zero()
}

#[test]
fn refuses_what_does_not_follow_the_end() {
    let Some(anvil) = Anvil::start() else { return };
    let contract = Address::from(anvil.contract().to_bytes());
    let account = Address::from(anvil.account(1).address().to_bytes());
    let stale = |call: &anchorCall| {
        let data = simulate(&anvil, account, contract, call).expect_err("it does not follow");
        StalePrev::abi_decode(&data).expect("by its cause").head
    };
    assert_eq!(stale(&call(1, 9, 1)), word(0));
    assert!(send(&anvil, account, contract, &call(1, 0, 1)));
    assert_eq!(stale(&call(1, 0, 2)), word(1), "a second beginning");
    assert_eq!(stale(&call(1, 9, 2)), word(1), "after what was never there");
    assert!(send(&anvil, account, contract, &call(1, 1, 2)));
    assert_eq!(stale(&call(1, 1, 3)), word(2), "after one that has a follower");
    assert_eq!(stale(&call(1, 1, 2)), word(2), "the same again");
    assert!(
        !send(&anvil, account, contract, &call(1, 1, 3)),
        "and the chain refuses it too"
    );
    assert!(send(&anvil, account, contract, &call(1, 2, 3)));
}

#[test]
fn refuses_a_batch_that_is_no_name() {
    let Some(anvil) = Anvil::start() else { return };
    let contract = Address::from(anvil.contract().to_bytes());
    let account = Address::from(anvil.account(1).address().to_bytes());
    let bad = |call: &anchorCall| {
        let data = simulate(&anvil, account, contract, call).expect_err("it is no name");
        BadBatch::abi_decode(&data).expect("by its cause");
    };
    bad(&call(1, 0, 0));
    assert!(send(&anvil, account, contract, &call(1, 0, 1)));
    bad(&call(1, 1, 0));
    bad(&call(1, 1, 1));
}

#[test]
fn keeps_a_chain_for_each_account_network_and_node() {
    let Some(anvil) = Anvil::start() else { return };
    let contract = Address::from(anvil.contract().to_bytes());
    let [a, b] = [1, 2].map(|seed| Address::from(anvil.account(seed).address().to_bytes()));
    assert!(send(&anvil, a, contract, &call(1, 0, 1)));
    assert!(send(&anvil, b, contract, &call(1, 0, 5)), "another account");
    assert!(send(&anvil, a, contract, &call(2, 0, 6)), "another node");
    let mut other_network = call(1, 0, 7);
    other_network.network = word(2);
    assert!(send(&anvil, a, contract, &other_network), "another network");
    assert!(
        send(&anvil, a, contract, &call(1, 1, 2)),
        "and none has moved the first"
    );
}

#[test]
fn takes_no_money() {
    let Some(anvil) = Anvil::start() else { return };
    let contract = anvil.contract().to_string();
    let account = anvil.account(1).address().to_string();
    for data in [Bytes::new(), call(1, 0, 1).abi_encode().into()] {
        let call = json!([{ "from": account, "to": contract, "data": data, "value": "0x1" }, "latest"]);
        let reply = anvil.try_rpc("eth_call", call);
        assert!(reply.get("error").is_some(), "{reply}");
    }
}

#[test]
fn somebody_else_can_neither_hinder_nor_pose() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let (first, second) = (operator.commitment(1), operator.commitment(2));
    submit(&mut anchor, &first, NOW);
    anvil.mine(1);
    // Another account names the same node, and the batch that would be next.
    let mut poser = Operator::new(&anvil, operator.config.contract, 2);
    poser.chain = operator.chain;
    let mut others = poser.open();
    for number in [1, 2] {
        let mut forged = second;
        forged.batch = poser.commitment(number).batch;
        forged.prev = poser.commitment(number).prev;
        submit(&mut others, &forged, NOW);
        anvil.mine(1);
    }
    submit(&mut anchor, &second, NOW);
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &second, NOW));
    let history = anchor.history(9).expect("a history");
    let history: Vec<_> = history.iter().map(|it| it.commitment).collect();
    assert_eq!(history, [first, second], "what the other anchored is not there");
    let verdict = others.verify(&first);
    assert!(
        matches!(verdict, Err(Error::Differs { field: "root", .. })),
        "whose account is asked for matters: {verdict:?}"
    );
}

#[test]
fn anybody_reads_and_verifies_without_a_key() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    for number in 1..=3 {
        submit(&mut anchor, &operator.commitment(number), NOW);
        anvil.mine(CONFIRMATIONS);
    }
    let reader = operator.reader();
    for number in 1..=3 {
        is_final(&reader.verify(&operator.commitment(number)).expect("it is there"));
    }
    let mut tampered = operator.commitment(2);
    tampered.batch = nonos_depin::anchor::BatchId::from_bytes([0x55; 32]);
    let verdict = reader.verify(&tampered).map_err(nonos_depin::anchor::Error::from);
    assert!(
        matches!(verdict, Err(Error::OtherBatch { anchored, .. }) if anchored == operator.commitment(2).batch),
        "{verdict:?}"
    );
    let history = reader.history(2).expect("a history");
    let history: Vec<_> = history.iter().map(|it| it.commitment).collect();
    assert_eq!(history, [operator.commitment(2), operator.commitment(3)]);
}

#[test]
fn several_batches_in_one_block_are_read_in_their_order() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let contract = Address::from(operator.config.contract.to_bytes());
    let account = Address::from(operator.address().to_bytes());
    anvil.rpc("anvil_impersonateAccount", json!([account]));
    for number in 1..=4 {
        let data = Bytes::from(call(1, number - 1, number).abi_encode());
        let transaction = json!({ "from": account, "to": contract, "data": data, "gas": "0x40000" });
        anvil.rpc("eth_sendTransaction", json!([transaction]));
    }
    anvil.mine(1);
    let history = operator.reader().history(9).expect("a history");
    let batches: Vec<_> = history
        .iter()
        .map(|it| it.commitment.batch.as_bytes()[0])
        .collect();
    assert_eq!(batches, [1, 2, 3, 4]);
    assert_eq!(
        operator
            .open()
            .verify(&history[1].commitment)
            .expect("it is there"),
        history[1].state
    );
}
