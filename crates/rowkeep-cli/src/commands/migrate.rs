use anyhow::Result;
use rowkeep::jobs::migrate::MigrateRequest;

use super::around::Changing;
use crate::child::Inherit;
use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::{effect, migration};

/// Run a migration between two snapshots; when it fails, the database becomes what it was.
///
/// It fails when the command does (also by Ctrl-C), when a check of rowkeep.toml fails that held before, or when what was
/// expected to stay is gone. Then schema and rows are put back and proven, and the exit status is 1. Everything since the
/// first snapshot is taken back, also what others wrote meanwhile. The command gets ROWKEEP_DATABASE, ROWKEEP_DATABASE_URL
/// and ROWKEEP_SNAPSHOT, the snapshot before it, in its environment.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// Fail when a table or column is gone, or rows were deleted
    #[arg(long)]
    expect_no_loss: bool,
    /// End other connections to the database before it is rolled back (PostgreSQL)
    #[arg(long)]
    end_connections: bool,
    /// Run no hooks
    #[arg(long)]
    no_hooks: bool,
    #[command(flatten)]
    changing: Changing,
}

impl Migrate {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let Changing { database, rows, command } = self.changing;
        let request = MigrateRequest {
            database: database.into(),
            command,
            expect_no_loss: self.expect_no_loss,
            end_connections: self.end_connections,
            hooks: !self.no_hooks,
        };
        let (person, runner) = (Person { session, approves: true }, Inherit { session });
        let migrated = request.run(&session.context, session.workspace()?, &person, &runner).await?;
        let outcome = &migrated.outcome;
        if let Some(done) = &outcome.effect {
            effect::show(session, &outcome.before, done, migrated.changes.as_ref(), rows).await?;
        }
        migration::show(session, outcome, migrated.failure)?;
        Ok(ended("migrate", outcome.verdict(), &outcome.hooks_failed))
    }
}
