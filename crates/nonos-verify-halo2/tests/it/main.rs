//! Real runs, proved and verified.

mod execution;
mod runs;
