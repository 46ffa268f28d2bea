//! What of the rows a restore would meet: each table is read once, by one statement.

use rowkeep_format::TableName;

use super::super::catalog::relation::KEPT;
use super::super::connect::failure::{failed, words};
use super::super::connect::row::{Row, text};
use super::super::connect::session::Session;
use super::super::connect::settings;
use super::super::quote;
use crate::examination::counted;
use crate::{EngineError, Finding, Level, Meant};

/// What is counted of one table: by which kind of constraint, its name, and the expression that counts.
struct Item {
    kind: String,
    name: String,
    expression: String,
}

/// How large a row may be, in bytes of its text.
const LARGEST_ROW_BYTES: u64 = 256 << 20;

/// From which size on it is worth knowing.
const LARGE_ROW_BYTES: u64 = 64 << 20;

/// Which tables have no rows that can be read, on a standby.
const NOT_HERE: &str = "pg_is_in_recovery() AND c.relpersistence = 'u'";

/// The constraints of a table that is kept, and what counts the rows that break each. Whole rows in expressions are named like the table, so
/// it has no other name in the statement.
fn items_query() -> String {
    let of_tables = "JOIN pg_class c ON c.oid = x.relid JOIN pg_namespace n ON n.oid = c.relnamespace";
    format!(
        "SELECT n.nspname, c.relname, x.kind, x.name, x.expression FROM (
            SELECT k.conrelid, 'check', k.conname::text,
                   format('count(*) FILTER (WHERE (%s) IS FALSE)', pg_get_expr(k.conbin, k.conrelid))
            FROM pg_constraint k WHERE k.contype = 'c' AND k.conrelid <> 0 AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
            UNION ALL
            SELECT a.attrelid, 'not null', string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
                   format('count(*) FILTER (WHERE %s)', string_agg(format('%I IS NOT DISTINCT FROM NULL', a.attname), ' OR '))
            FROM pg_attribute a WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
            UNION ALL
            SELECT k.conrelid, 'foreign key', k.conname::text,
                   format('count(*) FILTER (WHERE %s AND NOT EXISTS (SELECT FROM %s%I.%I rowkeep_r WHERE %s))',
                          string_agg(format('%I.%I IS NOT NULL', c.relname, fa.attname), ' AND '),
                          CASE rc.relkind WHEN 'r' THEN 'ONLY ' END, rn.nspname, rc.relname,
                          string_agg(format('rowkeep_r.%I OPERATOR(%I.%s) %I.%I', ra.attname, opn.nspname, op.oprname, c.relname,
                                            fa.attname), ' AND '))
            FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class rc ON rc.oid = k.confrelid
            JOIN pg_namespace rn ON rn.oid = rc.relnamespace, unnest(k.conkey, k.confkey, k.conpfeqop) u (f, r, op)
            JOIN pg_operator op ON op.oid = u.op JOIN pg_namespace opn ON opn.oid = op.oprnamespace,
            pg_attribute fa, pg_attribute ra
            WHERE k.contype = 'f' AND fa.attrelid = k.conrelid AND fa.attnum = u.f AND ra.attrelid = k.confrelid AND ra.attnum = u.r
              AND to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false' AND to_jsonb(k) ->> 'conperiod' IS DISTINCT FROM 'true'
              AND NOT EXISTS (SELECT FROM pg_constraint up WHERE up.oid = k.conparentid AND up.conrelid = k.conrelid)
            GROUP BY k.oid, k.conrelid, k.conname, rc.relkind, rn.nspname, rc.relname
            UNION ALL
            SELECT i.indrelid, 'unique', ic.relname::text,
                   format('count(*) FILTER (WHERE %1$s) - count(DISTINCT ROW(%2$s)) FILTER (WHERE %1$s)',
                          concat_ws(' AND ', format('(%s)', coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')),
                                    CASE WHEN to_jsonb(i) ->> 'indnullsnotdistinct' IS DISTINCT FROM 'true'
                                         THEN string_agg(format('(%s) IS DISTINCT FROM NULL', e.key), ' AND ' ORDER BY e.at) END),
                          string_agg(format('(%s)', e.key), ', ' ORDER BY e.at))
            FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid,
            LATERAL (SELECT at, pg_get_indexdef(i.indexrelid, at, true) AS key FROM generate_series(1, i.indnkeyatts) at) e
            WHERE i.indisunique AND i.indisvalid AND NOT i.indisexclusion GROUP BY i.indexrelid, ic.relname, i.*
            UNION ALL
            SELECT a.attrelid, 'size', 'row', format('max(%s)', string_agg(format(CASE
                WHEN a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) THEN 'coalesce(octet_length(%1$I), 0)::bigint'
                WHEN a.atttypid = 'bytea'::regtype THEN '2 * coalesce(octet_length(%1$I), 0)::bigint'
                ELSE 'CASE WHEN pg_column_size(%1$I) > 1048576 THEN octet_length(%1$I::text) ELSE 0 END::bigint' END, a.attname), ' + '))
            FROM pg_attribute a WHERE a.attlen = -1 AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
         ) x (relid, kind, name, expression) {of_tables}
         WHERE {KEPT} AND NOT ({NOT_HERE}) ORDER BY 1, 2, 3, 4"
    )
}

