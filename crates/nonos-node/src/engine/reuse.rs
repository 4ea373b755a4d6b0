//! Executors that sign for two runs under one nonce.

use nonos_types::{Evidence, NonceReuse, Receipt, Signed};

use super::{Decision, Engine, Error};

impl Engine {
    /// A receipt of the same nonce that says something else, among those that verify or wait for that. It takes no check of
    /// any proof to see.
    pub(super) fn reused(&self, it: &Signed<Receipt>) -> Option<NonceReuse> {
        let job = self.jobs.get(&it.record.proven.job)?;
        let good = job.receipts().filter_map(|id| self.receipts.get(&id));
        let waiting = self.waiting(it.signer());
        good.chain(waiting).find_map(|other| NonceReuse::of(other, it))
    }

    pub(super) fn saw_reuse(&mut self, reuse: NonceReuse) -> Result<Decision, Error> {
        let evidence = Evidence::NonceReuse(Box::new(reuse));
        if !self.is_cheap(&evidence) && !self.trust.is_blacklisted(evidence.subject())? {
            self.accuse_at_once(evidence)?;
        }
        // Whoever passed it on may know nothing of the other.
        Ok(Decision::Ignore)
    }
}
