//! A database as a script for `psql`.

use rowkeep_format::{RowBatch, Schema, Table, TableName, Value};

use super::catalog::large_objects::{DATA, OBJECTS, PAGE_BYTES};
use super::catalog::sequences;
use super::copy_text;
use super::load::large_objects::properties;
use super::load::plan::Plan;
use super::load::statement_runner::with_settings;
use super::quote::{ident, idents, literal, table as quoted};
use super::schema::script::Statement;
use crate::sql_text::{SqlText, SqlValue};
use crate::{EngineError, ErrorKind};

/// Rows alone come all or not at all, so that keys that refer to later rows can wait for them where they are deferrable.
const ROWS_BEGIN: &str = "\\set ON_ERROR_STOP on
SET rowkeep.triggers = '';
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
";
const ROWS_END: &str = "SET CONSTRAINTS ALL IMMEDIATE;
DO $rowkeep$ BEGIN
    IF pg_catalog.current_setting('rowkeep.triggers') <> '' THEN EXECUTE pg_catalog.current_setting('rowkeep.triggers'); END IF;
END $rowkeep$;
COMMIT;
";

/// What the values of the script count on, whatever server and role are set to.
const SETTINGS: &str = "SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET row_security = off;
SET xmloption = content;
SET client_min_messages = warning;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = postgres;
SET TimeZone = 'UTC';
SET lc_monetary = 'C';
SET default_tablespace = '';
SELECT pg_catalog.set_config('search_path', '', false);
";

/// The statement that inserts one row.
pub(crate) fn insert(table: &str, values: &[(&str, SqlValue)]) -> String {
    let columns = idents(values.iter().map(|(column, _)| *column));
    let literals: Vec<String> = values
        .iter()
        .map(|(_, value)| match value {
            SqlValue::Text(text) => literal(text),
            SqlValue::Integer(integer) => integer.to_string(),
            SqlValue::Boolean(truth) => truth.to_string(),
        })
        .collect();
    format!("INSERT INTO {} ({columns}) VALUES ({})", named(table), literals.join(", "))
}

/// A query that fails where the table or a column is not there.
pub(crate) fn probe(table: &str, columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("t.{}", ident(column))).collect();
    format!("SELECT {} FROM {} t LIMIT 0", columns.join(", "), named(table))
}

/// A table's name as people write it: `table` or `schema.table`, either perhaps in quotes.
fn named(text: &str) -> String {
    let (mut parts, mut part, mut in_quotes) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if in_quotes && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' if in_quotes || part.is_empty() => in_quotes = !in_quotes,
            '.' if !in_quotes && parts.is_empty() => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    parts.iter().map(|part| ident(part)).collect::<Vec<_>>().join(".")
}

/// Writes the rows of a database for `psql`.
pub(crate) struct Script {
    with_ddl: bool,
    head: String,
    tail: String,
}

impl Script {
    pub(crate) fn of(schema: &Schema, with_ddl: bool) -> Self {
        if !with_ddl {
            return Self { with_ddl, head: ROWS_BEGIN.to_owned(), tail: ROWS_END.to_owned() };
        }
        let mut plan = Plan::new(schema);
        let lines = |statements: &[Statement]| -> String {
            statements.iter().map(|statement| format!("{}\n\n", with_settings(statement).trim())).collect()
        };
        let mut tail = String::new();
        let mut of_tables: Vec<(TableName, Vec<Statement>)> = plan.of_tables.drain().collect();
        of_tables.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, own) in &of_tables {
            tail += &lines(own);
        }
        for later in [&plan.after, &plan.privileges, &plan.event_triggers, &plan.refreshes] {
            tail += &lines(later);
        }
        Self { with_ddl, head: lines(&plan.before), tail }
    }
}

impl SqlText for Script {
    fn head(&self) -> String {
        format!("{SETTINGS}\n{}", self.head)
    }

    fn rank(&self, table: &Table) -> Option<u8> {
        match special(table) {
            None => Some(0),
            // Their numbers may be those of others in a database that is there already.
            Some(Special::Objects | Special::Pages) if !self.with_ddl => None,
            Some(Special::Objects) => Some(1),
            Some(Special::Pages) => Some(2),
            Some(Special::Sequences) => Some(3),
        }
    }

    fn begin(&self, table: &Table) -> String {
        let mut begin = match self.with_ddl || !table.kind.is_user_table() {
            true => String::new(),
            false => without_triggers(&table.name),
        };
        if is_copied(table) {
            let columns = idents(table.columns.iter().map(|column| column.name.as_str()));
            begin += &format!("COPY {} ({columns}) FROM stdin;\n", quoted(&table.name));
        }
        begin
    }

