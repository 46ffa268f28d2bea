use anyhow::Result;
use rowkeep::jobs::prune::PruneRequest;
use rowkeep::sizes;

use crate::args::rules::KeepRules;
use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::person::Person;
use crate::ui::pruning;

/// Delete snapshots that no rule keeps, and free space.
///
/// Deletes the snapshots that no rule of rowkeep.toml keeps (`rowkeep keep --explain` lists them), and marks what no snapshot needs any
/// more. What has been marked for as long as the grace period is deleted. Backups and restores may run at the same time,
/// on other machines too; --grace has to be longer than any of them takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Prune {
    /// Print what would be deleted and marked without doing it
    #[arg(long)]
    dry_run: bool,
    /// Copy at most this much out of packs that are mostly unneeded, such as 500MB or 2GiB [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = sizes::bytes)]
    max_repack: Option<u64>,
    /// Delete what was marked so long ago, such as 24h; 0s only if nothing else uses the repository [default: 24h]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    rules: KeepRules,
}

impl Prune {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = PruneRequest {
            rules: self.rules.stated(),
            max_repack: self.max_repack,
            grace: self.grace,
            plan_only: self.dry_run,
            ..PruneRequest::default()
        };
        let person = Person { session, approves: self.yes };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(|| pruning::json(&outcome), || pruning::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
