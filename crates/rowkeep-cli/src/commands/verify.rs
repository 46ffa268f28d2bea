use anyhow::Result;
use rowkeep::jobs::DatabaseRef;
use rowkeep::jobs::verify::{VerifyOutcome, VerifyRequest};
use serde_json::{Value, json};

use crate::fail::status_of;
use crate::setup::Session;
use crate::ui::comparison;
use crate::ui::units::short;

/// Prove that a database equals a snapshot.
///
/// Reads the whole database and compares the hashes of its tables, and its definitions: views, indexes, constraints,
/// triggers, privileges. Writes nothing. Exits with 3 if they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// Snapshot: an id or a prefix of it, a name, `latest`, `latest:DATABASE`, or `DATABASE@TIME`
    snapshot: String,
    /// Database: a name in rowkeep.toml, a URL, or a path
    #[arg(long, value_name = "URL")]
    against: DatabaseRef,
    /// Compare rows alone, not definitions
    #[arg(long)]
    rows_only: bool,
}

impl Verify {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, against: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), against: against.into(), rows_only: false }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let request =
            VerifyRequest { snapshot: self.snapshot, against: self.against, rows_only: self.rows_only };
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
