//! The schema that stands in a database for as long as it is being made.
//!
//! It is created first and dropped last. A database that holds it was empty before, but for the extensions and the
//! state of `public` that it notes; so everything else may be cleared away when the restore does not go on. It also
//! keeps, until the end, the rows of those tables that stand for something else than a table. What is made in one
//! transaction needs no marker, and has temporary tables for that.

use tokio_postgres::error::SqlState;

use super::database::shown;
use super::default_privileges;
use super::transaction_scope::TransactionScope;
use crate::postgres::catalog::unfinished_restore::SCHEMA;
use crate::postgres::catalog::{large_objects, objects, sequences};
use crate::postgres::connect::failure;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind};

/// The number of the lock that a restore holds, of the server's advisory locks: the beginning of its name.
const LOCK: i64 = i64::from_be_bytes(*b"rowkeep\0");

/// What was in the database before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    /// The extensions that were there.
    pub(crate) extensions: Vec<String>,
    /// Schemas besides `public` that stay because those extensions are in them.
    pub(crate) schemas: Vec<String>,
    /// The statements that give back the default privileges that were set.
    pub(crate) default_privileges: Vec<String>,
    /// The statements that give `public` back its owner, comment and privileges; empty when there was no `public`.
    pub(crate) public: String,
}

/// Takes the lock of a restore for as long as the session lasts; false when another has it and keeps it.
///
/// One that has just ended may need a moment until the server has noticed.
pub(crate) async fn lock(session: &Session) -> Result<bool, EngineError> {
    let lock = format!("SET lock_timeout = '5s'; SELECT pg_advisory_lock({LOCK}); SET lock_timeout = 0");
    match session.try_run(&lock).await {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(failure::failed("cannot lock the database for a restore", error)),
    }
}

/// Takes the lock if nobody else has it; a session that has it already keeps it.
pub(crate) async fn try_lock(session: &Session) -> Result<bool, EngineError> {
    let what = "cannot lock the database for a restore";
    let query = format!("SELECT pg_catalog.pg_try_advisory_lock({LOCK})");
    Ok(session.value(what, &query).await?.as_deref() == Some("t"))
}

/// Puts the marker into an empty database; refused when something has come into it meanwhile.
///
/// What is in the database when the marker is, was there before, and would go with the restore that does not go on.
pub(crate) async fn create(session: &Session) -> Result<(), EngineError> {
    let what = "cannot begin the restore in the database";
    let statements = format!(
        "CREATE SCHEMA {SCHEMA}; \
         COMMENT ON SCHEMA {SCHEMA} IS 'A restore by rowkeep was not finished; the next one clears the database.'; \
         CREATE TABLE {SCHEMA}.before (what text, detail text); \
         INSERT INTO {SCHEMA}.before SELECT 'extension', extname FROM pg_catalog.pg_extension; \
         INSERT INTO {SCHEMA}.before SELECT 'default privileges', d.* FROM ({}) d; \
         INSERT INTO {SCHEMA}.before SELECT 'public', p.statements FROM ({}) p (statements)",
        default_privileges::giving_back(),
        public_now(),
    );
    let scope = TransactionScope::Transaction;
    session.try_run(scope.begin()).await.map_err(|error| failure::failed(what, error))?;
    let created = async {
        session.try_run(&statements).await.map_err(|error| failure::failed(what, error))?;
        let mut objects = objects::belongings(session).await?;
        objects.retain(|object| object.kind != "schema" || object.identity != SCHEMA);
        if objects.is_empty() {
            return session.try_run(scope.keep()).await.map_err(|error| failure::failed(what, error));
        }
        let message = format!("the database is not empty any more: it holds {}", shown(&objects).join(", "));
        Err(EngineError::new(ErrorKind::NotEmpty, message))
    };
    let created = created.await;
    if created.is_err() {
        // Fails only with the connection, of which the error tells already.
        let _ = session.try_run(scope.undo()).await;
    }
    created
}

/// The schema of the tables for rows that stand for something else.
pub(crate) fn aside(scope: TransactionScope) -> &'static str {
    match scope {
        TransactionScope::Transaction => SCHEMA,
        TransactionScope::Savepoint => "pg_temp",
    }
}

