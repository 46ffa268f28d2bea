use anyhow::Result;
use rowkeep::jobs::migrate::MigrateRequest;

use super::around::Changing;
use crate::child::Inherit;
use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::{effect, migration};

/// Run a migration, and roll the database back if it fails.
///
/// It fails if the command fails (or is stopped by Ctrl-C), if a check in rowkeep.toml fails that passed before, or if
/// something expected to stay is gone. Schema and rows are then restored and verified, and the exit status is 1.
/// Everything since the first snapshot is rolled back, including what others wrote in the meantime. The environment of
/// the command has ROWKEEP_DATABASE, ROWKEEP_DATABASE_URL and ROWKEEP_SNAPSHOT, the snapshot taken before it.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// Fail if a table or column is dropped, or rows are deleted
    #[arg(long)]
    expect_no_loss: bool,
    /// Terminate other connections before rolling back (PostgreSQL)
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
            database,
            command: command.into_iter().collect(),
            expect_no_loss: self.expect_no_loss,
            end_connections: self.end_connections,
            hooks: !self.no_hooks,
        };
        let (person, runner) = (Person { session, approves: true }, Inherit::of(session)?);
        let migrated = request.run(&session.context, session.workspace()?, &person, &runner).await?;
        let outcome = &migrated.outcome;
        if let Some(done) = &outcome.effect {
            effect::show(session, &outcome.before, done, migrated.changes.as_ref(), rows).await?;
        }
        migration::show(session, outcome, migrated.failure)?;
        Ok(ended("migrate", outcome.verdict(), &outcome.hooks_failed))
    }
}
