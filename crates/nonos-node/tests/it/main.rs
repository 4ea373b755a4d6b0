//! Nodes on loopback, with real proofs.

mod attacks;
mod bundle;
mod channel;
mod feeds;
mod jobs;
mod mesh;
mod onion;
mod page;
mod sealed;
mod segments;