/// Makes those tables.
pub(crate) async fn create_aside(session: &Session, scope: TransactionScope) -> Result<(), EngineError> {
    let (create, end) = match scope {
        TransactionScope::Transaction => ("CREATE TABLE", ""),
        TransactionScope::Savepoint => ("CREATE TEMPORARY TABLE", "ON COMMIT DROP"),
    };
    let (aside, sequences, objects) = (aside(scope), sequences::NAME, large_objects::OBJECTS);
    let statements = format!(
        "{create} {aside}.{sequences} (schema text, name text, last_value bigint, is_called boolean) {end}; \
         {create} {aside}.{objects} (oid oid, owner text, privileges text, comment text) {end}"
    );
    session
        .try_run(&statements)
        .await
        .map_err(|error| failure::failed("cannot begin the restore in the database", error))
}

/// The query for the statements that give `public` the owner, comment and privileges of the rows `n` of some source.
fn public_of(source: &str) -> String {
    format!(
        "SELECT concat_ws(' ', \
           format('ALTER SCHEMA public OWNER TO %I;', n.owner), \
           format('COMMENT ON SCHEMA public IS %L;', n.comment), \
           (SELECT string_agg(DISTINCT format('REVOKE ALL ON SCHEMA public FROM %s;', \
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE format('%I', pg_catalog.pg_get_userbyid(a.grantee)) END), ' ') \
            FROM pg_catalog.aclexplode(n.acl) a), \
           (SELECT string_agg(format('GRANT %s ON SCHEMA public TO %s%s;', a.privilege_type, \
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE format('%I', pg_catalog.pg_get_userbyid(a.grantee)) END, \
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ') \
            FROM pg_catalog.aclexplode(n.acl) a)) \
         FROM {source}"
    )
}

/// The query for one row when there is a `public`: how it is now.
fn public_now() -> String {
    public_of(
        "(SELECT pg_catalog.pg_get_userbyid(p.nspowner) AS owner, p.nspacl AS acl, \
                 pg_catalog.obj_description(p.oid, 'pg_namespace') AS comment \
          FROM pg_catalog.pg_namespace p WHERE p.nspname = 'public') n",
    )
}

/// The statements that make `public` what it is in a new database, which is what `pg_dump` counts on.
pub(crate) async fn public_of_new_databases(session: &Session) -> Result<String, EngineError> {
    // Since version 15 it belongs to the owner of the database, and others may not create in it.
    let (owner, everybody) = match session.major {
        ..15 => ("(SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10)", "UC"),
        _ => ("'pg_database_owner'::name", "U"),
    };
    let query = public_of(&format!(
        "(SELECT o.owner, 'standard public schema' AS comment, \
                 format('{{%I=UC/%I,={everybody}/%I}}', o.owner, o.owner, o.owner)::aclitem[] AS acl \
          FROM (SELECT {owner}) o (owner)) n"
    ));
    Ok(session.value("cannot read the privileges of schema public", &query).await?.unwrap_or_default())
}

/// Reads what the marker notes.
pub(crate) async fn read(session: &Session) -> Result<Before, EngineError> {
    let what = "cannot read the marker of the unfinished restore";
    let rows = session.rows(what, &format!("SELECT what, detail FROM {SCHEMA}.before")).await?;
    let mut before = Before::default();
    for row in &rows {
        match text(row, 0) {
            "extension" => before.extensions.push(text(row, 1).to_owned()),
            "default privileges" => before.default_privileges.push(text(row, 1).to_owned()),
            _ => before.public = text(row, 1).to_owned(),
        }
    }
    Ok(before)
}

/// The owner, comment and privileges of `public` as they are now, in the same form.
pub(crate) async fn public(session: &Session) -> Result<Option<String>, EngineError> {
    session.value("cannot read the privileges of schema public", &public_now()).await
}

/// Removes the marker, in a transaction that is then still open.
pub(crate) async fn remove(session: &Session) -> Result<(), EngineError> {
    session
        .try_run(&format!("DROP SCHEMA {SCHEMA} CASCADE"))
        .await
        .map_err(|error| failure::failed("cannot end the restore", error))
}
