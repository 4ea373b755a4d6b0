//! The onion layer: who asks what of whom is hidden from everybody between, and from whoever is asked. A machine without
//! network, clock or randomness of its own: [`Onion`].
//!
//! Every node is a mix. A message is cut into fragments that each fill a [`Frame`], all of one length, wrapped in a layer
//! for each hop (Sphinx, Danezis and Goldberg 2009, in the crate `sphinx-packet`). A hop takes off its layer, holds the
//! frame for the time that the sender drew, and passes it on. Answers come back in reply blocks that the asker sent along.
//! Frames go out at random times whether or not there is something to send (Loopix, Piotrowska et al. 2017).
//!
//! It does not hide that a node takes part; nor, from somebody who sees every link, who talks to whom in a mesh of few
//! nodes: [`Anonymity`] says how many there are. A hop that damages a payload, and the node it ends at, can together
//! recognise that frame. It is specified in `docs/spec/onion.md`.

mod anonymity;
mod fragment;
mod frame;
mod guards;
mod health;
mod keys;
mod machine;
mod mix;
mod mixer;
mod packet;
mod profile;
mod requests;
mod route;

pub use self::{
    anonymity::{Anonymity, Counts, Hiding},
    frame::{BadFrame, Frame},
    guards::Guards,
    keys::Period,
    machine::{Input, Moment, Onion, Output},
    mix::Mix,
    packet::Refused,
    profile::{Cover, Settings},
    requests::{Ask, NotHidden, Reply, RequestId, Target},
};

#[cfg(test)]
mod tests;
