use std::time::Instant;

use anyhow::Result;
use rowkeep::format::TableEntry;
use rowkeep::restore::{Restored, chosen, restore_tables};
use rowkeep::snapshots::{self, Snapshot};
use rowkeep::verify::{verify, verify_tables};
use serde_json::json;

use super::verify::told as comparison_told;
use crate::fail::{DIFFERENCES, DONE};
use crate::setup::Session;
use crate::ui::units::{counted, duration, plain};

/// Make a database from a snapshot, and prove that it came back as it was.
///
/// The database must be new or empty. When something fails it is left as it was.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// An id or its beginning, a name, `latest` or `latest:DATABASE`
    snapshot: String,
    /// The database to make: a URL, or a path
    #[arg(long, value_name = "URL")]
    to: String,
    /// Only the rows of these tables, of a snapshot whose other tables may be damaged; `*` stands for anything
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Do not read the database again to compare it with the snapshot
    #[arg(long)]
    no_verify: bool,
}

impl Restore {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, to: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), to: to.to_owned(), tables: Vec::new(), no_verify: false }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let engine = session.engine(&self.to)?;
        let repository = session.open().await?;
        let snapshot = snapshots::find(&repository, &self.snapshot).await?;
        let started = Instant::now();
        let tables = chosen(&snapshot, &self.tables)?;
        let restored =
            restore_tables(&session.context, &repository, &snapshot, engine.as_ref(), &tables).await?;
        let restoring = started.elapsed();
        for note in &restored.notes {
            eprintln!("note: {}", plain(note));
        }
        session.say(told(&snapshot, &tables, &restored, &engine.describe(), &duration(restoring)));
        let mut result = json!({
            "snapshot": snapshot.id,
            "tables": restored.tables,
            "rows": restored.rows,
            "notes": restored.notes,
            "restore_ms": restoring.as_millis() as u64,
        });
        let mut status = DONE;
        if !self.no_verify {
            let started = Instant::now();
            let (context, engine) = (&session.context, engine.as_ref());
            let comparison = match self.tables.is_empty() {
                true => verify(context, &repository, &snapshot, engine).await?,
                false => verify_tables(context, &repository, &snapshot, engine, &tables).await?,
            };
            session.say(comparison_told(&comparison, &snapshot.short_id(), &engine.describe()));
            result["equal"] = json!(comparison.is_equal());
            result["verify_ms"] = json!(started.elapsed().as_millis() as u64);
            if !comparison.is_equal() {
                status = DIFFERENCES;
            }
        }
        if session.global.json {
            println!("{result}");
        }
        Ok(status)
    }
}

fn told(
    snapshot: &Snapshot,
    tables: &[TableEntry],
    restored: &Restored,
    database: &str,
    time: &str,
) -> String {
    let tables = tables.iter().filter(|table| table.kind.is_user_table()).count();
    format!(
        "restored snapshot {} to {database}: {}, {} in {time}",
        snapshot.short_id(),
        counted(tables as u64, "table"),
        counted(restored.rows, "row"),
    )
}
