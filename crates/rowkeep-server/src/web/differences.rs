//! The rows of a table that differ between two states of a database, page by page.

use std::sync::Arc;

use futures::StreamExt;
use rowkeep::Context;
use rowkeep::engine::dialect::Dialect;
use rowkeep::engine::dialect_of;
use rowkeep::format::{Change, Changes, Counts, TableChanges, TableName};
use rowkeep::jobs::diff::DiffRequest;
use rowkeep::jobs::outcome::DifferenceSummary;
use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::rows::condition::key_text;
use rowkeep::rows::json::change_json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::bounded::bounded;
use super::kept_differences::{Asked, Found};
use super::names::{state_named, table_meant};
use super::problem::Problem;
use super::service::Service;

/// A page ends after the row with which it is longer than this.
const PAGE_BYTES: usize = 4 << 20;

/// A page of the rows of a table that differ between two states.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DifferencePage)]
pub(crate) struct Page {
    pub(crate) database: String,
    /// The first state, in words.
    pub(crate) before: String,
    /// The second state, in words.
    pub(crate) after: String,
    #[schema(value_type = Object)]
    pub(crate) table: TableName,
    /// The names of its columns in their order; none where no row differs.
    pub(crate) columns: Vec<String>,
    /// How many rows differ, of all pages.
    #[schema(value_type = Object)]
    pub(crate) counts: Counts,
    /// The rows, in the order of what identifies them: `change` (`insert`, `update`, `delete`), `key`, `before`, `after`, and
    /// `restore_key`, by which a restore names the row, where a key does.
    #[schema(value_type = Vec<Object>)]
    pub(crate) rows: Vec<Value>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// Where a page begins: in which kept difference, at which run of changes, and at which change of that.
struct Cursor {
    id: String,
    run: usize,
    within: usize,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (id, run, within) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |text: &str| text.parse().ok();
        let cursor = Self { id: id.to_owned(), run: number(run)?, within: number(within)? };
        parts.next().is_none().then_some(cursor)
    }

    fn text(&self) -> String {
        format!("{}-{}-{}", self.id, self.run, self.within)
    }
}

