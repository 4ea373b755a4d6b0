use std::cell::Cell;

use nonos_depin::anchor::testing::{self, Site};
use nonos_depin_evm::{Address, EvmAnchor};

use crate::{
    anvil::Anvil,
    support::{CONFIRMATIONS, Operator},
};

struct OnChain<'a> {
    anvil: &'a Anvil,
    operator: Operator,
    forgets: bool,
}

impl Site for OnChain<'_> {
    type Anchor = EvmAnchor;

    fn open(&mut self) -> EvmAnchor {
        if self.forgets {
            self.operator.lose_flights();
        }
        self.operator.open()
    }

    fn take_up(&mut self, _: &mut EvmAnchor) {
        self.anvil.mine(1);
    }

    fn conclude(&mut self, _: &mut EvmAnchor) {
        self.anvil.mine(CONFIRMATIONS);
    }
}

fn check(forgets: bool) {
    let Some(anvil) = Anvil::start() else { return };
    let contract: Address = anvil.contract();
    let seed = Cell::new(0);
    testing::check_anchor(|| {
        seed.set(seed.get() + 1);
        OnChain {
            anvil: &anvil,
            operator: Operator::new(&anvil, contract, seed.get()),
            forgets,
        }
    });
}

#[test]
fn the_contract_passes_the_suite() {
    check(false);
}

#[test]
fn the_contract_passes_the_suite_where_all_local_state_is_lost_again_and_again() {
    check(true);
}
