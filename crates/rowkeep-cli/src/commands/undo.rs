use anyhow::Result;
use rowkeep::jobs::undo::UndoRequest;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::restored;

/// Take the last restore into a database back.
///
/// Exactly the rows that it changed get the values that they had before. Rows that were changed again since are noticed.
/// What replaced a database with its schema is taken back by replacing it by the state before.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The database: a name from rowkeep.toml, a URL, or a path
    database: Option<String>,
    /// Take back what was done after this safety snapshot instead of the last restore
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Leave rows that were changed again since as they are, instead of stopping
    #[arg(long)]
    skip_conflicts: bool,
    /// End other connections to the database first (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Do not make this undoable in turn
    #[arg(long)]
    no_safety: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Write no row into the application's own log
    #[arg(long)]
    no_activity: bool,
}

impl Undo {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let outcome = self.request().run(&session.context, session.workspace()?, &person).await?;
        restored::show_undo(session, &outcome);
        Ok(ended("undo", outcome.verdict(), outcome.hooks_failed()))
    }

    fn request(self) -> UndoRequest {
        UndoRequest {
            database: self.database.map(Into::into),
            snapshot: self.snapshot,
            plan_only: self.dry_run,
            skip_conflicts: self.skip_conflicts,
            end_connections: self.end_connections,
            safety: !self.no_safety,
            hooks: !self.no_hooks,
            activity: !self.no_activity,
        }
    }
}
