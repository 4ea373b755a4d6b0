//! What state hashes, checkpoint chains, profiles and snapshots promise.

mod chain;
mod memory;
#[cfg(feature = "poi-v1")]
mod poi_v1;
#[cfg(feature = "probe")]
mod probe;
mod profile;
mod sample;
mod snapshot;
