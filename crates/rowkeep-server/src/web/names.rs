//! What requests name: databases and snapshots, and nothing that a configuration does not know.

use rowkeep::Context;
use rowkeep::format::SnapshotId;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;

/// What stands for a database as it is now.
pub(crate) const LIVE: &str = "live";

/// A state of a database that a request names: as it is now, or a snapshot of it.
pub(crate) async fn state_named(service: &Service, database: &str, named: &str) -> Result<String, Problem> {
    match named {
        LIVE => Ok(database.to_owned()),
        named => snapshot_named(service, database, named).await,
    }
}

/// Fails where a database is not configured, or is nobody's business who asks.
pub(crate) async fn known(service: &Service, caller: &Caller, database: &str) -> Result<(), Problem> {
    let is_known = service.queue().workspace().config().databases.contains_key(database);
    if is_known && caller.0.sees(Some(database)) {
        return Ok(());
    }
    if is_known {
        caller.note(service, "database.read", database.to_owned(), "refused").await?;
    }
    Err(Problem::not_found(format!("no database {database}")))
}

/// What is asked for is a table, though a group of tables has its name.
pub(crate) fn table_meant(service: &Service, table: &str) -> String {
    match service.queue().workspace().config().groups().contains_key(table) {
        true => format!("\"{}\"", table.replace('"', "\"\"")),
        false => table.to_owned(),
    }
}

/// Whether somebody may have read this as the id of a snapshot, or the beginning of it.
fn looks_like_id(named: &str) -> bool {
    named.len() >= 8 && named.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The snapshot of a database that a request names: by its id or the beginning of it, its name, `latest` or `@TIME`.
pub(crate) async fn snapshot_named(
    service: &Service,
    database: &str,
    named: &str,
) -> Result<String, Problem> {
    // Most name one that is known, by its whole id: nothing has to be listed for that.
    if let Ok(id) = SnapshotId::from_hex(named)
        && let Ok(known) = service.queue().catalog().await
        && known.get(&id).is_some_and(|summary| *summary.database == *database)
    {
        return Ok(id.to_string());
    }
    let workspace = service.queue().workspace();
    let repository = workspace.repository().await?;
    let catalog = repository.catalog().await.map_err(rowkeep::Error::from)?;
    let missing = || match looks_like_id(named) {
        true => Problem::not_found(format!(
            "no snapshot {named} of {database}: it was deleted, by the rules that say what is kept or by somebody, or there never was one"
        )),
        false => Problem::not_found(format!("no snapshot {named} of {database}")),
    };
    if named == "latest" {
        return catalog.newest(Some(database)).map(|summary| summary.id.to_string()).ok_or_else(missing);
    }
    if named.starts_with('@') {
        let context = Context::silent().with_clock(service.queue().clock());
        let id = workspace.snapshot_id(&context, &format!("{database}{named}")).await?;
        return Ok(id.to_string());
    }
    // Among its own alone: those of other databases may be nobody's business who asks.
    let is_named = |summary: &rowkeep::format::Summary| summary.name.as_deref() == Some(named);
    let begins =
        |summary: &rowkeep::format::Summary| named.len() >= 4 && summary.id.to_string().starts_with(named);
    let found: Vec<_> =
        catalog.of(Some(database)).filter(|summary| is_named(summary) || begins(summary)).collect();
    match found.as_slice() {
        [only] => Ok(only.id.to_string()),
        [] => Err(missing()),
        _ => Err(Problem::malformed(format!(
            "{named} could be any of {} snapshots of {database}",
            found.len()
        ))),
    }
}
