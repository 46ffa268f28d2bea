use anyhow::Result;
use rowkeep::jobs::refresh::RefreshRequest;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::restored;

/// Replace a database by the newest backup of another one, masked.
///
/// `[databases.NAME.refresh]` in rowkeep.toml says from which one, such as staging from production. The whole database is
/// replaced, including its schema, and proven by hash; `rowkeep undo` reverts it. If anything fails, it stays as it was.
#[derive(Debug, clap::Args)]
pub(crate) struct Refresh {
    /// Database to replace: a name in rowkeep.toml
    database: String,
    /// Print the plan without executing it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Refresh {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let request = RefreshRequest { database: self.database, plan_only: self.dry_run };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        restored::show(session, &outcome);
        Ok(ended("refresh", outcome.verdict(), outcome.hooks_failed()))
    }
}
