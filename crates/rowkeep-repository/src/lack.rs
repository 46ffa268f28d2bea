//! What a store was found to lack, as the ledger keeps it, so that everybody who works with the repository goes by it.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::objects::{LEDGER, Listed, Objects};
use crate::{Repository, Result};

/// What a store was found to lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Of several that create an object at once, more than one is told that it did.
    ConditionalCreate,
    /// What was written is not listed, or cannot be read, right afterwards.
    Listing,
    /// What the store says was deleted is still there.
    Deletion,
}

impl Lack {
    const ALL: [Self; 3] = [Self::ConditionalCreate, Self::Listing, Self::Deletion];

    fn word(self) -> &'static str {
        match self {
            Self::ConditionalCreate => "conditional-create",
            Self::Listing => "listing",
            Self::Deletion => "deletion",
        }
    }

    /// The entry of the ledger that says so.
    fn entry(self) -> String {
        format!("{LEDGER}/lacks-{}", self.word())
    }

    /// Reads the name of an entry.
    pub(crate) fn parse(listed: &Listed) -> Option<Self> {
        Self::ALL.into_iter().find(|lack| lack.entry() == listed.name)
    }

    /// Has the ledger say what a store lacks, and nothing else that was found before.
    pub(crate) async fn record(objects: &Objects, found: &BTreeSet<Self>) -> Result<()> {
        let recorded: BTreeSet<Self> = objects.list(LEDGER).await?.iter().filter_map(Self::parse).collect();
        for lack in found.difference(&recorded) {
            objects.write(&lack.entry(), Bytes::new()).await?;
        }
        for lack in recorded.difference(found) {
            objects.delete(&lack.entry()).await?;
        }
        Ok(())
    }
}

impl Repository {
    /// Whether the store was found to lack something.
    pub(crate) async fn lacks(&self, lack: Lack) -> Result<bool> {
        Ok(self.listings().notes().await?.iter().any(|listed| Lack::parse(listed) == Some(lack)))
    }
}
