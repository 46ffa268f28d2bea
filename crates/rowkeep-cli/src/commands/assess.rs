use std::path::PathBuf;

use anyhow::Result;
use rowkeep::jobs::assess::AssessRequest;

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::assessed;

/// In an emergency: what is there, what is lost, which snapshot is best, how long it takes, and what to type next.
///
/// Changes nothing, and works when the database cannot be reached. Exits with 0 when nothing is lacking against the
/// newest snapshots, and with 3 when something is.
#[derive(Debug, clap::Args)]
pub(crate) struct Assess {
    /// A name from rowkeep.toml, a URL, or the path of an SQLite file
    #[arg(value_name = "DATABASE|URL")]
    database: Option<String>,
    /// The folder with the reports of drills [default: rowkeep-reports beside rowkeep.toml]
    #[arg(long, value_name = "FOLDER")]
    reports: Option<PathBuf>,
}

impl Assess {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = AssessRequest { database: self.database.map(Into::into), reports: self.reports };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(
            || assessed::json(&outcome, &session.global),
            || assessed::told(&outcome, &session.global),
        );
        Ok(status_of(outcome.verdict()))
    }
}
