use nonos_depin::Entry;
use nonos_types::{FeedFork, FeedHead, FeedPlace, NetworkId, NodeId, Sequence, Signed};

/// The newest entries of a node's books that were seen, in their order: each follows the one before.
#[derive(Debug, Default)]
pub(crate) struct Kept(Vec<Signed<Entry>>);

/// What entries say that a node shows as its own.
#[derive(Debug)]
pub(crate) enum Heard {
    /// They go on where those that were seen end; does the node say that there are more?
    On {
        /// It does.
        more: bool,
    },
    /// The node says that its books go on in a later incarnation, and there is nothing more of this one: only the newest entry can
    /// show that.
    Newest,
    /// It has signed another entry where it had signed one before.
    Fork(Box<FeedFork>),
    /// They are not what a node that keeps its books shows, and prove nothing to others.
    Amiss(&'static str),
}

/// What becomes of a head that a node has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agrees {
    /// It is an entry that was seen.
    Same,
    /// It is older than what is kept.
    Past,
    /// It is further on.
    Beyond,
    /// Another entry was seen in its place.
    Other,
}

impl Kept {
    /// Entries that are kept of one node.
    pub(crate) const MOST: usize = 8;

    /// The newest.
    pub(crate) fn head(&self) -> FeedHead {
        self.0.last().map_or(FeedHead::NONE, head)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Signed<Entry>> {
        self.0.iter()
    }

    /// Is a head of the same node one of these?
    pub(crate) fn agrees(&self, told: &FeedHead) -> Agrees {
        let newest = self.head();
        let place = |it: &FeedHead| (it.incarnation, it.sequence);
        if place(told) > place(&newest) {
            return Agrees::Beyond;
        }
        match self.0.iter().map(head).find(|it| place(it) == place(told)) {
            Some(seen) if seen.digest == told.digest => Agrees::Same,
            Some(_) => Agrees::Other,
            None => Agrees::Past,
        }
    }

    /// Does an entry of the same node contradict one of these?
    pub(crate) fn fork(&self, entry: &Signed<Entry>) -> Option<FeedFork> {
        let place = |it: &Signed<Entry>| {
            // It is the same bytes, of which less is read.
            Signed::<FeedPlace>::from_bytes(&it.to_bytes()).ok()
        };
        let entry = place(entry)?;
        self.0.iter().find_map(|it| FeedFork::of(&place(it)?, &entry))
    }

    /// A node was asked for its entries from the newest of these on, or for the newest alone, and shows these; `said` is how far it
    /// says that its books go, without having signed that.
    pub(crate) fn hear(
        &mut self,
        author: NodeId,
        network: NetworkId,
        said: &FeedHead,
        entries: &[Vec<u8>],
    ) -> Heard {
        let mut shown = Vec::new();
        for bytes in entries {
            let Ok(entry) = Signed::<Entry>::from_bytes(bytes) else {
                return Heard::Amiss("an entry cannot be read");
            };
            if entry.signer() != author {
                return Heard::Amiss("an entry is of another");
            }
            if entry.network != network {
                return Heard::Amiss("an entry is of another network");
            }
            if let Some(fork) = self.fork(&entry) {
                return Heard::Fork(Box::new(fork));
            }
            shown.push(entry);
        }
        if !shown.is_sorted_by(follows) {
            return Heard::Amiss("entries do not follow each other");
        }
        let seen = self.head();
        let (Some(first), Some(last)) = (shown.first().map(head), shown.last().map(head)) else {
            return match () {
                () if seen == FeedHead::NONE => Heard::On { more: false },
                () if said.incarnation > seen.incarnation => Heard::Newest,
                () => Heard::Amiss("its books end before an entry that was seen"),
            };
        };
        let goes_on = first == seen;
        // What an author knows to be lost or disturbed it gives up by a new incarnation, which is followed from there.
        let anew = seen == FeedHead::NONE || last.incarnation > seen.incarnation;
        if !goes_on && !anew {
            return Heard::Amiss("its books do not go on from an entry that was seen");
        }
        let before = if goes_on { self.0.pop() } else { None };
        if before.is_none() {
            self.0.clear();
        }
        self.0.extend(shown);
        let superfluous = self.0.len().saturating_sub(Self::MOST);
        self.0.drain(..superfluous);
        Heard::On {
            more: last != first && last.sequence < said.sequence,
        }
    }

    /// To be kept on disk: each with its length before it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.0 {
            let entry = entry.to_bytes();
            bytes.extend(u32::try_from(entry.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(entry);
        }
        bytes
    }

    /// What was kept; nothing of what cannot be read.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Self {
        let mut kept = Vec::new();
        while let Some((len, rest)) = bytes.split_first_chunk() {
            let len = u32::from_be_bytes(*len) as usize;
            let Some((entry, rest)) = rest.split_at_checked(len) else {
                break;
            };
            kept.extend(Signed::from_bytes(entry));
            bytes = rest;
        }
        Self(kept)
    }
}

