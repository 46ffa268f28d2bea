//! A schema of SQLite in the words of a translation.
//!
//! Its SQL is run in a database in memory, and SQLite's own pragmas tell what it means.

use rowkeep_format::{Schema, Table, TableKind, TableName};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::catalogue::Object;
use super::clauses::Clauses;
use super::definitions::{Definitions, create_after, create_table};
use super::error::when;
use super::names::quoted;
use crate::translate::outline::{
    ColumnOutline, DefaultValue, IndexOutline, Numbered, Outline, ReferenceOutline, TableOutline, action,
};
use crate::translate::{Note, NoteKind, Survey};
use crate::{EngineError, ErrorKind};

/// The name of an index that is made to learn the collations of columns.
const PROBE: &str = "rowkeep collations";

/// Reads a schema.
pub(crate) fn outline(schema: &Schema, survey: &Survey) -> Result<Outline, EngineError> {
    let definitions = Definitions::of(schema)?;
    let connection = memory().map_err(when("an SQLite database in memory"))?;
    let mut outline = Outline::default();
    for object in &definitions.before {
        if object.stored {
            let created = create_table(&connection, object);
            // A key in an order that only the application knows is no hindrance here; its collation is noted.
            if let Err(error) = created
                && (error.kind() != ErrorKind::Unsupported || !is_there(&connection, object))
            {
                return Err(error);
            }
        } else {
            outline.notes.push(Note::of_table(
                &TableName::plain(&object.name),
                NoteKind::Table,
                "the virtual table is left out, with the tables that it keeps its content in",
            ));
        }
    }
    for object in &definitions.after {
        after(&connection, object, &mut outline)?;
    }
    for table in schema.tables.iter().filter(|table| table.kind == TableKind::Table) {
        let sql = definitions.before.iter().find(|object| object.name == table.name.name);
        let clauses = sql.map(|object| Clauses::of(&object.sql)).unwrap_or_default();
        let reading = Reading { connection: &connection, table, clauses, survey };
        let read = reading.outline(&mut outline.notes);
        outline.tables.push(read.map_err(when(format!("table {}", table.name)))?);
    }
    Ok(outline)
}

fn memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA writable_schema = ON")?;
    connection.collation_needed(|connection, name| connection.create_collation(name, str::cmp))?;
    Ok(connection)
}

fn is_there(connection: &Connection, object: &Object) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    connection.query_row(sql, [&object.name], |row| row.get(0)).unwrap_or(false)
}

/// Creates what comes after rows where a pragma can tell of it; notes the rest.
fn after(connection: &Connection, object: &Object, outline: &mut Outline) -> Result<(), EngineError> {
    let table = TableName::plain(&object.table);
    let kind = match object.kind.as_str() {
        "index" => {
            let left_out = create_after(connection, object)?;
            outline.notes.extend(left_out.map(|note| Note::of_table(&table, NoteKind::Index, note)));
            return Ok(());
        }
        "view" => NoteKind::View,
        _ => NoteKind::Trigger,
    };
    let sql = object.sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let note = match kind {
        NoteKind::View => Note::new(kind, format!("view {} is left out: {sql}", object.name)),
        _ => Note::of_table(&table, kind, format!("trigger {} is left out: {sql}", object.name)),
    };
    outline.notes.push(note);
    Ok(())
}

/// A table that is being read.
struct Reading<'a> {
    connection: &'a Connection,
    table: &'a Table,
    clauses: Clauses,
    survey: &'a Survey,
}

/// A column as the pragmas have it.
struct Declared {
    name: String,
    default: Option<String>,
    /// Place in the primary key from 1, or 0.
    primary: u32,
    generated: bool,
}

/// A column of an index.
struct IndexColumn {
    /// Nothing for an expression.
    name: Option<String>,
    descends: bool,
    collation: String,
}

impl IndexColumn {
    fn is_bytewise(&self) -> bool {
        self.collation.eq_ignore_ascii_case("BINARY")
    }
}

