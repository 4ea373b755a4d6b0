//! Proves runs with a batch STARK (Plonky3, KoalaBear): fast, no setup, nothing hidden.
mod adapter;
mod chip;
mod config;
mod layout;
mod proof;
mod public;
mod stark;
mod trace;

pub use config::Profile;
pub use stark::Stark;
