use std::sync::Arc;

use nonos_types::NodeId;
use tokio::sync::mpsc;

use super::{Event, gate::Gate};
use crate::wire::{Request, Response};

/// What nodes say when they meet. Of two nodes that use one key and dial the same peers, one may never be connected: as long as the
/// other is, a peer tells it no topics. So whoever dials says first what it says of itself, and is told what the peer has of it.
pub(super) struct Hello {
    me: NodeId,
    /// This node's newest descriptor.
    own: Option<Vec<u8>>,
    gate: Arc<Gate>,
    events: mpsc::Sender<Event>,
}

impl Hello {
    pub(super) fn new(me: NodeId, gate: Arc<Gate>, events: mpsc::Sender<Event>) -> Self {
        Self {
            me,
            own: None,
            gate,
            events,
        }
    }

    /// This is what the node says of itself from now on.
    pub(super) fn describe(&mut self, own: Vec<u8>) {
        self.own = Some(own);
    }

    /// What to say to who was dialled. Without a descriptor there is nothing to say yet.
    pub(super) fn to_say(&self) -> Option<Request> {
        let own = self.own.clone()?;
        Some(Request::Hello { own })
    }

    /// What the peer has of this node. It is verified elsewhere, where it holds up nobody.
    pub(super) fn heard(&self, from: NodeId, response: Response) {
        let Response::Hello(bytes) = response else {
            return;
        };
        if bytes.is_empty() {
            return;
        }
        let (me, gate, events) = (self.me, Arc::clone(&self.gate), self.events.clone());
        tokio::spawn(async move {
            let checked = tokio::task::spawn_blocking(move || gate.check(&bytes, from)).await;
            // What others say of themselves comes in other ways.
            if let Ok(Ok(message)) = checked
                && message.signer() == me
            {
                let _ = events.send(Event::Told { message, from }).await;
            }
        });
    }
}
