//! Receipts in files, for whoever would verify them without a node.

use std::{io::Write as _, sync::Arc};

use nonos_mesh::Object;
use nonos_types::Fault;
use nonos_verify::ReceiptFile;

use super::{Worker, blocking};
use crate::{
    api::{ReceiptExport, ReceiptExported, RequestError},
    whole::{self, refusal},
};

impl Worker {
    /// Writes a receipt with what it commits to.
    pub(super) async fn export_receipt(
        self: &Arc<Self>,
        export: ReceiptExport,
    ) -> Result<ReceiptExported, RequestError> {
        let worker = Arc::clone(self);
        let done = blocking(move || worker.write_receipt(&export)).await;
        done.unwrap_or_else(|defect| Err(refusal(defect, Fault::Bug)))
    }

    fn write_receipt(&self, export: &ReceiptExport) -> Result<ReceiptExported, RequestError> {
        let path = whole::absolute(&export.path, "receipt")?;
        let found = self.journal.receipt(export.receipt);
        let found = found.map_err(|error| RequestError::new(&error, error.fault()))?;
        let Some(receipt) = found else {
            let message = format!("no receipt {} is known here", export.receipt);
            return Err(refusal(message, Fault::Caller));
        };
        let (executor, capsule) = (receipt.signer(), receipt.record.proven.capsule);
        let tapes = self.part("tapes", &Object::Tapes(receipt.tapes))?;
        let proof = self.part("proof", &Object::Proof(receipt.proof))?;
        let package = (export.with_capsule)
            .then(|| self.part("capsule", &Object::Capsule(capsule)))
            .transpose()?;
        let file = ReceiptFile::new(receipt, tapes, proof, package)
            .map_err(|error| RequestError::new(&error, Fault::Environment))?;
        let (bytes, ()) = whole::write(&path, export.replace, |mut to| {
            to.write_all(&file.to_bytes())?;
            Ok((to, ()))
        })?;
        Ok(ReceiptExported {
            receipt: export.receipt,
            executor,
            capsule,
            with_capsule: export.with_capsule,
            path: path.display().to_string(),
            bytes,
        })
    }

    fn part(&self, part: &str, object: &Object) -> Result<Vec<u8>, RequestError> {
        let bytes = self.objects.get(object);
        let bytes = bytes
            .map_err(|error| refusal(format!("cannot read the {part}: {error}"), whole::fault(&error)))?;
        bytes.ok_or_else(|| {
            let message = format!(
                "the {part} of it is not here any more: a node that ran or verified it of late may still have it"
            );
            refusal(message, Fault::Environment)
        })
    }
}
