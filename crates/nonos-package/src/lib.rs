//! What a capsule is: its package, its manifest, the instructions and host calls it may use, and what they
//! cost.
//!
//! ```
//! use ed25519_dalek::SigningKey;
//! use nonos_package::{Error, HostCall, Package, builder, fuel};
//!
//! let wasm = wat::parse_str(
//!     r#"(module (import "nonos" "exit" (func (param i32))) (func (export "main") (call 0 (i32.const 0))))"#,
//! )
//! .expect("valid text");
//! let manifest = r#"
//! [meta]
//! name = "quitter"
//! version = "0.1.0"
//! author = "Ada"
//! [exec]
//! entry = "main"
//! [resources]
//! fuel = 1000
//! mem = "64KiB"
//! [host]
//! calls = ["exit"]
//! "#;
//! let key = SigningKey::from_bytes(&[7; 32]);
//! let bytes = builder::pack(&wasm, manifest, &key)?.bytes().to_vec();
//!
//! let package = Package::decode(&bytes)?;
//! assert_eq!(package.manifest().name, "quitter");
//! assert_eq!(package.interface().imports, [HostCall::Exit]);
//! assert!(package.policy().host.contains(HostCall::Exit));
//! # Ok::<_, Error>(())
//! ```
//!
//! # What it does not do
//! It runs nothing, reads no files and fetches no dependencies; a package's claims about fees and resources
//! are read here and enforced elsewhere.
//!
//! # The types to know
//! - [`Package`]: a package that has passed every check. [`builder`] makes them.
//! - [`Manifest`], and the [`Policy`] that it derives: what binds a run.
//! - [`instructions::check`]: which modules may be capsules at all.
//! - [`fuel`]: what an operator costs and where a function pays. Sandbox and machine both charge by it.
//! - [`dependencies`]: all that a capsule needs, without cycles and within bounds.
//! - [`HostCall`], [`HostSet`], [`Tape`]: the host ABI.
//!
//! # Errors
//! [`Error`] says why bytes or text are not a capsule; [`instructions::Error`] and [`fuel::Error`] are the
//! parts about modules.
#![forbid(unsafe_code)]

pub mod abi;
pub mod builder;
pub mod dependencies;
mod error;
pub mod fuel;
pub mod instructions;
pub mod limits;
mod manifest;
mod package;
mod policy;

pub use crate::{
    abi::{HostCall, HostSet, Tape},
    error::{Error, Section},
    manifest::{Fees, Manifest, PayloadHash},
    package::Package,
    policy::{Net, Policy},
};
pub use nonos_types::BasisPoints;
