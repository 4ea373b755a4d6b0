//! Whose clock is wrong, judged by what peers sign.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use nonos_types::{NodeId, Timestamp};

use super::Way;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// By gossip, which delivers what has just been said.
    Gossiped,
    /// Asked for, or entrusted: it may have been there for long.
    Later,
}

/// How far a clock is ahead of another, in seconds; behind it if that is less than nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(i64);

impl Offset {
    /// So many seconds ahead.
    pub const fn new(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    fn is_within(self, other: Self, seconds: u64) -> bool {
        self.0.abs_diff(other.0) <= seconds
    }
}

/// `15 min ahead of`, `40 s behind`: another follows.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.0 < 0 { "behind" } else { "ahead of" };
        let (seconds, minute) = (self.0.unsigned_abs(), 60);
        // Rounded, to where two figures or three are left.
        match seconds {
            0..=180 => write!(f, "{seconds} s {way}"),
            181..=10_800 => write!(f, "{} min {way}", (seconds + minute / 2) / minute),
            _ => write!(f, "{} h {way}", (seconds + 30 * minute) / (60 * minute)),
        }
    }
}

/// What a node's clock and those of its peers look like from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skew {
    /// How far this node's clock is ahead of those of most peers. `None` if too few were heard, or they do not agree.
    pub own: Option<Offset>,
    /// Peers that were heard, and of those the ones that say so.
    pub heard: usize,
    /// See [`Skew::heard`].
    pub agree: usize,
    /// Peers whose clocks are far from those of most, and how far they are ahead of this node's.
    pub strange: Vec<(NodeId, Offset)>,
}

impl Skew {
    /// From so many seconds on a clock is worth a warning. Less is what messages take when there is much to do.
    pub const TELLING: u64 = 120;

    /// Is this node's clock wrong, as far as can be told?
    pub fn is_off(&self) -> bool {
        self.own
            .is_some_and(|own| !own.is_within(Offset::default(), Self::TELLING))
    }
}

/// Compares this node's clock with those of its peers.
///
/// Of each peer that is connected the newest messages count that it signed itself: when it says that it did, against when they came
/// here. The median of the peers is what this node's clock should say, if more than half of them agree; so a minority
/// of liars changes nothing. Where three peers were heard that this node itself has dialled, only such are asked: whoever connects to a node in great numbers
/// does not tell it the time.
///
/// An old message that somebody sends again says nothing: what is not newer than all that is known of its author
/// is left out. One that is from the future counts however it came.
///
/// ```
/// use std::time::Duration;
/// use nonos_mesh::core::{Came, Clocks, Way};
/// use nonos_types::{NodeId, Timestamp};
///
/// let mut clocks = Clocks::default();
/// let (now, running) = (Timestamp::new(1_800_000_900), Duration::from_secs(60));
/// for seed in 1..=3 {
///     let peer = NodeId::from_bytes([seed; 32]);
///     clocks.connected(peer, Way::Outbound);
///     clocks.heard(peer, Timestamp::new(1_800_000_000), Came::Gossiped, now, running);
/// }
/// let skew = clocks.skew(running);
/// assert!(skew.is_off());
/// assert_eq!(skew.own.map(|it| it.to_string()).as_deref(), Some("15 min ahead of"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    peers: BTreeMap<NodeId, Voice>,
    /// What this node's clock said when it started.
    zero: Option<i64>,
}

#[derive(Clone, Debug)]
struct Voice {
    way: Way,
    /// The newest message, by its author's clock.
    newest: Timestamp,
    /// How far its clock seemed to be ahead, and when, by the time this node runs: of the last few messages.
    said: VecDeque<(Offset, Duration)>,
}

impl Clocks {
    /// Most peers that are compared with.
    pub const MOST: usize = 256;
    /// Fewest that are believed.
    pub const FEWEST: usize = 3;
    /// Messages of one peer that count. On its way a message gets older, never younger: the best of them does.
    const LAST: usize = 3;
    /// For how long a message counts.
    const COUNTS: Duration = Duration::from_secs(2 * 60 * 60);
    /// Seconds that clocks may differ that agree.
    const AGREE: u64 = 60;
    /// Seconds by which this node's clock may move against the time it runs. A larger step means that it was set.
    const STEP: u64 = 10;

    /// A peer is connected.
    pub fn connected(&mut self, peer: NodeId, way: Way) {
        if let Some(voice) = self.peers.get_mut(&peer) {
            voice.way = way;
        } else if self.peers.len() < Self::MOST {
            let voice = Voice {
                way,
                newest: Timestamp::ZERO,
                said: VecDeque::new(),
            };
            self.peers.insert(peer, voice);
        }
    }

    /// It no longer is.
    pub fn disconnected(&mut self, peer: NodeId) {
        self.peers.remove(&peer);
    }

