use anyhow::Result;
use rowkeep::Error;
use rowkeep::state::times::doubt_of;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::snapshot_contents::{json, told};

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
        let doubt = doubt_of(snapshot.id, &catalog, session.context.now());
        session.result(|| json(&snapshot, doubt.as_deref()), || told(&snapshot, doubt.as_deref()));
        Ok(DONE)
    }
}
