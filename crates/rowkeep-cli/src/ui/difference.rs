//! How two states differ: in short, and row by row.

use anyhow::Result;
use futures::StreamExt;
use rowkeep::diff::Changeset;
use rowkeep::format::Counts;
use rowkeep::jobs::outcome::DifferenceSummary;
use rowkeep::rows::json::change_json;

use super::changes::line;
use super::pager::Pager;
use super::schema;
use super::table::{Column, render};
use super::units::{count, counted};

/// Prints the rows that differ, each as an object.
pub(crate) async fn print_objects(changes: &Changeset) -> Result<()> {
    let mut pager = Pager::begin();
    for (at, table) in changes.tables().iter().enumerate() {
        let mut runs = std::pin::pin!(changes.changes(at));
        while let Some(run) = runs.next().await {
            let run = run?;
            for change in run.iter() {
                if !pager.line(&change_json(table, &run, change).to_string()) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Prints the rows that differ, for people.
pub(crate) async fn print_lines(changes: &Changeset, pager: &mut Pager) -> Result<()> {
    for (at, table) in changes.tables().iter().enumerate() {
        let mut runs = std::pin::pin!(changes.changes(at));
        while let Some(run) = runs.next().await {
            let run = run?;
            for change in run.iter() {
                if !pager.line(&line(table, &run, change, pager.colours)) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The difference in words: schema, and how many rows of each table.
pub(crate) fn summary(difference: &DifferenceSummary) -> String {
    let DifferenceSummary { before, after, tables, user_tables, .. } = difference;
    if difference.equal {
        let equal = format!("equal: {before} and {after}, {} compared", counted(*user_tables, "table"));
        return schema::with_notes(equal, &difference.definitions.notes);
    }
    let mut out = schema::with_notes(format!("from {before} to {after}:\n"), &difference.definitions.notes);
    let schema = schema::told(&difference.schema, &difference.definitions.changes);
    if !schema.is_empty() {
        out += &format!("\n{schema}\n");
    }
    let differing: Vec<_> = tables.iter().filter(|table| table.rows.total() > 0).collect();
    if differing.is_empty() {
        return out + &format!("\nno rows differ in {}", counted(*user_tables, "table"));
    }
    let mut columns = vec![
        Column("TABLE", false),
        Column("INSERTED", true),
        Column("UPDATED", true),
        Column("DELETED", true),
    ];
    let shows_related = tables.iter().any(|table| table.related > 0);
    if shows_related {
        columns.push(Column("RELATED", true));
    }
    let equal = tables.iter().filter(|table| table.rows.total() == 0 && !table.is_internal).count();
    let rows = differing.iter().map(|table| {
        let Counts { inserted, updated, deleted } = table.rows;
        let mut row = vec![table.table.to_string(), count(inserted), count(updated), count(deleted)];
        if shows_related {
            row.push(count(table.related));
        }
        row
    });
    out += &format!("\n{}", render(&columns, rows));
    if equal > 0 {
        out += &format!("\n\nequal: {}", counted(equal as u64, "other table"));
    }
    out
}
