use std::collections::BTreeMap;

use negentropy::{Bound, Error, Id, Item, NegentropyStorageBase};
use nonos_types::{Epoch, Kind, Message, MessageId, Shard, Shards, Timestamp};

use crate::core::{Budgets, Topic, journal::Journal};

/// Times from one on, to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub from: Timestamp,
    /// The first that is not in it any more.
    pub until: Timestamp,
}

impl Window {
    /// How far a message may be ahead of a node's clock, in seconds: what admission lets through.
    const AHEAD: u64 = Budgets::WINDOW;
    /// How long descriptors are valid, and their way takes.
    const DESCRIPTORS: u64 = 24 * 60 * 60 + Budgets::WINDOW;
    /// How long relays keep the logs that heads are of.
    const HEADS: u64 = Journal::KEPT * Epoch::SECONDS;

    /// Messages of a kind that are still of use now: descriptors of the last day, heads of the last week, others of any
    /// age.
    pub fn of(kind: Kind, now: Timestamp) -> Self {
        let age = match kind {
            Kind::Descriptor => Self::DESCRIPTORS,
            Kind::RelayHead => Self::HEADS,
            _ => u64::MAX,
        };
        Self {
            from: Timestamp::new(now.get().saturating_sub(age)),
            until: Timestamp::new(now.get().saturating_add(Self::AHEAD)),
        }
    }
}

/// The names of the messages a node has, by kind and time.
///
/// ```
/// use ed25519_dalek::SigningKey;
/// use nonos_mesh::core::reconcile::{Summary, Window};
/// use nonos_types::{Award, JobId, Kind, Message, NetworkId, NodeId, Signed, Slot, Timestamp};
///
/// let now = Timestamp::new(1_800_000_000);
/// let award = Award {
///     network: NetworkId::named("example"),
///     job: JobId::ZERO,
///     slot: Slot::ZERO,
///     executor: NodeId::from_bytes([2; 32]),
///     at: now,
///     sealed_key: None,
/// };
/// let message = Message::from(Signed::new(award, &SigningKey::from_bytes(&[1; 32])));
///
/// let mut summary = Summary::new(Summary::MOST);
/// assert!(summary.insert(&message));
/// assert!(!summary.insert(&message)); // once
/// assert_eq!(summary.len(Kind::Award), 1);
/// assert_eq!(summary.names(Kind::Award, Window::of(Kind::Award, now)).count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    most: usize,
    kinds: BTreeMap<Kind, Names>,
}

/// In ascending order, one after the other in memory: most messages are newer than all before, and a stretch of them
/// is reconciled without being copied. Those of each shard by themselves, so that some shards can be left out.
#[derive(Clone, Debug, Default)]
struct Names {
    slices: [Vec<Item>; SLICES],
    /// What is older may have been forgotten.
    floor: Timestamp,
}

/// One for each shard, and one for what is of none.
const SLICES: usize = Shard::COUNT as usize + 1;

fn slice(shard: Option<Shard>) -> usize {
    shard.map_or(SLICES - 1, |shard| shard.get().into())
}

impl Summary {
    /// Most names of a kind that a node keeps, 10 MiB of them.
    pub const MOST: usize = 1 << 18;

