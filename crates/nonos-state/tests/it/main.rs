//! What state hashes and checkpoint chains promise.

mod chain;
mod memory;
