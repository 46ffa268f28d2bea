//! Large objects, changed page by page through the functions that their owner may call.

use rowkeep_format::Changes;
use rowkeep_format::changeset::Change;

use super::left::left;
use super::row_statements::affected;
use super::staging::{self, kind};
use crate::postgres::catalog::large_objects::{self, PAGE_BYTES, SELECT_OBJECTS};
use crate::postgres::connect::failure::{changing_failed, failed};
use crate::postgres::connect::row::{number, text};
use crate::postgres::connect::session::Session;
use crate::postgres::copy_text::encode;
use crate::postgres::load::large_objects::properties;
use crate::postgres::quote;
use crate::{AppliedTable, ApplyOptions, ChangeSource, EngineError, ErrorKind, OnConflict};

const WHAT: &str = "cannot change the large objects";

/// Temporary tables of the changes, each with what was found out of every change: 0 to do, 1 done already, 2 in conflict.
const OBJECTS: &str = "pg_temp.rowkeep_objects";
const PAGES: &str = "pg_temp.rowkeep_pages";

/// Changes the large objects as the rows of their two tables say, and returns their places and what was done.
pub(super) async fn change(
    session: &Session,
    source: &dyn ChangeSource,
    options: &ApplyOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<(usize, AppliedTable)>, EngineError> {
    let place = |wanted: rowkeep_format::Table| {
        source.tables().iter().position(|changes| {
            changes.table.name == wanted.name
                && changes.table.kind == wanted.kind
                && changes.table.columns.len() == wanted.columns.len()
        })
    };
    let (objects, pages) = (place(large_objects::objects()), place(large_objects::data()));
    let mut out = Vec::new();
    if objects.is_none() && pages.is_none() {
        return Ok(out);
    }
    run(
        session,
        "CREATE TEMPORARY TABLE rowkeep_objects (n bigint, kind smallint, state smallint DEFAULT 0, oid oid, b text[], \
             a text[]) ON COMMIT DROP; \
         CREATE TEMPORARY TABLE rowkeep_pages (n bigint, kind smallint, state smallint DEFAULT 0, loid oid, page bigint, \
             b bytea, a bytea) ON COMMIT DROP",
    )
    .await?;
    if let Some(at) = objects {
        let copy = format!("COPY {OBJECTS} (n, kind, oid, b, a) FROM STDIN");
        let mut n = 0;
        staging::send(session, WHAT, &copy, source.read(at), |changes, out| {
            encode_objects(changes, &mut n, out);
            Ok(())
        })
        .await?;
    }
    if let Some(at) = pages {
        let copy = format!("COPY {PAGES} (n, kind, loid, page, b, a) FROM STDIN");
        let mut n = 0;
        staging::send(session, WHAT, &copy, source.read(at), |changes, out| {
            encode_pages(changes, &mut n, out);
            Ok(())
        })
        .await?;
    }
    judge(session).await?;
    for (at, table) in [(objects, OBJECTS), (pages, PAGES)] {
        let Some(at) = at else { continue };
        let applied = count(session, source, at, table).await?;
        if options.on_conflict == OnConflict::Stop && applied.skipped > 0 {
            let rows = if applied.skipped == 1 { "row" } else { "rows" };
            return Err(EngineError::new(
                ErrorKind::Conflict,
                format!("not as the changes say they were: {} {rows} of {}", applied.skipped, applied.table),
            ));
        }
        out.push((at, applied));
    }
    pages_go(session).await?;
    objects_change(session, notes).await?;
    Ok(out)
}

fn encode_objects(changes: &Changes, n: &mut u64, out: &mut Vec<u8>) {
    for change in changes.iter() {
        let (kind, before, after) = parts(change);
        out.extend_from_slice(format!("{n}\t{kind}\t").as_bytes());
        *n += 1;
        if let Some((batch, row)) = pick(changes, before, after) {
            encode::value(batch.value(row, 0), out);
        }
        for (batch, row) in [(changes.before(), before), (changes.after(), after)] {
            out.push(b'\t');
            match row {
                Some(row) => staging::array(batch, row, &[], out),
                None => out.extend_from_slice(b"\\N"),
            }
        }
        out.push(b'\n');
    }
}

fn encode_pages(changes: &Changes, n: &mut u64, out: &mut Vec<u8>) {
    for change in changes.iter() {
        let (kind, before, after) = parts(change);
        out.extend_from_slice(format!("{n}\t{kind}").as_bytes());
        *n += 1;
        for column in 0..2 {
            out.push(b'\t');
            if let Some((batch, row)) = pick(changes, before, after) {
                encode::value(batch.value(row, column), out);
            }
        }
        for (batch, row) in [(changes.before(), before), (changes.after(), after)] {
            out.push(b'\t');
            match row {
                Some(row) => encode::value(batch.value(row, 2), out),
                None => out.extend_from_slice(b"\\N"),
            }
        }
        out.push(b'\n');
    }
}

fn parts(change: Change) -> (u8, Option<usize>, Option<usize>) {
    match change {
        Change::Insert { after } => (kind::INSERT, None, Some(after)),
        Change::Update { before, after } => (kind::UPDATE, Some(before), Some(after)),
        Change::Delete { before } => (kind::DELETE, Some(before), None),
    }
}

/// The row that has the key of a change.
fn pick(
    changes: &Changes,
    before: Option<usize>,
    after: Option<usize>,
) -> Option<(&rowkeep_format::RowBatch, usize)> {
    before.map(|row| (changes.before(), row)).or(after.map(|row| (changes.after(), row)))
}

/// Finds out what is to be done of each change.
async fn judge(session: &Session) -> Result<(), EngineError> {
    let state = format!(
        "CASE s.kind WHEN {} THEN CASE WHEN f.now IS NULL THEN 0 WHEN f.now = s.a THEN 1 ELSE 2 END \
           WHEN {} THEN CASE WHEN f.now IS NULL THEN 1 WHEN f.now = s.b THEN 0 ELSE 2 END \
           ELSE CASE WHEN f.now = s.b THEN 0 WHEN f.now = s.a THEN 1 ELSE 2 END END",
        kind::INSERT,
        kind::DELETE
    );
    run(
        session,
        &format!(
            "UPDATE {OBJECTS} s SET state = {state} FROM ( \
               SELECT o.n, CASE WHEN m.oid IS NOT NULL \
                           THEN ARRAY[m.oid::text, m.owner::text, m.privileges, m.comment] END AS now \
               FROM {OBJECTS} o LEFT JOIN ({SELECT_OBJECTS}) m ON m.oid = o.oid) f WHERE f.n = s.n; \
             UPDATE {PAGES} s SET state = {state} FROM ( \
               SELECT p.n, CASE WHEN m.oid IS NOT NULL \
                           THEN nullif(lo_get(m.oid, p.page * {PAGE_BYTES}, {PAGE_BYTES}), ''::bytea) END AS now \
               FROM {PAGES} p LEFT JOIN pg_largeobject_metadata m ON m.oid = p.loid) f WHERE f.n = s.n"
        ),
    )
    .await
}

async fn count(
    session: &Session,
    source: &dyn ChangeSource,
    at: usize,
    table: &str,
) -> Result<AppliedTable, EngineError> {
    let mut applied = AppliedTable::untouched(&source.tables()[at].table.name);
    let query = format!("SELECT state, kind, count(*) FROM {table} GROUP BY 1, 2");
    for row in session.rows(WHAT, &query).await? {
        let rows: u64 = number(&row, 2, "a number of rows")?;
        match (text(&row, 0), number::<u8>(&row, 1, "a kind of change")?) {
            ("0", kind::INSERT) => applied.done.inserted += rows,
            ("0", kind::DELETE) => applied.done.deleted += rows,
            ("0", _) => applied.done.updated += rows,
            ("1", _) => applied.already += rows,
            _ => applied.skipped += rows,
        }
    }
    if applied.already + applied.skipped > 0 {
        applied.left = left(session, WHAT, table).await?;
    }
    Ok(applied)
}

/// Takes pages off the ends of large objects and writes those that change.
async fn pages_go(session: &Session) -> Result<(), EngineError> {
    // Only the last pages of an object can go: what is before another page cannot be missing.
    let open = |objects: &str, end: &str| {
        format!(
            "SELECT o.loid, o.fd, o.first, o.pages, lo_lseek64(o.fd, 0, 2) AS bytes FROM ( \
               SELECT x.loid, lo_open(x.loid, 393216) AS fd, x.first, x.pages FROM ({objects}) x OFFSET 0) o{end}"
        )
    };
    let going = format!(
        "SELECT loid, min(page) AS first, count(*) AS pages FROM {PAGES} WHERE state = 0 AND kind = {} GROUP BY loid",
        kind::DELETE
    );
    let query = format!(
        "SELECT z.loid, (z.bytes + {PAGE_BYTES} - 1) / {PAGE_BYTES} = z.first + z.pages, z.closed FROM ( \
           SELECT y.*, CASE WHEN y.truncated IS NOT NULL THEN lo_close(y.fd) END AS closed FROM ( \
             SELECT w.*, CASE WHEN (w.bytes + {PAGE_BYTES} - 1) / {PAGE_BYTES} = w.first + w.pages \
                         THEN lo_truncate64(w.fd, w.first * {PAGE_BYTES}) ELSE 0 END AS truncated \
             FROM ({}) w OFFSET 0) y OFFSET 0) z",
        open(&going, " OFFSET 0")
    );
    for row in session.rows(WHAT, &query).await? {
        if text(&row, 1) != "t" {
            return Err(EngineError::new(
                ErrorKind::Conflict,
                format!("large object {} has more pages after those that are to be deleted", text(&row, 0)),
            ));
        }
    }
    let shorter = format!(
        "SELECT loid, page * {PAGE_BYTES} + length(a) AS first, 0 AS pages FROM {PAGES} \
         WHERE state = 0 AND kind = {} AND length(a) < length(b)",
        kind::UPDATE
    );
    run(
        session,
        &format!(
            "SELECT lo_put(loid, page * {PAGE_BYTES}, a) FROM {PAGES} WHERE state = 0 AND kind = {}; \
             SELECT lo_close(y.fd) FROM (SELECT w.fd, lo_truncate64(w.fd, w.first) AS done FROM ({}) w OFFSET 0) y \
             WHERE y.done = 0",
            kind::UPDATE,
            open(&shorter, " OFFSET 0")
        ),
    )
    .await
}

/// Unlinks and creates large objects, writes new pages, and sets owners, privileges and comments.
async fn objects_change(session: &Session, notes: &mut Vec<String>) -> Result<(), EngineError> {
    run(
        session,
        &format!(
            "SELECT lo_unlink(oid) FROM {OBJECTS} WHERE state = 0 AND kind = {delete}; \
             SELECT lo_create(oid) FROM {OBJECTS} WHERE state = 0 AND kind = {insert}; \
             SELECT lo_put(loid, page * {PAGE_BYTES}, a) FROM {PAGES} WHERE state = 0 AND kind = {insert}",
            delete = kind::DELETE,
            insert = kind::INSERT
        ),
    )
    .await?;
    let query = format!(
        "SELECT s.oid, s.kind, s.a[2], s.a[3], s.a[4], s.b[2], s.b[3], s.b[4], current_user FROM {OBJECTS} s \
         WHERE s.state = 0 AND s.kind <> {} ORDER BY s.n",
        kind::DELETE
    );
    for row in session.rows(WHAT, &query).await? {
        let oid = text(&row, 0);
        let mut statements: Vec<String> = Vec::new();
        if text(&row, 1) == kind::INSERT.to_string() {
            let owner = (text(&row, 2) != text(&row, 8)).then(|| text(&row, 2));
            let made = properties(oid, owner, row[3].as_deref(), row[4].as_deref())?;
            statements.extend(made.into_iter().map(|statement| statement.sql));
        } else {
            if row[4] != row[7] {
                let comment = row[4].as_deref().map_or("NULL".to_owned(), quote::literal);
                statements.push(format!("COMMENT ON LARGE OBJECT {oid} IS {comment}"));
            }
            let owner = (row[2] != row[5]).then(|| text(&row, 2));
            if row[3] != row[6] {
                let grantees = format!(
                    "SELECT DISTINCT 'REVOKE ALL ON LARGE OBJECT {oid} FROM ' || \
                            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END \
                     FROM pg_largeobject_metadata m, aclexplode(m.lomacl) a WHERE m.oid = {oid}"
                );
                let revokes = session.rows(WHAT, &grantees).await?;
                statements.extend(revokes.iter().map(|row| text(row, 0).to_owned()));
                let usual = format!(
                    "[{{\"grantee\":{},\"privilege\":\"ALL\",\"grantable\":false}}]",
                    serde_json::Value::from(text(&row, 2))
                );
                let privileges = row[3].as_deref().unwrap_or(&usual);
                let made = properties(oid, owner, Some(privileges), None)?;
                statements.extend(made.into_iter().map(|statement| statement.sql));
            } else if let Some(owner) = owner {
                statements.push(format!("ALTER LARGE OBJECT {oid} OWNER TO {}", quote::ident(owner)));
            }
        }
        for statement in statements {
            optional(session, &statement, notes).await?;
        }
    }
    Ok(())
}

/// Runs a statement that needs rights or roles that may not be there.
async fn optional(session: &Session, statement: &str, notes: &mut Vec<String>) -> Result<(), EngineError> {
    let failed = |error| failed(WHAT, error);
    session.try_run("SAVEPOINT rowkeep_object").await.map_err(failed)?;
    match affected(session, statement).await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_db_error() {
            Some(said) if matches!(said.code().code(), "42501" | "42704") => {
                notes.push(format!("{}: left out {}", said.message(), statement.trim_end_matches(';')));
                session.try_run("ROLLBACK TO SAVEPOINT rowkeep_object").await.map_err(failed)
            }
            _ => Err(failed(error)),
        },
    }
}

async fn run(session: &Session, statements: &str) -> Result<(), EngineError> {
    session.try_run(statements).await.map_err(|error| changing_failed(WHAT, error))
}
