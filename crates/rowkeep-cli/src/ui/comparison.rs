//! The comparison of a database with a snapshot.

use rowkeep::restore::verify::{Comparison, TableComparison, TableVerdict};

use super::schema;
use super::table::{Column, render};
use super::units::{count, counted};

/// What was found, in words: one line when all is equal, else each table and each definition that is not.
pub(crate) fn told(comparison: &Comparison, snapshot: &str, database: &str) -> String {
    let tables = comparison.user_tables().count() as u64;
    let rows = comparison.user_tables().filter_map(|table| table.database_rows).sum();
    let by_hash = format!("{} and {} by hash", counted(tables, "table"), counted(rows, "row"));
    if comparison.is_equal() {
        let what = if comparison.definitions.is_some() { ", and all definitions" } else { "" };
        let equal = format!("equal: {database} is snapshot {snapshot}, {by_hash}{what}");
        return schema::with_notes(equal, &comparison.notes());
    }
    let unequal: Vec<&TableComparison> = comparison.unequal().collect();
    // Sequences and settings are counted where they differ.
    let beside = unequal.iter().filter(|table| !table.kind.is_user_table()).count() as u64;
    let mut told = match unequal.as_slice() {
        [] => format!("definitions differ between {database} and snapshot {snapshot}; equal are {by_hash}"),
        unequal => format!(
            "{} of {} {} between {database} and snapshot {snapshot}:\n\n{}",
            count(unequal.len() as u64),
            counted(tables + beside, "table"),
            if unequal.len() == 1 { "differs" } else { "differ" },
            table(unequal)
        ),
    };
    let definitions = schema::told(&[], comparison.changes());
    if !definitions.is_empty() {
        told += &format!("\n\n{definitions}\n  (-: only in the snapshot; +: only in the database)");
    }
    schema::with_notes(told, &comparison.notes())
}

fn table(unequal: &[&TableComparison]) -> String {
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
    render(&columns, rows)
}

fn outcome(outcome: TableVerdict) -> &'static str {
    match outcome {
        TableVerdict::Equal => "equal",
        TableVerdict::Differs => "rows differ",
        TableVerdict::ColumnsDiffer => "columns differ",
        TableVerdict::Missing => "not in the database",
        TableVerdict::Extra => "not in the snapshot",
    }
}
