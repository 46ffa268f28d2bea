//! What was read from the state, kept until the state changes.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So much is kept at once.
const MOST: usize = 1_000;

/// What was read from the state, by what was asked for. It is forgotten as soon as anything in the state is another.
pub(crate) struct Remembered<K, V>(Mutex<Kept<K, V>>);

struct Kept<K, V> {
    /// The number of changes before it was read.
    changes: u64,
    values: HashMap<K, V>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Kept { changes: 0, values: HashMap::new() }))
    }
}

impl<K, V> fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remembered")
    }
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// What was read after so many changes.
    pub(crate) fn get(&self, changes: u64, key: &K) -> Option<V> {
        let kept = self.kept();
        if kept.changes == changes { kept.values.get(key).cloned() } else { None }
    }

    /// Keeps what was read; `changes` is the number from before that.
    pub(crate) fn keep(&self, changes: u64, key: K, value: V) {
        let mut kept = self.kept();
        if kept.changes > changes {
            return;
        }
        if kept.changes < changes || kept.values.len() >= MOST {
            *kept = Kept { changes, values: HashMap::new() };
        }
        kept.values.insert(key, value);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_forgotten_with_the_next_change() {
        let remembered = Remembered::default();
        remembered.keep(3, "a", 1);
        remembered.keep(3, "b", 2);
        assert_eq!((remembered.get(3, &"a"), remembered.get(3, &"b")), (Some(1), Some(2)));
        assert_eq!(remembered.get(4, &"a"), None);
        remembered.keep(4, "b", 3);
        assert_eq!((remembered.get(4, &"a"), remembered.get(4, &"b")), (None, Some(3)));
        // Of whoever began to read before the change.
        remembered.keep(3, "a", 1);
        assert_eq!((remembered.get(3, &"a"), remembered.get(4, &"b")), (None, Some(3)));
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let remembered = Remembered::default();
        for number in 0..=MOST {
            remembered.keep(0, number, ());
        }
        assert_eq!((remembered.get(0, &0), remembered.get(0, &MOST)), (None, Some(())));
    }
}
