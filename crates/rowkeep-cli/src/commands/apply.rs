use anyhow::Result;
use rowkeep::jobs::apply_plan::ApplyRequest;

use crate::fail::ended;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::restored;

/// Execute a plan that `--dry-run` of restore or undo has made.
///
/// Exactly the changes of the plan are made, in one transaction, and once. When rows were changed since, nothing is changed,
/// unless the plan was made to leave such rows out. A safety snapshot is taken before, unless the plan was made without.
#[derive(Debug, clap::Args)]
pub(crate) struct Apply {
    /// The id of the plan, or its beginning; `rowkeep plans` lists them
    plan: String,
    /// How the database of the plan is reached, if rowkeep.toml does not name it: a URL, or a path
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Apply {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let person = Person { session, approves: self.yes };
        let request = ApplyRequest { plan: self.plan, to: self.to.map(Into::into) };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        restored::show_undo(session, &outcome);
        Ok(ended("restore", outcome.verdict(), outcome.hooks_failed()))
    }
}
