//! A schema of SQLite in the words of a translation.
//!
//! Its SQL is run in a database in memory, and SQLite's own pragmas tell what it means.

mod default;
mod indexes;
mod references;

use std::collections::HashMap;

use rowkeep_format::{Schema, Table, TableKind, TableName};
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::clauses::Clauses;
use super::definitions::{Definitions, Maker};
use crate::EngineError;
use crate::outline::note::{Note, NoteKind};
use crate::outline::survey::Survey;
use crate::outline::tables::{ColumnOutline, Numbered, Outline, TableOutline, one_line};
use crate::sqlite::catalog::tables::Object;
use crate::sqlite::connect::collations;
use crate::sqlite::connect::error::when;
use default::default;

/// Reads a schema.
pub(crate) fn outline(schema: &Schema, survey: &Survey) -> Result<Outline, EngineError> {
    let definitions = Definitions::of(schema)?;
    let connection = memory().map_err(when("an SQLite database in memory"))?;
    let (mut outline, mut maker) = (Outline::default(), Maker::default());
    for object in &definitions.before {
        if object.stored {
            maker.create_table(&connection, object, None)?;
        } else {
            outline.notes.push(Note::of_table(
                &TableName::plain(&object.name),
                NoteKind::Table,
                "the virtual table is left out, with the tables that it keeps its content in",
            ));
        }
    }
    maker.finish(&connection)?;
    for object in &definitions.after {
        after(&mut maker, &connection, object, &mut outline)?;
    }
    maker.finish(&connection)?;
    let by_name: HashMap<&str, &Object> =
        definitions.before.iter().map(|object| (object.name.as_str(), object)).collect();
    for table in schema.tables.iter().filter(|table| table.kind == TableKind::Table) {
        let sql = by_name.get(table.name.name.as_str());
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
    collations::stand_in(&connection)?;
    Ok(connection)
}

/// Creates what comes after rows where a pragma can tell of it; notes the rest.
fn after(
    maker: &mut Maker,
    connection: &Connection,
    object: &Object,
    outline: &mut Outline,
) -> Result<(), EngineError> {
    let table = TableName::plain(&object.table);
    let kind = match object.kind.as_str() {
        "index" => {
            let left_out = maker.create_after_or_note(connection, object)?;
            outline.notes.extend(left_out.map(|note| Note::of_table(&table, NoteKind::Index, note)));
            return Ok(());
        }
        "view" => NoteKind::View,
        _ => NoteKind::Trigger,
    };
    let sql = one_line(&object.sql);
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

impl Reading<'_> {
    fn outline(&self, notes: &mut Vec<Note>) -> rusqlite::Result<TableOutline> {
        let name = &self.table.name;
        let declared = self.declared()?;
        for column in declared.iter().filter(|column| column.generated) {
            let detail = "the column is computed and left out: its values are not in the snapshot";
            notes.push(Note::of_column(name, &column.name, NoteKind::Generated, detail));
        }
        for check in &self.clauses.checks {
            let detail = format!("CHECK {} is left out", one_line(check));
            notes.push(Note::of_table(name, NoteKind::Check, detail));
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
        let mut outline = TableOutline::new(name.clone(), columns.collect());
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
            None => notes.push(outline.left_out("the primary key", "a column of it is computed")),
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
}