fn head(entry: &Signed<Entry>) -> FeedHead {
    FeedHead {
        incarnation: entry.incarnation,
        sequence: entry.sequence,
        digest: entry.digest(entry.signer()),
    }
}

/// Is one the next entry after another?
fn follows(one: &Signed<Entry>, next: &Signed<Entry>) -> bool {
    let sequence = one.sequence.checked_add(Sequence::new(1));
    sequence == Some(next.sequence)
        && next.prev == one.digest(one.signer())
        && next.incarnation >= one.incarnation
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use nonos_depin::Body;
    use nonos_types::{Amount, EntryDigest, Incarnation, JobId, Timestamp};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn author() -> NodeId {
        NodeId::from_bytes(key(1).verifying_key().to_bytes())
    }

    fn network() -> NetworkId {
        NetworkId::named("tests")
    }

    fn after(last: FeedHead, incarnation: u32, at: u64) -> Entry {
        Entry {
            network: network(),
            incarnation: Incarnation::new(incarnation),
            sequence: Sequence::new(last.sequence.get() + 1),
            prev: last.digest,
            body: Body::Hold {
                job: JobId::from_bytes([7; 32]),
                amount: Amount::from_atto(1),
            },
            at: Timestamp::new(at),
        }
    }

    /// So many entries, of which those from the `nth` on are others than they would be.
    fn feed(count: u64, nth: u64) -> Vec<Signed<Entry>> {
        let mut last = FeedHead::NONE;
        let next = |n| {
            let entry = Signed::new(after(last, 0, u64::from(n >= nth)), &key(1));
            last = head(&entry);
            entry
        };
        (1..=count).map(next).collect()
    }

    const TRUE: u64 = u64::MAX;

    fn bytes(entries: &[Signed<Entry>]) -> Vec<Vec<u8>> {
        entries.iter().map(Signed::to_bytes).collect()
    }

    /// Where the entries up to this one were seen.
    fn seen(count: usize) -> Kept {
        let (mut kept, feed) = (Kept::default(), feed(count as u64, TRUE));
        let said = feed.last().map(head).expect("one");
        assert!(matches!(
            kept.hear(author(), network(), &said, &bytes(&feed)),
            Heard::On { more: false }
        ));
        kept
    }

    fn hear(kept: &mut Kept, said: FeedHead, shown: &[Signed<Entry>]) -> Heard {
        kept.hear(author(), network(), &said, &bytes(shown))
    }

    fn amiss(kept: &mut Kept, said: FeedHead, shown: &[Signed<Entry>]) -> &'static str {
        let before = kept.head();
        let Heard::Amiss(why) = hear(kept, said, shown) else {
            panic!("it must be")
        };
        assert_eq!(kept.head(), before);
        why
    }

    #[test]
    fn entries_are_followed_in_pieces_and_the_newest_are_kept() {
        let all = feed(30, TRUE);
        let said = head(&all[29]);
        let mut kept = Kept::default();
        let heard = hear(&mut kept, said, &all[9..10]);
        assert!(matches!(heard, Heard::On { more: false }), "the newest, then");
        let heard = hear(&mut kept, said, &all[9..20]);
        assert!(matches!(heard, Heard::On { more: true }), "{heard:?}");
        let heard = hear(&mut kept, said, &all[19..30]);
        assert!(matches!(heard, Heard::On { more: false }), "{heard:?}");
        assert_eq!(kept.head(), said);
        assert_eq!(kept.0, all[22..]);
        let heard = hear(&mut kept, said, &all[29..]);
        assert!(matches!(heard, Heard::On { more: false }), "nothing new");
        assert_eq!(Kept::from_bytes(&kept.to_bytes()).0, all[22..]);
        let cut = &kept.to_bytes()[..kept.to_bytes().len() - 1];
        assert_eq!(Kept::from_bytes(cut).0, all[22..29]);
    }

    #[test]
    fn another_entry_in_the_place_of_one_that_is_kept_is_a_fork() {
        for nth in 3..=10 {
            let (mut kept, other) = (seen(10), feed(12, nth));
            let Heard::Fork(fork) = hear(&mut kept, head(&other[11]), &other[9..]) else {
                panic!("{nth}")
            };
            assert_eq!((fork.subject(), fork.is_fork()), (author(), true));
            assert_eq!(kept.fork(&other[nth as usize - 1]).is_some(), nth > 2);
        }
        // Whatever else is wrong with it.
        let mut kept = seen(10);
        let heard = hear(&mut kept, FeedHead::NONE, &feed(10, 5)[7..8]);
        assert!(matches!(heard, Heard::Fork(_)));
        // It is too old to be kept.
        assert!(seen(10).fork(&feed(10, 1)[1]).is_none());
        assert!(seen(10).fork(&feed(10, TRUE)[9]).is_none(), "the same is none");
    }

    #[test]
    fn each_rule_of_what_is_shown_is_kept_by_itself() {
        let all = feed(20, TRUE);
        let said = head(&all[19]);
        let signed = |entry: Entry, seed| Signed::new(entry, &key(seed));
        let with = |change: &dyn Fn(&mut Entry)| {
            let mut entry = all[10].value().clone();
            change(&mut entry);
            vec![all[9].clone(), signed(entry, 1)]
        };
        let of_another = vec![all[9].clone(), signed(all[10].value().clone(), 2)];
        let elsewhere = with(&|it| it.network = NetworkId::named("others"));
        let unlinked = with(&|it| it.prev = EntryDigest::ZERO);
        let further = with(&|it| it.sequence = Sequence::new(12));
        let cases: [(&str, &[Signed<Entry>]); 7] = [
            ("an entry is of another", &of_another),
            ("an entry is of another network", &elsewhere),
            ("entries do not follow each other", &unlinked),
            ("entries do not follow each other", &further),
            ("its books do not go on from an entry that was seen", &all[10..]),
            ("its books do not go on from an entry that was seen", &all[8..9]),
            ("its books end before an entry that was seen", &[]),
        ];
        for (why, shown) in cases {
            assert_eq!(amiss(&mut seen(10), said, shown), why);
        }
        let mut kept = seen(10);
        let heard = kept.hear(author(), network(), &said, &[bytes(&all[9..10])[0][1..].to_vec()]);
        assert!(matches!(heard, Heard::Amiss("an entry cannot be read")));
        let mut back = after(head(&all[9]), 0, 0);
        back.incarnation = Incarnation::new(1);
        let first = signed(back, 1);
        let second = signed(after(head(&first), 0, 0), 1);
        let shown = [all[9].clone(), first, second];
        assert_eq!(
            amiss(&mut seen(10), said, &shown),
            "entries do not follow each other"
        );
        assert!(matches!(hear(&mut seen(10), said, &all[9..12]), Heard::On { .. }));
    }

    /// Entries were lost and are signed anew, in a new incarnation.
    #[test]
    fn a_later_incarnation_is_followed_from_there_if_an_entry_shows_it() {
        let all = feed(10, TRUE);
        let resumed = Signed::new(after(head(&all[6]), 1, 5), &key(1));
        let next = Signed::new(after(head(&resumed), 1, 6), &key(1));
        let mut kept = seen(10);
        let said = head(&next);
        assert!(
            matches!(hear(&mut kept, said, &[]), Heard::Newest),
            "it ends at 9"
        );
        assert_eq!(kept.head(), head(&all[9]), "what is said only changes nothing");
        assert!(matches!(
            hear(&mut kept, said, std::slice::from_ref(&next)),
            Heard::On { .. }
        ));
        assert_eq!(kept.head(), said);
        // And never back.
        assert_eq!(
            amiss(&mut kept, said, &all[9..]),
            "its books do not go on from an entry that was seen"
        );
        assert_eq!(kept.fork(&all[8]), None, "of another incarnation");
    }

    #[test]
    fn heads_are_compared_with_what_was_seen() {
        let (kept, all, other) = (seen(10), feed(12, TRUE), feed(12, 5));
        let of = |entry: &Signed<Entry>| kept.agrees(&head(entry));
        assert_eq!(of(&all[9]), Agrees::Same);
        assert_eq!(of(&all[4]), Agrees::Same);
        assert_eq!(of(&other[9]), Agrees::Other);
        assert_eq!([of(&all[10]), of(&other[10])], [Agrees::Beyond; 2]);
        assert_eq!([of(&all[1]), of(&other[1])], [Agrees::Past; 2]);
        let later = FeedHead {
            incarnation: Incarnation::new(1),
            ..head(&all[3])
        };
        assert_eq!(kept.agrees(&later), Agrees::Beyond);
        assert_eq!(Kept::default().agrees(&later), Agrees::Beyond);
    }
}
