//! What batches cost.

use nonos_depin::anchor::{BatchId, Commitment};

use crate::{
    anvil::Anvil,
    support::{CONFIRMATIONS, NOW, Operator, is_final, poll, submit},
};

/// The figures of `docs/spec/anchor.md`.
const DEPLOYMENT: u64 = 269_471;
const FIRST: u64 = 72_235;
const EACH: u64 = 38_419;

#[test]
fn ten_batches_cost_what_the_page_says() {
    cost(10);
}

#[test]
fn heavy_a_hundred_batches_cost_what_the_page_says() {
    cost(100);
}

#[expect(clippy::print_stdout, reason = "figures are shown")]
fn cost(batches: u8) {
    let Some(anvil) = Anvil::start() else { return };
    let contract = anvil.contract();
    let deployment = anvil.rpc("eth_getBlockByNumber", serde_json::json!(["0x1", false]));
    let deployment: alloy_primitives::U64 =
        serde_json::from_value(deployment["gasUsed"].clone()).expect("a number");
    let operator = Operator::new(&anvil, contract, 1);
    let mut anchor = operator.open();
    // Names without zero bytes, which are cheaper.
    let name = |number: u8| BatchId::from_bytes(if number == 0 { [0; 32] } else { [number + 100; 32] });
    let batch = |number: u8| Commitment {
        batch: name(number),
        prev: name(number - 1),
        entries: 1000,
        ..operator.commitment(number)
    };
    let mut gas = Vec::new();
    for number in 1..=batches {
        submit(&mut anchor, &batch(number), NOW);
        anvil.mine(1);
        let cost = anchor.cost(&name(number)).expect("a cost").expect("it is there");
        assert_eq!(
            (cost.entries, cost.gas_per_entry()),
            (1000, Some(cost.gas.div_ceil(1000)))
        );
        gas.push(cost.gas);
    }
    anvil.mine(CONFIRMATIONS);
    is_final(&poll(&mut anchor, &batch(batches), NOW));
    println!(
        "gas: contract {deployment}, batch 1 {}, batch {batches} {}",
        gas[0],
        gas[usize::from(batches) - 1]
    );
    assert_eq!(deployment.to::<u64>(), DEPLOYMENT);
    assert_eq!(gas[0], FIRST);
    for (number, gas) in gas.iter().enumerate().skip(1) {
        assert_eq!(*gas, EACH, "batch {}", number + 1);
    }
}
