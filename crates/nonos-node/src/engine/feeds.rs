//! The books of those this node deals with: what they sign in one place they must not sign otherwise in the same. Each shows its
//! entries to who has dealings with it; this node follows them, keeps the newest, and asks others for one that it should have seen.

mod kept;

use std::{collections::BTreeMap, ops::Bound};

use nonos_depin::Entry;
use nonos_mesh::core::feed::{Answer, Ask, Asked, Refused};
use nonos_store::{Batch, Durability, Table};
use nonos_trust::{Cause, Context, Deed};
use nonos_types::{
    Descriptor, EntryDigest, Evidence, FeedFork, FeedHead, NodeId, Sequence, Signed, Timestamp,
};

pub(super) use self::kept::{Agrees, Heard, Kept};
use super::{Effect, Engine, Error};
use crate::Conduct;

/// The newest entries that were seen of a node's books.
const KEPT: Table<NodeId, Vec<u8>> = Table::new("feed-kept");
/// Nodes whose books are followed.
const FOLLOWED: usize = 256;
/// Seconds between two looks at who is to be asked, between two questions to one node, after one that it did not answer, and
/// after one with whose answer something was amiss.
const LOOK_S: u64 = 10;
const AGAIN_S: u64 = 600;
const LATER_S: u64 = 60;
const SOON_S: u64 = 20;
/// Seconds for which something may be amiss: a node that was put back to an older state knows it by then.
const AMISS_S: u64 = 120;
/// Peers that are asked for an entry of another.
const OTHERS: usize = 16;

/// Whose books are followed, and how far that is.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    followed: BTreeMap<NodeId, Followed>,
    looked: Timestamp,
    asked: Asked,
}

#[derive(Debug, Default)]
struct Followed {
    /// When to ask it next.
    due: Timestamp,
    asking: bool,
    /// Its newest entry is to be asked for: it says that its books go on in a later incarnation.
    newest: bool,
    /// A head that it has signed in a descriptor, and that its entries have not reached yet.
    told: Option<FeedHead>,
    /// Since when something has been amiss.
    amiss: Option<Timestamp>,
    /// That was counted.
    blamed: bool,
}

impl Engine {
    /// Reads whose books were followed before.
    pub(super) fn read_feeds(&mut self) -> Result<(), Error> {
        for (peer, _) in KEPT.entries(&*self.store, Bound::Unbounded, FOLLOWED)? {
            self.feeds.followed.insert(peer, Followed::default());
        }
        Ok(())
    }

    /// Asks those it has dealings with, each in its time.
    pub(super) fn tick_feeds(&mut self) -> Result<(), Error> {
        let now = self.now.time;
        if now.get() >= self.feeds.looked.get() + LOOK_S {
            self.feeds.looked = now;
            for peer in self.connected.keys().copied().collect::<Vec<_>>() {
                self.follow(peer)?;
            }
        }
        let is_due = |it: &Followed| !it.asking && it.due <= now;
        let due: Vec<NodeId> = (self.feeds.followed.iter())
            .filter(|(peer, it)| is_due(it) && self.connected.contains_key(peer))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in due {
            let head = self.kept_of(peer)?.head();
            let Some(it) = self.feeds.followed.get_mut(&peer) else {
                continue;
            };
            it.asking = true;
            let from = if it.newest { Sequence::ZERO } else { head.sequence };
            let ask = Ask::Range { from };
            self.effects.push(Effect::AskFeed { peer, ask });
        }
        Ok(())
    }

    /// Follows the books of a node from now on, if this one has dealings with it; does it already?
    fn follow(&mut self, peer: NodeId) -> Result<bool, Error> {
        if self.feeds.followed.contains_key(&peer) {
            return Ok(true);
        }
        if peer == self.me || !self.ledger.has_dealt_with(peer)? || self.trust.is_blacklisted(peer)? {
            return Ok(false);
        }
        if self.feeds.followed.len() >= FOLLOWED {
            let gone = self
                .feeds
                .followed
                .keys()
                .find(|it| !self.connected.contains_key(it));
            let Some(gone) = gone.copied() else {
                return Ok(false);
            };
            self.feeds.followed.remove(&gone);
            let mut batch = Batch::new();
            KEPT.delete(&mut batch, &gone);
            self.store.write(&batch, Durability::Buffered)?;
        }
        self.feeds.followed.insert(peer, Followed::default());
        Ok(true)
    }

