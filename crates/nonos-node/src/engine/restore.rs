//! What this node has signed and does not know: because its data were put back to an older state, or because another
//! node has its key. It is noticed here, what comes back is kept, and the books go on when the operator says so.

use std::collections::BTreeSet;

use nonos_depin::{Heard, Reason, Received};
use nonos_store::{Batch, Durability, Table};
use nonos_types::{
    Amount, FeedHead, Incarnation, Message, NodeId, Offer, Sequence, Signed, Timestamp, Voucher,
};

use super::{Engine, Error, Need};
use crate::api::{RequestError, Resumption};

/// That a message with this node's signature came which it has not signed.
const DOUBLED: Table<NodeId, Timestamp> = Table::new("key-used-twice");
/// When the books were last resumed.
const RESUMED: Table<NodeId, Timestamp> = Table::new("books-resumed");
/// That vouchers may be in the journal and not in the books.
const UNBOOKED: Table<NodeId, Timestamp> = Table::new("books-unbooked");

/// Peers that are remembered to have been compared with.
const COMPARED: usize = 256;

/// What is known of this node's books elsewhere.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// The newest entry that this node is known to have signed.
    known: FeedHead,
    /// In which incarnation the books are here.
    incarnation: Incarnation,
    /// When they were resumed: what was signed before may come back at any time.
    resumed: Timestamp,
    /// Peers that have given all they have of this node.
    compared: BTreeSet<NodeId>,
    /// Vouchers in the journal that wait for others before them.
    unbooked: Vec<Signed<Voucher>>,
}

/// What a message says that this node has signed and does not know.
enum Says {
    /// It was signed before what is missing was given up.
    Past,
    /// Another node signs with this key, or entries are missing.
    Other,
    /// The same, and its books are in a later incarnation than these.
    Later,
}

impl Engine {
    /// Reads what is known, before anything is signed.
    pub(super) fn open_books(&mut self, behind: Option<FeedHead>) -> Result<(), Error> {
        self.loss.incarnation = self.ledger.incarnation()?;
        self.loss.resumed = RESUMED.get(&*self.store, &self.me)?.unwrap_or_default();
        if let Some(known) = behind {
            self.note(known);
        }
        let twice = DOUBLED.get(&*self.store, &self.me)?.is_some();
        self.doubled = twice || behind.is_some() || self.is_superseded();
        if self.doubled {
            self.ledger.stop();
        } else if UNBOOKED.get(&*self.store, &self.me)?.is_some() {
            self.book_back()?;
        }
        Ok(())
    }

    fn note(&mut self, head: FeedHead) {
        self.loss.known = self.loss.known.max(head);
    }

    /// A message of this node's is in the journal, or came back: how far does it say that the books go?
    pub(super) fn heard_of_books(&mut self, message: &Message) {
        match message {
            Message::Descriptor(it) => self.note(it.books.unwrap_or_default()),
            Message::Voucher(it) => self.note(FeedHead {
                incarnation: it.incarnation,
                ..FeedHead::NONE
            }),
            _ => {}
        }
    }

    /// Do the books go on elsewhere, in a later incarnation? Then nothing is signed here.
    pub(super) fn is_superseded(&self) -> bool {
        self.loss.known.incarnation > self.loss.incarnation
    }

    /// The incarnation of the books, for what must not be done again in another.
    pub(super) fn incarnation(&self) -> Incarnation {
        self.loss.incarnation
    }

    /// How far the books go, to be said to others.
    pub(super) fn said_of_books(&self) -> Result<Option<FeedHead>, Error> {
        let head = self.ledger.head()?;
        Ok((head != FeedHead::NONE).then_some(head))
    }

    /// A peer has given all it has.
    pub(super) fn compared_with(&mut self, peer: NodeId) {
        if self.loss.compared.len() < COMPARED {
            self.loss.compared.insert(peer);
        }
    }

