//! Engines without a network, driven by hand through virtual time.

mod crash;
mod duties;
mod flow;
mod hostile;
mod order;
mod peers;
mod schedule;
mod world;
