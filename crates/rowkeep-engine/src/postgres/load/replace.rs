//! Making a database again in place of what it holds.
//!
//! Everything is done in one transaction on one connection: what there is is dropped, then the schema is created and
//! loaded as in an empty database. All that a restore does can be done so; a database's own settings (`ALTER DATABASE`),
//! owner and privileges are not part of a schema, and stay. Whoever reads what is dropped is waited for, for a while;
//! whoever comes later waits for the commit, and then sees the new (but, as after `TRUNCATE`, empty tables in a transaction
//! that has kept its view since before, at `REPEATABLE READ`). Every object that is dropped or made is locked until
//! then, so `max_locks_per_transaction` bounds how many there may be.
//!
//! What the connected role may not drop, it may not replace: the server names it, and nothing has changed. Extensions
//! stay where the schema has them too, for an ordinary role often cannot make them again.

use super::clear;
use super::marker::{self, Before};
use super::plan::Plan;
use crate::EngineError;
use crate::postgres::connect::row::{text, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::schema::classify;

/// Removes all that the database of the session's transaction holds and the plan does not count on.
pub(crate) async fn clear(session: &Session, plan: &mut Plan) -> Result<(), EngineError> {
    let staying = staying(session, plan).await?;
    clear::clear(session, &staying, 1).await?;
    // These are there.
    plan.before.retain(|statement| {
        classify::schema(&statement.sql).is_none_or(|name| !staying.schemas.contains(&name))
    });
    Ok(())
}

/// What is not dropped: extensions that every database has or that the plan creates in the same schema and version, and `public`
/// as a new database has it.
async fn staying(session: &Session, plan: &Plan) -> Result<Before, EngineError> {
    let wanted: Vec<_> =
        plan.before.iter().filter_map(|statement| classify::extension(&statement.sql)).collect();
    let rows = session
        .rows(
            "cannot list the extensions",
            "SELECT e.extname, n.nspname, e.oid < 16384, left(n.nspname, 3) = 'pg_' OR n.nspname = 'public' \
               OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass \
                          AND d.objid = n.oid AND d.deptype = 'e'), e.extversion \
             FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1",
        )
        .await?;
    let mut staying = Before::default();
    for row in &rows {
        let (name, schema) = (text(row, 0), text(row, 1));
        let version = text(row, 4);
        let is_wanted = wanted.iter().any(|wanted| {
            wanted.name == *name
                && wanted.schema.as_deref().is_none_or(|wanted| wanted == schema)
                && wanted.version.as_deref().is_none_or(|wanted| wanted == version)
        });
        if !is_wanted && !truth(row, 2, "whether an extension is the server's own")? {
            continue;
        }
        staying.extensions.push(name.to_owned());
        if !truth(row, 3, "whether a schema stays")? && !staying.schemas.iter().any(|known| known == schema) {
            staying.schemas.push(schema.to_owned());
        }
    }
    staying.public = match session.value("cannot look at schema public", OWNS_PUBLIC).await?.as_deref() {
        // Somebody else's stays as it is.
        Some("f") => marker::public(session).await?.unwrap_or_default(),
        _ => marker::public_of_new_databases(session).await?,
    };
    Ok(staying)
}

const OWNS_PUBLIC: &str =
    "SELECT pg_has_role(n.nspowner, 'USAGE') FROM pg_namespace n WHERE n.nspname = 'public'";
