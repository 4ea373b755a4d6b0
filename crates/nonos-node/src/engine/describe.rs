//! What nodes say of themselves: the numbers of this node's descriptors, and others that say two things under one number.

use nonos_types::{
    Descriptor, Digest, Equivocation, Evidence, NodeId, Payload as _, Sequence, Signed, Tag, Timestamp,
};

use super::{Decision, Engine, Error, parked::Last};

/// Nodes that were accused by this one and are remembered.
const ACCUSED: usize = 4096;

enum Content {}

impl Tag for Content {
    const DOMAIN: &'static str = "nonos/v1/descriptor-content";
}

/// The number of a descriptor that is made now, after one with the number `last`. None if there are no more.
///
/// The upper half is the time in seconds, later if something was said in this second already; the lower half is of what is
/// said. So a node whose data are those of a backup, or whose clock was set back, says nothing else under a number that it
/// may have used and does not remember: that would be evidence against it.
fn number(last: Sequence, now: Timestamp, said: &Descriptor) -> Option<Sequence> {
    let unnumbered = Descriptor {
        sequence: Sequence::ZERO,
        ..said.clone()
    };
    let digest = Digest::<Content>::hash(&[&unnumbered.to_bytes()]);
    let (content, _) = digest.as_bytes().split_first_chunk().expect("32 bytes");
    let content = u64::from(u32::from_be_bytes(*content));
    let at = |seconds: u64| Sequence::new(seconds << 32 | content);
    let seconds = now.get().min(u32::MAX.into());
    if at(seconds) > last {
        return Some(at(seconds));
    }
    let after = last.get() >> 32;
    let next = after + u64::from(at(after) <= last);
    (next <= u32::MAX.into()).then(|| at(next))
}

/// What there is to remember of that.
#[derive(Debug)]
pub(super) struct Said {
    /// The highest number of this node's own.
    last: Sequence,
    /// Nodes that were accused.
    accused: Last<NodeId>,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            last: Sequence::ZERO,
            accused: Last::new(ACCUSED),
        }
    }
}

impl Engine {
    /// The highest number of this node's own.
    pub(super) fn said(&self) -> Sequence {
        self.said.last
    }

    /// A descriptor of this node is in its journal, or came from elsewhere.
    pub(super) fn saw_own_descriptor(&mut self, it: &Descriptor) {
        self.said.last = self.said.last.max(it.sequence);
    }

    /// Numbers and publishes a descriptor of this node.
    pub(super) fn describe_as(&mut self, said: Descriptor) -> Result<(), Error> {
        let Some(sequence) = number(self.said.last, self.now.time, &said) else {
            tracing::error!("no number is left for this node's descriptor: was its clock wrong?");
            return Ok(());
        };
        self.say(Descriptor { sequence, ..said })?;
        Ok(())
    }

    /// A node has said something else under the same number.
    pub(super) fn saw_equivocation(&mut self, it: &Signed<Descriptor>) -> Result<Decision, Error> {
        if !self.trust.is_blacklisted(it.signer())?
            && let Some(twin) = self.directory.twin(it)
            && let Some(bytes) = self.journal.get(twin)?
            && let Ok(twin) = Signed::from_bytes(&bytes)
            && let Some(both) = Equivocation::of(it, &twin)
        {
            self.accuse_at_once(Evidence::Equivocation(Box::new(both)))?;
        }
        // Whoever passed it on may know nothing of the other.
        Ok(Decision::Ignore)
    }

    /// Is it evidence that anyone can make of a new name, against a node that is not listed here? Convictions of such nodes
    /// would cost nothing, be kept for ever, and freeze those of others. Once the node is listed, peers that have the evidence
    /// still give it.
    pub(super) fn is_cheap(&self, evidence: &Evidence) -> bool {
        let costs = matches!(evidence, Evidence::InvalidProof(_) | Evidence::BadRelay(_));
        !costs && self.is_nobody(evidence.subject())
    }

    /// May a node be accused now? While convictions are frozen, once is enough: what it does then costs nothing more.
    pub(super) fn may_accuse(&mut self, node: NodeId) -> Result<bool, Error> {
        let news = !self.said.accused.contains(&node);
        self.said.accused.insert(node);
        Ok(news || !self.trust.frozen(self.now.time)?)
    }
}

#[cfg(test)]
mod tests {
    use nonos_types::{Capacity, Further, NetworkId, PoiHash, Roles, Stamp};

    use super::*;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn said(software: &str) -> Descriptor {
        Descriptor {
            network: NetworkId::named("tests"),
            sequence: Sequence::ZERO,
            valid_from: NOW,
            valid_until: NOW,
            addresses: vec![],
            roles: Roles::NONE,
            profile: PoiHash::ZERO,
            software: software.to_owned(),
            capacity: Capacity::NONE,
            onion_keys: vec![],
            stamp: Stamp::NONE,
            shards: nonos_types::Shards::ALL,
            family: None,
            books: None,
            further: Further::NONE,
        }
    }

    #[test]
    fn numbers_only_rise_however_often_something_is_said_and_whatever_the_clock_does() {
        let mut last = Sequence::ZERO;
        for n in 0..1000_u64 {
            let at = Timestamp::new(NOW.get() - 300 * (n % 7));
            let next = number(last, at, &said(&n.to_string())).expect("there is one");
            assert!(next > last);
            last = next;
        }
        assert!(
            last.get() >> 32 < NOW.get() + 1000,
            "a second ahead for each at most"
        );
    }

    /// Whatever is not remembered: two things said in one second, or after another same number.
    #[test]
    fn two_things_never_have_one_number() {
        let mut numbers = std::collections::BTreeSet::new();
        for last in [0, NOW.get() << 32, (NOW.get() + 9) << 32 | 7] {
            for software in ["a", "b", "c"] {
                let number = number(Sequence::new(last), NOW, &said(software));
                numbers.insert((number.expect("there is one"), software));
            }
        }
        let distinct: std::collections::BTreeSet<_> = numbers.iter().map(|(number, _)| number).collect();
        assert_eq!(distinct.len(), numbers.len());
    }

    #[test]
    fn the_number_itself_is_no_part_of_what_is_said() {
        let again = Descriptor {
            sequence: Sequence::new(7),
            ..said("a")
        };
        assert_eq!(
            number(Sequence::ZERO, NOW, &said("a")),
            number(Sequence::ZERO, NOW, &again)
        );
    }

    #[test]
    fn a_clock_that_is_off_by_ages_takes_no_number_twice() {
        let far = number(Sequence::ZERO, Timestamp::MAX, &said("a")).expect("the last second");
        assert_eq!(far.get() >> 32, u64::from(u32::MAX));
        assert_eq!(number(Sequence::MAX, NOW, &said("a")), None);
        let next = number(far, NOW, &said("b"));
        assert!(next.is_none_or(|next| next > far));
    }
}
