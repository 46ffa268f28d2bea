//! When recovery kits were made, as the ledger keeps it, so that everybody who works with the repository knows.

use bytes::Bytes;
use jiff::Timestamp;

use crate::objects::{LEDGER, Listed};
use crate::{Error, Repository, Result};

/// The entry of the ledger that says that one was made.
fn entry(made: Timestamp) -> String {
    format!("{LEDGER}/kit-{}", made.as_second())
}

/// When the kit was made of which an entry tells.
pub(crate) fn made_of(listed: &Listed) -> Option<Timestamp> {
    let seconds = listed.last().strip_prefix("kit-")?.parse().ok()?;
    Timestamp::from_second(seconds).ok().filter(|made| entry(*made) == listed.name)
}

impl Repository {
    /// Records that a recovery kit was made. What tells of earlier ones is deleted, where that may be.
    pub async fn record_kit(&self, made: Timestamp) -> Result<()> {
        let objects = self.objects();
        objects.write(&entry(made), Bytes::new()).await?;
        for listed in objects.list(LEDGER).await? {
            if made_of(&listed).is_some_and(|other| other.as_second() < made.as_second()) {
                match objects.delete(&listed.name).await {
                    Err(error @ Error::Denied { .. }) => {
                        tracing::debug!(%error, "what tells of an earlier recovery kit stays");
                    }
                    outcome => outcome?,
                }
            }
        }
        Ok(())
    }

    /// When the last recovery kit was made, if one ever was.
    pub async fn last_kit(&self) -> Result<Option<Timestamp>> {
        Ok(self.listings().notes().await?.iter().filter_map(made_of).max())
    }
}
