use anyhow::Result;
use rowkeep::format::Manifest;
use rowkeep::state::snapshots::{Snapshot, list};
use serde_json::{Value, json};

use super::show::{size, summary};
use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::table::{Column, render};
use crate::ui::units::{bytes, count, counted, local_time};

/// List snapshots, the newest last.
#[derive(Debug, clap::Args)]
pub(crate) struct Snapshots {
    /// Only those of this database
    database: Option<String>,
}

impl Snapshots {
    /// The command for all databases.
    pub(crate) fn all() -> Self {
        Self { database: None }
    }

    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let repository = session.open().await?;
        let snapshots = list(&repository, self.database.as_deref()).await?;
        session.result(
            || json!({ "snapshots": snapshots.iter().map(summary).collect::<Vec<Value>>() }),
            || told(&snapshots),
        );
        Ok(DONE)
    }
}

/// What somebody called it, or what it was taken before.
fn name(manifest: &Manifest) -> String {
    match (&manifest.name, &manifest.before) {
        (Some(name), _) => name.clone(),
        (None, Some(before)) => format!("(before {})", before.operation),
        (None, None) => String::new(),
    }
}

fn told(snapshots: &[Snapshot]) -> String {
    if snapshots.is_empty() {
        return "no snapshots yet; make one with `rowkeep backup DATABASE`".to_owned();
    }
    let columns = [
        Column("SNAPSHOT", false),
        Column("TIME", false),
        Column("DATABASE", false),
        Column("NAME", false),
        Column("TABLES", true),
        Column("ROWS", true),
        Column("SIZE", true),
        Column("NEW", true),
    ];
    let rows = snapshots.iter().map(|snapshot| {
        let manifest = &snapshot.manifest;
        vec![
            snapshot.short_id(),
            local_time(&manifest.time),
            manifest.database.clone(),
            name(manifest),
            count(manifest.tables.iter().filter(|table| table.kind.is_user_table()).count() as u64),
            count(manifest.rows()),
            bytes(size(snapshot)),
            bytes(manifest.cost.new_bytes),
        ]
    });
    let new = snapshots.iter().map(|snapshot| snapshot.manifest.cost.new_bytes).sum();
    let total = format!("{}; {} stored by them", counted(snapshots.len() as u64, "snapshot"), bytes(new));
    format!("{}\n\n{total}", render(&columns, rows))
}
