use anyhow::Result;
use rowkeep::jobs::repository_check::CheckRequest;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::checked;

/// Check a repository for damage.
///
/// Checks that every object exists and opens, and that every snapshot has all it needs. With --read-data, every byte is
/// read, decrypted and compared with its hash. If something is damaged, the affected snapshots and tables are listed;
/// all others can be restored.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Also read all data, or this percentage of packs, chosen at random
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "100", value_parser = percentage)]
    read_data: Option<f64>,
}

impl Check {
    /// The command that reads everything.
    pub(crate) fn all() -> Self {
        Self { read_data: Some(100.0) }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = CheckRequest { read_percent: self.read_data, ..CheckRequest::default() };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || checked::told(&outcome));
        Ok(status_of(outcome.verdict()))
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent),
        _ => Err("expected a percentage above 0 and up to 100".to_owned()),
    }
}
