//! What is there once for all who say the same: of very many snapshots most are of a few databases.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Identity;

/// The values that were read.
#[derive(Debug)]
pub(crate) struct Shared<T: ?Sized>(HashSet<Arc<T>>);

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash + ?Sized> Shared<T> {
    /// Puts the one that was read first in the place of another that says the same.
    pub(crate) fn share(&mut self, own: &mut Arc<T>) {
        match self.0.get(own) {
            Some(first) => *own = Arc::clone(first),
            None => drop(self.0.insert(Arc::clone(own))),
        }
    }
}

/// A text as it is stored.
pub(crate) mod text {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        Ok(String::deserialize(deserializer)?.into())
    }
}

/// What a database is, as it is stored.
pub(crate) mod identity {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        identity: &Option<Arc<Identity>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        identity.as_deref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Identity>>, D::Error> {
        Ok(Option::<Identity>::deserialize(deserializer)?.map(Arc::new))
    }
}
