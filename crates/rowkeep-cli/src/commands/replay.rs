use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::replay::ReplayRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::replayed;

/// Replay an application's own log on a snapshot: the state at a time, as a new snapshot.
///
/// `[databases.NAME.log]` in rowkeep.toml says in which table the application writes down what it changes. The newest snapshot that is not after
/// the time is taken, and the entries of the log that it does not have yet are done to its rows, up to the time. Entries that do
/// not fit are listed, and no snapshot is made unless --despite-problems is given (exit status 4). The new snapshot is one like
/// others: compare it by `rowkeep diff`, test it with the checks of the database by `rowkeep drill --snapshot`, restore it.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Database, as named in rowkeep.toml
    database: String,
    /// Time of the state that is wanted: `2026-11-20T15:30Z`, "2026-11-20 15:30 Europe/London", `-2h`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: String,
    /// Snapshot to begin with [default: the newest of the whole database that is not after the time]
    #[arg(long, value_name = "SNAPSHOT")]
    base: Option<String>,
    /// State with the log: a snapshot, `live:DATABASE`, a URL or a path [default: the newest snapshot]
    #[arg(long, value_name = "STATE")]
    log: Option<DatabaseRef>,
    /// Make a snapshot although entries do not fit: they are replayed as far as possible
    #[arg(long)]
    despite_problems: bool,
    /// Name for the new snapshot
    #[arg(long)]
    name: Option<String>,
    /// Only show what would come of it
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = ReplayRequest {
            base: self.base,
            log: self.log,
            despite_problems: self.despite_problems,
            plan_only: self.dry_run,
            name: self.name,
            ..ReplayRequest::of(self.database, self.until)
        };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || replayed::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
