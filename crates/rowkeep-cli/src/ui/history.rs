//! Every version of a row.

use rowkeep::jobs::history::{Cell, ChangedColumn, FirstSeen, History as Found, Note, Version, What};
use rowkeep::state::snapshots::SHORT_ID;

use super::table::{Column, render};
use super::units::{counted, local_time, plain, zoned_time};

/// Characters of a value that are shown; `--json` shows all.
const SHOWN: usize = 60;

/// The versions of a row, a line for each column that changed.
pub(crate) fn told(found: &Found, key: &str) -> String {
    let snapshots = counted(found.snapshots, "snapshot");
    let mut parts = vec![format!("{} {} in {snapshots} of {}", found.table, key, found.database)];
    if found.versions.is_empty() {
        parts[0] = format!("{} {} is not in any of {snapshots} of {}", found.table, key, found.database);
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
        [local_time(version.first_seen.time), short(&version.first_seen), what(version.what).to_owned()];
    let line = |(number, column): (usize, &ChangedColumn)| {
        let mut line = if number == 0 { head.to_vec() } else { vec![String::new(); head.len()] };
        let cell = |cell: &Option<Cell>| cell.as_ref().map(shown).unwrap_or_default();
        line.extend([column.column.clone(), cell(&column.before), cell(&column.after)]);
        line
    };
    version.columns.iter().enumerate().map(line).collect()
}

fn short(first_seen: &FirstSeen) -> String {
    first_seen.snapshot.to_string()[..SHORT_ID].to_owned()
}

fn shown(cell: &Cell) -> String {
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
    let place = format!("{} {}", zoned_time(note.first_seen.time), short(&note.first_seen));
    format!("note: {place}{more}: {}", plain(&note.note))
}
