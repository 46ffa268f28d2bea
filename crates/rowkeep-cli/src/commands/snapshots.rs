use anyhow::Result;
use rowkeep::jobs::snapshots::list;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::snapshots::told;

/// List snapshots.
///
/// The newest comes last.
#[derive(Debug, clap::Args)]
pub(crate) struct Snapshots {
    /// List only snapshots of this database
    database: Option<String>,
}

impl Snapshots {
    /// The command for all databases.
    pub(crate) fn all() -> Self {
        Self { database: None }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let outcome = list(session.workspace()?, self.database.as_deref()).await?;
        session.result(|| &outcome, || told(&outcome));
        Ok(ended("snapshots", outcome.verdict(), &[]))
    }
}
