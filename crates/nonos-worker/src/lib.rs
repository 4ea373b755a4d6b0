//! Runs capsules in a process of their own, which can do nothing else: a worker.
//!
//! The interpreter gives a capsule nothing but its tapes, its fuel and its memory. If it has a defect, this is what
//! is left to who exploits it: a process without files, network, environment, descriptors, or system calls but those
//! that use up its own memory, which is killed when its time is over, and whose answer is not believed but checked.
//!
//! ```standalone_crate
//! use nonos_capsule::Inputs;
//! use nonos_package::Policy;
//! use nonos_types::{Outcome, Value};
//! use nonos_worker::{Job, Layer, Worker, serve_if_asked};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // First of all: this program starts itself as a worker.
//!     serve_if_asked();
//!
//!     let wasm = wat::parse_str(r#"(module (func (export "seven") (result i32) i32.const 7))"#)?;
//!     let policy = Policy::for_module("seven");
//!     let job = Job { module: &wasm, policy: &policy, arguments: &[], inputs: &Inputs::default() };
//!     let done = Worker::this_program().run(&job)?;
//!     assert_eq!(done.run.outcome, Outcome::Return(vec![Value::I32(7)]));
//!     assert!(done.protection.has(Layer::Environment));
//!     Ok(())
//! }
//! ```
//!
//! # What it does not do
//! It does not prove, and it is not a second opinion: the same interpreter runs, elsewhere. What a kernel does not
//! have is left out, and [`Protection`] says so; whoever insists on a [`Layer`] has to look. It works on Linux.
//! `docs/spec/worker.md` has what is said on the pipes, and the layers.
//!
//! # The types to know
//! - [`Worker`] is a program that runs a [`Job`]; [`serve_if_asked`] makes a program one.
//! - [`Runner`] is the choice between that and this process.
//! - [`Limits`] are what a worker may take; [`Protection`] is what it has given up.
//!
//! # Errors
//! [`Error`]: how the worker ended, if it gave no run; [`Error::fault`] says who must act.
#![forbid(unsafe_code)]

mod answer;
mod confine;
mod error;
mod exchange;
mod frame;
mod job;
mod protection;
mod request;
mod runner;
mod serve;
mod worker;

pub use crate::{
    confine::NICE,
    error::{Error, Told},
    job::{Job, Limits},
    protection::{Layer, Protection},
    runner::Runner,
    serve::{serve_if_asked, serve_if_asked_with},
    worker::{Done, Worker},
};
