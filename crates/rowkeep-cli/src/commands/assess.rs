use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::assess::AssessRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::assessed;
use crate::ui::person::Person;
use crate::ui::several::say_failed;

/// In an emergency: see what is lost, and how to get it back.
///
/// Changes nothing, and works even if the database cannot be reached. Exits with 0 if nothing is missing compared with
/// the newest snapshots, and with 3 if something is.
#[derive(Debug, clap::Args)]
pub(crate) struct Assess {
    /// Database: a name in rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<DatabaseRef>,
    /// Folder of drill reports [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

impl Assess {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = AssessRequest { database: self.database, reports: self.reports };
        let person = Person { session, approves: true };
        let outcome = request.run(&session.context, session.workspace()?, &person).await?;
        session.result(
            || assessed::json(&outcome, &session.global),
            || assessed::told(&outcome, &session.global),
        );
        say_failed(&outcome.failed, outcome.databases.len(), "assessed");
        Ok(status_of(outcome.verdict()))
    }
}
