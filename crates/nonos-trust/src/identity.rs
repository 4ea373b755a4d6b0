use std::fmt;

use ed25519_dalek::SigningKey;
use nonos_types::NodeId;
use zeroize::Zeroizing;

/// A node's ed25519 key, overwritten when dropped.
///
/// ```
/// use nonos_trust::Identity;
///
/// let identity = Identity::from_seed([7; 32]);
/// assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.node_id()));
/// ```
pub struct Identity(SigningKey);

impl Identity {
    /// The identity of 32 random bytes.
    pub fn from_seed(seed: impl Into<Zeroizing<[u8; 32]>>) -> Self {
        Self(SigningKey::from_bytes(&seed.into()))
    }

    /// Its public name.
    pub fn node_id(&self) -> NodeId {
        NodeId::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// What signs.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.node_id())
    }
}
