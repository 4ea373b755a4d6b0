//! The anchor against a real node of an EVM chain.

mod account;
mod anvil;
mod chain;
mod contract;
mod errors;
mod gas;
mod key;
mod loss;
mod suite;
mod support;
