//! Holds: sealed documents that say of a snapshot that it is to stay, or that somebody has looked at it.
//!
//! What a hold says is known to the layer above.

use bytes::Bytes;
use rowkeep_format::ids::HoldId;

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header::HOLD;
use crate::objects::{HOLDS, Listed, hold, short_hash};
use crate::seal::random;
use crate::{Error, Flaw, Repository, Result};

impl Repository {
    /// Stores a hold and reads it back.
    pub async fn store_hold(&self, content: &[u8]) -> Result<HoldId> {
        self.still_there().await?;
        let object = document::seal(self.sealer(), HOLD, &random()?, content, "the hold")?;
        let id = HoldId(short_hash(&object));
        self.objects().write(&hold(&id), Bytes::from(object)).await?;
        if self.read_hold(&id).await? != content {
            return Err(Error::at(hold(&id), Flaw::ReadBack));
        }
        Ok(id)
    }

    /// Lists the holds by name.
    pub async fn holds(&self) -> Result<Vec<HoldId>> {
        let mut ids: Vec<HoldId> = self.objects().list(HOLDS).await?.iter().filter_map(id_of).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a hold.
    pub async fn read_hold(&self, id: &HoldId) -> Result<Vec<u8>> {
        let name = hold(id);
        let object = match self.objects().find(&name, MAX_OBJECT_BYTES).await? {
            Some(object) => object,
            None => return Err(Error::NotFound { object: format!("hold {id}") }),
        };
        if short_hash(&object) != id.0 {
            return Err(Error::at(name, Flaw::Name));
        }
        document::open(self.sealer(), HOLD, &object).map_err(|flaw| Error::at(name, flaw))
    }

    /// Deletes a hold, if it is there.
    pub async fn delete_hold(&self, id: &HoldId) -> Result<()> {
        self.objects().delete(&hold(id)).await
    }
}

/// The id in the name of a hold.
pub(crate) fn id_of(object: &Listed) -> Option<HoldId> {
    HoldId::from_hex(object.within(HOLDS)?).ok()
}
