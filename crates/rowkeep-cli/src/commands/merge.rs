use anyhow::Result;
use rowkeep::jobs::merge::MergeRequest;
use serde_json::json;

use crate::args::choices::SideChoice;
use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::merged;

/// Merge what one snapshot changed into another, as a new snapshot.
///
/// For databases that only their own pages write to (IndexedDB): two devices went on by themselves since a common snapshot. Rows that one side changed
/// come as they are; where both changed a row, its columns are merged one by one. A column with two new values, and a row that one side deleted
/// and the other changed, are conflicts: they are listed, and no snapshot is made until --prefer says which side counts (exit status 4). A database that
/// can be reached takes changes by `rowkeep restore SNAPSHOT --to DATABASE --base EARLIER`.
#[derive(Debug, clap::Args)]
pub(crate) struct Merge {
    /// Snapshot whose changes come: an id or a prefix of it, a name, `latest:DATABASE`, or `DATABASE@TIME`
    from: String,
    /// Snapshot that they come into
    #[arg(long, value_name = "SNAPSHOT")]
    into: String,
    /// Snapshot that both come from [default: the last one that the devices had in common]
    #[arg(long, value_name = "SNAPSHOT")]
    base: Option<String>,
    /// What to do with rows and columns that changed on both sides
    #[arg(long, value_enum, default_value_t = SideChoice::Neither)]
    prefer: SideChoice,
    /// Name for the new snapshot
    #[arg(long)]
    name: Option<String>,
    /// Only show what would come of it
    #[arg(long)]
    dry_run: bool,
}

impl Merge {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = MergeRequest {
            base: self.base,
            prefer: self.prefer.into(),
            plan_only: self.dry_run,
            name: self.name,
            ..MergeRequest::of(self.from, self.into)
        };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || merged::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}
