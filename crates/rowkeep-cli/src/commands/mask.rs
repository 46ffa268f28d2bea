use anyhow::Result;
use clap::Subcommand;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::suggest_mask::SuggestMaskRequest;
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::mask;

/// Mask personal data.
#[derive(Debug, Subcommand)]
pub(crate) enum Mask {
    /// Suggest rules from column names and a sample of values
    Suggest(Suggest),
}

/// Suggest rules for rowkeep.toml from column names and a sample of values.
///
/// Values are never shown. Suggestions can miss personal data: review them.
#[derive(Debug, clap::Args)]
pub(crate) struct Suggest {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
}

impl Mask {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let Mask::Suggest(command) = self;
        let request = SuggestMaskRequest { database: command.database };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || mask::told(&outcome));
        Ok(DONE)
    }
}