    fn rows(&self, table: &Table, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let text = |row, column| match rows.value(row, column) {
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let mut line = |sql: String| out.extend_from_slice(format!("{sql}\n").as_bytes());
        match special(table) {
            None if is_copied(table) => copy_text::encode::rows(rows, out),
            None => (0..rows.rows()).for_each(|_| {
                line(format!("INSERT INTO {} DEFAULT VALUES;", quoted(&table.name)));
            }),
            Some(Special::Sequences) => (0..rows.rows()).for_each(|row| {
                let name = quoted(&TableName::qualified(text(row, 0), text(row, 1)));
                let called = text(row, 3) == "t";
                line(format!("SELECT pg_catalog.setval({}, {}, {called});", literal(&name), text(row, 2)));
            }),
            Some(Special::Objects) => {
                for row in 0..rows.rows() {
                    let oid = text(row, 0);
                    let given = |column| match rows.value(row, column) {
                        Value::Null => None,
                        _ => Some(text(row, column)),
                    };
                    line(format!("SELECT pg_catalog.lo_create({oid});"));
                    let (owner, privileges, comment) = (text(row, 1), given(2), given(3));
                    for statement in
                        properties(&oid, Some(&owner), privileges.as_deref(), comment.as_deref())?
                    {
                        line(statement.sql);
                    }
                }
            }
            Some(Special::Pages) => {
                for row in 0..rows.rows() {
                    let page: Option<u64> = text(row, 1).parse().ok();
                    let offset = page.and_then(|page| page.checked_mul(PAGE_BYTES));
                    let (Some(offset), Value::Blob(bytes)) = (offset, rows.value(row, 2)) else {
                        let message = format!("a row of {} is not a page of a large object", table.name);
                        return Err(EngineError::new(ErrorKind::Unstorable, message));
                    };
                    let hex = hex::encode(bytes);
                    line(format!("SELECT pg_catalog.lo_put({}, {offset}, '\\x{hex}');", text(row, 0)));
                }
            }
        }
        Ok(())
    }

    fn end(&self, table: &Table) -> String {
        if is_copied(table) { "\\.\n\n".to_owned() } else { String::new() }
    }

    fn tail(&self) -> String {
        self.tail.clone()
    }

    fn waits_for_keys(&self) -> bool {
        !self.with_ddl
    }
}

/// Has the triggers of a table rest while its rows come, for what they did is among the rows already; the end of the script has
/// them fire again as they did. Whoever loads it has to own the tables that have triggers, and no others.
fn without_triggers(table: &TableName) -> String {
    let of = literal(&quoted(table));
    format!(
        "DO $rowkeep$ DECLARE of regclass := {of}; own record; BEGIN
    FOR own IN SELECT tgname, tgenabled FROM pg_catalog.pg_trigger WHERE tgrelid = of AND NOT tgisinternal AND tgenabled <> 'D' LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', of, own.tgname);
        PERFORM pg_catalog.set_config('rowkeep.triggers', pg_catalog.current_setting('rowkeep.triggers') || pg_catalog.format(
            'ALTER TABLE %s ENABLE %s TRIGGER %I; ', of, CASE own.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END,
            own.tgname), false);
    END LOOP;
END $rowkeep$;\n"
    )
}

/// Whether the rows of a table come by `COPY`, which cannot put rows into a table without columns.
fn is_copied(table: &Table) -> bool {
    special(table).is_none() && !table.columns.is_empty()
}

/// Tables that stand for something else.
enum Special {
    Sequences,
    Objects,
    Pages,
}

fn special(table: &Table) -> Option<Special> {
    if table.kind.is_user_table() || table.name.schema.is_some() {
        return None;
    }
    match table.name.name.as_str() {
        sequences::NAME => Some(Special::Sequences),
        OBJECTS => Some(Special::Objects),
        DATA => Some(Special::Pages),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_stay_what_they_are() {
        let values = [
            ("a\"b", SqlValue::Text("it's \\ \"x\"".to_owned())),
            ("n", SqlValue::Integer(-3)),
            ("t", SqlValue::Boolean(true)),
        ];
        assert_eq!(
            insert("audit.log", &values),
            "INSERT INTO \"audit\".\"log\" (\"a\"\"b\", \"n\", \"t\") VALUES (E'it''s \\\\ \"x\"', -3, true)"
        );
        assert_eq!(probe("log", &["a", "b"]), "SELECT t.\"a\", t.\"b\" FROM \"log\" t LIMIT 0");
        assert_eq!(named("\"a.b\".\"c\"\"d\""), "\"a.b\".\"c\"\"d\"");
        assert_eq!(named("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
    }
}