    /// A message came with this node's signature that is not in its journal. It is kept: this node is bound by it, and
    /// only this node's key can make such messages.
    pub(super) fn saw_own(&mut self, message: Message) -> Result<(), Error> {
        let says = self.says(&message)?;
        self.heard_of_books(&message);
        let mut newer = false;
        if let Message::Descriptor(it) = &message {
            newer = it.sequence > self.said();
            self.saw_own_descriptor(it);
        }
        match says {
            // Peers keep one descriptor of a name, and that has to be this node's.
            Says::Past if newer && !self.doubled => self.describe()?,
            Says::Past => {}
            Says::Other | Says::Later => self.saw_double(&message)?,
        }
        self.take_back(message)
    }

    fn says(&self, message: &Message) -> Result<Says, Error> {
        let mine = self.loss.incarnation;
        let past = message.at() <= self.loss.resumed;
        Ok(match message {
            Message::Descriptor(it) => match self.ledger.hear(&it.books.unwrap_or_default())? {
                Heard::Later => Says::Later,
                // Who still says so hears from this node that the books go on here.
                _ if it.books.unwrap_or_default().incarnation < mine => Says::Past,
                Heard::Past | Heard::Ours | Heard::Elsewhere => Says::Other,
            },
            Message::Voucher(it) if it.incarnation > mine => Says::Later,
            Message::Voucher(it) if it.incarnation < mine && past => Says::Past,
            Message::Voucher(_) => Says::Other,
            _ if past => Says::Past,
            _ => Says::Other,
        })
    }

    /// Two nodes with one key would each pay for the same, so that this one pays, runs and offers nothing from now on.
    fn saw_double(&mut self, message: &Message) -> Result<(), Error> {
        if self.doubled {
            return Ok(());
        }
        tracing::error!(
            kind = message.kind().name(),
            later = self.is_superseded(),
            "another node signs with this node's key, or this node's data were lost"
        );
        self.doubled = true;
        self.ledger.stop();
        let mut batch = Batch::new();
        DOUBLED.put(&mut batch, &self.me, &self.now.time);
        self.store.write(&batch, Durability::Durable)?;
        // Peers keep one descriptor of a name. A newer one than the other's makes it notice, too.
        self.describe()
    }

    fn take_back(&mut self, message: Message) -> Result<(), Error> {
        if let Some(need) = self.lacks(&message)? {
            self.parked.park(need, message);
            return Ok(());
        }
        self.keep(&message, true)?;
        match &message {
            Message::Voucher(it) if !self.doubled => {
                self.mark_unbooked()?;
                self.loss.unbooked.push(it.clone());
                self.book_unbooked()
            }
            Message::Offer(it) => {
                if !self.doubled {
                    self.hold_again(it)?;
                }
                self.unpark(Need::Job(it.job()))
            }
            Message::Receipt(it) => self.unpark(Need::Receipt(it.receipt_id())),
            _ => Ok(()),
        }
    }

    /// What a message of this node's is about, and what is not here: read in the order of the journal, it would be lost.
    fn lacks(&self, message: &Message) -> Result<Option<Need>, Error> {
        let jobs = match message {
            Message::Claim(it) => vec![it.job],
            Message::Award(it) => vec![it.job],
            Message::Cancel(it) => vec![it.job],
            Message::Receipt(it) => vec![it.record.proven.job],
            Message::Voucher(it) => it.lines.iter().map(|line| line.job).collect(),
            Message::Verdict(it) => {
                let known =
                    self.receipts.contains_key(&it.receipt) || self.journal.receipt(it.receipt)?.is_some();
                return Ok((!known).then_some(Need::Receipt(it.receipt)));
            }
            Message::Descriptor(_) | Message::Offer(_) | Message::Accusation(_) | Message::RelayHead(_) => {
                vec![]
            }
        };
        for job in jobs {
            if !self.jobs.contains_key(&job) && self.journal.offer(job)?.is_none() {
                return Ok(Some(Need::Job(job)));
            }
        }
        Ok(None)
    }