    /// Keeps at most so many names of a kind; the oldest sixteenth of them makes room.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            kinds: BTreeMap::new(),
        }
    }

    /// Adds a message, unless it is there or older than what is kept. Says whether it was added. It is of the shard that
    /// it says itself, if it says one.
    pub fn insert(&mut self, message: &Message) -> bool {
        self.insert_in(message, Topic::of(message).shard())
    }

    /// Adds a message that is of this shard.
    pub fn insert_in(&mut self, message: &Message, shard: Option<Shard>) -> bool {
        self.insert_named(message.kind(), shard, message.at(), message.id())
    }

    /// Adds a message of no shard by its name, unless it is there or older than what is kept. Says whether it was added.
    pub fn insert_name(&mut self, kind: Kind, at: Timestamp, id: MessageId) -> bool {
        self.insert_named(kind, None, at, id)
    }

    /// Adds a message of a shard by its name.
    pub fn insert_named(&mut self, kind: Kind, shard: Option<Shard>, at: Timestamp, id: MessageId) -> bool {
        let most = self.most;
        let kind = self.kinds.entry(kind).or_default();
        let item = item(at, id);
        if at < kind.floor || kind.find(&item).is_some() {
            return false;
        }
        let items = &mut kind.slices[slice(shard)];
        let place = items.partition_point(|it| *it < item);
        items.insert(place, item);
        if kind.len() > most {
            kind.make_room(most.div_ceil(16));
        }
        at >= kind.floor
    }

    /// Takes out a message that was replaced or forgotten. Says whether it was there.
    pub fn remove(&mut self, kind: Kind, at: Timestamp, id: MessageId) -> bool {
        let Some(kind) = self.kinds.get_mut(&kind) else {
            return false;
        };
        let found = kind.find(&item(at, id));
        found
            .map(|(slice, place)| kind.slices[slice].remove(place))
            .is_some()
    }

    /// Is it there?
    pub fn contains(&self, kind: Kind, at: Timestamp, id: MessageId) -> bool {
        let names = self.kinds.get(&kind);
        names.is_some_and(|it| it.find(&item(at, id)).is_some())
    }

    /// From when on all messages of a kind are here that this node has.
    pub fn floor(&self, kind: Kind) -> Timestamp {
        self.kinds.get(&kind).map_or(Timestamp::ZERO, |it| it.floor)
    }

    /// How many of a kind there are.
    pub fn len(&self, kind: Kind) -> usize {
        self.kinds.get(&kind).map_or(0, Names::len)
    }

    /// Is there nothing of any kind?
    pub fn is_empty(&self) -> bool {
        self.kinds.values().all(|it| it.len() == 0)
    }

    /// The names of a kind within a window, in their order.
    pub fn names(&self, kind: Kind, window: Window) -> impl Iterator<Item = (Timestamp, MessageId)> {
        let mut items = Vec::new();
        let view = self.view(kind, Shards::ALL, window);
        view.each(0, |it| {
            items.push(it);
            true
        });
        items.into_iter().map(|it| {
            (
                Timestamp::new(it.timestamp),
                MessageId::from_bytes(it.id.to_bytes()),
            )
        })
    }

    /// What is reconciled: of some shards, or everything.
    pub(super) fn view(&self, kind: Kind, shards: Shards, window: Window) -> View<'_> {
        let mut view = View([&[]; SLICES]);
        let Some(names) = self.kinds.get(&kind) else {
            return view;
        };
        let wanted = |place: usize| {
            let shard = u32::try_from(place).ok().and_then(Shard::new);
            shard.map_or(shards.is_all(), |shard| shards.contains(shard))
        };
        for (place, items) in names
            .slices
            .iter()
            .enumerate()
            .filter(|(place, _)| wanted(*place))
        {
            let before = |at: Timestamp| items.partition_point(|it| it.timestamp < at.get());
            view.0[place] = items
                .get(before(window.from)..before(window.until))
                .unwrap_or(&[]);
        }
        view
    }
}

impl Names {
    fn len(&self) -> usize {
        self.slices.iter().map(Vec::len).sum()
    }

    fn find(&self, item: &Item) -> Option<(usize, usize)> {
        let found = |(slice, items): (usize, &Vec<Item>)| Some((slice, items.binary_search(item).ok()?));
        self.slices.iter().enumerate().find_map(found)
    }

    /// Forgets at least so many of the oldest, and all of their last second: a floor within a second could not be
    /// told.
    fn make_room(&mut self, oldest: usize) {
        let all = View(std::array::from_fn(|place| self.slices[place].as_slice()));
        let last = all.get(oldest - 1).expect("there are more").timestamp;
        for items in &mut self.slices {
            let gone = items.partition_point(|it| it.timestamp <= last);
            items.drain(..gone);
        }
        self.floor = Timestamp::new(last.saturating_add(1));
    }
}

fn item(at: Timestamp, id: MessageId) -> Item {
    Item::with_timestamp_and_id(at.get(), Id::from_byte_array(id.to_bytes()))
}

/// Stretches of names, as negentropy wants them: as if they were one.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a>([&'a [Item]; SLICES]);

