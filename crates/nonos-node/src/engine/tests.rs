//! Engines without a network, driven by hand through virtual time.

mod crash;
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
mod schedule;
mod world;
