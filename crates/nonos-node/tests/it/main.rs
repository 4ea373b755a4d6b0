//! Nodes on loopback, with real proofs.

mod attacks;
mod jobs;
mod mesh;
mod onion;
