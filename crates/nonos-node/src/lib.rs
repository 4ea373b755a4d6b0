//! An embeddable operator node: composes sandbox, proofs, ledger, trust and mesh.
