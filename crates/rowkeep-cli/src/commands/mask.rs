use anyhow::Result;
use clap::Subcommand;
use rowkeep::jobs::suggest_mask::SuggestMaskRequest;
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::mask;

/// Take what is personal out of rows.
#[derive(Debug, Subcommand)]
pub(crate) enum Mask {
    /// Propose rules by the names of columns and a sample of their values
    Suggest(Suggest),
}

/// Propose rules for rowkeep.toml by the names of columns and a sample of their values.
///
/// Values are never shown. A proposal is no proof: look for what it misses.
#[derive(Debug, clap::Args)]
pub(crate) struct Suggest {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
}

impl Mask {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let Mask::Suggest(command) = self;
        let request = SuggestMaskRequest { database: command.database.map(Into::into) };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(|| json!(outcome), || mask::told(&outcome));
        Ok(DONE)
    }
}
