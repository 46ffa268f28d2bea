//! The tables of the state in a schema of PostgreSQL: looked for, made, brought to the newest version.

use rowkeep::engine::postgres::OwnConnection;
use rowkeep::engine::{EngineError, ErrorKind};

/// The version of the tables, kept in `rowkeep_state`.
const MIGRATIONS: [&str; 1] = [include_str!("version_1.sql")];

/// The schema where nobody names another.
const SCHEMA: &str = "rowkeep";

/// What a schema holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A state of this version, or of an older one.
    State { version: i64 },
    /// Nothing, or it is not there.
    Nothing,
    /// Something else.
    Other,
}

/// A name as PostgreSQL reads it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The schema that the URL names as psql's users do (`options=-csearch_path=NAME`), else ours.
pub(super) async fn schema(connection: &OwnConnection) -> Result<String, EngineError> {
    let query = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'search_path' AND source = 'client'";
    let rows = connection.client().query(query, &[]).await;
    let rows = rows.map_err(|error| connection.failed("its search path cannot be read", error))?;
    let Some(path) = rows.first().and_then(|row| row.try_get::<_, String>(0).ok()) else {
        return Ok(SCHEMA.to_owned());
    };
    let first = path.trim();
    let name = match first.strip_prefix('"') {
        Some(rest) => rest.split_once('"').map(|(name, _)| name.to_owned()),
        None => first.split(',').next().map(|name| name.trim().to_lowercase()),
    };
    name.filter(|name| !name.is_empty() && name != "$user" && !name.starts_with("pg_")).ok_or_else(|| {
        EngineError::new(ErrorKind::InvalidUrl, "the search_path of the URL of the state names no schema")
    })
}

/// Has all statements go to a schema, and what is answered be on disk.
pub(super) async fn enter(connection: &OwnConnection, schema: &str) -> Result<(), EngineError> {
    let enter = format!(
        "SET search_path = {}, pg_catalog, pg_temp; SELECT pg_catalog.set_config('synchronous_commit', 'on', false) \
         WHERE pg_catalog.current_setting('synchronous_commit') IN ('off', 'local')",
        quoted(schema)
    );
    let done = connection.client().batch_execute(&enter).await;
    done.map_err(|error| connection.failed("its settings cannot be made", error))
}

/// What a schema holds.
pub(super) async fn found(connection: &OwnConnection, schema: &str) -> Result<Found, EngineError> {
    let failed = |error| connection.failed("its tables cannot be listed", error);
    let query = "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";
    let rows = connection.client().query(query, &[&schema]).await.map_err(failed)?;
    let names: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let names = names.map_err(failed)?;
    if !names.iter().any(|name| name == "rowkeep_state") {
        return Ok(if names.is_empty() { Found::Nothing } else { Found::Other });
    }
    let row =
        connection.client().query_opt("SELECT version FROM rowkeep_state", &[]).await.map_err(failed)?;
    let version = row.map(|row| row.try_get(0)).transpose().map_err(failed)?;
    Ok(version.map_or(Found::Other, |version| Found::State { version }))
}

/// The statements that make a state of a version one of the newest, or make it where there is none.
pub(super) fn migration(schema: &str, from: i64) -> String {
    let from = usize::try_from(from).unwrap_or(0);
    let mut statements = match from {
        0 => format!("CREATE SCHEMA IF NOT EXISTS {};", quoted(schema)),
        _ => String::new(),
    };
    MIGRATIONS.iter().skip(from).for_each(|migration| statements.push_str(migration));
    let version = MIGRATIONS.len();
    statements.push_str(&match from {
        0 => format!("INSERT INTO rowkeep_state VALUES (1, {version}, '', 0);"),
        _ => format!("UPDATE rowkeep_state SET version = {version};"),
    });
    statements
}
