use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::apply_plan::ApplyRequest;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::restored;

/// Execute a plan saved by --dry-run.
///
/// Makes exactly the changes of the plan, in one transaction, and only once. If rows changed since, nothing is done,
/// unless the plan was made to skip such rows. A safety snapshot is taken first, unless the plan was made without one.
#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// Id of the plan, or a prefix of it; `rowkeep plans` lists them
    plan: String,
    /// URL or path of the plan's database, if it is not in rowkeep.toml
    #[arg(long, value_name = "URL")]
    to: Option<DatabaseRef>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Apply {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let request = ApplyRequest { plan: self.plan, to: self.to };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        restored::show_undo(session, &outcome);
        Ok(ended("restore", outcome.verdict(), outcome.hooks_failed()))
    }
}
