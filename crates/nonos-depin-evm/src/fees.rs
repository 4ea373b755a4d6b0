//! What is offered for gas, and what is offered when nobody takes that.

use crate::{Error, Wei};

/// What a transaction offers per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Most in all.
    pub(crate) most: u128,
    /// Of that, what goes to whoever makes the block.
    pub(crate) tip: u128,
}

impl Offer {
    /// Enough for a base fee that doubles, within the limit.
    pub(crate) fn first(base_fee: u128, tip: u128, limit: Wei) -> Result<Self, Error> {
        let limit = limit.get();
        if base_fee > limit {
            return Err(Error::FeeTooHigh {
                base_fee: Wei::new(base_fee),
                limit: Wei::new(limit),
            });
        }
        let most = base_fee.saturating_mul(2).saturating_add(tip).min(limit);
        Ok(Self {
            most,
            tip: tip.min(most),
        })
    }

    /// An offer that nodes take in place of this one, at least as good as `now`; none within the limit may be.
    pub(crate) fn bumped(self, now: Self, limit: Wei) -> Option<Self> {
        let least = Self {
            most: raised(self.most),
            tip: raised(self.tip),
        };
        let most = least.most.max(now.most);
        let tip = least.tip.max(now.tip).min(most);
        (most <= limit.get() && tip >= least.tip).then_some(Self { most, tip })
    }
}

/// By an eighth, rounded up, and something at least: nodes ask for a tenth more, or an eighth.
fn raised(fee: u128) -> u128 {
    fee.saturating_add(fee.div_ceil(8).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Wei = Wei::new(1000);

    #[test]
    fn offers_enough_for_a_base_fee_that_doubles() {
        let offer = Offer::first(100, 7, LIMIT).expect("within the limit");
        assert_eq!(offer, Offer { most: 207, tip: 7 });
    }

    #[test]
    fn never_offers_more_than_the_limit() {
        let offer = Offer::first(900, 5000, LIMIT).expect("the base fee is within the limit");
        assert_eq!(
            offer,
            Offer {
                most: 1000,
                tip: 1000
            }
        );
        let refused = Offer::first(1001, 0, LIMIT);
        assert!(matches!(refused, Err(Error::FeeTooHigh { .. })), "{refused:?}");
    }

    #[test]
    fn raises_both_by_an_eighth_at_least() {
        let old = Offer { most: 200, tip: 8 };
        let same = Offer { most: 200, tip: 8 };
        assert_eq!(old.bumped(same, LIMIT), Some(Offer { most: 225, tip: 9 }));
        let nothing = Offer { most: 200, tip: 0 };
        assert_eq!(nothing.bumped(nothing, LIMIT), Some(Offer { most: 225, tip: 1 }));
    }

    #[test]
    fn raises_to_what_is_asked_now() {
        let old = Offer { most: 200, tip: 8 };
        let now = Offer { most: 600, tip: 50 };
        assert_eq!(old.bumped(now, LIMIT), Some(now));
    }

    #[test]
    fn does_not_raise_beyond_the_limit() {
        let old = Offer { most: 900, tip: 8 };
        assert_eq!(old.bumped(old, LIMIT), None);
        let old = Offer { most: 888, tip: 8 };
        assert_eq!(old.bumped(old, LIMIT), Some(Offer { most: 999, tip: 9 }));
    }
}
