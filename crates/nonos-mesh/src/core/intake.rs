use std::collections::{BTreeMap, VecDeque};

use nonos_types::{ByteLen, NodeId};

/// How much an [`Intake`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Most items of one source.
    pub per_source: usize,
    /// Most bytes of one source; one item is always taken.
    pub bytes_per_source: ByteLen,
    /// Most bytes of all.
    pub bytes: ByteLen,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            per_source: 64,
            bytes_per_source: ByteLen::new(1 << 20),
            bytes: ByteLen::new(64 << 20),
        }
    }
}

/// There is no room for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

/// What waits to be looked at, source by source in turn: who sends much waits for itself alone.
///
/// ```
/// use nonos_mesh::core::{Intake, IntakeLimits};
/// use nonos_types::{ByteLen, NodeId};
///
/// let limits = IntakeLimits { per_source: 2, ..IntakeLimits::default() };
/// let mut intake = Intake::new(limits);
/// let (loud, quiet) = (NodeId::from_bytes([1; 32]), NodeId::from_bytes([2; 32]));
/// for n in 0..3 {
///     assert_eq!(intake.push(loud, ByteLen::new(100), n).is_ok(), n < 2);
/// }
/// assert!(intake.push(quiet, ByteLen::new(100), 9).is_ok());
///
/// // They take turns: who sends more is not heard sooner.
/// let heard: Vec<i32> = std::iter::from_fn(|| intake.pop()).map(|(_, n)| n).collect();
/// assert_eq!(heard, [0, 9, 1]);
/// ```
#[derive(Debug)]
pub struct Intake<T> {
    limits: IntakeLimits,
    sources: BTreeMap<NodeId, Source<T>>,
    /// The sources that have something, each once.
    turns: VecDeque<NodeId>,
    bytes: u64,
}

#[derive(Debug)]
struct Source<T> {
    items: VecDeque<(ByteLen, T)>,
    bytes: u64,
}

impl<T> Intake<T> {
    /// An empty one.
    pub fn new(limits: IntakeLimits) -> Self {
        Self {
            limits,
            sources: BTreeMap::new(),
            turns: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// [`Full`].
    pub fn push(&mut self, from: NodeId, len: ByteLen, item: T) -> Result<(), Full<T>> {
        let len = len.get();
        let limits = &self.limits;
        if self.bytes.saturating_add(len) > limits.bytes.get() {
            return Err(Full(item));
        }
        if let Some(source) = self.sources.get(&from) {
            let bytes = source.bytes.saturating_add(len);
            if source.items.len() >= limits.per_source || bytes > limits.bytes_per_source.get() {
                return Err(Full(item));
            }
        }
        let source = self.sources.entry(from).or_insert_with(|| {
            self.turns.push_back(from);
            Source {
                items: VecDeque::new(),
                bytes: 0,
            }
        });
        source.bytes += len;
        source.items.push_back((ByteLen::new(len), item));
        self.bytes += len;
        Ok(())
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// The next one: the oldest of the source that waited longest.
    pub fn pop(&mut self) -> Option<(NodeId, T)> {
        let from = self.turns.pop_front()?;
        let source = self.sources.get_mut(&from).expect("it has a turn");
        let (len, item) = source.items.pop_front().expect("it has an item");
        source.bytes -= len.get();
        self.bytes -= len.get();
        if source.items.is_empty() {
            self.sources.remove(&from);
        } else {
            self.turns.push_back(from);
        }
        Some((from, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId::from_bytes([1; 32]);
    const B: NodeId = NodeId::from_bytes([2; 32]);
    const LEN: ByteLen = ByteLen::new(10);

    fn intake() -> Intake<u32> {
        Intake::new(IntakeLimits {
            per_source: 4,
            bytes_per_source: ByteLen::new(100),
            bytes: ByteLen::new(150),
        })
    }

    #[test]
    fn sources_take_turns() {
        let mut intake = intake();
        for item in 0..4 {
            intake.push(A, LEN, item).expect("room");
        }
        intake.push(B, LEN, 100).expect("room");
        let order: Vec<_> = std::iter::from_fn(|| intake.pop()).collect();
        assert_eq!(order, [(A, 0), (B, 100), (A, 1), (A, 2), (A, 3)]);
    }

    #[test]
    fn a_full_source_leaves_room_for_others() {
        let mut intake = intake();
        let taken = (0..100).filter(|item| intake.push(A, LEN, *item).is_ok()).count();
        assert_eq!(taken, 4);
        assert_eq!(intake.push(B, LEN, 0), Ok(()));
    }

    #[test]
    fn bytes_are_bounded_by_source_and_in_all() {
        let mut intake = intake();
        assert_eq!(intake.push(A, ByteLen::new(90), 0), Ok(()));
        assert_eq!(intake.push(A, ByteLen::new(11), 1), Err(Full(1)));
        assert_eq!(intake.push(B, ByteLen::new(61), 2), Err(Full(2)));
        assert_eq!(intake.push(B, ByteLen::new(60), 2), Ok(()));
        assert_eq!(intake.pop(), Some((A, 0)));
        assert_eq!(intake.push(A, ByteLen::new(90), 1), Ok(()));
    }
}
