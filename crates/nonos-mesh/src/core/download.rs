use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use nonos_types::{ByteLen, NodeId, Outline};

use crate::Object;

/// What to ask whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The outline of the object.
    Outline {
        /// Whom.
        from: NodeId,
    },
    /// A group of it.
    Group {
        /// Whom.
        from: NodeId,
        /// Its number.
        index: usize,
        /// Its bytes.
        range: Range<usize>,
    },
}

/// Why a peer is asked no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Dropped {
    /// It does not have it, or does not answer.
    #[error("does not give it")]
    Silent,
    /// It is longer than what is wanted.
    #[error("says it has {len}, at most {most} are wanted")]
    TooLong {
        /// What it says.
        len: ByteLen,
        /// What is wanted.
        most: ByteLen,
    },
    /// What it says of the object is not what its name says.
    #[error("says something else of it than its name does")]
    WrongOutline,
    /// It gives other bytes than those it has said it has.
    #[error("gives other bytes than its name says")]
    WrongBytes,
}

#[derive(Clone, Debug, Default)]
struct Source {
    /// Has its outline been asked for, and has it come and fitted?
    asked: bool,
    agrees: bool,
    /// Groups it is asked for.
    busy: BTreeSet<usize>,
    failures: u32,
}

/// Fetches an object from several peers at once, and checks each group as it comes: by the outline, which has the
/// object's name as its digest, so that it does not matter who gave it. Bytes that do not fit are never kept, and whoever
/// gives them is asked no more.
///
/// It is a machine: [`Download::asks`] says what to ask, and what comes is told by [`Download::outline`],
/// [`Download::group`] and [`Download::failed`].
#[derive(Debug)]
pub struct Download {
    object: Object,
    most: ByteLen,
    outline: Option<Outline>,
    sources: BTreeMap<NodeId, Source>,
    /// What is here, and of whom; of nobody, if it was here before.
    groups: BTreeMap<usize, (Option<NodeId>, Vec<u8>)>,
    /// Groups that are asked for at a time now.
    at_once: usize,
    dropped: Vec<(NodeId, Dropped)>,
}

impl Download {
    /// Groups that one peer is asked for at a time, and of all together.
    pub const OF_ONE: usize = 2;
    /// Most groups that are asked for at a time. After a failure it is one, and one more with each that comes: what is too
    /// much for a slow line fails on all peers at once.
    pub const AT_ONCE: usize = 8;
    /// Failures in a row after which a peer is asked no more.
    const FAILURES: u32 = 3;

    /// Of an object of at most `most` bytes, from these peers.
    pub fn new(object: Object, most: ByteLen, sources: impl IntoIterator<Item = NodeId>) -> Self {
        Self {
            object,
            most,
            outline: None,
            sources: sources.into_iter().map(|it| (it, Source::default())).collect(),
            groups: BTreeMap::new(),
            at_once: Self::AT_ONCE,
            dropped: Vec::new(),
        }
    }

    /// Takes up one that was begun: the outline, and groups whose bytes are here. What does not fit is left out.
    pub fn resume(&mut self, outline: Outline, groups: impl IntoIterator<Item = (usize, Vec<u8>)>) {
        if self.outline.is_some() || !self.object.has_outline(&outline) {
            return;
        }
        self.outline = Some(outline);
        for (index, bytes) in groups {
            self.take(index, None, bytes);
        }
    }

    /// What to ask now. It is asked once, until it is told to have come or failed.
    pub fn asks(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for (node, source) in &mut self.sources {
            if !source.asked {
                source.asked = true;
                asks.push(Ask::Outline { from: *node });
            }
        }
        let Some(outline) = &self.outline else {
            return asks;
        };
        let busy: BTreeSet<usize> = (self.sources.values())
            .flat_map(|it| it.busy.iter().copied())
            .collect();
        let mut wanted =
            (0..outline.count()).filter(|it| !self.groups.contains_key(it) && !busy.contains(it));
        let mut room = self.at_once.saturating_sub(busy.len());
        // In turn: one group of each before the second of any, the least busy first.
        while room > 0 {
            let free = (self.sources.iter_mut())
                .filter(|(_, it)| it.agrees && it.busy.len() < Self::OF_ONE)
                .min_by_key(|(_, it)| (it.busy.len(), it.failures));
            let (Some((node, source)), Some(index)) = (free, wanted.next()) else {
                break;
            };
            source.busy.insert(index);
            room -= 1;
            asks.push(Ask::Group {
                from: *node,
                index,
                range: self.object.group(outline, index),
            });
        }
        asks
    }

