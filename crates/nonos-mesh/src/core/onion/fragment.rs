//! Messages in pieces that fit a frame.

use std::collections::BTreeMap;

use super::packet::PLAINTEXT;

/// Names a message whose fragments belong together.
pub(super) type MessageName = [u8; 16];

/// What a frame carries for whoever it ends at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Nothing: it was sent to hide when there is something.
    Cover,
    /// It went around.
    Loop(u64),
    /// A piece of a message.
    Fragment(Fragment<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    pub(super) name: MessageName,
    pub(super) index: u8,
    pub(super) count: u8,
    pub(super) bytes: &'a [u8],
}

const COVER: u8 = 0;
const LOOP: u8 = 1;
const FRAGMENT: u8 = 2;

impl Fragment<'_> {
    /// Most fragments of a message.
    pub(super) const MOST: usize = 25;
    const HEADER: usize = 1 + 16 + 1 + 1;
    /// Bytes of a message in a fragment.
    pub(super) const DATA: usize = PLAINTEXT - Self::HEADER;
    /// Longest message.
    pub(super) const LONGEST: usize = Self::MOST * Self::DATA;

    /// How many a message needs; at least one.
    pub(super) fn count(len: usize) -> usize {
        len.div_ceil(Self::DATA).max(1)
    }

    /// The contents of the frames of a message of at most [`Fragment::LONGEST`] bytes.
    pub(super) fn all(name: MessageName, message: &[u8]) -> Vec<Vec<u8>> {
        let count = u8::try_from(Self::count(message.len())).expect("at most 25");
        (0..count)
            .map(|index| {
                let from = usize::from(index) * Self::DATA;
                let bytes = &message[from..message.len().min(from + Self::DATA)];
                let mut content = vec![FRAGMENT];
                content.extend_from_slice(&name);
                content.extend_from_slice(&[index, count]);
                content.extend_from_slice(bytes);
                content
            })
            .collect()
    }
}

impl<'a> Content<'a> {
    pub(super) fn cover() -> Vec<u8> {
        vec![COVER]
    }

    pub(super) fn going_around(number: u64) -> Vec<u8> {
        let mut content = vec![LOOP];
        content.extend_from_slice(&number.to_be_bytes());
        content
    }

    /// Reads it strictly: every fragment but the last is full, and there is one way to cut a message.
    pub(super) fn read(plaintext: &'a [u8]) -> Option<Self> {
        match plaintext {
            [COVER] => Some(Self::Cover),
            [LOOP, number @ ..] => Some(Self::Loop(u64::from_be_bytes(number.try_into().ok()?))),
            [FRAGMENT, rest @ ..] => {
                let (name, rest) = rest.split_first_chunk()?;
                let (&[index, count], bytes) = rest.split_first_chunk()?;
                let is_last = index.checked_add(1)? == count;
                let len = if is_last {
                    bytes.len() <= Fragment::DATA && (count == 1 || !bytes.is_empty())
                } else {
                    bytes.len() == Fragment::DATA
                };
                (index < count && usize::from(count) <= Fragment::MOST && len).then_some(Self::Fragment(
                    Fragment {
                        name: *name,
                        index,
                        count,
                        bytes,
                    },
                ))
            }
            _ => None,
        }
    }
}

/// Messages that have come in part.
#[derive(Debug)]
pub(super) struct Assembler {
    parts: BTreeMap<MessageName, Parts>,
    most: usize,
}

#[derive(Debug)]
struct Parts {
    /// When it is given up, in milliseconds.
    until: u64,
    parts: Vec<Option<Vec<u8>>>,
}

impl Assembler {
    /// Milliseconds for which the rest of a message is waited for.
    pub(super) const WAIT: u64 = 60_000;

    /// For at most so many messages at a time; then the oldest gives way.
    pub(super) fn new(most: usize) -> Self {
        Self {
            parts: BTreeMap::new(),
            most,
        }
    }

    /// Takes a fragment; the message, if it is whole.
    pub(super) fn take(&mut self, fragment: Fragment<'_>, now: u64) -> Option<Vec<u8>> {
        let count = usize::from(fragment.count);
        if count == 1 {
            return Some(fragment.bytes.to_vec());
        }
        if !self.parts.contains_key(&fragment.name) && self.parts.len() >= self.most {
            let oldest = self.parts.iter().min_by_key(|(_, parts)| parts.until);
            let oldest = oldest.map(|(name, _)| *name);
            oldest.and_then(|name| self.parts.remove(&name));
        }
        let parts = self.parts.entry(fragment.name).or_insert_with(|| Parts {
            until: now + Self::WAIT,
            parts: vec![None; count],
        });
        if parts.parts.len() != count {
            return None;
        }
        // The first that came counts.
        parts.parts[usize::from(fragment.index)].get_or_insert_with(|| fragment.bytes.to_vec());
        if parts.parts.iter().any(Option::is_none) {
            return None;
        }
        let parts = self.parts.remove(&fragment.name)?;
        Some(parts.parts.into_iter().flatten().flatten().collect())
    }

