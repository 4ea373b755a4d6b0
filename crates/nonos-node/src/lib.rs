//! An operator node to embed: it runs, proves, verifies and pays for capsules with its peers.
//!
//! ```
//! use nonos_node::{Config, Conduct, DataDir, Node, NodeOptions, Proofs, api, init};
//! use nonos_trust::keystore::{self, Cost, Passphrase};
//! use std::{num::NonZeroUsize, sync::Arc};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("node");
//! let passphrase = Passphrase::new(b"correct horse battery staple".to_vec())?;
//! let config = "network = \"example\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n\
//!     [sandbox]\nmode = \"in-process\"\n";
//! let id = init(&path, &passphrase, Cost::MIN, config)?;
//!
//! let data = DataDir::open(&path)?;
//! let identity = keystore::open(&data.keystore(), &passphrase)?;
//! let proofs = Proofs::new(data.params(), NonZeroUsize::MIN, NonZeroUsize::MIN)?;
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! let node = Node::start(NodeOptions {
//!     data,
//!     identity,
//!     config: Config::parse(config)?,
//!     proofs: Arc::new(proofs),
//!     conduct: Conduct::Honest,
//!     old_books: false,
//! })
//! .await?;
//! let status: api::Status = serde_json::from_value(node.handle().ask(api::Request::Status).await?)?;
//! assert_eq!(status.id, id);
//! node.shutdown().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! How it works: it has no scheduler above it and asks no server: jobs are offered, claimed and awarded by signed messages, and what
//! it knows of them is the sequence of messages that it has accepted, its journal. A restart reads the journal again.
//! Nodes that no network joins are given the same by [`api::Request::ExportBundle`] and
//! [`api::Request::ImportBundle`], in a file that somebody carries.
//!
//! # What it does not do
//! It hides from nobody who it talks to. It anchors its books where its configuration says, if anywhere, and when it is asked to ([`api::SettleAsk`]).
//!
//! # The types to know
//! - [`Node`] and [`Handle`]: a running node, and how to ask it; [`api`] has the questions and answers.
//! - [`DataDir`] and [`init`]: where it keeps everything; [`backup`] and [`restore`]: how it comes to another machine; [`Config`]: what its operator wants.
//! - [`Client`]: asks a node of another process over its socket.
//! - [`Proofs`]: its proof systems, [`Backends`], behind a queue; [`choice`] says which proves what.
//! - [`check_accusation`]: evidence, checked without a node.
//!
//! # Errors
//! [`Error`] of starting, [`api::RequestError`] of asking, [`ClientError`] of the socket; `fault()` says who must act.
//!
//! # Features
//! | feature | default | gives | brings |
//! |---|---|---|---|
//! | `rocksdb` | on | data kept by RocksDB, which new directories take if it is there | C++, libclang |
//! | `redb` | off | data kept by redb | – |
//!
//! At least one is wanted. A data directory says which store keeps it.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "rocksdb", feature = "redb")))]
compile_error!("a node needs a store: feature `rocksdb` or `redb`");

pub mod api;
mod backends;
mod channel;
mod checkpoint;
pub mod choice;
mod client;
mod clock;
mod config;
mod database;
mod datadir;
mod engine;
mod error;
mod http;
mod journal;
mod machine;
mod node;
mod objects;
mod proofs;
mod relay;
mod restore;
mod sealed;
mod server;
mod settle;
mod whole;
mod worker;

pub use crate::{
    backends::Backends,
    client::{Client, ClientError},
    config::{
        AnchorName, Config, ConfigError, CoverName, Credit, Directory, Disk, Evm, Executor, Family, Http,
        HttpListen, HttpListenError, Known, Limits, Memory, Mesh, MetricsAccess, Monthly, Onion, Overridden,
        Percent, Pin, Pins, Policy, Probe, ProfileName, Proving, QuietHours, Sandbox, SandboxMode,
        Settlement, Upload, Verifier,
    },
    database::{DatabaseError, open_store},
    datadir::{DataDir, DataDirError},
    error::Error,
    http::{Link, LinkError},
    node::{Conduct, Handle, Node, NodeOptions, check_accusation, init},
    proofs::Proofs,
    restore::{BooksView, Restored, backup, check_books, restore},
};
pub use nonos_mesh::core::Invitation;