impl Reading<'_> {
    fn outline(&self, notes: &mut Vec<Note>) -> rusqlite::Result<TableOutline> {
        let name = &self.table.name;
        let declared = self.declared()?;
        for column in declared.iter().filter(|column| column.generated) {
            let detail = "the column is computed and left out: its values are not in the snapshot";
            notes.push(Note::of_column(name, &column.name, NoteKind::Generated, detail));
        }
        for check in &self.clauses.checks {
            let sql = check.split_whitespace().collect::<Vec<_>>().join(" ");
            notes.push(Note::of_table(name, NoteKind::Check, format!("CHECK {sql} is left out")));
        }
        let find = |name: &str| declared.iter().find(|column| column.name == name);
        let stored = self.table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
        let columns = stored.map(|(source, column)| ColumnOutline {
            source,
            name: column.name.clone(),
            declared: column.type_name.clone(),
            base: column.type_name.clone(),
            labels: Vec::new(),
            not_null: column.not_null,
            default: find(&column.name).and_then(|found| found.default.as_deref()).and_then(default),
            numbered: None,
        });
        let mut outline = TableOutline {
            name: name.clone(),
            columns: columns.collect(),
            primary_key: Vec::new(),
            unique: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
        };
        self.primary_key(&declared, &mut outline, notes)?;
        self.indexes(&mut outline, notes)?;
        self.collations(&outline, notes)?;
        outline.references = self.references(&outline, notes)?;
        Ok(outline)
    }

    fn declared(&self) -> rusqlite::Result<Vec<Declared>> {
        let sql = "SELECT name, dflt_value, pk, hidden FROM pragma_table_xinfo(?1, 'main') ORDER BY cid";
        let mut statement = self.connection.prepare(sql)?;
        let columns = statement.query_map([&self.table.name.name], |row| {
            Ok(Declared {
                name: row.get(0)?,
                default: row.get(1)?,
                primary: row.get(2)?,
                generated: matches!(row.get(3)?, 2 | 3),
            })
        })?;
        columns.collect()
    }

    fn primary_key(
        &self,
        declared: &[Declared],
        outline: &mut TableOutline,
        notes: &mut Vec<Note>,
    ) -> rusqlite::Result<()> {
        let mut primary: Vec<&Declared> = declared.iter().filter(|column| column.primary > 0).collect();
        primary.sort_by_key(|column| column.primary);
        let places: Option<Vec<usize>> = primary.iter().map(|column| outline.place(&column.name)).collect();
        match places {
            Some(places) => outline.primary_key = places,
            None => notes.push(Note::of_table(
                &outline.name,
                NoteKind::Index,
                "the primary key is left out: a column of it is computed",
            )),
        }
        if primary.is_empty() && self.table.columns.iter().any(|column| column.hidden) {
            notes.push(Note::of_table(
                &outline.name,
                NoteKind::Other,
                "it has no primary key, and the rowids that SQLite knows its rows by are left out",
            ));
        }
        // Of all primary keys, only one that is another name for the rowid has no index.
        let sql = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'),
                          (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1)";
        let (has_index, without_rowid): (bool, bool) =
            self.connection.query_row(sql, [&self.table.name.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let [place] = outline.primary_key[..]
            && !has_index
            && !without_rowid
        {
            let given = self.survey.numbers.get(&self.table.name).copied();
            outline.columns[place].numbered = Some(Numbered { given });
        }
        Ok(())
    }

    fn indexes(&self, outline: &mut TableOutline, notes: &mut Vec<Note>) -> rusqlite::Result<()> {
        let sql = "SELECT name, \"unique\", origin, partial FROM pragma_index_list(?1, 'main')
                   WHERE origin <> 'pk' ORDER BY seq DESC";
        let mut statement = self.connection.prepare(sql)?;
        let indexes = statement.query_map([&self.table.name.name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        for index in indexes.collect::<rusqlite::Result<Vec<(String, bool, String, bool)>>>()? {
            let (name, unique, origin, partial) = index;
            let what = if origin == "u" { "a UNIQUE constraint".to_owned() } else { format!("index {name}") };
            let mut leave = |why: &str| {
                let detail = format!("{what} is left out: {why}");
                notes.push(Note::of_table(&outline.name, NoteKind::Index, detail));
            };
            if partial {
                leave("it is over some of the rows only");
                continue;
            }
            let columns = self.index_columns(&name)?;
            let places: Option<Vec<(usize, bool)>> = columns
                .iter()
                .map(|column| Some((outline.place(column.name.as_deref()?)?, column.descends)))
                .collect();
            let Some(places) = places else {
                leave("it is over an expression or a computed column");
                continue;
            };
            if let Some(column) = columns.iter().find(|column| !column.is_bytewise()) {
                let detail = format!("{what} compares text byte by byte, no longer by {}", column.collation);
                notes.push(Note::of_table(&outline.name, NoteKind::Collation, detail));
            }
            if origin == "u" {
                outline.unique.push(places.into_iter().map(|(place, _)| place).collect());
            } else {
                outline.indexes.push(IndexOutline { name, unique, columns: places });
            }
        }
        Ok(())
    }

    fn index_columns(&self, index: &str) -> rusqlite::Result<Vec<IndexColumn>> {
        let sql = "SELECT name, desc, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno";
        let mut statement = self.connection.prepare(sql)?;
        let columns = statement.query_map([index], |row| {
            Ok(IndexColumn { name: row.get(0)?, descends: row.get(1)?, collation: row.get(2)? })
        })?;
        columns.collect()
    }

    /// Notes columns whose text does not compare byte by byte; an index takes over the collations of its columns.
    fn collations(&self, outline: &TableOutline, notes: &mut Vec<Note>) -> rusqlite::Result<()> {
        let names: Vec<String> = outline.columns.iter().map(|column| quoted(&column.name)).collect();
        let (probe, table) = (quoted(PROBE), quoted(&self.table.name.name));
        let probed = format!("CREATE INDEX main.{probe} ON {table} ({})", names.join(", "));
        self.connection.execute_batch(&probed)?;
        let probed = self.index_columns(PROBE)?;
        self.connection.execute_batch(&format!("DROP INDEX main.{probe}"))?;
        for (column, probed) in outline.columns.iter().zip(probed) {
            if !probed.is_bytewise() {
                let detail = format!(
                    "text is told apart byte by byte, and sorted by the database's collation, no longer by {}",
                    probed.collation
                );
                notes.push(Note::of_column(&outline.name, &column.name, NoteKind::Collation, detail));
            }
        }
        Ok(())
    }

    fn references(
        &self,
        outline: &TableOutline,
        notes: &mut Vec<Note>,
    ) -> rusqlite::Result<Vec<ReferenceOutline>> {
        // The schema has those whose columns are all stored, in the order in which SQLite lists them.
        let sql = "SELECT id, \"from\", on_update, on_delete FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([&self.table.name.name])?;
        let mut actions: Vec<(i64, Vec<String>, String, String)> = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            match actions.last_mut().filter(|(last, ..)| *last == id) {
                Some((_, columns, ..)) => columns.push(row.get(1)?),
                None => actions.push((id, vec![row.get(1)?], row.get(2)?, row.get(3)?)),
            }
        }
        let orphans = self.survey.orphans.get(&self.table.name).map_or(&[][..], Vec::as_slice);
        let mut known = self.table.foreign_keys.iter().zip(orphans.iter().chain(std::iter::repeat(&0)));
        let mut references = Vec::new();
        for (_, columns, on_update, on_delete) in &actions {
            let places: Option<Vec<usize>> = columns.iter().map(|column| outline.place(column)).collect();
            let reference = places.and_then(|places| Some((places, known.next()?)));
            let Some((columns, (key, orphans))) = reference else {
                let detail =
                    format!("a reference with column {} is left out: it is computed", columns.join(", "));
                notes.push(Note::of_table(&outline.name, NoteKind::Reference, detail));
                continue;
            };
            references.push(ReferenceOutline {
                columns,
                references: key.references.clone(),
                referenced_columns: key.referenced_columns.clone(),
                on_update: action(on_update),
                on_delete: action(on_delete),
                deferred: false,
                orphans: *orphans,
            });
        }
        if self.clauses.deferred && !references.is_empty() {
            // Which of several is deferred, no pragma tells; one that is checked later holds up nobody.
            references.iter_mut().for_each(|reference| reference.deferred = true);
            if references.len() > 1 {
                let detail = "some references are checked at the end of a transaction; now all of them are";
                notes.push(Note::of_table(&outline.name, NoteKind::Reference, detail));
            }
        }
        Ok(references)
    }
}

/// A default, as SQLite keeps its text; nothing for NULL.
fn default(sql: &str) -> Option<DefaultValue> {
    let mut text = sql.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'))
        && !inner.contains(['(', ')'])
    {
        text = inner.trim();
    }
    let quoted = |quote: char| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        let undoubled = inner.replace(&format!("{quote}{quote}"), "");
        (!undoubled.contains(quote)).then(|| inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    };
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.parse::<f64>().is_ok_and(f64::is_finite);
    let same = |word: &str| text.replace(' ', "").eq_ignore_ascii_case(word);
    Some(if same("null") {
        return None;
    } else if is_number {
        DefaultValue::Number(text.trim_start_matches('+').to_owned())
    } else if same("true") || same("false") {
        DefaultValue::Boolean(same("true"))
    } else if ["current_timestamp", "datetime('now')", "(datetime('now'))"].iter().any(|known| same(known)) {
        DefaultValue::Now
    } else if ["current_date", "date('now')", "(date('now'))"].iter().any(|known| same(known)) {
        DefaultValue::Today
    } else if ["current_time", "time('now')", "(time('now'))"].iter().any(|known| same(known)) {
        DefaultValue::TimeOfDay
    } else if let Some(text) = quoted('\'').or_else(|| quoted('"')) {
        DefaultValue::Text(text)
    } else {
        DefaultValue::Other(text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_understood() {
        for (sql, expected) in [
            ("NULL", None),
            ("5", Some(DefaultValue::Number("5".into()))),
            ("-1.5e3", Some(DefaultValue::Number("-1.5e3".into()))),
            ("( + 7 )", Some(DefaultValue::Other("+ 7".into()))),
            ("'it''s'", Some(DefaultValue::Text("it's".into()))),
            ("\"new\"", Some(DefaultValue::Text("new".into()))),
            ("('a')", Some(DefaultValue::Text("a".into()))),
            ("'a' || 'b'", Some(DefaultValue::Other("'a' || 'b'".into()))),
            ("true", Some(DefaultValue::Boolean(true))),
            ("Current_Timestamp", Some(DefaultValue::Now)),
            ("datetime('now')", Some(DefaultValue::Now)),
            ("(date('now'))", Some(DefaultValue::Today)),
            ("inf", Some(DefaultValue::Other("inf".into()))),
            ("0x1F", Some(DefaultValue::Other("0x1F".into()))),
        ] {
            assert_eq!(default(sql), expected, "{sql}");
        }
    }
}