    /// A message of `signer` came, signed at a time of its clock, when this node had been running so long.
    pub fn heard(&mut self, signer: NodeId, at: Timestamp, came: Came, now: Timestamp, running: Duration) {
        self.set(now, running);
        let Some(voice) = self.peers.get_mut(&signer) else {
            return;
        };
        let newer = at > voice.newest;
        voice.newest = voice.newest.max(at);
        if newer && (came == Came::Gossiped || at > now) {
            if voice.said.len() == Self::LAST {
                voice.said.pop_front();
            }
            voice.said.push_back((difference(at, now), running));
        }
    }

    /// Forgets what was compared with another time than this clock's.
    fn set(&mut self, now: Timestamp, running: Duration) {
        let elapsed = Timestamp::new(running.as_secs());
        let zero = difference(now, elapsed).get();
        let moved = self.zero.is_some_and(|before| before.abs_diff(zero) > Self::STEP);
        if moved {
            self.peers.values_mut().for_each(|voice| voice.said.clear());
        }
        if moved || self.zero.is_none() {
            self.zero = Some(zero);
        }
    }

    /// How it looks.
    pub fn skew(&self, running: Duration) -> Skew {
        let ahead = |voice: &Voice| {
            let counts = voice
                .said
                .iter()
                .filter(|(_, at)| running.saturating_sub(*at) < Self::COUNTS);
            counts.map(|(offset, _)| *offset).max()
        };
        let heard: Vec<(NodeId, Way, Offset)> = (self.peers.iter())
            .filter_map(|(peer, voice)| Some((*peer, voice.way, ahead(voice)?)))
            .collect();
        let of = |is: fn(Way) -> bool| {
            let of = heard.iter().filter(|it| is(it.1));
            of.map(|(.., offset)| *offset).collect::<Vec<_>>()
        };
        let mut believed = of(|way| way == Way::Outbound);
        if believed.len() < Self::FEWEST {
            believed = of(|_| true);
        }
        believed.sort_unstable();
        let median = believed.get(believed.len() / 2).copied().unwrap_or_default();
        let agree = believed
            .iter()
            .filter(|it| it.is_within(median, Self::AGREE))
            .count();
        let known = believed.len() >= Self::FEWEST && 2 * agree > believed.len();
        // If it cannot be told who is wrong, whoever differs is named.
        let usual = if known { median } else { Offset::default() };
        Skew {
            own: known.then_some(Offset(-median.0)),
            heard: believed.len(),
            agree,
            strange: (heard.iter())
                .filter(|(.., offset)| !offset.is_within(usual, Skew::TELLING))
                .map(|(peer, _, offset)| (*peer, *offset))
                .collect(),
        }
    }
}

