//! What would stand in the way of a backup, and what to do about it.

mod activity;
pub(super) mod rows;
pub(super) mod target;

use rowkeep_format::TableName;

use super::catalog;
use super::catalog::facts::{self, Database};
use super::catalog::permissions::{self, some};
use super::catalog::relation::Relation;
use super::catalog::sequences;
use super::catalog::tables;
use super::catalog::unfinished_restore;
use super::connect::pooling::Pooling;
use super::connect::row::{number, only, text};
use super::connect::server::Server;
use super::connect::session::Session;
use super::connect::settings;
use super::schema::pg_dump::PgDump;
use crate::examination::counted;
use crate::{EngineError, Examination, Finding, Level, Meant, Surroundings};

/// Looks at a database without changing it.
pub(super) async fn examine(
    server: &Server,
    session: &Session,
    surroundings: &Surroundings,
    meant: &Meant,
) -> Result<Examination, EngineError> {
    session
        .begin("ISOLATION LEVEL READ COMMITTED READ ONLY", &settings::local(&settings::asking(session.major)))
        .await?;
    let role = session.value("cannot ask who we are", "SELECT current_user").await?.unwrap_or_default();
    let relations = tables::relations(session).await?;
    let mut findings = vec![version(session)];
    findings.extend(pooler(server));
    findings.extend(unfinished(session).await?);
    findings.extend(tables(session, &role, meant).await?);
    findings.extend(readable_sequences(session, &role, meant).await?);
    if [catalog::large_objects::objects(), catalog::large_objects::data()]
        .iter()
        .any(|one| meant.is(&one.name))
    {
        findings.extend(large_objects(session).await?);
    }
    findings.push(pg_dump(session, surroundings).await);
    findings.push(keys(&relations));
    findings.extend(foreign_tables(session).await?);
    findings.push(locks(session, relations.len()).await?);
    findings.extend(standby(session).await?);
    findings.extend(activity::findings(session).await?);
    let facts = facts(server, session, &role, relations.len()).await?;
    Ok(Examination { facts, findings })
}

async fn facts(
    server: &Server,
    session: &Session,
    role: &str,
    tables: usize,
) -> Result<Vec<(String, String)>, EngineError> {
    let database = Database::read(session).await?;
    let tls =
        "SELECT coalesce(version || ', ' || cipher, 'no') FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let tls = session.value("cannot ask whether the connection is encrypted", tls).await?;
    let mut facts = vec![
        ("server".to_owned(), server.address.to_string()),
        ("role".to_owned(), role.to_owned()),
        ("tls".to_owned(), tls.unwrap_or_else(|| "no".to_owned())),
        ("tables".to_owned(), tables.to_string()),
    ];
    facts.extend(facts::environment(session, &database).await?);
    Ok(facts)
}

fn version(session: &Session) -> Finding {
    // Those that were released when this was written.
    const NEWEST: u32 = 18;
    let detail = format!("PostgreSQL {}", session.version);
    if session.major > NEWEST {
        return Finding::new(
            "server version",
            Level::Warning,
            format!(
                "{detail} is newer than this version of rowkeep knows; try a restore before you rely on it"
            ),
        );
    }
    Finding::new("server version", Level::Ok, detail)
}

fn pooler(server: &Server) -> Option<Finding> {
    let what = "connection to the server";
    match server.pooling {
        Pooling::None => None,
        Pooling::Session => Some(Finding::new(what, Level::Ok, "through a pooler, in session mode")),
        Pooling::Transaction => Some(Finding::new(
            what,
            Level::Warning,
            "through a pooler in transaction mode: backups read over one connection, and restores into a new database, restores with \
             the schema, migrations and drills beside it need the server's own host and port",
        )),
    }
}

async fn unfinished(session: &Session) -> Result<Option<Finding>, EngineError> {
    let found = unfinished_restore::is_there(session).await?;
    Ok(found.then(|| {
        Finding::new(
            "state of the database",
            Level::Error,
            "the database holds the remains of a restore that was not finished; restore into it again, or drop it",
        )
    }))
}

async fn tables(session: &Session, role: &str, meant: &Meant) -> Result<Vec<Finding>, EngineError> {
    let (access, others): (Vec<_>, Vec<_>) =
        permissions::access(session).await?.into_iter().partition(|table| table.is_meant(meant));
    let passed_over: Vec<&TableName> =
        others.iter().filter(|table| !table.readable).map(|table| &table.name).collect();
    let names = |wanted: fn(&&permissions::Access) -> bool| -> Vec<&TableName> {
        access.iter().filter(wanted).map(|table| &table.name).collect()
    };
    let denied = names(|table| !table.readable);
    let hiding = names(|table| table.hides_rows);
    let read = if denied.is_empty() {
        let besides = match passed_over.as_slice() {
            [] => String::new(),
            names => format!("; left out, and may not be read: {}", some(names)),
        };
        Finding::new("read every table", Level::Ok, format!("{}{besides}", counted(access.len(), "table")))
    } else {
        let grant = if session.major >= 14 {
            format!("GRANT pg_read_all_data TO {role}")
        } else {
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA ... TO {role}, and USAGE on the schemas")
        };
        Finding::new(
            "read every table",
            Level::Error,
            format!(
                "{} of {} may not be read: {}; {grant}",
                denied.len(),
                counted(access.len(), "table"),
                some(&denied)
            ),
        )
    };
    let mut findings = vec![read];
    if !hiding.is_empty() {
        findings.push(Finding::new(
            "see every row",
            Level::Error,
            format!(
                "row-level security would hide rows of {}; ALTER ROLE {role} BYPASSRLS, or back up as the owner",
                some(&hiding)
            ),
        ));
    }
    Ok(findings)
}

