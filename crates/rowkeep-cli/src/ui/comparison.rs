//! The comparison of a database with a snapshot.

use rowkeep::restore::verify::{Comparison, TableComparison, TableVerdict};

use super::table::{Column, render};
use super::units::{count, counted};

/// What was found, in words: one line when all is equal, else each table that is not.
pub(crate) fn told(comparison: &Comparison, snapshot: &str, database: &str) -> String {
    let tables = comparison.tables.len() as u64;
    if comparison.is_equal() {
        let rows = comparison.tables.iter().filter_map(|table| table.database_rows).sum();
        let compared = format!("{} and {} by hash", counted(tables, "table"), counted(rows, "row"));
        return format!("equal: {database} is snapshot {snapshot}, {compared}");
    }
    let unequal: Vec<&TableComparison> =
        comparison.tables.iter().filter(|table| table.outcome != TableVerdict::Equal).collect();
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

fn outcome(outcome: TableVerdict) -> &'static str {
    match outcome {
        TableVerdict::Equal => "equal",
        TableVerdict::Differs => "rows differ",
        TableVerdict::ColumnsDiffer => "columns differ",
        TableVerdict::Missing => "not in the database",
        TableVerdict::Extra => "not in the snapshot",
    }
}
