//! What a capsule in Rust is written with.
//!
//! A capsule reads input tapes and writes output tapes, and sees nothing else: no clock, no files, no network.
//!
//! ```
//! use nonos_guest::{input, mock, result};
//!
//! fn run() {
//!     let mut out = result();
//!     for byte in input() {
//!         out.write(&[byte.to_ascii_uppercase()]);
//!     }
//! }
//! nonos_guest::entry!(run);
//!
//! // On anything but wasm32, the host calls are a mock's: a capsule is tested by `cargo test`.
//! let ran = mock::run(&mock::Inputs { input: b"hello", ..Default::default() }, run);
//! assert_eq!(ran.result, b"HELLO");
//! ```
//!
//! It has no floats, no threads and no dependency, and outside of the imports ([`host`]) and the optional allocator no unsafe
//! code. A panic traps: the run ends with `unreachable`, and its message is not in the module.
//!
//! - [`input`], [`sealed`]: a [`Reader`] of the public and of the private input. [`inbound`]: the [`Messages`] of channels.
//! - [`result`], [`outbound`], [`log`]: a [`Writer`] of the result, of the capsule's own channel, and of the log.
//! - [`entry!`] makes a function the entry; [`exit`] ends the run with a code; [`checkpoint`] marks where runs are compared.
//! - `mock` (not on wasm32): runs a capsule's function on tapes of a test.
//!
//! The calls themselves are specified in `docs/spec/abi.md`, channels in `docs/spec/channel.md`.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(not(target_arch = "wasm32"))]
extern crate std;

#[cfg(any(feature = "alloc", test))]
mod allocator;
pub mod host;
mod messages;
#[cfg(not(target_arch = "wasm32"))]
pub mod mock;
mod reader;
mod writer;

pub use crate::{
    messages::{Message, Messages},
    reader::Reader,
    writer::Writer,
};

/// A tape, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Tape {
    /// Public input.
    Input = 0,
    /// Sealed (private) input.
    Sealed = 1,
    /// Messages of channels.
    Inbound = 2,
    /// The result.
    Result = 3,
    /// A message of the capsule's channel.
    Outbound = 4,
    /// The log.
    Log = 5,
}

/// The public input. Take it once: a tape has one position.
#[must_use]
pub fn input() -> Reader {
    Reader::new(Tape::Input)
}

/// The sealed input. Take it once: a tape has one position.
#[must_use]
pub fn sealed() -> Reader {
    Reader::new(Tape::Sealed)
}

/// The messages of channels. Take them once: a tape has one position.
#[must_use]
pub fn inbound() -> Messages {
    Messages::new()
}

/// The result. Take it once: what two writers wrote would mix.
#[must_use]
pub fn result() -> Writer {
    Writer::new(Tape::Result)
}

/// The message of the capsule's channel. Take it once.
#[must_use]
pub fn outbound() -> Writer {
    Writer::new(Tape::Outbound)
}

/// The log. Take it once.
#[must_use]
pub fn log() -> Writer {
    Writer::new(Tape::Log)
}

/// Ends the run with a code. Writers are not finished by it: [`Writer::finish`] them before.
pub fn exit(code: u32) -> ! {
    host::exit(code.cast_signed());
    unreachable!("exit does not return")
}

/// Marks a point where two runs are compared. It costs 1024 fuel.
pub fn checkpoint() {
    host::checkpoint();
}

/// Makes a function without parameters and results the entry `main`, or the one of the name that is given:
/// `entry!(run)`, `entry!(run, "other")`. The manifest's `exec.entry` names it.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        $crate::entry!($run, "main");
    };
    ($run:path, $name:literal) => {
        const _: () = {
            #[cfg(target_arch = "wasm32")]
            #[unsafe(export_name = $name)]
            extern "C" fn entry() {
                $run()
            }
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn() = $run;
        };
    };
}

#[cfg(all(target_arch = "wasm32", feature = "panic"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
