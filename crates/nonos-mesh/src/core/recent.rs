use std::collections::BTreeMap;

/// A map of what was used of late. It holds two generations; when the young one is full it becomes the old one, and
/// what was old is forgotten. So it never holds more than twice its size, and forgets nothing of the last `size`.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
    size: usize,
}

impl<K: Ord, V> Recent<K, V> {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            young: BTreeMap::new(),
            old: BTreeMap::new(),
            size: size.max(1),
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.young.contains_key(key) || self.old.contains_key(key)
    }

    /// The value, which is young again by this; made where there is none.
    pub(crate) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_else(make);
            if self.young.len() >= self.size {
                self.old = std::mem::take(&mut self.young);
            }
            return self.young.entry(key).or_insert(value);
        }
        self.young.get_mut(&key).expect("it is there")
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_last_ones_and_never_more_than_twice_its_size() {
        let mut recent = Recent::new(10);
        for key in 0..1000_u32 {
            recent.entry(key, || ());
            assert!(recent.young.len() + recent.old.len() <= 20);
            for last in key.saturating_sub(9)..=key {
                assert!(recent.contains(&last), "{last} of {key}");
            }
        }
        assert!(!recent.contains(&0));
    }

    #[test]
    fn what_is_used_stays() {
        let mut recent = Recent::new(10);
        recent.entry(0, || 7);
        for key in 1..1000 {
            recent.entry(key, || 0);
            assert_eq!(*recent.entry(0, || 0), 7);
        }
        assert_eq!(recent.remove(&0), Some(7));
        assert!(!recent.contains(&0));
    }
}
