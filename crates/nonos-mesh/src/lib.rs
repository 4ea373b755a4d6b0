//! The libp2p mesh of operator nodes: gossip with cheap-first admission, object transfer, descriptors; no DNS, no server.