    /// Sets aside again what an offer may cost that came back.
    fn hold_again(&mut self, offer: &Signed<Offer>) -> Result<(), Error> {
        let settled = self.jobs.get(&offer.job()).is_none_or(|job| job.settled);
        let most = offer.max_fee.atto().checked_mul(offer.slots.get().into());
        let (key, now) = (self.identity.signing_key(), self.now.time);
        match most {
            Some(most) if !settled => {
                let held = self.ledger.hold(offer.job(), Amount::from_atto(most), key, now);
                self.or_log(held)
            }
            _ => Ok(()),
        }
    }

    /// What the books refuse, while they are whole, is no reason to stop.
    fn or_log(&self, done: Result<(), nonos_depin::Error>) -> Result<(), Error> {
        match done {
            Err(error)
                if matches!(
                    error.fault(),
                    nonos_types::Fault::Caller | nonos_types::Fault::Peer
                ) =>
            {
                tracing::warn!(%error, "not booked");
                Ok(())
            }
            done => Ok(done?),
        }
    }

    fn mark_unbooked(&self) -> Result<(), Error> {
        let mut batch = Batch::new();
        UNBOOKED.put(&mut batch, &self.me, &self.now.time);
        Ok(self.store.write(&batch, Durability::Durable)?)
    }