/// Whether sequences can be read; where only some tables are meant, that is found when they are read.
async fn readable_sequences(
    session: &Session,
    role: &str,
    meant: &Meant,
) -> Result<Option<Finding>, EngineError> {
    if !meant.is_all() {
        return Ok(None);
    }
    let sequences = sequences::list(session).await?;
    let denied: Vec<&TableName> =
        sequences.iter().filter(|sequence| !sequence.readable).map(|sequence| &sequence.name).collect();
    if denied.is_empty() {
        let all = counted(sequences.len(), "sequence");
        return Ok(Some(Finding::new("read every sequence", Level::Ok, all)));
    }
    Ok(Some(Finding::new(
        "read every sequence",
        Level::Error,
        format!("{} may not be read: {}; GRANT SELECT ON them TO {role}", denied.len(), some(&denied)),
    )))
}

async fn large_objects(session: &Session) -> Result<Option<Finding>, EngineError> {
    let what = "read every large object";
    let readable = if session.major >= 18 {
        "has_largeobject_privilege(m.oid, 'SELECT')"
    } else {
        "current_setting('is_superuser')::boolean OR current_setting('lo_compat_privileges')::boolean \
         OR pg_has_role(m.lomowner, 'USAGE') \
         OR EXISTS (SELECT FROM aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT' \
                    AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))"
    };
    let query = format!(
        "SELECT count(*), count(*) FILTER (WHERE NOT ({readable})), min(m.oid) FILTER (WHERE NOT ({readable})) \
         FROM pg_largeobject_metadata m"
    );
    let rows = session.rows("cannot list the large objects", &query).await?;
    let Some(row) = rows.first().filter(|row| text(row, 0) != "0") else { return Ok(None) };
    let all = number::<usize>(row, 0, "the number of large objects")?;
    Ok(Some(match number::<u64>(row, 1, "the number of large objects that may not be read")? {
        0 => Finding::new(what, Level::Ok, counted(all, "large object")),
        denied => Finding::new(
            what,
            Level::Error,
            format!(
                "{denied} of {} may not be read, the first is {}; become a member of the role that owns them",
                counted(all, "large object"),
                text(row, 2)
            ),
        ),
    }))
}

async fn pg_dump(session: &Session, surroundings: &Surroundings) -> Finding {
    match PgDump::find(surroundings, session.major).await {
        Ok(found) => {
            Finding::new("pg_dump", Level::Ok, format!("{} in {}", found.version, found.path.display()))
        }
        Err(error) => Finding::new(
            "pg_dump",
            Level::Error,
            format!("{error}; install the client programs of PostgreSQL {}", session.major),
        ),
    }
}

fn keys(relations: &[Relation]) -> Finding {
    let without: Vec<&TableName> = relations
        .iter()
        .filter(|relation| !relation.table.key.unique)
        .map(|relation| &relation.table.name)
        .collect();
    if without.is_empty() {
        return Finding::new(
            "primary keys",
            Level::Ok,
            "every table has one, or a unique index without nulls",
        );
    }
    Finding::new(
        "primary keys",
        Level::Warning,
        format!(
            "no primary key and no unique index without nulls: {}; its rows are sorted outside the server, which takes longer, \
             and a changed row counts as one that is gone and one that is new",
            some(&without)
        ),
    )
}

async fn foreign_tables(session: &Session) -> Result<Option<Finding>, EngineError> {
    let query = "SELECT count(*), min(oid::regclass::text) FROM pg_class WHERE relkind = 'f'";
    let rows = session.rows("cannot list the foreign tables", query).await?;
    let Some(row) = rows.first().filter(|row| text(row, 0) != "0") else { return Ok(None) };
    Ok(Some(Finding::new(
        "foreign tables",
        Level::Warning,
        format!(
            "rows of {} on other servers are not backed up, only definitions; the first is {}",
            counted(number(row, 0, "the number of foreign tables")?, "table"),
            text(row, 1)
        ),
    )))
}

async fn locks(session: &Session, tables: usize) -> Result<Finding, EngineError> {
    let query = "SELECT current_setting('max_locks_per_transaction')::int \
                 * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int)";
    let rows = session.rows("cannot read the settings of the server", query).await?;
    let what = "the size of the lock table";
    let room: usize = number(only(&rows, what)?, 0, what)?;
    // Both the backup and its pg_dump lock every table, and each table brings its indexes.
    if tables * 4 > room {
        return Ok(Finding::new(
            "room for locks",
            Level::Warning,
            format!("{tables} tables are many for a lock table of {room}; raise max_locks_per_transaction"),
        ));
    }
    Ok(Finding::new("room for locks", Level::Ok, format!("{room} locks for {}", counted(tables, "table"))))
}

async fn standby(session: &Session) -> Result<Option<Finding>, EngineError> {
    let query = "SELECT current_setting('hot_standby_feedback'), current_setting('max_standby_streaming_delay') \
                 WHERE pg_is_in_recovery()";
    let rows = session.rows("cannot ask for recovery", query).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let what = "reading from a standby";
    if text(row, 0) == "on" || text(row, 1) == "-1" {
        return Ok(Some(Finding::new(what, Level::Ok, "the primary keeps what is being read")));
    }
    Ok(Some(Finding::new(
        what,
        Level::Warning,
        format!(
            "the standby stops a reading that holds it up for {}; set hot_standby_feedback = on, or \
             max_standby_streaming_delay = -1, or back up the primary",
            text(row, 1)
        ),
    )))
}
