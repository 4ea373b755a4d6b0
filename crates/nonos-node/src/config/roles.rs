//! What an operator says of a node's roles.

use nonos_types::Role;
use serde::{Deserialize, Serialize};

/// What the operator wants of each role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pins {
    /// To give peers objects that are others'.
    pub seeder: Pin,
    /// To run and prove jobs of others.
    pub executor: Pin,
    /// To say which receipts verify, for a bounty.
    pub verifier: Pin,
    /// To pass on what others say.
    pub broadcaster: Pin,
}

impl Pins {
    /// Of one.
    pub fn of(&self, role: Role) -> Pin {
        match role {
            Role::Seeder => self.seeder,
            Role::Executor => self.executor,
            Role::Verifier => self.verifier,
            Role::Broadcaster => self.broadcaster,
        }
    }
}

/// Does the operator decide on a role, or the node?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// The node does, every half minute.
    #[default]
    Auto,
    /// It is taken whatever the load is; limits hold all the same.
    On,
    /// It is not taken.
    Off,
}
