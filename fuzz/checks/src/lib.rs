//! What each fuzz target checks. A check panics if something is wrong, and says nothing if all is well; the
//! targets of `fuzz/` call them with what the fuzzer finds, `tests/replay.rs` with the inputs of `fuzz/corpus`.

pub mod books;
pub mod bundle;
pub mod channel;
pub mod envelope;
pub mod message;
pub mod module;
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
pub const TARGETS: [(&str, Check); 14] = [
    ("books", books::check),
    ("bundle", bundle::check),
    ("channel", channel::check),
    ("envelope", envelope::check),
    ("message", message::check),
    ("module", module::check),
    ("package", package::check),
    ("proof", proof::check),
    ("record", record::check),
    ("segment", segment::check),
    ("settlement", settlement::check),
    ("stark", stark::check),
    ("statement", statement::check),
    ("sync", sync::check),
];
