use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::history::HistoryRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::history;

/// Show every version of one row.
///
/// Shows when it was inserted, updated, deleted and restored. Reads snapshots only, not the database.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// Table, with its schema if needed
    table: String,
    /// Values of its key, separated by commas: `42`, `7,3`, `'a, b',x'0aff'`
    #[arg(allow_hyphen_values = true)]
    key: String,
    /// Database, if the repository has several
    database: Option<DatabaseRef>,
}

impl History {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = HistoryRequest { table: self.table, key: self.key, database: self.database };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || history::told(&outcome.history, &outcome.key));
        Ok(status_of(outcome.verdict()))
    }
}
