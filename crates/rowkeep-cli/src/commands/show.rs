use anyhow::Result;
use rowkeep::state::snapshots;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::snapshot_contents::{json, told};

/// Show the contents of a snapshot.
///
/// Prints its tables with rows, sizes and hashes, and how it was taken.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// Snapshot: an id or a prefix of it, a name, `latest`, or `latest:DATABASE`
    snapshot: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let snapshot = snapshots::find(session.workspace()?.repository().await?, &self.snapshot).await?;
        session.result(|| json(&snapshot), || told(&snapshot));
        Ok(DONE)
    }
}
