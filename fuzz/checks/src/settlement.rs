//! The reader of settlement files: what it accepts has these bytes and no others, and checking it says yes or no.

use nonos_depin::{anchor::Countersignature, settlement::SettlementFile};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let Ok(file) = SettlementFile::from_bytes(bytes) else {
        return;
    };
    assert_eq!(file.to_bytes(), bytes);
    // What takes no proof system.
    if let Ok((batch, _)) = file.batch.open::<nonos_depin::Batch>() {
        let statements: Vec<_> = file.chunks.iter().map(|it| it.statement.clone()).collect();
        let _verdict = batch.check_chunks(&statements);
        assert_eq!(nonos_depin::settlement::commitment(&batch).batch, batch.id());
    }
    for envelope in &file.countersignatures {
        let _verdict = envelope.open::<Countersignature>();
    }
}
