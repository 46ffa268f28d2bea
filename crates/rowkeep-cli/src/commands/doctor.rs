use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::doctor::DoctorRequest;

use crate::fail::status_of;
use crate::out;
use crate::setup::Session;
use crate::ui::examined;
use crate::ui::person::Person;
use crate::ui::several::say_failed;

/// Check that backups can run.
///
/// Checks connection, permissions, tools, space, and operations in progress. Changes nothing. Without a database, checks all databases in rowkeep.toml.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
}

impl Doctor {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = DoctorRequest { database: self.database };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        if session.global.json {
            out::json(&examined::json(&outcome));
        }
        say_failed(&outcome.failed, outcome.databases.len(), "checked");
        Ok(status_of(outcome.verdict()))
    }
}
