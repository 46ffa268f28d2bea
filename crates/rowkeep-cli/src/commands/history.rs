use anyhow::Result;
use rowkeep::Error;
use rowkeep::jobs::history::{self, ChangedColumn, FirstSeen, History as Found, Note, Version, What};
use rowkeep::repository::Repository;
use rowkeep::rows::condition::KeyReference;
use rowkeep::state::snapshots::SHORT_ID;
use serde_json::json;

use crate::fail::{CommandError, DONE};
use crate::setup::Session;
use crate::ui::table::{Column, render};
use crate::ui::units::{counted, local_time, plain};

/// Characters of a value that are shown; `--json` shows all.
const SHOWN: usize = 60;

/// Show every version of one row: when it appeared, changed, vanished, came back.
///
/// Snapshots are looked into, the database is not.
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// The table, where need be with its schema
    table: String,
    /// The values of its key, with commas between them: `42`, `7,3`, `'a, b',x'0aff'`
    #[arg(allow_hyphen_values = true)]
    key: String,
    /// The database, where the repository has several
    database: Option<String>,
}

impl History {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let row = KeyReference::new(&self.table, &self.key).map_err(Error::from)?;
        let repository = session.open().await?;
        let database = which(&repository, self.database.as_deref()).await?;
        let found = history::history(&session.context, &repository, &database, &row).await?;
        session.result(
            || {
                let mut json = json!(found);
                json["key"] = json!(self.key);
                json
            },
            || told(&found, &self.key),
        );
        Ok(DONE)
    }
}

/// The database that is meant.
async fn which(repository: &Repository, named: Option<&str>) -> Result<String> {
    let mut known = history::databases(repository).await?;
    match named {
        Some(name) if known.iter().any(|known| known == name) => Ok(name.to_owned()),
        Some(name) => {
            Err(Error::Unknown { what: "database", name: name.to_owned(), candidates: known }.into())
        }
        None if known.len() == 1 => Ok(known.swap_remove(0)),
        None if known.is_empty() => Err(CommandError::usage("the repository has no snapshot").into()),
        None => {
            Err(CommandError::usage(format!("the repository has several databases: {}", known.join(", ")))
                .with_hint("name one after the key")
                .into())
        }
    }
}

fn told(found: &Found, key: &str) -> String {
    let snapshots = counted(found.snapshots, "snapshot");
    let mut parts = vec![format!("{} {} in {snapshots} of {}", found.table, key, found.database)];
    if found.versions.is_empty() {
        parts[0] = format!("{} {} is in none of {snapshots} of {}", found.table, key, found.database);
    }
    parts[0] = plain(&parts[0]);
    if !found.versions.is_empty() {
        let columns =
            ["TIME", "SNAPSHOT", "WHAT", "COLUMN", "BEFORE", "AFTER"].map(|name| Column(name, false));
        parts.push(render(&columns, found.versions.iter().flat_map(lines)));
    }
    if !found.notes.is_empty() {
        parts.push(found.notes.iter().map(note).collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n")
}

/// One line for each column; time, snapshot and what happened on the first.
fn lines(version: &Version) -> Vec<Vec<String>> {
    let head =
        [local_time(&version.first_seen.time), short(&version.first_seen), what(version.what).to_owned()];
    let line = |(number, column): (usize, &ChangedColumn)| {
        let mut line = if number == 0 { head.to_vec() } else { vec![String::new(); head.len()] };
        let cell = |cell: &Option<history::Cell>| cell.as_ref().map(shown).unwrap_or_default();
        line.extend([column.column.clone(), cell(&column.before), cell(&column.after)]);
        line
    };
    version.columns.iter().enumerate().map(line).collect()
}

fn short(first_seen: &FirstSeen) -> String {
    first_seen.snapshot.to_string()[..SHORT_ID].to_owned()
}

fn shown(cell: &history::Cell) -> String {
    let text = cell.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn what(what: What) -> &'static str {
    match what {
        What::WasThere => "was there",
        What::Appeared => "appeared",
        What::Changed => "changed",
        What::Vanished => "vanished",
        What::CameBack => "came back",
    }
}

fn note(note: &Note) -> String {
    let more = match note.snapshots {
        1 => String::new(),
        many => format!(" and the next {}", many - 1),
    };
    let place = format!("{} {}", local_time(&note.first_seen.time), short(&note.first_seen));
    format!("note: {place}{more}: {}", plain(&note.note))
}
