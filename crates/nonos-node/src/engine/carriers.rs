//! Who passed on receipts whose proofs do not hold. Each of them is asked whether it signed for having accepted that:
//! then it is guilty, and else it loses standing here.

use std::{collections::VecDeque, sync::Arc};

use nonos_mesh::core::journal::Heads;
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Accusation, BadRelay, Evidence, Inclusion, InvalidProof, MessageId, NodeId, Payload as _, Receipt,
    ReceiptId, RelayHead, Signed,
};

use super::{Effect, Engine, Error, Origin};

/// Receipts not checked yet of which is remembered who passed them on, and of those that one peer did.
const CARRIED: usize = 512;
const CARRIED_BY_ONE: usize = 64;
/// Invalid receipts of which is kept what shows that.
const SHOWN: usize = 16;
/// Questions that are open, and of those to one relay.
const SUSPECTS: usize = 64;
const SUSPECTS_OF_ONE: usize = 4;
/// Milliseconds in which a relay can show that it signed for something else: it signs every half minute.
const WINDOW_MS: u64 = 120_000;
/// Heads about which a relay is asked: those that are known at once, and the next four. Of so many hours, since the
/// last head of an hour is signed in the next one.
const ASKS: usize = 6;
const HOURS: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Carriers {
    /// The oldest make room, as they do below.
    carried: VecDeque<(NodeId, ReceiptId)>,
    shown: VecDeque<Arc<InvalidProof>>,
    suspects: Vec<Suspect>,
}

/// A relay, and an invalid receipt that came from it.
#[derive(Debug)]
struct Suspect {
    relay: NodeId,
    item: Arc<InvalidProof>,
    until_ms: u64,
    /// Heads about which it was asked.
    asked: Vec<MessageId>,
    /// Is an answer on its way?
    waiting: bool,
}

impl Suspect {
    fn is(&self, relay: NodeId, message: MessageId) -> bool {
        self.relay == relay && self.item.receipt.id() == message
    }

    /// The next head that can have the receipt in its log.
    fn next<'a>(&self, heads: &'a Heads) -> Option<&'a Signed<RelayHead>> {
        let mut known = heads.longest(self.relay).take(HOURS);
        let next = known.find(|head| !self.asked.contains(&head.id()));
        next.filter(|_| self.asked.len() < ASKS)
    }
}

impl Carriers {
    fn note(&mut self, relay: NodeId, id: ReceiptId) {
        let of_one = self.carried.iter().filter(|(by, _)| *by == relay).count();
        if of_one >= CARRIED_BY_ONE || self.carried.contains(&(relay, id)) {
            return;
        }
        if self.carried.len() == CARRIED {
            self.carried.pop_front();
        }
        self.carried.push_back((relay, id));
    }

    /// Who passed a receipt on.
    fn take(&mut self, id: ReceiptId) -> Vec<NodeId> {
        let carried = std::mem::take(&mut self.carried);
        let (taken, left): (VecDeque<_>, _) = carried.into_iter().partition(|(_, it)| *it == id);
        self.carried = left;
        taken.into_iter().map(|(relay, _)| relay).collect()
    }

    fn show(&mut self, item: InvalidProof) {
        if (item.tapes.len() + item.proof.len()) as u64 > Accusation::MAX.get() {
            return;
        }
        if self.shown.len() == SHOWN {
            self.shown.pop_front();
        }
        self.shown.push_back(Arc::new(item));
    }

    fn shown(&self, id: ReceiptId) -> Option<Arc<InvalidProof>> {
        let mut shown = self.shown.iter();
        shown.find(|it| it.receipt.receipt_id() == id).map(Arc::clone)
    }

    fn has_room(&self, relay: NodeId) -> bool {
        let of_one = self.suspects.iter().filter(|it| it.relay == relay).count();
        self.suspects.len() < SUSPECTS && of_one < SUSPECTS_OF_ONE
    }
}

