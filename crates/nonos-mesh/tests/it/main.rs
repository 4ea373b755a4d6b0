//! The mesh's rules, alone; and real nodes on loopback, with peers beside them that do not keep to the rules.

mod admission;
mod bundle;
#[cfg(feature = "net")]
mod catch_up;
#[cfg(feature = "net")]
mod clocks;
#[cfg(feature = "net")]
mod gossip;
#[cfg(feature = "net")]
mod hello;
#[cfg(feature = "net")]
mod hostile;
mod journal;
#[cfg(feature = "net")]
mod line;
#[cfg(feature = "net")]
mod many;
#[cfg(feature = "net")]
mod node;
#[cfg(feature = "net")]
mod objects;
#[cfg(feature = "net")]
mod onion;
#[cfg(feature = "net")]
mod raw;
mod reconcile;
#[cfg(feature = "net")]
mod reconnect;
#[cfg(feature = "net")]
mod relay;
mod sample;
#[cfg(feature = "net")]
mod segment;
#[cfg(feature = "net")]
mod shards;
#[cfg(feature = "net")]
mod silence;
mod witness;
