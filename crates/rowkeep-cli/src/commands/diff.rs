use anyhow::Result;
use futures::StreamExt;
use rowkeep::diff::{DiffOptions, Difference, Filter, Related, diff};
use rowkeep::format::{Counts, TableName};
use serde_json::json;

use crate::fail::{DIFFERENCES, DONE};
use crate::setup::{Chosen, Session, States};
use crate::ui::changes::{line, object};
use crate::ui::pager::Pager;
use crate::ui::schema;
use crate::ui::table::{Column, render};
use crate::ui::units::{count, counted};

/// Compare two states row by row.
///
/// A state is a snapshot (an id or its beginning, a name, `latest`, `latest:DATABASE`), `live` for the configured database,
/// or the URL or path of any database. What is printed is what makes the first the second. Exit status 3 when they differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// The first state
    before: String,
    /// The second state
    after: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Print how many rows differ in each table, not the rows
    #[arg(long, conflicts_with = "rows")]
    summary: bool,
    /// Print the rows that differ, not how many
    #[arg(long)]
    rows: bool,
}

impl Diff {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let mut states = States::new(session);
        let before = states.open(&self.before).await?;
        let after = states.open(&self.after).await?;
        let options = DiffOptions {
            filter: Filter { rows: self.chosen.wanted.rows()?, ..Filter::default() },
            related: self.chosen.wanted.with_related.then_some(Related::Whole),
            selection: self.chosen.selection(session)?,
            ..DiffOptions::default()
        };
        let difference = diff(&session.context, &states.keys(), &before, &after, &options).await?;
        let names = (before.describe(), after.describe());
        if session.global.json {
            if self.rows {
                print_objects(&difference).await?;
            }
            println!("{}", summary_json(&difference, &names));
        } else if !session.global.quiet {
            let mut pager = Pager::begin();
            if !self.rows {
                pager.line(&summary(&difference, &names));
            }
            if !self.summary && !difference.changes.is_empty() {
                if !self.rows {
                    pager.line("");
                }
                print_lines(&difference, &mut pager).await?;
            }
        }
        Ok(if difference.is_empty() { DONE } else { DIFFERENCES })
    }
}

async fn print_objects(difference: &Difference) -> Result<()> {
    let mut pager = Pager::begin();
    for (at, table) in difference.changes.tables().iter().enumerate() {
        let mut runs = std::pin::pin!(difference.changes.changes(at));
        while let Some(run) = runs.next().await {
            let run = run?;
            for change in run.iter() {
                if !pager.line(&object(table, &run, change).to_string()) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Prints the rows that differ.
pub(crate) async fn print_rows(difference: &Difference) -> Result<()> {
    print_lines(difference, &mut Pager::begin()).await
}

async fn print_lines(difference: &Difference, pager: &mut Pager) -> Result<()> {
    for (at, table) in difference.changes.tables().iter().enumerate() {
        let mut runs = std::pin::pin!(difference.changes.changes(at));
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

/// The difference for programs, without rows.
pub(crate) fn summary_json(difference: &Difference, (before, after): &(String, String)) -> serde_json::Value {
    let related = |table: &TableName| difference.related.get(table).copied().unwrap_or(0);
    let counted = |table: &TableName, counts: Counts| json!({ "table": table, "rows": counts, "related": related(table) });
    let tables: Vec<_> =
        difference.changes.tables().iter().map(|table| counted(&table.table.name, table.counts)).collect();
    let only = |tables: &[(TableName, u64)]| -> Vec<_> {
        tables.iter().map(|(table, rows)| json!({ "table": table, "rows": rows })).collect()
    };
    json!({
        "before": before,
        "after": after,
        "equal": difference.is_empty(),
        "schema": difference.schema,
        "definitions": difference.definitions,
        "tables": tables,
        "only_before": only(&difference.only_before),
        "only_after": only(&difference.only_after),
        "rows": difference.counts(),
    })
}

/// The difference in words: schema, and how many rows of each table.
pub(crate) fn summary(difference: &Difference, (before, after): &(String, String)) -> String {
    let tables = difference.changes.tables();
    let user_tables = tables.iter().filter(|table| table.table.kind.is_user_table()).count() as u64;
    if difference.is_empty() {
        return format!("equal: {before} and {after}, {} compared", counted(user_tables, "table"));
    }
    let mut out = format!("from {before} to {after}:\n");
    let schema = schema::told(&difference.schema, &difference.definitions);
    if !schema.is_empty() {
        out += &format!("\n{schema}\n");
    }
    let differing: Vec<_> = tables.iter().filter(|table| table.counts.total() > 0).collect();
    if differing.is_empty() {
        return out + &format!("\nno rows differ in {}", counted(user_tables, "table"));
    }
    let mut columns = vec![
        Column("TABLE", false),
        Column("INSERTED", true),
        Column("UPDATED", true),
        Column("DELETED", true),
    ];
    if !difference.related.is_empty() {
        columns.push(Column("RELATED", true));
    }
    let equal = tables.len() - differing.len();
    let rows = differing.iter().map(|table| {
        let Counts { inserted, updated, deleted } = table.counts;
        let mut row = vec![table.table.name.to_string(), count(inserted), count(updated), count(deleted)];
        if !difference.related.is_empty() {
            row.push(count(difference.related.get(&table.table.name).copied().unwrap_or(0)));
        }
        row
    });
    out += &format!("\n{}", render(&columns, rows));
    if equal > 0 {
        out += &format!("\n\nequal: {}", counted(equal as u64, "other table"));
    }
    out
}
