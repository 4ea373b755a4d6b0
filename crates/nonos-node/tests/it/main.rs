//! Nodes on loopback, with real proofs.

mod jobs;
mod mesh;
