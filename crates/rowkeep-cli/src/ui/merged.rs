//! Two snapshots that became one.

use rowkeep::diff::Prefer;
use rowkeep::format::{Counts, TableName};
use rowkeep::jobs::merge::MergeOutcome;

use super::conflicts;
use super::table::{Column, render};
use super::units::{count, plain, short};

/// What came of merging, in words.
pub(crate) fn told(outcome: &MergeOutcome) -> String {
    let (from, into, base) = (short(outcome.from), short(outcome.into), short(outcome.base));
    let mut out = format!("changes of {from} since {base}, into {into}\n\n");
    out += &changed(outcome.tables.iter().map(|table| (&table.table, table.rows)));
    for table in &outcome.left_out {
        out += &format!("left out: {}, which only {from} has\n", plain(&table.to_string()));
    }
    let chosen = match outcome.prefer {
        Prefer::Neither => "choose what counts with --prefer into or --prefer from".to_owned(),
        Prefer::Database => format!("of what was changed in both, what {into} has stays"),
        Prefer::Snapshot => format!("of what was changed in both, what {from} has comes"),
    };
    for line in conflicts::told(&outcome.conflicts, &chosen) {
        out += &format!("{line}\n");
    }
    out += &match &outcome.snapshot {
        Some(made) => {
            format!("snapshot {} of {}: {} rows", short(made.id), plain(&made.database), count(made.rows))
        }
        None => "no snapshot was made".to_owned(),
    };
    out
}

/// How many rows come, change and go, by table.
pub(super) fn changed<'t>(tables: impl Iterator<Item = (&'t TableName, Counts)>) -> String {
    let columns =
        [Column("TABLE", false), Column("INSERT", true), Column("UPDATE", true), Column("DELETE", true)];
    let rows = tables.map(|(table, counts)| {
        vec![table.to_string(), count(counts.inserted), count(counts.updated), count(counts.deleted)]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    match rows.is_empty() {
        true => "no rows to change\n".to_owned(),
        false => render(&columns, rows) + "\n\n",
    }
}
