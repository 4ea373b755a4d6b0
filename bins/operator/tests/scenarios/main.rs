//! Real `operator` processes, each in a network namespace of its own, on bridges that are pulled apart and joined
//! again: no default route, no name server, no loopback shared. Linux, root and iproute2 are needed; without them each
//! test says that it is skipped, and why. Each says what it measured.
#![expect(
    clippy::disallowed_methods,
    reason = "other processes take their time, and how long is measured"
)]
#![expect(clippy::print_stderr, reason = "what was measured is said")]

mod books;
mod flap;
mod idle;
mod joined;
mod killed;
mod lan;
mod mesh;
mod node;
mod slow;
mod soak;
mod split;
mod tap;
mod twin;
