//! The tree over a relay's log: that of RFC 9162, with this project's digests. Only what a verifier needs.

use crate::{JournalLeafDigest, JournalRoot, MessageId};

impl JournalRoot {
    /// Of the log with this one message. In another domain than that of longer logs, so that no pair of roots is
    /// taken for a message.
    pub fn leaf(id: &MessageId) -> Self {
        let leaf = JournalLeafDigest::hash(&[id.as_bytes()]);
        Self::from_bytes(leaf.to_bytes())
    }

    /// Of two logs, one after the other.
    #[must_use]
    pub fn join(left: &Self, right: &Self) -> Self {
        Self::hash(&[left.as_bytes(), right.as_bytes()])
    }
}

/// Where in a log a message is, and the roots beside its way up.
///
/// ```
/// use nonos_types::{Inclusion, JournalRoot, MessageId};
///
/// let [a, b] = [b"a", b"b"].map(|it| MessageId::hash(&[it]));
/// let root = JournalRoot::join(&JournalRoot::leaf(&a), &JournalRoot::leaf(&b));
/// let second = Inclusion { index: 1, path: vec![JournalRoot::leaf(&a)] };
/// assert_eq!(second.root(&b, 2), Some(root));
/// assert_ne!(second.root(&a, 2), Some(root));
/// assert_eq!(second.root(&b, 3), None); // in a log of three the path would be longer
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Position of the message, from 0.
    pub index: u64,
    /// Roots of what is beside it, from the message up.
    pub path: Vec<JournalRoot>,
}

impl Inclusion {
    /// The root of the log of this size in which the message is there; none if the path is not one of such a log.
    pub fn root(&self, id: &MessageId, size: u64) -> Option<JournalRoot> {
        let mut way = Way::new(self.index, size.checked_sub(1)?)?;
        let mut root = JournalRoot::leaf(id);
        for beside in &self.path {
            root = match way.up()? {
                Side::Left => JournalRoot::join(beside, &root),
                Side::Right => JournalRoot::join(&root, beside),
            };
        }
        way.is_done().then_some(root)
    }
}

/// Shows that a log goes on where it was: the longer one begins with all of the shorter one.
///
/// ```
/// use nonos_types::{Consistency, JournalRoot, MessageId};
///
/// let [a, b] = [b"a", b"b"].map(|it| JournalRoot::leaf(&MessageId::hash(&[it])));
/// let both = JournalRoot::join(&a, &b);
/// let proof = Consistency { path: vec![b] };
/// assert!(proof.holds((1, a), (2, both)));
/// assert!(!proof.holds((1, b), (2, both)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Roots of parts of the longer log.
    pub path: Vec<JournalRoot>,
}

impl Consistency {
    /// Does it show that of these two logs, each a size and a root, the second begins with the first?
    pub fn holds(&self, first: (u64, JournalRoot), second: (u64, JournalRoot)) -> bool {
        self.follow(first, second).unwrap_or(false)
    }

    fn follow(&self, first: (u64, JournalRoot), second: (u64, JournalRoot)) -> Option<bool> {
        let ((short, old), (long, new)) = (first, second);
        if short == long {
            return Some(self.path.is_empty() && old == new);
        }
        // Where the shorter log is one whole tree, its root is where the way begins.
        let whole = [old];
        let path = if short.is_power_of_two() { &whole[..] } else { &[] }
            .iter()
            .chain(&self.path);
        let mut path = path;
        let mut way = Way::new(short.checked_sub(1)?, long.checked_sub(1)?)?;
        way.skip_right_edges();
        let start = *path.next()?;
        let (mut of_old, mut of_new) = (start, start);
        for beside in path {
            match way.up()? {
                Side::Left => {
                    of_old = JournalRoot::join(beside, &of_old);
                    of_new = JournalRoot::join(beside, &of_new);
                }
                Side::Right => of_new = JournalRoot::join(&of_new, beside),
            }
        }
        Some(way.is_done() && of_old == old && of_new == new)
    }
}

/// On which side the next root of a path is.
enum Side {
    Left,
    Right,
}

/// From a leaf to the root, as in RFC 9162: `at` and `last` are the positions, within a level, of the way and of the
/// level's end.
struct Way {
    at: u64,
    last: u64,
}

impl Way {
    fn new(at: u64, last: u64) -> Option<Self> {
        (at <= last).then_some(Self { at, last })
    }

    fn is_done(&self) -> bool {
        self.last == 0
    }

    fn rise(&mut self) {
        self.at >>= 1;
        self.last >>= 1;
    }

    fn skip_right_edges(&mut self) {
        while self.at & 1 == 1 {
            self.rise();
        }
    }

    /// None where there is nothing above.
    fn up(&mut self) -> Option<Side> {
        if self.is_done() {
            return None;
        }
        let side = if self.at & 1 == 1 || self.at == self.last {
            // The end of a level that has nothing on its right goes up as it is.
            while self.at & 1 == 0 && self.at != 0 {
                self.rise();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.rise();
        Some(side)
    }
}
