//! What each fuzz target checks. A check panics if something is wrong, and says nothing if all is well; the
//! targets of `fuzz/` call them with what the fuzzer finds, `tests/replay.rs` with the inputs of `fuzz/corpus`.

pub mod admission;
pub mod anchor;
pub mod books;
pub mod boxes;
pub mod bundle;
pub mod channel;
pub mod envelope;
pub mod halo2;
pub mod job;
pub mod keystore;
pub mod manifest;
pub mod message;
pub mod module;
pub mod onion;
pub mod package;
pub mod proof;
pub mod record;
pub mod run;
pub mod segment;
pub mod settlement;
pub mod stark;
pub mod statement;
pub mod sync;

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every target: its name, which is that of its corpus, and what it checks.
pub const TARGETS: [(&str, Check); 22] = [
    ("admission", admission::check),
    ("anchor", anchor::check),
    ("books", books::check),
    ("boxes", boxes::check),
    ("bundle", bundle::check),
    ("channel", channel::check),
    ("envelope", envelope::check),
    ("halo2", halo2::check),
    ("job", job::check),
    ("keystore", keystore::check),
    ("manifest", manifest::check),
    ("message", message::check),
    ("module", module::check),
    ("onion", onion::check),
    ("package", package::check),
    ("proof", proof::check),
    ("record", record::check),
    ("segment", segment::check),
    ("settlement", settlement::check),
    ("stark", stark::check),
    ("statement", statement::check),
    ("sync", sync::check),
];
