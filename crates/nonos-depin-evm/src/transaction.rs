//! Transactions as EIP-1559 has them: their bytes, and the signature over them.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Encodable, Header};

use crate::{EvmKey, fees::Offer};

/// EIP-2718's number of this kind.
const KIND: u8 = 2;

/// A transaction that sends no money.
pub(crate) struct Transaction {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) gas: u64,
    pub(crate) offer: Offer,
    /// None makes a contract.
    pub(crate) to: Option<Address>,
    pub(crate) input: Bytes,
}

impl Transaction {
    /// Its name on the chain, and its bytes with the signature.
    pub(crate) fn sign(&self, key: &EvmKey) -> (B256, Bytes) {
        let (odd, r, s) = key.sign(keccak256(self.envelope(None)));
        let raw = self.envelope(Some((odd, r, s)));
        (keccak256(&raw), raw.into())
    }

    fn envelope(&self, signature: Option<(bool, U256, U256)>) -> Vec<u8> {
        let mut fields = Vec::new();
        self.chain_id.encode(&mut fields);
        self.nonce.encode(&mut fields);
        self.offer.tip.encode(&mut fields);
        self.offer.most.encode(&mut fields);
        self.gas.encode(&mut fields);
        match &self.to {
            Some(to) => to.encode(&mut fields),
            None => [0_u8; 0].as_slice().encode(&mut fields),
        }
        U256::ZERO.encode(&mut fields);
        self.input.encode(&mut fields);
        // The access list: there is none.
        Header {
            list: true,
            payload_length: 0,
        }
        .encode(&mut fields);
        if let Some((odd, r, s)) = signature {
            u8::from(odd).encode(&mut fields);
            r.encode(&mut fields);
            s.encode(&mut fields);
        }
        let mut envelope = vec![KIND];
        Header {
            list: true,
            payload_length: fields.len(),
        }
        .encode(&mut envelope);
        envelope.extend(fields);
        envelope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by a second implementation.
    #[test]
    fn has_the_bytes_that_others_give_it() {
        let key = EvmKey::from_secret(&[1; 32]).expect("a key");
        let transaction = |nonce, to, input: Vec<u8>| Transaction {
            chain_id: 31337,
            nonce,
            gas: 100_000,
            offer: Offer {
                most: 3_000_000_000,
                tip: 1_000_000_000,
            },
            to,
            input: input.into(),
        };
        let call = transaction(0, Some(Address::repeat_byte(0x22)), vec![0xab; 60]);
        let make = transaction(300, None, vec![0x60]);
        for (transaction, expected) in [
            (call, include_str!("../tests/vectors/call.hex")),
            (make, include_str!("../tests/vectors/make.hex")),
        ] {
            let (hash, raw) = transaction.sign(&key);
            assert_eq!(raw, expected.trim().parse::<Bytes>().expect("hex"));
            assert_eq!(hash, keccak256(&raw));
        }
    }
}
