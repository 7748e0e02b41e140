//! A map with a limit: the oldest entry makes room.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::hash::BuildFolding;

#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    map: HashMap<K, V, BuildFolding>,
    order: VecDeque<K>,
    limit: usize,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            map: HashMap::default(),
            order: VecDeque::new(),
            limit,
        }
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.map.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.map.get_mut(&key)
    }

    /// Adds or replaces; gives the entry that had to go, if any.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        if self.map.insert(key, value).is_some() {
            return None;
        }
        self.order.push_back(key);
        if self.order.len() <= self.limit {
            return None;
        }
        let oldest = self.order.pop_front()?;
        self.map.remove_entry(&oldest)
    }

    /// The entry, made when it is not there.
    pub(crate) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.map.contains_key(&key) {
            let _oldest = self.insert(key, make());
        }
        self.map
            .get_mut(&key)
            .expect("it was there or inserted just now, and the limit is above zero")
    }

    /// Every entry, oldest first.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.order.iter().filter_map(|key| self.map.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut map = Bounded::new(2);
        assert_eq!(map.insert(1, "a"), None);
        assert_eq!(map.insert(2, "b"), None);
        assert_eq!(map.insert(1, "c"), None);
        assert_eq!(map.insert(3, "d"), Some((1, "c")));
        assert_eq!(map.get(1), None);
        assert_eq!(*map.entry(4, || "e"), "e");
        assert_eq!(map.values().copied().collect::<Vec<_>>(), ["d", "e"]);
    }
}
