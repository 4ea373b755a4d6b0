//! What a relay says it has accepted: a log for each hour, its signed heads, and proofs of what is in it. That makes a
//! relay answer for what it let through.

mod heads;
mod log;
mod serve;
mod wire;

use std::collections::BTreeMap;

use nonos_types::{Consistency, Epoch, Inclusion, MessageId, NetworkId, RelayHead, Signed, Timestamp};

use self::log::Log;
pub use self::{
    heads::{Heads, Seen},
    serve::Serve,
    wire::{Answer, Ask},
};

/// A relay's own journal.
///
/// Two logs of one hour are a fault that convicts whoever signs heads of both. Whoever starts again therefore begins
/// with the hour after the last one it can have signed a head of; [`Journal::new`] asks for that, and
/// [`Journal::resume`] sees to it.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_mesh::core::journal::{Answer, Ask, Journal};
/// use nonos_types::{Epoch, MessageId, NetworkId, Signed, Timestamp};
///
/// let now = Timestamp::new(1_800_000_000);
/// let mut journal = Journal::new(NetworkId::named("example"), None);
/// let message = MessageId::hash(&[b"a message"]);
/// assert!(journal.accept(message, now));
///
/// let head = journal.due(now).expect("nothing was signed yet");
/// let head = Signed::new(head, &SigningKey::from_bytes(&[1; 32]));
/// journal.signed(&head);
/// assert_eq!(journal.due(now), None); // nothing new
///
/// let ask = Ask::Include { epoch: Epoch::of(now), message, head: head.id() };
/// let Answer::Included(inclusion) = journal.answer(&ask) else { panic!("it is there") };
/// assert_eq!(inclusion.root(&message, head.size), Some(head.root));
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    network: NetworkId,
    /// No log of this hour or an earlier one is begun.
    after: Option<Epoch>,
    logs: BTreeMap<Epoch, Log>,
    last: Option<(MessageId, Timestamp)>,
}

impl Journal {
    /// Seconds between heads.
    pub const INTERVAL: u64 = 30;
    /// Hours for which logs are kept, in which what a relay accepted can be asked for: a week.
    pub const KEPT: u64 = 7 * 24;
    /// Messages in all logs together, at about 130 bytes each. If there are more, the oldest logs are dropped before
    /// their time, but never the newest.
    pub const MOST: u64 = 1 << 18;

    /// An empty one. `after` is the last hour of which this node can have signed a head, in this run or an earlier
    /// one: who does not know better gives the hour it starts in, and journals from the next one on.
    pub fn new(network: NetworkId, after: Option<Epoch>) -> Self {
        Self {
            network,
            after,
            logs: BTreeMap::new(),
            last: None,
        }
    }

    /// That of a node that starts, with the last head it knows to have signed: it begins with the next hour, since
    /// data can be restored that know less than was signed.
    pub fn resume(network: NetworkId, last: Option<&Signed<RelayHead>>, now: Timestamp) -> Self {
        // A clock that was set back must not lead back into an hour of which there is a head.
        let hour = last.map_or(Epoch::ZERO, |it| it.epoch).max(Epoch::of(now));
        Self {
            last: last.map(|it| (it.id(), it.at)),
            ..Self::new(network, Some(hour))
        }
    }

    /// Writes down that a message was accepted; only what this node has verified may be. Says whether it was written:
    /// not if it is there, if the hour's log is full, or if the hour is over that has to be.
    pub fn accept(&mut self, message: MessageId, now: Timestamp) -> bool {
        let epoch = Epoch::of(now);
        let newest = self.logs.last_key_value().map(|(epoch, _)| *epoch);
        // A clock that was set back must not write into an hour that was closed.
        if Some(epoch) <= self.after || Some(epoch) < newest {
            return false;
        }
        let oldest = epoch.checked_sub(Epoch::new(Self::KEPT)).unwrap_or(Epoch::ZERO);
        self.logs.retain(|epoch, _| *epoch > oldest);
        let added = self.logs.entry(epoch).or_default().push(message);
        self.make_room();
        added
    }

    fn make_room(&mut self) {
        let mut size: u64 = self.logs.values().map(Log::size).sum();
        while size > Self::MOST && self.logs.len() > 1 {
            let (_, oldest) = self.logs.pop_first().expect("more than one");
            size -= oldest.size();
        }
    }

    /// The head that is to be signed now: at most one in each interval, and only if there is something new. The last
    /// one of an hour is signed in the hour after it.
    pub fn due(&self, now: Timestamp) -> Option<RelayHead> {
        let interval = |at: Timestamp| at.get() / Self::INTERVAL;
        if self.last.is_some_and(|(_, at)| interval(now) <= interval(at)) {
            return None;
        }
        let (epoch, log) = self.logs.iter().find(|(_, log)| log.has_news())?;
        let since = Epoch::of(now).checked_sub(*epoch)?;
        // What nobody signed for in time stays unsigned; the next hour's log must not wait for it.
        if since > Epoch::new(1) {
            let (epoch, log) = self.logs.last_key_value()?;
            return (Epoch::of(now) == *epoch && log.has_news()).then(|| self.head(*epoch, log, now));
        }
        Some(self.head(*epoch, log, now))
    }

    fn head(&self, epoch: Epoch, log: &Log, at: Timestamp) -> RelayHead {
        RelayHead {
            network: self.network,
            epoch,
            size: log.size(),
            root: log.root(),
            previous: self.last.map(|(head, _)| head),
            at,
        }
    }

    /// Remembers a head that was due, now that it is signed. It must be durable before anyone sees it.
    pub fn signed(&mut self, head: &Signed<RelayHead>) {
        self.last = Some((head.id(), head.at));
        if let Some(log) = self.logs.get_mut(&head.epoch) {
            log.signed(head.id(), head.size);
        }
    }

    /// Answers what a peer asks of a head.
    pub fn answer(&self, ask: &Ask) -> Answer {
        self.find(ask).unwrap_or(Answer::Absent)
    }

    fn find(&self, ask: &Ask) -> Option<Answer> {
        match ask {
            Ask::Include { epoch, message, head } => {
                let log = self.logs.get(epoch)?;
                let inclusion: Inclusion = log.inclusion(message, log.size_at(head)?)?;
                Some(Answer::Included(inclusion))
            }
            Ask::Extend { epoch, first, second } => {
                let log = self.logs.get(epoch)?;
                let consistency: Consistency = log.consistency(log.size_at(first)?, log.size_at(second)?)?;
                Some(Answer::Extended(consistency))
            }
        }
    }
}
