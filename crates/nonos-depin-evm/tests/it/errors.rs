//! Each mistake is called by its name.

use alloy_primitives::U256;
use nonos_depin::anchor::{Anchor as _, Error as AnchorError};
use nonos_depin_evm::{Address, Error, Wei, deploy};
use nonos_types::Fault;
use serde_json::json;

use crate::{
    anvil::{Anvil, CHAIN_ID, LIMIT},
    support::{NOW, Operator, submit},
};

#[test]
fn another_chain() {
    let Some(anvil) = Anvil::start() else { return };
    let mut operator = Operator::new(&anvil, anvil.contract(), 1);
    operator.config.chain_id = 1;
    let refused = operator.try_open().err();
    assert!(
        matches!(
            refused,
            Some(Error::WrongChain {
                expected: 1,
                actual: CHAIN_ID
            })
        ),
        "{refused:?}"
    );
    let refused = deploy(&anvil.endpoint, 1, &operator.key(), LIMIT);
    assert!(matches!(refused, Err(Error::WrongChain { .. })), "{refused:?}");
}

#[test]
fn no_contract_and_another_contract() {
    let Some(anvil) = Anvil::start() else { return };
    let mut operator = Operator::new(&anvil, anvil.contract(), 1);
    operator.config.contract = Address::from_bytes([9; 20]);
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::NoCode { .. })), "{refused:?}");
    anvil.rpc(
        "anvil_setCode",
        json!([operator.config.contract.to_string(), "0x60016002"]),
    );
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::OtherCode { .. })), "{refused:?}");
}

#[test]
fn an_account_that_cannot_pay() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    anvil.fund(operator.address(), U256::from(1000));
    let refused = anchor
        .submit(&operator.commitment(1), NOW)
        .expect_err("it cannot pay");
    assert_eq!(refused.fault(), Fault::Caller);
    match place(&refused) {
        Error::InsufficientFunds { account, have, need } => {
            assert_eq!((*account, *have), (operator.address(), Wei::new(1000)));
            // And that is enough.
            anvil.fund(operator.address(), U256::from(need.get()));
        }
        other => panic!("{other:?}"),
    }
    submit(&mut anchor, &operator.commitment(1), NOW);
}

#[test]
fn gas_that_costs_more_than_the_limit() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let base_fee = LIMIT.get() * 2;
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", json!([U256::from(base_fee)]));
    anvil.mine(1);
    let refused = anchor
        .submit(&operator.commitment(1), NOW)
        .expect_err("it costs too much");
    assert!(
        matches!(place(&refused), Error::FeeTooHigh { limit: LIMIT, .. }),
        "{refused:?}"
    );
    assert_eq!(anvil.waiting(operator.address()), []);
}

#[test]
fn a_batch_whose_predecessor_is_in_no_block() {
    let Some(anvil) = Anvil::start() else { return };
    let operator = Operator::new(&anvil, anvil.contract(), 1);
    let mut anchor = operator.open();
    let (first, second) = (operator.commitment(1), operator.commitment(2));
    submit(&mut anchor, &first, NOW);
    let refused = anchor.submit(&second, NOW).expect_err("the first is in no block");
    assert!(
        matches!(place(&refused), Error::Waiting { batch } if *batch == first.batch),
        "{refused:?}"
    );
    let mut rival = first;
    rival.batch = second.batch;
    let refused = anchor.submit(&rival, NOW).expect_err("the first is under way");
    assert!(
        matches!(refused, AnchorError::OtherBatch { anchored, .. } if anchored == first.batch),
        "{refused:?}"
    );
    anvil.mine(1);
    submit(&mut anchor, &second, NOW);
}

#[test]
fn no_node_and_no_endpoint() {
    let Some(anvil) = Anvil::start() else { return };
    let mut operator = Operator::new(&anvil, anvil.contract(), 1);
    drop(anvil);
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::Unreachable { .. })), "{refused:?}");
    operator.config.endpoint = "https://127.0.0.1:1".to_owned();
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::NoTls { .. })), "{refused:?}");
    operator.config.endpoint = "127.0.0.1:8545".to_owned();
    let refused = operator.try_open().err();
    assert!(matches!(refused, Some(Error::Endpoint { .. })), "{refused:?}");
}

fn place(error: &AnchorError) -> &Error {
    match error {
        AnchorError::Place { source, .. } => source.downcast_ref().expect("an error of this crate"),
        other => panic!("{other:?}"),
    }
}
