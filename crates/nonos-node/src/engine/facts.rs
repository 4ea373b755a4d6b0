use nonos_depin::fees::{self, Shares};
use nonos_machine::Subject;
use nonos_package::{Net, Package, dependencies};
use nonos_types::{Amount, CapsuleHash, Fuel, Offer, Pages, Receipt, ValueType};

/// What a capsule's package says that a node decides by.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) capsule: CapsuleHash,
    pub(crate) entry: String,
    pub(crate) params: Vec<ValueType>,
    pub(crate) fuel: Fuel,
    pub(crate) pages: Pages,
    pub(crate) base: Amount,
    pub(crate) shares: Shares,
    pub(crate) net: Net,
    /// Its dependency map, as far as one may go that can be had.
    pub(crate) dependencies: Vec<CapsuleHash>,
}

impl Facts {
    /// Those of a package whose entry the machine can prove.
    pub(crate) fn of(package: &Package) -> Result<Self, nonos_machine::StatementError> {
        let policy = package.policy();
        let fees = package.manifest().fees;
        let subject = Subject::Capsule(Box::new(package.clone()));
        let lowered = subject.lower(&policy.entry)?;
        Ok(Self {
            capsule: package.capsule_hash(),
            entry: policy.entry.clone(),
            params: lowered.entry.params,
            fuel: policy.fuel,
            pages: policy.max_pages,
            base: fees.base,
            shares: Shares {
                seeders: fees.seeders,
                verifiers: fees.verifiers,
            },
            net: policy.net,
            dependencies: (package.dependencies().iter().copied())
                .take(dependencies::MAX_COUNT)
                .collect(),
        })
    }

    /// The fee of a run that used this much fuel.
    pub(crate) fn fee(&self, offer: &Offer, fuel: Fuel) -> Amount {
        fees::execution_fee(self.base, offer.fuel_price, fuel, offer.max_fee)
    }

    /// Does the receipt ask for what the offer promised?
    pub(crate) fn fee_is_right(&self, offer: &Offer, receipt: &Receipt) -> bool {
        receipt.fee == self.fee(offer, receipt.record.proven.fuel_used)
    }
}