/// What is computed of rows by functions that are not the server's own: of each table its checks, generated columns, and indexes.
fn computed_query() -> String {
    const CALLS: &str = "p.refclassid = 'pg_proc'::regclass AND p.refobjid >= 16384";
    format!(
        "SELECT n.nspname, c.relname, string_agg(format('(%s)', x.expression), ', ') FROM (
            SELECT k.conrelid, pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k WHERE k.contype = 'c' AND EXISTS (
                SELECT FROM pg_depend p WHERE p.classid = 'pg_constraint'::regclass AND p.objid = k.oid AND {CALLS})
            UNION ALL
            SELECT d.adrelid, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
            JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> '' WHERE EXISTS (
                SELECT FROM pg_depend p WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND {CALLS})
            UNION ALL
            SELECT i.indrelid, e.part FROM pg_index i,
            LATERAL (SELECT pg_get_expr(i.indpred, i.indrelid) AS part WHERE i.indpred IS NOT NULL UNION ALL
                     SELECT pg_get_indexdef(i.indexrelid, at, true) FROM generate_series(1, i.indnkeyatts) at) e
            WHERE EXISTS (SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND {CALLS})
         ) x (relid, expression) JOIN pg_class c ON c.oid = x.relid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {KEPT} AND NOT ({NOT_HERE}) GROUP BY 1, 2 ORDER BY 1, 2"
    )
}

/// Counts, in each table that is meant, the rows that break what is said of them.
pub(crate) async fn findings(session: &Session, meant: &Meant) -> Result<Vec<Finding>, EngineError> {
    session
        .begin(
            "ISOLATION LEVEL REPEATABLE READ READ ONLY",
            &settings::local(&settings::reading(session.major)),
        )
        .await?;
    let mut tables: Vec<(TableName, Vec<Item>)> = Vec::new();
    for row in session.rows("cannot list the constraints", &items_query()).await? {
        let (name, item) = (table_of(&row), Item::of(&row));
        match tables.last_mut().filter(|(last, _)| *last == name) {
            Some((_, items)) => items.push(item),
            None => tables.push((name, vec![item])),
        }
    }
    tables.retain(|(name, _)| meant.is(name));
    let mut findings = Vec::new();
    for (name, items) in &tables {
        findings.extend(count(session, name, items).await?);
    }
    if findings.is_empty() {
        let constraints =
            tables.iter().flat_map(|(_, items)| items).filter(|item| item.kind != "size").count();
        let detail =
            format!("{} of {} hold", counted(constraints, "constraint"), counted(tables.len(), "table"));
        findings.push(Finding::new("rows that conform", Level::Ok, detail));
    }
    findings.extend(unqualified(session, meant).await?);
    findings.extend(unlogged(session).await?);
    session.prepare("ROLLBACK").await?;
    Ok(findings)
}

fn table_of(row: &Row) -> TableName {
    TableName::qualified(text(row, 0), text(row, 1))
}

/// Runs one statement over a table for all items; each by itself where that fails, to name the one that does.
async fn count(session: &Session, name: &TableName, items: &[Item]) -> Result<Vec<Finding>, EngineError> {
    if let Ok(counts) = run(session, name, items).await? {
        let told =
            items.iter().zip(&counts).filter_map(|(item, count)| item.told(name, count.parse().unwrap_or(0)));
        return Ok(told.collect());
    }
    let mut findings = Vec::new();
    for item in items {
        match run(session, name, std::slice::from_ref(item)).await? {
            Ok(counts) => {
                let count = counts.first().and_then(|count| count.parse().ok()).unwrap_or(0);
                findings.extend(item.told(name, count));
            }
            Err(said) => findings.push(Finding::new(
                &format!("{} {} of {name}", item.kind, item.name),
                Level::Warning,
                format!("it cannot be held against the rows: {said}; a restore may leave it out"),
            )),
        }
    }
    Ok(findings)
}

/// Counts in the search path of the database's users; the inner error is the server's own words.
async fn run(
    session: &Session,
    name: &TableName,
    items: &[Item],
) -> Result<Result<Vec<String>, String>, EngineError> {
    let expressions = items.iter().map(|item| item.expression.as_str()).collect::<Vec<_>>().join(", ");
    session.prepare("SAVEPOINT rowkeep_table; SET LOCAL search_path TO DEFAULT").await?;
    let counted = session.try_rows(&format!("SELECT {expressions} FROM ONLY {}", quote::table(name))).await;
    session.prepare("ROLLBACK TO SAVEPOINT rowkeep_table").await?;
    match counted {
        Ok(rows) => Ok(Ok((0..items.len()).map(|at| text(&rows[0], at).to_owned()).collect())),
        Err(error) if error.as_db_error().is_some() => Ok(Err(words(&error))),
        Err(error) => Err(failed(format!("cannot read table {name}"), error)),
    }
}

