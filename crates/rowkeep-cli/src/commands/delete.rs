use anyhow::Result;
use rowkeep::jobs::delete::DeleteRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::deletion;
use crate::ui::person::Person;

/// Delete snapshots.
///
/// Other snapshots are not affected: each is complete by itself. `rowkeep prune` frees the space that no snapshot needs any more.
#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Ids, prefixes of ids, or names
    #[arg(required = true, value_name = "SNAPSHOT")]
    snapshots: Vec<String>,
    /// Print what would be deleted without deleting it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

impl Delete {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = DeleteRequest { snapshots: self.snapshots, plan_only: self.dry_run };
        let person = Person { session, approves: self.yes };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(|| deletion::json(&outcome), || deletion::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
