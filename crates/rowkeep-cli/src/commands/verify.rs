use anyhow::Result;
use rowkeep::restore::verify::{Comparison, Outcome, TableComparison, verify};
use rowkeep::state::snapshots;
use serde_json::json;

use crate::fail::{DIFFERENCES, DONE};
use crate::setup::Session;
use crate::ui::table::{Column, render};
use crate::ui::units::{count, counted};

/// Prove that a database equals a snapshot, or name the tables that differ.
///
/// Reads the whole database again and compares the hashes of its tables. Writes nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    /// An id or its beginning, a name, `latest` or `latest:DATABASE`
    snapshot: String,
    /// The database: a name from rowkeep.toml, a URL, or a path
    #[arg(long, value_name = "URL")]
    against: String,
}

impl Verify {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, against: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), against: against.to_owned() }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let source = session.source(&self.against)?;
        let repository = session.open().await?;
        let snapshot = snapshots::find(&repository, &self.snapshot).await?;
        let comparison = verify(&session.context, &repository, &snapshot, source.engine.as_ref()).await?;
        session.result(
            || json!({ "snapshot": snapshot.id, "equal": comparison.is_equal(), "tables": comparison.tables }),
            || told(&comparison, &snapshot.short_id(), &source.engine.describe()),
        );
        Ok(if comparison.is_equal() { DONE } else { DIFFERENCES })
    }
}

/// What was found, in words: one line when all is equal, else each table that is not.
pub(crate) fn told(comparison: &Comparison, snapshot: &str, database: &str) -> String {
    let tables = comparison.tables.len() as u64;
    if comparison.is_equal() {
        let rows = comparison.tables.iter().filter_map(|table| table.database_rows).sum();
        let compared = format!("{} and {} by hash", counted(tables, "table"), counted(rows, "row"));
        return format!("equal: {database} is snapshot {snapshot}, {compared}");
    }
    let unequal: Vec<&TableComparison> =
        comparison.tables.iter().filter(|table| table.outcome != Outcome::Equal).collect();
    let columns = [
        Column("TABLE", false),
        Column("WHAT", false),
        Column("ROWS IN SNAPSHOT", true),
        Column("ROWS IN DATABASE", true),
    ];
    let rows = unequal.iter().map(|table| {
        let rows = |rows: Option<u64>| rows.map_or_else(|| "-".to_owned(), count);
        vec![
            table.table.to_string(),
            outcome(table.outcome).to_owned(),
            rows(table.snapshot_rows),
            rows(table.database_rows),
        ]
    });
    format!(
        "{} of {} differ between {database} and snapshot {snapshot}:\n\n{}",
        count(unequal.len() as u64),
        counted(tables, "table"),
        render(&columns, rows)
    )
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Equal => "equal",
        Outcome::Differs => "rows differ",
        Outcome::ColumnsDiffer => "columns differ",
        Outcome::Missing => "not in the database",
        Outcome::Extra => "not in the snapshot",
    }
}