    pub(super) fn kept_of(&self, peer: NodeId) -> Result<Kept, Error> {
        let bytes = KEPT.get(&*self.store, &peer)?;
        Ok(bytes.map_or_else(Kept::default, |bytes| Kept::from_bytes(&bytes)))
    }

    /// A node says how far its books go.
    pub(super) fn saw_books(&mut self, it: &Signed<Descriptor>) -> Result<(), Error> {
        let (peer, now) = (it.signer(), self.now.time);
        let Some(head) = it.books else { return Ok(()) };
        if !self.follow(peer)? {
            return Ok(());
        }
        let agrees = self.kept_of(peer)?.agrees(&head);
        let Some(followed) = self.feeds.followed.get_mut(&peer) else {
            return Ok(());
        };
        match agrees {
            Agrees::Same | Agrees::Past => {}
            Agrees::Beyond | Agrees::Other => {
                followed.told = Some(head);
                followed.due = now;
            }
        }
        if agrees == Agrees::Other {
            self.ask_others(peer, head.digest);
        }
        Ok(())
    }

    /// Who else has seen the entry that a node has named, and does not show to this one?
    fn ask_others(&mut self, author: NodeId, digest: EntryDigest) {
        let ask = Ask::Named { author, digest };
        let others = self.connected.keys().filter(|it| **it != author);
        let asks = others
            .take(OTHERS)
            .map(|peer| Effect::AskFeed { peer: *peer, ask });
        let asks: Vec<Effect> = asks.collect();
        self.effects.extend(asks);
    }

    /// The answer of a peer; none if it did not answer.
    pub(super) fn feed_said(&mut self, peer: NodeId, ask: Ask, answer: Option<Answer>) -> Result<(), Error> {
        match (ask, answer) {
            (Ask::Range { .. }, answer) => self.range_said(peer, answer),
            (Ask::Named { author, digest }, Some(Answer::Entries { entries, .. })) => {
                let entry = entries
                    .first()
                    .and_then(|bytes| Signed::<Entry>::from_bytes(bytes).ok());
                let named = |it: &Signed<Entry>| {
                    it.signer() == author && it.network == self.network && it.digest(author) == digest
                };
                if let Some(entry) = entry.filter(named)
                    && let Some(fork) = self.kept_of(author)?.fork(&entry)
                {
                    self.saw_fork(fork)?;
                }
                Ok(())
            }
            (Ask::Named { .. }, _) => Ok(()),
        }
    }

    fn range_said(&mut self, peer: NodeId, answer: Option<Answer>) -> Result<(), Error> {
        let now = self.now.time;
        let Some(followed) = self.feeds.followed.get_mut(&peer) else {
            return Ok(());
        };
        followed.asking = false;
        let newest = std::mem::take(&mut followed.newest);
        let (head, entries) = match answer {
            None => {
                followed.due = Timestamp::new(now.get() + LATER_S);
                return Ok(());
            }
            // Who has stopped them knows that something is amiss, and shows no entry as its own until it goes on.
            Some(Answer::Refused(why)) => {
                tracing::debug!(%peer, ?why, "its books are not shown");
                followed.due = Timestamp::new(now.get() + AGAIN_S);
                (followed.amiss, followed.told) = (None, None);
                return Ok(());
            }
            Some(Answer::Entries { head, entries }) => (head, entries),
        };
        followed.due = Timestamp::new(now.get() + AGAIN_S);
        let mut kept = self.kept_of(peer)?;
        match kept.hear(peer, self.network, &head, &entries) {
            Heard::Fork(fork) => self.saw_fork(*fork),
            Heard::Amiss(why) => self.amiss(peer, why),
            Heard::Newest if newest => self.amiss(peer, "it says that it goes on, and does not show where"),
            Heard::Newest => {
                if let Some(followed) = self.feeds.followed.get_mut(&peer) {
                    (followed.newest, followed.due) = (true, now);
                }
                Ok(())
            }
            Heard::On { more } => {
                let mut batch = Batch::new();
                KEPT.put(&mut batch, &peer, &kept.to_bytes());
                self.store.write(&batch, Durability::Buffered)?;
                self.reached(peer, &kept, more)
            }
        }
    }

