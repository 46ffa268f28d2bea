use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::keep::KeepRequest;

use crate::args::rules::KeepRules;
use crate::fail::ended;
use crate::setup::Session;
use crate::ui::keeping::{explained, told};

/// Show which snapshots the rules keep.
///
/// Prints how many snapshots of each database are kept, and by which rules; with --explain, what keeps each of them, or since
/// when nothing does, and when it goes. Deletes nothing. The rules are those of rowkeep.toml, or those that are given here in
/// their place.
#[derive(Debug, clap::Args)]
pub(crate) struct Keep {
    /// Databases: names in rowkeep.toml or of snapshots, URLs or paths [default: all]
    #[arg(value_name = "DATABASE")]
    databases: Vec<DatabaseRef>,
    /// Print what keeps each snapshot, or since when nothing does
    #[arg(long)]
    explain: bool,
    /// Show only snapshots of this device
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Show what will be kept at a time to come if no more snapshots are taken, such as 2027-01-31
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
    #[command(flatten)]
    rules: KeepRules,
}

impl Keep {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = KeepRequest {
            databases: self.databases,
            rules: self.rules.stated(),
            device: self.device,
            at: self.at,
        };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        let shown = if self.explain { explained } else { told };
        session.result(|| &outcome, || shown(&outcome));
        Ok(ended("keep", outcome.verdict(), &[]))
    }
}
