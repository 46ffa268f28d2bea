use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use rowkeep::restore::{Restored, restore_masked};
use rowkeep::snapshots::{self, Snapshot};
use rowkeep::verify::verify;
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
    /// Mask rows on their way, by the rules of rowkeep.toml or of a file
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    mask: Option<Option<PathBuf>>,
    /// Do not read the database again to compare it with the snapshot
    #[arg(long)]
    no_verify: bool,
}

impl Restore {
    /// The command for a snapshot and a database.
    pub(crate) fn of(snapshot: &str, to: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), to: to.to_owned(), mask: None, no_verify: false }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let engine = session.engine(&self.to)?;
        let repository = session.open().await?;
        let snapshot = snapshots::find(&repository, &self.snapshot).await?;
        let started = Instant::now();
        let mask = session.mask(self.mask.as_ref(), &snapshot.manifest.database)?;
        let restored =
            restore_masked(&session.context, &repository, &snapshot, engine.as_ref(), mask.as_ref()).await?;
        let restoring = started.elapsed();
        for note in &restored.notes {
            eprintln!("note: {}", plain(note));
        }
        session.say(told(&snapshot, &restored, &engine.describe(), &duration(restoring)));
        let mut result = json!({
            "snapshot": snapshot.id,
            "tables": restored.tables,
            "rows": restored.rows,
            "notes": restored.notes,
            "restore_ms": restoring.as_millis() as u64,
        });
        let mut status = DONE;
        if mask.is_some() {
            result["masked"] = json!(true);
            session.say("rows were masked, so they were not compared with the snapshot");
        } else if !self.no_verify {
            let started = Instant::now();
            let comparison = verify(&session.context, &repository, &snapshot, engine.as_ref()).await?;
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

fn told(snapshot: &Snapshot, restored: &Restored, database: &str, time: &str) -> String {
    let tables = snapshot.manifest.tables.iter().filter(|table| table.kind.is_user_table()).count();
    format!(
        "restored snapshot {} to {database}: {}, {} in {time}",
        snapshot.short_id(),
        counted(tables as u64, "table"),
        counted(restored.rows, "row"),
    )
}
