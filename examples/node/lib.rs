//! Examples that need more than a verifier does: a sandbox ([`wasmi`](nonos_capsule)), a network
//! ([`libp2p`](nonos_mesh)), or a whole node with its store ([`nonos_node`]).
//!
//! - `sandbox`: runs a capsule, out of fuel and in a trap, too, and compares two runs.
//! - `mesh`: two nodes that say and give each other something, without a server.
//! - `embed`: a web service that has its work done, and proved, by a mesh.
