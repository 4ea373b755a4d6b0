//! How far a node trusts that others pay, and how much it comes to owe them.

use nonos_trust::State;
use nonos_types::Amount;
use serde::Deserialize;

/// One NONOS, in atto-NONOS.
const NONOS: u128 = 1_000_000_000_000_000_000;

/// The limits of what is unpaid between a node and a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credit {
    /// The most that a peer nothing is known of may leave unpaid before this node runs nothing more for it.
    pub base: Amount,
    /// The most that this node comes to owe a peer.
    pub most_owed: Amount,
}

impl Credit {
    /// The most that a peer of this standing may leave unpaid: a quarter of the base on probation, four times the base
    /// if it is known, sixteen times if it is trusted, nothing if it is blacklisted.
    pub(crate) fn limit(&self, state: State) -> Amount {
        let base = self.base.atto();
        Amount::from_atto(match state {
            State::Blacklisted => 0,
            State::Probation => base / 4,
            State::New => base,
            State::Known => base.saturating_mul(4),
            State::Trusted => base.saturating_mul(16),
        })
    }
}

impl Default for Credit {
    fn default() -> Self {
        Self {
            base: Amount::from_atto(10_000 * NONOS),
            most_owed: Amount::from_atto(1_000_000 * NONOS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_worth_so_many_times_the_base() {
        let credit = Credit {
            base: Amount::from_atto(100),
            ..Credit::default()
        };
        let states = [
            (State::Blacklisted, 0),
            (State::Probation, 25),
            (State::New, 100),
            (State::Known, 400),
            (State::Trusted, 1600),
        ];
        for (state, limit) in states {
            assert_eq!(credit.limit(state).atto(), limit, "{state:?}");
        }
        let most = Credit {
            base: Amount::from_atto(u128::MAX),
            ..credit
        };
        assert_eq!(most.limit(State::Trusted).atto(), u128::MAX);
    }
}
