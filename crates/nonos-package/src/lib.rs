//! What a capsule is.
#![forbid(unsafe_code)]

pub mod abi;
pub mod fuel;
pub mod instructions;
pub mod limits;

pub use crate::abi::{HostCall, HostSet, Tape};