/// How far the first is ahead; further than any calendar goes, if a peer says so.
fn difference(first: Timestamp, second: Timestamp) -> Offset {
    let apart = i64::try_from(first.get().abs_diff(second.get())).unwrap_or(i64::MAX);
    Offset(if first < second { -apart } else { apart })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const RUNNING: Duration = Duration::from_secs(3600);

    fn peer(seed: u8) -> NodeId {
        NodeId::from_bytes([seed; 32])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::new(NOW.checked_add_signed(seconds).expect("a time"))
    }

    /// Peers whose clocks are that far ahead have each just said something.
    fn heard(offsets: &[i64]) -> Clocks {
        let mut clocks = Clocks::default();
        for (seed, ahead) in offsets.iter().enumerate() {
            let peer = peer(seed as u8);
            clocks.connected(peer, Way::Outbound);
            clocks.heard(peer, at(*ahead), Came::Gossiped, at(0), RUNNING);
        }
        clocks
    }

    fn own(offsets: &[i64]) -> Option<i64> {
        heard(offsets).skew(RUNNING).own.map(Offset::get)
    }

    #[test]
    fn the_median_of_the_peers_is_what_this_clock_should_say() {
        assert_eq!(own(&[0, -1, -2, 0]), Some(0));
        assert_eq!(own(&[900, 901, 899]), Some(-900));
        let skew = heard(&[-900, -901, -899]).skew(RUNNING);
        assert_eq!((skew.own, skew.is_off()), (Some(Offset::new(900)), true));
        assert!(!heard(&[-120, -120, -120]).skew(RUNNING).is_off());
        assert!(heard(&[-121, -121, -121]).skew(RUNNING).is_off());
    }

    #[test]
    fn a_minority_of_liars_changes_nothing() {
        let lie = i64::MAX >> 2;
        for lies in [[lie, lie, lie], [-900, -900, -900], [lie, -900, 1]] {
            let all = [&[0, 0, 0, -1][..], &lies].concat();
            let own = own(&all).expect("most agree");
            assert!((0..=1).contains(&own), "{own} of {lies:?}");
        }
    }

    #[test]
    fn too_few_or_a_quarrel_tell_nothing_and_whoever_differs_is_named() {
        for offsets in [&[900, 900][..], &[900, 0, -900], &[900, 900, 0, 0, -900]] {
            let skew = heard(offsets).skew(RUNNING);
            assert_eq!(skew.own, None, "{offsets:?}");
            let differ = offsets.iter().filter(|it| **it != 0).count();
            assert_eq!(skew.strange.len(), differ, "{offsets:?}");
        }
        assert_eq!(own(&[900, 900, 900]), Some(-900));
    }

    #[test]
    fn who_differs_from_most_is_named() {
        let skew = heard(&[0, 0, 0, 900, -900]).skew(RUNNING);
        assert_eq!((skew.own, skew.heard, skew.agree), (Some(Offset::new(0)), 5, 3));
        let named = [(peer(3), Offset::new(900)), (peer(4), Offset::new(-900))];
        assert_eq!(skew.strange, named);
        // From a clock that is wrong, as from one that is right.
        let skew = heard(&[-900, -900, -900, 0]).skew(RUNNING);
        assert_eq!(skew.strange, [(peer(3), Offset::new(0))]);
    }

    #[test]
    fn whoever_connects_in_great_numbers_does_not_tell_the_time() {
        let mut clocks = heard(&[0, 0, 0]);
        for seed in 10..100 {
            clocks.connected(peer(seed), Way::Inbound);
            clocks.heard(peer(seed), at(900), Came::Gossiped, at(0), RUNNING);
        }
        let skew = clocks.skew(RUNNING);
        assert_eq!((skew.own, skew.heard), (Some(Offset::new(0)), 3));
        assert_eq!(skew.strange.len(), 90);
        // Where there are no others, they do.
        clocks.disconnected(peer(0));
        assert_eq!(clocks.skew(RUNNING).own, Some(Offset::new(-900)));
    }

    #[test]
    fn strangers_are_not_heard_and_peers_are_bounded() {
        let mut clocks = Clocks::default();
        clocks.heard(peer(1), at(900), Came::Gossiped, at(0), RUNNING);
        assert_eq!(clocks.skew(RUNNING), Skew::default());
        for n in 0..=Clocks::MOST {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            clocks.connected(NodeId::from_bytes(bytes), Way::Outbound);
        }
        assert_eq!(clocks.peers.len(), Clocks::MOST);
    }

    #[test]
    fn what_is_slow_to_come_does_not_hide_what_came_at_once() {
        let mut clocks = heard(&[0, 0, 0]);
        for seed in 0..3 {
            clocks.heard(
                peer(seed),
                at(10),
                Came::Gossiped,
                at(500),
                RUNNING + Duration::from_secs(500),
            );
        }
        assert_eq!(clocks.skew(RUNNING).own, Some(Offset::new(0)));
    }

    #[test]
    fn an_old_message_that_is_sent_again_says_nothing() {
        let mut clocks = heard(&[0, 0, 0]);
        let later = RUNNING + Clocks::COUNTS;
        let now = at(7200);
        assert_eq!(clocks.skew(later), Skew::default(), "what was said is over");
        for seed in 0..3 {
            clocks.heard(peer(seed), at(-5), Came::Gossiped, now, later);
            clocks.heard(peer(seed), at(0), Came::Gossiped, now, later);
            // Read from a journal: it may have been there for long.
            clocks.heard(peer(seed), at(7000), Came::Later, now, later);
            clocks.heard(peer(seed), at(7000), Came::Gossiped, now, later);
        }
        assert_eq!(clocks.skew(later), Skew::default());
        // But what is signed in the future, is.
        for seed in 0..3 {
            clocks.heard(peer(seed), at(9000), Came::Later, now, later);
        }
        assert_eq!(clocks.skew(later).own, Some(Offset::new(-1800)));
    }

    #[test]
    fn a_clock_that_was_set_is_compared_anew() {
        let mut clocks = heard(&[-900, -900, -900]);
        assert!(clocks.skew(RUNNING).is_off());
        // It is set back by what it was ahead, and somebody says something.
        let (now, running) = (at(-900 + 30), RUNNING + Duration::from_secs(30));
        clocks.heard(peer(0), now, Came::Gossiped, now, running);
        assert_eq!(clocks.skew(running).heard, 1);
        for seed in 1..3 {
            clocks.heard(peer(seed), now, Came::Gossiped, now, running);
        }
        assert_eq!(clocks.skew(running).own, Some(Offset::new(0)));
    }

    #[test]
    fn a_peer_that_was_set_right_is_no_longer_named() {
        let mut clocks = heard(&[0, 0, 0, -900]);
        assert_eq!(clocks.skew(RUNNING).strange.len(), 1);
        clocks.heard(
            peer(3),
            at(60),
            Came::Gossiped,
            at(60),
            RUNNING + Duration::from_secs(60),
        );
        assert!(clocks.skew(RUNNING).strange.is_empty());
    }

    #[test]
    fn offsets_are_told_in_words() {
        for (seconds, words) in [
            (0, "0 s ahead of"),
            (-121, "121 s behind"),
            (899, "15 min ahead of"),
            (-10_800, "180 min behind"),
            (10_801, "3 h ahead of"),
            (i64::MIN + 1, "2562047788015216 h behind"),
        ] {
            assert_eq!(Offset::new(seconds).to_string(), words);
        }
    }
}
