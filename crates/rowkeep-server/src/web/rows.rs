//! The rows of a table of a snapshot, page by page in the order of their keys, and every version of one of them.

use std::sync::Arc;

use rowkeep::Context;
pub(crate) use rowkeep::jobs::browse::Start;
use rowkeep::jobs::browse::{Browsed, RowsAsked};
use rowkeep::jobs::history::{History, history};
use rowkeep::jobs::workspace::Workspace;
use rowkeep::rows::condition::parse_key;

use super::bounded::bounded;
use super::guard::Caller;
use super::names::{known, snapshot_named};
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;

/// A page ends after the row with which it is longer than this.
const PAGE_BYTES: usize = 4 << 20;

/// What the audit calls it when rows are read.
const READ: &str = "row.read";

/// What it calls it when a row is followed.
const FOLLOW: &str = "row.history";

/// Which rows somebody asks for.
pub(crate) struct Asked<'a> {
    pub(crate) database: &'a str,
    /// The snapshot, as [`snapshot_named`] finds it.
    pub(crate) snapshot: &'a str,
    pub(crate) table: &'a str,
    pub(crate) from: Start,
    /// So many at most.
    pub(crate) limit: usize,
}

/// Reads rows for somebody who may, and notes that.
pub(crate) async fn read(service: &Service, caller: &Caller, asked: Asked<'_>) -> Result<Browsed, Problem> {
    let Asked { database, snapshot, table, from, limit } = asked;
    known(service, caller, database).await?;
    caller.must(service, Role::Operator, Some(database), READ).await?;
    let request = RowsAsked {
        snapshot: snapshot_named(service, database, snapshot).await?,
        table: table.to_owned(),
        from,
        rows: limit,
        bytes: PAGE_BYTES,
    };
    let what = format!("reading rows of table {table} of {database}");
    let words = (&*what, "export the table, which has no limit");
    let is_by_key = matches!(request.from, Start::Key(_));
    let work =
        async move |context: Context, workspace: Arc<Workspace>| request.run(&context, &workspace).await;
    let browsed = bounded(service, service.reading(), words, work).await;
    // A key is text until the table is known.
    let browsed = browsed.map_err(|problem| if is_by_key { problem.of_content() } else { problem })?;
    let object = format!("table {} of {database}, snapshot {}", browsed.table.name, browsed.snapshot.id);
    caller.note(service, READ, object, "done").await?;
    Ok(browsed)
}

/// Follows a row through the snapshots of a database, for somebody who may, and notes that.
pub(crate) async fn follow(
    service: &Service,
    caller: &Caller,
    database: &str,
    row: &str,
) -> Result<History, Problem> {
    known(service, caller, database).await?;
    caller.must(service, Role::Operator, Some(database), FOLLOW).await?;
    let reference = parse_key(row).map_err(|problem| Problem::unprocessable(problem.to_string()))?;
    let (of, meant) = (database.to_owned(), reference.clone());
    let work = async move |context: Context, workspace: Arc<Workspace>| {
        let repository = workspace.repository().await?;
        let owner = workspace.owner(&of, &*repository.catalog().await?)?;
        history(&context, repository, &owner, &meant).await
    };
    let what = format!("following a row of table {} of {database}", reference.table_name());
    let words = (&*what, "run rowkeep history, which has no limit");
    let followed = bounded(service, service.reading(), words, work).await?;
    caller.note(service, FOLLOW, format!("table {} of {database}", reference.table_name()), "done").await?;
    Ok(followed)
}