    /// Gives up what did not become whole in time.
    pub(super) fn expire(&mut self, now: u64) {
        self.parts.retain(|_, parts| parts.until > now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fragment(name: u8, index: u8, count: u8, len: usize) -> Vec<u8> {
        let mut content = vec![FRAGMENT];
        content.extend_from_slice(&[name; 16]);
        content.extend_from_slice(&[index, count]);
        content.extend(vec![7; len]);
        content
    }

    fn is_read(content: &[u8]) -> bool {
        matches!(Content::read(content), Some(Content::Fragment(_)))
    }

    proptest! {
        #[test]
        fn a_message_is_what_its_fragments_are_in_any_order(
            message in prop::collection::vec(any::<u8>(), 0..3 * Fragment::DATA),
            seed in any::<u64>(),
        ) {
            let mut contents = Fragment::all([1; 16], &message);
            prop_assert_eq!(contents.len(), Fragment::count(message.len()));
            let len = contents.len();
            contents.rotate_left(usize::try_from(seed % 25).expect("small") % len);
            let mut assembler = Assembler::new(4);
            let mut whole = None;
            for content in &contents {
                prop_assert!(content.len() <= PLAINTEXT);
                prop_assert!(whole.is_none());
                let Some(Content::Fragment(fragment)) = Content::read(content) else {
                    return Err(TestCaseError::fail("not read"));
                };
                whole = assembler.take(fragment, 0);
            }
            prop_assert_eq!(whole, Some(message));
            prop_assert_eq!(assembler.parts.len(), 0);
        }
    }

    #[test]
    fn there_is_one_way_to_cut_a_message() {
        let full = Fragment::DATA;
        assert!(is_read(&fragment(1, 0, 1, 0)));
        assert!(is_read(&fragment(1, 0, 2, full)));
        assert!(
            !is_read(&fragment(1, 0, 2, full - 1)),
            "not full, and not the last"
        );
        assert!(is_read(&fragment(1, 1, 2, 1)));
        assert!(!is_read(&fragment(1, 1, 2, 0)), "an empty end");
        assert!(!is_read(&fragment(1, 2, 2, full)), "behind the end");
        assert!(!is_read(&fragment(1, 0, 0, full)), "of nothing");
        assert!(is_read(&fragment(1, 0, 25, full)));
        assert!(!is_read(&fragment(1, 0, 26, full)), "too many");
        assert!(!is_read(&fragment(1, 0, 1, full + 1)), "too long");
    }

    #[test]
    fn what_is_no_content_is_refused() {
        assert_eq!(Content::read(&Content::cover()), Some(Content::Cover));
        assert_eq!(Content::read(&Content::going_around(9)), Some(Content::Loop(9)));
        for content in [&[][..], &[COVER, 0], &[LOOP], &[LOOP; 10], &[3], &[FRAGMENT; 18]] {
            assert_eq!(Content::read(content), None, "{content:?}");
        }
    }

    #[test]
    fn fragments_that_do_not_agree_make_no_message() {
        let mut assembler = Assembler::new(4);
        let mut take = |content: &[u8]| {
            let Some(Content::Fragment(fragment)) = Content::read(content) else {
                panic!("it is one")
            };
            assembler.take(fragment, 0)
        };
        assert_eq!(take(&fragment(1, 0, 2, Fragment::DATA)), None);
        assert_eq!(take(&fragment(1, 2, 3, 1)), None, "of another count");
        assert_eq!(take(&fragment(1, 0, 2, Fragment::DATA)), None, "the same again");
        assert_eq!(take(&fragment(2, 1, 2, 1)), None, "of another message");
        assert_eq!(
            take(&fragment(1, 1, 2, 1)).map(|it| it.len()),
            Some(Fragment::DATA + 1)
        );
    }

    #[test]
    fn incomplete_messages_are_bounded_in_number_and_time() {
        let mut assembler = Assembler::new(3);
        for name in 0..10 {
            let content = fragment(name, 0, 2, Fragment::DATA);
            let Some(Content::Fragment(it)) = Content::read(&content) else {
                panic!("it is one")
            };
            assembler.take(it, name.into());
            assert!(assembler.parts.len() <= 3);
        }
        // The oldest gave way.
        assert!(assembler.parts.contains_key(&[9; 16]));
        assembler.expire(Assembler::WAIT + 8);
        assert_eq!(assembler.parts.len(), 1);
        assembler.expire(Assembler::WAIT + 9);
        assert_eq!(assembler.parts.len(), 0);
    }
}
