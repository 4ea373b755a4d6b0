//! The mesh of operator nodes: signed messages gossiped, objects fetched, over TCP and QUIC, with no server and no DNS.
//!
#![cfg_attr(feature = "net", doc = "```")]
#![cfg_attr(not(feature = "net"), doc = "```text")]
//! use std::sync::Arc;
//!
//! use ed25519_dalek::SigningKey;
//! use nonos_mesh::{Acceptance, Config, Cursor, Event, Limits, Object, Objects, Page, Part, start};
//! use nonos_types::{ByteLen, Claim, Clock, JobId, Message, NetworkId, Shards, Signed, Slot, Timestamp};
//!
//! struct Fixed;
//! impl Clock for Fixed {
//!     fn now(&self) -> Timestamp {
//!         Timestamp::new(1_800_000_000)
//!     }
//! }
//!
//! struct Nothing;
//! impl Objects for Nothing {
//!     fn read(&self, _: &Object, _: ByteLen, _: ByteLen) -> Option<Part> {
//!         None
//!     }
//!     fn messages_after(&self, cursor: Cursor, _: usize) -> Page {
//!         Page { next: cursor, messages: vec![] }
//!     }
//! }
//!
//! let network = NetworkId::named("example");
//! let config = |peers| Config {
//!     network,
//!     listen: vec!["/ip4/127.0.0.1/tcp/0".parse().expect("an address")],
//!     peers,
//!     limits: Limits::default(),
//!     clock: Arc::new(Fixed),
//!     shards: Shards::ALL,
//!     onion: None,
//! };
//! let (alice, bob) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let (of_alice, mut at_alice) = start(config(vec![]), &alice, Arc::new(Nothing))?;
//! let Some(Event::Listening(address)) = at_alice.recv().await else { panic!("not listening") };
//! let (of_bob, mut at_bob) = start(config(vec![address]), &bob, Arc::new(Nothing))?;
//! while !matches!(at_bob.recv().await, Some(Event::Connected(_))) {}
//!
//! let claim = Claim { network, job: JobId::ZERO, slot: Slot::ZERO, at: Fixed.now(), box_key: None };
//! let claim = Message::from(Signed::new(claim, &bob));
//! of_bob.publish(&claim).await?;
//! let message = loop {
//!     match at_alice.recv().await {
//!         Some(Event::Message { message, ticket, .. }) => {
//!             of_alice.report(ticket, Acceptance::Accept).await; // and now to others
//!             break message;
//!         }
//!         Some(_) => continue,
//!         None => panic!("shut down"),
//!     }
//! };
//! assert_eq!(message, claim);
//! # of_alice.shutdown().await;
//! # of_bob.shutdown().await;
//! # Ok::<_, nonos_mesh::Error>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//! It knows no proofs, no ledger and no trust: what a message says is for the application to judge, which is asked
//! before the message goes on to others, and says what it thinks of a peer. Gossip is not delivery: a node that was
//! away asks its peers for what it missed. What a node fetches or publishes by [`Mesh::fetch_hidden`] and [`Mesh::publish_hidden`] is hidden as far as there are nodes to hide
//! among; all else shows who talks to whom. It resolves no names, opens no port
//! in a router, and looks for no peers that it was not told of.
//!
//! # The types to know
//! - [`start`]: a [`Mesh`] to command and the [`Events`] to hear, from a [`Config`].
//! - [`Mesh`]: publish, report, fetch, catch up, block.
//! - [`Event`]: messages that passed every cheap check, and peers coming and going.
//! - [`Objects`]: what this node gives to others.
//! - [`core`]: the rules, without a network, and without tokio: all there is without the feature `net`.
//!
//! # Errors
//! [`Error`] of the mesh, [`FetchError`] of one peer, [`Refusal`] of one message; `fault()` says who must act.
//!
//! # Features
//! | feature | default | gives | brings |
//! |---|---|---|---|
//! | `net` | on | the node itself: [`start`] | libp2p, tokio |
//!
//! The protocols are specified in `docs/spec/mesh.md`.

pub mod core;
#[cfg(feature = "net")]
mod net;
mod object;
#[cfg(feature = "net")]
mod wire;

#[cfg(feature = "net")]
pub use crate::net::{
    Config, Error, Event, Events, FetchError, HiddenError, Limits, Mesh, OnionConfig, PeerInfo, Ticket,
    Traffic, Weight, node_id, start, with_peer,
};
pub use crate::{
    core::{Acceptance, Drops, Refusal},
    object::{Cursor, Object, Objects, Page, Part},
};
#[cfg(feature = "net")]
pub use libp2p::{Multiaddr, multiaddr::Protocol};