impl Item {
    fn of(row: &Row) -> Self {
        Self {
            kind: text(row, 2).to_owned(),
            name: text(row, 3).to_owned(),
            expression: text(row, 4).to_owned(),
        }
    }

    fn told(&self, table: &TableName, count: u64) -> Option<Finding> {
        let (kind, name) = (&self.kind, &self.name);
        if kind == "size" {
            return large(table, count);
        }
        if count == 0 {
            return None;
        }
        let rows = counted(usize::try_from(count).unwrap_or(usize::MAX), "row");
        let (quoted, constraint) = (quote::table(table), quote::ident(name));
        let validate = format!("ALTER TABLE {quoted} VALIDATE CONSTRAINT {constraint}");
        let detail = match kind.as_str() {
            "foreign key" => format!(
                "{rows} with references to rows that are not there: put these back or remove the references, then {validate}; until then \
                 a restore adds it NOT VALID"
            ),
            "check" => format!(
                "{rows} that do not conform, as the check and its functions are now: mend the rows or the check, then {validate}; until \
                 then a restore adds it NOT VALID"
            ),
            "unique" => format!(
                "{rows} with the same as another: remove or change all but one of each, then REINDEX; until then a restore leaves the \
                 index out"
            ),
            _ => format!("{rows} with a null: give them a value; until then a restore of the table fails"),
        };
        Some(Finding::new(&format!("{kind} {name} of {table}"), Level::Warning, detail))
    }
}

fn large(table: &TableName, bytes: u64) -> Option<Finding> {
    let what = format!("largest row of {table}");
    let size = bytes >> 20;
    match bytes {
        ..LARGE_ROW_BYTES => None,
        LARGE_ROW_BYTES..=LARGEST_ROW_BYTES => Some(Finding::new(
            &what,
            Level::Warning,
            format!("{size} MiB as text: a backup and a restore hold some copies of it in memory"),
        )),
        _ => Some(Finding::new(
            &what,
            Level::Error,
            format!(
                "{size} MiB as text, and {} MiB is the most that is read: keep such values elsewhere, or back up without the table \
                 (--exclude)",
                LARGEST_ROW_BYTES >> 20
            ),
        )),
    }
}

/// A standby has no rows of unlogged tables.
async fn unlogged(session: &Session) -> Result<Option<Finding>, EngineError> {
    let query = format!(
        "SELECT count(*), min(c.oid::regclass::text) FROM pg_class c WHERE c.relkind = 'r' AND {NOT_HERE}"
    );
    let rows = session.rows("cannot list the unlogged tables", &query).await?;
    let Some(row) = rows.first().filter(|row| text(row, 0) != "0") else { return Ok(None) };
    let detail = format!(
        "a standby has no rows of {}, the first is {}: back up the primary where these matter; a restore leaves them alone",
        counted(text(row, 0).parse().unwrap_or(0), "unlogged table"),
        text(row, 1)
    );
    Ok(Some(Finding::new("unlogged tables", Level::Warning, detail)))
}

/// Looks at one row of each table that computes something by functions, as a restore does: without a search path.
async fn unqualified(session: &Session, meant: &Meant) -> Result<Vec<Finding>, EngineError> {
    let mut findings = Vec::new();
    for row in session.rows("cannot list what is computed of rows", &computed_query()).await? {
        let name = table_of(&row);
        if !meant.is(&name) {
            continue;
        }
        session.prepare("SAVEPOINT rowkeep_table; SET LOCAL search_path TO ''").await?;
        let query = format!("SELECT {} FROM ONLY {} LIMIT 1", text(&row, 2), quote::table(&name));
        let tried = session.try_rows(&query).await;
        session.prepare("ROLLBACK TO SAVEPOINT rowkeep_table").await?;
        let is_unknown = |error: &tokio_postgres::Error| {
            error.code().is_some_and(|code| ["42883", "42P01", "42704", "3F000"].contains(&code.code()))
        };
        if let Err(error) = tried
            && is_unknown(&error)
        {
            findings.push(Finding::new(
                &format!("functions of {name}"),
                Level::Warning,
                format!(
                    "an index, check or generated column calls a function that names others without their schema ({}): write the \
                     schema, or ALTER FUNCTION ... SET search_path; a restore tries the path of the database's users, and leaves out \
                     what still fails",
                    words(&error)
                ),
            ));
        }
    }
    Ok(findings)
}
