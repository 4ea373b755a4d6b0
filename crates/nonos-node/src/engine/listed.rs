//! What is known of nodes beyond their descriptors, over restarts: since when they are listed, and by whom they were shown.

use std::ops::Bound;

use nonos_mesh::core::Seen;
use nonos_store::{Batch, Durability, Table};
use nonos_types::NodeId;

use super::{Engine, Error};

const SEEN: Table<NodeId, Vec<u8>> = Table::new("directory-seen");

impl Engine {
    /// Before the journal says who is listed.
    pub(super) fn read_seen(&mut self) -> Result<(), Error> {
        let most = self.config.directory.most;
        for (node, seen) in SEEN.entries(&*self.store, Bound::Unbounded, most)? {
            // What another version has written is not known.
            if let Some(seen) = Seen::from_bytes(&seen) {
                self.directory.remember(node, seen);
            }
        }
        Ok(())
    }

    /// Keeps what has changed. What a crash loses of it is seen again.
    pub(super) fn keep_seen(&mut self) -> Result<(), Error> {
        let changed = self.directory.take_changed();
        if changed.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for (node, seen) in changed {
            match seen {
                Some(seen) => SEEN.put(&mut batch, &node, &seen.to_bytes()),
                None => SEEN.delete(&mut batch, &node),
            }
        }
        Ok(self.store.write(&batch, Durability::Buffered)?)
    }
}
