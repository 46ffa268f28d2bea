use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::verify::{VerifyOutcome, VerifyRequest};
use serde_json::{Value, json};

use crate::args::renamed;
use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::comparison;
use crate::ui::units::short;

/// Prove that a database equals a snapshot.
///
/// Reads the whole database and compares the hashes of its tables, and its definitions: views, indexes, constraints,
/// triggers, privileges. Writes nothing into it. A file, which is imported first if it was not, and a snapshot of SQLite
/// against PostgreSQL, are compared by rows, in the types of the database. Exits with 3 if they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`; or a file
    snapshot: String,
    /// Database: a name in rowkeep.toml, a URL, or a path
    #[arg(long, value_name = "URL")]
    against: DatabaseRef,
    /// Compare rows alone, not definitions
    #[arg(long)]
    rows_only: bool,
    /// Name that the file has for a table of the database; can be repeated
    #[arg(long = "call", value_name = "TABLE=NAME", value_parser = renamed)]
    called: Vec<(String, String)>,
}

impl Verify {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, against: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), against: against.into(), rows_only: false, called: Vec::new() }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request = VerifyRequest {
            rows_only: self.rows_only,
            called: self.called.into_iter().collect(),
            snapshot: self.snapshot,
            against: self.against,
        };
        let outcome = request.run(&session.context, session.workspace()?).await?;
        session.result(
            || json(&outcome),
            || comparison::told(&outcome.comparison, &short(outcome.snapshot), &outcome.database),
        );
        Ok(status_of(outcome.verdict()))
    }
}

fn json(outcome: &VerifyOutcome) -> Value {
    let mut json = json!({
        "snapshot": outcome.snapshot,
        "equal": outcome.equal,
        "tables": outcome.comparison.tables,
    });
    if outcome.comparison.definitions.is_some() {
        json["definitions"] = json!(outcome.comparison.changes());
        json["notes"] = json!(outcome.comparison.notes());
    }
    json
}
