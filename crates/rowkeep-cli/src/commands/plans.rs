use anyhow::Result;
use rowkeep::jobs::plans;
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui;

/// List or delete plans saved by --dry-run.
#[derive(Debug, clap::Args)]
pub(crate) struct Plans {
    /// Delete these plans; nothing is deleted if one of them does not exist
    #[arg(long, value_name = "PLAN", num_args = 1..)]
    delete: Vec<String>,
}

impl Plans {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let repository = session.workspace()?.repository().await?;
        if self.delete.is_empty() {
            let plans = plans::list(repository).await?;
            ui::plans::pass_over(&plans.unreadable);
            session.result(|| json!({ "plans": plans.listed }), || ui::plans::told(&plans.listed));
        } else {
            let deleted = plans::delete(repository, &self.delete).await?;
            session.result(|| json!({ "deleted": deleted }), || ui::plans::deleted(&deleted));
        }
        Ok(DONE)
    }
}
