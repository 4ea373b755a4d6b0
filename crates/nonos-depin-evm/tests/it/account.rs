//! Which account speaks for which node.

use ed25519_dalek::SigningKey;
use nonos_depin_evm::{Account, Address, EvmKey};
use nonos_types::{Envelope, Error, NetworkId, NodeId, Payload as _};

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const CONTRACT: Address = Address::from_bytes([3; 20]);

fn node(seed: u8) -> (SigningKey, NodeId) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let id = NodeId::from_bytes(key.verifying_key().to_bytes());
    (key, id)
}

fn account(seed: u8) -> Account {
    let key = EvmKey::from_secret(&[seed; 32]).expect("a key");
    Account::sign(NETWORK, node(7).1, 31337, CONTRACT, &key)
}

#[test]
fn has_the_bytes_of_a_second_implementation() {
    let expected: String = include_str!("../vectors/account.hex")
        .split_whitespace()
        .collect();
    let signed = Envelope::sign(&account(1), &node(7).0);
    assert_eq!(hex::encode(signed.to_bytes()), expected);
    let (read, signer) = signed.open::<Account>().expect("it is signed by both");
    assert_eq!((read, signer), (account(1), node(7).1));
}

#[test]
fn both_the_node_and_the_account_must_have_signed() {
    let other = Envelope::sign(&account(1), &node(8).0).open::<Account>();
    assert_eq!(other, Err(Error::WrongSigner { message: "account" }));

    let bad = Err(Error::BadField {
        message: "account",
        field: "signature",
    });
    // Each field in turn is another than the account signed.
    let changes: [fn(&mut Account); 5] = [
        |it| it.network = NetworkId::from_bytes([2; 32]),
        |it| it.node = node(8).1,
        |it| it.chain_id = 1,
        |it| it.contract = Address::from_bytes([4; 20]),
        |it| it.account = Address::from_bytes([5; 20]),
    ];
    for change in changes {
        let mut changed = account(1);
        change(&mut changed);
        assert_eq!(Account::from_bytes(&changed.to_bytes()), bad);
    }
}

#[test]
fn a_signature_has_one_form() {
    let bytes = account(1).to_bytes();
    let bad = Err(Error::BadField {
        message: "account",
        field: "signature",
    });
    let last = bytes.len() - 1;
    for odd in [2, 27, 28] {
        let mut other = bytes.clone();
        other[last] = odd;
        assert_eq!(Account::from_bytes(&other), bad);
    }
    // The twin: the order of the curve less s, and the other y.
    let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").expect("hex");
    let mut twin = bytes.clone();
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let difference = i16::from(order[at]) - i16::from(bytes[last - 32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        twin[last - 32 + at] = difference.rem_euclid(256) as u8;
    }
    twin[last] ^= 1;
    assert_eq!(Account::from_bytes(&twin), bad);
}
