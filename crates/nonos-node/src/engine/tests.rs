//! Engines without a network, driven by hand through virtual time.

mod crash;
mod flow;
mod hostile;
mod order;
mod peers;
mod schedule;
mod world;
