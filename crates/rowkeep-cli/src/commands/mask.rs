use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::check_mask::CheckMaskRequest;
use rowkeep::jobs::suggest_mask::SuggestMaskRequest;
use rowkeep::jobs::workspace::Masked;
use serde_json::json;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::mask;
use crate::ui::person::Person;
use crate::ui::several::say_failed;

/// Mask personal data.
#[derive(Debug, Subcommand)]
pub(crate) enum Mask {
    /// Suggest rules from column names and a sample of values
    Suggest(Suggest),
    /// Check that rules fit and leave out no column that looks personal
    Check(Check),
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

/// Check that mask rules fit a database and leave out no column that looks personal.
///
/// Reads no rows. A masked backup, restore or export refuses what this finds; the rule keep leaves a column as it is.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
    /// Check the rules in this file instead of those in rowkeep.toml
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
}

impl Mask {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        match self {
            Mask::Suggest(command) => command.run(session).await,
            Mask::Check(command) => command.run(session).await,
        }
    }
}

impl Check {
    async fn run(self, session: &Session) -> Result<u8> {
        let mask = self.mask.map_or(Masked::Configured, Masked::File);
        let request = CheckMaskRequest { database: self.database, mask };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(|| json!(outcome), || mask::checked(&outcome));
        say_failed(&outcome.failed, outcome.databases.len(), "checked");
        Ok(status_of(outcome.verdict()))
    }
}

impl Suggest {
    async fn run(self, session: &Session) -> Result<u8> {
        let request = SuggestMaskRequest { database: self.database };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result_to_copy(|| json!(outcome), || mask::told(&outcome));
        say_failed(&outcome.failed, outcome.databases.len(), "looked at");
        Ok(status_of(outcome.verdict()))
    }
}
