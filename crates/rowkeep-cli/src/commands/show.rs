use anyhow::Result;
use rowkeep::Error;
use rowkeep::jobs::holds::Holds;
use rowkeep::state::times::doubt_of;

use crate::fail::{DONE, say};
use crate::setup::Session;
use crate::ui::snapshot_contents::{Beside, json, told};
use crate::ui::units::plain;

/// Show the contents of a snapshot.
///
/// Prints its tables with rows, sizes and hashes, and how it was taken.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`
    snapshot: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let workspace = session.workspace()?;
        let snapshot = workspace.snapshot(&session.context, &self.snapshot).await?;
        let repository = workspace.repository().await?;
        let catalog = repository.catalog().await.map_err(Error::from)?;
        let (now, holds) = (session.context.now(), Holds::readable(repository).await?);
        let (holds, unreadable) = holds;
        unreadable.iter().for_each(|(_, error)| say(&format!("warning: {}", plain(&error.in_one_line()))));
        let beside = Beside {
            time_doubt: doubt_of(snapshot.id, &catalog, now),
            holds: holds.on(snapshot.id, now),
            looked_at: holds.is_looked_at(snapshot.id),
        };
        session.result(|| json(&snapshot, &beside), || told(&snapshot, &beside));
        Ok(DONE)
    }
}
