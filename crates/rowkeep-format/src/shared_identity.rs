//! Identities of which there is one for all who say the same: of very many snapshots most are of a few databases.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Identity;

/// Writes an identity as if it was not shared.
pub(crate) fn serialize<S: Serializer>(
    identity: &Option<Arc<Identity>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    identity.as_deref().serialize(serializer)
}

/// Reads an identity, which nobody shares yet.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<Identity>>, D::Error> {
    Ok(Option::<Identity>::deserialize(deserializer)?.map(Arc::new))
}

/// The identities that were read.
#[derive(Debug, Default)]
pub(crate) struct SharedIdentities(HashSet<Arc<Identity>>);

impl SharedIdentities {
    /// Puts the one that was read first in the place of another that says the same.
    pub(crate) fn share(&mut self, identity: &mut Option<Arc<Identity>>) {
        let Some(own) = identity else { return };
        match self.0.get(own) {
            Some(first) => *own = Arc::clone(first),
            None => drop(self.0.insert(Arc::clone(own))),
        }
    }
}