    /// The vouchers of this node, and those to it, that are in the journal and not in the books.
    fn unbooked(&self) -> Result<Vec<Signed<Voucher>>, Error> {
        let mut found = Vec::new();
        let mut after = Sequence::ZERO;
        loop {
            let page = self.journal.after(after, 1000)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, bytes) in &page {
                if let Ok(Message::Voucher(it)) = Message::from_bytes_of_any_kind(bytes)
                    && (it.signer() == self.me || it.payee == self.me)
                    && !self.ledger.has(&it)?
                {
                    found.push(it);
                }
            }
        }
        Ok(found)
    }

    /// Books what is in the journal and not in the books.
    fn book_back(&mut self) -> Result<(), Error> {
        self.loss.unbooked = self.unbooked()?;
        self.book_unbooked()
    }

    /// Books what it can of the vouchers that wait, in their order.
    pub(super) fn book_unbooked(&mut self) -> Result<(), Error> {
        if self.doubled || self.loss.unbooked.is_empty() {
            return Ok(());
        }
        let mut waiting = std::mem::take(&mut self.loss.unbooked);
        waiting.sort_by_key(|it| (it.signer(), it.payee, it.incarnation, it.sequence));
        for voucher in waiting {
            let (key, now) = (self.identity.signing_key(), self.now.time);
            let booked = if voucher.signer() == self.me {
                self.ledger.take_back(&voucher, key, now)
            } else {
                self.ledger.receive(&voucher, key, now)
            };
            match booked {
                Ok(Received::Booked) if voucher.payee == self.me => self.booked_voucher(&voucher)?,
                Ok(Received::Booked | Received::Known) => {}
                Ok(Received::Gap { .. }) => self.loss.unbooked.push(voucher),
                Err(error) => self.or_log(Err(error))?,
            }
        }
        if self.loss.unbooked.is_empty() {
            let mut batch = Batch::new();
            UNBOOKED.delete(&mut batch, &self.me);
            self.store.write(&batch, Durability::Durable)?;
        }
        Ok(())
    }

    /// Goes on in a new incarnation, or says what that would mean.
    pub(super) fn resume_books(
        &mut self,
        confirmed: bool,
        accept_fork_risk: bool,
    ) -> Result<Result<Resumption, RequestError>, Error> {
        let refuse = |message: &str, fault: &str| {
            Ok(Err(RequestError {
                message: message.to_owned(),
                fault: fault.to_owned(),
            }))
        };
        if !self.doubled {
            return refuse(
                "nothing is to be resumed: these books are not known to be behind, nor their key to be used elsewhere",
                "caller",
            );
        }
        let head = self.ledger.head()?;
        let known = self.loss.known.max(head);
        let Some(incarnation) = (known.incarnation)
            .checked_add(Incarnation::new(1))
            .filter(|it| *it <= nonos_depin::MAX_INCARNATION)
        else {
            return refuse(
                "no key has more incarnations than this one had: make a new one with `operator init`",
                "caller",
            );
        };
        let asked: Vec<NodeId> = self.loss.compared.iter().copied().collect();
        if confirmed && asked.is_empty() && !accept_fork_risk {
            return refuse(
                "no peer has been asked what it has of this node: connect to some and wait a minute, or give \
                 --accept-fork-risk, if there are none",
                "environment",
            );
        }
        let unbooked = self.unbooked()?;
        let (own, theirs): (Vec<_>, Vec<_>) = unbooked.iter().partition(|it| it.signer() == self.me);
        let sum = |vouchers: &[&Signed<Voucher>]| {
            let lines = vouchers.iter().flat_map(|it| &it.lines);
            lines.fold(Amount::ZERO, |sum, line| {
                sum.checked_add(line.amount).unwrap_or(sum)
            })
        };
        let mut view = Resumption {
            done: false,
            head,
            known,
            incarnation,
            asked,
            own_vouchers: own.len(),
            owed: sum(&own),
            vouchers: theirs.len(),
            earned: sum(&theirs),
            warnings: self.warnings_of_resuming(head, known),
        };
        if !confirmed {
            return Ok(Ok(view));
        }
        let reason = if known > head {
            Reason::Behind
        } else {
            Reason::Doubled
        };
        let (key, now) = (self.identity.signing_key(), self.now.time);
        match self.ledger.resume(known, reason, key, now) {
            Ok(_) => {}
            Err(error) if error.fault() == nonos_types::Fault::Caller => {
                return refuse(&error.to_string(), "caller");
            }
            Err(error) => return Err(error.into()),
        }
        let mut batch = Batch::new();
        RESUMED.put(&mut batch, &self.me, &now);
        UNBOOKED.put(&mut batch, &self.me, &now);
        DOUBLED.delete(&mut batch, &self.me);
        self.store.write(&batch, Durability::Durable)?;
        (self.loss.incarnation, self.loss.resumed) = (incarnation, now);
        self.doubled = false;
        view.done = true;
        self.book_back()?;
        self.take_up_jobs()?;
        self.take_roles()?;
        self.describe()?;
        self.tick()?;
        Ok(Ok(view))
    }

    fn warnings_of_resuming(&self, head: FeedHead, known: FeedHead) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.is_superseded() {
            warnings.push(
                "the books go on elsewhere: if that is another node that still runs, it stops when these are resumed. \
                 Do it only if its data are lost"
                    .to_owned(),
            );
        }
        if known.incarnation == head.incarnation && known.sequence > head.sequence {
            warnings.push(format!(
                "entries {} to {} are lost: what of them paid others is owed still, and comes back from those who \
                 were paid; holds and claims do not",
                head.sequence.get() + 1,
                known.sequence
            ));
        } else {
            warnings.push("how many entries are lost, if any, no peer has said".to_owned());
        }
        warnings.push(
            "what this node signed and no peer has given back yet it may sign for again: a fee that it pays twice \
             counts once, but two executors of one slot may both be paid"
                .to_owned(),
        );
        warnings.push(
            "let no other node use this key: one that still does stops when it hears of these books"
                .to_owned(),
        );
        warnings
    }

    /// What is set aside for this node's open jobs, and asked of others for what it ran, is in the new books again.
    fn take_up_jobs(&mut self) -> Result<(), Error> {
        let own: Vec<Signed<Offer>> = (self.jobs.values())
            .filter(|job| job.offer.signer() == self.me)
            .map(|job| job.offer.clone())
            .collect();
        for offer in own {
            self.hold_again(&offer)?;
        }
        let ran: Vec<_> = (self.receipts.values())
            .filter(|it| it.signer() == self.me)
            .filter_map(|it| Some((it.clone(), self.jobs.get(&it.record.proven.job)?.offer.signer())))
            .filter(|(_, requester)| *requester != self.me)
            .collect();
        for (receipt, requester) in ran {
            let (key, now) = (self.identity.signing_key(), self.now.time);
            let claimed = self.ledger.claim(&receipt, requester, key, now);
            self.or_log(claimed)?;
        }
        self.open.extend(self.jobs.keys().copied());
        Ok(())
    }
}