    /// A peer has given its outline.
    pub fn outline(&mut self, from: NodeId, outline: Outline) {
        let len = self.object.whole(outline.len());
        if len > self.most {
            return self.drop(from, Dropped::TooLong { len, most: self.most });
        }
        if !self.object.has_outline(&outline) {
            return self.drop(from, Dropped::WrongOutline);
        }
        if !self.sources.contains_key(&from) {
            return;
        }
        // Where there is but one group, the length is all that an outline says, and nobody vouches for that.
        let vouched = |it: &Outline| !it.nodes().is_empty();
        match &self.outline {
            Some(known) if *known == outline => {}
            Some(known) if vouched(known) => return self.drop(from, Dropped::WrongOutline),
            Some(_) if vouched(&outline) => self.forget(),
            // Who is right is seen when the bytes come.
            Some(_) => return,
            None => {}
        }
        self.outline.get_or_insert(outline);
        if let Some(source) = self.sources.get_mut(&from) {
            source.asked = true;
            source.agrees = true;
        }
    }

    /// A peer has given a group: its bytes, if they fit, and the outline by which they do.
    pub fn group(&mut self, from: NodeId, index: usize, bytes: Vec<u8>) -> Option<(&Outline, &[u8])> {
        let source = self.sources.get_mut(&from)?;
        if !source.busy.remove(&index) {
            return None;
        }
        source.failures = 0;
        if !self.take(index, Some(from), bytes) {
            self.drop(from, Dropped::WrongBytes);
            return None;
        }
        self.at_once = (self.at_once + 1).min(Self::AT_ONCE);
        let (_, bytes) = self.groups.get(&index)?;
        Some((self.outline.as_ref()?, bytes))
    }

    /// A peer did not give what it was asked for.
    pub fn failed(&mut self, ask: &Ask) {
        let (Ask::Outline { from } | Ask::Group { from, .. }) = ask;
        let Some(source) = self.sources.get_mut(from) else {
            return;
        };
        source.failures += 1;
        if let Ask::Group { index, .. } = ask {
            source.busy.remove(index);
            self.at_once = 1;
        }
        if matches!(ask, Ask::Outline { .. }) || source.failures >= Self::FAILURES {
            self.drop(*from, Dropped::Silent);
        }
    }

    /// What is fetched.
    pub fn object(&self) -> Object {
        self.object
    }

    /// The outline, once there is one.
    pub fn known_outline(&self) -> Option<&Outline> {
        self.outline.as_ref()
    }

    /// The bytes, once all are there.
    pub fn finished(&self) -> Option<Vec<u8>> {
        let outline = self.outline.as_ref()?;
        let all = self.groups.len() == outline.count();
        all.then(|| {
            self.groups
                .values()
                .flat_map(|(_, bytes)| bytes)
                .copied()
                .collect()
        })
    }

    /// The end of the object, which the name does not cover, is not what it should be: whoever gave it is asked no more.
    pub fn refuse_end(&mut self) {
        if let Some((_, (from, _))) = self.groups.pop_last()
            && let Some(from) = from
        {
            self.drop(from, Dropped::WrongBytes);
        }
    }

    /// Is there nobody left to ask?
    pub fn is_hopeless(&self) -> bool {
        self.sources.is_empty()
    }

    /// Who gave how many bytes.
    pub fn given(&self) -> impl Iterator<Item = (NodeId, ByteLen)> {
        let mut given: BTreeMap<NodeId, u64> = BTreeMap::new();
        for (from, bytes) in self.groups.values() {
            if let Some(from) = from {
                *given.entry(*from).or_default() += bytes.len() as u64;
            }
        }
        given.into_iter().map(|(node, bytes)| (node, ByteLen::new(bytes)))
    }

    /// Who is asked no more since the last time this was asked, and why.
    pub fn dropped(&mut self) -> Vec<(NodeId, Dropped)> {
        std::mem::take(&mut self.dropped)
    }

    /// Keeps a group if its bytes fit.
    fn take(&mut self, index: usize, from: Option<NodeId>, bytes: Vec<u8>) -> bool {
        let Some(outline) = &self.outline else {
            return false;
        };
        let fits = index < outline.count() && self.object.has_group(outline, index, &bytes);
        if fits {
            self.groups.insert(index, (from, bytes));
        }
        fits
    }

    fn drop(&mut self, node: NodeId, why: Dropped) {
        if self.sources.remove(&node).is_none() {
            return;
        }
        self.dropped.push((node, why));
        // The length was believed of those who are gone.
        let vouched = (self.outline.as_ref()).is_some_and(|it| !it.nodes().is_empty());
        let believed = self.sources.values().any(|it| it.agrees);
        if !vouched && !believed && self.groups.is_empty() {
            self.forget();
        }
    }

    /// Asks all for their outlines anew.
    fn forget(&mut self) {
        self.outline = None;
        self.groups.clear();
        for source in self.sources.values_mut() {
            *source = Source {
                failures: source.failures,
                ..Source::default()
            };
        }
    }
}

#[cfg(test)]
mod tests;