impl Engine {
    /// Remembers who passed a receipt on until it is known to be right. Its executor's own fault is another.
    pub(super) fn carried(&mut self, it: &Signed<Receipt>, origin: &Origin) -> Result<(), Error> {
        let Some(relay) = origin.peer.filter(|peer| *peer != it.signer()) else {
            return Ok(());
        };
        let id = it.receipt_id();
        if self.bad.contains(&id) {
            return self.suspect(relay, it);
        }
        if !self.receipts.contains_key(&id) {
            self.carriers.note(relay, id);
        }
        Ok(())
    }

    /// A receipt is right: nobody is to blame.
    pub(super) fn found_good(&mut self, id: ReceiptId) {
        self.carriers.take(id);
    }

    /// A receipt's proof does not hold, as this shows.
    pub(super) fn found_bad(&mut self, item: InvalidProof) -> Result<(), Error> {
        let (id, receipt) = (item.receipt.receipt_id(), item.receipt.clone());
        self.bad.insert(id);
        self.carriers.show(item);
        for relay in self.carriers.take(id) {
            self.suspect(relay, &receipt)?;
        }
        Ok(())
    }

    /// What shows that a receipt's proof does not hold, if that was found of late.
    pub(super) fn shown_bad(&self, id: ReceiptId) -> Option<InvalidProof> {
        self.carriers.shown(id).map(|it| InvalidProof::clone(&it))
    }

    fn suspect(&mut self, relay: NodeId, receipt: &Signed<Receipt>) -> Result<(), Error> {
        let message = receipt.id();
        let asked = self.carriers.suspects.iter().any(|it| it.is(relay, message));
        if asked || !self.carriers.has_room(relay) || self.trust.is_blacklisted(relay)? {
            return Ok(());
        }
        let Some(item) = self.carriers.shown(receipt.receipt_id()) else {
            // Nobody else could be shown it.
            return self.passed_on_bad(relay, message);
        };
        self.carriers.suspects.push(Suspect {
            relay,
            item,
            until_ms: self.now.millis + WINDOW_MS,
            asked: vec![],
            waiting: false,
        });
        Ok(())
    }

    /// Asks relays about heads that are new, and has done with those whose time is over.
    pub(super) fn ask_relays(&mut self) -> Result<(), Error> {
        let mut open = Vec::new();
        for mut suspect in std::mem::take(&mut self.carriers.suspects) {
            if self.trust.is_blacklisted(suspect.relay)? {
                continue;
            }
            let message = suspect.item.receipt.id();
            if !suspect.waiting {
                if let Some(head) = suspect.next(&self.heads) {
                    suspect.asked.push(head.id());
                    suspect.waiting = true;
                    let head = Box::new(head.clone());
                    self.effects.push(Effect::AskRelay { message, head });
                } else if suspect.until_ms <= self.now.millis {
                    self.passed_on_bad(suspect.relay, message)?;
                    continue;
                }
            }
            open.push(suspect);
        }
        self.carriers.suspects = open;
        Ok(())
    }

    /// A relay has shown where in its log a message is, or has not.
    pub(super) fn relay_said(
        &mut self,
        message: MessageId,
        head: Signed<RelayHead>,
        inclusion: Option<Inclusion>,
    ) -> Result<(), Error> {
        let relay = head.signer();
        let mut suspects = self.carriers.suspects.iter_mut();
        let Some(suspect) = suspects.find(|it| it.is(relay, message)) else {
            return Ok(());
        };
        suspect.waiting = false;
        let Some(inclusion) = inclusion else {
            return Ok(());
        };
        let evidence = BadRelay {
            head,
            inclusion,
            item: InvalidProof::clone(&suspect.item),
        };
        // A false way is no answer.
        if evidence.is_included() {
            self.accuse_at_once(Evidence::BadRelay(Box::new(evidence)))?;
        }
        Ok(())
    }

    /// It came from this peer, which is known here and cannot be shown to others.
    fn passed_on_bad(&mut self, relay: NodeId, message: MessageId) -> Result<(), Error> {
        self.observe(relay, Context::Relay, Deed::Bad, Cause::Message(message))
    }
}
