//! That an account speaks for a node: said by both. The bytes are those of `docs/spec/anchor.md`.

use alloy_primitives::{B256, Signature, U256, keccak256};
use nonos_types::{ByteLen, Error, NetworkId, NodeId, Payload, wire};

use crate::{Address, EvmKey};

const NAME: &str = "account";

/// "This account of this chain anchors the batches of this node, in this contract."
///
/// The node signs the envelope, the account what is in it, so that neither can claim the other. It says nothing of
/// other accounts: a node may have several, and a chain of batches in each.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_depin_evm::{Account, Address, EvmKey};
/// use nonos_types::{Envelope, NetworkId, NodeId};
///
/// let node = SigningKey::from_bytes(&[7; 32]);
/// let key = EvmKey::from_secret(&[1; 32])?;
/// let id = NodeId::from_bytes(node.verifying_key().to_bytes());
/// let contract = Address::from_bytes([3; 20]);
/// let account = Account::sign(NetworkId::named("example"), id, 31337, contract, &key);
///
/// let (read, signer) = Envelope::sign(&account, &node).open::<Account>()?;
/// assert_eq!((read.account, signer), (key.address(), id));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Network of the node.
    pub network: NetworkId,
    /// The node.
    pub node: NodeId,
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
    /// The account.
    pub account: Address,
    signature: Signature,
}

impl Account {
    /// The account's part of it.
    pub fn sign(network: NetworkId, node: NodeId, chain_id: u64, contract: Address, key: &EvmKey) -> Self {
        let (odd, r, s) = key.sign(digest(network, node, chain_id, contract));
        Self {
            network,
            node,
            chain_id,
            contract,
            account: key.address(),
            signature: Signature::new(r, s, odd),
        }
    }
}

/// What the account signs: a text, as wallets sign texts (EIP-191), so that a person sees what it is.
fn digest(network: NetworkId, node: NodeId, chain_id: u64, contract: Address) -> B256 {
    let text = format!(
        "This account anchors the batches of a node.\nnetwork: {network}\nnode: {node}\nchain: {chain_id}\ncontract: \
         {contract}\n"
    );
    let head = format!("\u{19}Ethereum Signed Message:\n{}", text.len());
    keccak256([head.as_bytes(), text.as_bytes()].concat())
}

impl Payload for Account {
    const TYPE: &'static str = NAME;
    const MAX: ByteLen = ByteLen::new(256);
    type Error = Error;

    fn to_bytes(&self) -> Vec<u8> {
        wire::encode(&Proto {
            network_id: self.network.as_bytes().to_vec(),
            node: self.node.as_bytes().to_vec(),
            chain_id: self.chain_id,
            contract: self.contract.to_bytes().to_vec(),
            account: self.account.to_bytes().to_vec(),
            signature: [
                &self.signature.r().to_be_bytes::<32>()[..],
                &self.signature.s().to_be_bytes::<32>(),
                &[self.signature.v().into()],
            ]
            .concat(),
        })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let message: Proto = wire::decode(NAME, Self::MAX, bytes)?;
        let bad = Error::BadField {
            message: NAME,
            field: "signature",
        };
        let signature: [u8; 65] = wire::fixed(NAME, "signature", &message.signature)?;
        let (numbers, last) = signature.split_at(64);
        let (r, s) = numbers.split_at(32);
        let odd = match last {
            [0] => false,
            [1] => true,
            _ => return Err(bad),
        };
        let account = Self {
            network: NetworkId::from_bytes(wire::fixed(NAME, "network_id", &message.network_id)?),
            node: NodeId::from_bytes(wire::fixed(NAME, "node", &message.node)?),
            chain_id: message.chain_id,
            contract: Address::from_bytes(wire::fixed(NAME, "contract", &message.contract)?),
            account: Address::from_bytes(wire::fixed(NAME, "account", &message.account)?),
            signature: Signature::new(U256::from_be_slice(r), U256::from_be_slice(s), odd),
        };
        let digest = digest(account.network, account.node, account.chain_id, account.contract);
        // Each signature has a twin, with the larger s: that is none of ours.
        let is_the_smaller = account.signature.normalize_s().is_none();
        let signer = account.signature.recover_address_from_prehash(&digest);
        if is_the_smaller && signer.is_ok_and(|signer| signer == account.account.0) {
            Ok(account)
        } else {
            Err(bad)
        }
    }

    fn check_signer(&self, signer: &NodeId) -> Result<(), Error> {
        if *signer == self.node {
            Ok(())
        } else {
            Err(Error::WrongSigner { message: NAME })
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Proto {
    #[prost(bytes = "vec", tag = "1")]
    network_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    node: Vec<u8>,
    #[prost(uint64, tag = "3")]
    chain_id: u64,
    #[prost(bytes = "vec", tag = "4")]
    contract: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    account: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    signature: Vec<u8>,
}
