//! What a snapshot holds.

use std::time::Duration;

use rowkeep::capture::suspicion::told as told_suspicion;
use rowkeep::format::manifest::Scope;
use rowkeep::format::{TableEntry, TableKind};
use rowkeep::jobs::outcome::Hold;
use rowkeep::state::snapshots::{self, Snapshot};
use serde_json::{Value, json};

use super::holds;
use super::table::{Column, render};
use super::units::{bytes, count, counted, duration, plain, short, zoned_time};

/// What is known of a snapshot beside what it holds.
pub(crate) struct Beside {
    /// Why its time cannot be right, where it cannot.
    pub(crate) time_doubt: Option<String>,
    /// The holds on it.
    pub(crate) holds: Vec<Hold>,
    /// Whether it is suspicious, and somebody has looked at it.
    pub(crate) looked_at: bool,
}

/// All of it, for programs.
pub(crate) fn json(snapshot: &Snapshot, beside: &Beside) -> Value {
    let mut json = serde_json::to_value(&snapshot.manifest).unwrap_or_default();
    let size: u64 = snapshot.manifest.tables.iter().map(|table| table.root.bytes).sum();
    if let Value::Object(fields) = &mut json {
        fields.insert("id".to_owned(), json!(snapshot.id));
        fields.insert("rows".to_owned(), json!(snapshot.manifest.rows()));
        fields.insert("bytes".to_owned(), json!(size));
        if let Some(doubt) = &beside.time_doubt {
            fields.insert("time_doubt".to_owned(), json!(doubt));
        }
        if !beside.holds.is_empty() {
            fields.insert("holds".to_owned(), json!(beside.holds));
        }
        if snapshot.manifest.suspicion.is_some() {
            fields.insert("looked_at".to_owned(), json!(beside.looked_at));
        }
    }
    json
}

/// All of it, for people.
pub(crate) fn told(snapshot: &Snapshot, beside: &Beside) -> String {
    let manifest = &snapshot.manifest;
    let mut facts = vec![
        ("snapshot", snapshot.id.to_string()),
        ("database", format!("{} ({})", manifest.database, manifest.source)),
        ("time", zoned_time(manifest.time)),
    ];
    facts.extend(beside.time_doubt.clone().map(|doubt| ("WRONG TIME", doubt)));
    facts.extend(beside.holds.iter().map(|hold| ("HELD", holds::told(hold))));
    if let Some(suspicion) = &manifest.suspicion {
        let name = if beside.looked_at { "looked at" } else { "SUSPICIOUS" };
        let after = short(suspicion.after);
        facts.extend(
            told_suspicion(suspicion).into_iter().map(|gone| (name, format!("{gone} since {after}"))),
        );
    }
    if let Some(identity) = &manifest.identity {
        facts.push(("place", identity.place.clone()));
    }
    facts.extend(manifest.name.clone().map(|name| ("name", name)));
    facts.extend(manifest.origin.map(|origin| {
        let (snapshot, repository) = (origin.snapshot, origin.repository.to_string()[..8].to_owned());
        ("copy of", format!("{snapshot} in repository {repository}"))
    }));
    let holds = match snapshot.is_changes_alone() {
        true => "the changes made after it, so that they can be undone",
        false => scope(manifest.scope),
    };
    facts.push(("holds", holds.to_owned()));
    facts
        .push(("rows", format!("{} in {}", count(manifest.rows()), counted(user_tables(snapshot), "table"))));
    let unread = manifest.tables.iter().filter_map(|table| table.read);
    if let Some(oldest) = unread.clone().min() {
        let tables = counted(unread.count() as u64, "table");
        facts.push(("reused", format!("{tables} not written to since {}", zoned_time(oldest))));
    }
    facts.extend(manifest.unread.iter().map(|unread| ("not in it", unread.told())));
    facts.push(("schema hash", manifest.schema.to_string()));
    facts.extend(manifest.position.clone().map(|position| ("position", position)));
    facts.extend(
        manifest.parent.map(|parent| ("parent", parent.to_string()[..snapshots::SHORT_ID].to_owned())),
    );
    let cost = &manifest.cost;
    facts.push((
        "cost",
        format!(
            "{}; {} read, {} new in the repository ({})",
            duration(Duration::from_millis(cost.duration_ms)),
            bytes(cost.read_bytes),
            bytes(cost.new_bytes),
            counted(cost.new_chunks, "chunk"),
        ),
    ));
    facts.push(("written by", manifest.program.clone()));
    facts.extend(manifest.tags.iter().map(|(name, value)| ("tag", format!("{name}={value}"))));
    facts.extend(
        manifest.environment.iter().map(|(name, value)| ("environment", format!("{name} = {value}"))),
    );
    let facts: Vec<String> =
        facts.iter().map(|(name, value)| format!("{:13}{}", name, plain(value))).collect();
    let columns = [Column("TABLE", false), Column("ROWS", true), Column("SIZE", true), Column("HASH", false)];
    // What holds contents apart from rows is there without any too.
    let is_told = |table: &&TableEntry| table.kind != TableKind::LargeObjects || table.root.rows > 0;
    let rows = manifest.tables.iter().filter(is_told).map(|table| {
        vec![
            table.name.to_string(),
            count(table.root.rows),
            bytes(table.root.bytes),
            table.root.hash.to_string()[..16].to_owned(),
        ]
    });
    format!("{}\n\n{}", facts.join("\n"), render(&columns, rows))
}

fn user_tables(snapshot: &Snapshot) -> u64 {
    snapshot.manifest.tables.iter().filter(|table| table.kind.is_user_table()).count() as u64
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Full => "schema and all rows",
        Scope::SomeTables => "schema, and the rows of some tables",
        Scope::SchemaOnly => "schema only",
        Scope::DataOnly => "rows only",
    }
}