/// A page of the rows of a table that differ between two states of a configured database.
///
/// A state is `live`, or a snapshot of the database as [`state_named`] finds it. Without a cursor the states are compared, and what
/// was found is kept for a while for the pages that follow; whoever drops the future gives the comparison up.
pub(crate) async fn page(
    service: &Service,
    database: &str,
    before: &str,
    after: &str,
    table: &str,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page, Problem> {
    let asked = Asked {
        database: database.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
        table: table.to_owned(),
    };
    let Some(cursor) = cursor else {
        let found = Arc::new(compared(service, &asked).await?);
        let begin = Cursor { id: service.queue().random::<16>()?, run: 0, within: 0 };
        let page = read(&asked, &found, &begin, limit).await?;
        if page.next_cursor.is_some() {
            service.differences().keep(begin.id, asked, found);
        }
        return Ok(page);
    };
    let cursor =
        Cursor::parse(cursor).ok_or_else(|| Problem::malformed("the cursor is none that this list gave"))?;
    let found = service.differences().find(&cursor.id, &asked).ok_or_else(|| {
        Problem::conflict(
            "the comparison of this cursor is not kept, or was of something else: ask again without cursor",
        )
    })?;
    read(&asked, &found, &cursor, limit).await
}

/// Compares two states of a table.
async fn compared(service: &Service, asked: &Asked) -> Result<Found, Problem> {
    let state = async |named: &str| state_named(service, &asked.database, named).await;
    let request = DiffRequest {
        wanted: RowsWanted { tables: vec![table_meant(service, &asked.table)], ..RowsWanted::default() },
        rows_only: true,
        ..DiffRequest::of(state(&asked.before).await?, state(&asked.after).await?)
    };
    let what = format!("comparing table {} of {}", asked.table, asked.database);
    let work =
        async move |context: Context, workspace: Arc<Workspace>| request.run(&context, &workspace).await;
    let words = (&*what, "ask for a comparison as a job, which has no limit");
    let (outcome, changes) = bounded(service, &service.differences().turns, words, work).await?;
    let (table, counts) = table_of(&outcome.difference, asked)?;
    let place = changes.tables().iter().position(|changed| *changed.changed() == table);
    let DifferenceSummary { before, after, .. } = outcome.difference;
    Ok(Found { before, after, table, counts, engine: outcome.engine, changes, place })
}

/// The one table that is meant, and how many rows of it differ.
fn table_of(difference: &DifferenceSummary, asked: &Asked) -> Result<(TableName, Counts), Problem> {
    let compared: Vec<_> = difference.tables.iter().collect();
    // A whole name in the default schema is meant before the same name elsewhere.
    let exact = compared.iter().find(|table| table.table.to_string() == asked.table);
    match (exact, compared.as_slice()) {
        (Some(table), _) | (None, [table]) => Ok((table.table.clone(), table.rows)),
        (None, []) => {
            let lone = |tables: &[rowkeep::jobs::outcome::LoneTable]| !tables.is_empty();
            let only = match (lone(&difference.only_before), lone(&difference.only_after)) {
                (true, _) => Some("first"),
                (false, true) => Some("second"),
                (false, false) => None,
            };
            Err(Problem::not_found(match only {
                Some(state) => {
                    format!("only the {state} state of {} has a table {}", asked.database, asked.table)
                }
                None => format!("no table {} in {}", asked.table, asked.database),
            }))
        }
        (None, several) => {
            let names: Vec<String> = several.iter().take(5).map(|table| table.table.to_string()).collect();
            let more = if several.len() > names.len() { ", …" } else { "" };
            Err(Problem::malformed(format!(
                "table {} could be any of {}: {}{more}; name one of them",
                asked.table,
                several.len(),
                names.join(", ")
            )))
        }
    }
}

/// Reads a page.
async fn read(asked: &Asked, found: &Found, begin: &Cursor, limit: usize) -> Result<Page, Problem> {
    let mut page = Page {
        database: asked.database.clone(),
        before: found.before.clone(),
        after: found.after.clone(),
        table: found.table.clone(),
        columns: Vec::new(),
        counts: found.counts,
        rows: Vec::new(),
        next_cursor: None,
    };
    let Some(place) = found.place else { return Ok(page) };
    let table = &found.changes.tables()[place];
    let dialect = dialect_of(&found.engine).map_err(rowkeep::Error::from)?;
    page.columns = table.table.columns.iter().map(|column| column.name.clone()).collect();
    let mut runs = std::pin::pin!(found.changes.changes_from(place, begin.run));
    let (mut run, mut within, mut bytes) = (begin.run, begin.within, 0);
    while let Some(changes) = runs.next().await {
        let changes = changes?;
        for (number, change) in changes.iter().enumerate().skip(within) {
            if page.rows.len() >= limit || bytes >= PAGE_BYTES {
                let next = Cursor { id: begin.id.clone(), run, within: number };
                page.next_cursor = Some(next.text());
                return Ok(page);
            }
            let row = row(table, dialect, &changes, change);
            bytes += row.to_string().len();
            page.rows.push(row);
        }
        (run, within) = (run + 1, 0);
    }
    Ok(page)
}

/// A row as JSON, with the text by which a restore names it.
fn row(table: &TableChanges, dialect: &dyn Dialect, changes: &Changes, change: Change) -> Value {
    let mut object = change_json(table, changes, change);
    let key = match change {
        Change::Insert { after } => key_text(&table.table, dialect, changes.after(), after),
        Change::Update { before, .. } | Change::Delete { before } => {
            key_text(&table.table, dialect, changes.before(), before)
        }
    };
    if let Some(key) = key {
        object["restore_key"] = Value::String(key);
    }
    object
}