impl View<'_> {
    fn len(&self) -> usize {
        self.0.iter().map(|items| items.len()).sum()
    }

    /// How many come before this one.
    fn rank(&self, item: &Item) -> usize {
        self.0
            .iter()
            .map(|items| items.partition_point(|it| it < item))
            .sum()
    }

    /// Where in each stretch those begin that come from this place on.
    fn places(&self, from: usize) -> [usize; SLICES] {
        let mut not_empty = self.0.iter().filter(|items| !items.is_empty());
        if let (Some(_), None) = (not_empty.next(), not_empty.next()) {
            return self.0.map(|items| from.min(items.len()));
        }
        self.0
            .map(|items| items.partition_point(|it| self.rank(it) < from))
    }

    fn get(&self, at: usize) -> Option<Item> {
        let mut found = None;
        self.each(at, |it| {
            found = Some(it);
            false
        });
        found
    }

    /// Shows one after the other from a place on, until it was enough.
    fn each(&self, from: usize, mut show: impl FnMut(Item) -> bool) {
        let mut places = self.places(from);
        loop {
            let next = (0..SLICES)
                .filter_map(|slice| Some((self.0[slice].get(places[slice])?, slice)))
                .min();
            let Some((item, slice)) = next else { return };
            places[slice] += 1;
            if !show(*item) {
                return;
            }
        }
    }
}

impl NegentropyStorageBase for View<'_> {
    fn size(&self) -> Result<usize, Error> {
        Ok(self.len())
    }

    fn get_item(&self, at: usize) -> Result<Option<Item>, Error> {
        Ok(self.get(at))
    }

    fn iterate(
        &self,
        begin: usize,
        end: usize,
        each: &mut dyn FnMut(Item, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if begin > end || end > self.len() {
            return Err(Error::BadRange);
        }
        let (mut at, mut failed) = (begin, Ok(()));
        self.each(begin, |item| {
            if at == end {
                return false;
            }
            at += 1;
            each(item, at - 1).unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
        });
        failed
    }

    fn find_lower_bound(&self, first: usize, last: usize, value: &Bound) -> usize {
        self.rank(&value.item).clamp(first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind::Receipt;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds)
    }

    fn id(byte: u8) -> MessageId {
        MessageId::from_bytes([byte; 32])
    }

    fn window(from: u64, until: u64) -> Window {
        Window {
            from: at(from),
            until: at(until),
        }
    }

    #[test]
    fn windows_begin_with_their_first_second_and_end_before_their_last() {
        let mut summary = Summary::new(10);
        for second in 1..=3 {
            assert!(summary.insert_name(KIND, at(second), id(0)));
            assert!(summary.insert_name(KIND, at(second), id(255)));
        }
        assert!(summary.insert_name(Kind::Verdict, at(2), id(1)));
        let names: Vec<_> = summary.names(KIND, window(2, 3)).collect();
        assert_eq!(names, [(at(2), id(0)), (at(2), id(255))]);
        assert_eq!(summary.names(KIND, window(2, 4)).count(), 4);
        assert_eq!(summary.names(KIND, window(4, 2)).count(), 0);
        assert_eq!(summary.names(Kind::Offer, window(0, 9)).count(), 0);
    }

    /// Those of `docs/spec/sync.md`.
    #[test]
    fn kinds_have_their_windows() {
        let now = 1_700_000_000;
        for kind in Kind::ALL {
            let Window { from, until } = Window::of(*kind, at(now));
            let age = match kind {
                Kind::Descriptor => 88_800,
                Kind::RelayHead => 604_800,
                _ => now,
            };
            assert_eq!((from, until), (at(now - age), at(now + 2400)), "{kind:?}");
        }
    }

    #[test]
    fn the_oldest_make_room_by_whole_seconds_and_do_not_come_back() {
        let mut summary = Summary::new(3);
        for (second, byte) in [(1, 1), (2, 1), (2, 2)] {
            assert!(summary.insert_name(KIND, at(second), id(byte)));
        }
        assert_eq!(summary.floor(KIND), at(0));
        assert!(summary.insert_name(KIND, at(5), id(1)));
        assert_eq!((summary.floor(KIND), summary.len(KIND)), (at(2), 3));
        assert!(!summary.insert_name(KIND, at(1), id(1)));
        assert!(summary.insert_name(KIND, at(5), id(2)));
        assert_eq!((summary.floor(KIND), summary.len(KIND)), (at(3), 2));
        assert!(!summary.insert_name(KIND, at(2), id(9)));
        assert!(!summary.contains(KIND, at(2), id(9)));
    }

    #[test]
    fn what_is_taken_out_is_gone() {
        let mut summary = Summary::new(3);
        assert!(summary.insert_name(KIND, at(1), id(1)));
        assert!(!summary.remove(KIND, at(2), id(1)));
        assert!(summary.contains(KIND, at(1), id(1)));
        assert!(summary.remove(KIND, at(1), id(1)));
        assert!(!summary.contains(KIND, at(1), id(1)));
        assert!(summary.is_empty());
    }
}
