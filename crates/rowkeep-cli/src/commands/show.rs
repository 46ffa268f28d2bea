use anyhow::Result;
use rowkeep::state::snapshots;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::snapshot_contents::{json, told};

/// Show what a snapshot holds: tables, rows, sizes, hashes, and how it came to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// An id or its beginning, a name, `latest` or `latest:DATABASE`
    snapshot: String,
}

impl Show {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let snapshot = snapshots::find(session.workspace()?.repository().await?, &self.snapshot).await?;
        session.result(|| json(&snapshot), || told(&snapshot));
        Ok(DONE)
    }
}
