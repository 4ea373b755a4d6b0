//! Verdicts that contradict what was found here.

use nonos_trust::ProofVerdict;
use nonos_types::{NodeId, Receipt, Signed, Verdict};

use super::{Input, Worker};

impl Worker {
    /// Verifies once more what a verdict is about, and shows the bytes that it is about.
    pub(super) async fn contest(
        &self,
        verdict: Box<Signed<Verdict>>,
        receipt: Box<Signed<Receipt>>,
        sources: &[NodeId],
    ) -> Input {
        let (shown, found) = match self.verify(&receipt, sources).await {
            Ok(it) => (it.shown, it.verdict),
            Err(reason) => (None, ProofVerdict::Unknown { reason }),
        };
        Input::Contested {
            verdict,
            receipt,
            found,
            shown,
        }
    }
}
