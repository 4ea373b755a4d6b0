//! What tables promise, and that the conformance suite catches stores that break theirs.

mod conformance;
mod table;
