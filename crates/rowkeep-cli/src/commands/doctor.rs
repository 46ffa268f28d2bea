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

/// Check that backups can run, and what restores would meet.
///
/// Checks connection, permissions, tools, space, and operations in progress. Changes nothing. Without a database, checks all databases in rowkeep.toml.
/// With --deep, also reads the rows: what does not conform to the constraints, what is too large. With --target, checks a server for a snapshot instead.
/// With --repository and no database, tries what the repository's store can do, with objects that are removed afterwards.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file; with --target, a snapshot
    #[arg(value_name = "DATABASE|URL|SNAPSHOT")]
    database: Option<DatabaseRef>,
    /// Read each table once, for what of its rows a restore would meet
    #[arg(long, conflicts_with = "target")]
    deep: bool,
    /// Check what of a snapshot the server of this database would refuse; the database need not exist
    #[arg(long, value_name = "DATABASE|URL", requires = "database")]
    target: Option<DatabaseRef>,
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
        let request = match self.target {
            Some(target) => DoctorRequest {
                database: Some(target),
                restoring: self.database.map(|snapshot| snapshot.to_string()),
                deep: false,
            },
            None => DoctorRequest { database: self.database, deep: self.deep, restoring: None },
        };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        if session.global.json {
            out::json(&examined::json(&outcome));
        }
        say_failed(&outcome.failed, outcome.databases.len(), "checked");
        Ok(status_of(outcome.verdict()))
    }
}
