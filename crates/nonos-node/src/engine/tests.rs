//! Engines without a network, driven by hand through virtual time.

mod blocks;
mod challenge;
mod channel;
mod contest;
mod control;
mod crash;
mod credit;
mod describe;
mod duties;
mod flood;
mod flow;
mod hostile;
mod import;
mod neighbours;
mod onion;
mod order;
mod peers;
mod relay;
mod replay;
mod restore;
mod schedule;
mod sealed;
mod segments;
mod shards;
mod why;
mod world;
