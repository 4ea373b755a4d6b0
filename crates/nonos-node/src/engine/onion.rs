//! The engine's part of the onion layer: who may be a hop, this node's keys for others, guards that last.

use std::ops::Bound;

use nonos_mesh::core::onion::{Guards, Mix};
use nonos_store::{Batch, Durability, Store, Table};
use nonos_types::{Message, NodeId, OnionKey, Timestamp};

use super::{Effect, Engine, Error, Origin};

/// Guards, and since when they are.
const GUARDS: Table<NodeId, Timestamp> = Table::new("onion-guard");
/// Seconds between two looks at who may be a hop.
const MIXES_S: u64 = 10;

/// The guards of the last run.
pub(crate) fn guards(store: &dyn Store) -> Result<Guards, Error> {
    let kept = GUARDS.entries(store, Bound::Unbounded, Guards::MOST)?;
    Ok(Guards::new(kept))
}

/// What the mesh was told.
#[derive(Debug, Default)]
pub(super) struct Hops {
    keys: Vec<OnionKey>,
    mixes: Vec<Mix>,
    at: Timestamp,
}

impl Engine {
    /// For this node's descriptor: none if it passes nothing on, the month's traffic being used up.
    pub(super) fn onion_keys(&self) -> Vec<OnionKey> {
        if self.is_spent() {
            return vec![];
        }
        self.hops.keys.clone()
    }

    /// Others must know these keys before they use them.
    pub(super) fn new_onion_keys(&mut self, keys: Vec<OnionKey>) -> Result<(), Error> {
        self.hops.keys = keys;
        self.describe()
    }

    pub(super) fn keep_guards(&mut self, guards: &Guards) -> Result<(), Error> {
        let mut batch = Batch::new();
        for (node, _) in GUARDS.entries(&*self.store, Bound::Unbounded, Guards::MOST)? {
            GUARDS.delete(&mut batch, &node);
        }
        for (node, since) in guards.chosen() {
            GUARDS.put(&mut batch, node, since);
        }
        Ok(self.store.write(&batch, Durability::Durable)?)
    }

    /// Says who may be a hop, when that has changed.
    pub(super) fn tick_onion(&mut self) -> Result<(), Error> {
        let now = self.now.time;
        let Some(settings) = self.config.onion.settings(self.config.directory.lan) else {
            return Ok(());
        };
        if now.get() < self.hops.at.get() + MIXES_S {
            return Ok(());
        }
        self.hops.at = now;
        let mut failed = None;
        let trust = |node| {
            if self.avoided.contains(&node) {
                return None;
            }
            let judged = (self.trust.is_blacklisted(node))
                .and_then(|out| Ok((!out).then_some(self.trust.standing(node, now)?.score.get())));
            judged.unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        };
        let mut mixes = Mix::of(&self.directory, self.me, &settings, now, trust);
        if self.is_spent() {
            // Without hops there is no cover.
            mixes.clear();
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        if mixes != self.hops.mixes {
            self.hops.mixes.clone_from(&mixes);
            self.effects.push(Effect::Mixes(mixes));
        }
        Ok(())
    }

    /// A message that somebody entrusted to this node is right: nobody else has gossiped it.
    pub(super) fn pass_on(&mut self, message: &Message, origin: &Origin) {
        if origin.entrusted {
            self.effects.push(Effect::Publish(Box::new(message.clone())));
        }
    }
}
