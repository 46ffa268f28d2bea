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
    /// List only snapshots of this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
}

impl Snapshots {
    /// The command for all databases.
    pub(crate) fn all() -> Self {
        Self { database: None, device: None }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let mut outcome = list(session.workspace()?, self.database.as_deref()).await?;
        if let Some(device) = &self.device {
            outcome = outcome.of_device(device)?;
        }
        session.result(|| &outcome, || told(&outcome));
        Ok(ended("snapshots", outcome.verdict(), &[]))
    }
}
