use std::ffi::OsString;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::around::AroundRequest;

use crate::child::Inherit;
use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::effect;
use crate::ui::person::Person;

/// Run a command between two snapshots, and show what it changed.
///
/// For imports, bulk operations and upgrades. The environment of the command has ROWKEEP_DATABASE, ROWKEEP_DATABASE_URL
/// and ROWKEEP_SNAPSHOT, the snapshot taken before it. Nothing is rolled back: exits with 1 if the command fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Around {
    #[command(flatten)]
    changing: Changing,
}

/// A command, and the database that it changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Changing {
    /// Database: a name in rowkeep.toml, a URL, or a path
    pub(crate) database: DatabaseRef,
    /// Show the changed rows, not just how many
    #[arg(long)]
    pub(crate) rows: bool,
    /// Command with its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

impl Around {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let Changing { database, rows, command } = self.changing;
        let request = AroundRequest { database, command: command.into_iter().collect() };
        let (person, runner) = (Person { session, approves: true }, Inherit::of(session)?);
        let (outcome, changes) =
            request.run(&session.context, session.workspace()?, &person, &runner).await?;
        effect::show(session, &outcome.before, &outcome.effect, Some(&changes), rows).await?;
        effect::show_around(session, &outcome);
        Ok(status_of(outcome.verdict()))
    }
}
