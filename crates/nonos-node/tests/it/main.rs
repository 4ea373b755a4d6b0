//! Nodes on loopback, with real proofs.

mod attacks;
mod bundle;
mod jobs;
mod mesh;
mod onion;
mod segments;
