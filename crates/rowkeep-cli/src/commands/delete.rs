use anyhow::Result;
use rowkeep::state::snapshots;
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;

/// Delete snapshots.
///
/// Other snapshots are not affected: each is complete by itself. The space of chunks that no snapshot needs any more
/// is not freed by this.
#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Ids or their beginnings, or names
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let repository = session.open().await?;
        // All are found before any is deleted, so that a misspelt one deletes none.
        let mut found = Vec::new();
        for reference in &self.snapshots {
            let snapshot = snapshots::find(&repository, reference).await?;
            if !found.contains(&snapshot) {
                found.push(snapshot);
            }
        }
        for snapshot in &found {
            repository.delete_snapshot(&snapshot.id).await.map_err(rowkeep::Error::from)?;
            session.say(format!(
                "deleted snapshot {} of {}",
                snapshot.short_id(),
                snapshot.manifest.database
            ));
        }
        if session.global.json {
            println!(
                "{}",
                json!({ "deleted": found.iter().map(|snapshot| snapshot.id).collect::<Vec<_>>() })
            );
        }
        Ok(DONE)
    }
}
