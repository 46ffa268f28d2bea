use anyhow::Result;
use rowkeep::jobs::delete::DeleteRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::out;
use crate::setup::Session;
use crate::ui::person::Person;

/// Delete snapshots.
///
/// Other snapshots are not affected: each is complete by itself. Space that no snapshot needs any more is not freed.
#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Ids, prefixes of ids, or names
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<String>,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = DeleteRequest { snapshots: self.snapshots };
        let person = Person { session, approves: true };
        let outcome = request.run(session.workspace()?, &person).await?;
        if session.global.json {
            let ids: Vec<_> = outcome.deleted.iter().map(|snapshot| snapshot.id).collect();
            out::json(&json!({ "deleted": ids }));
        }
        Ok(status_of(outcome.verdict()))
    }
}
