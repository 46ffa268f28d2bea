use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::undo::UndoRequest;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::restored;

/// Undo the last restore or undo.
///
/// The rows that it changed get their previous values back; rows that changed again since then are detected. A restore
/// that replaced the whole database is undone by replacing it with its previous state. An undo is undone by another. Only
/// what was done to this very database is undone, not to another of the same name.
#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// Database: a name in rowkeep.toml, a URL, or a path
    database: Option<DatabaseRef>,
    /// Undo what was done after this safety snapshot [default: what was done last]
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
    /// The safety snapshot is of this database before it was moved or upgraded
    #[arg(long, requires = "snapshot")]
    moved: bool,
    /// Print and save the plan without executing it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    /// Skip rows that changed again since then, instead of stopping
    #[arg(long)]
    skip_conflicts: bool,
    /// Terminate other connections first (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Take no safety snapshot; the undo cannot be undone
    #[arg(long)]
    no_safety: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    /// Do not write the activity row
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
            database: self.database,
            snapshot: self.snapshot,
            moved: self.moved,
            plan_only: self.dry_run,
            skip_conflicts: self.skip_conflicts,
            end_connections: self.end_connections,
            safety: !self.no_safety,
            hooks: !self.no_hooks,
            activity: !self.no_activity,
        }
    }
}
