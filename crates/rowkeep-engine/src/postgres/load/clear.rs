//! Clearing a database: removing everything that was not there before.

use std::time::Duration;

use tokio::time::sleep;

use super::marker::{self, Before};
use super::{default_privileges, extension_rows};
use crate::EngineError;
use crate::postgres::catalog::objects::{FIRST_USER_OID, Object, list, subscription_drops};
use crate::postgres::catalog::unfinished_restore::{self, SCHEMA};
use crate::postgres::connect::failure;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;
use crate::postgres::schema::classify::brief;
use crate::postgres::schema::split::statements;

/// How many statements that drop things go to the server at once: each holds locks until its transaction ends.
const DROPS_AT_ONCE: usize = 40;

/// How many large objects are removed in one transaction, for the same reason.
const LARGE_OBJECTS_AT_ONCE: usize = 1000;

/// How often, and how long apart, it is looked whether the other sessions of a restore have ended.
const LOOKS: usize = 500;
const APART: Duration = Duration::from_millis(20);

/// Ends the other sessions of a restore that did not go on, in the middle of a long statement perhaps, and waits for some
/// seconds until they have ended: what one is just committing is seen only then.
pub(crate) async fn end_others(session: &Session) -> Result<(), EngineError> {
    for _ in 0..LOOKS {
        if session.rows("cannot end what is left of a restore", END_OTHERS).await?.is_empty() {
            break;
        }
        sleep(APART).await;
    }
    Ok(())
}

/// Removes what an unfinished restore made, the marker last. The session holds the lock of the restore.
pub(crate) async fn clear_unfinished(session: &Session) -> Result<(), EngineError> {
    end_others(session).await?;
    if !unfinished_restore::is_there(session).await? {
        return Ok(());
    }
    let before = marker::read(session).await?;
    clear(session, &before, DROPS_AT_ONCE).await
}

/// Removes everything that was not there before, the marker last. `at_once` statements go to the server together.
pub(crate) async fn clear(session: &Session, before: &Before, at_once: usize) -> Result<(), EngineError> {
    let staying = &before.schemas;
    let run_all = async |statements: &[String]| run_all(session, statements, at_once).await;
    // They would fire for all that follows.
    let event_triggers: Vec<Object> =
        list(session, staying).await?.into_iter().filter(|object| object.kind == "event trigger").collect();
    run_all(&event_triggers.iter().map(drop_statement).collect::<Vec<_>>()).await?;
    run_all(&extension_drops(session, before).await?).await?;
    run_all(&table_drops(session).await?).await?;
    let objects = list(session, staying).await?;
    let mut drops = Vec::new();
    for object in objects.iter().filter(|object| object.kind != "large object") {
        match object.kind.as_str() {
            "subscription" => drops.extend(subscription_drops(&object.identity)),
            _ => drops.push(drop_statement(object)),
        }
    }
    run_all(&drops).await?;
    unlink_large_objects(session).await?;
    for extension in &before.extensions {
        extension_rows::delete(session, extension).await?;
    }
    let taking_back = default_privileges::taking_back();
    let defaults = session.rows("cannot list the default privileges", &taking_back).await?;
    run_all(&defaults.iter().map(|row| text(row, 0).to_owned()).collect::<Vec<_>>()).await?;
    run_all(&before.default_privileges).await?;
    give_back_public(session, before).await?;
    session
        .try_run(&format!("DROP SCHEMA IF EXISTS {} CASCADE", SCHEMA))
        .await
        .map_err(|error| failure::failed("cannot clear the database", error))
}

/// Ends the other sessions of a restore by the same role in this database.
const END_OTHERS: &str = "SELECT pg_terminate_backend(o.pid) FROM pg_stat_activity o \
    JOIN pg_stat_activity mine ON mine.pid = pg_backend_pid() AND mine.application_name = o.application_name \
    AND mine.datid = o.datid AND mine.usesysid = o.usesysid AND mine.pid <> o.pid";

fn drop_statement(object: &Object) -> String {
    format!("DROP {} IF EXISTS {} CASCADE", object.kind.to_uppercase(), object.dropped_by)
}

async fn run_all(session: &Session, statements: &[String], at_once: usize) -> Result<(), EngineError> {
    for batch in statements.chunks(at_once) {
        session.try_run(&batch.join(";\n")).await.map_err(|error| {
            let what = match batch {
                [only] => format!("cannot clear the database: {}", brief(only)),
                _ => "cannot clear the database".to_owned(),
            };
            failure::failed(what, error)
        })?;
    }
    Ok(())
}

async fn extension_drops(session: &Session, before: &Before) -> Result<Vec<String>, EngineError> {
    let rows =
        session.rows("cannot list the extensions", "SELECT extname FROM pg_extension ORDER BY 1").await?;
    let added =
        rows.iter().map(|row| text(row, 0)).filter(|name| !before.extensions.iter().any(|old| old == name));
    Ok(added.map(|name| format!("DROP EXTENSION IF EXISTS {} CASCADE", quote::ident(name))).collect())
}

/// Tables are dropped before the schemas that hold them, because one statement may not lock any number of things.
async fn table_drops(session: &Session) -> Result<Vec<String>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            &format!(
                "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid >= {FIRST_USER_OID} \
                 AND n.nspname NOT IN ('information_schema', {}) AND left(n.nspname, 3) <> 'pg_' \
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                                 AND d.objid = c.oid AND d.deptype = 'e')",
                quote::literal(SCHEMA)
            ),
        )
        .await?;
    Ok(rows.iter().map(|row| format!("DROP TABLE IF EXISTS {} CASCADE", text(row, 0))).collect())
}

async fn unlink_large_objects(session: &Session) -> Result<(), EngineError> {
    let query = format!(
        "SELECT count(lo_unlink(o.oid)) FROM (SELECT oid FROM pg_largeobject_metadata LIMIT {LARGE_OBJECTS_AT_ONCE}) o"
    );
    while session.value("cannot remove large objects", &query).await?.is_some_and(|count| count != "0") {}
    Ok(())
}

async fn give_back_public(session: &Session, before: &Before) -> Result<(), EngineError> {
    if before.public.is_empty() {
        return run_all(session, &["DROP SCHEMA IF EXISTS public CASCADE".to_owned()], 1).await;
    }
    let now = marker::public(session).await?;
    if now.as_deref() == Some(before.public.as_str()) {
        return Ok(());
    }
    let begin = if now.is_none() { "CREATE SCHEMA public;" } else { "" };
    // The privileges of now are taken away first: of all that they name.
    let now = now.unwrap_or_default();
    let revokes: String =
        statements(&now).into_iter().filter(|statement| statement.starts_with("REVOKE")).collect();
    session
        .try_run(&format!("{begin} {revokes} {}", before.public))
        .await
        .map_err(|error| failure::failed("cannot give schema public back its owner and privileges", error))
}