    /// Its entries go on up to there: do they come to the head that it has signed?
    fn reached(&mut self, peer: NodeId, kept: &Kept, more: bool) -> Result<(), Error> {
        let now = self.now.time;
        let Some(followed) = self.feeds.followed.get_mut(&peer) else {
            return Ok(());
        };
        if more {
            followed.due = now;
            return Ok(());
        }
        let told = followed.told;
        match told.map_or(Agrees::Same, |it| kept.agrees(&it)) {
            Agrees::Same | Agrees::Past => {
                (followed.told, followed.amiss, followed.blamed) = (None, None, false);
                Ok(())
            }
            Agrees::Beyond => self.amiss(
                peer,
                "its books end before the entry that it has named as the newest",
            ),
            Agrees::Other => {
                if let Some(it) = told {
                    self.ask_others(peer, it.digest);
                }
                self.amiss(peer, "its books have another entry where it has named one")
            }
        }
    }

    /// What a node shows of its books is not as it must be. One that was put back to an older state comes to know that from its
    /// peers within a minute or so, and stops them; who goes on has a bad deed.
    fn amiss(&mut self, peer: NodeId, why: &'static str) -> Result<(), Error> {
        let now = self.now.time;
        let said = self.directory.get(peer).map(Signed::id);
        let Some(followed) = self.feeds.followed.get_mut(&peer) else {
            return Ok(());
        };
        followed.due = Timestamp::new(now.get() + SOON_S);
        let since = *followed.amiss.get_or_insert(now);
        tracing::warn!(%peer, why, "its books are not as they must be");
        let lasts = now.get() >= since.get() + AMISS_S;
        if let Some(said) = said
            && lasts
            && !followed.blamed
        {
            followed.blamed = true;
            self.observe(peer, Context::Pay, Deed::Bad, Cause::Message(said))?;
        }
        Ok(())
    }

    /// Two entries in one place.
    fn saw_fork(&mut self, fork: FeedFork) -> Result<(), Error> {
        let author = fork.subject();
        if self.is_nobody(author) || self.trust.is_blacklisted(author)? {
            return Ok(());
        }
        self.accuse_at_once(Evidence::FeedFork(Box::new(fork)))
    }

    /// A peer asks for entries; none if it asks too often.
    pub(super) fn feed_asked(&mut self, from: NodeId, ask: Ask) -> Result<Option<Answer>, Error> {
        if !self.feeds.asked.may(from, self.now.time) {
            return Ok(None);
        }
        Ok(Some(match ask {
            Ask::Range { from: first } => self.range_for(from, first)?,
            Ask::Named { author, digest } => {
                let kept = self.kept_of(author)?;
                let named = kept.entries().find(|it| it.digest(author) == digest);
                named.map_or(Answer::NONE, |it| {
                    Answer::fitting(FeedHead::NONE, [it.to_bytes()])
                })
            }
        }))
    }

    fn range_for(&self, peer: NodeId, first: Sequence) -> Result<Answer, Error> {
        if !self.ledger.has_dealt_with(peer)? {
            return Ok(Answer::Refused(Refused::Stranger));
        }
        if self.doubled {
            return Ok(Answer::Refused(Refused::Stopped));
        }
        if self.conduct == Conduct::ForkBooks && peer.as_bytes()[0] % 2 == 1 {
            return self.forked(first);
        }
        let head = self.ledger.head()?;
        let first = if first == Sequence::ZERO {
            head.sequence
        } else {
            first
        };
        let before = Sequence::new(first.get().saturating_sub(1));
        let entries = self.ledger.feed(before, Answer::MAX_ENTRIES)?;
        Ok(Answer::fitting(head, entries.iter().map(Signed::to_bytes)))
    }

    /// Other books than the true ones, from the first entry on: that is what [`Conduct::ForkBooks`] is.
    fn forked(&self, first: Sequence) -> Result<Answer, Error> {
        let mut head = FeedHead::NONE;
        let mut entries = Vec::new();
        for it in self.ledger.feed(Sequence::ZERO, usize::MAX)? {
            let other = Entry {
                prev: head.digest,
                at: Timestamp::new(it.at.get() + 1),
                ..it.value().clone()
            };
            head = FeedHead {
                incarnation: other.incarnation,
                sequence: other.sequence,
                digest: other.digest(self.me),
            };
            entries.push(Signed::new(other, self.identity.signing_key()));
        }
        let first = if first == Sequence::ZERO {
            head.sequence
        } else {
            first
        };
        let shown = entries.iter().filter(|it| it.sequence >= first);
        Ok(Answer::fitting(head, shown.map(Signed::to_bytes)))
    }
}
