//! Real runs, proved and verified.

mod execution;
mod lies;
mod runs;
mod sealed;
