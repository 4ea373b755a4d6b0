//! What a job hides: sealing an input that is to be offered, and opening results.

use std::sync::Arc;

use nonos_machine::Salt;
use nonos_mesh::Object;
use nonos_types::{ByteLen, NodeId, Offer, Receipt, SealedTape, Signed};
use zeroize::Zeroizing;

use super::{Worker, blocking};
use crate::{
    api::{RequestError, Submission},
    engine::Opened,
    objects::Whose,
    sealed,
};

impl Worker {
    /// Encrypts the sealed input of a submission, if it has one, and keeps the ciphertext for those who will run it.
    pub(super) async fn seal(
        &self,
        submission: &Submission,
        job_salt: &nonos_types::Salt,
    ) -> Result<Option<SealedTape>, RequestError> {
        let refuse = |fault: &str, message: String| RequestError {
            message,
            fault: fault.to_owned(),
        };
        let Some(hex) = &submission.sealed_input_hex else {
            return Ok(None);
        };
        let input = hex::decode(&hex.0)
            .map(Zeroizing::new)
            .map_err(|_| refuse("caller", "the sealed input is not hexadecimal".to_owned()))?;
        let actual = ByteLen::from(input.len());
        if actual > self.configured.get().max_input {
            let message = format!(
                "the sealed input has {actual}, the limit is {}",
                self.configured.get().max_input
            );
            return Err(refuse("caller", message));
        }
        let named = submission.backend.as_ref().map(|name| name.parse());
        let named = named
            .transpose()
            .map_err(|error: crate::choice::UnknownName| refuse("caller", error.to_string()))?;
        let choice = self.configured.get().proving.of_job(named);
        let choice = choice.map_err(|error| RequestError::new(&error, error.fault()))?;
        let scheme = choice.method.system().scheme();
        let salt = fresh_salt().map_err(|message| refuse("environment", message))?;
        let (identity, network, job_salt) = (Arc::clone(&self.identity), self.network, *job_salt);
        let objects = Arc::clone(&self.objects);
        let sealed = blocking(move || {
            let sealed = sealed::seal_input(&identity, network, &job_salt, scheme, &salt, &input);
            let (tape, bytes) = sealed.map_err(|error| RequestError::new(&error, error.fault()))?;
            let kept = objects.put(&Object::Sealed(tape.object), &bytes, Whose::Own);
            kept.map(|()| Some(tape))
                .map_err(|error| refuse("environment", format!("cannot keep the sealed input: {error}")))
        });
        sealed.await.map_err(|message| refuse("bug", message))?
    }

    /// Gets the sealed result of a run for a job of this node's, and opens it.
    pub(super) async fn open_result(
        &self,
        offer: &Signed<Offer>,
        receipt: &Signed<Receipt>,
        sources: &[NodeId],
    ) -> Opened {
        let Some(result) = &receipt.result else {
            return Opened::Bad(sealed::Unopened::NoResult.to_string());
        };
        let bytes = match self.get(Object::Result(result.object), sources).await {
            Ok((bytes, _)) => bytes,
            Err(why) => return Opened::Missing(why),
        };
        let (identity, offer, receipt) = (Arc::clone(&self.identity), offer.clone(), receipt.clone());
        let opened = blocking(move || sealed::open_result(&identity, &offer, &receipt, &bytes).map(drop));
        match opened.await {
            Ok(Ok(())) => Opened::Good,
            Ok(Err(error)) => Opened::Bad(error.to_string()),
            Err(why) => Opened::Missing(why),
        }
    }
}

/// Of a commitment.
pub(super) fn fresh_salt() -> Result<Salt, String> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|_| "the system gave no random bytes".to_owned())?;
    Ok(Salt::new(salt))
}
