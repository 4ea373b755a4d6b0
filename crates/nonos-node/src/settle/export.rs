//! Writes a batch with its proofs to a file.

use std::io::Write as _;

use super::{Error, Settler};
use crate::{api::SettlementWritten, whole};

impl Settler {
    pub(super) fn export(&self, number: u64, path: &str, replace: bool) -> Result<SettlementWritten, Error> {
        let path = whole::absolute(path, "settlement file")?;
        let (file, batch) = self.read(|settlement, _| {
            let batch = settlement.signed(number)?.value().id().to_string();
            Ok((settlement.file(number)?, batch))
        })?;
        let (bytes, ()) = whole::write(&path, replace, |mut to| {
            to.write_all(&file.to_bytes())?;
            Ok((to, ()))
        })?;
        Ok(SettlementWritten {
            path: path.display().to_string(),
            bytes,
            number,
            batch,
            proofs: file.chunks.len(),
            countersignatures: file.countersignatures.len(),
            accounts: file.accounts.len(),
        })
    }
}
