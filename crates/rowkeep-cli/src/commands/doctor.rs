use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::doctor::DoctorRequest;
use rowkeep::jobs::probe::ProbeRequest;

use crate::fail::status_of;
use crate::out;
use crate::setup::Session;
use crate::ui::examined;
use crate::ui::person::Person;
use crate::ui::several::say_failed;
use crate::ui::store;

/// Check that backups can run.
///
/// Checks connection, permissions, tools, space, and operations in progress. Changes nothing. Without a database, checks all databases in rowkeep.toml.
/// With --repository and no database, tries what the repository's store can do, with objects that are removed afterwards.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
    /// Without a database: try the store of this repository, or of the usual one
    #[arg(long, short, value_name = "URL", num_args = 0..=1)]
    repository: Option<Option<String>>,
}

impl Doctor {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        if self.database.is_none() && session.global.names_repository {
            let outcome = ProbeRequest::default().run(&session.context, session.workspace()?).await?;
            session.result(|| &outcome, || store::told(&outcome));
            return Ok(status_of(outcome.verdict()));
        }
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
